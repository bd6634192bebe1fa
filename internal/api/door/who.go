package door

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"cxm/internal/audit"
	"cxm/internal/credential"
	"cxm/internal/signin"
)

// TenantHeader names the tenant that a request is about, where who sends it works in
// several.
const TenantHeader = "Cxm-Tenant"

// known finds out who asks, by the token that they present. Cookies of the pages are
// no way in here: what they are sent along with is not always meant.
func (d *Door) known(req *http.Request) (signin.Who, *Problem) {
	value, why := presented(req.Header)
	if why != nil {
		return signin.Who{}, why
	}
	who, err := d.Known(req.Context(), value)
	switch {
	case errors.Is(err, signin.ErrNotKnown):
		return who, unknown(err.Error())
	case err != nil:
		return who, Broken(fmt.Errorf("finding out who asks: %w", err))
	case !who.Known():
		return who, unknown("nobody is known by this token: make another one (`cxm api-token create`)")
	}
	return who, nil
}

func unknown(detail string) *Problem {
	return &Problem{Status: http.StatusUnauthorized, Detail: detail, Errors: []Place{{Message: "this is no way in", Location: "header.Authorization"}}}
}

// presented is the token of a request: in the Authorization header alone, once.
func presented(h http.Header) (credential.Secret, *Problem) {
	all := h.Values("Authorization")
	if len(all) != 1 {
		return credential.Secret{}, unknown("send an API token of cxm in one header \"Authorization: Bearer TOKEN\" (`cxm api-token create` makes one)")
	}
	scheme, value, _ := strings.Cut(all[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(value) == "" {
		return credential.Secret{}, unknown("the header is to be \"Authorization: Bearer TOKEN\", with an API token of cxm (`cxm api-token create` makes one)")
	}
	secret := credential.NewSecret(strings.TrimSpace(value))
	if kind, err := signin.Read(secret); err != nil || kind != signin.ValueToken {
		return credential.Secret{}, unknown("this is no API token of cxm, which begins with cxm_: copy it again whole, or make another one (`cxm api-token create`)")
	}
	return secret, nil
}

// tenant is the one that a request is about: that of the token, else the one that is
// named, else the only one that the person works in. What they have no part in is
// not there.
func (d *Door) tenant(ctx context.Context, who signin.Who, named []string) (string, *Problem) {
	header := []Place{{Message: "names no tenant that you work in", Location: "header." + TenantHeader}}
	if len(named) > 1 {
		return "", &Problem{Status: http.StatusBadRequest, Detail: "send the header " + TenantHeader + " once", Errors: header}
	}
	mine, err := d.served(ctx, who)
	switch {
	case err != nil:
		return "", Broken(err)
	case len(named) == 1 && slices.Contains(mine, named[0]):
		return named[0], nil
	case len(named) == 1:
		return "", &Problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("there is no tenant %.80q here that you work in: leave the header out, or ask an admin", named[0]), Errors: header}
	case len(mine) == 1:
		return mine[0], nil
	case len(mine) == 0:
		return "", &Problem{Status: http.StatusForbidden, Detail: "you have no role in any tenant that is served here: ask an admin"}
	}
	return "", &Problem{Status: http.StatusBadRequest, Detail: fmt.Sprintf("you work in several tenants: name one in the header %s (%s)", TenantHeader, strings.Join(mine, ", ")), Errors: header}
}

// served are the tenants that somebody works in, as far as they are served here.
func (d *Door) served(ctx context.Context, who signin.Who) (out []string, err error) {
	mine := who.Person.Tenants()
	if who.Tenant != "" {
		mine = []string{who.Tenant}
	}
	for _, t := range mine {
		ok, err := d.Serves(ctx, t)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, t)
		}
	}
	return out, nil
}

// actor is who the audit log says it was.
func actor(w signin.Who) audit.Actor {
	switch {
	case w.Token.ID != 0 && w.Person.ID != 0:
		return audit.Actor{Kind: audit.Token, Name: fmt.Sprintf("%s of %s", w.Token.Name, w.Person.Label())}
	case w.Token.ID != 0:
		return audit.Actor{Kind: audit.Token, Name: w.Token.Name}
	}
	return audit.Actor{Kind: audit.Person, Name: w.Label()}
}

// holder is whom keys and rates are counted for: the person, whichever of their
// tokens they use, else the token.
func holder(w signin.Who) string {
	switch {
	case w.Person.ID != 0:
		return fmt.Sprintf("person %d", w.Person.ID)
	case w.Token.ID != 0:
		return fmt.Sprintf("token %d", w.Token.ID)
	}
	return w.Label()
}
