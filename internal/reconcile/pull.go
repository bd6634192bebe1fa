package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/source"
)

// Intake is where pulled findings go.
type Intake interface {
	// Ingest opens one transaction, hands its door to fill, and keeps all of it
	// or, when fill fails, nothing.
	Ingest(ctx context.Context, p finding.Pull, fill func(rule.Intake) (finding.Pull, error)) (finding.Pull, error)
}

// Rules say which issues a finding belongs to. There is one assignment at least.
type Rules interface {
	Assign(*finding.Finding) []rule.Assignment
}

// Puller takes findings in. It needs no integration.
type Puller struct {
	Intake   Intake
	Rules    Rules // optional: the built-in ones
	Revision int64 // of the rules; 0: the built-in ones
	Proof    int   // complete snapshots in a row that prove absence; at least 1
	Clock    func() time.Time
}

// Delivery is what a Puller is asked to take in.
type Delivery struct {
	Type    source.Type
	Scope   string // "" is "default"
	Inputs  []source.Input
	At      time.Time // when it was received; zero: now
	Options source.Options
}

// Pull reads a delivery and keeps it whole, or nothing of it. Skipped records
// are in the summary. A snapshot that shares no account with what its scope held
// before is refused, since it would prove everything of the scope absent.
func (p Puller) Pull(ctx context.Context, d Delivery) (finding.Pull, source.Summary, error) {
	if d.Scope == "" {
		d.Scope = "default"
	}
	head := finding.Pull{Source: string(d.Type), Scope: d.Scope, ReceivedAt: p.Clock().UTC()}
	if !d.At.IsZero() {
		head.ReceivedAt = d.At
	}
	for _, in := range d.Inputs {
		head.Files = append(head.Files, in.Name)
	}
	d.Options.Now = head.ReceivedAt
	done, summary, err := p.keep(ctx, head, d.Type.Delivery(), func(take func(*finding.Finding) error) (source.Summary, error) {
		return source.Read(d.Type, d.Inputs, d.Options, take)
	})
	if err != nil {
		return head, summary, fmt.Errorf("taking in %s: nothing was stored: %w", d.Type, err)
	}
	return done, summary, nil
}

// keep takes in what read yields.
func (p Puller) keep(ctx context.Context, head finding.Pull, delivery source.Delivery, read reading) (finding.Pull, source.Summary, error) {
	var summary source.Summary
	done, err := p.Intake.Ingest(ctx, head, func(door rule.Intake) (finding.Pull, error) {
		in := intake{Puller: p, door: door, pull: head, accounts: map[string]bool{}}
		var err error
		if summary, err = read.ahead(in.take); err != nil {
			return head, refused(err)
		}
		in.pull.Complete, in.pull.Reasons, in.pull.Skipped = summary.Complete, summary.Reasons, len(summary.Skipped)
		if delivery == source.Snapshots {
			if err := in.absences(summary); err != nil {
				return head, refused(err)
			}
		}
		return in.count(), nil
	})
	if claim := (*rule.ClaimError)(nil); errors.As(err, &claim) {
		return done, summary, &RefusedError{claim}
	}
	return done, summary, err
}

// RefusedError says that a delivery itself is at fault: it will be refused again.
type RefusedError struct{ err error }

// Error says what is wrong with it.
func (r *RefusedError) Error() string { return r.err.Error() }

// Unwrap is the error underneath.
func (r *RefusedError) Unwrap() error { return r.err }

// Refused says that a delivery itself is at fault.
func Refused(err error) error { return &RefusedError{err} }

// refused is an error of what was delivered, unless it is one of the store.
func refused(err error) error {
	if own := (*ownError)(nil); errors.As(err, &own) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &RefusedError{err}
}

// kept marks an error of the store.
func kept(err error) error {
	if err == nil {
		return nil
	}
	return &ownError{err}
}

// intake is one pull in the making.
type intake struct {
	Puller
	door     rule.Intake
	pull     finding.Pull
	accounts map[string]bool
}

// take takes one finding in. A key that comes again replaces what came before.
func (in *intake) take(f *finding.Finding) error {
	if f.SubAccountID != "" && !in.accounts[f.SubAccountID] {
		in.accounts[f.SubAccountID] = true
	}
	at, err := in.find(f)
	if err != nil {
		return err
	}
	if f.Detection == finding.Absent {
		return in.resolved(f.FindingKey, at)
	}
	was, known := at.Last()
	now := finding.Sighting{Detection: f.Detection, Digest: f.Digest()}
	if !known || was.Detection != now.Detection {
		now.Since = in.pull.ReceivedAt
	}
	in.door.Known.Call(at, now)
	if known && was == now {
		return nil
	}
	return kept(in.door.Put(rule.Place(f, now, in.assign(f), in.Revision)))
}

func (p Puller) assign(f *finding.Finding) []rule.Assignment {
	if p.Rules == nil {
		return rule.Set{}.Assign(f)
	}
	return p.Rules.Assign(f)
}

// find is where a finding stands on the roll. One that is stored under a key of
// an earlier definition moves to its key, and is the same finding from then on.
func (in *intake) find(f *finding.Finding) (finding.Spot, error) {
	at, err := in.door.Known.Find(f.FindingKey)
	if err != nil {
		return at, err
	}
	if _, known := at.Last(); known {
		return at, nil
	}
	for _, former := range f.FormerKeys {
		if moved, err := in.door.Rekey(former, f.FindingKey); err != nil {
			return at, err
		} else if moved {
			return in.door.Known.Find(f.FindingKey)
		}
	}
	return at, nil
}

// resolved takes in that a source says a finding is gone. What the finding said
// is kept, since a source says less of what it closes; one that was never known
// is nothing to speak of.
func (in *intake) resolved(key finding.Key, at finding.Spot) error {
	was, known := at.Last()
	now := was
	if known && was.Detection != finding.Absent {
		now.Detection, now.Absences, now.Since = finding.Absent, 0, in.pull.ReceivedAt
	}
	if !known {
		now.Detection = finding.Absent
	}
	in.door.Known.Call(at, now)
	if !known || now == was {
		return nil
	}
	return kept(in.door.Miss(key, now))
}

// absences looks at what the scope held and the snapshot did not contain.
func (in *intake) absences(s source.Summary) error {
	provable, why := finding.Provable(s.Complete, s.Findings)
	if !provable {
		in.pull.Reasons = append(in.pull.Reasons, "absence was not counted: "+why)
	} else if err := in.foreign(); err != nil {
		return err
	}
	for key, was := range in.door.Known.Missing() {
		now, _ := was.Miss(provable, in.Proof, in.pull.ReceivedAt)
		if now == was {
			continue
		}
		if now.Detection == finding.Absent {
			in.pull.Absent++
		} else {
			in.pull.Missing++
		}
		if err := kept(in.door.Miss(key, now)); err != nil {
			return err
		}
	}
	return nil
}

// foreign refuses a snapshot of other accounts than its scope is about.
func (in *intake) foreign() error {
	if len(in.accounts) == 0 || len(in.door.Accounts) == 0 {
		return nil
	}
	for account := range in.accounts {
		if in.door.Accounts[account] {
			return nil
		}
	}
	return fmt.Errorf("field accountId: this snapshot covers %s, but scope %q has held %s until now: give each part of the world its own --scope, or everything here would count as gone",
		list(in.accounts), in.pull.Scope, list(in.door.Accounts))
}

func list(names map[string]bool) string {
	sorted := slices.Sorted(maps.Keys(names))
	if len(sorted) > 3 {
		sorted = append(sorted[:3], fmt.Sprintf("%d more", len(names)-3))
	}
	return strings.Join(sorted, ", ")
}

// count sums up what was taken in.
func (in *intake) count() finding.Pull {
	added, changed, unchanged, resolved := in.door.Known.Tally()
	in.pull.New, in.pull.Changed, in.pull.Unchanged = added, changed, unchanged
	in.pull.Absent += resolved
	return in.pull
}
