package gitlab_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cxm/internal/issue"
)

var someday = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// tracker lists issues as GitLab does. Between two requests people go on
// working: before each, meanwhile is called.
type tracker struct {
	mu        sync.Mutex
	updated   map[int64]time.Time // iid → updated_at
	keyset    bool                // as since 18.3
	bare      bool                // a proxy takes the paging headers away
	stuck     bool                // a cache answers every page with the first
	meanwhile func(*tracker)
	requests  int
}

func (tr *tracker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.requests++
	if tr.meanwhile != nil && tr.requests > 1 {
		tr.meanwhile(tr)
	}
	q := r.URL.Query()
	list, per := tr.list(q.Get("updated_after"), q.Get("sort") == "desc"), number(q.Get("per_page"), 20)
	page := max(1, number(q.Get("page"), 1))
	if tr.stuck {
		page = 1
	}
	if after := q.Get("cursor"); tr.keyset && q.Get("pagination") == "keyset" {
		tr.keysetPage(w, list, after, per)
		return
	}
	start := min((page-1)*per, len(list))
	end := min(start+per, len(list))
	if !tr.bare {
		next := ""
		if end < len(list) {
			next = itoa(page + 1)
			w.Header().Set("Link", fmt.Sprintf(`<https://gitlab.example.com/api/v4/x?page=%d>; rel="next", <https://gitlab.example.com/api/v4/x?page=1>; rel="first"`, page+1))
		}
		w.Header().Set("X-Next-Page", next)
	}
	tr.write(w, list[start:end])
}

func (tr *tracker) keysetPage(w http.ResponseWriter, list []int64, after string, per int) {
	if after != "" {
		list = slices.DeleteFunc(list, func(iid int64) bool { return tr.cursor(iid) <= after })
	}
	if !tr.bare {
		w.Header().Set("X-Prev-Cursor", "")
	}
	if len(list) > per {
		list = list[:per]
		w.Header().Set("Link", fmt.Sprintf(`<https://internal.example.com/api/v4/x?cursor=%s&per_page=%d>; rel="next"`, tr.cursor(list[per-1]), per))
	}
	tr.write(w, list)
}

func (tr *tracker) cursor(iid int64) string {
	return fmt.Sprintf("%020d-%010d", tr.updated[iid].UnixNano(), iid)
}

func (tr *tracker) list(after string, newest bool) []int64 {
	from, _ := time.Parse(time.RFC3339Nano, after) // absent is the beginning
	var out []int64
	for iid, at := range tr.updated {
		if !at.Before(from) {
			out = append(out, iid)
		}
	}
	slices.SortFunc(out, func(a, b int64) int { return strings.Compare(tr.cursor(a), tr.cursor(b)) })
	if newest {
		slices.Reverse(out)
	}
	return out
}

func (tr *tracker) write(w http.ResponseWriter, iids []int64) {
	var parts []string
	for _, iid := range iids {
		parts = append(parts, issueJSON(iid, tr.updated[iid]))
	}
	send(w, http.StatusOK, "application/json", "["+strings.Join(parts, ",")+"]")
}

func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return otherwise
}

// Whatever people change while the pages are read, whoever pages and however
// many issues changed in the same instant: every issue is there once, the ones
// that changed meanwhile as they are now or as they were.
func TestLookMissesNothing(t *testing.T) {
	rapid.Check(t, func(t2 *rapid.T) {
		tr := &tracker{updated: map[int64]time.Time{}, keyset: rapid.Bool().Draw(t2, "keyset"), bare: rapid.Bool().Draw(t2, "bare")}
		count := rapid.SampledFrom([]int{0, 1, 99, 100, 101, 150, 200, 201, 330}).Draw(t2, "issues")
		instants := rapid.IntRange(1, max(1, count)).Draw(t2, "instants")
		for iid := range int64(count) {
			tr.updated[iid+1] = someday.Add(time.Duration(int(iid)%instants) * time.Millisecond)
		}
		clock := someday.Add(time.Hour)
		busy := count/instants < 50 // people change issues while GitLab pages; see the note at Look
		tr.meanwhile = func(tr *tracker) {
			for n := rapid.IntRange(0, 5).Draw(t2, "changes"); busy && n > 0 && count > 0; n-- {
				clock = clock.Add(time.Second)
				tr.updated[int64(rapid.IntRange(1, count).Draw(t2, "changed"))] = clock
			}
		}
		c := within(t, tr.ServeHTTP)
		sweep, err := c.Look(t.Context(), 7, someday.Add(-time.Hour))
		if err != nil {
			t2.Fatal(err)
		}
		var iids []int64
		for _, o := range sweep.Issues {
			iids = append(iids, o.IID)
		}
		if !slices.IsSortedFunc(sweep.Issues, func(a, b issue.Observed) int { return a.UpdatedAt.Compare(b.UpdatedAt) }) {
			t2.Error("the issues are not in the order of their changes")
		}
		slices.Sort(iids)
		var want []int64
		for iid := range int64(count) {
			want = append(want, iid+1)
		}
		if diff := cmp.Diff(want, iids); diff != "" {
			t2.Errorf("issues seen (-want +got):\n%s", diff)
		}
	})
}

// A quiet project costs one request for every hundred issues.
func TestLookIsCheap(t *testing.T) {
	for _, keyset := range []bool{true, false} {
		for count, want := range map[int]int{0: 1, 1: 1, 100: 1, 250: 3} {
			tr := &tracker{updated: map[int64]time.Time{}, keyset: keyset}
			for iid := range int64(count) {
				tr.updated[iid+1] = someday.Add(time.Duration(iid) * time.Second)
			}
			c := within(t, tr.ServeHTTP)
			if _, err := c.Look(t.Context(), 7, time.Time{}); err != nil || tr.requests != want {
				t.Errorf("keyset %t, %d issues: %d requests, want %d (%v)", keyset, count, tr.requests, want, err)
			}
			if newest, err := c.Newest(t.Context(), 7); err != nil || newest.IsZero() != (count == 0) ||
				count > 0 && !newest.Equal(tr.updated[int64(count)]) || tr.requests != want+1 {
				t.Errorf("keyset %t, %d issues: newest %s (%v)", keyset, count, newest, err)
			}
		}
	}
}

// Once GitLab has given a cursor, a full page without one is the last, also when
// all of it changed in the same instant.
func TestLookEndsWhereTheCursorsEnd(t *testing.T) {
	tr := &tracker{updated: map[int64]time.Time{}, keyset: true, bare: true}
	for iid := range int64(200) {
		tr.updated[iid+1] = someday
	}
	sweep, err := within(t, tr.ServeHTTP).Look(t.Context(), 7, time.Time{})
	if err != nil || len(sweep.Issues) != 200 || tr.requests != 2 {
		t.Errorf("%d issues with %d requests, %v", len(sweep.Issues), tr.requests, err)
	}
}

// Since reaches GitLab whole, and only changes from then on come back.
func TestLookSince(t *testing.T) {
	tr := &tracker{updated: map[int64]time.Time{1: someday, 2: someday.Add(time.Millisecond), 3: someday.Add(time.Second)}}
	sweep, err := within(t, tr.ServeHTTP).Look(t.Context(), 7, someday.Add(time.Millisecond).In(time.FixedZone("", 3600)))
	if err != nil || len(sweep.Issues) != 2 || sweep.Issues[0].IID != 2 || sweep.Issues[1].IID != 3 {
		t.Errorf("got %+v, %v", sweep.Issues, err)
	}
}

// The later sighting of an issue wins.
func TestLookKeepsTheLaterSighting(t *testing.T) {
	tr := &tracker{updated: map[int64]time.Time{}}
	for iid := range int64(150) {
		tr.updated[iid+1] = someday.Add(time.Duration(iid) * time.Second)
	}
	later := someday.Add(time.Hour)
	tr.meanwhile = func(tr *tracker) { tr.updated[1] = later }
	sweep, err := within(t, tr.ServeHTTP).Look(t.Context(), 7, someday)
	if err != nil || len(sweep.Issues) != 150 {
		t.Fatalf("%d issues, %v", len(sweep.Issues), err)
	}
	if last := sweep.Issues[149]; last.IID != 1 || !last.UpdatedAt.Equal(later) {
		t.Errorf("got issue %d of %s last", last.IID, last.UpdatedAt)
	}
}

// A list that never ends is an error, not a loop.
func TestLookAtAStuckCache(t *testing.T) {
	tr := &tracker{updated: map[int64]time.Time{}, bare: true, stuck: true}
	for iid := range int64(100) {
		tr.updated[iid+1] = someday
	}
	_, err := within(t, tr.ServeHTTP).Look(t.Context(), 7, someday)
	if trouble := wantKind(t, err, issue.Unavailable); !strings.Contains(trouble.Mend, "cache") {
		t.Errorf("got %v", err)
	}
}

// A page that fails fails the look: a part of the list would be taken for all.
func TestLookIsAllOrNothing(t *testing.T) {
	for name, bad := range map[string]string{"null": "null", "a null in it": "[null]", "no ids": `[{"title":"x"}]`, "an object": "{}", "half": "[", "HTML": "<html>"} {
		synctest.Test(t, func(t *testing.T) {
			tr := &tracker{updated: map[int64]time.Time{}}
			for iid := range int64(150) {
				tr.updated[iid+1] = someday.Add(time.Duration(iid) * time.Second)
			}
			c := within(t, func(w http.ResponseWriter, r *http.Request) {
				if tr.requests > 0 {
					send(w, http.StatusOK, "application/json", bad)
					return
				}
				tr.ServeHTTP(w, r)
			})
			sweep, err := c.Look(t.Context(), 7, someday)
			wantKind(t, err, issue.Unavailable)
			if len(sweep.Issues) != 0 {
				t.Errorf("%s: %d issues came with the error", name, len(sweep.Issues))
			}
		})
	}
}

// AsOf is GitLab's clock when the look began: never later.
func TestAsOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		skew := 3 * time.Hour
		h := func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(1700 * time.Millisecond)
			w.Header().Set("Date", time.Now().Add(skew).UTC().Format(http.TimeFormat))
			send(w, http.StatusOK, "application/json", "[]")
		}
		began := time.Now().Add(skew)
		sweep, err := within(t, h).Look(t.Context(), 7, someday)
		if err != nil {
			t.Fatal(err)
		}
		if early := began.Sub(sweep.AsOf); early < 0 || early > 3*time.Second {
			t.Errorf("as of %s, the look began at %s", sweep.AsOf, began)
		}
		began = time.Now()
		sweep, err = within(t, func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			send(w, http.StatusOK, "application/json", "[]")
		}).Look(t.Context(), 7, someday)
		if err != nil || !sweep.AsOf.Equal(began) {
			t.Errorf("without a Date: as of %s, want %s (%v)", sweep.AsOf, began, err)
		}
	})
}
