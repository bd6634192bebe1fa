package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/store/pgtest"
)

// short is what the tests send: a tenth of what `make load` does.
func short(t *testing.T) *options {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes seconds, and processes of their own: run it without -short")
	}
	return &options{program: self(t), scratch: t.TempDir(), rate: 150, clients: 8, third: 40, kills: 2, seed: 11}
}

// hold runs a part and holds its line.
func hold(t *testing.T, o *options, p part) row {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Minute, errors.New("it takes too long"))
	defer cancel()
	r, err := p.run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d accepted, %d failed, %d repeated, p50 %s, p99 %s; %s", r.part, r.verdict.accepted, r.failed, r.repeated, r.p50, r.p99, r.note)
	for _, why := range r.wrong {
		t.Error(why)
	}
	return r
}

// TestKilled is a short form of a part of `make load`: cxm is killed while events
// come, and nothing that it accepted is lost, or counts twice.
func TestKilled(t *testing.T) {
	for name, postgres := range map[string]bool{"sqlite": false, "postgres": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := short(t)
			if postgres {
				o.postgres = pgtest.New(t)
			}
			if r := hold(t, o, part{"kill -9", killed}); r.failed <= r.repeated || r.repeated == 0 {
				t.Errorf("%d requests failed and %d were repeated, so that nobody noticed the kills, or nothing came twice", r.failed, r.repeated)
			}
		})
	}
}

// TestRolling is a short form of a part of `make load`: two replicas are restarted
// one after the other, and no request fails.
func TestRolling(t *testing.T) {
	t.Parallel()
	o := short(t)
	o.postgres = pgtest.New(t)
	hold(t, o, part{"rolling restart", rolling})
}

// TestLiesAreFound puts something before cxm that answers for what it does not
// deliver.
func TestLiesAreFound(t *testing.T) {
	t.Parallel()
	o := short(t)
	s, err := o.open(t.Context(), "lies", 0)
	if err != nil {
		t.Fatal(err)
	}
	one, err := s.cxm.serve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(one.url)
	if err != nil {
		t.Fatal(err)
	}
	var n, kept atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(to)
	liar := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1)%20 == 0 {
			kept.Add(1)
			w.WriteHeader(http.StatusAccepted)
			return
		}
		proxy.ServeHTTP(w, r)
	})
	if err := s.begin(t.Context(), liar); err != nil {
		t.Fatal(err)
	}
	for kept.Load() == 0 { // on a busy machine few requests come through at first
		if err := s.crowd.more(t.Context(), o.third); err != nil {
			t.Fatal(err)
		}
	}
	r, err := s.end(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	if lost := int64(len(r.verdict.lost)); lost < kept.Load() || lost > kept.Load()*batchOf {
		t.Errorf("%d requests were kept back, and %d events are found lost", kept.Load(), lost)
	}
	if len(r.wrong) != 1 || !strings.Contains(r.wrong[0], "are lost") {
		t.Errorf("said to be wrong: %q", r.wrong)
	}
}

func TestJudge(t *testing.T) {
	told := func(ids ...string) map[string]string {
		out := map[string]string{}
		for _, id := range ids {
			out[id] = title(id)
		}
		return out
	}
	set := func(ids ...string) map[string]bool {
		out := map[string]bool{}
		for _, id := range ids {
			out[id] = true
		}
		return out
	}
	for name, c := range map[string]struct {
		promise promise
		world   world
		wrong   []string
	}{
		"all well, and one that was not answered is known": {promise{set("a", "b"), set("a")}, world{titles: told("a", "b")}, nil},
		"and one is not": {promise{set("a", "b"), set("a")}, world{titles: told("a")}, nil},
		"lost":           {promise{set("a", "b"), set("a", "b")}, world{titles: told("b")}, []string{`1 of 2 accepted events are lost: ["a"]`}},
		"doubled":        {promise{set("a"), set("a")}, world{titles: told("a"), twice: 1}, []string{"1 events were taken in more than once"}},
		"never sent":     {promise{set("a"), set("a")}, world{titles: told("a", "b")}, []string{`1 findings are of no event that was sent: ["b"]`}},
		"another text":   {promise{set("a"), set("a")}, world{titles: map[string]string{"a": "b"}}, []string{`1 findings are of no event that was sent: ["a"]`}},
		"nothing":        {promise{set("a"), set()}, world{}, []string{"nothing was accepted, so that this shows nothing"}},
	} {
		if diff := cmp.Diff(c.wrong, c.promise.judge(c.world).wrong()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}
