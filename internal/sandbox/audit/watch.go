package audit

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"cxm/internal/sandbox/entity"
	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/place"
)

// Watch looks at what a request is about before it is carried out. done is
// called when it was, and writes the events.
func (l *Log) Watch(route rest.Route, r *rest.Request) (done func(wire.Answer)) {
	nothing := func(wire.Answer) {}
	if route.Method == http.MethodGet || r.Caller == nil {
		return nothing
	}
	switch path := route.Path; {
	case strings.Contains(path, "personal_access_tokens"):
		return l.watchToken(route, r)
	case strings.Contains(path, "/members"):
		return l.watchMembers(r, path)
	case route.Method == http.MethodPost && strings.HasSuffix(path, "/service_accounts"):
		return func(a wire.Answer) { l.serviceMade(r, a) }
	case path == "/projects/{id}", path == "/projects/{id}/archive", path == "/projects/{id}/unarchive", path == "/projects/{id}/transfer":
		return l.watchProject(r)
	}
	return nothing
}

// watchToken tells of tokens made, rotated and revoked. GitLab 19.3 writes no
// event of its own for a rotation; the sandbox does, so that tests see it.
func (l *Log) watchToken(route rest.Route, r *rest.Request) func(wire.Answer) {
	if route.Method == http.MethodDelete {
		t := tokenOf(route, r)
		return func(wire.Answer) {
			if t != nil {
				l.token(r, "revoked", "Revoked", t.ID, t.UserID)
			}
		}
	}
	name, verb := "created", "Created"
	if strings.HasSuffix(route.Path, "/rotate") {
		name, verb = "rotated", "Rotated"
	}
	return func(a wire.Answer) {
		if t, ok := a.Body.(entity.Token); ok {
			l.token(r, name, verb, t.ID, t.UserID)
		}
	}
}

func tokenOf(route rest.Route, r *rest.Request) *people.Token {
	name := "id"
	switch {
	case strings.Contains(route.Path, "/self"):
		return r.Token
	case strings.Contains(route.Path, "{token_id}"):
		name = "token_id"
	}
	id, err := r.PathInt(name)
	if err != nil {
		return nil
	}
	return r.W.People.Token(id)
}

func (l *Log) token(r *rest.Request, name, verb string, id, userID int64) {
	d := Details{Message: verb + " personal access token with id " + itoa(id), Target: userID, TargetType: "User"}
	if u := r.W.People.User(userID); u != nil {
		d.TargetName = u.Name
	}
	l.add(r, "personal_access_token_"+name, user(r.Caller), d)
}

func (l *Log) serviceMade(r *rest.Request, a wire.Answer) {
	made, ok := a.Body.(entity.ServiceAccount)
	if !ok {
		return
	}
	l.add(r, "user_created", of{"User", made.ID, made.Username}, Details{
		Add: "user", Message: "User " + made.Username + " created", Target: made.ID, TargetType: "User", TargetName: made.Name,
	})
}

// watchMembers compares the members of a place before and after.
func (l *Log) watchMembers(r *rest.Request, path string) func(wire.Answer) {
	site, scope, err := siteOf(r, path)
	if err != nil {
		return func(wire.Answer) {}
	}
	before := map[int64]place.Role{}
	for id, m := range site.Direct() {
		before[id] = m.Role
	}
	return func(wire.Answer) {
		after := site.Direct()
		for _, id := range slices.Sorted(maps.Keys(before)) {
			if after[id] == nil {
				l.member(r, "destroyed", scope, id, Details{Remove: "user_access"})
			} else if after[id].Role != before[id] {
				l.member(r, "updated", scope, id, Details{Change: "access_level", From: "Default role: " + before[id].String(), To: "Default role: " + after[id].Role.String()})
			}
		}
		for _, id := range slices.Sorted(maps.Keys(after)) {
			if _, had := before[id]; !had {
				l.member(r, "created", scope, id, Details{Add: "user_access", As: "Default role: " + after[id].Role.String()})
			}
		}
	}
}

func siteOf(r *rest.Request, path string) (place.Site, of, error) {
	if strings.HasPrefix(path, "/groups/") {
		n, err := r.Group()
		if err != nil {
			return place.Site{}, of{}, err
		}
		return place.Site{Group: n}, of{"Group", n.ID, r.W.Places.FullPath(n)}, nil
	}
	p, err := r.Project()
	if err != nil {
		return place.Site{}, of{}, err
	}
	return place.Site{Project: p}, of{"Project", p.ID, r.W.Places.ProjectPath(p)}, nil
}

func (l *Log) member(r *rest.Request, verb string, scope of, userID int64, d Details) {
	d.Message, d.MemberID, d.Target, d.TargetType, d.TargetName = "Membership "+verb, userID, userID, "User", "Deleted User"
	if u := r.W.People.User(userID); u != nil {
		d.TargetName = u.Name
	}
	l.add(r, "member_"+verb, scope, d)
}

// watchProject compares a project before and after.
func (l *Log) watchProject(r *rest.Request) func(wire.Answer) {
	p, err := r.Project()
	if err != nil {
		return func(wire.Answer) {}
	}
	was, wasPath, wasName := *p, r.W.Places.ProjectPath(p), r.W.Places.ProjectName(p)
	return func(wire.Answer) {
		path := r.W.Places.ProjectPath(p)
		tell := func(name, message, change, from, to string) {
			l.add(r, name, of{"Project", p.ID, path}, Details{
				Message: message, Change: change, From: from, To: to, Target: p.ID, TargetType: "Project", TargetName: path,
			})
		}
		if p.Name != was.Name {
			tell("project_name_updated", "Changed name to "+r.W.Places.ProjectName(p), "name", wasName, r.W.Places.ProjectName(p))
		}
		if p.Path != was.Path {
			tell("project_path_updated", "Changed path to "+path, "path", wasPath, path)
		}
		if p.NamespaceID != was.NamespaceID {
			tell("project_namespace_updated", "Changed namespace from "+wasPath+" to "+path, "namespace", wasPath, path)
		}
		switch {
		case p.Archived && !was.Archived:
			tell("project_archived", "Project archived", "", "", "")
		case !p.Archived && was.Archived:
			tell("project_unarchived", "Project unarchived", "", "", "")
		}
	}
}
