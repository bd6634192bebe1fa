package evidence

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"cxm/internal/finding"
	"cxm/internal/gitlab"
	"cxm/internal/integration"
	"cxm/internal/rule/owner"
	"cxm/internal/store/db"
	"cxm/internal/store/declared"
)

// Witness says what the code behind findings says of their owners, as one
// integration sees it. It is safe for concurrent use; one asks GitLab at a time.
type Witness struct {
	in    integration.Integration
	kept  *declared.Store
	clock func() time.Time

	turn sync.Mutex // held while GitLab is asked
	ask  *asking    // guarded by turn

	mu        sync.Mutex
	seen      map[declared.Subject]memory // guarded by mu
	stateless time.Time                   // when there was no state; guarded by mu
}

// memory is what a process remembers of a subject for a moment.
type memory struct {
	said   said
	wanted bool // it waits to be asked
	until  time.Time
}

func newWitness(in integration.Integration, kept *declared.Store, clock func() time.Time) *Witness {
	return &Witness{in: in, kept: kept, clock: clock, seen: map[declared.Subject]memory{}, ask: &asking{clock: clock, known: map[string]repository{}}}
}

// by has it ask through another client.
func (w *Witness) by(client *gitlab.Client) {
	w.turn.Lock()
	defer w.turn.Unlock()
	w.ask.through(client)
}

// Gather adds what code says to what a finding says itself: where it is, and with
// owners whom CODEOWNERS and the commits of its file name. Prefix is Yor's. Unused is
// what could not be made use of, and why; pending says that GitLab is still to be
// asked.
func (w *Witness) Gather(ctx context.Context, f *finding.Finding, prefix string, owners bool) (e owner.Evidence, unused []string, pending bool) {
	e = owner.Of(f)
	p, why, err := w.locate(ctx, f, prefix)
	e.Place = p.Place
	if err != nil {
		return e, []string{err.Error()}, true
	}
	if why != "" {
		unused = append(unused, why)
	}
	if p.Repository == "" {
		return e, unused, false
	}
	repository, elsewhere := w.here(p)
	if elsewhere != "" {
		return e, append(unused, elsewhere), false
	}
	if p.folder != "" {
		why, waits := w.declaredIn(ctx, repository, p, &e.Place)
		unused, pending = note(unused, why), waits
	}
	if !owners || e.Place.File == "" {
		return e, unused, pending
	}
	s, waits, err := w.say(ctx, declared.Subject{Integration: w.in.ID, Repository: repository, Name: aFile + e.Place.File})
	e.CodeOwners, e.Authors = s.Owners, s.Authors
	for _, remark := range s.Remarks {
		unused = note(unused, remark)
	}
	return e, note(unused, w.trouble("CODEOWNERS and authors of "+p.Repository+"/"+e.Place.File, s, waits, err)), pending || waits
}

// The kinds of subjects.
const (
	aFile   = "file "
	aFolder = "folder "
)

func note(all []string, why string) []string {
	if why == "" {
		return all
	}
	return append(all, why)
}

// declaredIn looks for the file of a block in its folder.
func (w *Witness) declaredIn(ctx context.Context, repository string, p place, at *owner.Place) (why string, pending bool) {
	s, pending, err := w.say(ctx, declared.Subject{Integration: w.in.ID, Repository: repository, Name: aFolder + p.folder})
	folder := path.Join(p.Repository, p.folder)
	if b, there := s.Blocks[p.block]; there {
		at.File, at.Line = b.File, b.Line
	} else if s.known() && s.Trouble == "" {
		return fmt.Sprintf("the file of %s: no .tf file of %s declares it", p.Address, folder), pending
	}
	return w.trouble("the file of "+p.Address+" in "+folder, s, pending, err), pending
}

// trouble is why nothing, or what was said before, is known of a subject.
func (w *Witness) trouble(of string, s said, pending bool, err error) string {
	switch {
	case err != nil:
		return of + ": " + err.Error()
	case s.Trouble != "" && s.known():
		return fmt.Sprintf("%s: what was known on %s counts, since GitLab could not say it again: %s", of, s.At.Format(time.DateOnly), s.Trouble)
	case s.Trouble != "":
		return of + ": " + s.Trouble
	case pending:
		return of + ": GitLab is asked later"
	}
	return ""
}

// say is what GitLab said of a subject; what it was never asked is asked now, or
// noted to be asked later.
func (w *Witness) say(ctx context.Context, of declared.Subject) (s said, pending bool, err error) {
	now := w.clock()
	if m, ok := w.remember(of, now); ok {
		return m.said, m.wanted, nil
	}
	s, there, err := w.read(ctx, of, now)
	switch {
	case err != nil:
		return s, true, err
	case !there:
		s, err = w.first(ctx, of, now)
	}
	if err != nil {
		return s, true, err
	}
	pending = !s.known() && s.Trouble == ""
	w.keep(of, memory{s, pending, now.Add(remembered)})
	return s, pending, nil
}

func (w *Witness) remember(of declared.Subject, now time.Time) (memory, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, ok := w.seen[of]
	return m, ok && m.until.Sub(now).Abs() <= remembered && now.Before(m.until)
}

func (w *Witness) keep(of declared.Subject, m memory) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.seen) >= most {
		clear(w.seen)
	}
	w.seen[of] = m
}

// read is what is stored of a subject; it notes that somebody wants to know it.
func (w *Witness) read(ctx context.Context, of declared.Subject, now time.Time) (s said, there bool, err error) {
	e, there, err := w.kept.Evidence(ctx, of)
	if err != nil || !there {
		return s, false, err
	}
	if s, err = decoded(e); err != nil {
		return s, true, err
	}
	if now.Sub(e.Used) >= week {
		e.Used = now
		err = w.kept.Learn(ctx, false, e)
	}
	return s, true, err
}

func decoded(e declared.Evidence) (s said, err error) {
	if e.Said != "" {
		err = db.Decode(e.Said, &s, "evidence about code", e.Subject.Name)
	}
	return s, err
}

// first asks what was never asked.
func (w *Witness) first(ctx context.Context, of declared.Subject, now time.Time) (said, error) {
	w.turn.Lock()
	defer w.turn.Unlock()
	if s, there, err := w.read(ctx, of, now); err != nil || there { // another was faster
		return s, err
	}
	s, how := w.ask.about(ctx, of)
	if how != answered {
		return said{}, w.kept.Want(ctx, now, of)
	}
	e, err := encoded(of, s, now)
	if err != nil {
		return s, err
	}
	return s, w.kept.Learn(ctx, false, e)
}

// encoded is what is stored of an answer.
func encoded(of declared.Subject, s said, now time.Time) (declared.Evidence, error) {
	due := now.Add(again)
	if s.Trouble == "" {
		due = now.Add(fresh + spread(of))
	}
	text, err := db.Encode(s)
	return declared.Evidence{Subject: of, Said: text, Due: due, Used: now}, err
}

// spread keeps what was asked at once from being due at once: up to a day, for a
// subject always the same.
func spread(of declared.Subject) time.Duration {
	sum := uint32(2166136261)
	for _, c := range []byte(of.Repository + of.Name) {
		sum = (sum ^ uint32(c)) * 16777619
	}
	return time.Duration(sum%86400) * time.Second
}

// Refresh asks what is due, as far as the bound on calls reaches, and has every group
// looked at anew when somebody else turned out to own something.
func (w *Witness) Refresh(ctx context.Context) error {
	w.turn.Lock()
	defer w.turn.Unlock()
	now := w.clock()
	due, err := w.kept.Due(ctx, w.in.ID, now, calls)
	if err != nil {
		return err
	}
	var r renewal
	for _, e := range due {
		if now.Sub(e.Used) >= unused {
			r.dropped = append(r.dropped, e.Subject)
			continue
		}
		if on, err := w.renew(ctx, e, now, &r); err != nil || !on {
			return errors.Join(err, w.learn(ctx, r))
		}
	}
	return w.learn(ctx, r)
}

// renewal is what came of asking again.
type renewal struct {
	learned []declared.Evidence
	changed bool
	dropped []declared.Subject
}

func (w *Witness) learn(ctx context.Context, r renewal) error {
	if len(r.dropped) > 0 {
		if err := w.kept.Drop(ctx, r.dropped...); err != nil {
			return err
		}
	}
	if len(r.learned) == 0 {
		return nil
	}
	w.forget()
	return w.kept.Learn(ctx, r.changed, r.learned...)
}

func (w *Witness) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.seen)
}

// renew asks about a subject again, and says whether to go on with others. What GitLab
// stumbles at goes behind them.
func (w *Witness) renew(ctx context.Context, e declared.Evidence, now time.Time, r *renewal) (on bool, err error) {
	was, err := decoded(e)
	if err != nil {
		return false, err
	}
	answer, how := w.ask.about(ctx, e.Subject)
	switch how {
	case later:
		return false, nil
	case failed:
		e.Due = now.Add(opened)
		r.learned = append(r.learned, e)
		return false, nil
	}
	s, changed := after(was, answer)
	out, err := encoded(e.Subject, s, now)
	out.Used = e.Used
	r.learned, r.changed = append(r.learned, out), r.changed || changed
	return true, err
}

// split is a subject's kind and path.
func split(of declared.Subject) (kind, path string) {
	for _, kind := range []string{aFile, aFolder} {
		if rest, ok := strings.CutPrefix(of.Name, kind); ok {
			return kind, rest
		}
	}
	return "", of.Name
}
