package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cxm/internal/issue"
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
	projects, err := e.Findings.Projects(ctx, e.Integration.ID)
	if err != nil {
		return Looked{}, fmt.Errorf("looking at GitLab: %w", err)
	}
	if !slices.Contains(projects, e.Integration.Project.ID) {
		projects = append(projects, e.Integration.Project.ID)
	}
	slices.Sort(projects)
	var all Looked
	for _, project := range projects {
		one, err := e.lookAt(ctx, project)
		for range tries {
			if !e.Stale(err) {
				break
			}
			one, err = e.lookAt(ctx, project)
		}
		if err != nil {
			return all, fmt.Errorf("looking at project %d: %w", project, err)
		}
		all.Seen, all.Adopted, all.Dropped = all.Seen+one.Seen, all.Adopted+one.Adopted, all.Dropped+one.Dropped
		all.InDoubt, all.Lost = all.InDoubt+one.InDoubt, all.Lost+one.Lost
	}
	return all, nil
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
	e.skew = sweep.AsOf.Sub(began)
	look := looking{Engine: e, project: project, doubts: doubts, changed: map[int64]issue.Tracked{}, adopted: map[string]bool{}}
	if err := look.over(ctx, sweep); err != nil {
		return Looked{}, err
	}
	look.settle(began)
	if n := len(sweep.Issues); n > 0 && sweep.Issues[n-1].UpdatedAt.After(since) {
		since = sweep.Issues[n-1].UpdatedAt
	}
	return look.Looked, e.Memory.Observe(ctx, e.Integration.ID, project, look.rows(), since)
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
	project int64
	doubts  []issue.Tracked
	changed map[int64]issue.Tracked // row → what to remember
	adopted map[string]bool         // nonces that were adopted in this look
}

// over goes through a sweep in chunks, so that one look-up in the store serves
// many issues.
func (l *looking) over(ctx context.Context, sweep issue.Sweep) error {
	for chunk := range slices.Chunk(sweep.Issues, 500) {
		var iids []int64
		var nonces []string
		for _, o := range chunk {
			iids = append(iids, o.IID)
			nonces = append(nonces, l.nonces(o)...)
		}
		known, err := l.Memory.Find(ctx, l.Integration.ID, l.project, iids, nonces)
		if err != nil {
			return err
		}
		for _, o := range chunk {
			if err := l.one(ctx, o, known); err != nil {
				return err
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
		case t.Observed.IID == 0 && slices.Contains(nonces, t.Nonce):
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
		if l.adopted[b.Marker.Nonce] || slices.ContainsFunc(known, func(t issue.Tracked) bool { return t.Nonce == b.Marker.Nonce }) {
			continue
		}
		l.adopted[b.Marker.Nonce] = true
		t := issue.Tracked{Integration: l.Integration.ID, Group: b.Marker.Group, Nonce: b.Marker.Nonce, Phase: issue.Live}
		t.Written.State, t.Written.Title, t.Written.Labels = issue.Opened, o.Title, o.Labels
		l.Adopted++
		_, err := l.Memory.Adopt(ctx, t.Adopt(o))
		return err
	}
	return nil
}

// same takes in what an issue says that cxm knows.
func (l *looking) same(ctx context.Context, t issue.Tracked, o issue.Observed) error {
	if o.MovedToID != 0 && (t.Phase == issue.Live || t.Phase == issue.Lost) {
		return l.follow(ctx, t, o)
	}
	if o.UpdatedAt.Equal(t.Observed.UpdatedAt) && t.Phase != issue.Lost {
		return nil
	}
	l.changed[t.ID] = t.Seen(o)
	return nil
}

// follow finds where an issue was moved to. GitLab makes a new issue with the
// old one's description and closes the old one.
func (l *looking) follow(ctx context.Context, t issue.Tracked, o issue.Observed) error {
	there, err := l.Tracker.Search(ctx, t.Nonce)
	if err != nil {
		return err
	}
	for _, moved := range there {
		if moved.ID == o.MovedToID {
			l.changed[t.ID] = t.Seen(moved)
			return nil
		}
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
			continue
		}
		t.Phase = issue.Dropped
		t.Trouble = "its create went unanswered, and the issue never appeared"
		l.changed[t.ID] = t
		l.Dropped++
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
