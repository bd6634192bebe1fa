package web

import (
	"cmp"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cxm/internal/sandbox/entity"
	"cxm/internal/sandbox/page"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/catalog"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/track"
)

// perPage is how many issues a page lists.
const perPage = 50

func (s *Site) project(p *place.Project, r *http.Request) wire.Answer {
	q := r.URL.Query()
	v := page.ProjectView{
		State: cmp.Or(q.Get("state"), "opened"), Search: q.Get("search"), LabelName: cmp.Or(q.Get("label_name"), q.Get("label_name[]")),
		Page: 1, Resolver: resolver{s, p.ID}, Now: s.w.Now(),
	}
	if n, err := strconv.Atoi(q.Get("page")); err == nil {
		v.Page = max(1, n)
	}
	s.w.Do(func() {
		v.Project, v.Readme = s.item(p), s.repos.Readme(p)
		v.Labels, v.Hooks = s.labels(p), s.hooks(p)
		found := s.issues(p, v)
		v.Pages = (len(found) + perPage - 1) / perPage
		from := min((v.Page-1)*perPage, len(found))
		for _, i := range found[from:min(from+perPage, len(found))] {
			v.Issues = append(v.Issues, s.issueItem(i))
		}
	})
	return rendered(func(w io.Writer) error { return page.Project(w, v) })
}

// issues gives the issues that the page's filters keep, newest first.
func (s *Site) issues(p *place.Project, v page.ProjectView) []*track.Issue {
	found := slices.DeleteFunc(s.w.Track.InProject(p.ID), func(i *track.Issue) bool {
		switch {
		case v.State != "all" && v.State != i.State, v.Search != "" && !s.w.Track.Matches(i, v.Search, true, true):
			return true
		case v.LabelName == "":
			return false
		}
		return !slices.ContainsFunc(s.w.Track.LabelsOf(i), func(l *catalog.Label) bool { return l.Title == v.LabelName })
	})
	slices.SortFunc(found, func(a, b *track.Issue) int { return cmp.Compare(b.ID, a.ID) })
	return found
}

func (s *Site) labels(p *place.Project) []page.Label {
	h := catalog.Home{Project: p}
	var out []page.Label
	for _, l := range s.w.Catalog.Labels(h, true) {
		one := s.label(p, l)
		one.Open = s.w.Track.Count(h, l).Open
		out = append(out, one)
	}
	return out
}

func (s *Site) label(p *place.Project, l *catalog.Label) page.Label {
	out := page.Label{Name: l.Title, Color: l.Color, URL: page.ProjectItem{Path: s.w.Places.ProjectPath(p)}.URL() + "?label_name=" + url.QueryEscape(l.Title)}
	if l.Description != nil {
		out.Description = *l.Description
	}
	return out
}

func (s *Site) issueItem(i *track.Issue) page.IssueItem {
	p := s.w.Places.Project(i.ProjectID)
	out := page.IssueItem{
		IID: int(i.IID), Title: i.Title, State: i.State, Confidential: i.Confidential, Author: s.user(i.AuthorID),
		CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt, Comments: s.w.Track.UserNotes(i),
	}
	if i.ClosedAt != nil {
		out.ClosedAt = *i.ClosedAt
	}
	for _, id := range i.AssigneeIDs {
		out.Assignees = append(out.Assignees, s.user(id))
	}
	for _, l := range s.w.Track.LabelsOf(i) {
		out.Labels = append(out.Labels, s.label(p, l))
	}
	if m := s.w.Catalog.Milestone(i.MilestoneID); m != nil {
		out.Milestone = m.Title
	}
	if i.DueDate != nil {
		out.DueDate = i.DueDate.Format(time.DateOnly)
	}
	tasks := entity.TasksOf(i.Description)
	out.Tasks, out.Done = tasks.Count, tasks.CompletedCount
	return out
}

func (s *Site) issue(p *place.Project, number string) wire.Answer {
	iid, err := strconv.ParseInt(strings.Trim(number, "/"), 10, 64)
	if err != nil {
		return missing()
	}
	v := page.IssueView{Resolver: resolver{s, p.ID}, Now: s.w.Now()}
	found := false
	s.w.Do(func() {
		i := s.w.Track.ByIID(p.ID, iid)
		if found = i != nil; found {
			s.fill(&v, p, i)
		}
	})
	if !found {
		return missing()
	}
	return rendered(func(w io.Writer) error { return page.Issue(w, v) })
}

func (s *Site) fill(v *page.IssueView, p *place.Project, i *track.Issue) {
	v.Project, v.IssueItem = s.item(p), s.issueItem(i)
	if i.Description != nil {
		v.Description = *i.Description
	}
	if i.ClosedByID != 0 {
		closer := s.user(i.ClosedByID)
		v.ClosedBy = &closer
	}
	if i.Weight != nil {
		weight := int(*i.Weight)
		v.Weight = &weight
	}
	v.Locked = i.DiscussionLocked != nil && *i.DiscussionLocked
	if to := s.w.Track.Issue(i.MovedToID); to != nil {
		v.MovedTo, v.MovedToURL = s.w.Track.Reference(to, i.ProjectID), s.url(to)
	}
	v.Activity, v.Links = s.activity(i), s.links(i)
}

func (s *Site) activity(i *track.Issue) []page.Activity {
	var out []page.Activity
	for _, n := range s.w.Track.AllNotes(i) {
		out = append(out, page.Activity{
			ID: int(n.ID), Author: s.user(n.AuthorID), At: n.CreatedAt, System: n.System, Internal: n.Internal,
			Edited: n.UpdatedAt.After(n.CreatedAt), Body: n.Body,
		})
	}
	return out
}

func (s *Site) links(i *track.Issue) []page.Link {
	var out []page.Link
	for _, l := range s.w.Track.AllLinks(i) {
		out = append(out, page.Link{
			Type: l.Type, Reference: s.w.Track.Reference(l.Issue, i.ProjectID), Title: l.Issue.Title, URL: s.url(l.Issue),
			Closed: l.Issue.State == track.Closed,
		})
	}
	return out
}

// url is an issue's page on this server.
func (s *Site) url(i *track.Issue) string {
	path := s.w.Places.ProjectPath(s.w.Places.Project(i.ProjectID))
	return page.ProjectItem{Path: path}.URL() + "/-/work_items/" + strconv.FormatInt(i.IID, 10)
}

// resolver links what a text of a project refers to.
type resolver struct {
	s         *Site
	projectID int64
}

// Resolve finds issues, users and labels; there are no merge requests yet.
func (r resolver) Resolve(ref page.Reference) (t page.Target, ok bool) {
	r.s.w.Do(func() {
		switch ref.Kind {
		case page.KindIssue:
			t, ok = r.issue(ref)
		case page.KindUser:
			u := r.s.w.People.ByUsername(ref.Name)
			if ok = u != nil; ok {
				t = page.Target{URL: "/" + u.Username, Title: u.Name}
			}
		case page.KindLabel:
			t, ok = r.label(ref.Name)
		}
	})
	return t, ok
}

func (r resolver) issue(ref page.Reference) (page.Target, bool) {
	i := r.s.w.Track.Refer(r.projectID, ref.Project+"#"+ref.Name)
	if i == nil {
		return page.Target{}, false
	}
	return page.Target{URL: r.s.url(i), Title: i.Title, Closed: i.State == track.Closed}, true
}

// label finds a label by title, or by the id that system notes use.
func (r resolver) label(name string) (page.Target, bool) {
	p := r.s.w.Places.Project(r.projectID)
	h := catalog.Home{Project: p}
	l := r.s.w.Catalog.LabelNamed(h, name)
	if id, err := strconv.ParseInt(name, 10, 64); err == nil && l == nil {
		l = r.s.w.Catalog.LabelByID(h, id)
	}
	if l == nil {
		return page.Target{}, false
	}
	return page.Target{URL: r.s.label(p, l).URL, Title: l.Title, Color: l.Color}, true
}
