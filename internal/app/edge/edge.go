// Package edge serves the REST API of a program: it answers what internal/api asks
// with what internal/app knows.
//
// What always holds: what is refused is told apart from what went wrong within cxm;
// nothing that was begun in GitLab stops because who asked for it went away.
package edge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"cxm/internal/api"
	"cxm/internal/api/door"
	"cxm/internal/app"
	"cxm/internal/app/tokencare"
	"cxm/internal/issue"
	"cxm/internal/rule/rulebook"
	"cxm/internal/signin"
	"cxm/internal/store"
	"cxm/internal/store/lists"
	"cxm/internal/store/replies"
	"cxm/internal/store/rules"
	"cxm/internal/store/sources"
	"cxm/internal/store/tenants"
)

// slowest is how long a plan, or a run whose end is waited for, may take.
const slowest = 15 * time.Minute

// New is the API of a program, for all of its tenants.
func New(a *app.App) (*api.API, error) {
	return api.New(api.Options{
		Known: a.People.Authenticate, Tenants: Tenants(a),
		Memory: memory{replies.New(a.DB.Base())}, People: people{a.People}, Tokens: tokens{a.People}, Links: people{a.People}, Clock: a.Clock, Logger: a.Logger,
	})
}

// Tenants are what the API serves of the program's tenants.
func Tenants(a *app.App) api.Tenants { return &tenancy{app: a, parts: map[string]*api.Tenant{}} }

// People are those who use cxm, as the API offers them.
func People(a *app.App) api.People { return people{a.People} }

// Tokens are cxm's own API tokens, as the API offers them.
func Tokens(a *app.App) api.Tokens { return tokens{a.People} }

// Mounts are what the program serves of it, for app.WorkOptions.More.
func Mounts(a *app.App) ([]app.Mount, error) {
	h, err := New(a)
	if err != nil {
		return nil, err
	}
	return []app.Mount{{Pattern: api.Pattern, Handler: h, Limits: app.Limits{Body: door.MostBytes, Write: slowest}}}, nil
}

// tenancy is the tenants of the installation, each of which is made ready once.
type tenancy struct {
	app   *app.App
	mu    sync.Mutex
	parts map[string]*api.Tenant // guarded by mu
}

func (t *tenancy) Tenant(ctx context.Context, name string) (*api.Tenant, error) {
	of, err := t.app.Of(ctx, name)
	if _, unknown := errors.AsType[*tenants.UnknownError](err); unknown {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.parts[name] == nil {
		t.parts[name] = tenant(of)
	}
	return t.parts[name], nil
}

func (t *tenancy) All(ctx context.Context) ([]api.TenantInfo, error) {
	all, err := t.app.Tenants(ctx)
	return each(all, func(t app.Tenant) api.TenantInfo {
		return api.TenantInfo{Name: t.Name, Title: cmp.Or(t.Title, t.Name), Disabled: t.Disabled, MadeAt: api.At(t.MadeAt)}
	}), err
}

func (t *tenancy) Add(ctx context.Context, name, title string) error {
	return refusal(t.app.AddTenant(ctx, name, title), "body.name")
}

func (t *tenancy) Disable(ctx context.Context, name string, disabled bool) error {
	return refusal(t.app.DisableTenant(ctx, name, disabled), "body.disabled")
}

func tenant(a *app.App) *api.Tenant {
	l := lists.New(a.DB.Base(), a.Tenant)
	f, i, r, s := findings{a, l}, issues{a, l}, ruled{a}, delivered{a, l}
	c := connections{a}
	return &api.Tenant{
		Status: summary{a}, Findings: f, Deciding: decides{f}, Issues: i, Journal: journal{a, l}, Runs: runs{a}, Rejections: runs{a}, Rules: r, Revisions: r, Suggestions: learned{a},
		Attention: attention{a}, Integrations: c, Changes: changes{c}, Credentials: credentials{a}, Access: reach{a}, Sources: places{a}, Deliveries: s, Audit: log{a},
		Owners: owned{a}, Hooks: hooks{a}, Past: past{a}, Explains: f, Exports: log{a},
	}
}

// memory keeps replies in the database.
type memory struct{ kept *replies.Store }

func (m memory) Begin(ctx context.Context, c door.Claim, until time.Time) (door.Reply, bool, error) {
	known, first, err := m.kept.Begin(ctx, replies.Claim(c), until)
	return door.Reply(known), first, err
}

func (m memory) End(ctx context.Context, c door.Claim, r door.Reply, until time.Time) error {
	return m.kept.End(ctx, replies.Claim(c), replies.Reply(r), until)
}

func (m memory) Drop(ctx context.Context, c door.Claim) error {
	return m.kept.Drop(ctx, replies.Claim(c))
}

// fault is an error as the API answers it. What is none of those that are known is
// one within cxm.
func fault(err error) error {
	if err == nil {
		return nil
	}
	if status := statusOf(err); status != 0 {
		return &door.Problem{Status: status, Detail: err.Error()}
	}
	if t, ok := errors.AsType[*issue.Trouble](err); ok {
		return &door.Problem{Status: http.StatusBadGateway, Detail: t.Error()}
	}
	return err
}

// statusOf is the status of an error that says itself what to do; 0: of another.
func statusOf(err error) int {
	is := func(all ...error) bool {
		for _, each := range all {
			if errors.Is(err, each) {
				return true
			}
		}
		return false
	}
	_, held := errors.AsType[*tokencare.HeldError](err)
	_, overtaken := errors.AsType[*rules.OvertakenError](err)
	_, refused := errors.AsType[signin.Refused](err)
	_, routes := errors.AsType[*app.RulesError](err)
	_, problems := errors.AsType[rulebook.Problems](err)
	_, unknown := errors.AsType[*tenants.UnknownError](err)
	switch {
	case refused:
		return http.StatusForbidden
	case is(store.ErrNotFound, sources.ErrNotFound, sources.ErrNoDelivery, signin.ErrNobody, signin.ErrNotKnown) || unknown:
		return http.StatusNotFound
	case is(app.ErrNotConnected, sources.ErrTaken, signin.ErrTaken, signin.ErrLastAdmin, tenants.ErrTaken, store.ErrStale, store.ErrUnderWay, store.ErrNotWaiting) || held:
		return http.StatusConflict
	case overtaken:
		return http.StatusPreconditionFailed
	case routes || problems:
		return http.StatusUnprocessableEntity
	}
	return 0
}

// refusal is fault for what is refused in words for people, and no fault within cxm:
// the request is at fault, at a place of it.
func refusal(err error, location string) error {
	var at []door.Place
	if err != nil && location != "" {
		at = []door.Place{{Message: err.Error(), Location: location}}
	}
	switch t, trouble := errors.AsType[*issue.Trouble](err); {
	case err == nil || statusOf(err) != 0 || inside(err):
		return fault(err)
	case trouble:
		return &door.Problem{Status: http.StatusUnprocessableEntity, Detail: t.Error(), Errors: at}
	}
	return &door.Problem{Status: http.StatusUnprocessableEntity, Detail: err.Error(), Errors: at}
}

// inside says that an error is of a database, or of a request that was given up.
func inside(err error) bool {
	_, sqlite := errors.AsType[interface {
		error
		Code() int
	}](err)
	_, postgres := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	return sqlite || postgres || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func missing(format string, args ...any) error {
	return &door.Problem{Status: http.StatusNotFound, Detail: fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) error {
	return &door.Problem{Status: http.StatusConflict, Detail: fmt.Sprintf(format, args...)}
}

// chosen is the integration that is meant: 0 is the only one there is.
func chosen(ctx context.Context, a *app.App, id int64) (int64, error) {
	all, err := a.Store.Integrations(ctx)
	switch {
	case err != nil:
		return 0, err
	case id == 0 && len(all) == 1:
		return all[0].ID, nil
	case id == 0 && len(all) == 0:
		return 0, fault(app.ErrNotConnected)
	case id == 0:
		return 0, &door.Problem{Status: http.StatusUnprocessableEntity, Detail: "there are several integrations: name one (GET /v1/integrations lists them)"}
	}
	for _, in := range all {
		if in.ID == id {
			return id, nil
		}
	}
	return 0, missing("there is no integration %d: GET /v1/integrations lists them", id)
}

// size is how many of all, and where the next page begins.
func slice(s api.Slice) lists.Page {
	return lists.Page{After: lists.Cursor(s.After), Size: s.Size}
}

// first is the beginning of a list, and how many are behind it.
func first[T any](all []T, most int) ([]T, int) {
	if len(all) <= most {
		return all, 0
	}
	return all[:most], len(all) - most
}
