package issues

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"cxm/internal/sandbox/entity"
	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/refuse"
	"cxm/internal/sandbox/world/track"
)

func lists() []rest.Route {
	inGroup := wire.Spec{Params: rest.Params(listParams("all"), wire.Pagination())}
	inProject := wire.Spec{Params: rest.Without(inGroup.Params, "non_archived")}
	anywhere := wire.Spec{Params: rest.Params(listParams("created_by_me"), wire.Pagination())}
	return []rest.Route{
		{Method: "GET", Path: "/issues", Access: rest.Anyone, Spec: anywhere, Limit: "search", Handle: allIssues},
		{Method: "GET", Path: "/groups/{id}/issues", Access: rest.Anyone, Spec: inGroup, Limit: "search", Handle: groupIssues},
		{Method: "GET", Path: "/projects/{id}/issues", Access: rest.Anyone, Spec: inProject, Limit: "search", Handle: projectIssues},
		{Method: "GET", Path: "/issues_statistics", Spec: counts("created_by_me"), Handle: statistics(nobody)},
		{Method: "GET", Path: "/groups/{id}/issues_statistics", Access: rest.Anyone, Spec: counts("all"), Handle: statistics(ofGroup)},
		{Method: "GET", Path: "/projects/{id}/issues_statistics", Access: rest.Anyone, Spec: counts("all"), Handle: statistics(ofProject)},
	}
}

// counts are the filters of the statistics, which are fewer than a list's.
func counts(scope string) wire.Spec {
	return wire.Spec{Params: rest.Without(listParams(scope), "state", "with_labels_details", "closed_by_id", "issue_type", "due_date",
		"non_archived", "order_by", "sort", "pagination", "cursor")}
}

func listParams(scope string) []wire.Param {
	anyNone := []string{"None", "Any"}
	out := []wire.Param{
		{Name: "state", Values: []string{"opened", "closed", "all"}, Default: "all"}, {Name: "labels", Kind: wire.List},
		{Name: "with_labels_details", Kind: wire.Boolean}, {Name: "milestone"}, {Name: "milestone_id", Values: []string{"Any", "None", "Upcoming", "Started"}},
		{Name: "iids", Kind: wire.Integers}, {Name: "search"}, {Name: "in"}, {Name: "author_id", Kind: wire.Integer}, {Name: "author_username"},
		{Name: "assignee_id", Kind: wire.IDOrWord, Values: anyNone}, {Name: "assignee_username", Kind: wire.List},
		{Name: "closed_by_id", Kind: wire.Integer}, {Name: "my_reaction_emoji"}, {Name: "confidential", Kind: wire.Boolean},
		{Name: "issue_type", Values: issueTypes()}, {Name: "due_date"}, {Name: "not", Kind: wire.Hash}, {Name: "non_archived", Kind: wire.Boolean},
		{Name: "scope", Values: []string{"created-by-me", "assigned-to-me", "created_by_me", "assigned_to_me", "all"}, Default: scope},
		{Name: "order_by", Values: orders(), Default: "created_at"}, {Name: "sort", Values: []string{"asc", "desc"}, Default: "desc"},
		{Name: "pagination", Values: []string{"legacy", "keyset"}, Default: "legacy"}, {Name: "cursor"},
		{Name: "weight", Kind: wire.IDOrWord, Values: anyNone}, {Name: "epic_id", Kind: wire.IDOrWord, Values: anyNone},
		{Name: "iteration_id", Kind: wire.IDOrWord, Values: anyNone}, {Name: "health_status"},
	}
	for _, name := range []string{"created", "updated"} {
		out = append(out, wire.Param{Name: name + "_after", Kind: wire.Time}, wire.Param{Name: name + "_before", Kind: wire.Time})
	}
	return out
}

func orders() []string {
	return []string{"created_at", "due_date", "label_priority", "milestone_due", "popularity", "priority", "relative_position", "title", "updated_at", "weight"}
}

// area is the part of the world a list is about.
type area func(*track.Issue) bool

func everywhere(*track.Issue) bool { return true }

func nobody(*rest.Request) (area, error) { return everywhere, nil }

func ofGroup(r *rest.Request) (area, error) {
	n, err := r.Group()
	if err != nil {
		return nil, err
	}
	return func(i *track.Issue) bool {
		p := r.W.Places.Project(i.ProjectID)
		return !p.Archived && r.W.Places.Within(r.W.Places.Namespace(p.NamespaceID), n)
	}, nil
}

func ofProject(r *rest.Request) (area, error) {
	p, err := r.Project()
	if err != nil {
		return nil, err
	}
	return func(i *track.Issue) bool { return i.ProjectID == p.ID }, nil
}

func allIssues(r *rest.Request) (wire.Answer, error) {
	if r.Caller == nil && r.Params.String("scope") != "all" {
		return wire.Answer{}, refuse.Anonymous()
	}
	return paged(r, r.W.Track.Issues(everywhere))
}

func groupIssues(r *rest.Request) (wire.Answer, error) {
	in, err := ofGroup(r)
	if err != nil {
		return wire.Answer{}, err
	}
	return paged(r, r.W.Track.Issues(in))
}

func projectIssues(r *rest.Request) (wire.Answer, error) {
	p, err := r.Project()
	if err != nil {
		return wire.Answer{}, err
	}
	return paged(r, r.W.Track.InProject(p.ID))
}

// paged filters, sorts and answers with a page.
func paged(r *rest.Request, candidates []*track.Issue) (wire.Answer, error) {
	if r.Params.String("search") != "" {
		if err := r.Throttle("search", 0); err != nil {
			return wire.Answer{}, err
		}
	}
	f := newFilter(r)
	found := slices.DeleteFunc(candidates, func(i *track.Issue) bool { return !f.keeps(i) })
	sortIssues(r, found)
	if r.Params.String("pagination") == "keyset" && keysetOrder(r.Params.String("order_by")) {
		return keyset(r, found)
	}
	return rest.Paged(r, found, listed(r))
}

func listed(r *rest.Request) func(*track.Issue) entity.Issue {
	if r.Params.Bool("with_labels_details") {
		return r.Views.IssueDetailed
	}
	return func(i *track.Issue) entity.Issue { return r.Views.Issue(i, false) }
}

func keysetOrder(order string) bool {
	return slices.Contains([]string{"title", "created_at", "updated_at", "due_date", "relative_position", "weight"}, order)
}

// rank is the place of an issue in the asked order; an absent value ("~") sorts behind everything.
func rank(r *rest.Request, i *track.Issue) string {
	switch r.Params.String("order_by") {
	case "updated_at":
		return stampRank(i.UpdatedAt)
	case "title":
		return strings.ToLower(i.Title)
	case "due_date":
		if i.DueDate == nil {
			return "~"
		}
		return i.DueDate.Format(time.DateOnly)
	case "relative_position":
		return padded(i.Position)
	case "weight":
		if i.Weight == nil {
			return "~"
		}
		return padded(*i.Weight)
	case "popularity":
		up, _ := r.W.Track.Votes(i)
		return padded(int64(up))
	case "priority", "label_priority":
		return priority(r, i)
	case "milestone_due":
		if m := r.W.Catalog.Milestone(i.MilestoneID); m != nil && m.DueDate != nil {
			return m.DueDate.Format(time.DateOnly)
		}
		return "~"
	}
	return stampRank(i.CreatedAt)
}

// stampRank writes a moment so that text order is time order.
func stampRank(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

// priority is the least priority number of an issue's labels.
func priority(r *rest.Request, i *track.Issue) string {
	best := "~"
	for _, l := range r.W.Track.LabelsOf(i) {
		if l.Priority != nil {
			best = min(best, padded(*l.Priority))
		}
	}
	return best
}

func padded(n int64) string {
	s := strconv.FormatInt(n, 10)
	return strings.Repeat("0", max(0, 20-len(s))) + s
}

// sortIssues orders by the asked key, then by id, in one direction.
func sortIssues(r *rest.Request, found []*track.Issue) {
	keys := make(map[int64]string, len(found))
	for _, i := range found {
		keys[i.ID] = rank(r, i)
	}
	sign := 1
	if r.Params.String("sort") == "desc" {
		sign = -1
	}
	slices.SortFunc(found, func(a, b *track.Issue) int {
		ka, kb := keys[a.ID], keys[b.ID]
		switch {
		case ka == "~" && kb != "~":
			return 1
		case kb == "~" && ka != "~":
			return -1
		case ka != kb:
			return sign * strings.Compare(ka, kb)
		}
		return sign * int(max(-1, min(1, a.ID-b.ID)))
	})
}

// cursor says where a keyset page begins: behind the issue with this id and rank.
type cursor struct {
	Rank string `json:"rank"`
	ID   int64  `json:"id"`
	Back bool   `json:"back,omitempty"`
}

func (c cursor) encode() string {
	b, _ := json.Marshal(c) // a struct of texts and numbers always encodes
	return base64.RawURLEncoding.EncodeToString(b)
}

// keyset answers pagination=keyset: a Link to the next page as long as there is one.
func keyset(r *rest.Request, found []*track.Issue) (wire.Answer, error) {
	page, err := wire.PageOf(r.Params)
	if err != nil {
		return wire.Answer{}, err
	}
	from, err := start(r, found, page.Size)
	if err != nil {
		return wire.Answer{}, err
	}
	to := min(from+page.Size, len(found))
	views := []entity.Issue{}
	for _, i := range found[from:to] {
		views = append(views, listed(r)(i))
	}
	a := wire.OK(views).Set("X-Per-Page", strconv.Itoa(page.Size))
	next, prev := "", ""
	if to < len(found) && to > from {
		next = cursor{Rank: rank(r, found[to-1]), ID: found[to-1].ID}.encode()
		a = a.Set("Link", "<"+wire.WithQuery(r.Self(), map[string]string{"cursor": next})+`>; rel="next"`)
	}
	if from > 0 && to > from {
		prev = cursor{Rank: rank(r, found[from]), ID: found[from].ID, Back: true}.encode()
	}
	return a.Set("X-NEXT-CURSOR", next).Set("X-PREV-CURSOR", prev), nil
}

// start finds where the page of a cursor begins.
func start(r *rest.Request, found []*track.Issue, size int) (int, error) {
	text := r.Params.String("cursor")
	if text == "" {
		return 0, nil
	}
	var c cursor
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil {
		return 0, wire.Problem(http.StatusBadRequest, "cursor is invalid")
	}
	desc := r.Params.String("sort") == "desc"
	at := len(found)
	for n, i := range found {
		if behind(rank(r, i), i.ID, c, desc) {
			at = n
			break
		}
	}
	if c.Back {
		return max(0, before(r, found, c)-size), nil
	}
	return at, nil
}

// behind says whether a place in the order comes after the cursor's.
func behind(rank string, id int64, c cursor, desc bool) bool {
	if rank == c.Rank {
		return id > c.ID != desc && id != c.ID
	}
	if rank == "~" || c.Rank == "~" {
		return rank == "~"
	}
	return rank > c.Rank != desc
}

func before(r *rest.Request, found []*track.Issue, c cursor) int {
	desc := r.Params.String("sort") == "desc"
	return slices.IndexFunc(append(found, nil), func(i *track.Issue) bool {
		return i == nil || i.ID == c.ID || behind(rank(r, i), i.ID, c, desc)
	})
}

type counted struct {
	Statistics struct {
		Counts struct {
			All    int `json:"all"`
			Closed int `json:"closed"`
			Opened int `json:"opened"`
		} `json:"counts"`
	} `json:"statistics"`
}

// statistics counts by state what the other filters keep.
func statistics(where func(*rest.Request) (area, error)) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		in, err := where(r)
		if err != nil {
			return wire.Answer{}, err
		}
		r.Params = r.Params.With("state", "all")
		f := newFilter(r)
		var out counted
		for _, i := range r.W.Track.Issues(in) {
			if !f.keeps(i) {
				continue
			}
			out.Statistics.Counts.All++
			if i.State == track.Closed {
				out.Statistics.Counts.Closed++
			} else {
				out.Statistics.Counts.Opened++
			}
		}
		return wire.OK(out), nil
	}
}
