package importlaw

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// longest is how many lines a hand-written file may have.
const longest = 500

// file is one production source file.
type file struct {
	name   string // relative to the module's root, with slashes
	pkg    string // its folder, "." for the root
	syntax *ast.File
	lines  int
}

// module is what the checks read of a module: its files, parsed.
type module struct {
	path  string // as go.mod names it
	fset  *token.FileSet
	files []file // production files
	tests []file // test files; they may import what they like
}

// findRoot walks up from dir to the folder that holds go.mod.
func findRoot(dir string) (string, error) {
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod in this folder or above it")
		}
		dir = up
	}
}

// read parses every production file of the module at root. Modules nested in
// it, testdata and hidden folders are no part of it, as for the go command.
func read(root string) (*module, error) {
	gomod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	m := &module{fset: token.NewFileSet(), path: modulePath(gomod)}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && skipped(path):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		return m.add(root, path)
	})
	return m, err
}

func modulePath(gomod []byte) string {
	for text := range strings.Lines(string(gomod)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(text), "module "); ok {
			return strings.TrimSpace(path)
		}
	}
	return ""
}

func skipped(dir string) bool {
	base := filepath.Base(dir)
	if base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func (m *module) add(root, path string) error {
	name, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	name = filepath.ToSlash(name)
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(m.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	f := file{name: name, pkg: filepath.ToSlash(filepath.Dir(name)), syntax: syntax, lines: bytes.Count(src, []byte("\n"))}
	switch {
	case strings.HasSuffix(name, "_test.go"):
		m.tests = append(m.tests, f)
	case !pinsTools(syntax):
		m.files = append(m.files, f)
	}
	return nil
}

// pinsTools says that a file is built by nobody and only keeps requirements in
// go.mod. Other build constraints do not take a file out of the law.
func pinsTools(f *ast.File) bool {
	for _, group := range f.Comments {
		for _, c := range group.List {
			if c.Pos() < f.Package && (c.Text == "//go:build tools" || c.Text == "//go:build ignore") {
				return true
			}
		}
	}
	return false
}

// packages groups the files by folder, in order.
func (m *module) packages() map[string][]file {
	out := map[string][]file{}
	for _, f := range m.files {
		out[f.pkg] = append(out[f.pkg], f)
	}
	return out
}

// check lists what breaks the law, each with its place, sorted.
func check(m *module, l law) []string {
	var broken []string
	packages := m.packages()
	for _, pkg := range slices.Sorted(maps.Keys(packages)) {
		broken = append(broken, m.checkPackage(l, pkg, packages[pkg])...)
	}
	for _, f := range m.tests {
		broken = append(broken, m.checkSleep(f)...)
	}
	for _, each := range l.lines {
		if packages[each.pkg] == nil && !m.tested(each.pkg) {
			broken = append(broken, fmt.Sprintf("the law has a line for %s, which does not exist: take the line out", each.pkg))
		}
	}
	broken = append(broken, m.checkVarExceptions(l)...)
	slices.Sort(broken)
	return broken
}

func (m *module) checkPackage(l law, pkg string, files []file) []string {
	at, ok := l.find(pkg)
	if !ok {
		return []string{fmt.Sprintf("%s has no line in the law: say there what it may import", pkg)}
	}
	var broken []string
	name := files[0].syntax.Name.Name
	if slices.Contains(junk(), name) || slices.Contains(junk(), filepath.Base(pkg)) {
		broken = append(broken, fmt.Sprintf("%s: the name %s says nothing about what the package is for", pkg, name))
	}
	if !documented(files) {
		broken = append(broken, fmt.Sprintf("%s has no package comment: say what it is for and what always holds", pkg))
	}
	for _, f := range files {
		broken = append(broken, m.checkImports(l, at, f)...)
		if at.pure {
			broken = append(broken, m.checkClock(f)...)
		}
		if !ast.IsGenerated(f.syntax) {
			broken = append(broken, m.checkShape(l, f)...)
		}
	}
	return broken
}

// documented says whether a package opens with its comment. One that is all
// generated cannot.
func documented(files []file) bool {
	if !slices.ContainsFunc(files, func(f file) bool { return !ast.IsGenerated(f.syntax) }) {
		return true
	}
	return slices.ContainsFunc(files, func(f file) bool {
		text := f.syntax.Doc.Text()
		if f.syntax.Name.Name == "main" {
			return strings.HasPrefix(text, "Command "+filepath.Base(f.pkg)+" ")
		}
		return strings.HasPrefix(text, "Package "+f.syntax.Name.Name+" ")
	})
}

func (m *module) checkImports(l law, at line, f file) []string {
	var broken []string
	for _, spec := range f.syntax.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			path = spec.Path.Value
		}
		if why := m.forbids(l, at, path); why != "" {
			broken = append(broken, fmt.Sprintf("%s: %s %s", m.place(spec.Pos()), f.pkg, why))
		}
	}
	return broken
}

// forbids says why a package under the line may not import path; "" allows it.
func (m *module) forbids(l law, at line, path string) string {
	if path == m.path || strings.HasPrefix(path, m.path+"/") {
		ours := strings.TrimPrefix(strings.TrimPrefix(path, m.path), "/")
		if !l.allows(at, ours) {
			return fmt.Sprintf("may not import %s (its line allows %s)", cmp.Or(ours, "the module's root"), orNothing(at.may))
		}
		return ""
	}
	if at.pure && slices.Contains(impure(), path) {
		return fmt.Sprintf("may not import %s: it is pure, so everything comes in as a value", path)
	}
	for prefix, who := range l.reserved {
		if inTree(path, prefix) {
			if !slices.ContainsFunc(who, func(w string) bool { return inTree(at.pkg, w) }) {
				return fmt.Sprintf("may not import %s, which is only for %s", path, strings.Join(who, ", "))
			}
		}
	}
	return ""
}

func orNothing(may []string) string {
	if len(may) == 0 {
		return "nothing of ours"
	}
	return strings.Join(may, ", ")
}

// tested says whether a folder holds tests.
func (m *module) tested(pkg string) bool {
	return slices.ContainsFunc(m.tests, func(f file) bool { return f.pkg == pkg })
}

func (m *module) checkClock(f file) []string {
	var broken []string
	for name, pos := range timeUses(f) {
		if slices.Contains(clock(), name) {
			broken = append(broken, fmt.Sprintf("%s: %s may not use time.%s: it is pure and gets the time as an argument", m.place(pos), f.pkg, name))
		}
	}
	return broken
}

// checkSleep lists where a test waits in real time: slow, and still not sure.
// In a bubble of testing/synctest time is not real. A benchmark may sleep to
// stand in for a server's latency.
func (m *module) checkSleep(f file) []string {
	if imports(f, "testing/synctest") || strings.HasSuffix(f.name, "bench_test.go") {
		return nil
	}
	var broken []string
	for name, pos := range timeUses(f) {
		if name == "Sleep" {
			broken = append(broken, m.place(pos)+": a test that sleeps is slow and still not sure: wait for a condition, or use testing/synctest")
		}
	}
	return broken
}

// timeUses yields every use of something in package time.
func timeUses(f file) iter.Seq2[string, token.Pos] {
	return func(yield func(string, token.Pos) bool) {
		for n := range ast.Preorder(f.syntax) {
			use, ok := n.(*ast.SelectorExpr)
			if !ok {
				continue
			}
			if from, ok := use.X.(*ast.Ident); ok && from.Name == "time" && !yield(use.Sel.Name, use.Pos()) {
				return
			}
		}
	}
}

// imports says whether a file imports a package under its own name.
func imports(f file, path string) bool {
	return slices.ContainsFunc(f.syntax.Imports, func(s *ast.ImportSpec) bool {
		return s.Name == nil && s.Path.Value == strconv.Quote(path)
	})
}

// place is where in the module something stands.
func (m *module) place(pos token.Pos) string {
	at := m.fset.Position(pos)
	return fmt.Sprintf("%s:%d", at.Filename, at.Line)
}

// matches says whether a package is the one that an entry of a line names.
func matches(pkg, entry string) bool {
	if tree, ok := strings.CutSuffix(entry, "/..."); ok {
		return inTree(pkg, tree)
	}
	return pkg == entry
}

// inTree says whether path is root or beneath it.
func inTree(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}
