// Package hooks serves the webhooks of projects and groups: their settings,
// what was delivered to them, tests, and deliveries made again.
//
// A secret goes in and never comes out. A receiver is never called while the
// world stands still: such a handler gives an answer that is completed later.
package hooks

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"cxm/internal/sandbox/hook"
	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/refuse"
)

// Routes gives the package's endpoints. In the Community Edition groups have
// no webhooks.
func Routes(desk *hook.Desk, edition string) []rest.Route {
	projects := routes("/projects/{id}/hooks", api{desk, projectOwner})
	if edition == "ce" {
		return append(projects, routes("/groups/{id}/hooks", api{desk, absent})...)
	}
	return append(projects, routes("/groups/{id}/hooks", api{desk, groupOwner})...)
}

// api is the endpoints of one level.
type api struct {
	desk  *hook.Desk
	owner func(*rest.Request) (hook.Owner, error)
}

// projectOwner needs a Maintainer.
func projectOwner(r *rest.Request) (hook.Owner, error) {
	p, err := r.Project()
	if err != nil {
		return hook.Owner{}, err
	}
	if r.W.Places.Role(r.Caller, p) < place.Maintainer {
		return hook.Owner{}, refuse.Denied("")
	}
	return hook.Owner{ProjectID: p.ID}, nil
}

// groupOwner needs an Owner, and GitLab Premium.
func groupOwner(r *rest.Request) (hook.Owner, error) {
	n, err := r.Group()
	if err != nil {
		return hook.Owner{}, err
	}
	if r.W.Places.RoleIn(r.Caller, n) < place.Owner || !r.W.Places.PlanOf(n).Paid() {
		return hook.Owner{}, refuse.Denied("")
	}
	return hook.Owner{GroupID: n.ID}, nil
}

func absent(*rest.Request) (hook.Owner, error) {
	return hook.Owner{}, wire.Problem(http.StatusNotFound, "404 Not Found")
}

func routes(path string, a api) []rest.Route {
	one := path + "/{hook_id}"
	settings := settings(path)
	create := wire.Spec{Params: slices.Clone(settings)}
	create.Params[0].Required = true
	return []rest.Route{
		{Method: "GET", Path: path, Spec: wire.Spec{Params: wire.Pagination()}, Handle: a.list},
		{Method: "POST", Path: path, Spec: create, Handle: a.create},
		{Method: "GET", Path: one, Handle: a.show},
		{Method: "PUT", Path: one, Spec: wire.Spec{Params: settings}, Handle: a.update},
		{Method: "DELETE", Path: one, Handle: a.remove},
		{Method: "POST", Path: one + "/test/{trigger}", Limit: "web_hook_test", Handle: a.test},
		{Method: "GET", Path: one + "/events", Spec: wire.Spec{Params: eventParams()}, Handle: a.events},
		{Method: "POST", Path: one + "/events/{hook_log_id}/resend", Limit: "web_hook_event_resend", Handle: a.resend},
	}
}

// settings declares what a hook is made of; url comes first.
func settings(path string) []wire.Param {
	out := []wire.Param{
		{Name: "url"}, {Name: "name"}, {Name: "description"}, {Name: "enable_ssl_verification", Kind: wire.Boolean}, {Name: "token"},
		{Name: "signing_token"}, {Name: "push_events_branch_filter"}, {Name: "custom_webhook_template"},
		{Name: "branch_filter_strategy", Values: []string{"wildcard", "regex", "all_branches"}},
		{Name: "url_variables", Kind: wire.Hash}, {Name: "custom_headers", Kind: wire.Hash},
	}
	for _, event := range eventsOf(path) {
		out = append(out, wire.Param{Name: event, Kind: wire.Boolean})
	}
	return out
}

// eventsOf gives the event settings of a level.
func eventsOf(path string) []string {
	if path == "/projects/{id}/hooks" {
		return append(hook.Events(), "resource_deploy_token_events")
	}
	return append(hook.Events(), "project_events", "subgroup_events", "member_events")
}

// found finds the hook that the path means.
func (a api) found(r *rest.Request) (hook.Hook, error) {
	id, err := r.PathInt("hook_id")
	if err != nil {
		return hook.Hook{}, err
	}
	owner, err := a.owner(r)
	if err != nil {
		return hook.Hook{}, err
	}
	h, ok := a.desk.Hook(owner, id)
	if !ok {
		return hook.Hook{}, refuse.NoRecord()
	}
	return h, nil
}

func (a api) list(r *rest.Request) (wire.Answer, error) {
	owner, err := a.owner(r)
	if err != nil {
		return wire.Answer{}, err
	}
	return rest.Paged(r, a.desk.Hooks(owner), a.view)
}

func (a api) show(r *rest.Request) (wire.Answer, error) {
	h, err := a.found(r)
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.OK(a.view(h)), nil
}

func (a api) create(r *rest.Request) (wire.Answer, error) {
	owner, err := a.owner(r)
	if err != nil {
		return wire.Answer{}, err
	}
	h := hook.Draft()
	if err := apply(r.Params, &h, events(owner)); err != nil {
		return wire.Answer{}, err
	}
	made, err := a.desk.Add(owner, h)
	if err != nil {
		return wire.Answer{}, refused(err, false)
	}
	return wire.Created(a.view(made)), nil
}

func (a api) update(r *rest.Request) (wire.Answer, error) {
	h, err := a.found(r)
	if err != nil {
		return wire.Answer{}, err
	}
	if !given(r.Params, events(h.Owner)) {
		return wire.Answer{}, wire.Problem(http.StatusBadRequest, "No parameters provided")
	}
	if err := apply(r.Params, &h, events(h.Owner)); err != nil {
		return wire.Answer{}, err
	}
	changed, err := a.desk.Change(h)
	if err != nil {
		return wire.Answer{}, refused(err, true)
	}
	return wire.OK(a.view(changed)), nil
}

func (a api) remove(r *rest.Request) (wire.Answer, error) {
	h, err := a.found(r)
	if err != nil {
		return wire.Answer{}, err
	}
	a.desk.Remove(h.ID)
	return wire.NoContent(), nil
}

func events(o hook.Owner) []string {
	if o.ProjectID != 0 {
		return eventsOf("/projects/{id}/hooks")
	}
	return eventsOf("")
}

func given(p wire.Params, events []string) bool {
	names := slices.Concat(events, []string{"url", "name", "description", "enable_ssl_verification", "token", "signing_token",
		"push_events_branch_filter", "custom_webhook_template", "branch_filter_strategy", "url_variables", "custom_headers"})
	return slices.ContainsFunc(names, p.Given)
}

// refused words a hook that GitLab does not take: lib/api/helpers/web_hooks_helpers.rb
// for a change, app/services/web_hooks/create_service.rb for a new one.
func refused(err error, change bool) error {
	f, ok := errors.AsType[*hook.Fault](err)
	switch {
	case !ok:
		return err
	case f.Field == "url":
		return wire.Problem(http.StatusUnprocessableEntity, "Invalid url given")
	case change && f.Field == "custom_headers":
		return wire.Problem(http.StatusUnprocessableEntity, "Custom headers validation failed")
	case change:
		return wire.Message(http.StatusUnprocessableEntity, map[string][]string{f.Field: {f.Message}})
	}
	return wire.Problem(http.StatusUnprocessableEntity, f.Error())
}

// apply takes over what a request says of a hook.
func apply(p wire.Params, h *hook.Hook, events []string) error {
	for name, field := range map[string]*string{
		"url": &h.URL, "name": &h.Name, "description": &h.Description, "token": &h.Token, "signing_token": &h.SigningToken,
		"custom_webhook_template": &h.Template, "branch_filter_strategy": &h.BranchStrategy,
	} {
		if p.Given(name) {
			*field = p.String(name)
		}
	}
	if p.Given("push_events_branch_filter") {
		h.BranchFilter = new(p.String("push_events_branch_filter"))
	}
	if p.Given("enable_ssl_verification") {
		h.VerifyTLS = p.Bool("enable_ssl_verification")
	}
	for _, event := range events {
		if p.Given(event) {
			h.Events[event] = p.Bool(event)
		}
	}
	for name, field := range map[string]*[]hook.Pair{"url_variables": &h.Variables, "custom_headers": &h.Headers} {
		more, err := pairs(p, name)
		if err != nil {
			return err
		}
		*field = merged(*field, more)
	}
	return nil
}

// pairs reads a list of objects with a key and a value.
func pairs(p wire.Params, name string) ([]hook.Pair, error) {
	list, ok := p.Raw(name).([]any)
	if !ok && p.Given(name) && !p.Null(name) {
		return nil, wire.Problem(http.StatusBadRequest, name+" is invalid")
	}
	var out []hook.Pair
	for n, item := range list {
		object, _ := item.(map[string]any)
		key, hasKey := object["key"].(string)
		value, hasValue := object["value"].(string)
		switch {
		case !hasKey:
			return nil, wire.Problem(http.StatusBadRequest, fmt.Sprintf("%s[%d][key] is missing", name, n))
		case !hasValue:
			return nil, wire.Problem(http.StatusBadRequest, fmt.Sprintf("%s[%d][value] is missing", name, n))
		}
		out = append(out, hook.Pair{Key: key, Value: value})
	}
	return out, nil
}

// merged adds pairs to others; those with the same key are replaced.
func merged(have, more []hook.Pair) []hook.Pair {
	for _, p := range more {
		have = slices.DeleteFunc(slices.Clone(have), func(x hook.Pair) bool { return x.Key == p.Key })
		have = append(have, p)
	}
	return have
}
