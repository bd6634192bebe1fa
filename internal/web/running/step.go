package running

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// StepData is what the page of a step is made from.
type StepData struct {
	Entry  Entry
	Before string // what the issue said, as far as cxm writes it
	After  string
	Known  bool // what it said afterwards is known
}

// Step is one step of a run.
type Step struct {
	Reason  string
	Trouble string
	Tone    ui.Tone // of the trouble
	Next    string
	Diff    ui.Diff
	Same    string // why there is no diff
	Facts   []ui.Fact
}

// Template is the template's name.
func (Step) Template() string { return "running-step" }

// NewStep is the page of a step.
func NewStep(d StepData) Step {
	e := d.Entry
	out := Step{Reason: sentence(e.Reason), Trouble: sentence(e.Trouble), Tone: outcome(e.Outcome).Tone, Next: next(e)}
	switch {
	case e.Outcome == Planned:
		out.Same = "The step has not been taken. What it would write is decided again when its turn comes."
	case e.Outcome != Done && e.Outcome != Adopted:
		out.Same = "Nothing is known to have changed."
	case !d.Known:
		out.Same = "What the issue said afterwards is not known any more."
	default:
		out.Diff = ui.Compare("Before and after, as far as cxm writes it", d.Before, d.After)
		out.Same = "The text stayed as it was; its state or its place changed."
	}
	out.Facts = []ui.Fact{{Name: "Does", Text: e.Verb}, {Name: "Run", Text: fmt.Sprintf("run %d, step %d", e.Run, e.Seq), URL: runAt(e.Run)}}
	if e.Sent != "" {
		out.Facts = append(out.Facts, ui.Fact{Name: "Sends", Text: e.Sent})
	}
	if e.Issue != 0 {
		out.Facts = append(out.Facts, ui.Fact{Name: "Issue", Text: "Everything about it", URL: "/issues/" + strconv.FormatInt(e.Issue, 10)})
	}
	if e.URL != "" {
		out.Facts = append(out.Facts, ui.Fact{Name: "In GitLab", Text: "Open the issue", URL: e.URL})
	}
	if !e.Wrote.IsZero() {
		out.Facts = append(out.Facts, ui.Fact{Name: "Written down", Time: e.Wrote})
	}
	if !e.Ended.IsZero() {
		out.Facts = append(out.Facts, ui.Fact{Name: "Ended", Time: e.Ended})
	}
	if e.Calls > 0 {
		out.Facts = append(out.Facts, ui.Fact{Name: "Requests to GitLab", Text: plain(e.Calls)})
	}
	return out
}

func (a *area) step(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	run, err := number(r, "id")
	if err != nil {
		return nil, err
	}
	id, err := number(r, "step")
	if err != nil {
		return nil, err
	}
	d, err := a.Steps.Step(r, g, run, id)
	if err != nil {
		return nil, err
	}
	StepShell(shell, d)
	return NewStep(d), nil
}

// StepShell is what stands around the page of a step.
func StepShell(shell *ui.Shell, d StepData) {
	badge := outcome(d.Entry.Outcome)
	shell.Title, shell.Badge = NewRow(d.Entry).Title, &badge
	shell.Trail = []ui.Link{runsLink(), {Text: fmt.Sprintf("Run %d", d.Entry.Run), URL: runAt(d.Entry.Run)}}
}

// file begins a download, and keeps it going for as long as somebody takes it.
func (a *area) file(w http.ResponseWriter, r *http.Request, g site.Guest, kind, name string, keep func(Entry) error) error {
	id, err := number(r, "id")
	if err == nil {
		_, err = a.Runs.Run(r, g, id)
	}
	if errors.Is(err, site.ErrMissing) {
		http.NotFound(w, r)
		return nil
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="run-%d.%s"`, id, name))
	control, n := http.NewResponseController(w), 0
	return a.Steps.Each(r, g, id, func(e Entry) error {
		if n++; n%500 == 1 {
			_ = control.SetWriteDeadline(time.Now().Add(time.Minute)) // where it cannot be set the server's own holds
		}
		return keep(e)
	})
}

func (a *area) asCSV(w http.ResponseWriter, r *http.Request, g site.Guest) error {
	out := csv.NewWriter(w)
	head := false
	err := a.file(w, r, g, "text/csv; charset=utf-8", "csv", func(e Entry) error {
		if !head {
			head = true
			_ = out.Write([]string{"run", "step", "action", "outcome", "title", "reason", "trouble", "sent", "group", "issue", "url", "wrote_at", "ended_at"}) // Flush tells
		}
		return out.Write([]string{
			strconv.FormatInt(e.Run, 10), strconv.Itoa(e.Seq), e.Verb, e.Outcome, harmless(e.Title), harmless(e.Reason), harmless(e.Trouble), harmless(e.Sent),
			e.Group, strconv.FormatInt(e.Issue, 10), e.URL, stamp(e.Wrote), stamp(e.Ended),
		})
	})
	out.Flush()
	return errors.Join(err, out.Error())
}

// line is a step of the journal as one line of JSON.
type line struct {
	Run     int64      `json:"run"`
	Seq     int        `json:"seq"`
	Action  string     `json:"action"`
	Outcome string     `json:"outcome"`
	Title   string     `json:"title"`
	Reason  string     `json:"reason"`
	Trouble string     `json:"trouble,omitempty"`
	Sent    string     `json:"sent,omitempty"`
	Group   string     `json:"group"`
	Issue   int64      `json:"issue_id,omitempty"`
	URL     string     `json:"url,omitempty"`
	WroteAt *time.Time `json:"wrote_at,omitempty"`
	EndedAt *time.Time `json:"ended_at,omitempty"`
}

func (a *area) asLines(w http.ResponseWriter, r *http.Request, g site.Guest) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return a.file(w, r, g, "application/x-ndjson", "jsonl", func(e Entry) error {
		l := line{Run: e.Run, Seq: e.Seq, Action: e.Verb, Outcome: e.Outcome, Title: e.Title, Reason: e.Reason, Trouble: e.Trouble, Sent: e.Sent, Group: e.Group, Issue: e.Issue, URL: e.URL}
		if !e.Wrote.IsZero() {
			at := e.Wrote.UTC()
			l.WroteAt = &at
		}
		if !e.Ended.IsZero() {
			at := e.Ended.UTC()
			l.EndedAt = &at
		}
		return out.Encode(l)
	})
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// harmless keeps a spreadsheet from running a text.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
