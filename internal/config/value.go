package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cxm/internal/credential"
	"cxm/internal/rule/rulebook/form"
)

// value is a field of one Config: how its text is read and written, and how it
// stands in a file.
type value interface {
	set(text string) error // whose error ends in the mend
	text() string          // that set would read; of a secret only whether it is there
	kind() string          // for help
	leaf() form.Value[string]
	example() string // as YAML
}

// words is a value of any text.
type words struct{ to *string }

func (v words) set(text string) error    { *v.to = text; return printable(text) }
func (v words) text() string             { return *v.to }
func (v words) kind() string             { return "text" }
func (v words) leaf() form.Value[string] { return form.AnyText() }
func (v words) example() string          { return strconv.Quote(*v.to) }

func printable(text string) error {
	if strings.ContainsAny(text, "\x00\n\r") {
		return fmt.Errorf("%.40q has line breaks or NUL characters: write it on one line", text)
	}
	return nil
}

// hidden is a value that nothing shows.
type hidden struct{ to *credential.Secret }

func (v hidden) set(text string) error { *v.to = credential.NewSecret(text); return nil }
func (v hidden) kind() string          { return "secret" }
func (v hidden) example() string       { return strconv.Quote(v.text()) }

func (v hidden) text() string {
	if v.to.Empty() {
		return ""
	}
	return v.to.String()
}

// leaf says nothing of what stands there, whatever that is.
func (v hidden) leaf() form.Value[string] {
	plain := form.AnyText()
	return form.Value[string]{Schema: plain.Schema, Read: func(n *form.Node, into *string) {
		if !n.Texts() {
			n.Wrong("write it as text, in quotes", "is no text")
			return
		}
		plain.Read(n, into)
	}}
}

// whole is a whole number from least to most; most 0: as large as numbers are.
type whole struct {
	to          *int
	least, most int
}

func (v whole) text() string    { return strconv.Itoa(*v.to) }
func (v whole) kind() string    { return "number" }
func (v whole) example() string { return v.text() }

func (v whole) set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < v.least || v.most > 0 && n > v.most {
		return fmt.Errorf("%q: use a whole number from %d%s", text, v.least, upTo(v.most))
	}
	*v.to = n
	return nil
}

func upTo(most int) string {
	if most == 0 {
		return ""
	}
	return fmt.Sprintf(" to %d", most)
}

func (v whole) leaf() form.Value[string] {
	most := v.most
	if most == 0 {
		most = math.MaxInt32
	}
	return form.Parsed(form.Whole(v.least, most), func(n int) (string, error) { return strconv.Itoa(n), nil })
}

// span is a duration of at least least, as Go writes them.
type span struct {
	to    *time.Duration
	least time.Duration
}

func (v span) text() string             { return v.to.String() }
func (v span) kind() string             { return "duration" }
func (v span) leaf() form.Value[string] { return form.Text() }
func (v span) example() string          { return v.text() }

func (v span) set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < v.least {
		return fmt.Errorf("%q: use a time such as 20s, 5m or 1h30m, at least %s", text, v.least)
	}
	*v.to = d
	return nil
}

// yes is true or false.
type yes struct{ to *bool }

func (v yes) text() string    { return strconv.FormatBool(*v.to) }
func (v yes) kind() string    { return "true or false" }
func (v yes) example() string { return v.text() }

func (v yes) set(text string) error {
	b, err := strconv.ParseBool(text)
	if err != nil {
		return fmt.Errorf("%q: use true or false", text)
	}
	*v.to = b
	return nil
}

func (v yes) leaf() form.Value[string] {
	return form.Parsed(form.Bool(), func(b bool) (string, error) { return strconv.FormatBool(b), nil })
}

// one is one of a few words.
type one struct {
	to *string
	of []string
}

func (v one) text() string             { return *v.to }
func (v one) kind() string             { return form.Or(v.of) }
func (v one) leaf() form.Value[string] { return form.Choice(v.of...) }
func (v one) example() string          { return v.text() }

func (v one) set(text string) error {
	if !slices.Contains(v.of, text) {
		return fmt.Errorf("%q: use %s", text, form.Or(v.of))
	}
	*v.to = text
	return nil
}

// many is a list of texts, in one text separated by commas or blanks.
type many struct{ to *[]string }

func (v many) text() string { return strings.Join(*v.to, ",") }
func (v many) kind() string { return "list" }

func (v many) set(text string) error {
	*v.to = strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t\n", r) })
	return nil
}

func (v many) leaf() form.Value[string] {
	each := form.Text().Checked(func(text string) (message, mend string) {
		if strings.ContainsAny(text, ", \t\n") {
			return fmt.Sprintf("%.40q is more than one", text), "write each on a line of its own"
		}
		return "", ""
	})
	return form.Parsed(form.List(each), func(all []string) (string, error) { return strings.Join(all, ","), nil })
}

func (v many) example() string {
	quoted := make([]string, len(*v.to))
	for i, each := range *v.to {
		quoted[i] = strconv.Quote(each)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// cut divides the text of an error into what is wrong and the mend.
func cut(err error) (message, mend string) {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[:i], text[i+2:]
	}
	return text, ""
}
