package log

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cxm/internal/api"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// size is how many lines are on a page.
const size = 50

// Lines is the audit log.
type Lines struct {
	Filters    []ui.Field
	Path       string
	Fault      string // of the filters; empty: none
	Clear      string
	JSONL, CSV string
	Verify     string
	Table      ui.Table
	Pager      *ui.Pager
	Empty      *ui.Empty
}

// Template is the template's name.
func (Lines) Template() string { return "log-lines" }

// NewLines is the page: "actor", "action", "object", "since" and "until" filter it, "before" is
// the line behind which it begins. Next is the last of its lines when there are more,
// and else 0.
func NewLines(at ui.Place, lines []api.AuditLine, next int64, fault string) Lines {
	dates := url.Values{}
	for _, name := range []string{"since", "until"} {
		if v := at.Values.Get(name); v != "" {
			dates.Set(name, v)
		}
	}
	p := Lines{
		Path: at.Path, Fault: fault, Filters: filters(at.Values), Verify: auditAt + "/verification", Pager: pager(at, next),
		JSONL: ui.Place{Path: auditAt + ".jsonl", Values: dates}.With("page", ""), CSV: ui.Place{Path: auditAt + ".csv", Values: dates}.With("page", ""),
	}
	filtered := slices.ContainsFunc([]string{"actor", "action", "object", "since", "until"}, func(name string) bool { return at.Values.Get(name) != "" })
	if filtered {
		p.Clear = at.Path
	}
	if len(lines) == 0 {
		p.Empty = nothing(filtered || at.Values.Get("before") != "")
		return p
	}
	p.Table = ui.Table{Caption: "Lines of the audit log", Columns: []ui.Column{{Label: "What"}, {Label: "To what"}, {Label: "Who"}, {Label: "Why"}, {Label: "When"}, {Label: "Line", Number: true}}}
	for _, l := range lines {
		p.Table.Rows = append(p.Table.Rows, []ui.Cell{
			{Text: l.Action, URL: fmt.Sprintf("%s/%d", auditAt, l.Sequence)}, to(l.Object), {Text: actor(l.Actor), Sub: kind(l.Actor)},
			{Text: first(cut(value(l.Why)), "not said")}, {Time: value(l.At)}, {Text: strconv.FormatInt(l.Sequence, 10)},
		})
	}
	return p
}

func nothing(filtered bool) *ui.Empty {
	if filtered {
		return &ui.Empty{Title: "There are no such lines", Text: "Look for another name, action or time, or take the filters away.", Action: &ui.Action{Text: "Show all lines", URL: auditAt}}
	}
	return &ui.Empty{Title: "The log is empty", Text: "Every change of settings, every sign-in and every write to GitLab adds a line."}
}

func filters(v url.Values) []ui.Field {
	return []ui.Field{
		{Form: "filter", Name: "actor", Label: "Who", Type: "search", Value: v.Get("actor")},
		{Form: "filter", Name: "action", Label: "Action begins with", Type: "search", Value: v.Get("action")},
		{Form: "filter", Name: "object", Label: "To what (kind/id)", Type: "search", Value: v.Get("object")},
		{Form: "filter", Name: "since", Label: "Since (day, UTC)", Type: "date", Value: v.Get("since")},
		{Form: "filter", Name: "until", Label: "Before (day, UTC)", Type: "date", Value: v.Get("until")},
	}
}

func pager(at ui.Place, next int64) *ui.Pager {
	begun := at.Values.Get("before") != ""
	if next == 0 && !begun {
		return nil
	}
	p := &ui.Pager{Text: "The latest lines come first."}
	if begun {
		p.Text, p.Previous = "Previous leads to the latest lines.", at.With("before", "")
	}
	if next != 0 {
		p.Next = at.With("before", strconv.FormatInt(next, 10))
	}
	return p
}

// to is what a line is about, and what it is called, which may be a long address.
func to(o api.AuditObject) ui.Cell {
	c := ui.Cell{Text: o.Kind}
	if o.ID != nil {
		c.Text += "/" + *o.ID
	}
	if value(o.Name) != value(o.ID) {
		c.Sub = value(o.Name)
	}
	return c
}

func object(o api.AuditObject) string {
	c := to(o)
	return strings.TrimSpace(c.Text + " " + c.Sub)
}

func actor(a api.AuditActor) string {
	if a.Name == nil {
		return a.Kind
	}
	return *a.Name
}

// kind is what kind of actor somebody is, where that says more than their name.
func kind(a api.AuditActor) string {
	if a.Name == nil {
		return ""
	}
	return a.Kind
}

func first(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// cut keeps a reason in a table short; the line's own page has all of it.
func cut(text string) string {
	const longest = 160
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}

func value[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

// span reads the days, or moments, of an address.
func span(v url.Values) (since, until time.Time, fault string) {
	for name, to := range map[string]*time.Time{"since": &since, "until": &until} {
		text := v.Get(name)
		if text == "" {
			continue
		}
		var err error
		if *to, err = time.Parse(time.DateOnly, text); err != nil {
			*to, err = time.Parse(time.RFC3339, text)
		}
		if err != nil {
			return since, until, fmt.Sprintf("%.40q is no day: write it like 2026-03-01, or a moment like 2026-03-01T12:00:00Z.", text)
		}
	}
	return since, until, ""
}

func (a *area) lines(r *http.Request, g site.Guest, _ *ui.Shell) (page.Page, error) {
	at := ui.Place{Path: auditAt, Values: r.URL.Query()}
	by := api.AuditFilter{Actor: at.Values.Get("actor"), Action: at.Values.Get("action")}
	var fault string
	by.Since, by.Until, fault = span(at.Values)
	if o := at.Values.Get("object"); o != "" {
		var whole bool
		if by.Kind, by.ID, whole = strings.Cut(o, "/"); !whole || by.Kind == "" || by.ID == "" {
			fault = fmt.Sprintf("%.40q names nothing: write KIND/ID, such as issue/12 or integration/1.", o)
		}
	}
	if fault != "" {
		return NewLines(at, nil, 0, fault), nil
	}
	lines, next, err := g.API.Audit.Lines(r.Context(), by, api.Slice{After: api.Cursor{ID: number(at.Values.Get("before"))}, Size: size})
	return NewLines(at, lines, next.ID, ""), err
}

// number is a whole number above 0; anything else is 0.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// Line is one line of the audit log.
type Line struct {
	Facts     []ui.Fact
	Why       string
	Diff      *ui.Diff
	Hash      ui.Code
	Neighbour []ui.Link
}

// Template is the template's name.
func (Line) Template() string { return "log-line" }

// NewLine is the page of a line.
func NewLine(l api.AuditLine) Line {
	p := Line{
		Why:  value(l.Why),
		Hash: ui.Code{ID: "hash", Label: "Hash of the line", Text: l.Hash},
		Facts: []ui.Fact{
			{Name: "When", Time: value(l.At)}, {Name: "Who", Text: actor(l.Actor), Detail: kind(l.Actor), URL: only("actor", value(l.Actor.Name))},
			{Name: "What", Text: l.Action, URL: only("action", l.Action)}, {Name: "To what", Text: object(l.Object), URL: about(l.Object)},
		},
		Neighbour: []ui.Link{{Text: "The next line", URL: fmt.Sprintf("%s/%d", auditAt, l.Sequence+1)}},
	}
	if l.Sequence > 1 {
		p.Neighbour = slices.Insert(p.Neighbour, 0, ui.Link{Text: "The line before", URL: fmt.Sprintf("%s/%d", auditAt, l.Sequence-1)})
	}
	if l.Run != nil {
		p.Facts = append(p.Facts, ui.Fact{Name: "In run", Text: strconv.FormatInt(*l.Run, 10), URL: fmt.Sprintf("/runs/%d", *l.Run)})
	}
	if l.Request != nil {
		p.Facts = append(p.Facts, ui.Fact{Name: "Request", Text: *l.Request, Detail: "X-Request-ID, which cxm's own log names too"})
	}
	if lines := compared(flat(l.Before), flat(l.After)); len(lines) > 0 {
		p.Diff = &ui.Diff{Title: "Before (-) and after (+)", Lines: lines}
	}
	return p
}

// about is the address of the log with what was done to the same thing.
func about(o api.AuditObject) string {
	if o.ID == nil {
		return ""
	}
	return only("object", o.Kind+"/"+*o.ID)
}

// only is the address of the log with one filter.
func only(name, text string) string {
	if text == "" {
		return ""
	}
	return auditAt + "?" + url.Values{name: {text}}.Encode()
}

// flat is an object with the path of each of its values.
func flat(raw json.RawMessage) map[string]string {
	out := map[string]string{}
	if len(raw) == 0 {
		return out
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		out[""] = string(raw)
		return out
	}
	flatten(out, "", v)
	return out
}

func flatten(out map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, each := range v {
			flatten(out, strings.TrimPrefix(path+"."+name, "."), each)
		}
	case []any:
		var all []string
		for _, each := range v {
			all = append(all, text(each))
		}
		out[path] = strings.Join(all, ", ")
	case string:
		if nested := flat(json.RawMessage(v)); strings.HasPrefix(v, "{") && nested[""] == "" {
			for name, each := range nested {
				out[path+"."+name] = each
			}
			return
		}
		out[path] = v
	default:
		out[path] = text(v)
	}
}

// text is a value as people read it.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return v
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	case json.Number:
		return v.String()
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(raw)
}

// compared are the values of before and after by their names.
func compared(before, after map[string]string) []ui.DiffLine {
	all := maps.Clone(before)
	maps.Copy(all, after)
	var out []ui.DiffLine
	line := func(op, name, text string) {
		if name != "" {
			name += ": "
		}
		for i, each := range strings.Split(text, "\n") {
			if i > 0 {
				name = "  "
			}
			out = append(out, ui.DiffLine{Op: op, Text: name + each})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		was, had := before[name]
		is, has := after[name]
		if had && has && was == is {
			line(" ", name, is)
			continue
		}
		if had {
			line("-", name, was)
		}
		if has {
			line("+", name, is)
		}
	}
	return out
}

func (a *area) line(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	n := number(r.PathValue("sequence"))
	lines, _, err := g.API.Audit.Lines(r.Context(), api.AuditFilter{}, api.Slice{After: api.Cursor{ID: n + 1}, Size: 1})
	if err != nil {
		return nil, err
	}
	if n == 0 || len(lines) == 0 || lines[0].Sequence != n {
		return nil, site.ErrMissing
	}
	shell.Title = fmt.Sprintf("Line %d: %s", n, lines[0].Action)
	return NewLine(lines[0]), nil
}

// Verified is what a check of the log found.
type Verified struct {
	Summary page.Summary
	Faults  []string
	Facts   []ui.Fact
	Remarks []string
	Again   ui.Action
	Head    ui.Code
	Next    string // what to do when it is not as it was written; empty: nothing
}

// Template is the template's name.
func (Verified) Template() string { return "log-verified" }

// NewVerified is the page.
func NewVerified(r api.AuditReport) Verified {
	p := Verified{
		Remarks: r.Remarks, Again: ui.Action{Text: "Verify again", URL: auditAt + "/verification"},
		Head: ui.Code{ID: "head", Label: "Note it where nobody changes it: cxm audit verify --against compares later", Text: fmt.Sprintf("line %d, hash %s", r.Last, r.Hash)},
		Facts: []ui.Fact{
			{Name: "Lines checked", Text: grouped(r.Lines), Detail: fmt.Sprintf("%d to %d", r.First, r.Last)},
			{Name: "Proved by signatures", Text: fmt.Sprintf("up to line %d", r.Anchored)}, {Name: "Not signed yet", Text: grouped(r.Unanchored), Detail: "lines at the end, which their hashes alone hold"},
		},
	}
	if r.Sealed > 0 {
		p.Facts = append(p.Facts, ui.Fact{Name: "Removed by retention", Text: fmt.Sprintf("up to line %d", r.Sealed), Detail: "a signed seal stands for them"})
	}
	switch {
	case !r.Whole:
		p.Summary = page.Summary{Text: "The audit log is not as it was written.", Tone: ui.Bad}
		p.Next = "Keep the database as it is, and compare it with a backup. After restoring one, cxm audit accept says so in the log."
		for _, f := range r.Faults {
			p.Faults = append(p.Faults, sentence(f.Text))
		}
	case r.Lines == 0:
		p.Summary, p.Facts = page.Summary{Text: "The log is empty.", Tone: ui.Info}, nil
	default:
		p.Summary = page.Summary{Text: fmt.Sprintf("The lines %d to %d are as they were written.", r.First, r.Last), Tone: ui.Good}
	}
	return p
}

func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

func (a *area) verify(r *http.Request, g site.Guest, _ *ui.Shell) (page.Page, error) {
	report, err := g.API.Audit.Verify(r.Context())
	return NewVerified(report), err
}
