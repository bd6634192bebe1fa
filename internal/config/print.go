package config

import (
	"fmt"
	"strings"
)

// Line is one field with its value, for people and programs.
type Line struct {
	Key   string `json:"key"`
	Value string `json:"value"` // a secret that is there: [redacted]
	From  string `json:"from"`  // default, file, environment or flag
	Place string `json:"place"` // such as /etc/cxm/cxm.yaml:3:11; empty: of a default
	Env   string `json:"env"`
}

// Lines are all fields with their values.
func (l *Loaded) Lines() []Line {
	var out []Line
	for _, f := range Fields() {
		o := l.Origin(f.Key)
		line := Line{Key: f.Key, Value: f.Text(&l.Config), From: string(o.From), Env: f.Env}
		if o.From != FromDefault {
			line.Place = strings.TrimPrefix(o.String(), "environment variable ")
		}
		out = append(out, line)
	}
	return append(out, l.SignIn.line())
}

// YAML is the configuration as a file, each value with where it comes from. A
// secret in it is redacted, so it is for people.
func (l *Loaded) YAML() string {
	return document(&l.Config, func(f Field) (above, behind string) {
		if o := l.Origin(f.Key); o.From != FromDefault {
			return "", strings.TrimPrefix(o.String(), "environment variable ")
		}
		return "", "default"
	}, false) + l.SignIn.document()
}

// DefaultYAML is a file that says what holds anyway: every field, commented out,
// with what it is for.
func DefaultYAML() string {
	c := Default()
	const head = `# The configuration of cxm. A flag goes before its environment variable, that
# before this file, that before the default. Every line that is commented out
# says what holds anyway. ` + "`cxm config check`" + ` finds what is wrong.

`
	return head + document(&c, func(f Field) (above, behind string) {
		above = strings.ToUpper(f.Help[:1]) + f.Help[1:]
		if f.Unset != "" {
			above += ". Empty: " + f.Unset
		}
		return above + " (" + f.Env + ").", ""
	}, true) + "\n# Providers that people may sign in with are a list, signin.providers: docs/signin.md\n# shows one.\n"
}

// document writes all fields as YAML; comment says what stands above and behind
// the value of each. Off: all is commented out but the names of sections.
func document(c *Config, comment func(Field) (above, behind string), off bool) string {
	var b strings.Builder
	section := ""
	for _, f := range Fields() {
		if f.section() != section {
			section = f.section()
			if off {
				b.WriteString("\n#")
			}
			fmt.Fprintf(&b, "%s:\n", section)
		}
		indent := ""
		if section != "" {
			indent = "  "
		}
		above, behind := comment(f)
		if above != "" {
			fmt.Fprintf(&b, "%s# %s\n", indent, above)
		}
		if off {
			indent = "#" + indent
		}
		fmt.Fprintf(&b, "%s%s: %s", indent, f.name(), f.bind(c).example())
		if behind != "" {
			fmt.Fprintf(&b, "  # %s", behind)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// Markdown is the table of fields in docs/configuration.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| In the file | Variable | Flag | Default | What it is |\n|---|---|---|---|---|\n")
	for _, f := range Fields() {
		variable := code(f.Env)
		if f.Secret {
			variable += ", " + code(f.EnvFile())
		}
		flag, standard := "", code(f.Default())
		if f.Flag != "" {
			flag = code("--" + f.Flag)
		}
		if f.Default() == "" {
			standard = f.Unset
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code(f.Key), variable, flag, standard, f.Help)
	}
	return b.String()
}

// InputsMarkdown is the table of the variables that are no configuration.
func InputsMarkdown() string {
	var b strings.Builder
	b.WriteString("| Variable | What |\n|---|---|\n")
	for _, i := range Inputs() {
		fmt.Fprintf(&b, "| %s | %s |\n", code(i.Env), i.Help)
	}
	return b.String()
}

func code(text string) string { return "`" + text + "`" }
