package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"cxm/internal/chaos/gate"
	"cxm/internal/chaos/oracle"
	"cxm/internal/gitlab/rest"
	"cxm/internal/sandbox"
	"cxm/internal/source"
)

// verdict is what the sandbox's own record says of what cxm did.
type verdict struct {
	Seed    uint64
	Checks  map[string]int // what was compared, how often
	Tally   map[string]int // what happened
	Wrong   []string       // what is not as it must be
	Elapsed time.Duration
}

// calm is how many quiet rounds there are at the most.
const calm = 12

// rest ends all trouble and lets cxm run until it has nothing left to do.
func (d *driver) rest(ctx context.Context) error {
	if d.tally["role lost"] > d.tally["role given back"] {
		if err := d.join("platform"); err != nil {
			return err
		}
	}
	if d.tally["project archived"] > d.tally["project unarchived"] {
		if err := d.admin("POST", "/projects/acme%2Fplatform/unarchive", nil, nil); err != nil {
			return err
		}
	}
	d.tally["creates carried out after their sender had given up"] += d.gate.Release()
	d.scan()
	for n := range calm {
		if done, err := d.quiet(ctx, n); err != nil || done {
			return err
		}
	}
	d.fail("cxm does not come to rest: after %d quiet rounds there is still something to do", calm)
	return nil
}

// quiet is one round without trouble; done says that the last two had nothing
// to do, and wrote nothing.
func (d *driver) quiet(ctx context.Context, n int) (done bool, err error) {
	d.begin(24 * time.Hour)
	for scope := range oracle.Scopes {
		d.pending = append(d.pending, oracle.Snapshot(d.subjects, scope, d.Days+n))
	}
	for _, each := range []struct {
		kinds []oracle.Kind
		typ   source.Type
	}{{[]oracle.Kind{oracle.Alert}, source.Alertmanager}, {[]oracle.Kind{oracle.Event, oracle.Volume}, source.CloudEvents}} {
		if r := d.standing(n, each.kinds, each.typ); len(r.Listed)+len(r.Resolved) > 0 {
			d.pending = append(d.pending, r)
		}
	}
	o := order{
		Name: fmt.Sprintf("quiet.%d", n), DataDir: d.dir, Database: d.Database, Ahead: d.ahead, Apply: true, Patience: 2 * time.Minute,
		Limits: rest.Limits{Requests: -1, Creates: -1, Notes: -1, Searches: -1}, Workers: 8,
	}
	d.last = outcome{Steps: -1}
	d.child(ctx, o, d.pending)
	d.gate.Wait()
	d.scan()
	for _, r := range d.pending {
		if !r.Delivered {
			return false, fmt.Errorf("a delivery was not taken in though nothing stood in its way")
		}
	}
	d.pending = nil
	writes := 0
	for _, c := range d.gate.Of(o.Name) {
		if c.Writes {
			writes++
		}
	}
	if d.last.Steps == 0 && writes > 0 {
		d.fail("a run without steps sent %d writes", writes)
	}
	return n >= 3 && d.last.Steps == 0 && d.last.Whole, nil
}

// standing is the state of everything that comes as events, said again.
func (d *driver) standing(n int, kinds []oracle.Kind, typ source.Type) *oracle.Report {
	about := map[*oracle.Member]*oracle.Subject{}
	var order []*oracle.Member
	for _, s := range d.subjects {
		for i, m := range s.Members {
			if slices.Contains(kinds, s.Kind) && (s.Kind != oracle.Volume || i == 1) && (m.Sent || m.On) {
				about[m], order = s, append(order, m)
			}
		}
	}
	return oracle.News(d.Days+n, typ, about, order)
}

// judge compares the sandbox's record with what must be.
func (d *driver) judge() verdict {
	j := judging{driver: d, checks: map[string]int{}, now: map[int64]sandbox.IssueRecord{}, of: map[*oracle.Subject][]*kept{}}
	for _, r := range d.gitlab.Issues() {
		j.now[r.ID] = r
	}
	for _, id := range slices.Sorted(maps.Keys(d.issues)) {
		k := d.issues[id]
		j.of[k.subject] = append(j.of[k.subject], k)
		if r, there := j.now[id]; there {
			j.history(k, r)
			j.texts(k, r)
		}
	}
	for _, s := range d.subjects {
		j.standing(s)
	}
	j.identities()
	j.copies()
	j.actions()
	j.limits()
	return verdict{Seed: d.Seed, Checks: j.checks, Tally: d.tally, Wrong: d.wrong, Elapsed: time.Since(d.began)}
}

// judging is a verdict in the making.
type judging struct {
	*driver
	checks map[string]int
	now    map[int64]sandbox.IssueRecord
	of     map[*oracle.Subject][]*kept
}

// story is what the record says of an issue.
func (j *judging) story(k *kept) string {
	r := j.now[k.id]
	var b strings.Builder
	fmt.Fprintf(&b, "%s#%d about %s (%s)", r.Project, r.IID, k.subject.Token, r.State)
	for _, s := range r.States {
		fmt.Fprintf(&b, ", %s by %s in round %d", s.Action, s.User, j.round(s.At))
	}
	return b.String()
}

// round is the round that a moment lies in.
func (j *judging) round(at time.Time) int {
	n, _ := slices.BinarySearchFunc(j.starts, at, time.Time.Compare)
	return n - 1
}

// last is who changed the state of an issue last; "": nobody did.
func last(r sandbox.IssueRecord) string {
	if len(r.States) == 0 {
		return ""
	}
	return r.States[len(r.States)-1].User
}

// standing compares one subject's issues with whether it is there. Out of sight
// is what people deleted, moved to where the bot is nobody, or moved without the
// block by which it would be known again. An issue whose block is gone does not
// count as a second one: people may have removed it before cxm, whose create went
// unanswered, could find it.
func (j *judging) standing(s *oracle.Subject) {
	var live, open, unasked, decided, unseen []*kept
	for _, k := range j.of[s] {
		r, there := j.now[k.id]
		switch {
		case k.deleted || k.hidden || k.theirs && k.moved:
			unseen = append(unseen, k)
		case !there || r.MovedToID != 0:
			continue
		}
		if !there {
			continue
		}
		live = append(live, k)
		if r.State == "opened" {
			if open = append(open, k); !j.asked(k) && !k.theirs {
				unasked = append(unasked, k)
			}
		} else if j.by(r) {
			decided = append(decided, k)
		}
	}
	j.checks["groups with at most one open issue"]++
	if len(open) > 1 && len(unasked) > 1 {
		j.fail("%d issues are open for one group: %s", len(open), j.stories(open))
	}
	is := s.Now()
	switch {
	case is.Present && is.Absent:
		j.fail("%s: the oracle does not know at the end whether it is there", s.Token)
	case is.Present && len(open) == 0:
		j.checks["present groups without an open issue"]++
		j.missing(s, decided, unseen, live)
	case is.Present:
		j.checks["present groups with an open issue"]++
		j.upToDate(s, open)
	case len(open) > 0:
		j.checks["absent groups with an open issue"]++
		for _, k := range open {
			if !slices.Contains(unseen, k) && !j.asked(k) {
				j.fail("it is gone and its issue is open: %s", j.story(k))
			}
		}
	default:
		j.checks["absent groups without an open issue"]++
	}
}

// by says that a person changed the issue's state last.
func (j *judging) by(r sandbox.IssueRecord) bool { return last(r) != "" && last(r) != botName }

// asked says that an issue is open because a person wanted it so.
func (j *judging) asked(k *kept) bool {
	r := j.now[k.id]
	return j.by(r) || k.reopened && len(r.States) == 0
}

func (j *judging) stories(all []*kept) string {
	var out []string
	for _, k := range all {
		out = append(out, j.story(k))
	}
	return strings.Join(out, "; ")
}

// missing finds the reason why a group that is there has no open issue.
func (j *judging) missing(s *oracle.Subject, decided, unseen, live []*kept) {
	switch {
	case len(unseen) > 0:
		j.checks["held, since people deleted or hid the issue"]++
	case len(decided) > 0:
		k := decided[len(decided)-1]
		shown, readable := k.says(j.now[k.id].Description)
		if readable && grown(shown, j.most(s)) {
			j.fail("a person closed it, but it grew from %+v to %+v and is not open: %s", shown, j.most(s), j.story(k))
		}
	default:
		j.fail("%s is there and no issue is open: %s", s.Token, j.stories(live))
	}
}

// most is what the subject's present members say now.
func (j *judging) most(s *oracle.Subject) oracle.Claim {
	var c oracle.Claim
	for _, m := range s.Members {
		if m.Present {
			c.Cents, c.Severe = max(c.Cents, m.Cents), c.Severe || m.Severe
		}
	}
	return s.Visible(c)
}

// grown says that a person's decision may be taken up again.
func grown(was, is oracle.Claim) bool {
	return is.Cents >= 2*was.Cents && was.Cents > 0 || is.Severe && !was.Severe && was.Cents == 0
}

// upToDate holds an open issue to the amount that is reported: within 10 % and
// within one unit it may be the old one.
func (j *judging) upToDate(s *oracle.Subject, open []*kept) {
	if len(open) > 1 || open[0].hidden || open[0].edited || s.Kind != oracle.Volume {
		return
	}
	shown, readable := open[0].says(j.now[open[0].id].Description)
	if !readable {
		return
	}
	j.checks["open issues that show the amount reported"]++
	is := j.most(s).Cents
	if moved := max(is-shown.Cents, shown.Cents-is); moved >= 100 && moved*10 >= shown.Cents {
		j.fail("it shows %s and %s is reported: %s", oracle.Dollars(shown.Cents), oracle.Dollars(is), j.story(open[0]))
	}
}

// history holds every change of state that cxm made to its reasons.
func (j *judging) history(k *kept, r sandbox.IssueRecord) {
	for i, s := range r.States {
		if s.User != botName {
			continue
		}
		j.checks["issues closed or reopened by cxm"]++
		at, before := j.round(s.At), sandbox.StateChange{User: botName}
		if i > 0 {
			before = r.States[i-1]
		}
		since := j.round(before.At)
		switch believed := k.subject.Between(at, at); {
		case s.Action == "closed" && !believed.Absent && j.beside(k, s.At):
			j.checks["duplicates closed"]++
		case s.Action == "closed" && !believed.Absent:
			j.fail("closed in round %d though it was never missing: %s", at, j.story(k))
		case s.Action == "closed" && before.User != botName && i > 1 && r.States[i-2].User == botName && !k.subject.Between(since, at).Present:
			j.fail("closed in round %d although a person had reopened it when it was gone: %s", at, j.story(k))
		case s.Action == "reopened" && !believed.Present:
			j.fail("reopened in round %d though it was gone: %s", at, j.story(k))
		case s.Action == "reopened" && before.User != botName:
			shown, readable := k.closed(since)
			if said := k.subject.Visible(k.subject.Between(since, at).Claim); readable && !grown(shown, said) {
				j.fail("reopened in round %d although a person had closed it at %+v and it did not grow (%+v): %s", at, shown, said, j.story(k))
			}
		}
	}
}

// beside says that another issue of the same group was open at that time.
func (j *judging) beside(k *kept, at time.Time) bool {
	for _, other := range j.issues {
		r, there := j.now[other.id]
		if other.subject != k.subject || other == k || !there || r.CreatedAt.After(at) {
			continue
		}
		open := true
		for _, s := range r.States {
			if s.At.Before(at) {
				open = s.Action == "reopened"
			}
		}
		if open {
			return true
		}
	}
	return false
}

// texts holds what people wrote to what is there.
func (j *judging) texts(k *kept, r sandbox.IssueRecord) {
	if r.MovedToID != 0 {
		return
	}
	before, _, after, found := k.cut(r.Description)
	switch {
	case k.theirs:
		j.checks["descriptions that are people's, byte for byte"]++
		if r.Description != k.whole {
			j.fail("the description was people's %q and is %q: %s", k.whole, r.Description, j.story(k))
		}
	case k.around:
		j.checks["texts around the block, byte for byte"]++
		if !found || before != k.before || after != k.after {
			j.fail("people wrote %q and %q around the block; found %v %q and %q: %s", k.before, k.after, found, before, after, j.story(k))
		}
	case found && before+after != "":
		j.fail("cxm wrote outside its block: %q, %q: %s", before, after, j.story(k))
	}
	if k.title != "" {
		j.checks["titles of people"]++
		if r.Title != k.title {
			j.fail("a person called it %q and it is called %q: %s", k.title, r.Title, j.story(k))
		}
	}
	for _, label := range k.added {
		j.checks["labels of people"]++
		if !slices.Contains(r.Labels, label) {
			j.fail("a person's label %q is gone: %s", label, j.story(k))
		}
	}
	for _, label := range k.removed {
		j.checks["labels that people removed"]++
		if slices.Contains(r.Labels, label) {
			j.fail("the label %q is back though a person removed it: %s", label, j.story(k))
		}
	}
}

// identities holds group keys to subjects, one to one.
func (j *judging) identities() {
	groups, subjects := map[string]*oracle.Subject{}, map[*oracle.Subject]string{}
	for _, k := range j.issues {
		at := marker.FindAllStringSubmatch(j.now[k.id].Description, -1)
		for _, each := range at {
			if each[3] != k.nonce {
				continue
			}
			j.checks["markers that name their group"]++
			if was := groups[each[2]]; was != nil && was != k.subject {
				j.fail("the group %s is about %s and about %s", each[2], was.Token, k.subject.Token)
			}
			if was := subjects[k.subject]; was != "" && was != each[2] {
				j.fail("%s has the groups %s and %s", k.subject.Token, was, each[2])
			}
			groups[each[2]], subjects[k.subject] = k.subject, each[2]
		}
	}
}

// copies holds what people cloned to being left alone.
func (j *judging) copies() {
	for id, was := range j.clones {
		j.checks["clones left alone"]++
		is, there := j.now[id]
		if !there || is.Title != was.Title || is.Description != was.Description || len(is.States) != 0 || !slices.Equal(is.Labels, was.Labels) {
			j.fail("a person's clone %s#%d of an issue was changed", was.Project, was.IID)
		}
	}
}

// actions holds what findings say to being text.
func (j *judging) actions() {
	for _, a := range j.gitlab.QuickActions() {
		j.checks["quick actions, all of people"]++
		if a.User == botName {
			j.fail("%s#%d: GitLab ran %q in the name of cxm", a.Project, a.IssueIID, a.Command)
		}
	}
	for _, m := range j.gitlab.Mentions() {
		if m.User == botName {
			j.fail("%s#%d: cxm mentioned @%s", m.Project, m.IssueIID, m.Username)
		}
	}
}

// limits holds every process to the limits it was given.
func (j *judging) limits() {
	var together []time.Time
	for name, o := range j.children {
		if o.Limits.Requests < 0 {
			continue
		}
		var all []time.Time
		creates := map[string][]time.Time{}
		for _, c := range j.gate.Of(name) {
			all = append(all, c.At)
			if c.Create != "" {
				creates[c.Create] = append(creates[c.Create], c.At)
			}
		}
		j.checks["processes within their limits"]++
		if n := gate.Busiest(all); n > o.Limits.Requests {
			j.fail("process %s sent %d requests within a minute, its limit is %d", name, n, o.Limits.Requests)
		}
		for path, at := range creates {
			if n := gate.Busiest(at); n > o.Limits.Creates {
				j.fail("process %s sent %d creates to %s within a minute, its limit is %d", name, n, path, o.Limits.Creates)
			}
		}
		together = append(together, all...)
	}
	j.account(together)
	for _, c := range j.gate.All() {
		j.tally["calls"]++
		if c.Create != "" {
			j.tally["creates sent"]++
		}
	}
	j.tally["issues of cxm"] = len(j.issues)
}

// account compares what all processes sent with what their account may send.
// They keep to it together where they share a database server; each alone else.
func (j *judging) account(sent []time.Time) {
	n := gate.Busiest(sent)
	j.tally["most requests in a minute"] = n
	if j.Database == "" {
		return
	}
	j.checks["accounts within their limits"]++
	if n > j.perMinute() {
		j.fail("the processes sent %d requests within a minute together, the limit of their account is %d", n, j.perMinute())
	}
}

// print shows the verdict to a person.
func (v verdict) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "seed\t%d\ntook\t%s\n\nwhat happened\n", v.Seed, v.Elapsed.Round(time.Second))
	for _, name := range slices.Sorted(maps.Keys(v.Tally)) {
		fmt.Fprintf(t, "  %s\t%d\n", name, v.Tally[name])
	}
	fmt.Fprint(t, "\nwhat was compared\n")
	for _, name := range slices.Sorted(maps.Keys(v.Checks)) {
		fmt.Fprintf(t, "  %s\t%d\n", name, v.Checks[name])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, wrong := range v.Wrong {
		if _, err := fmt.Fprintln(w, "WRONG:", wrong); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d things are not as they must be\n", len(v.Wrong))
	return err
}
