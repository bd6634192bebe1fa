package issues

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/track"
)

// filter holds issues to the parameters of a list.
type filter struct {
	r       *rest.Request
	p       wire.Params
	search  string
	inTitle bool
	inText  bool
	not     map[string]any
}

func newFilter(r *rest.Request) filter {
	p := r.Params
	in := p.String("in")
	not, _ := p.Raw("not").(map[string]any)
	return filter{
		r: r, p: p, search: p.String("search"), not: not,
		inTitle: in == "" || strings.Contains(in, "title"), inText: in == "" || strings.Contains(in, "description"),
	}
}

// keeps says whether an issue belongs in the list; the cheap questions first.
func (f filter) keeps(i *track.Issue) bool {
	return f.state(i) && f.people(i) && f.labels(i) && f.times(i) && f.details(i) && f.excluded(i) &&
		f.r.W.Track.CanRead(f.r.Caller, i) && f.found(i)
}

func (f filter) state(i *track.Issue) bool {
	state := f.p.String("state")
	ids := f.p.Ints("iids")
	switch {
	case state != "all" && state != i.State, len(ids) > 0 && !slices.Contains(ids, i.IID):
		return false
	case f.p.Given("confidential") && f.p.Bool("confidential") != i.Confidential:
		return false
	}
	return !f.p.Given("issue_type") || f.p.String("issue_type") == i.Type
}

func (f filter) people(i *track.Issue) bool {
	return f.scope(i) && f.author(i) && f.assignee(i) && (!f.p.Given("closed_by_id") || i.ClosedByID == f.p.Int("closed_by_id"))
}

func (f filter) scope(i *track.Issue) bool {
	me := f.r.Caller
	switch strings.ReplaceAll(f.p.String("scope"), "-", "_") {
	case "created_by_me":
		return me != nil && i.AuthorID == me.ID
	case "assigned_to_me":
		return me != nil && slices.Contains(i.AssigneeIDs, me.ID)
	}
	return true
}

func (f filter) author(i *track.Issue) bool {
	if f.p.Given("author_id") && i.AuthorID != f.p.Int("author_id") {
		return false
	}
	return !f.p.Given("author_username") || f.named(i.AuthorID, f.p.String("author_username"))
}

// named says whether a user has a name.
func (f filter) named(id int64, name string) bool {
	u := f.r.W.People.User(id)
	return u != nil && strings.EqualFold(u.Username, name)
}

func (f filter) assignee(i *track.Issue) bool {
	switch word := f.p.Word("assignee_id"); {
	case word == "none" || f.p.Given("assignee_id") && word == "" && f.p.Int("assignee_id") == 0:
		return len(i.AssigneeIDs) == 0
	case word == "any":
		return len(i.AssigneeIDs) > 0
	case f.p.Given("assignee_id") && !slices.Contains(i.AssigneeIDs, f.p.Int("assignee_id")):
		return false
	}
	for _, name := range f.p.Strings("assignee_username") {
		if !slices.ContainsFunc(i.AssigneeIDs, func(id int64) bool { return f.named(id, name) }) {
			return false
		}
	}
	return true
}

func (f filter) titles(i *track.Issue) []string {
	var out []string
	for _, l := range f.r.W.Track.LabelsOf(i) {
		out = append(out, l.Title)
	}
	return out
}

func (f filter) labels(i *track.Issue) bool {
	want := f.p.Strings("labels")
	if len(want) == 0 {
		return true
	}
	have := f.titles(i)
	for _, w := range want {
		switch {
		case strings.EqualFold(w, "none"):
			if len(have) > 0 {
				return false
			}
		case strings.EqualFold(w, "any"):
			if len(have) == 0 {
				return false
			}
		case !slices.Contains(have, w):
			return false
		}
	}
	return true
}

func (f filter) times(i *track.Issue) bool {
	return since(i.CreatedAt, f.p.Time("created_after")) && until(i.CreatedAt, f.p.Time("created_before")) &&
		since(i.UpdatedAt, f.p.Time("updated_after")) && until(i.UpdatedAt, f.p.Time("updated_before"))
}

func since(at time.Time, bound *time.Time) bool { return bound == nil || !at.Before(*bound) }

func until(at time.Time, bound *time.Time) bool { return bound == nil || !at.After(*bound) }

func (f filter) details(i *track.Issue) bool {
	return f.milestone(i) && f.due(i) && f.weight(i) && f.reaction(i)
}

func (f filter) milestone(i *track.Issue) bool {
	m := f.r.W.Catalog.Milestone(i.MilestoneID)
	title := f.p.String("milestone")
	if title == "" {
		title = f.p.String("milestone_id")
	}
	now := f.r.W.Now()
	switch strings.ToLower(title) {
	case "":
		return true
	case "none":
		return m == nil
	case "any":
		return m != nil
	case "upcoming":
		return m != nil && m.DueDate != nil && m.DueDate.After(now)
	case "started":
		return m != nil && m.StartDate != nil && !m.StartDate.After(now)
	}
	return m != nil && m.Title == title
}

func (f filter) due(i *track.Issue) bool {
	today := f.r.W.Now().UTC().Truncate(24 * time.Hour)
	switch f.p.String("due_date") {
	case "":
		return true
	case "0":
		return i.DueDate == nil
	case "any":
		return i.DueDate != nil
	case "overdue":
		return i.DueDate != nil && i.DueDate.Before(today)
	case "today":
		return i.DueDate != nil && i.DueDate.Equal(today)
	case "tomorrow":
		return i.DueDate != nil && i.DueDate.Equal(today.AddDate(0, 0, 1))
	case "week":
		return i.DueDate != nil && !i.DueDate.Before(today) && i.DueDate.Before(today.AddDate(0, 0, 7))
	case "month":
		return i.DueDate != nil && i.DueDate.Year() == today.Year() && i.DueDate.Month() == today.Month()
	}
	return true
}

func (f filter) weight(i *track.Issue) bool {
	if !f.p.Given("weight") || !f.r.W.Track.Licensed(i.ProjectID) {
		return true
	}
	switch f.p.Word("weight") {
	case "none":
		return i.Weight == nil
	case "any":
		return i.Weight != nil
	}
	return i.Weight != nil && *i.Weight == f.p.Int("weight")
}

func (f filter) reaction(i *track.Issue) bool {
	name := f.p.String("my_reaction_emoji")
	if name == "" {
		return true
	}
	return slices.ContainsFunc(f.r.W.Track.Awards(i, 0), func(a *track.Award) bool {
		return f.r.Caller != nil && a.UserID == f.r.Caller.ID && (a.Name == name || strings.EqualFold(name, "any"))
	})
}

// excluded applies not[labels], not[author_id] and their like.
func (f filter) excluded(i *track.Issue) bool {
	for key, raw := range f.not {
		for _, value := range list(raw) {
			if f.is(i, key, value) {
				return false
			}
		}
	}
	return true
}

func (f filter) is(i *track.Issue, key, value string) bool {
	id, _ := strconv.ParseInt(value, 10, 64)
	switch key {
	case "labels":
		return slices.Contains(f.titles(i), value)
	case "author_id":
		return i.AuthorID == id
	case "author_username":
		return f.named(i.AuthorID, value)
	case "assignee_id":
		return slices.Contains(i.AssigneeIDs, id)
	case "assignee_username":
		return slices.ContainsFunc(i.AssigneeIDs, func(who int64) bool { return f.named(who, value) })
	case "iids":
		return i.IID == id
	case "milestone":
		m := f.r.W.Catalog.Milestone(i.MilestoneID)
		return m != nil && m.Title == value
	case "issue_type":
		return i.Type == value
	}
	return false
}

// list reads a raw array or comma-separated text.
func list(raw any) []string {
	switch v := raw.(type) {
	case string:
		return strings.Split(v, ",")
	case json.Number:
		return []string{v.String()}
	case []any:
		var out []string
		for _, one := range v {
			out = append(out, list(one)...)
		}
		return out
	}
	return nil
}

func (f filter) found(i *track.Issue) bool {
	return f.search == "" || f.r.W.Track.Matches(i, f.search, f.inTitle, f.inText)
}
