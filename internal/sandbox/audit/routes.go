package audit

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"time"

	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/refuse"
)

// span is the longest time that one query of the instance's log covers.
const span = 30 * 24 * time.Hour

// Routes gives the API's routes. The Community Edition ("ce") has none.
func Routes(l *Log, edition string) []rest.Route {
	if edition == "ce" {
		return nil
	}
	page := rest.Params(wire.Pagination(), []wire.Param{
		{Name: "created_after", Kind: wire.Time}, {Name: "created_before", Kind: wire.Time},
		{Name: "pagination", Values: []string{"legacy", "keyset"}}, {Name: "cursor"},
	})
	all := wire.Spec{Params: rest.Params(page, []wire.Param{
		{Name: "entity_type", Values: []string{"Project", "User", "Group", "Gitlab::Audit::InstanceScope"}}, {Name: "entity_id", Kind: wire.Integer},
	})}
	some := wire.Spec{Params: page}
	return []rest.Route{
		{Method: "GET", Path: "/audit_events", Access: rest.Administrator, Spec: all, Handle: l.instance},
		{Method: "GET", Path: "/audit_events/{id}", Access: rest.Administrator, Handle: l.oneOf("id", anywhere)},
		{Method: "GET", Path: "/groups/{id}/audit_events", Spec: some, Handle: l.listOf(inGroup)},
		{Method: "GET", Path: "/groups/{id}/audit_events/{audit_event_id}", Handle: l.oneOf("audit_event_id", inGroup)},
		{Method: "GET", Path: "/projects/{id}/audit_events", Spec: some, Handle: l.listOf(inProject)},
		{Method: "GET", Path: "/projects/{id}/audit_events/{audit_event_id}", Handle: l.oneOf("audit_event_id", inProject)},
	}
}

// filter says which events a caller gets to see in a place.
type filter func(Event) bool

func anywhere(*rest.Request) (filter, error) {
	return func(Event) bool { return true }, nil
}

// inGroup shows Owners everything of a group, Developers what they did. Free
// groups have no log.
func inGroup(r *rest.Request) (filter, error) {
	n, err := r.Group()
	if err != nil {
		return nil, err
	}
	return within(r, n, r.W.Places.RoleIn(r.Caller, n), place.Owner, "Group", n.ID)
}

// inProject shows Maintainers everything of a project, Developers what they did.
func inProject(r *rest.Request) (filter, error) {
	p, err := r.Project()
	if err != nil {
		return nil, err
	}
	return within(r, r.W.Places.Namespace(p.NamespaceID), r.W.Places.Role(r.Caller, p), place.Maintainer, "Project", p.ID)
}

func within(r *rest.Request, n *place.Namespace, role, all place.Role, kind string, id int64) (filter, error) {
	line := r.W.Places.Lineage(n)
	if !line[len(line)-1].Plan.Paid() || role < place.Developer {
		return nil, refuse.Denied("")
	}
	return func(e Event) bool {
		return e.EntityType == kind && e.EntityID == id && (role >= all || e.AuthorID == r.Caller.ID)
	}, nil
}

func (l *Log) listOf(where func(*rest.Request) (filter, error)) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		keep, err := where(r)
		if err != nil {
			return wire.Answer{}, err
		}
		return l.list(r, keep)
	}
}

func (l *Log) instance(r *rest.Request) (wire.Answer, error) {
	kind, id := r.Params.String("entity_type"), r.Params.Int("entity_id")
	if id != 0 && kind == "" {
		return wire.Answer{}, wire.Problem(http.StatusBadRequest, "entity_type is missing")
	}
	from, to := r.Params.Time("created_after"), r.Params.Time("created_before")
	end := r.W.Now()
	if to != nil {
		end = *to
	}
	if earliest := end.Add(-span); from == nil || from.Before(earliest) {
		r.Params = r.Params.With("created_after", earliest)
	}
	return l.list(r, func(e Event) bool {
		return (kind == "" || e.EntityType == kind) && (id == 0 || e.EntityID == id)
	})
}

// list gives the newest events first, by pages or by keyset.
func (l *Log) list(r *rest.Request, keep filter) (wire.Answer, error) {
	from, to := r.Params.Time("created_after"), r.Params.Time("created_before")
	var found []Event
	for _, e := range slices.Backward(l.events) {
		if keep(e) && (from == nil || !e.at.Before(*from)) && (to == nil || !e.at.After(*to)) {
			found = append(found, e)
		}
	}
	if r.Params.String("pagination") != "keyset" {
		return rest.Paged(r, found, func(e Event) Event { return e })
	}
	return keyset(r, found)
}

func keyset(r *rest.Request, found []Event) (wire.Answer, error) {
	page, err := wire.PageOf(r.Params)
	if err != nil {
		return wire.Answer{}, err
	}
	if text := r.Params.String("cursor"); text != "" {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		last, perr := strconv.ParseInt(string(raw), 10, 64)
		if err != nil || perr != nil {
			return wire.Answer{}, wire.Problem(http.StatusBadRequest, "cursor is invalid")
		}
		found = slices.DeleteFunc(found, func(e Event) bool { return e.ID >= last })
	}
	rest := found[min(page.Size, len(found)):]
	found = found[:len(found)-len(rest)]
	if found == nil {
		found = []Event{}
	}
	a := wire.OK(found).Set("X-Per-Page", strconv.Itoa(page.Size))
	if len(rest) == 0 {
		return a, nil
	}
	next := base64.RawURLEncoding.EncodeToString([]byte(itoa(found[len(found)-1].ID)))
	return a.Set("Link", "<"+wire.WithQuery(r.Self(), map[string]string{"cursor": next})+`>; rel="next"`).Set("X-NEXT-CURSOR", next), nil
}

func (l *Log) oneOf(name string, where func(*rest.Request) (filter, error)) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		keep, err := where(r)
		if err != nil {
			return wire.Answer{}, err
		}
		id, err := r.PathInt(name)
		if err != nil {
			return wire.Answer{}, err
		}
		at := slices.IndexFunc(l.events, func(e Event) bool { return e.ID == id })
		if at < 0 || !keep(l.events[at]) {
			return wire.Answer{}, refuse.NoRecord()
		}
		return wire.OK(l.events[at]), nil
	}
}
