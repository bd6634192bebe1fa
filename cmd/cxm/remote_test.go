package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"cxm/internal/app"
	"cxm/internal/app/edge"
	"cxm/internal/plan"
	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/role"
)

// serving serves the API on the data directory of a script, as `cxm serve` does. It
// writes tokens into files: api-token of an admin who looks after the installation,
// too, viewer-token of somebody who only looks, and stray-token of an admin of the
// tenant stray. $SERVER is its address.
func serving(ts *testscript.TestScript, _ bool, _ []string) {
	ctx := context.Background()
	brakes := plan.DefaultBrakes()
	brakes.Admit, brakes.Creates = true, 2
	a, err := app.Open(ctx, app.Config{DataDir: ts.Getenv("CXM_DATA_DIR"), Database: ts.Getenv("CXM_DATABASE_URL"), Brakes: &brakes})
	ts.Check(err)
	ts.Defer(func() { _ = a.Close() })
	h, err := edge.New(a)
	ts.Check(err)
	s := httptest.NewServer(h)
	ts.Defer(s.Close)
	ts.Setenv("SERVER", s.URL)
	ts.Check(a.AddTenant(ctx, "stray", ""))
	mint := func(file, email, tenant string, r role.Role, root bool) {
		by := signin.Operator("test")
		p, _, err := a.People.Add(ctx, by, desk.Newcomer{Email: email, Tenant: tenant, Role: r})
		ts.Check(err)
		if root {
			_, err = a.People.SetInstallation(ctx, by, p.ID, true)
			ts.Check(err)
		}
		value, _, err := a.People.MintToken(ctx, by, desk.Asked{Tenant: tenant, Person: p.ID, Name: "of " + email, Scopes: role.Scopes()})
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(value.Reveal()+"\n"), 0o600))
	}
	mint("api-token", "admin@example.com", "default", role.Admin, true)
	mint("viewer-token", "viewer@example.com", "default", role.Viewer, false)
	mint("stray-token", "stray@example.com", "stray", role.Admin, false)
}

// same runs a command on the data directory and on the server: both print the same, and
// end the same. With ! they fail the same.
func same(ts *testscript.TestScript, neg bool, args []string) {
	ticking := regexp.MustCompile(`GitLab says [0-9:]+, this machine [0-9:]+|\{"at":"[^"]+",.*"type":"head"\}`) // what the moment of asking is in
	type told struct {
		Out, Err string
		Failed   bool
	}
	var got [2]told
	for i, where := range []string{"", ts.Getenv("SERVER")} {
		ts.Setenv("CXM_SERVER", where)
		ts.Setenv("CXM_TOKEN_FILE", ts.MkAbs("api-token"))
		err := ts.Exec("cxm", args...)
		got[i] = told{ticking.ReplaceAllString(ts.ReadFile("stdout"), "(a moment)"), ts.ReadFile("stderr"), err != nil}
	}
	ts.Setenv("CXM_SERVER", "")
	ts.Setenv("CXM_TOKEN_FILE", "")
	if diff := cmp.Diff(got[0], got[1]); diff != "" {
		ts.Fatalf("cxm %s is not the same on a server (-here +there):\n%s", strings.Join(args, " "), diff)
	}
	if got[0].Failed != neg {
		ts.Fatalf("cxm %s: failed is %v\n%s%s", strings.Join(args, " "), got[0].Failed, got[0].Out, got[0].Err)
	}
}

// astray serves redirects to another server, whose address is $ELSEWHERE, and writes
// what that is sent into the file heard. $ASTRAY is its own address.
func astray(ts *testscript.TestScript, _ bool, _ []string) {
	var mu sync.Mutex
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		f, err := os.OpenFile(ts.MkAbs("heard"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			fmt.Fprintf(f, "%s %s %s\n", r.Method, r.URL, r.Header.Get("Authorization"))
			_ = f.Close()
		}
	}))
	ts.Defer(elsewhere.Close)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	ts.Defer(s.Close)
	ts.Check(os.WriteFile(ts.MkAbs("heard"), nil, 0o600))
	ts.Setenv("ASTRAY", s.URL)
	ts.Setenv("ELSEWHERE", elsewhere.URL)
}
