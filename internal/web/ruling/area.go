package ruling

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cxm/internal/api"
	"cxm/internal/api/door"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

//go:embed *.html
var files embed.FS

// Templates are those of the area.
func Templates() embed.FS { return files }

// Word is something that a condition may be made of.
type Word struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
}

// Language is what completes a rules file: its published JSON Schema, and the words of
// its conditions.
type Language struct {
	Schema json.RawMessage `json:"schema"`
	Words  []Word          `json:"words"`
}

// Slow is the pattern of what may take longer than a page: previews read GitLab and
// every finding. Whoever serves the site gives them MostTime to be answered in.
const (
	Slow     = "/settings/rules/"
	MostTime = 10 * time.Minute
)

// Parts are what the area is made of. All of it is required.
type Parts struct {
	Desk     Desk
	Language Language
	Clock    func() time.Time
}

type area struct {
	desk     Desk
	language []byte
	clock    func() time.Time
}

// New makes the area.
func New(p Parts) site.Area {
	text, err := json.Marshal(p.Language)
	if err != nil {
		panic("ruling: what completes a rules file: " + err.Error()) // the schema is the program's own, and every test would fail
	}
	a := &area{desk: p.Desk, language: text, clock: p.Clock}
	return site.Area{Templates: files, Views: a.views(), Forms: a.forms(), Files: a.downloads()}
}

func home() ui.Link { return ui.Link{Text: "Events and rules", URL: base} }

// view is a page of the area.
func view(title, lead string, needs role.Permission, shown func(*http.Request, site.Guest, *ui.Shell) (page.Page, error)) site.View {
	v := site.View{
		At: page.AtRules, Title: title, Lead: lead, Trail: []ui.Link{home()}, What: "The rules", May: "see the rules", Needs: needs,
		List: ui.Link{Text: "Show the rules in force", URL: base}, Make: shown,
	}
	switch needs {
	case role.Plan:
		v.May = "write and preview rules"
	case role.RulesWrite:
		v.May = "change the rules"
	}
	return v
}

func (a *area) views() map[string]site.View {
	rules := view("Events and rules", "Which events become issues, where, and for whom.", role.Read, a.rules)
	rules.Trail = nil
	history := view("History of the rules", "Every text that was in force, and who put it there.", role.Read, a.history)
	one := view("Revision", "", role.Read, a.revision)
	one.What, one.Trail, one.List = "This revision", []ui.Link{home(), {Text: "History", URL: base + "/history"}}, ui.Link{Text: "Show the history", URL: base + "/history"}
	dismiss := view("Dismiss this suggestion?", "", role.RulesWrite, a.dismissing)
	dismiss.What, dismiss.Trail, dismiss.List = "This suggestion", []ui.Link{home(), {Text: "Suggestions", URL: base + "/suggestions"}}, ui.Link{Text: "Show the suggestions", URL: base + "/suggestions"}
	return map[string]site.View{
		base:              rules,
		base + "/edit":    view("Edit the rules", "Nothing comes into force before you have seen what it would do.", role.Plan, a.edit),
		base + "/history": history, base + "/history/{n}": one,
		base + "/suggestions": view("Suggestions", "What people's corrections of issues speak for.", role.Read, a.suggestions), base + "/suggestions/{n}/dismiss": dismiss,
		base + "/backlog": view("What waits", "Issues that a budget keeps back until their turn, and how far campaigns have come.", role.Read, a.backlog),
		base + "/test":    view("Try a finding", "Which rule takes it, why no earlier one does, and what its issue says. Nothing is written anywhere.", role.Plan, a.try),
	}
}

func (a *area) forms() map[string]site.Form {
	form := func(title string, needs role.Permission, do func(*http.Request, site.Guest, *ui.Shell) (site.Answer, error)) site.Form {
		v := view(title, "", needs, nil)
		v.List.URL = base
		return site.Form{View: v, Do: do}
	}
	preview := form("Preview of the rules", role.Plan, a.preview)
	preview.Trail = []ui.Link{home(), {Text: "Edit", URL: base + "/edit"}}
	dismiss := form("Dismiss this suggestion?", role.RulesWrite, a.dismiss)
	dismiss.What, dismiss.List = "This suggestion", ui.Link{Text: "Show the suggestions", URL: base + "/suggestions"}
	return map[string]site.Form{
		base + "/edit": form("Edit the rules", role.Plan, a.check), base + "/choose": form("Preview of the rules", role.Plan, a.choose),
		base + "/preview": preview, base + "/apply": form("Edit the rules", role.RulesWrite, a.apply),
		base + "/test": form("Try a finding", role.Plan, a.tryFound), base + "/suggestions/{n}/dismiss": dismiss,
	}
}

func (a *area) downloads() map[string]site.File {
	file := func(needs role.Permission, write func(http.ResponseWriter, *http.Request, site.Guest) error) site.File {
		return site.File{View: site.View{Needs: needs}, Write: write}
	}
	return map[string]site.File{
		base + "/rules.yaml": file(role.Read, a.download), base + "/history/{n}/rules.yaml": file(role.Read, a.downloadOld),
		base + "/editor.json": file(role.Plan, func(w http.ResponseWriter, _ *http.Request, _ site.Guest) error {
			w.Header().Set("Content-Type", "application/json")
			_, err := w.Write(a.language)
			return err
		}),
	}
}

// state is what every page is made with.
func (a *area) state(ctx context.Context, g site.Guest) (State, error) {
	now, err := g.API.Rules.Rules(ctx)
	return State{Now: now, May: g.May(role.RulesWrite), Plan: g.May(role.Plan), Today: a.clock()}, err
}

// empty is the file that says what the built-in rules do.
const empty = "version: 1\n"

// textOf is the file of a revision; that of the built-in rules where there is none.
func textOf(r api.Revision) string { return or(deref(r.Text), empty) }

func (a *area) rules(r *http.Request, g site.Guest, s *ui.Shell) (page.Page, error) {
	st, err := a.state(r.Context(), g)
	if err != nil {
		return nil, err
	}
	book, err := a.desk.Book(r.Context(), g, textOf(st.Now))
	if err != nil {
		return nil, err
	}
	if st.Plan {
		s.Actions = []ui.Action{{Text: "Edit the file", URL: base + "/edit"}}
	}
	return NewRules(st, book), nil
}

func (a *area) edit(r *http.Request, g site.Guest, _ *ui.Shell) (page.Page, error) {
	st, err := a.state(r.Context(), g)
	return NewEditor(st, Sheet{Text: textOf(st.Now), From: st.Now.Number}, nil, ""), err
}

// sheet is the file that a form sends. Browsers end its lines as they like: they end
// again as the form was given them.
func sheet(r *http.Request) Sheet {
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(r.PostFormValue(name), 10, 64) // none is 0
		return n
	}
	text := strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n")
	if r.PostFormValue("lines") == "crlf" {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return Sheet{Text: text, From: number("from"), Of: number("of"), Suggestion: number("suggestion"), Note: r.PostFormValue("note")}
}

// check says what is wrong with a file, and shows it again.
func (a *area) check(r *http.Request, g site.Guest, s *ui.Shell) (site.Answer, error) {
	st, err := a.state(r.Context(), g)
	if err != nil {
		return site.Answer{}, err
	}
	p, err := a.editor(r.Context(), g, s, st, sheet(r), "")
	return site.Answer{Page: p, Status: http.StatusOK}, err
}

// editor is the file again, with what is wrong with it.
func (a *area) editor(ctx context.Context, g site.Guest, s *ui.Shell, st State, sh Sheet, trouble string) (page.Page, error) {
	s.Title, s.Lead = "Edit the rules", "Nothing comes into force before you have seen what it would do."
	v, err := g.API.Rules.Validate(ctx, sh.Text)
	if err != nil {
		return nil, err
	}
	return NewEditor(st, sh, &v, trouble), nil
}

// preview shows what a file would do. It goes back to the file when it cannot be used.
func (a *area) preview(r *http.Request, g site.Guest, s *ui.Shell) (site.Answer, error) {
	st, err := a.state(r.Context(), g)
	if err != nil {
		return site.Answer{}, err
	}
	sh := sheet(r)
	switch {
	case sh.Of != 0:
		old, err := g.API.Revisions.Revision(r.Context(), sh.Of)
		if err != nil {
			return site.Answer{}, err
		}
		sh.Text = deref(old.Text)
	case sh.Suggestion != 0:
		if sh, err = a.suggested(r.Context(), g, st, sh.Suggestion); err != nil {
			return site.Answer{}, err
		}
	}
	return a.previewed(r.Context(), g, s, st, sh)
}

// suggested is the file that accepting a suggestion makes.
func (a *area) suggested(ctx context.Context, g site.Guest, st State, number int64) (Sheet, error) {
	all, err := g.API.Suggestions.Suggestions(ctx, false)
	if err != nil {
		return Sheet{}, err
	}
	for _, each := range all {
		if each.Number == number && each.Text != nil {
			return Sheet{Text: *each.Text, From: st.Now.Number, Suggestion: number, Note: each.Says}, nil
		}
	}
	return Sheet{}, site.ErrMissing
}

func (a *area) previewed(ctx context.Context, g site.Guest, s *ui.Shell, st State, sh Sheet) (site.Answer, error) {
	if sh.From != st.Now.Number {
		return a.overtaken(ctx, g, s, st, sh)
	}
	v, err := g.API.Rules.Validate(ctx, sh.Text)
	if err != nil {
		return site.Answer{}, err
	}
	if !v.Valid {
		s.Title, s.Lead = "Edit the rules", "Nothing comes into force before you have seen what it would do."
		return site.Answer{Page: NewEditor(st, sh, &v, "It cannot be previewed before what is wrong with it is mended.")}, nil
	}
	all, err := a.desk.Preview(ctx, g, sh.Text)
	if why, told := refusal(err); told {
		p, err := a.editor(ctx, g, s, st, sh, "It could not be previewed, and nothing was changed. "+why)
		return site.Answer{Page: p}, err
	}
	if err != nil {
		return site.Answer{}, err
	}
	s.Title, s.Lead = "Preview of the rules", ""
	return site.Answer{Page: NewPreviewed(st, textOf(st.Now), sh, all), Status: http.StatusOK}, nil
}

// overtaken shows what somebody else put in force meanwhile.
func (a *area) overtaken(ctx context.Context, g site.Guest, s *ui.Shell, st State, sh Sheet) (site.Answer, error) {
	was := empty
	if sh.From != 0 {
		old, err := g.API.Revisions.Revision(ctx, sh.From)
		if err != nil {
			return site.Answer{}, err
		}
		was = textOf(old)
	}
	s.Title, s.Lead = "Somebody else changed the rules", ""
	return site.Answer{Page: NewOvertaken(st, was, sh), Status: http.StatusConflict}, nil
}

// apply puts a file in force that was previewed.
func (a *area) apply(r *http.Request, g site.Guest, s *ui.Shell) (site.Answer, error) {
	st, err := a.state(r.Context(), g)
	if err != nil {
		return site.Answer{}, err
	}
	sh := sheet(r)
	if sh.From != st.Now.Number {
		return a.overtaken(r.Context(), g, s, st, sh)
	}
	made, err := a.applied(r.Context(), g, st, sh)
	if p, known := errors.AsType[*door.Problem](err); known && p.Status == http.StatusPreconditionFailed {
		if st, err = a.state(r.Context(), g); err != nil {
			return site.Answer{}, err
		}
		return a.overtaken(r.Context(), g, s, st, sh)
	}
	if why, told := refusal(err); told {
		p, err := a.editor(r.Context(), g, s, st, sh, "It was not applied, and nothing was changed. "+why)
		return site.Answer{Page: p}, err
	}
	if err != nil {
		return site.Answer{}, err
	}
	return site.Answer{To: base, Notice: ui.Notice{Text: fmt.Sprintf("Revision %d is in force. The next run brings the issues in line.", made.Number), Tone: ui.Good}}, nil
}

func (a *area) applied(ctx context.Context, g site.Guest, st State, sh Sheet) (api.Revision, error) {
	change := api.RulesChange{Text: sh.Text, Author: g.Who.Label(), Note: strings.TrimSpace(sh.Note), Expected: sh.From}
	switch {
	case sh.Of != 0:
		return g.API.Revisions.Rollback(ctx, sh.Of, change)
	case sh.Suggestion != 0:
		now, err := a.suggested(ctx, g, st, sh.Suggestion)
		if err != nil && !errors.Is(err, site.ErrMissing) {
			return api.Revision{}, err
		}
		if err != nil || now.Text != sh.Text {
			return api.Revision{}, &site.Refusal{Text: "The suggestion is another one by now: what people corrected changed. Look at the suggestions again."}
		}
		return g.API.Suggestions.Accept(ctx, sh.Suggestion, change.Author, change.Note)
	}
	return g.API.Rules.Apply(ctx, change)
}

// refusal is what people are to be told of an error.
func refusal(err error) (string, bool) {
	if p, known := errors.AsType[*door.Problem](err); known && p.Status != http.StatusNotFound && (p.Status < http.StatusInternalServerError || p.Status == http.StatusBadGateway) {
		text := p.Detail
		for _, each := range p.Errors {
			if each.Message != "" && !strings.Contains(text, each.Message) {
				text += "\n" + each.Message
			}
		}
		return sentence(text), true
	}
	if t, known := errors.AsType[*site.Refusal](err); known {
		return sentence(t.Text), true
	}
	return "", false
}

// sentence begins with a capital letter.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// choose puts what somebody chose into the file, and shows what that would do.
func (a *area) choose(r *http.Request, g site.Guest, s *ui.Shell) (site.Answer, error) {
	st, err := a.state(r.Context(), g)
	if err != nil {
		return site.Answer{}, err
	}
	sh := sheet(r)
	was := st.Now
	if sh.From != st.Now.Number && sh.From != 0 {
		if was, err = g.API.Revisions.Revision(r.Context(), sh.From); err != nil {
			return site.Answer{}, err
		}
	} else if sh.From == 0 {
		was = api.Revision{}
	}
	c, faults := choices(r)
	if len(faults) == 0 {
		sh.Text, err = a.desk.Choose(r.Context(), g, textOf(was), c)
		if why, told := refusal(err); told {
			faults[""] = why
		} else if err != nil {
			return site.Answer{}, err
		} else if faults, err = a.misfits(r.Context(), g, sh.Text); err != nil {
			return site.Answer{}, err
		}
	}
	if len(faults) == 0 {
		return a.previewed(r.Context(), g, s, st, sh)
	}
	book, err := a.desk.Book(r.Context(), g, textOf(was))
	if err != nil {
		return site.Answer{}, err
	}
	p := NewRules(st, book)
	p.Choose = NewChoose(sh.From, book, c, faults)
	s.Title, s.Trail = "Events and rules", nil
	return site.Answer{Page: p}, nil
}

// misfits are what is wrong with the file where the form wrote, by field.
func (a *area) misfits(ctx context.Context, g site.Guest, text string) (map[string]string, error) {
	v, err := g.API.Rules.Validate(ctx, text)
	faults := map[string]string{}
	for _, p := range v.Problems {
		for _, each := range [][2]string{{"defaults.route.project", "project"}, {"defaults.labels", "labels"}, {"defaults.group_by", "group_by"}, {".min_savings", "minimum"}, {".per_day", "per_day"}} {
			if at := deref(p.Field); strings.HasPrefix(at, each[0]) || strings.HasSuffix(at, each[0]) {
				faults[each[1]] = strings.TrimSuffix(p.Message+": "+deref(p.Mend), ": ")
			}
		}
	}
	return faults, err
}

// choices are what a form chose, and what is wrong with that, by field.
func choices(r *http.Request) (Choices, map[string]string) {
	faults := map[string]string{}
	c := Choices{
		Project: strings.TrimSpace(r.PostFormValue("project")), GroupBy: split(r.PostFormValue("group_by")), Labels: split(r.PostFormValue("labels")),
		Minimum: strings.Join(strings.Fields(r.PostFormValue("minimum")), " "), Digest: r.PostFormValue("digest") != "",
	}
	for _, each := range Switches() {
		if r.PostFormValue("on-"+each.Name) == "" {
			c.Off = append(c.Off, each.Name)
		}
	}
	if text := strings.TrimSpace(r.PostFormValue("per_day")); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 1_000_000 {
			faults["per_day"] = "this is no number of issues: write one such as 5, or leave it empty"
		}
		c.PerDay = n
	}
	return c, faults
}

// split are texts between commas.
func split(text string) []string {
	var out []string
	for each := range strings.SplitSeq(text, ",") {
		if each = strings.TrimSpace(each); each != "" {
			out = append(out, each)
		}
	}
	return out
}
