package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
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
)

// lateTracker is a tracker that can carry a create out long after its client
// gave up, which no real GitLab does on demand.
type lateTracker struct {
	mu      sync.Mutex
	now     time.Time
	issues  []issue.Observed
	hold    bool          // creates go unanswered, and are kept in held
	held    []issue.Draft // not carried out yet
	deaf    bool          // changes fail as if nothing had been done, and are kept in unheard
	unheard []func()
	during  func() // what happens while a create is under way; nil: nothing
	again   func() // what happens before a create that was refused at first is sent again; nil: none is refused
}

func (l *lateTracker) forward(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = l.now.Add(d)
}

func (l *lateTracker) clock() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// Look lists what changed since.
func (l *lateTracker) Look(_ context.Context, _ int64, since time.Time) (issue.Sweep, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := issue.Sweep{AsOf: l.now}
	for _, o := range l.issues {
		if !o.UpdatedAt.Before(since) {
			s.Issues = append(s.Issues, o)
		}
	}
	return s, nil
}

// Newest says that the project is empty.
func (l *lateTracker) Newest(context.Context, int64) (time.Time, error) { return time.Time{}, nil }

// Those sees nothing.
func (l *lateTracker) Those(context.Context, int64, []int64) ([]issue.Observed, error) {
	return nil, nil
}

// Takes says that every project takes issues.
func (l *lateTracker) Takes(context.Context, int64) error { return nil }

// Move is not called.
func (l *lateTracker) Move(context.Context, int64, int64, int64, func() error) (issue.Observed, error) {
	return issue.Observed{}, errors.New("nothing is to be moved")
}

// Search finds nothing.
func (l *lateTracker) Search(context.Context, string) ([]issue.Observed, error) { return nil, nil }

// Create makes an issue, or loses its answer.
func (l *lateTracker) Create(_ context.Context, project int64, d issue.Draft) (issue.Observed, error) {
	if err := d.Sending(); err != nil {
		return issue.Observed{}, err
	}
	if l.again != nil {
		l.again()
		if err := d.Sending(); err != nil {
			return issue.Observed{}, err
		}
	}
	if l.during != nil {
		l.during()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hold {
		l.held = append(l.held, d)
		return issue.Observed{}, &issue.Trouble{Kind: issue.Doubtful, Doing: "creating an issue", Err: errors.New("no answer")}
	}
	return l.commit(project, d), nil
}

func (l *lateTracker) commit(project int64, d issue.Draft) issue.Observed {
	n := int64(len(l.issues) + 1)
	l.now = l.now.Add(time.Second)
	o := issue.Observed{ID: n, IID: n, ProjectID: project, Title: d.Title, Description: d.Description, Labels: d.Labels, State: issue.Opened, CreatedAt: l.now, UpdatedAt: l.now}
	l.issues = append(l.issues, o)
	return o
}

// late carries out what went unanswered.
func (l *lateTracker) late() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.held {
		l.commit(7, d)
	}
	l.held, l.hold = nil, false
}

// Change writes to an issue.
func (l *lateTracker) Change(_ context.Context, _, iid int64, c issue.Change) (issue.Observed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.deaf {
		l.unheard = append(l.unheard, func() { l.change(iid, c) })
		return issue.Observed{}, &issue.Trouble{Kind: issue.Unavailable, Doing: "changing an issue", Err: errors.New("bad gateway")}
	}
	return l.change(iid, c), nil
}

func (l *lateTracker) change(iid int64, c issue.Change) issue.Observed {
	l.now = l.now.Add(time.Second)
	o := &l.issues[iid-1]
	if c.Title != nil {
		o.Title = *c.Title
	}
	if c.Description != nil {
		o.Description = *c.Description
	}
	if c.State != "" {
		o.State = c.State
	}
	o.UpdatedAt = l.now
	if o.ClosedByID = 0; o.State == issue.Closed {
		o.ClosedAt, o.ClosedByID = l.now, botID
	}
	return *o
}

// botID is cxm's account.
const botID = 3

// open counts the open issues.
func (l *lateTracker) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, o := range l.issues {
		if o.State == issue.Opened {
			n++
		}
	}
	return n
}

// newLoop wires an engine on a real store to the tracker.
func newLoop(t *testing.T, tracker *lateTracker) (*reconcile.Engine, *store.Store) {
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
		Provider: integration.GitLab, URL: "https://gitlab.example.com", Account: integration.Account{ID: botID}, Project: integration.Project{ID: 7, Path: "acme/platform"},
	}, credential.Token{}, func(int64) ([]byte, error) { return []byte("sealed"), nil })
	if err != nil {
		t.Fatal(err)
	}
	e, err := reconcile.New(reconcile.Config{
		Integration: in, Installation: strings.Repeat("a", 16), Tracker: tracker, Finder: tracker, Findings: s, Journal: s, Memory: s, Runs: s, Census: s, Watch: s,
		Policy: plan.DefaultPolicy(), Brakes: plan.DefaultBrakes(), Clock: tracker.clock,
		Stale: func(err error) bool {
			return errors.Is(err, store.ErrStale) || errors.Is(err, store.ErrAlreadyIntended) || errors.Is(err, store.ErrCapped)
		},
		Sleep: func(_ context.Context, d time.Duration) error { tracker.forward(d); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return e, s
}

func take(t *testing.T, s *store.Store, clock func() time.Time) {
	t.Helper()
	deliver(t, s, clock, "vol-0f1e2d3c4b5a69788")
}

// deliver takes in a snapshot of the account with these disks.
func deliver(t *testing.T, s *store.Store, clock func() time.Time, disks ...string) {
	t.Helper()
	var items []string
	for _, disk := range disks {
		items = append(items, fmt.Sprintf(`{"accountId":"123456789012","region":"eu-west-1","resourceId":%q,"currentResourceType":"EbsVolume","actionType":"Delete","currencyCode":"USD","estimatedMonthlySavings":7}`, disk))
	}
	text := `{"items":[` + strings.Join(items, ",") + `]}`
	_, _, err := reconcile.Puller{Intake: s, Proof: 2, Clock: clock}.Pull(t.Context(), reconcile.Delivery{
		Type: source.CostOptimizationHub, Inputs: []source.Input{{Name: "test", Reader: strings.NewReader(text)}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// pass looks, plans and applies; it returns the verbs that were planned.
func pass(t *testing.T, e *reconcile.Engine) string {
	t.Helper()
	if _, err := e.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := e.Plan(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	var verbs strings.Builder
	for _, s := range p.Changes() {
		verbs.WriteString(string(s.Verb))
	}
	if _, err := e.Apply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return verbs.String()
}

// TestLateCreateIsClosedAsDuplicate holds G1 against a GitLab that carries a
// create out after it was proved absent and made again.
func TestLateCreateIsClosedAsDuplicate(t *testing.T) {
	tracker := &lateTracker{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), hold: true}
	e, s := newLoop(t, tracker)
	take(t, s, tracker.clock)
	pass(t, e) // unanswered, looked up after the silence, tried again: every time unanswered
	unanswered := len(tracker.held)
	if unanswered < 2 || len(tracker.issues) != 0 {
		t.Fatalf("%d creates unanswered, %d issues", unanswered, len(tracker.issues))
	}
	tracker.hold = false
	tracker.forward(time.Minute)
	pass(t, e)
	if tracker.open() != 1 {
		t.Fatalf("%d open issues, want 1", tracker.open())
	}
	tracker.late()
	tracker.forward(time.Minute)
	if got := pass(t, e); got != strings.Repeat("-", unanswered) || tracker.open() != 1 {
		t.Fatalf("steps %q, %d open issues; the %d late ones should be closed", got, tracker.open(), unanswered)
	}
	if got := pass(t, e); got != "" {
		t.Errorf("steps %q after all is settled", got)
	}
}

// TestCreateUnderWayIsNotDropped holds G1 against another process that looks
// while a create is on its way: it cannot see the issue yet, and must not take
// that for proof.
func TestCreateUnderWayIsNotDropped(t *testing.T) {
	tracker := &lateTracker{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	e, s := newLoop(t, tracker)
	take(t, s, tracker.clock)
	other := *e
	tracker.during = func() {
		looked, err := other.Look(t.Context())
		if err != nil || looked.Dropped != 0 || looked.InDoubt != 1 {
			t.Errorf("the other process saw %+v, %v", looked, err)
		}
	}
	pass(t, e)
	tracker.during = nil
	if got := pass(t, e); got != "" || tracker.open() != 1 {
		t.Errorf("steps %q, %d open issues", got, tracker.open())
	}
}

// TestJournalSaysWhatBecameOfDoubts follows one unanswered create in the journal.
func TestJournalSaysWhatBecameOfDoubts(t *testing.T) {
	tracker := &lateTracker{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), hold: true}
	e, s := newLoop(t, tracker)
	take(t, s, tracker.clock)
	pass(t, e)
	tracker.late()
	tracker.forward(time.Minute)
	pass(t, e)
	var outcomes []string
	runs, err := s.Runs(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runs {
		entries, err := s.Journal(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			outcomes = append(outcomes, string(entry.Verb)+string(entry.Outcome))
			if entry.Outcome == plan.Intended {
				t.Errorf("an entry never ended: %+v", entry)
			}
		}
	}
	if all := strings.Join(outcomes, " "); !strings.Contains(all, "+adopted") && !strings.Contains(all, "+dropped") {
		t.Errorf("outcomes = %s", all)
	}
	if tracker.open() != 1 {
		t.Errorf("%d open issues, want 1", tracker.open())
	}
}

// TestNewNamesWhatIsMissing holds the constructor to its word.
func TestNewNamesWhatIsMissing(t *testing.T) {
	if _, err := reconcile.New(reconcile.Config{}); err == nil {
		t.Error("an engine without anything was made")
	}
	tracker := &lateTracker{}
	_, s := newLoop(t, tracker)
	_, err := reconcile.New(reconcile.Config{Tracker: tracker, Finder: tracker, Findings: s, Journal: s, Memory: s, Runs: s, Census: s, Watch: s})
	if err == nil || !strings.Contains(err.Error(), "cxm connect gitlab") {
		t.Errorf("err = %v", err)
	}
}

// TestLateCloseIsNotAPersons: a close that cxm had taken for failed is carried out
// all the same; when the finding is back, the issue is reopened, since no person
// closed it.
func TestLateCloseIsNotAPersons(t *testing.T) {
	tracker := &lateTracker{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	e, s := newLoop(t, tracker)
	others := []string{"vol-00000000000000001"}
	all := append([]string{"vol-0f1e2d3c4b5a69788"}, others...)
	deliver(t, s, tracker.clock, all...)
	pass(t, e)
	for range 2 {
		tracker.forward(24 * time.Hour)
		deliver(t, s, tracker.clock, others...)
	}
	tracker.deaf = true
	if got := pass(t, e); got != "-" {
		t.Fatalf("steps %q, want a close", got)
	}
	tracker.forward(time.Minute)
	if _, err := e.Look(t.Context()); err != nil { // it is open still: the close counts as not carried out
		t.Fatal(err)
	}
	tracker.mu.Lock()
	tracker.unheard[0]()
	tracker.mu.Unlock()
	tracker.deaf = false
	tracker.forward(time.Minute)
	if got := pass(t, e); got != "" {
		t.Errorf("steps %q: it is closed, as it should be", got)
	}
	deliver(t, s, tracker.clock, all...)
	if got := pass(t, e); got != "^" || tracker.open() != 2 {
		t.Errorf("steps %q, %d open issues: the finding is back", got, tracker.open())
	}
}

// TestLateUpdateIsWhatWasShown: an update that cxm had taken for failed is carried
// out all the same, and then a person closes the issue: it has not grown since, and
// stays closed.
func TestLateUpdateIsWhatWasShown(t *testing.T) {
	tracker := &lateTracker{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	e, s := newLoop(t, tracker)
	worth := func(savings int) {
		t.Helper()
		text := fmt.Sprintf(`{"items":[{"accountId":"123456789012","region":"eu-west-1","resourceId":"vol-0f1e2d3c4b5a69788","currentResourceType":"EbsVolume","actionType":"Delete","currencyCode":"USD","estimatedMonthlySavings":%d}]}`, savings)
		if _, _, err := (reconcile.Puller{Intake: s, Proof: 2, Clock: tracker.clock}).Pull(t.Context(), reconcile.Delivery{
			Type: source.CostOptimizationHub, Inputs: []source.Input{{Name: "test", Reader: strings.NewReader(text)}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	worth(100)
	pass(t, e)
	worth(190)
	tracker.deaf = true
	if got := pass(t, e); got != "~" {
		t.Fatalf("steps %q, want an update", got)
	}
	tracker.mu.Lock()
	tracker.unheard[0]()
	tracker.now = tracker.now.Add(time.Second)
	o := &tracker.issues[0]
	o.State, o.ClosedByID, o.UpdatedAt, o.ClosedAt = issue.Closed, 99, tracker.now, tracker.now
	tracker.mu.Unlock()
	tracker.deaf = false
	tracker.forward(time.Minute)
	worth(210) // more than twice what cxm knows to have written, not of what the person saw
	if got := pass(t, e); got != "" {
		t.Errorf("steps %q: a person closed it when it said 190", got)
	}
	worth(400)
	if got := pass(t, e); got != "^" {
		t.Errorf("steps %q: it has grown", got)
	}
}
