package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"cxm/internal/rule/rulebook/form"
)

// DefaultFile is read when no other is named, if it is there.
const DefaultFile = "/etc/cxm/cxm.yaml"

// Sources are where a configuration is read from.
type Sources struct {
	File  string                      // that somebody named; empty: CXM_CONFIG, else Usual
	Usual string                      // the file when none is named, if it is there; empty: none
	Env   func(string) (string, bool) // os.LookupEnv; nil: no environment. An empty variable counts as not set
	Flags map[string]string           // by the key of a field: the text of the flags that were given
}

// From says where a value came from.
type From string

// The sources, the stronger ones later.
const (
	FromDefault     From = "default"
	FromFile        From = "file"
	FromEnvironment From = "environment"
	FromFlag        From = "flag"
)

// Origin is the place of a value.
type Origin struct {
	From         From
	Name         string // of the file, the variable or the flag
	Line, Column int    // in the file
}

// String is the place as problems name it: cxm.yaml:3:11, CXM_LISTEN, --listen.
func (o Origin) String() string {
	switch o.From {
	case FromFile:
		return fmt.Sprintf("%s:%d:%d", o.Name, o.Line, o.Column)
	case FromEnvironment:
		return "environment variable " + o.Name
	case FromFlag:
		return "--" + o.Name
	}
	return "default"
}

// Loaded is a configuration, and where its values come from.
type Loaded struct {
	Config
	File    string            // that was read; empty: none
	origins map[string]Origin // by key; none: the default
}

// Origin is where the value of a field comes from.
func (l *Loaded) Origin(key string) Origin {
	if o, ok := l.origins[key]; ok {
		return o
	}
	return Origin{From: FromDefault}
}

// Wrong is an error about the value of a field, with its place.
func (l *Loaded) Wrong(key string, err error) error {
	o := l.Origin(key)
	if o.From == FromFlag || o.From == FromEnvironment {
		return fmt.Errorf("%s: %w", o, err)
	}
	return fmt.Errorf("%s: %s: %w", o, key, err)
}

// Load reads a configuration. The error is all that is wrong, joined, each with
// its place and the mend.
func Load(s Sources) (*Loaded, error) {
	l := &Loaded{Config: Default(), origins: map[string]Origin{}}
	err := l.file(s)
	for _, f := range Fields() {
		err = errors.Join(err, l.override(f, s))
	}
	if err == nil {
		err = l.check()
	}
	return l, err
}

// override takes the value of a field from its flag, or else from its variable.
func (l *Loaded) override(f Field, s Sources) error {
	if text, given := s.Flags[f.Key]; given {
		return l.take(f, text, Origin{From: FromFlag, Name: f.Flag})
	}
	text, file := s.env(f.Env), ""
	if f.Secret {
		file = s.env(f.EnvFile())
	}
	switch {
	case text != "" && file != "":
		return fmt.Errorf("environment variable %s: %s is set too: unset one of the two", f.Env, f.EnvFile())
	case text != "":
		return l.take(f, text, Origin{From: FromEnvironment, Name: f.Env})
	case file != "":
		read, err := readSecret(file)
		if err != nil {
			return fmt.Errorf("environment variable %s: %w", f.EnvFile(), err)
		}
		return l.take(f, read, Origin{From: FromEnvironment, Name: f.EnvFile()})
	}
	return nil
}

func (s Sources) env(name string) string {
	if s.Env == nil {
		return ""
	}
	text, _ := s.Env(name)
	return text
}

func (l *Loaded) take(f Field, text string, from Origin) error {
	if err := f.bind(&l.Config).set(text); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	l.origins[f.Key] = from
	return nil
}

// most is how large a file may be that holds one value.
const most = 64 << 10

// readSecret reads a value from a file, as containers are given them: a line break
// at its end is no part of it.
func readSecret(name string) (string, error) {
	text, err := readFile(name, most)
	if err != nil {
		return "", err
	}
	value := strings.TrimRight(string(text), "\r\n")
	if value == "" {
		return "", fmt.Errorf("%s is empty: write the value into it, or unset the variable", name)
	}
	return value, nil
}

func readFile(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w: name a file that cxm may read", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("%w: name a file that cxm may read", err)
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s has more than %d bytes: name another file", name, most)
	}
	return text, nil
}

// file reads the file, if there is one.
func (l *Loaded) file(s Sources) error {
	name, why := s.File, ""
	if name == "" {
		name, why = s.env("CXM_CONFIG"), "environment variable CXM_CONFIG: "
	}
	if s.File != "" {
		why = "--config: "
	}
	if name == "" {
		if name, why = s.Usual, ""; name == "" {
			return nil
		}
		if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) {
			return nil
		}
	}
	text, err := readFile(name, 1<<20)
	if err != nil {
		return fmt.Errorf("%sreading the configuration: %w", why, err)
	}
	l.File = name
	return l.parse(name, text)
}

// parse takes the values of a file.
func (l *Loaded) parse(name string, text []byte) error {
	if blank(text) {
		return nil
	}
	f, root := form.Open(name, text)
	if root != nil {
		s := sheet{loaded: l, name: name}
		s.whole().Read(root, &s)
	}
	if problems := f.Problems(); len(problems) > 0 {
		return problems
	}
	return nil
}

// blank says that nothing is in a file but comments.
func blank(text []byte) bool {
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff")); line != "" && line[0] != '#' {
			return false
		}
	}
	return true
}

// sheet is a file that is being read.
type sheet struct {
	loaded *Loaded
	name   string
}

// whole is what a file may hold.
func (s *sheet) whole() form.Value[sheet] {
	var top []form.Field[sheet]
	fields := Fields()
	for len(fields) > 0 {
		section := fields[0].section()
		if section == "" {
			top = append(top, field(fields[0]))
			fields = fields[1:]
			continue
		}
		end := slices.IndexFunc(fields, func(f Field) bool { return f.section() != section })
		if end < 0 {
			end = len(fields)
		}
		var inner []form.Field[sheet]
		for _, f := range fields[:end] {
			inner = append(inner, field(f))
		}
		top = append(top, form.At(section, form.Object(inner...), func(s *sheet) *sheet { return s }, ""))
		fields = fields[end:]
	}
	return form.Object(append(top, s.signIn())...)
}

// field is one field of a file, which is set as it is read.
func field(f Field) form.Field[sheet] {
	leaf := f.bind(new(Config)).leaf()
	return form.At(f.name(), form.Value[sheet]{Schema: leaf.Schema, Read: func(n *form.Node, s *sheet) {
		var text string
		if !form.Took(n, leaf, &text) {
			return
		}
		if err := f.bind(&s.loaded.Config).set(text); err != nil {
			message, mend := cut(err)
			n.Wrong(mend, "%s", message)
			return
		}
		s.loaded.origins[f.Key] = Origin{FromFile, s.name, n.Line, n.Column}
	}}, func(s *sheet) *sheet { return s }, f.Help)
}
