package ruling

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"cxm/internal/api"
	"cxm/internal/api/door"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// number is the one in the address.
func number(r *http.Request) (int64, error) {
	n, err := strconv.ParseInt(r.PathValue("n"), 10, 64)
	if err != nil || n < 1 {
		return 0, site.ErrMissing
	}
	return n, nil
}

func (a *area) history(r *http.Request, g site.Guest, _ *ui.Shell) (page.Page, error) {
	st, err := a.state(r.Context(), g)
	if err != nil {
		return nil, err
	}
	all, err := g.API.Revisions.Revisions(r.Context(), mostRevisions)
	return NewHistory(st, all), err
}

func (a *area) revision(r *http.Request, g site.Guest, s *ui.Shell) (page.Page, error) {
	n, err := number(r)
	if err != nil {
		return nil, err
	}
	st, err := a.state(r.Context(), g)
	if err != nil {
		return nil, err
	}
	it, err := g.API.Revisions.Revision(r.Context(), n)
	if err != nil {
		return nil, err
	}
	before := empty
	if n > 1 {
		old, err := g.API.Revisions.Revision(r.Context(), n-1)
		if err != nil {
			return nil, err
		}
		before = textOf(old)
	}
	s.Title = fmt.Sprintf("Revision %d", n)
	if n == st.Now.Number {
		s.Badge = &ui.Badge{Text: "in force", Tone: ui.Good}
	}
	return NewRevision(st, it, before), nil
}

func (a *area) download(w http.ResponseWriter, r *http.Request, g site.Guest) error {
	now, err := g.API.Rules.Rules(r.Context())
	if err != nil {
		return err
	}
	return hand(w, "rules.yaml", textOf(now))
}

func (a *area) downloadOld(w http.ResponseWriter, r *http.Request, g site.Guest) error {
	n, bad := number(r)
	if bad != nil {
		http.NotFound(w, r)
		return nil //nolint:nilerr // what is no number is no revision
	}
	it, err := g.API.Revisions.Revision(r.Context(), n)
	if _, told := refusal(err); told || err != nil && missing(err) {
		http.NotFound(w, r)
		return nil
	}
	if err != nil {
		return err
	}
	return hand(w, fmt.Sprintf("rules-%d.yaml", n), textOf(it))
}

func hand(w http.ResponseWriter, name, text string) error {
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
	_, err := w.Write([]byte(text))
	return err
}

func (a *area) suggestions(r *http.Request, g site.Guest, _ *ui.Shell) (page.Page, error) {
	st, err := a.state(r.Context(), g)
	if err != nil {
		return nil, err
	}
	all, err := g.API.Suggestions.Suggestions(r.Context(), true)
	return NewSuggestions(st, all), err
}

func (a *area) dismissing(r *http.Request, g site.Guest, _ *ui.Shell) (page.Page, error) {
	n, err := number(r)
	if err != nil {
		return nil, err
	}
	all, err := g.API.Suggestions.Suggestions(r.Context(), false)
	if err != nil {
		return nil, err
	}
	for _, each := range all {
		if each.Number == n {
			what, form := NewDismiss(n, each.Says)
			return page.Confirm{What: what, Form: form}, nil
		}
	}
	return nil, site.ErrMissing
}

func (a *area) dismiss(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	n, err := number(r)
	if err != nil {
		return site.Answer{}, err
	}
	it, err := g.API.Suggestions.Dismiss(r.Context(), n, g.Who.Label(), strings.TrimSpace(r.PostFormValue("reason")))
	return site.Answer{To: base + "/suggestions", Notice: ui.Notice{Text: "Dismissed: " + it.Says, Tone: ui.Good}}, err
}

func (a *area) backlog(r *http.Request, g site.Guest, _ *ui.Shell) (page.Page, error) {
	st, err := a.state(r.Context(), g)
	if err != nil {
		return nil, err
	}
	all, err := g.API.Integrations.Integrations(r.Context())
	if err != nil {
		return nil, err
	}
	var queues []Queued
	trouble := ""
	for _, in := range all {
		waits, err := g.API.Attention.Backlog(r.Context(), in.ID)
		if why, told := refusal(err); told {
			trouble = why
			continue
		}
		if err != nil {
			return nil, err
		}
		queues = append(queues, Queued{Project: in.Project.Path, ID: in.Project.ID, Waits: waits})
	}
	campaigns, err := g.API.Attention.Campaigns(r.Context())
	if err != nil {
		return nil, err
	}
	return NewBacklog(st, queues, campaigns, trouble), nil
}

// try shows the form, and with a finding in the address what the rules in force do
// with it.
func (a *area) try(r *http.Request, g site.Guest, _ *ui.Shell) (page.Page, error) {
	f := Specimen{Key: keyIn(r.URL.Query().Get("finding"))}
	p, _, err := a.tried(r, g, Sheet{}, f)
	if err != nil || f.Key != "" {
		return p, err
	}
	p.Some, err = some(r.Context(), g)
	return p, err
}

// keyIn is the key of a finding, of which people may give the address of its page.
func keyIn(text string) string {
	text = strings.TrimSpace(text)
	if _, path, ok := strings.Cut(text, "/findings/"); ok {
		text, _, _ = strings.Cut(path, "?")
		text, _, _ = strings.Cut(text, "#")
		text, _, _ = strings.Cut(text, "/")
		if plain, err := url.PathUnescape(text); err == nil {
			text = plain
		}
	}
	return text
}

// fewFindings is how many are there to choose from.
const fewFindings = 8

// some are findings to try the rules on.
func some(ctx context.Context, g site.Guest) ([]ui.Link, error) {
	all, _, err := g.API.Findings.Findings(ctx, api.FindingFilter{Detection: "present"}, api.Slice{Size: fewFindings})
	var out []ui.Link
	for _, f := range all {
		out = append(out, ui.Link{Text: f.Title, URL: base + "/test?" + url.Values{"finding": {f.Key}}.Encode()})
	}
	return out, err
}

func (a *area) tryFound(r *http.Request, g site.Guest, s *ui.Shell) (site.Answer, error) {
	s.Lead = "Which rule takes it, why no earlier one does, and what its issue says. Nothing is written anywhere."
	sh := sheet(r)
	f := Specimen{Key: keyIn(r.PostFormValue("finding")), Text: strings.ReplaceAll(r.PostFormValue("sample"), "\r\n", "\n")}
	if _, asked := r.PostForm["sample"]; !asked { // it comes from the editor
		p, err := a.blank(r, g, sh)
		return site.Answer{Page: p, Status: http.StatusOK}, err
	}
	if f.Key == "" && strings.TrimSpace(f.Text) == "" {
		st, err := a.state(r.Context(), g)
		if err != nil {
			return site.Answer{}, err
		}
		p, err := NewTry(st, sh, f, nil, map[string]string{"finding": "paste an address or a key here, or a finding below"})
		return site.Answer{Page: p}, err
	}
	p, good, err := a.tried(r, g, sh, f)
	if err == nil && !good {
		return site.Answer{Page: p}, nil
	}
	return site.Answer{Page: p, Status: http.StatusOK}, err
}

func (a *area) blank(r *http.Request, g site.Guest, sh Sheet) (Try, error) {
	st, err := a.state(r.Context(), g)
	if err != nil {
		return Try{}, err
	}
	return NewTry(st, sh, Specimen{}, nil, nil)
}

// tried asks the rules about a finding; not good: what was sent is at fault.
func (a *area) tried(r *http.Request, g site.Guest, sh Sheet, f Specimen) (p Try, good bool, err error) {
	st, err := a.state(r.Context(), g)
	if err != nil {
		return p, false, err
	}
	trouble := map[string]string{}
	var all []Tried
	if f.Key != "" || f.Text != "" {
		all, err = a.desk.Try(r.Context(), g, sh.Text, f)
		why, told := refusal(err)
		switch {
		case told && f.Key != "":
			trouble["finding"] = why
		case told:
			trouble["text"] = why
		case missing(err):
			trouble["finding"] = "there is no finding of this key here"
		case err != nil:
			return p, false, err
		}
	}
	p, err = NewTry(st, sh, f, all, trouble)
	return p, len(trouble) == 0, err
}

// missing says that there is no such thing.
func missing(err error) bool {
	p, known := errors.AsType[*door.Problem](err)
	return errors.Is(err, site.ErrMissing) || known && p.Status == http.StatusNotFound
}
