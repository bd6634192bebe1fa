package main

import (
	"math/rand/v2"
	"net/http"
	"time"

	"cxm/internal/sandbox"
)

// shape is one way in which GitLab, or something before it, goes wrong.
type shape struct {
	name string
	sandbox.Fault
}

// shapes lists every way.
func shapes() []shape {
	html := http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	json := http.Header{"Content-Type": {"application/json"}}
	plain := func(after string) http.Header {
		h := http.Header{"Content-Type": {"text/plain"}}
		if after != "" {
			h.Set("Retry-After", after)
		}
		return h
	}
	tooMany := `{"message":{"error":"This endpoint has been requested too many times. Try again later."}}`
	return []shape{
		{"cut before the commit", sandbox.Fault{Cut: sandbox.CutBefore}},
		{"cut after the commit", sandbox.Fault{Cut: sandbox.CutAfter}},
		{"half an answer", sandbox.Fault{Cut: sandbox.CutHalf}},
		{"slow", sandbox.Fault{Delay: 400 * time.Millisecond}},
		{"slower than patience", sandbox.Fault{Delay: 1500 * time.Millisecond}},
		{"500", sandbox.Fault{Status: 500, Header: json, Body: `{"message":"500 Internal Server Error"}`}},
		{"500 after the commit", sandbox.Fault{Status: 500, Header: json, Body: `{"message":"500 Internal Server Error"}`, Commit: true}},
		{"502", sandbox.Fault{Status: 502, Header: html, Body: "<html><h1>502</h1></html>"}},
		{"502 after the commit", sandbox.Fault{Status: 502, Header: html, Body: "<html><h1>502</h1></html>", Commit: true}},
		{"503 with Retry-After", sandbox.Fault{Status: 503, Header: plain("1"), Body: "down"}},
		{"504 after the commit", sandbox.Fault{Status: 504, Header: html, Body: "<html>time-out</html>", Commit: true}},
		{"429 in plain text", sandbox.Fault{Status: 429, Header: plain("1"), Body: "Retry later\n"}},
		{"429 in JSON, silent", sandbox.Fault{Status: 429, Header: json, Body: tooMany}},
		{"429 with garbage", sandbox.Fault{Status: 429, Header: plain("soon"), Body: "Retry later\n"}},
		{"a sign-in page", sandbox.Fault{Status: 200, Header: html, Body: "<html>Sign in</html>"}},
		{"a sign-in page after the commit", sandbox.Fault{Status: 200, Header: html, Body: "<html>Sign in</html>", Commit: true}},
		{"half JSON", sandbox.Fault{Status: 201, Header: json, Body: `{"id":1,"iid":`}},
		{"401", sandbox.Fault{Status: 401, Header: json, Body: `{"message":"401 Unauthorized"}`}},
		{"403", sandbox.Fault{Status: 403, Header: json, Body: `{"message":"403 Forbidden"}`}},
		{"404", sandbox.Fault{Status: 404, Header: json, Body: `{"message":"404 Project Not Found"}`}},
		{"409 resource lock", sandbox.Fault{Status: 409, Header: json, Body: `{"message":"409 Conflict: Resource lock"}`}},
		{"409 resource lock after the commit", sandbox.Fault{Status: 409, Header: json, Body: `{"message":"409 Conflict: Resource lock"}`, Commit: true}},
		{"422", sandbox.Fault{Status: 422, Header: json, Body: `{"message":"422 Unprocessable"}`}},
	}
}

// route is one that faults strike.
type route struct {
	method, path string
	weight       int
}

func routes() []route {
	return []route{
		{http.MethodPost, "/api/v4/projects/*/issues", 8},
		{http.MethodPut, "/api/v4/projects/*/issues/*", 8},
		{http.MethodGet, "/api/v4/projects/*/issues", 2},
		{http.MethodGet, "/api/v4/issues", 2},
		{"", "", 1},
	}
}

// faultsOf draws the faults of a round.
func faultsOf(rng *rand.Rand) []shape {
	all, where := shapes(), []route{}
	for _, r := range routes() {
		for range r.weight {
			where = append(where, r)
		}
	}
	var out []shape
	for range rng.IntN(5) {
		f, r := all[rng.IntN(len(all))], where[rng.IntN(len(where))]
		f.Method, f.Path, f.Times, f.After = r.method, r.path, 1+rng.IntN(4), rng.IntN(30)
		if r.method == http.MethodGet {
			f.After = rng.IntN(3)
		}
		out = append(out, f)
	}
	return out
}
