package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// FaultKind is what somebody did to a log.
type FaultKind string

// The kinds of faults.
const (
	Altered   FaultKind = "changed"   // lines say something else than when they were written
	Removed   FaultKind = "removed"   // lines are gone
	Inserted  FaultKind = "inserted"  // lines were put in afterwards
	Reordered FaultKind = "reordered" // lines stand in the place of others
	CutOff    FaultKind = "cut off"   // lines at the end are gone
	Rewritten FaultKind = "rewritten" // lines hang together, and are not those that were signed
	BadProof  FaultKind = "signature" // an anchor, a seal or the head was changed, removed or made by somebody else
)

// Fault is one thing that is wrong with a log: with the lines From to To.
type Fault struct {
	Kind FaultKind `json:"kind"`
	From int64     `json:"from"`
	To   int64     `json:"to"`
	Text string    `json:"text"`
}

// Report is what a check found.
type Report struct {
	Lines      int64    `json:"lines"`      // that were checked
	First      int64    `json:"first"`      // sequence of the first of them
	Last       int64    `json:"last"`       // and of the last
	Hash       string   `json:"hash"`       // of the last
	Anchors    int      `json:"anchors"`    // that were checked
	Anchored   int64    `json:"anchored"`   // up to here the lines are proved by a signature
	Unanchored int64    `json:"unanchored"` // lines behind the last anchor: the chain alone holds them
	Sealed     int64    `json:"sealed"`     // up to here retention removed lines
	Faults     []Fault  `json:"faults"`
	Remarks    []string `json:"remarks"` // what could not be proved
}

// Known is a head that was kept elsewhere than in the database, and where.
type Known struct {
	Head
	Where string
}

// Log is all of a tenant's log but its lines.
type Log struct {
	Tenant  string
	Head    Head // as the database has it
	Anchors []Anchor
	Seals   []Seal
	Keys    Keys
	Known   []Known
}

// Verifier checks a log, line by line.
type Verifier struct {
	log     Log
	known   map[int64][]Known
	anchors map[int64]Anchor
	want    int64 // the sequence that comes next
	before  Hash  // of the line before
	linked  bool  // the line before is known
	whole   bool  // the line before is as it was written
	good    int64 // up to here anchors agree
	last    Line
	moved   []moved
	faults  []Fault
	report  Report
}

// moved are lines that stand some places away from their own.
type moved struct{ from, to, by int64 }

// NewVerifier checks a log. Its lines are then given to Line, in the order of
// their sequences, and End says what was found.
func NewVerifier(log Log) *Verifier {
	v := &Verifier{log: log, known: map[int64][]Known{}, anchors: map[int64]Anchor{}, want: 1, linked: true, whole: true}
	v.report.First = 0
	v.seals()
	v.proofs()
	for _, k := range log.Known {
		v.known[k.Sequence] = append(v.known[k.Sequence], k)
	}
	return v
}

func (v *Verifier) fault(kind FaultKind, from, to int64, format string, args ...any) {
	v.faults = append(v.faults, Fault{Kind: kind, From: from, To: to, Text: fmt.Sprintf(format, args...)})
}

func (v *Verifier) remark(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(v.report.Remarks, text) {
		v.report.Remarks = append(v.report.Remarks, text)
	}
}

// seals checks what is left of lines that were removed, and begins behind them.
func (v *Verifier) seals() {
	for _, s := range v.log.Seals {
		switch {
		case s.Tenant != v.log.Tenant || !v.log.Keys.signed(s.Key, s.text(), s.Signature):
			v.fault(BadProof, s.From, s.To, "the seal over the lines %d to %d was changed, or not made by cxm", s.From, s.To)
		case s.From != v.want || s.To < s.From:
			v.fault(BadProof, v.want, s.From, "the seal over the lines %d to %d does not follow the one before, which ended with line %d: a seal was removed", s.From, s.To, v.want-1)
		}
		v.unproved(s.Key)
		v.want, v.before, v.good = s.To+1, s.Last, s.To
	}
	v.report.Sealed = v.want - 1
}

// proofs checks the signatures, and that none is missing between them.
func (v *Verifier) proofs() {
	last := int64(-1)
	for _, a := range v.log.Anchors {
		v.anchors[a.Sequence] = a
		v.unproved(a.Key)
		switch {
		case a.Tenant != v.log.Tenant || !v.log.Keys.signed(a.Key, a.text(), a.Signature):
			v.fault(BadProof, a.Sequence, a.Sequence, "the anchor over line %d was changed, or not made by cxm", a.Sequence)
			delete(v.anchors, a.Sequence)
		case last < 0 && a.Previous > v.report.Sealed, last >= 0 && a.Previous != last:
			v.fault(BadProof, a.Previous, a.Previous, "the anchor over line %d, which the one over line %d follows, was removed", a.Previous, a.Sequence)
		}
		last = a.Sequence
	}
	if last = max(last, 0); v.log.Head.Anchored != last && v.log.Head.Anchored > v.report.Sealed {
		v.fault(BadProof, v.log.Head.Anchored, v.log.Head.Anchored, "the last anchor is over line %d, and by the head of the log it is over line %d: anchors were removed, or the head was changed", last, v.log.Head.Anchored)
	}
	v.report.Anchors = len(v.log.Anchors)
}

// unproved remarks that a key is not known to be ours.
func (v *Verifier) unproved(key string) {
	if k, ok := v.log.Keys[key]; ok && !k.Proved {
		v.remark("The key %s, which signed some of it, cannot be opened any more: its signatures are checked with the public key in the database, which whoever can write there could have put in. Compare it with the one in an earlier export.", key)
	}
}

// Line checks the next line.
func (v *Verifier) Line(l Line) {
	v.report.Lines++
	if v.report.First == 0 {
		v.report.First = l.Sequence
	}
	if l.Sequence < v.want {
		v.fault(Inserted, l.Sequence, l.Sequence, "line %d was inserted: it stands where lines were sealed or removed, or before the first", l.Sequence)
		return
	}
	if l.Sequence > v.want {
		v.fault(Removed, v.want, l.Sequence-1, "%s removed", lines(v.want, l.Sequence-1))
		v.linked = false
	}
	v.check(l)
	v.compare(l)
	v.want, v.before, v.linked, v.last = l.Sequence+1, l.Hash, true, l
}

// check looks at the line itself, and at its link to the one before.
func (v *Verifier) check(l Line) {
	if !v.sound(l) {
		if by := v.away(l); by != 0 {
			v.shift(l.Sequence, by)
		} else {
			v.fault(Altered, l.Sequence, l.Sequence, "line %d was changed", l.Sequence)
		}
		v.whole = false
		return
	}
	if v.linked && l.Previous != v.before && v.whole {
		v.fault(Altered, max(l.Sequence-1, 1), l.Sequence, "line %d does not follow the one before it: line %d or line %d was put in the place of another", l.Sequence, l.Sequence-1, l.Sequence)
	}
	v.whole = true
}

// sound says that a line has its hash, and the form that cxm writes.
func (v *Verifier) sound(l Line) bool {
	if l.Tenant != v.log.Tenant || !l.Before.canonicalText() || !l.After.canonicalText() {
		return false
	}
	sum, err := l.Sum()
	return err == nil && sum == l.Hash
}

// farthest is how many places away from its own a line is looked for.
const farthest = 16

// away is how many places a line stands away from its own; 0: it is none that was
// written.
func (v *Verifier) away(l Line) int64 {
	at := l.Sequence
	for by := int64(1); by <= farthest; by++ {
		for _, sign := range []int64{1, -1} {
			l.Sequence = at - sign*by
			if v.sound(l) {
				return sign * by
			}
		}
	}
	return 0
}

func (v *Verifier) shift(at, by int64) {
	if n := len(v.moved); n > 0 && v.moved[n-1].to == at-1 && v.moved[n-1].by == by {
		v.moved[n-1].to = at
		return
	}
	v.moved = append(v.moved, moved{at, at, by})
}

// compare holds a line to what was signed of it, and kept elsewhere.
func (v *Verifier) compare(l Line) {
	if a, ok := v.anchors[l.Sequence]; ok {
		if a.Hash == l.Hash {
			v.good = l.Sequence
		} else {
			v.fault(Rewritten, v.good+1, l.Sequence, "the signature over line %d is of another line: somewhere in the lines %d to %d something was changed, removed or inserted, and the hashes behind it made anew", l.Sequence, v.good+1, l.Sequence)
		}
	}
	for _, k := range v.known[l.Sequence] {
		if k.Hash != l.Hash {
			v.fault(Rewritten, v.good+1, l.Sequence, "line %d is another than %s says: the log was rewritten since, or a backup was restored", l.Sequence, k.Where)
		}
	}
}

// End says what was found.
func (v *Verifier) End() Report {
	v.displaced()
	v.tail()
	r := v.report
	r.Last, r.Anchored = v.want-1, max(v.good, r.Sealed)
	if r.Lines > 0 {
		r.Hash = v.last.Hash.String()
	}
	r.Unanchored = max(0, r.Last-r.Anchored)
	if r.Unanchored > 2*Every {
		v.remark("No signature stands over the last %d lines, although one is made every %d: the key could not be opened when they were written, or signatures were removed.", r.Unanchored, Every)
	}
	r.Remarks = v.report.Remarks
	r.Faults = merged(v.named())
	return r
}

// tail holds the end of the log to all that knows where it was.
func (v *Verifier) tail() {
	last := v.want - 1
	h := v.log.Head
	switch {
	case h.Sequence == last && (h.Hash == v.before || last == 0):
	case h.Sequence > last:
		v.fault(CutOff, last+1, h.Sequence, "%s cut off at the end: the log's head is line %d", lines(last+1, h.Sequence), h.Sequence)
	case h.Sequence < last:
		v.fault(Inserted, h.Sequence+1, last, "%s inserted at the end: the log's head is line %d", lines(h.Sequence+1, last), h.Sequence)
	default:
		v.fault(BadProof, last, last, "the hash of the last line, %d, is another than that of the log's head: one of the two was changed", last)
	}
	for _, seq := range slices.Sorted(maps.Keys(v.anchors)) {
		if seq > last {
			v.fault(CutOff, last+1, seq, "%s cut off at the end: line %d was signed", lines(last+1, seq), seq)
		}
	}
	for _, seq := range slices.Sorted(maps.Keys(v.known)) {
		if seq > last {
			v.fault(CutOff, last+1, seq, "%s cut off at the end, or a backup was restored: %s knows line %d", lines(last+1, seq), v.known[seq][0].Where, seq)
		}
	}
}

// displaced says why lines stand some places away from their own.
func (v *Verifier) displaced() {
	for _, m := range v.moved {
		switch {
		case m.to == v.want-1 && m.by > 0:
			v.fault(Inserted, m.from-m.by, m.from-1, "%s inserted, and those behind were given other numbers", lines(m.from-m.by, m.from-1))
		case m.to == v.want-1:
			v.fault(Removed, m.from, m.from-m.by-1, "%s removed, and those behind were given other numbers", lines(m.from, m.from-m.by-1))
		default:
			v.fault(Reordered, m.from, m.to, "%s, which belong %d places %s", strings.Replace(lines(m.from, m.to), " were", " hold others", 1), max(m.by, -m.by), map[bool]string{true: "before", false: "behind"}[m.by > 0])
		}
	}
}

// named leaves out what says no more than another fault says better: of a rewritten
// stretch in which a line is named, or of an inserted line that it was changed.
func (v *Verifier) named() []Fault {
	within := func(f Fault, kinds ...FaultKind) bool {
		return slices.ContainsFunc(v.faults, func(o Fault) bool { return slices.Contains(kinds, o.Kind) && o.From <= f.To && o.To >= f.From })
	}
	var out []Fault
	for _, f := range v.faults {
		switch {
		case f.Kind == Rewritten && within(f, Altered, Removed, Inserted, Reordered):
		case f.Kind == Altered && within(f, Inserted, Reordered):
		default:
			out = append(out, f)
		}
	}
	return out
}

// merged joins faults of one kind that follow each other.
func merged(faults []Fault) []Fault {
	slices.SortStableFunc(faults, func(a, b Fault) int { return int(a.From - b.From) })
	out := []Fault{}
	for _, f := range faults {
		n := len(out)
		if n > 0 && out[n-1].Kind == Altered && f.Kind == Altered && f.From == f.To && out[n-1].To == f.From-1 {
			out[n-1].To = f.To
			out[n-1].Text = fmt.Sprintf("%s changed", lines(out[n-1].From, f.To))
			continue
		}
		out = append(out, f)
	}
	return out
}

// lines is "line 7 was" or "the lines 7 to 9 were".
func lines(from, to int64) string {
	if from == to {
		return fmt.Sprintf("line %d was", from)
	}
	return fmt.Sprintf("the lines %d to %d were", from, to)
}
