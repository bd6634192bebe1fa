package site

import (
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"time"

	"cxm/internal/signin/role"
	"cxm/internal/web"
	"cxm/internal/web/page"
	"cxm/internal/web/ui"
)

// Area is a part of the site: its pages, and what their forms do. Patterns are those
// of http.ServeMux without a method. The templates of its pages are NAME.html at the
// top of Templates; nil: it only has those of package page.
type Area struct {
	Templates fs.FS
	Views     map[string]View // GET
	Forms     map[string]Form // POST
	Leads     map[string]Form // GET: an address that leads on, such as the one that another host sends people back to
	Files     map[string]File // GET
	Live      map[string]Live // GET
}

// View is a page: where it stands, what it is called, and how it is made.
type View struct {
	At, Title, Lead string
	Trail           []ui.Link
	What            string          // that could not be read or done, at the beginning of a sentence
	May             string          // what the role has to allow, as a verb
	Needs           role.Permission // empty with Open: nobody need be signed in
	Open            bool            // it is for people who are not signed in, too
	Own             bool            // it is about whoever is signed in: no role is needed, and Needs is not looked at
	List            ui.Link         // where to go when it is missing
	Make            func(r *http.Request, g Guest, s *ui.Shell) (page.Page, error)
}

// Form is what a form or a button sends, and what it does. Its View is what the page
// is called that shows the form again; Make is not asked.
type Form struct {
	View
	// Do does it. What is refused for people to mend is an *api/door.Problem below 500
	// or a *Refusal: they are told, and go back to where they came from.
	Do func(r *http.Request, g Guest, s *ui.Shell) (Answer, error)
}

// Answer is what comes of a form: people go on to another page and are told there
// what happened, or see the form again with what they have to mend.
type Answer struct {
	To      string         // an address of this server; not used when there is a page
	Away    string         // an address of another host instead, which no request named; only of a lead
	Notice  ui.Notice      // nothing is told when its text is empty
	Page    page.Page      // the form again, or what is shown once; nil: it is done
	Status  int            // of the answer with a page; 0: 422 to a form, 200 to a lead
	After   time.Duration  // when to try again, with a page that says 429 or 503; 0: nothing is said (Retry-After)
	Cookies []*http.Cookie // are set in any case
}

// File is something to be downloaded. An error after the first byte cuts it off.
type File struct {
	View
	Write func(w http.ResponseWriter, r *http.Request, g Guest) error
}

// Live sends parts of a page that is being looked at.
type Live struct {
	View
	Send func(r *http.Request, g Guest, out *web.Stream) error
}

// Refusal says why something is not done, in words for people that say what to do.
type Refusal struct{ Text string }

// Error is the text, for who asked.
func (r *Refusal) Error() string { return r.Text }

// Routes are the patterns of all that a site of the areas answers by GET, ordered.
func Routes(areas []Area) []string {
	var out []string
	for _, a := range (&site{Parts: Parts{Areas: areas}}).areas() {
		out = slices.AppendSeq(slices.AppendSeq(slices.AppendSeq(out, maps.Keys(a.Views)), maps.Keys(a.Files)), maps.Keys(a.Live))
		out = slices.AppendSeq(out, maps.Keys(a.Leads))
	}
	slices.Sort(out)
	return out
}

// areas are all of them, the site's own first.
func (s *site) areas() []Area {
	own := Area{Views: s.views(), Files: map[string]File{
		"/findings.csv": {View: View{Needs: role.Read}, Write: s.export},
	}}
	return append([]Area{own}, s.Areas...)
}

// mount adds what an area serves.
func (s *site) mount(mux *http.ServeMux, a Area) {
	for pattern, v := range a.Views {
		mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, v) })
	}
	for pattern, f := range a.Forms {
		mux.HandleFunc("POST "+pattern, func(w http.ResponseWriter, r *http.Request) { s.form(w, r, f) })
	}
	for pattern, f := range a.Leads {
		mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) { s.lead(w, r, f) })
	}
	for pattern, f := range a.Files {
		mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) { s.file(w, r, f) })
	}
	for pattern, l := range a.Live {
		mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) { s.live(w, r, l) })
	}
}
