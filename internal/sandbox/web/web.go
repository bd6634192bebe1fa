// Package web serves the pages of the sandbox: its projects, a project's
// issues, and an issue as a person would see it on GitLab. Pages show
// everything to whoever opens them: a sandbox has no secrets, and a demo no
// sign-in.
package web

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"cxm/internal/sandbox/hook"
	"cxm/internal/sandbox/page"
	"cxm/internal/sandbox/rest/files"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/track"
)

// Site makes the pages of one world.
type Site struct {
	w       *world.World
	repos   *files.Store
	desk    *hook.Desk
	version string
}

// New makes the pages of a world. version is the GitLab it is like.
func New(w *world.World, repos *files.Store, desk *hook.Desk, version string) *Site {
	return &Site{w: w, repos: repos, desk: desk, version: version}
}

// Serve answers a page's request. base is the instance's URL. served is false
// for an address the sandbox has no page for.
func (s *Site) Serve(r *http.Request, base string) (a wire.Answer, served bool) {
	path := strings.Trim(r.URL.Path, "/")
	switch {
	case path == "" || strings.HasPrefix(path, "groups/"):
		return s.home(base), true
	case strings.HasPrefix(path, "uploads/-/system/user/avatar/"):
		return s.avatar(path), true
	case path == "favicon.ico":
		return wire.Answer{Status: http.StatusNoContent}, true
	}
	project, rest, _ := strings.Cut(path, "/-/")
	kind, number, single := strings.Cut(rest, "/")
	if rest != "" && kind != "issues" && kind != "work_items" {
		return wire.Answer{}, false
	}
	p, moved := s.find(project)
	switch {
	case p == nil:
		return missing(), true
	case moved:
		return s.redirect(p, rest, base), true
	case single:
		return s.issue(p, number), true
	}
	return s.project(p, r), true
}

func (s *Site) find(path string) (p *place.Project, moved bool) {
	s.w.Do(func() { p, moved = s.w.Places.ProjectAt(path) })
	return p, moved
}

func (s *Site) redirect(p *place.Project, rest, base string) wire.Answer {
	var to string
	s.w.Do(func() { to = base + "/" + s.w.Places.ProjectPath(p) })
	if rest != "" {
		to += "/-/" + rest
	}
	return html(http.StatusMovedPermanently, nil).Set("Location", to)
}

func html(status int, body []byte) wire.Answer {
	return wire.Answer{Status: status, Text: &wire.Text{ContentType: "text/html; charset=utf-8", Bytes: body}}
}

func missing() wire.Answer {
	return html(http.StatusNotFound, []byte("<!doctype html><title>Not found</title><p>404: nothing here. <a href=\"/\">All projects</a></p>\n"))
}

// rendered turns a page into an answer.
func rendered(write func(io.Writer) error) wire.Answer {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return wire.Answer{Status: http.StatusInternalServerError, Text: &wire.Text{
			ContentType: "text/plain; charset=utf-8", Bytes: fmt.Appendf(nil, "this page could not be made: %v\n", err)}}
	}
	return html(http.StatusOK, b.Bytes())
}

func (s *Site) home(base string) wire.Answer {
	v := page.HomeView{URL: base, Version: s.version}
	s.w.Do(func() {
		for _, p := range s.w.Places.Projects(func(*place.Project) bool { return true }) {
			v.Projects = append(v.Projects, s.item(p))
		}
	})
	return rendered(func(w io.Writer) error { return page.Home(w, v) })
}

// item shows a project in a list.
func (s *Site) item(p *place.Project) page.ProjectItem {
	out := page.ProjectItem{
		Path: s.w.Places.ProjectPath(p), Name: s.w.Places.ProjectName(p), Visibility: string(p.Visibility),
		Archived: p.Archived, IssuesDisabled: !p.IssuesEnabled(),
	}
	if p.Description != nil {
		out.Description = *p.Description
	}
	for _, i := range s.w.Track.InProject(p.ID) {
		if i.State == track.Opened {
			out.Opened++
		} else {
			out.Closed++
		}
	}
	return out
}

// avatar draws a user's initials.
func (s *Site) avatar(path string) wire.Answer {
	parts := strings.Split(path, "/")
	id, _ := strconv.ParseInt(parts[min(5, len(parts)-1)], 10, 64)
	u := page.User{Username: "?"}
	s.w.Do(func() { u = s.user(id) })
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" fill="hsl(%d 35%% 45%%)"/>`+
		`<text x="32" y="41" font-family="sans-serif" font-size="26" fill="#fff" text-anchor="middle">%s</text></svg>`, u.Hue()*45, initials(u))
	return wire.Answer{Status: http.StatusOK, Text: &wire.Text{ContentType: "image/svg+xml", Bytes: []byte(svg)}}
}

// initials are letters and digits alone, so that they need no escaping.
func initials(u page.User) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>&"'`, r) {
			return -1
		}
		return r
	}, u.Initials())
}

func (s *Site) user(id int64) page.User {
	u := s.w.People.User(id)
	if u == nil {
		return page.User{Username: "ghost", Name: "Ghost User"}
	}
	return page.User{Username: u.Username, Name: u.Name, Bot: u.Bot()}
}
