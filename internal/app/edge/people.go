package edge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"cxm/internal/api"
	"cxm/internal/api/door"
	"cxm/internal/app"
	"cxm/internal/app/auditing"
	"cxm/internal/audit"
	"cxm/internal/credential"
	"cxm/internal/signin"
	reception "cxm/internal/signin/desk"
	"cxm/internal/signin/role"
)

type people struct{ desk *app.People }

// Person is what the API shows of somebody in a tenant.
func Person(tenant string, p signin.Person) api.Person { return toPerson(tenant, p) }

// toPerson shows of a person what is of a tenant.
func toPerson(tenant string, p signin.Person) api.Person {
	out := api.Person{
		ID: p.ID, Email: api.Some(p.Email), Name: p.Name, Role: api.Some(role.Highest(p.Roles(tenant)...)), Given: []api.GivenBy{},
		Disabled: !p.DisabledAt.IsZero(), DisabledAt: api.At(p.DisabledAt), Root: p.Installation, Password: !p.Password.Empty(), CreatedAt: api.At(p.CreatedAt), SignedInAt: api.At(p.SignedInAt),
	}
	for _, g := range p.Grants {
		if g.Tenant == tenant {
			out.Given = append(out.Given, api.GivenBy{Role: g.Role, Origin: api.Some(g.Origin)})
		}
	}
	return out
}

func (p people) People(ctx context.Context, who signin.Who, tenant string, s api.Slice) ([]api.Person, api.Cursor, error) {
	all, err := p.desk.List(ctx, who, tenant, s.After.ID, s.Size)
	return each(all, func(one signin.Person) api.Person { return toPerson(tenant, one) }), behind(all, s, func(one signin.Person) int64 { return one.ID }), fault(err)
}

// behind is where the next page of a list by number begins.
func behind[T any](all []T, s api.Slice, id func(T) int64) api.Cursor {
	if len(all) < s.Size {
		return api.Cursor{}
	}
	return api.Cursor{ID: id(all[len(all)-1])}
}

func (p people) Invite(ctx context.Context, who signin.Who, tenant string, n api.Invite) (api.Person, bool, error) {
	got, added, err := p.desk.Add(ctx, who, reception.Newcomer{Email: n.Email, Name: n.Name, Tenant: tenant, Role: n.Role})
	return toPerson(tenant, got), added, refusal(err, "body")
}

// here is somebody who has a role in the tenant: others are not there.
func (p people) here(ctx context.Context, tenant string, id int64) (signin.Person, error) {
	now, err := p.desk.Store.Person(ctx, id)
	if err != nil && statusOf(err) == 0 {
		return now, err
	}
	if err != nil || len(toPerson(tenant, now).Given) == 0 {
		return now, missing("nobody in this tenant has the number %d: GET /v1/people lists them", id)
	}
	return now, nil
}

// Reset makes a link by which somebody of the tenant chooses a password.
func (p people) Reset(ctx context.Context, who signin.Who, tenant string, id int64) (api.Link, credential.Secret, error) {
	now, err := p.here(ctx, tenant, id)
	if err != nil {
		return api.Link{}, credential.Secret{}, err
	}
	value, l, err := p.desk.ResetLink(ctx, who, id)
	if err != nil {
		return api.Link{}, value, fault(err)
	}
	return api.Link{For: now.Label(), EndsAt: api.At(l.EndsAt)}, credential.NewSecret(signin.LinkReset.Path(value)), nil
}

// SetRole gives a role to somebody who has one in the tenant: others are not there.
func (p people) SetRole(ctx context.Context, who signin.Who, tenant string, id int64, r role.Role) (api.Person, error) {
	if _, err := p.here(ctx, tenant, id); err != nil {
		return api.Person{}, err
	}
	var err error
	if r != "" {
		if r, err = role.Parse(string(r)); err != nil {
			return api.Person{}, refusal(err, "body.role")
		}
	}
	got, err := p.desk.SetRole(ctx, who, id, tenant, r)
	return toPerson(tenant, got), fault(err)
}

// itself says why a token does not reach the sessions of its owner: they are there for
// who signed in, and for admins.
func itself(who signin.Who, err error) error {
	if _, refused := errors.AsType[signin.Refused](err); refused && who.Token.ID != 0 {
		return &door.Problem{Status: http.StatusForbidden, Detail: "an API token does not reach the sessions of its owner, unless they look after people: sign in to see to yours"}
	}
	return fault(err)
}

func (p people) Sessions(ctx context.Context, who signin.Who) ([]api.Session, error) {
	if who.Person.ID == 0 {
		return nil, nil
	}
	all, err := p.desk.Sessions(ctx, who, who.Person.ID)
	return each(all, func(s signin.Session) api.Session {
		return api.Session{ID: s.ID, Method: s.Method, Address: api.Some(s.Address), Agent: api.Some(s.Agent), BegunAt: api.At(s.BegunAt), SeenAt: api.At(s.SeenAt), EndsAt: api.At(s.EndsAt)}
	}), itself(who, err)
}

func (p people) EndSession(ctx context.Context, who signin.Who, id int64) error {
	if who.Person.ID == 0 {
		return missing("this token is nobody's, and so has no sessions: use one of your own")
	}
	return itself(who, p.desk.EndSession(ctx, who, who.Person.ID, id))
}

type tokens struct{ desk *app.People }

func toToken(t signin.Token) api.Token {
	return api.Token{
		ID: t.ID, Name: t.Name, Hint: t.Hint, PersonID: api.Some(t.Person), Role: api.Some(t.Role), Scopes: api.List(t.Scopes), MadeBy: t.MadeBy,
		MadeAt: api.At(t.MadeAt), EndsAt: api.At(t.EndsAt), UsedAt: api.At(t.UsedAt), RevokedAt: api.At(t.RevokedAt),
	}
}

// Tokens lists those that who may see: the page goes by all of them.
func (t tokens) Tokens(ctx context.Context, who signin.Who, tenant string, s api.Slice) ([]api.Token, api.Cursor, error) {
	seen, err := t.desk.Tokens(ctx, who, tenant, s.After.ID, s.Size)
	if err != nil {
		return nil, api.Cursor{}, fault(err)
	}
	all, err := t.desk.Store.Tokens(ctx, tenant, s.After.ID, s.Size)
	return each(seen, toToken), behind(all, s, func(one signin.Token) int64 { return one.ID }), err
}

func (t tokens) Mint(ctx context.Context, who signin.Who, tenant string, n api.NewToken) (api.Token, credential.Secret, error) {
	names := each(n.Scopes, func(s role.Scope) string { return string(s) })
	scopes, err := role.ParseScopes(names)
	if err != nil {
		return api.Token{}, credential.Secret{}, refusal(err, "body.scopes")
	}
	asked := reception.Asked{Tenant: tenant, Name: n.Name, Scopes: scopes, Days: n.Days}
	if n.Role == "" && who.Person.ID != 0 {
		asked.Person = who.Person.ID
	} else if asked.Role, err = role.Parse(string(n.Role)); err != nil {
		return api.Token{}, credential.Secret{}, refusal(err, "body.role")
	}
	value, made, err := t.desk.MintToken(ctx, who, asked)
	return toToken(made), value, refusal(err, "body")
}

func (t tokens) Revoke(ctx context.Context, who signin.Who, tenant string, id int64) error {
	_, err := t.desk.RevokeToken(ctx, who, tenant, id)
	return fault(err)
}

type log struct{ app *app.App }

func (l log) Lines(ctx context.Context, by api.AuditFilter, s api.Slice) ([]api.AuditLine, api.Cursor, error) {
	if (by.Kind == "") != (by.ID == "") {
		return nil, api.Cursor{}, refusal(errors.New("name the kind of the object and its id, or neither"), "query.object_kind")
	}
	all, err := l.app.AuditLines(ctx, auditing.Filter{
		Before: cmp.Or(s.After.ID, by.Before), Actor: by.Actor, Action: by.Action, Kind: by.Kind, ID: by.ID, Since: by.Since, Until: by.Until, Most: s.Size,
	})
	return each(all, toLine), behind(all, s, func(one audit.Line) int64 { return one.Sequence }), err
}

func toLine(a audit.Line) api.AuditLine {
	return api.AuditLine{
		Sequence: a.Sequence, At: api.At(a.At), Actor: api.AuditActor{Kind: string(a.Actor.Kind), Name: api.Some(a.Actor.Name)}, Action: a.Action,
		Object: api.AuditObject{Kind: a.Object.Kind, ID: api.Some(a.Object.ID), Name: api.Some(a.Object.Name)},
		Before: facts(a.Before), After: facts(a.After), Why: api.Some(a.Why), Run: api.Some(a.Run), Request: api.Some(a.Request), Hash: a.Hash.String(),
		Previous: previous(a),
	}
}

// previous is the hash of the line before; nil: there is none.
func previous(a audit.Line) *string {
	if a.Previous == (audit.Hash{}) {
		return nil
	}
	return api.Some(a.Previous.String())
}

func (l log) Export(ctx context.Context, w io.Writer, format string, since, until time.Time) (api.AuditHead, error) {
	head, err := l.app.ExportAudit(ctx, w, format, auditing.Span{Since: since, Until: until})
	return api.AuditHead{Sequence: head.Sequence, Hash: head.Hash.String()}, err
}

// facts is an object; nil encodes as null.
func facts(f audit.Facts) json.RawMessage {
	if f == "" {
		return nil
	}
	return json.RawMessage(f)
}

func (l log) Verify(ctx context.Context) (api.AuditReport, error) {
	r, err := l.app.VerifyAudit(ctx)
	return api.AuditReport{
		Whole: err == nil && len(r.Faults) == 0, Lines: r.Lines, First: r.First, Last: r.Last, Hash: r.Hash, Anchors: r.Anchors, Anchored: r.Anchored, Unanchored: r.Unanchored, Sealed: r.Sealed,
		Faults: each(r.Faults, func(f audit.Fault) api.AuditFault {
			return api.AuditFault{Kind: string(f.Kind), From: f.From, To: f.To, Text: f.Text}
		}),
		Remarks: api.List(r.Remarks),
	}, err
}
