package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/reconcile/breaker"
)

// overlap is how far a look reaches back behind the last one: GitLab stamps
// updated_at before it commits, so an issue may appear with an older stamp.
const overlap = time.Minute

// tries is how often a look is made again when another process wrote what it
// was about to write: what that process saw is read first.
const tries = 8

// Looked is what a look learned.
type Looked struct {
	Seen    int // issues of cxm that were in the sweep
	Adopted int // creates in doubt that were found carried out
	Dropped int // creates in doubt that were proved never carried out
	InDoubt int // creates that are still in doubt
	Lost    int // issues that moved out of reach
}

// Look learns what changed in the tracker since the last look: in every project
// that holds cxm's issues, one listing of what changed. It settles creates in
// doubt: found by their nonce, or proved absent once GitLab has been silent
// about them for long enough. It writes nothing to the tracker.
func (e *Engine) Look(ctx context.Context) (Looked, error) {
	looked, blind, err := e.lookAround(ctx)
	if err != nil {
		return looked, fmt.Errorf("looking at GitLab: %w", err)
	}
	for _, project := range slices.Sorted(maps.Keys(blind)) {
		return looked, fmt.Errorf("looking at project %d: %w", project, blind[project])
	}
	return looked, nil
}

// lookAround looks at every project. Blind are those that could not be looked
// at, and why: the others go on. The error is of the store.
func (e *Engine) lookAround(ctx context.Context) (all Looked, blind map[int64]error, err error) {
	projects, err := e.Findings.Projects(ctx, e.Integration.ID)
	if err != nil {
		return all, nil, err
	}
	if !slices.Contains(projects, e.Integration.Project.ID) {
		projects = append(projects, e.Integration.Project.ID)
	}
	slices.Sort(projects)
	blind = map[int64]error{}
	for _, project := range projects {
		one, err := e.glance(ctx, project)
		switch _, ours := blame(err); {
		case err == nil:
			all = all.plus(one)
		case ours && !errors.Is(err, errStopped) && !limited(err):
			return all, blind, err
		default:
			blind[project] = err
		}
	}
	return all, blind, nil
}

// glance looks at one project unless a breaker holds it back, again when another
// process wrote what it was about to write.
func (e *Engine) glance(ctx context.Context, project int64) (Looked, error) {
	about := breaker.Call{Project: project}
	if _, err := e.gate.pass(ctx, about); err != nil {
		return Looked{}, err
	}
	one, err := e.lookAt(ctx, project)
	for range tries {
		if !e.Stale(err) {
			break
		}
		one, err = e.lookAt(ctx, project)
	}
	e.gate.after(ctx, about, err)
	return one, err
}

// limited says that the tracker, or cxm's own limit, asked to wait.
func limited(err error) bool {
	trouble := (*issue.Trouble)(nil)
	return errors.As(err, &trouble) && trouble.Kind == issue.Limited
}

func (l Looked) plus(one Looked) Looked {
	l.Seen, l.Adopted, l.Dropped = l.Seen+one.Seen, l.Adopted+one.Adopted, l.Dropped+one.Dropped
	l.InDoubt, l.Lost = l.InDoubt+one.InDoubt, l.Lost+one.Lost
	return l
}

func (e *Engine) lookAt(ctx context.Context, project int64) (Looked, error) {
	began := e.Clock()
	since, err := e.Memory.Watermark(ctx, e.Integration.ID, project)
	if err != nil {
		return Looked{}, err
	}
	doubts, err := e.doubts(ctx, project)
	if err != nil {
		return Looked{}, err
	}
	if since.IsZero() {
		return Looked{}, e.firstLook(ctx, project)
	}
	sweep, err := e.Tracker.Look(ctx, project, since.Add(-overlap))
	if err != nil {
		return Looked{}, err
	}
	e.skew.Store(int64(sweep.AsOf.Sub(began)))
	e.named(ctx, project, sweep)
	look := looking{Engine: e, project: project, doubts: doubts, changed: map[int64]issue.Tracked{}}
	if err := look.over(ctx, sweep); err != nil {
		return Looked{}, err
	}
	if err := look.lost(ctx); err != nil {
		return Looked{}, err
	}
	look.settle(began)
	if err := errors.Join(look.settleMoves(ctx, began), look.check(ctx, began)); err != nil {
		return Looked{}, err
	}
	if n := len(sweep.Issues); n > 0 && sweep.Issues[n-1].UpdatedAt.After(since) {
		since = sweep.Issues[n-1].UpdatedAt
	}
	if err := e.Memory.Observe(ctx, e.Integration.ID, project, look.rows(), since); err != nil {
		return Looked{}, err
	}
	e.looks.done(project, began)
	return look.Looked, nil
}

// named tells when the integration's project shows itself under another address
// than is known: it got another path, or another group.
func (e *Engine) named(ctx context.Context, project int64, sweep issue.Sweep) {
	known := e.Integration.Project
	if n := len(sweep.Issues); n > 0 && project == known.ID && known.WebURL != "" && !strings.HasPrefix(sweep.Issues[n-1].WebURL, known.WebURL+"/") {
		e.Renamed(ctx, project)
	}
}

// firstLook remembers where to look from. Nothing of ours can be older, and a
// project may hold thousands of issues that people wrote.
func (e *Engine) firstLook(ctx context.Context, project int64) error {
	newest, err := e.Tracker.Newest(ctx, project)
	if err != nil {
		return err
	}
	if newest.IsZero() {
		newest = time.Unix(1, 0).UTC()
	}
	return e.Memory.Observe(ctx, e.Integration.ID, project, nil, newest)
}

// doubts lists the project's creates whose outcome is not known.
func (e *Engine) doubts(ctx context.Context, project int64) ([]issue.Tracked, error) {
	all, err := e.Memory.Unsettled(ctx, e.Integration.ID)
	return slices.DeleteFunc(all, func(t issue.Tracked) bool { return t.Observed.ProjectID != project }), err
}

// looking is one look at one project in the making.
type looking struct {
	*Engine
	Looked
	project  int64
	doubts   []issue.Tracked
	changed  map[int64]issue.Tracked    // row → what to remember
	original map[string]*issue.Observed // nonce → which of the issues that carry it cxm made
}

// originals finds out which issue cxm made where several of a sweep carry the
// same nonce, since people clone issues and copy descriptions: one that cxm's
// account wrote before all others, then the one that was made first. An issue
// that is known under another nonce only quotes this one.
func (l *looking) originals(sweep issue.Sweep, known [][]issue.Tracked) {
	own := map[int64]string{}
	for _, t := range slices.Concat(known...) {
		if t.Observed.ProjectID == l.project && t.Observed.IID != 0 {
			own[t.Observed.IID] = t.Nonce
		}
	}
	l.original = map[string]*issue.Observed{}
	for i := range sweep.Issues {
		o := &sweep.Issues[i]
		for _, nonce := range l.nonces(*o) {
			if is, tracked := own[o.IID]; tracked && is != nonce {
				continue
			}
			if was, ok := l.original[nonce]; !ok || l.older(o, was) {
				l.original[nonce] = o
			}
		}
	}
}

// older says that a rather than b is what cxm made.
func (l *looking) older(a, b *issue.Observed) bool {
	ours := l.Integration.Account.ID
	if (a.AuthorID == ours) != (b.AuthorID == ours) {
		return a.AuthorID == ours
	}
	return a.ID < b.ID
}

// made says that cxm made o with the nonce, rather than a person who copied it.
func (l *looking) made(nonce string, o issue.Observed) bool {
	original := l.original[nonce]
	return original != nil && original.ID == o.ID
}

// over goes through a sweep in chunks, so that one look-up in the store serves
// many issues.
func (l *looking) over(ctx context.Context, sweep issue.Sweep) error {
	chunks := slices.Collect(slices.Chunk(sweep.Issues, 500))
	known := make([][]issue.Tracked, len(chunks))
	for i, chunk := range chunks {
		var iids []int64
		var nonces []string
		for _, o := range chunk {
			iids = append(iids, o.IID)
			nonces = append(nonces, l.nonces(o)...)
		}
		var err error
		if known[i], err = l.Memory.Find(ctx, l.Integration.ID, l.project, iids, nonces); err != nil {
			return err
		}
	}
	l.originals(sweep, known)
	for i, chunk := range chunks {
		for _, o := range chunk {
			if err := l.one(ctx, o, known[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// lost asks for the issues that could not be seen when a step wrote to them: one
// that can be seen again need not have changed since, and then no look lists it.
func (l *looking) lost(ctx context.Context) error {
	rows, err := l.Census.Lost(ctx, l.Integration.ID, l.project)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(rows, 100) {
		byIID := map[int64]issue.Tracked{}
		for _, t := range some {
			if _, seen := l.changed[t.ID]; !seen {
				byIID[t.Observed.IID] = t
			}
		}
		if len(byIID) == 0 {
			continue
		}
		there, err := l.Finder.Those(ctx, l.project, slices.Sorted(maps.Keys(byIID)))
		if err != nil {
			return err
		}
		for _, o := range there {
			if t, asked := byIID[o.IID]; asked {
				delete(byIID, o.IID)
				if err := l.same(ctx, t, o); err != nil {
					return err
				}
			}
		}
		for _, t := range byIID {
			if t.Missing < plan.Confirmed {
				l.missed(t)
			}
		}
	}
	return nil
}

// nonces lists the nonces of this installation's markers in the description.
func (l *looking) nonces(o issue.Observed) []string {
	var out []string
	for _, b := range issue.Blocks(o.Description) {
		if b.Marker.Installation == l.Installation {
			out = append(out, b.Marker.Nonce)
		}
	}
	return out
}

// one takes in one issue of the sweep. An issue that carries the nonce of
// another issue is a copy that a person made, and none of cxm's business; one
// that carries a nonce of this installation that nobody remembers was made
// after the backup that was restored.
func (l *looking) one(ctx context.Context, o issue.Observed, known []issue.Tracked) error {
	nonces := l.nonces(o)
	for _, t := range known {
		switch {
		case t.Observed.ProjectID == l.project && t.Observed.IID == o.IID:
			l.Seen++
			return l.same(ctx, t, o)
		case t.Observed.IID == 0 && slices.Contains(nonces, t.Nonce) && l.made(t.Nonce, o):
			l.found(t, o)
			return nil
		}
	}
	return l.forgotten(ctx, o, known)
}

// forgotten adopts an issue that was made after the backup that was restored.
func (l *looking) forgotten(ctx context.Context, o issue.Observed, known []issue.Tracked) error {
	for _, b := range issue.Blocks(o.Description) {
		if b.Marker.Installation != l.Installation {
			continue
		}
		if !l.made(b.Marker.Nonce, o) || slices.ContainsFunc(known, func(t issue.Tracked) bool { return t.Nonce == b.Marker.Nonce }) {
			continue
		}
		t := issue.Tracked{Integration: l.Integration.ID, Group: b.Marker.Group, Nonce: b.Marker.Nonce, Phase: issue.Live}
		t.Written.State, t.Written.Title, t.Written.Labels = issue.Opened, o.Title, ownLabels(o.Labels)
		l.Adopted++
		_, err := l.Memory.Adopt(ctx, t.Adopt(o))
		return err
	}
	return nil
}

// ownLabels are those that only cxm sets. Others are taken for people's, and
// cxm never removes what people set.
func ownLabels(labels []string) []string {
	return slices.DeleteFunc(slices.Clone(labels), func(label string) bool {
		return label != "cxm" && !strings.HasPrefix(label, "cxm::")
	})
}

// same takes in what an issue says that cxm knows.
func (l *looking) same(ctx context.Context, t issue.Tracked, o issue.Observed) error {
	if o.MovedToID != 0 && (t.Phase == issue.Live || t.Phase == issue.Lost) {
		return l.follow(ctx, t, o)
	}
	if o.UpdatedAt.Equal(t.Observed.UpdatedAt) && t.Phase != issue.Lost {
		return nil
	}
	l.changed[t.ID] = l.decided(t, t.Seen(o))
	return nil
}

// decided remembers what a person decided where the state alone does not tell.
// That they closed an issue which cxm had closed before, or was about to close:
// GitLab says who it was; an issue that nobody closed again stays cxm's, also
// when the account changed. That they reopened what cxm had closed without
// learning the end of it: the block says that it was closed. And that they did not
// close what cxm closed long after it had given up: the block says so, and GitLab
// that it was cxm's account.
func (l *looking) decided(was, now issue.Tracked) issue.Tracked {
	if was.Pending == issue.Closed && now.Observed.State == issue.Opened {
		own, _ := issue.Own(now.Observed.Description, now.Nonce)
		if strings.Contains(own.Text, plan.ClosedWords) && !strings.Contains(was.Written.Block, plan.ClosedWords) {
			now.Written.State, now.Override = issue.Closed, issue.Opened
		}
		return now
	}
	by := now.Observed.ClosedByID
	if l.closedLate(was, now) {
		now.Written.State, now.Override = issue.Closed, ""
	}
	if now.Observed.State != issue.Closed || by == 0 || by == l.Integration.Account.ID {
		return now
	}
	if was.Override == issue.Closed || was.Observed.State != issue.Closed || was.Observed.ClosedByID != by {
		now.Override = issue.Closed
	}
	return now
}

// closedLate says that cxm closed an issue by a request that it had taken for
// failed. What people had undone is their choice, though cxm's account closed it.
func (l *looking) closedLate(was, now issue.Tracked) bool {
	if was.Override == issue.Closed || was.Observed.State == issue.Closed || now.Override != issue.Closed || now.Observed.ClosedByID != l.Integration.Account.ID {
		return false
	}
	before, _ := issue.Own(was.Observed.Description, was.Nonce)
	own, _ := issue.Own(now.Observed.Description, now.Nonce)
	return strings.Contains(own.Text, plan.ClosedWords) && !strings.Contains(before.Text, plan.ClosedWords)
}

// follow finds where an issue was moved to. GitLab makes a new issue with the
// old one's description and closes the old one.
func (l *looking) follow(ctx context.Context, t issue.Tracked, o issue.Observed) error {
	there, err := l.Finder.Search(ctx, t.Nonce)
	if err != nil {
		return err
	}
	for _, moved := range there {
		if moved.ID == o.MovedToID {
			l.changed[t.ID] = t.Moved(moved, t.Move.InDoubt() && t.Move.To == moved.ProjectID)
			return nil
		}
	}
	if t.Move.InDoubt() && l.Clock().Sub(t.Move.At).Abs() < l.Settle { // GitLab's index may lag
		return nil
	}
	if t.Phase != issue.Lost {
		t.Observed, t.Phase = o, issue.Lost
		t.Trouble = "it was moved to a project that the account cannot see"
		l.changed[t.ID] = t
		l.Lost++
	}
	return nil
}

// found takes in a create that was carried out after all.
func (l *looking) found(t issue.Tracked, o issue.Observed) {
	if t.Phase == issue.Dropped {
		t = t.Adopt(o)
		t.Phase = issue.Duplicate
	} else {
		t = t.Adopt(o)
	}
	l.changed[t.ID] = t
	l.Adopted++
}

// settle proves creates absent that the sweep did not show although GitLab was
// silent about them for long enough before it began.
func (l *looking) settle(began time.Time) {
	for _, t := range l.doubts {
		if _, adopted := l.changed[t.ID]; adopted {
			continue
		}
		if began.Sub(t.SentAt) < l.Settle {
			l.InDoubt++
			l.setBack(t, began)
			continue
		}
		t.Phase = issue.Dropped
		t.Trouble = "its create went unanswered, and the issue never appeared"
		l.changed[t.ID] = t
		l.Dropped++
	}
}

// setBack begins the wait for a create anew that was sent far in the future, as it
// seems: the clock was set back since, and may have been wrong by years.
func (l *looking) setBack(t issue.Tracked, now time.Time) {
	if t.SentAt.After(now.Add(l.Settle)) {
		t.SentAt = now.UTC()
		l.changed[t.ID] = t
	}
}

// rows is what to remember, in a steady order.
func (l *looking) rows() []issue.Tracked {
	var out []issue.Tracked
	for _, t := range l.changed {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b issue.Tracked) int { return int(a.ID - b.ID) })
	return out
}
