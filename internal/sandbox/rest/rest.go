// Package rest is the frame of the sandbox's API: what a route is, what a
// handler gets to see, who is calling and which project or issue is meant.
// The handlers themselves are in its sub-packages, one for each part of the API.
//
// A handler runs while the world's lock is held, and its answer is encoded before
// the lock is let go: it must not block, and its answer may point into the world.
package rest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"cxm/internal/sandbox/entity"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world"
	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/refuse"
	"cxm/internal/sandbox/world/track"
)

// Access says who may call a route at all.
type Access int

// The accesses.
const (
	// SignedIn needs a user; 401 otherwise. It is the zero value.
	SignedIn Access = iota
	// Anyone may call: a user is known if there is one.
	Anyone
	// Administrator needs an administrator; 403 otherwise.
	Administrator
)

// Route is one endpoint. Path is below /api/v4, with {names}.
type Route struct {
	Method, Path string
	Access       Access
	Scopes       []string // besides api, and read_api for reading; "*": any scope
	OnlyScopes   []string // instead of the usual ones
	Spec         wire.Spec
	Limit        string // name of the application limit that applies; "": none
	Handle       func(*Request) (wire.Answer, error)
}

// ScopeNames gives the scopes that open a route, in the order GitLab names them.
func (r Route) ScopeNames() []string {
	if len(r.OnlyScopes) > 0 {
		return r.OnlyScopes
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return append(append([]string{}, r.Scopes...), "api", "read_api")
	}
	return append(append([]string{}, r.Scopes...), "api")
}

// Request is what a handler sees of a call.
type Request struct {
	W      *world.World
	HTTP   *http.Request
	Params wire.Params
	Caller *people.User  // nil: nobody signed in
	Token  *people.Token // nil: nobody signed in
	Views  entity.Views
	Base   string // the instance's URL without a slash at the end
	// Throttle counts against an application limit and refuses over it. key
	// narrows the limit, beyond the caller, to a project or the like.
	Throttle func(limit string, key int64) error
}

// Path gives a part of the path, decoded.
func (r *Request) Path(name string) string { return r.HTTP.PathValue(name) }

// PathInt gives a number in the path; anything else is Grape's "is invalid".
func (r *Request) PathInt(name string) (int64, error) {
	n, err := strconv.ParseInt(r.Path(name), 10, 64)
	if err != nil {
		return 0, wire.Problem(http.StatusBadRequest, name+" is invalid")
	}
	return n, nil
}

// Self is the request's own URL with the instance's host, for Link headers.
func (r *Request) Self() *url.URL {
	u, err := url.Parse(r.Base + r.HTTP.URL.EscapedPath())
	if err != nil {
		return &url.URL{Path: r.HTTP.URL.Path}
	}
	u.RawQuery = r.HTTP.URL.RawQuery
	return u
}

// Admin says whether the caller is an administrator.
func (r *Request) Admin() bool { return r.Caller != nil && r.Caller.Admin }

// Project finds the project that the path's id means: a number, or a path with
// a slash in it. Hidden ones are absent; old paths answer as moved.
func (r *Request) Project() (*place.Project, error) { return r.ProjectRef(r.Path("id")) }

// ProjectRef finds the project that an id or a full path means.
func (r *Request) ProjectRef(ref string) (*place.Project, error) {
	var p *place.Project
	moved := false
	if id, err := strconv.ParseInt(ref, 10, 64); err == nil {
		p = r.W.Places.Project(id)
	} else {
		p, moved = r.W.Places.ProjectAt(ref)
	}
	if p == nil || !r.W.Places.CanRead(r.Caller, p) {
		return nil, refuse.NotFound("Project")
	}
	if moved {
		return nil, refuse.MovedTo(p.ID)
	}
	return p, nil
}

// Group finds the group that the path's id means.
func (r *Request) Group() (*place.Namespace, error) {
	n := r.namespace(r.Path("id"))
	if n == nil || !n.Group() || !r.W.Places.CanReadGroup(r.Caller, n) {
		return nil, refuse.NotFound("Group")
	}
	return n, nil
}

func (r *Request) namespace(ref string) *place.Namespace {
	if id, err := strconv.ParseInt(ref, 10, 64); err == nil {
		return r.W.Places.Namespace(id)
	}
	return r.W.Places.ByPath(ref)
}

// Namespace finds the namespace that the path's id means, for whom it is theirs to see.
func (r *Request) Namespace() (*place.Namespace, error) {
	n := r.namespace(r.Path("id"))
	if n == nil || !r.W.Places.CanReadGroup(r.Caller, n) {
		return nil, refuse.NotFound("Namespace")
	}
	return n, nil
}

// Issue finds the project and the issue that the path means. A missing issue
// answers with notFound, which differs between GitLab's endpoints.
func (r *Request) Issue(param string, notFound error) (*place.Project, *track.Issue, error) {
	iid, err := r.PathInt(param)
	if err != nil {
		return nil, nil, err
	}
	p, err := r.Project()
	if err != nil {
		return nil, nil, err
	}
	i := r.W.Track.ByIID(p.ID, iid)
	if i == nil || !r.W.Track.CanRead(r.Caller, i) {
		return nil, nil, notFound
	}
	return p, i, nil
}

// Paged answers with a page of a list.
func Paged[T, V any](r *Request, all []T, view func(T) V) (wire.Answer, error) {
	return wire.Paged(r.Params, r.Self(), all, view)
}

// Without leaves parameters out of a shared list, for an endpoint that does not
// take them.
func Without(params []wire.Param, names ...string) []wire.Param {
	return slices.DeleteFunc(slices.Clone(params), func(p wire.Param) bool { return slices.Contains(names, p.Name) })
}

// Params joins lists of parameters.
func Params(lists ...[]wire.Param) []wire.Param {
	var out []wire.Param
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}
