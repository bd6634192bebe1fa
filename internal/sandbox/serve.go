package sandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"cxm/internal/sandbox/audit"
	"cxm/internal/sandbox/entity"
	"cxm/internal/sandbox/oauth"
	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/rest/accounts"
	"cxm/internal/sandbox/rest/files"
	"cxm/internal/sandbox/rest/hooks"
	"cxm/internal/sandbox/rest/issues"
	"cxm/internal/sandbox/rest/labels"
	"cxm/internal/sandbox/rest/spaces"
	"cxm/internal/sandbox/wire"
)

const apiPrefix = "/api/v4"

// maxBody is the largest request body that is read.
const maxBody = 64 << 20

// reply is an answer as bytes, ready to be sent, with what is known of the call.
type reply struct {
	status int
	header http.Header
	body   []byte
	route  string
	user   string
}

// exchange carries a request to its handler and the handler's reply back.
type exchange struct {
	body  []byte
	reply reply
}

type exchangeKey struct{}

// mount lays out one mux for each method, so that a path that exists for
// another method can be told from one that does not exist.
func (s *Server) mount() {
	s.routes = slices.Concat(accounts.Routes(s.opts.Edition, s.opts.Version), spaces.Routes(s.repos), issues.Routes(), labels.Routes(), files.Routes(s.repos), hooks.Routes(s.desk, s.opts.Edition), oauth.Routes(), audit.Routes(s.audit, s.opts.Edition))
	s.muxes = map[string]*http.ServeMux{}
	handle := func(method, path string, f func(*http.Request, *exchange)) {
		if s.muxes[method] == nil {
			s.muxes[method] = http.NewServeMux()
		}
		s.muxes[method].HandleFunc(path, func(_ http.ResponseWriter, r *http.Request) {
			if x, ok := r.Context().Value(exchangeKey{}).(*exchange); ok {
				f(r, x)
			}
		})
	}
	for _, route := range s.routes {
		path := apiPrefix + route.Path
		if route.Path == "/" {
			path += "{$}"
		}
		handle(route.Method, path, func(r *http.Request, x *exchange) { s.api(route, r, x) })
	}
	for _, e := range oauth.Endpoints() {
		handle(e.Method, e.Path, s.endpoint(e))
	}
	for pattern, f := range s.controls() {
		method, path, _ := strings.Cut(pattern, " ")
		handle(method, path, f)
	}
}

// Routes gives the API's routes as "METHOD /path/{name}", in alphabetical order.
func (s *Server) Routes() []string {
	var out []string
	for _, r := range s.routes {
		out = append(out, r.Method+" "+apiPrefix+r.Path)
	}
	slices.Sort(out)
	return out
}

// Params gives the parameters a route of Routes declares, beside those of its path.
func (s *Server) Params(route string) []string {
	var out []string
	for _, r := range s.routes {
		if r.Method+" "+apiPrefix+r.Path != route {
			continue
		}
		for _, p := range r.Spec.Params {
			out = append(out, p.Name)
		}
	}
	return out
}

// ServeHTTP answers a request: fault, latency, handler, answer, record.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	began, own := s.opts.Clock(), strings.HasPrefix(r.URL.Path, "/-/sandbox/")
	var f Fault
	if !own {
		f = s.faults.strike(r)
	}
	x := &exchange{reply: reply{header: http.Header{}, route: s.routeOf(r)}}
	done := func(status int) {
		if !own {
			s.record(r, x.reply, status, began)
		}
	}
	if f.Cut == CutBefore || !wait(r, f.Delay) {
		done(0)
		panic(http.ErrAbortHandler)
	}
	if f.Status == 0 || f.Commit {
		s.run(r, x)
	}
	if !own && !wait(r, s.opts.Latency+f.Delay-time.Since(arrived)) {
		done(0)
		panic(http.ErrAbortHandler)
	}
	if f.Status != 0 {
		x.reply.status, x.reply.body, x.reply.header = f.Status, []byte(f.Body), http.Header{}
		maps.Copy(x.reply.header, f.Header)
	}
	if f.Cut == CutAfter {
		done(0)
		panic(http.ErrAbortHandler)
	}
	done(x.reply.status)
	s.send(w, r, x.reply, f.Cut == CutHalf)
}

// wait lets time pass; false when the client has gone meanwhile.
func wait(r *http.Request, delay time.Duration) bool {
	if delay <= 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// run reads the body and lets the route's handler make the reply.
func (s *Server) run(r *http.Request, x *exchange) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		x.reply.set(wire.Problem(http.StatusBadRequest, "the request body could not be read").Answer())
		return
	case len(body) > maxBody:
		x.reply.set(wire.Problem(http.StatusRequestEntityTooLarge, "Request Entity Too Large").Answer())
		return
	}
	x.body = body
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	method := s.method(r)
	switch {
	case x.reply.route != "":
		s.muxes[method].ServeHTTP(discard{}, r)
	case method == http.MethodGet && !strings.HasPrefix(r.URL.Path, "/api/"):
		s.page(r, x)
	default:
		s.missing(r, x)
	}
}

// has says whether a method has a route for the request's path.
func (s *Server) has(method string, r *http.Request) bool {
	mux := s.muxes[method]
	if mux == nil {
		return false
	}
	probe := r.Clone(r.Context())
	probe.Method = method
	_, pattern := mux.Handler(probe)
	return pattern != ""
}

// page answers with a page for people.
func (s *Server) page(r *http.Request, x *exchange) {
	answer, served := s.site.Serve(r, s.base(r))
	if !served {
		s.missing(r, x)
		return
	}
	x.reply.route = "/{page...}"
	x.reply.set(answer)
}

// routeOf names the API route of a request, "" when it has none.
func (s *Server) routeOf(r *http.Request) string {
	mux := s.muxes[s.method(r)]
	if mux == nil {
		return ""
	}
	probe := r.Clone(r.Context())
	probe.Method = s.method(r)
	_, pattern := mux.Handler(probe)
	return strings.TrimSuffix(pattern, "{$}")
}

// method is the method whose routes answer: HEAD falls back on GET.
func (s *Server) method(r *http.Request) string {
	if r.Method == http.MethodHead && !s.has(http.MethodHead, r) {
		return http.MethodGet
	}
	return r.Method
}

// missing answers a path that no route has, or none with this method.
func (s *Server) missing(r *http.Request, x *exchange) {
	var allowed []string
	for _, method := range slices.Sorted(maps.Keys(s.muxes)) {
		if s.has(method, r) {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		x.reply.set(wire.Problem(http.StatusMethodNotAllowed, "405 Not Allowed").Answer().Set("Allow", strings.Join(allowed, ", ")))
		return
	}
	if strings.HasPrefix(r.URL.Path, "/api/v3/") {
		x.reply.set(wire.Problem(http.StatusGone, "API V3 is no longer supported. Use API V4 instead.").Answer())
		return
	}
	s.opts.Logger.Warn("sandbox: unknown route", "method", r.Method, "path", r.URL.Path)
	x.reply.set(wire.Problem(http.StatusNotFound, "404 Not Found").Answer().Set("X-Sandbox-Unknown-Route", "1"))
}

// discard is where a mux that only routes would write its own answers to.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// set takes over an answer.
func (p *reply) set(a wire.Answer) {
	body, kind, err := a.Encode()
	if err != nil {
		a.Status, body, kind = http.StatusInternalServerError, []byte(`{"message":"500 Internal Server Error"}`), "application/json"
	}
	p.status, p.body = a.Status, body
	maps.Copy(p.header, a.Header)
	if kind != "" {
		p.header.Set("Content-Type", kind)
	}
}

// base is the instance's own URL for a request.
func (s *Server) base(r *http.Request) string {
	if s.opts.BaseURL != "" {
		return s.opts.BaseURL
	}
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// api runs an endpoint while the world stands still.
func (s *Server) api(route rest.Route, r *http.Request, x *exchange) {
	raw, parseErr := wire.Read(r, x.body)
	moved := func(id int64) string { return s.movedTo(r, id) }
	var then func(context.Context) (wire.Answer, error)
	s.world.Do(func() {
		s.cause = cause{base: s.base(r), chain: r.Header.Get("X-Gitlab-Event-UUID")}
		answer, err := s.call(route, r, raw, parseErr, &x.reply)
		if err != nil {
			answer = wire.Answered(err, r.Method, moved)
		}
		if then = answer.Then; then == nil {
			x.reply.set(answer)
		}
	})
	if then == nil {
		return
	}
	answer, err := then(r.Context())
	if err != nil {
		answer = wire.Answered(err, r.Method, moved)
	}
	x.reply.set(answer)
}

// call identifies, limits, admits, validates and handles, in that order.
func (s *Server) call(route rest.Route, r *http.Request, raw wire.Values, parseErr error, out *reply) (wire.Answer, error) {
	id, err := rest.Identify(s.world, r, raw)
	header, limited := s.rack(id, address(r))
	maps.Copy(out.header, header)
	if err = firstOf(limited, err); err != nil {
		return wire.Answer{}, err
	}
	base := s.base(r)
	if err := id.Admit(s.world, route, r, base); err != nil {
		return wire.Answer{}, err
	}
	if err := s.fineGrained(route, id); err != nil {
		return wire.Answer{}, err
	}
	if id, err = rest.Sudo(s.world, id, r, raw); err != nil {
		return wire.Answer{}, err
	}
	if id.User != nil {
		out.user = id.User.Username
	}
	if err := s.throttleRoute(route, id); err != nil {
		return wire.Answer{}, err
	}
	if parseErr != nil {
		return wire.Answer{}, parseErr
	}
	params, err := route.Spec.Parse(raw)
	if err != nil {
		return wire.Answer{}, err
	}
	asked := s.request(r, id, params, base)
	done := s.audit.Watch(route, asked)
	answer, err := route.Handle(asked)
	if err == nil {
		done(answer)
	}
	return answer, err
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// throttleRoute applies the limits that count a route's every call; the others
// are applied by the handlers, where GitLab applies them.
func (s *Server) throttleRoute(route rest.Route, id rest.Identity) error {
	switch route.Limit {
	case "projects_api", "project_api", "groups_api", "project_members_api":
		return s.throttle(route.Limit, userID(id), 0)
	}
	return nil
}

func userID(id rest.Identity) int64 {
	if id.User == nil {
		return 0
	}
	return id.User.ID
}

func (s *Server) request(r *http.Request, id rest.Identity, params wire.Params, base string) *rest.Request {
	return &rest.Request{
		W: s.world, HTTP: r, Params: params, Caller: id.User, Token: id.Token, Base: base,
		Views:    entity.Views{W: s.world, Base: base, Viewer: id.User},
		Throttle: func(limit string, key int64) error { return s.throttle(limit, userID(id), key) },
	}
}

// movedTo is the address of a request by the project's numeric id.
func (s *Server) movedTo(r *http.Request, projectID int64) string {
	parts := strings.SplitN(r.URL.EscapedPath(), "/", 6) // "", api, v4, projects, id, rest
	parts[4] = strconv.FormatInt(projectID, 10)
	url := s.base(r) + strings.Join(parts, "/")
	if r.URL.RawQuery != "" {
		url += "?" + r.URL.RawQuery
	}
	return url
}

func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (s *Server) record(r *http.Request, p reply, status int, began time.Time) {
	s.journal.add(Call{
		Method: r.Method, Path: r.URL.EscapedPath(), Route: p.route, Query: r.URL.Query(), Status: status,
		User: p.user, At: began, Duration: s.opts.Clock().Sub(began),
	})
}

// send writes a reply; half stops in the middle of the body and drops the
// connection.
func (s *Server) send(w http.ResponseWriter, r *http.Request, p reply, half bool) {
	h := w.Header()
	maps.Copy(h, p.header)
	h.Set("Date", s.opts.Clock().UTC().Format(http.TimeFormat))
	h.Set("X-Request-Id", requestID())
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Content-Type") == "" && len(p.body) > 0 {
		h.Set("Content-Type", "application/json")
	}
	body := p.body
	if p.status != http.StatusNoContent && p.status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(p.status)
	if half {
		body = body[:len(body)/2]
	}
	if r.Method != http.MethodHead {
		_, _ = io.Copy(w, bytes.NewReader(body)) // a client that has gone is its own affair
	}
	if half {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func requestID() string {
	b := make([]byte, 13)
	rand.Read(b) // never fails
	return "01" + strings.ToUpper(hex.EncodeToString(b)[:24])
}
