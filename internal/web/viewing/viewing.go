// Package viewing is what people do with lists of findings: save one under a name,
// and remove it.
//
// What always holds: a view is its person's alone; it is a list of findings, and
// leads nowhere else.
package viewing

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// Views keeps what people save. What is wrong with it is a *site.Refusal, and what is
// not there site.ErrMissing.
type Views interface {
	SaveView(ctx context.Context, g site.Guest, name, query string) error
	View(ctx context.Context, g site.Guest, id int64) (page.SavedView, error)
	DropView(ctx context.Context, g site.Guest, id int64) error
}

// list is where views are looked at.
const list = "/findings"

// Area is what the site serves of it.
func Area(v Views) site.Area {
	view := site.View{
		At: page.AtFindings, Title: "Saved views", Trail: []ui.Link{{Text: "Findings", URL: list}}, What: "This view", May: "save views", Needs: role.Read, List: ui.Link{Text: "Show all findings", URL: list},
	}
	ask := view
	ask.Make = func(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
		return question(r, g, shell, v)
	}
	return site.Area{
		Views: map[string]site.View{"/findings/views/{id}/remove": ask},
		Forms: map[string]site.Form{
			"/findings/views":             {View: view, Do: func(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) { return save(r, g, v) }},
			"/findings/views/{id}/remove": {View: view, Do: func(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) { return remove(r, g, v) }},
		},
	}
}

func save(r *http.Request, g site.Guest, v Views) (site.Answer, error) {
	values, err := url.ParseQuery(r.PostFormValue("query"))
	if err != nil {
		return site.Answer{}, &site.Refusal{Text: "The filters of this view could not be read: open the list again, and save it from there."}
	}
	at := ui.Place{Path: list, Values: kept(values)}
	if len(at.Values) == 0 {
		return site.Answer{}, &site.Refusal{Text: "There is nothing to save: this is the list of all findings. Choose a filter first."}
	}
	if err := v.SaveView(r.Context(), g, r.PostFormValue("name"), at.Values.Encode()); err != nil {
		return site.Answer{}, err
	}
	return site.Answer{To: at.With("page", ""), Notice: ui.Notice{Text: "The view was saved. It stands above the filters.", Tone: ui.Good}}, nil
}

// kept is what of an address makes a view.
func kept(values url.Values) url.Values {
	out := url.Values{}
	for _, name := range []string{"q", "kind", "status", "account", "owner", "service", "source", "issue", "sort"} {
		if v := values.Get(name); v != "" {
			out.Set(name, v)
		}
	}
	return out
}

func number(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		err = site.ErrMissing
	}
	return id, err
}

func question(r *http.Request, g site.Guest, shell *ui.Shell, v Views) (page.Page, error) {
	id, err := number(r)
	if err != nil {
		return nil, err
	}
	one, err := v.View(r.Context(), g, id)
	shell.Title = "Remove a saved view?"
	return NewRemove(one), err
}

// NewRemove asks before a view is removed.
func NewRemove(v page.SavedView) page.Confirm {
	return page.Confirm{
		What: []string{"The view \"" + v.Name + "\" is removed from above your list. Nobody else has it.", "The findings in it stay as they are."},
		Form: ui.Form{ID: "remove", Action: list + "/views/" + strconv.FormatInt(v.ID, 10) + "/remove", Submit: "Remove", Danger: true, Cancel: v.URL},
	}
}

func remove(r *http.Request, g site.Guest, v Views) (site.Answer, error) {
	id, err := number(r)
	if err != nil {
		return site.Answer{}, err
	}
	if err := v.DropView(r.Context(), g, id); err != nil {
		return site.Answer{}, err
	}
	return site.Answer{To: list, Notice: ui.Notice{Text: "The view was removed. The findings in it are as they were.", Tone: ui.Good}}, nil
}
