package web

import (
	"net/http"

	"cxm/internal/serve"
)

// Secured says that who asks uses TLS, to this server or to a proxy that it trusts.
func Secured(r *http.Request) bool { return r.TLS != nil || serve.From(r.Context()).Secure }

// Client is the address of who asks, behind proxies that are trusted; empty: it is
// not known.
func Client(r *http.Request) string {
	if from := serve.From(r.Context()).Client; from.IsValid() {
		return from.String()
	}
	return ""
}

// policy is what a page may do: show, style and run what this server serves, and
// send forms to it. It has no exception for inline scripts or styles, and needs
// none. A form that ends at another host (to sign in there) leads to a page with a
// link, since browsers apply form-action to redirects too.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Secure serves pages by next: with the headers that keep foreign content out, and
// not to a form of another site that would change something.
func Secure(next http.Handler) http.Handler {
	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "this was sent by a page of another site: open cxm itself and try again", http.StatusForbidden)
	}))
	guarded := foreign.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		guarded.ServeHTTP(w, r)
	})
}
