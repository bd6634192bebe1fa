// Package codeowners reads GitLab's CODEOWNERS files and says who owns a path
// (docs.gitlab.com/user/project/codeowners/reference and /advanced).
//
// What always holds: any text is read, as GitLab reads it, and what cannot mean
// anything is told with its line; whether the owners exist, or may approve, is not
// known here.
package codeowners

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Most is the largest file that is read, in bytes.
const Most = 4 << 20

// Paths are where GitLab looks for the file, in its order: the first that is there
// counts, and no other.
func Paths() []string { return []string{"CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"} }

// Kind says how an owner is named.
type Kind string

// The kinds of owners.
const (
	Handle Kind = "handle" // @name: a user, or a group at the top
	Group  Kind = "group"  // @group/subgroup
	Role   Kind = "role"   // @@maintainer: the project's direct members with the role
	Email  Kind = "e-mail" // an address, which names a person
)

// Owner is one owner as the file names it.
type Owner struct {
	Kind Kind
	Name string // without @; a role in the singular
}

// Match is what one section says about a path.
type Match struct {
	Section   string // empty: the lines before any section
	Optional  bool   // its approval is not needed
	Approvals int    // how many it needs: at least 1
	Pattern   string // as it is written
	Line      int    // of the file, from 1
	Owners    []Owner
	Default   bool // the owners are the section's, not the line's
	All       bool // the pattern is for every file, and so says little about this one
}

// Problem is a line that does not mean what it seems to.
type Problem struct {
	Line    int
	Message string
}

// File is a CODEOWNERS file that was read. It is immutable.
type File struct {
	sections []*section
	problems []Problem
}

type section struct {
	name      string
	optional  bool
	approvals int
	owners    []Owner // for the lines that name none
	entries   []entry
}

type entry struct {
	pattern string
	glob    []string
	line    int
	exclude bool
	owners  []Owner
	inherit bool
	all     bool
}

var (
	// A heading is at the start of its line; what does not fit is a pattern.
	heading = regexp.MustCompile(`^(\^?)\[([^\]]*)\](?:\[(\d*)\])?(.*)$`)
	role    = regexp.MustCompile(`^@@(?i:(developer|maintainer|owner)s?)$`)
	handle  = regexp.MustCompile(`^@[0-9A-Za-z_][0-9A-Za-z_.\-]*(?:/[0-9A-Za-z_][0-9A-Za-z_.\-]*)*$`)
	email   = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)
)

// Parse reads a file. The error is for what is no CODEOWNERS file at all: too
// large, or binary.
func Parse(text []byte) (*File, error) {
	if len(text) > Most {
		return nil, fmt.Errorf("the CODEOWNERS file is larger than %d MiB: GitLab has no use for one of that size, so look at what it is", Most>>20)
	}
	if strings.IndexByte(string(text), 0) >= 0 {
		return nil, errors.New("the CODEOWNERS file is binary: write it as text")
	}
	f := &File{sections: []*section{{approvals: 1}}}
	now := f.sections[0]
	n := 0
	for line := range strings.SplitSeq(strings.TrimPrefix(string(text), "\ufeff"), "\n") {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if h := heading.FindStringSubmatch(line); h != nil && strings.TrimSpace(h[2]) != "" {
			now = f.section(n, h)
			continue
		}
		f.entry(now, n, line)
	}
	return f, nil
}

// Problems are the lines that do not mean what they seem to, in their order.
func (f *File) Problems() []Problem { return f.problems }

func (f *File) problem(line int, format string, args ...any) {
	f.problems = append(f.problems, Problem{line, fmt.Sprintf(format, args...)})
}

// section opens the section of a heading: one of that name goes on, letter case
// aside, is required as soon as one heading says so, and keeps its owners until a
// heading names others.
func (f *File) section(line int, h []string) *section {
	name, tail := strings.TrimSpace(h[2]), h[4]
	if tail != "" && strings.TrimLeft(tail, " \t") == tail {
		f.problem(line, "what stands behind the heading is not read: %.40q", tail)
		tail = ""
	}
	owners := f.owners(line, tail)
	approvals, err := strconv.Atoi(h[3])
	if h[3] != "" && (err != nil || approvals < 1) {
		f.problem(line, "[%.40s] is no number of approvals: GitLab takes 1", h[3])
	}
	approvals = max(1, approvals)
	for _, s := range f.sections[1:] {
		if strings.EqualFold(s.name, name) {
			s.optional = s.optional && h[1] != ""
			s.approvals = max(s.approvals, approvals)
			if len(owners) > 0 {
				s.owners = owners
			}
			return s
		}
	}
	s := &section{name: name, optional: h[1] != "", approvals: approvals, owners: owners}
	f.sections = append(f.sections, s)
	return s
}

func (f *File) entry(s *section, line int, text string) {
	if strings.HasPrefix(text, "[") || strings.HasPrefix(text, "^[") {
		f.problem(line, "%.40q is no heading of a section, so GitLab takes it for a pattern: close the bracket, and give it a name", text)
	}
	pattern, rest := cut(text)
	e := entry{pattern: pattern, line: line}
	if e.exclude = strings.HasPrefix(pattern, "!"); e.exclude {
		e.glob = normal(pattern[1:])
		s.entries = append(s.entries, e)
		return
	}
	e.glob, e.all = normal(pattern), everything(pattern)
	e.owners = f.owners(line, rest)
	if e.inherit = len(e.owners) == 0 && strings.TrimSpace(rest) == ""; e.inherit {
		e.owners = s.owners
		e.inherit = len(e.owners) > 0
	}
	if len(e.owners) == 0 {
		f.problem(line, "%.80q has no owners: GitLab approves it by itself", pattern)
	}
	s.entries = append(s.entries, e)
}

// cut takes the pattern off a line: it ends before the first space that no
// backslash stands before.
func cut(line string) (pattern, rest string) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ' ', '\t', '\v', '\f', '\r':
			if i > 0 && line[i-1] == '\\' {
				continue
			}
			return line[:i], line[i:]
		}
	}
	return line, ""
}

// owners reads what stands behind a pattern. Words that name nobody are told, up
// to a comment: GitLab knows none behind a pattern, so that whom it names are
// owners too.
func (f *File) owners(line int, text string) []Owner {
	var out []Owner
	comment := false
	for word := range strings.FieldsSeq(text) {
		comment = comment || strings.HasPrefix(word, "#")
		o, ok := read(word)
		if !ok && !comment {
			f.problem(line, "%.40q names nobody: owners are @user, @group/subgroup, @@role or an e-mail address", word)
		}
		if ok && comment {
			f.problem(line, "whom a comment behind a pattern names is an owner: GitLab knows no such comments")
		}
		if ok {
			out = append(out, o)
		}
	}
	return out
}

func read(word string) (Owner, bool) {
	if r := role.FindStringSubmatch(word); r != nil {
		return Owner{Role, strings.ToLower(r[1])}, true
	}
	switch {
	case handle.MatchString(word) && strings.Contains(word, "/"):
		return Owner{Group, word[1:]}, true
	case handle.MatchString(word):
		return Owner{Handle, word[1:]}, true
	case email.MatchString(word):
		return Owner{Email, word}, true
	}
	return Owner{}, false
}

// Match is what each section says about a path within the repository, in the order
// of the sections: its last line that matches, unless one of its exclusions does.
// A line without owners matches all the same, and then nobody owns the path.
func (f *File) Match(path string) []Match {
	parts := strings.Split(strings.TrimLeft(path, "/"), "/")
	var out []Match
	for _, s := range f.sections {
		if e := s.last(parts); e != nil {
			out = append(out, Match{
				Section: s.name, Optional: s.optional, Approvals: s.approvals,
				Pattern: e.pattern, Line: e.line, Owners: e.owners, Default: e.inherit, All: e.all,
			})
		}
	}
	return out
}

// last is the last line that matches; nil: none, or the path is excluded.
func (s *section) last(parts []string) *entry {
	var last *entry
	for i := range s.entries {
		e := &s.entries[i]
		if !matches(e.glob, parts) {
			continue
		}
		if e.exclude {
			return nil
		}
		last = e
	}
	return last
}
