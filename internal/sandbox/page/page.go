// Package page shows the sandbox's projects and issues to people: what a
// person would see in GitLab, on pages of our own. It gets plain views and
// writes HTML; it knows no state and asks nobody.
//
// What always holds: a page runs no script, loads nothing, and says that it is
// the cxm sandbox; whatever a title, a name or a text says is shown as text.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"strconv"
	"sync"
	"time"
)

//go:embed templates
var files embed.FS

// templates are parsed once, on first use, and never change.
var templates = sync.OnceValues(func() (*template.Template, error) {
	css, err := files.ReadFile("templates/style.css")
	if err != nil {
		return nil, err
	}
	return template.New("").Funcs(template.FuncMap{
		"css": func() template.CSS { return template.CSS(css) }, //nolint:gosec // our own file
	}).ParseFS(files, "templates/*.html")
})

// frame is what every page has around its own view.
type frame struct {
	// Title of the page; Crumbs lead to it from the first page.
	Title  string
	Crumbs []crumb
	// V is the page's own view.
	V any
}

type crumb struct{ Name, URL string }

// Home writes the first page.
func Home(w io.Writer, v HomeView) error {
	return write(w, "home.html", frame{Title: "Projects", V: v})
}

// Project writes a project's list of issues.
func Project(w io.Writer, v ProjectView) error {
	readme, err := Markdown(v.Readme, v.Resolver)
	if err != nil {
		return fmt.Errorf("project %s: README: %w", v.Project.Path, err)
	}
	if v.State == "" {
		v.State = "opened"
	}
	return write(w, "project.html", frame{
		Title:  v.Project.Path,
		Crumbs: []crumb{{v.Project.Path, v.Project.URL()}},
		V:      projectPage{v, readme},
	})
}

// Issue writes one issue.
func Issue(w io.Writer, v IssueView) error {
	page := issuePage{IssueView: v}
	var err error
	if page.Body, err = Markdown(v.Description, v.Resolver); err != nil {
		return fmt.Errorf("issue %s#%d: description: %w", v.Project.Path, v.IID, err)
	}
	for _, a := range v.Activity {
		body, err := Markdown(a.Body, v.Resolver)
		if err != nil {
			return fmt.Errorf("issue %s#%d: note %d: %w", v.Project.Path, v.IID, a.ID, err)
		}
		page.Notes = append(page.Notes, note{a, stampOf(v.Now, a.At), body})
	}
	ref := "#" + strconv.Itoa(v.IID)
	return write(w, "issue.html", frame{
		Title:  v.Title + " (" + ref + ") · " + v.Project.Path,
		Crumbs: []crumb{{v.Project.Path, v.Project.URL()}, {ref, v.Project.URL() + "/-/work_items/" + strconv.Itoa(v.IID)}},
		V:      page,
	})
}

// write renders to memory first, so that an error leaves no half a page.
func write(w io.Writer, name string, f frame) error {
	all, err := templates()
	if err != nil {
		return fmt.Errorf("read the page templates: %w", err)
	}
	var out bytes.Buffer
	if err := all.ExecuteTemplate(&out, name, f); err != nil {
		return fmt.Errorf("render page %q: %w", f.Title, err)
	}
	_, err = out.WriteTo(w)
	return err
}

type projectPage struct {
	ProjectView
	README template.HTML
}

// Count is the number of issues in a state.
func (p projectPage) Count(state string) int {
	switch state {
	case "opened":
		return p.Project.Opened
	case "closed":
		return p.Project.Closed
	}
	return p.Project.Opened + p.Project.Closed
}

// Query is the address of the same list in another state or on another page;
// "" and 0 keep what is.
func (p projectPage) Query(state string, page int) string {
	q := url.Values{"state": {p.State}}
	if state != "" {
		q.Set("state", state)
	}
	for key, val := range map[string]string{"search": p.Search, "label_name": p.LabelName} {
		if val != "" {
			q.Set(key, val)
		}
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	return "?" + q.Encode()
}

// WithLabel is the address of the list with only one label's issues.
func (p projectPage) WithLabel(name string) string {
	return "?" + url.Values{"state": {p.State}, "label_name": {name}}.Encode()
}

// Next and Previous are pages, 0 for none.
func (p projectPage) Next() int {
	if p.Page < p.Pages {
		return p.Page + 1
	}
	return 0
}

// Previous is the page before this one, 0 for none.
func (p projectPage) Previous() int { return max(p.Page-1, 0) }

// Stamp is a moment seen from the view's now.
func (p projectPage) Stamp(t time.Time) stamp { return stampOf(p.Now, t) }

type issuePage struct {
	IssueView
	Body  template.HTML
	Notes []note
}

// Stamp is a moment seen from the view's now.
func (p issuePage) Stamp(t time.Time) stamp { return stampOf(p.Now, t) }

type note struct {
	Activity
	When stamp
	HTML template.HTML
}
