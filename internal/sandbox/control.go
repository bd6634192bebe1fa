package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
)

// controls are the sandbox's own routes, for the administrator's token.
func (s *Server) controls() map[string]func(*http.Request, *exchange) {
	return map[string]func(*http.Request, *exchange){
		"POST /-/sandbox/faults":        s.control(s.addFault),
		"DELETE /-/sandbox/faults":      s.control(func(*http.Request, []byte) (wire.Answer, error) { s.ClearFaults(); return wire.NoContent(), nil }),
		"GET /-/sandbox/calls":          s.control(s.listCalls),
		"DELETE /-/sandbox/calls":       s.control(func(*http.Request, []byte) (wire.Answer, error) { s.ResetCalls(); return wire.NoContent(), nil }),
		"GET /-/sandbox/limits":         s.control(func(*http.Request, []byte) (wire.Answer, error) { return wire.OK(s.Limits()), nil }),
		"PUT /-/sandbox/limits":         s.control(s.putLimits),
		"GET /-/sandbox/hooks":          s.control(func(*http.Request, []byte) (wire.Answer, error) { return wire.OK(s.hookState()), nil }),
		"PUT /-/sandbox/hooks":          s.control(s.putHooks),
		"POST /-/sandbox/hooks/release": s.control(s.releaseHooks),
		"POST /-/sandbox/hooks/repeat":  s.control(s.repeatHook),
		"POST /-/sandbox/hooks/settle":  s.control(s.settleHooks),
		"GET /-/sandbox/routes":         s.control(func(*http.Request, []byte) (wire.Answer, error) { return wire.OK(s.Routes()), nil }),
	}
}

// control lets a function answer for whoever has an administrator's token.
func (s *Server) control(f func(*http.Request, []byte) (wire.Answer, error)) func(*http.Request, *exchange) {
	return func(r *http.Request, x *exchange) {
		answer, err := wire.Answer{}, s.mustAdmin(r)
		if err == nil {
			answer, err = f(r, x.body)
		}
		if err != nil {
			answer = wire.Answered(err, r.Method, nil)
		}
		x.reply.set(answer)
	}
}

func (s *Server) mustAdmin(r *http.Request) (err error) {
	route := rest.Route{Method: r.Method, Access: rest.Administrator}
	s.world.Do(func() {
		var id rest.Identity
		if id, err = rest.Identify(s.world, r, nil); err == nil {
			err = id.Admit(s.world, route, r, s.base(r))
		}
	})
	return err
}

func (s *Server) addFault(_ *http.Request, body []byte) (wire.Answer, error) {
	var f Fault
	if err := strict(body, &f); err != nil {
		return wire.Answer{}, err
	}
	switch f.Cut {
	case CutNone, CutBefore, CutAfter, CutHalf:
	default:
		return wire.Answer{}, wire.Problem(http.StatusBadRequest, fmt.Sprintf("cut %q is unknown; use before, after or half", f.Cut))
	}
	s.Inject(f)
	return wire.Created(f), nil
}

// strict reads a JSON body and refuses fields it does not know.
func strict(body []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return wire.Problem(http.StatusBadRequest, "the body is not understood: "+err.Error())
	}
	return nil
}

func (s *Server) putLimits(_ *http.Request, body []byte) (wire.Answer, error) {
	next := s.Limits()
	if err := strict(body, &next); err != nil {
		return wire.Answer{}, err
	}
	s.SetLimits(next)
	return wire.OK(next), nil
}

// listCalls gives all calls as JSON, or with format=text as a line each;
// unknown=true keeps those to unknown routes.
func (s *Server) listCalls(r *http.Request, _ []byte) (wire.Answer, error) {
	calls := s.Calls()
	if r.URL.Query().Get("unknown") == "true" {
		calls = s.Unknown()
	}
	switch format := r.URL.Query().Get("format"); format {
	case "", "json":
		return wire.OK(calls), nil
	case "text":
		var b strings.Builder
		for _, c := range calls {
			fmt.Fprintf(&b, "%d %s %s %s\n", c.Status, c.Method, c.Path, c.User)
		}
		return wire.Answer{Status: http.StatusOK, Text: &wire.Text{ContentType: "text/plain; charset=utf-8", Bytes: []byte(b.String())}}, nil
	default:
		return wire.Answer{}, wire.Problem(http.StatusBadRequest, fmt.Sprintf("format %q is unknown; use json or text", format))
	}
}
