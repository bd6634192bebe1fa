package care

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/integration/check"
)

// screen is how wide the reader's screen is; 80 when there is none.
func screen(w io.Writer) int {
	f, ok := w.(interface{ Fd() uintptr })
	if !ok {
		return 80
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 40 {
		return 80
	}
	return min(width, 110)
}

// colored says whether a stream takes colors: only a terminal does, and not where
// the person wants none (no-color.org).
func colored(stream any) bool { return shell.Terminal(stream) && os.Getenv("NO_COLOR") == "" }

// report prints results for a person: each group once all of it is known.
type report struct {
	out   io.Writer
	width int
	color bool
	brief bool // leaves out what was not checked
	known map[string]check.Result
	shown int // groups
	begun bool
}

// column is where texts begin.
const column = 33

func (r *report) tell(c check.Result) {
	if r.known == nil {
		r.known = map[string]check.Result{}
	}
	r.known[c.Name] = c
	for groups := check.Groups(); r.shown < len(groups); r.shown++ {
		results, whole := r.of(groups[r.shown])
		if !whole {
			return
		}
		r.group(groups[r.shown], results)
	}
}

// of lists the results of a group, and says whether all are known.
func (r *report) of(g check.Group) ([]check.Result, bool) {
	var out []check.Result
	for _, c := range check.Checks() {
		if c.Group != g {
			continue
		}
		known, ok := r.known[c.Name]
		if !ok {
			return nil, false
		}
		out = append(out, known)
	}
	return out, true
}

func (r *report) group(g check.Group, results []check.Result) {
	if r.brief {
		results = slices.DeleteFunc(results, func(c check.Result) bool { return c.Outcome == check.NotChecked })
	}
	if len(results) == 0 {
		return
	}
	if r.begun {
		fmt.Fprintln(r.out)
	}
	r.begun = true
	fmt.Fprintln(r.out, r.paint("1", string(g)))
	skipped := map[string][]string{} // reason -> names of checks
	var reasons []string
	for _, c := range results {
		if c.Outcome != check.NotChecked || c.Evidence != "" {
			r.line(c)
			continue
		}
		if skipped[c.Cause] == nil {
			reasons = append(reasons, c.Cause)
		}
		skipped[c.Cause] = append(skipped[c.Cause], c.Name)
	}
	for _, why := range reasons {
		r.skipped(skipped[why], why)
	}
}

// skipped folds checks that were not made for one reason.
func (r *report) skipped(names []string, why string) {
	text := why
	if len(names) > 1 {
		text += "; nor " + strings.Join(names[1:], ", ")
	}
	r.wrap(r.head(check.NotChecked, names[0]), text)
}

func (r *report) head(o check.Outcome, name string) string {
	return "  " + r.outcome(o) + " " + pad(name, column-15)
}

func (r *report) line(c check.Result) {
	below := strings.Repeat(" ", column)
	r.wrap(r.head(c.Outcome, c.Name), cmp.Or(c.Cause, c.Evidence, c.Asks+" Yes."))
	if c.Outcome != check.OK && c.Cause != "" && c.Evidence != "" {
		r.wrap(below, "("+c.Evidence+")")
	}
	if next := c.Mend.Words(check.Command); next != "" {
		r.wrap(below, "-> "+next)
	}
}

// outcome is a word of one width.
func (r *report) outcome(o check.Outcome) string {
	color := map[check.Outcome]string{check.OK: "32", check.Warning: "33", check.Failed: "31", check.NotChecked: "2"}[o]
	return r.paint(color, pad(string(o), 12))
}

func pad(text string, width int) string { return fmt.Sprintf("%-*s", width, text) }

func (r *report) paint(code, text string) string {
	if !r.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// wrap prints text behind head, further lines below its beginning. Words that are
// longer than a line, as addresses are, stay whole.
func (r *report) wrap(head, text string) {
	line, room := head, r.width-column
	used := 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		if used > 0 && used+1+n > room {
			fmt.Fprintln(r.out, strings.TrimRight(line, " "))
			line, used = strings.Repeat(" ", column), 0
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	fmt.Fprintln(r.out, strings.TrimRight(line, " "))
}

// sum says in one line how it is.
func (r *report) sum(results []check.Result) {
	n := map[check.Outcome]int{}
	for _, c := range results {
		n[c.Outcome]++
	}
	warnings := "warnings"
	if n[check.Warning] == 1 {
		warnings = "warning"
	}
	fmt.Fprintf(r.out, "\n%d ok, %d %s, %d failed, %d not checked\n", n[check.OK], n[check.Warning], warnings, n[check.Failed], n[check.NotChecked])
}

// Try shows the checks of a connection that is to be, as they are known, on standard
// error. It sends nothing but questions, and is an error when a check failed.
func Try(cmd *cobra.Command, a examiner, want app.Connect) error {
	x := app.Exam{URL: want.URL, Token: want.Token, Project: want.Project, Network: want.Network, ReadOnly: true}
	out := cmd.ErrOrStderr()
	r := report{out: out, width: screen(out), color: colored(out), brief: true} // nothing is connected yet
	results, err := a.Test(cmd.Context(), x, r.tell)
	if err != nil {
		return err
	}
	fmt.Fprintln(out)
	if check.Worst(results) == check.Failed {
		return errors.New("the connection does not work yet, so nothing was stored: do what is said above, and run the same again")
	}
	return nil
}
