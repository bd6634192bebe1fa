package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cxm/internal/credential"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
	"cxm/internal/source"
	"cxm/internal/store"
	"cxm/internal/store/storetest"
)

// town is a tracker with several projects, of which a test decides when it loses
// an answer, refuses, or lags: what no real GitLab does on demand.
type town struct {
	mu     sync.Mutex
	now    time.Time
	issues []*issue.Observed
	calls  []string // in order, as "move 7", "look 8"

	lose   func(call string) bool                // the answer does not arrive, though the call was carried out
	drop   func(call string) bool                // the call does not arrive
	shut   map[int64]string                      // projects that take no issues
	refuse string                                // why every move is refused; empty: none is
	kind   issue.TroubleKind                     // of that refusal
	lag    time.Duration                         // after which the search knows an issue
	before func(call string)                     // called before a call is carried out
	hidden func(o *issue.Observed) (hidden bool) // which no list shows

	unlisted bool                     // no look lists what was moved away: GitLab stamped it long before it committed
	labelled bool                     // the labels come along with a move: they are the group's
	rewrite  func(text string) string // what a move makes of a text
}

func newTown() *town {
	never := func(string) bool { return false }
	return &town{
		now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), lose: never, drop: never, shut: map[int64]string{},
		before: func(string) {}, hidden: func(*issue.Observed) bool { return false }, rewrite: func(text string) string { return text },
	}
}

func (w *town) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *town) forward(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// write carries a call out that writes, with what can happen to it on the way.
func (w *town) write(call string, do func() (*issue.Observed, error)) (issue.Observed, error) {
	w.before(call)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call)
	lost := &issue.Trouble{Kind: issue.Doubtful, Doing: call, Err: errors.New("no answer")}
	if w.drop(call) {
		return issue.Observed{}, lost
	}
	w.now = w.now.Add(time.Millisecond)
	o, err := do()
	if w.lose(call) {
		return issue.Observed{}, lost
	}
	if err != nil {
		return issue.Observed{}, err
	}
	return *o, nil
}

// Create makes an issue.
func (w *town) Create(_ context.Context, project int64, d issue.Draft) (issue.Observed, error) {
	if err := d.Sending(); err != nil {
		return issue.Observed{}, err
	}
	return w.write(fmt.Sprint("create ", project), func() (*issue.Observed, error) {
		if why := w.shut[project]; why != "" {
			return nil, &issue.Trouble{Kind: issue.Forbidden, Doing: "creating", Said: why}
		}
		return w.add(issue.Observed{ProjectID: project, Title: d.Title, Description: d.Description, Labels: d.Labels}), nil
	})
}

// add makes an issue; the caller holds the lock.
func (w *town) add(o issue.Observed) *issue.Observed {
	o.ID, o.IID, o.State, o.CreatedAt, o.UpdatedAt = int64(len(w.issues)+1), 1, issue.Opened, w.now, w.now
	for _, other := range w.issues {
		if other.ProjectID == o.ProjectID {
			o.IID++
		}
	}
	o.WebURL = fmt.Sprintf("https://gitlab.example.com/p%d/-/issues/%d", o.ProjectID, o.IID)
	w.issues = append(w.issues, &o)
	return &o
}

// one is an issue by its number, nil when there is none; the caller holds the lock.
func (w *town) one(project, iid int64) *issue.Observed {
	for _, o := range w.issues {
		if o.ProjectID == project && o.IID == iid && !w.hidden(o) {
			return o
		}
	}
	return nil
}

// Change writes to an issue.
func (w *town) Change(_ context.Context, project, iid int64, c issue.Change) (issue.Observed, error) {
	return w.write(fmt.Sprint("change ", project), func() (*issue.Observed, error) {
		o := w.one(project, iid)
		if o == nil {
			return nil, &issue.Trouble{Kind: issue.NotFound, Doing: "changing"}
		}
		if c.Title != nil {
			o.Title = *c.Title
		}
		if c.Description != nil {
			o.Description = *c.Description
		}
		o.Labels = slices.Sorted(slices.Values(append(slices.Clone(o.Labels), c.AddLabels...)))
		if o.UpdatedAt = w.now; c.State != "" {
			o.State, o.ClosedAt = c.State, w.now
		}
		return o, nil
	})
}

// Move moves an issue as GitLab does: a new one, with the text.
func (w *town) Move(_ context.Context, project, iid, to int64, sending func() error) (issue.Observed, error) {
	if err := sending(); err != nil {
		return issue.Observed{}, err
	}
	return w.write(fmt.Sprint("move ", to), func() (*issue.Observed, error) {
		o := w.one(project, iid)
		switch {
		case w.refuse != "":
			return nil, &issue.Trouble{Kind: w.kind, Doing: "moving", Said: w.refuse, Mend: "Give it a role"}
		case o.MovedToID != 0 || w.shut[to] != "":
			return nil, &issue.Trouble{Kind: issue.Invalid, Doing: "moving", Said: "Unable to move"}
		}
		next := w.add(issue.Observed{ProjectID: to, Title: o.Title, Description: w.rewrite(o.Description)})
		if w.labelled {
			next.Labels = o.Labels
		}
		o.MovedToID, o.State, o.ClosedAt, o.UpdatedAt = next.ID, issue.Closed, w.now, w.now
		return next, nil
	})
}

// Look lists what changed since.
func (w *town) Look(_ context.Context, project int64, since time.Time) (issue.Sweep, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, fmt.Sprint("look ", project))
	s := issue.Sweep{AsOf: w.now}
	for _, o := range w.issues {
		if o.ProjectID == project && !o.UpdatedAt.Before(since) && !w.hidden(o) && (!w.unlisted || o.MovedToID == 0) {
			s.Issues = append(s.Issues, *o)
		}
	}
	slices.SortFunc(s.Issues, func(a, b issue.Observed) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	return s, nil
}

// Newest says that the project is empty.
func (w *town) Newest(context.Context, int64) (time.Time, error) { return time.Time{}, nil }

// Those lists issues by their numbers.
func (w *town) Those(_ context.Context, project int64, iids []int64) ([]issue.Observed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, fmt.Sprint("those ", project))
	var out []issue.Observed
	for _, iid := range iids {
		if o := w.one(project, iid); o != nil {
			out = append(out, *o)
		}
	}
	return out, nil
}

// Search finds by a word, once the index knows an issue.
func (w *town) Search(_ context.Context, word string) ([]issue.Observed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, "search")
	var out []issue.Observed
	for _, o := range w.issues {
		if strings.Contains(o.Description, word) && !o.CreatedAt.After(w.now.Add(-w.lag)) {
			out = append(out, *o)
		}
	}
	return out, nil
}

// Takes says which projects take issues.
func (w *town) Takes(_ context.Context, project int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, fmt.Sprint("takes ", project))
	if why := w.shut[project]; why != "" {
		return &issue.Trouble{Kind: issue.Forbidden, Doing: "looking", Said: why}
	}
	return nil
}

// count counts calls that begin so.
func (w *town) count(prefix string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, c := range w.calls {
		if strings.HasPrefix(c, prefix) {
			n++
		}
	}
	return n
}

// open counts the open issues of a project.
func (w *town) open(project int64) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, o := range w.issues {
		if o.ProjectID == project && o.State == issue.Opened {
			n++
		}
	}
	return n
}

// settled is how long the silence of a town means nothing.
const settled = 30 * time.Second

// tables are copied for every test.
var tables storetest.File

// newTownLoop wires an engine on a real store to a town. Its project is 7.
func newTownLoop(t *testing.T, w *town) (*reconcile.Engine, *store.Store) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cxm.db")
	tables.Copy(t, path)
	db, err := store.Open(t.Context(), store.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := db.Tenant("default")
	in, err := s.AddIntegration(t.Context(), integration.Integration{
		Provider: integration.GitLab, URL: "https://gitlab.example.com", Project: integration.Project{ID: 7, Path: "acme/platform"},
	}, credential.Token{}, func(int64) ([]byte, error) { return []byte("sealed"), nil })
	if err != nil {
		t.Fatal(err)
	}
	e, err := reconcile.New(reconcile.Config{
		Integration: in, Installation: strings.Repeat("a", 16), Tracker: w, Finder: w, Findings: s, Journal: s, Memory: s, Runs: s, Census: s, Watch: s,
		Policy: plan.DefaultPolicy(), Brakes: plan.Brakes{CloseShare: 100}, Clock: w.clock, Settle: settled, Workers: 1,
		Stale: func(err error) bool {
			return errors.Is(err, store.ErrStale) || errors.Is(err, store.ErrAlreadyIntended)
		},
		Sleep: func(_ context.Context, d time.Duration) error { w.forward(d); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return e, s
}

// report takes n findings in, of which each saves so much.
func report(t *testing.T, s *store.Store, w *town, n int, savings string) {
	t.Helper()
	var items []string
	for i := range n {
		items = append(items, fmt.Sprintf(`{"accountId":"123456789012","region":"eu-west-1","resourceId":"vol-%017x","currentResourceType":"EbsVolume","actionType":"Delete","currencyCode":"USD","estimatedMonthlySavings":%s}`, i, savings))
	}
	_, _, err := reconcile.Puller{Intake: s, Proof: 2, Clock: w.clock}.Pull(t.Context(), reconcile.Delivery{
		Type: source.CostOptimizationHub, Inputs: []source.Input{{Name: "test", Reader: strings.NewReader(`{"items":[` + strings.Join(items, ",") + `]}`)}},
	})
	if err != nil {
		t.Fatal(err)
	}
}
