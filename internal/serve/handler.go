package serve

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Visit is what is known of a request's way to the handler.
type Visit struct {
	ID     string     // of the request, for logs and whoever asks
	Client netip.Addr // who asked, behind proxies that are trusted; invalid: not known
	Secure bool       // the client uses TLS, to this server or to a proxy that is trusted
}

type visitKey struct{}

// From is the visit that a handler's context belongs to; the zero value outside
// of a Server.
func From(ctx context.Context) Visit {
	v, _ := ctx.Value(visitKey{}).(Visit)
	return v
}

// handler puts the mounts behind everything that all requests go through.
func (o *Options) handler() (http.Handler, error) {
	mux, err := o.mux()
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { o.visit(mux, w, r) }), nil
}

// mux joins the mounts. Patterns that do not fit together are an error, not a panic.
func (o *Options) mux() (mux *http.ServeMux, err error) {
	defer func() {
		if bad := recover(); bad != nil {
			err = fmt.Errorf("serving at %s: %v", o.Setting, bad)
		}
	}()
	mux = http.NewServeMux()
	for _, m := range o.Mounts {
		mux.Handle(m.Pattern, limited(m, o.Limits.Body))
	}
	return mux, nil
}

// limited is the handler of a mount with its limits.
func limited(m Mount, body int64) http.Handler {
	if m.Limits.Body != 0 {
		body = m.Limits.Body
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control, now := http.NewResponseController(w), time.Now()
		if m.Limits.Read > 0 {
			_ = control.SetReadDeadline(now.Add(m.Limits.Read)) // where it cannot be set the server's own holds
		}
		if m.Limits.Write > 0 {
			_ = control.SetWriteDeadline(now.Add(m.Limits.Write))
		}
		if body > 0 {
			if r.ContentLength > body {
				Problem(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes: send less at once", body))
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, body)
		}
		m.Handler.ServeHTTP(w, r)
	})
}

// visit is one request from its beginning to its end.
func (o *Options) visit(mux http.Handler, w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	v := o.meet(r)
	ctx, span := o.trace(r, v)
	r = r.WithContext(context.WithValue(ctx, visitKey{}, v))
	out := &answer{ResponseWriter: w}
	protect(out.Header(), v)
	end := o.Metrics.begin(o.Name)
	defer func() {
		failed := recover()
		if failed != nil {
			o.panicked(out, r, failed)
		}
		took := time.Since(began)
		end(r, out.code(), took)
		endSpan(span, r, out.code())
		o.logged(r, v, out, took)
		if failed != nil && (out.begun || isAbort(failed)) {
			panic(http.ErrAbortHandler) // the answer is not whole: the client is not to take it for that
		}
	}()
	mux.ServeHTTP(out, r)
}

func isAbort(failed any) bool {
	err, ok := failed.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// panicked logs a panic and answers, if nothing was answered yet.
func (o *Options) panicked(out *answer, r *http.Request, failed any) {
	if isAbort(failed) {
		return
	}
	o.Logger.ErrorContext(r.Context(), "a request ended in a panic", "listener", o.Name, "request", From(r.Context()).ID,
		"route", route(r), "panic", fmt.Sprint(failed), "stack", string(debug.Stack()))
	if out.begun {
		return
	}
	for _, name := range []string{"Content-Encoding", "Content-Length", "Etag", "Last-Modified"} {
		out.Header().Del(name) // of an answer that does not come
	}
	Problem(out, r, http.StatusInternalServerError, "something went wrong in cxm: its log says what, under the id of this request")
	out.begun = false // what was answered is whole
}

// logged writes the line of a request.
func (o *Options) logged(r *http.Request, v Visit, out *answer, took time.Duration) {
	if !o.Access {
		return
	}
	attrs := []slog.Attr{
		slog.String("listener", o.Name), slog.String("request", v.ID), slog.String("method", known(r.Method)), slog.String("route", route(r)),
		slog.Int("status", out.code()), slog.Int64("bytes", out.bytes), slog.Float64("seconds", took.Seconds()),
	}
	if v.Client.IsValid() {
		attrs = append(attrs, slog.String("client", v.Client.String()))
	}
	if c := trace.SpanContextFromContext(r.Context()); c.IsValid() {
		attrs = append(attrs, slog.String("trace", c.TraceID().String()))
	}
	o.Logger.LogAttrs(r.Context(), slog.LevelInfo, "request", attrs...)
}

// meet finds out who asks.
func (o *Options) meet(r *http.Request) Visit {
	peer := addrOf(r.RemoteAddr)
	v := Visit{ID: r.Header.Get("X-Request-ID"), Client: peer, Secure: r.TLS != nil}
	if !sane(v.ID) {
		v.ID = strings.ToLower(rand.Text())
	}
	if contains(o.Trusted, peer) {
		v.Client = o.behind(peer, r.Header.Values("X-Forwarded-For"))
		v.Secure = v.Secure || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
	}
	return v
}

// behind is the last address of X-Forwarded-For that is no trusted proxy: what
// stands before it, anybody can write.
func (o *Options) behind(peer netip.Addr, forwarded []string) netip.Addr {
	all := strings.Split(strings.Join(forwarded, ","), ",")
	for _, text := range slices.Backward(all) {
		text = strings.TrimSpace(text)
		addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
		if err != nil {
			addr = addrOf(text)
		}
		if !addr.IsValid() {
			return peer
		}
		if peer = addr.Unmap().WithZone(""); !contains(o.Trusted, peer) {
			return peer
		}
	}
	return peer
}

// sane says that an id of somebody else's can be logged.
func sane(id string) bool {
	return len(id) >= 8 && len(id) <= 64 && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' && r != '.'
	})
}

// protect sets the headers of every answer. A handler of pages sets a policy of
// its own over them.
func protect(h http.Header, v Visit) {
	h.Set("X-Request-ID", v.ID)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if v.Secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// Problem answers as RFC 9457 has it, with the id of the request.
func Problem(w http.ResponseWriter, r *http.Request, status int, detail string) {
	text, err := json.Marshal(map[string]any{"status": status, "title": http.StatusText(status), "detail": detail, "request": From(r.Context()).ID})
	if err != nil {
		status = http.StatusInternalServerError // texts and a number always marshal
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a caller that is gone needs no answer
}

// route is the pattern that the request met, without its method; "none": it met none.
func route(r *http.Request) string {
	if r.Pattern == "" {
		return "none"
	}
	return r.Pattern[strings.IndexByte(r.Pattern, '/'):]
}

// known is a method that there is, so that nobody makes up labels.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return "_OTHER"
}

// answer remembers what was answered.
type answer struct {
	http.ResponseWriter
	status int
	bytes  int64
	begun  bool
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if !a.begun && status >= http.StatusOK {
		a.status, a.begun = status, true
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if !a.begun {
		a.status, a.begun = http.StatusOK, true
	}
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Flush implements http.Flusher, for handlers that ask for it.
func (a *answer) Flush() { _ = http.NewResponseController(a.ResponseWriter).Flush() }

// code is the status; a handler that wrote nothing answered 200.
func (a *answer) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}
