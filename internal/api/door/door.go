// Package door is what every request to the API goes through on its way in, and
// every answer on its way out.
//
// What always holds: nobody gets in who is not known, and to nothing that the table
// of roles does not allow; what is of another tenant is not there; a body is read
// within bounds, and each of its keys once; a request with an Idempotency-Key is
// carried out once, and no secret is kept of its answer; every refusal is a problem
// of RFC 9457 that ends in the next step.
package door

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"cxm/internal/audit"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
)

// Options are what a Door needs.
type Options struct {
	// Known says who presents a token. The error is signin.ErrNotKnown, with the
	// reason, for one that does not count.
	Known func(context.Context, credential.Secret) (signin.Who, error)
	// Serves says whether a tenant is served here.
	Serves func(ctx context.Context, tenant string) (bool, error)
	Memory Memory
	Clock  func() time.Time
	Logger *slog.Logger
	Rate   int // requests a minute that one token or person has; 0: 600
}

// Route is what the door has to know of an operation.
type Route struct {
	Method string
	Needs  role.Permission // empty: whoever is known may
	Open   bool            // also who is not known: it says nothing of any tenant
	Over   bool            // it is about the installation, and no tenant
	Once   bool            // its answer shows a secret, in the member "value"
	Stream bool            // its answer goes out as it is written, without a validator
}

// Door lets requests in. It is safe for concurrent use.
type Door struct {
	Options
	rates rates
}

// New makes one.
func New(o Options) *Door {
	if o.Rate <= 0 {
		o.Rate = 600
	}
	return &Door{Options: o, rates: rates{each: o.Rate}}
}

// Guest is who a request comes from, and for which tenant.
type Guest struct {
	Who    signin.Who
	Tenant string
	URL    *url.URL // that was asked for
}

type guestKey struct{}

// From is the guest that a context belongs to; the zero one outside of a Door.
func From(ctx context.Context) Guest {
	g, _ := ctx.Value(guestKey{}).(Guest)
	return g
}

// Wrap puts an operation behind the door.
func (d *Door) Wrap(r Route, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h := w.Header()
		h.Add("Vary", "Authorization")
		h.Add("Vary", TenantHeader)
		h.Set("Cache-Control", caching(req.Method, r))
		guest, why := d.enter(r, h, req)
		if why == nil {
			var body []byte
			if body, why = read(w, req); why == nil {
				req = req.WithContext(d.inside(req.Context(), guest, h.Get("X-Request-ID")))
				d.serve(r, guest, body, next, w, req)
				return
			}
		}
		d.refuse(w, req, why)
	})
}

// caching is Cache-Control: what is there may be kept by its reader, who asks each
// time whether it is still so.
func caching(method string, r Route) string {
	if method != http.MethodGet && method != http.MethodHead || r.Once {
		return "no-store"
	}
	return "private, no-cache"
}

// enter finds out who asks, and whether they may.
func (d *Door) enter(r Route, h http.Header, req *http.Request) (Guest, *Problem) {
	guest := Guest{URL: req.URL}
	if r.Open {
		return guest, nil
	}
	var why *Problem
	if guest.Who, why = d.known(req); why != nil {
		return guest, why
	}
	if why = d.rates.take(holder(guest.Who), d.Clock(), h); why != nil {
		return guest, why
	}
	if !r.Over {
		if guest.Tenant, why = d.tenant(req.Context(), guest.Who, req.Header.Values(TenantHeader)); why != nil {
			return guest, why
		}
	}
	if r.Needs == "" {
		return guest, nil
	}
	if ok, reason := guest.Who.May(guest.Tenant, r.Needs); !ok {
		return guest, &Problem{Status: http.StatusForbidden, Detail: reason}
	}
	return guest, nil
}

// inside is the context of an operation: what it changes is the guest's doing.
func (d *Door) inside(ctx context.Context, g Guest, request string) context.Context {
	ctx = context.WithValue(ctx, guestKey{}, g)
	if g.Who.Known() {
		ctx = audit.With(ctx, actor(g.Who))
	}
	if request != "" {
		ctx = audit.WithRequest(ctx, request)
	}
	return ctx
}

// serve has a request answered that was let in.
func (d *Door) serve(r Route, g Guest, body []byte, next http.Handler, w http.ResponseWriter, req *http.Request) {
	once, why := d.begin(r, g, body, req)
	if why != nil {
		d.refuse(w, req, why)
		return
	}
	if r.Stream {
		next.ServeHTTP(w, req)
		return
	}
	out := newAnswer(w.Header())
	if once != nil && once.known.Status != 0 {
		out.repeat(once.known)
	} else {
		next.ServeHTTP(out, req)
		d.end(once, r, out, req)
	}
	out.send(w, req)
}

// refuse answers with a problem. What went wrong within cxm is logged, and not told.
func (d *Door) refuse(w http.ResponseWriter, req *http.Request, p *Problem) {
	if p.Err != nil && req.Context().Err() == nil {
		d.Logger.ErrorContext(req.Context(), "a request failed", "request", w.Header().Get("X-Request-ID"), "error", p.Err)
	}
	p.Write(w)
}
