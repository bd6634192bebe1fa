package importlaw

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
)

// checkShape lists what one hand-written file does that the house does not:
// too many lines, an init function, a package variable that can change.
func (m *module) checkShape(l law, f file) []string {
	var broken []string
	if f.lines > longest {
		broken = append(broken, fmt.Sprintf("%s has %d lines, more than %d: look for the second noun", f.name, f.lines, longest))
	}
	for _, decl := range f.syntax.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.Name == "init" && d.Recv == nil {
				broken = append(broken, m.place(d.Pos())+": an init function: what a package needs comes in through a constructor")
			}
		case *ast.GenDecl:
			broken = append(broken, m.checkVars(l, f, d)...)
		}
	}
	return broken
}

func (m *module) checkVars(l law, f file, d *ast.GenDecl) []string {
	if d.Tok != token.VAR {
		return nil
	}
	var broken []string
	for _, each := range d.Specs {
		spec, ok := each.(*ast.ValueSpec)
		if !ok {
			continue
		}
		for i, name := range spec.Names {
			if _, excepted := l.vars[f.pkg+"."+name.Name]; !excepted && !constant(f, spec, i) {
				broken = append(broken, fmt.Sprintf("%s: package variable %s is none of the allowed forms: make it a constant, a function or a field", m.place(name.Pos()), name.Name))
			}
		}
	}
	return broken
}

// constant says whether the i-th variable of spec is one of the forms that
// nobody has a reason to assign to:
//
//	var _ Interface = (*Type)(nil)         a promise checked by the compiler
//	var files embed.FS                     filled by the compiler
//	var errX = errors.New("text")          an error to compare with; fmt.Errorf too
//	var pattern = regexp.MustCompile(`x`)  safe for concurrent use, cannot change
//	var table = sync.OnceValue(build)      built on first use, cannot change
func constant(f file, spec *ast.ValueSpec, i int) bool {
	if len(spec.Values) == 0 {
		return called(f, spec.Type, "embed", "FS")
	}
	if spec.Names[i].Name == "_" {
		return spec.Type != nil
	}
	call, ok := spec.Values[min(i, len(spec.Values)-1)].(*ast.CallExpr)
	if !ok || len(spec.Values) != len(spec.Names) {
		return false
	}
	return called(f, call.Fun, "errors", "New") ||
		called(f, call.Fun, "fmt", "Errorf") ||
		called(f, call.Fun, "regexp", "MustCompile") ||
		called(f, call.Fun, "sync", "OnceValue") ||
		called(f, call.Fun, "sync", "OnceValues")
}

// called says whether x is name of the standard library's package pkg.
func called(f file, x ast.Expr, pkg, name string) bool {
	if generic, ok := x.(*ast.IndexExpr); ok {
		x = generic.X
	}
	use, ok := x.(*ast.SelectorExpr)
	if !ok || use.Sel.Name != name {
		return false
	}
	from, ok := use.X.(*ast.Ident)
	return ok && from.Name == pkg && imports(f, pkg)
}

// checkVarExceptions lists the exceptions for variables that are not there.
func (m *module) checkVarExceptions(l law) []string {
	there := map[string]bool{}
	for _, f := range m.files {
		for _, decl := range f.syntax.Decls {
			for name := range varNames(decl) {
				there[f.pkg+"."+name] = true
			}
		}
	}
	var broken []string
	for _, each := range slices.Sorted(maps.Keys(l.vars)) {
		if !there[each] {
			broken = append(broken, fmt.Sprintf("the law excepts the variable %s, which does not exist: take the exception out", each))
		}
	}
	return broken
}

func varNames(decl ast.Decl) map[string]bool {
	names := map[string]bool{}
	d, ok := decl.(*ast.GenDecl)
	if !ok || d.Tok != token.VAR {
		return names
	}
	for _, each := range d.Specs {
		if spec, ok := each.(*ast.ValueSpec); ok {
			for _, name := range spec.Names {
				names[strings.TrimSpace(name.Name)] = true
			}
		}
	}
	return names
}
