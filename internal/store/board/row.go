package board

import (
	"hash/maphash"
	"math"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
)

// row is what is held of one finding: as little as lists need.
type row struct {
	id, scope int64
	group     uint64 // hash of the group's key
	digest    uint64 // hash of the digest of what it said when the rest was read
	observed  int64  // when its source last said it, in seconds since 1970
	money     amount
	search    string

	title, account, service, whose, rule int32 // whose it is by the rules
	resource                             int32
	currency, kind, detection            uint8
	absences                             uint8

	// What follows is found out anew for every snapshot.
	seen          int64
	issue         int64 // cxm's row of its issue; 0: none
	owner, source int32
	state         uint8 // in states
	gone          bool
}

// amount is a saving a month: in millionths, and what is less than that in parts of
// 10^18 of the unit.
type amount struct {
	micros, rest int64
	known        bool
	wide         bool // it does not fit: it is kept apart, exactly
}

// widest bounds what is summed up as numbers, so that the sum of a million of them
// is still one.
const widest = 1 << 43

// split makes an amount of a decimal.
func split(d decimal.NullDecimal) amount {
	if !d.Valid {
		return amount{micros: -1}
	}
	a := amount{known: true, wide: true}
	exponent := int(d.Decimal.Exponent())
	switch {
	case exponent < -18 || d.Decimal.NumDigits() > 18 || exponent > 12:
	case exponent >= -6:
		whole := d.Decimal.Shift(6).IntPart()
		if d.Decimal.NumDigits()+exponent < 12 && whole < widest {
			a.micros, a.wide = whole, false
		}
	default:
		power := int64(math.Pow10(-exponent - 6))
		digits := d.Decimal.CoefficientInt64()
		if digits/power < widest {
			a.micros, a.rest, a.wide = digits/power, digits%power*int64(math.Pow10(18+exponent)), false
		}
	}
	if a.wide {
		a.micros = d.Decimal.Shift(6).Truncate(0).IntPart()
		if d.Decimal.NumDigits()+exponent > 12 {
			a.micros = math.MaxInt64
		}
	}
	return a
}

// sum adds amounts of one currency up, exactly.
type sum struct {
	micros, rest int64
	wide         decimal.Decimal
	some         bool
}

func (s *sum) add(a amount, wide map[int64]decimal.Decimal, id int64) {
	s.some = true
	if a.wide {
		s.wide = s.wide.Add(wide[id])
		return
	}
	s.micros += a.micros
	if s.rest += a.rest; s.rest >= 1e12 {
		s.micros, s.rest = s.micros+1, s.rest-1e12
	}
}

func (s *sum) total() decimal.Decimal {
	return decimal.New(s.micros, -6).Add(decimal.New(s.rest, -18)).Add(s.wide)
}

// dict numbers texts. Numbers are never taken back, so that snapshots may share it.
type dict struct {
	names []string
	at    map[string]int32
}

func newDict(first ...string) *dict {
	d := &dict{at: map[string]int32{}}
	for _, name := range first {
		d.number(name)
	}
	return d
}

func (d *dict) number(name string) int32 {
	n, ok := d.at[name]
	if !ok {
		n = int32(len(d.names))
		d.names, d.at[name] = append(d.names, name), n
	}
	return n
}

// hasher makes numbers of texts that are compared and never shown. Nobody outside
// can know which texts it would take for one another.
type hasher struct{ seed maphash.Seed }

func (h hasher) text(text string) uint64  { return maphash.String(h.seed, text) }
func (h hasher) bytes(text []byte) uint64 { return maphash.Bytes(h.seed, text) }

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func moment(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// The kinds, detections, decisions and states of work that a row's numbers stand for.
func kinds() []finding.Kind { return []finding.Kind{finding.Cost, finding.System, finding.Custom} }

func detections() []finding.Detection {
	return []finding.Detection{present: finding.Present, absent: finding.Absent, 2: finding.Unknown}
}

func decisions() []finding.Decision {
	return []finding.Decision{finding.Undecided, finding.Accepted, finding.Snoozed, finding.Exception}
}

func works() []finding.Work {
	return []finding.Work{finding.NoWork, finding.IssueOpen, finding.MergeRequestOpen, finding.Merged, finding.ClosedByPerson}
}

// Some of these numbers.
const (
	present uint8 = 0
	absent  uint8 = 1
)

// place is where a value stands in a list; what is not in it stands first.
func place[T comparable](list []T, v T) uint8 {
	for i, each := range list {
		if each == v {
			return uint8(i)
		}
	}
	return 0
}

// code packs the axes of a state into a number, and axes unpacks it. How far the
// saving has become real is not known before it is measured.
func code(detection, decision, work uint8) uint8 { return detection<<5 | decision<<3 | work }

func axes(code uint8) finding.State {
	return finding.State{
		Detection: detections()[code>>5], Decision: decisions()[code>>3&3], Work: works()[code&7], Savings: finding.Estimated,
	}
}
