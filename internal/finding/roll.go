package finding

import (
	"encoding/hex"
	"fmt"
	"iter"
	"strings"

	"cxm/internal/table"
)

// Roll is what is remembered of the findings of one scope, and which of them a
// pull has called so far. Those that are not called when the pull is read to its
// end are missing from it.
//
// It is made for a million of them: some 60 bytes a finding, which the garbage
// collector passes by. When Detection took its value is not among what it
// remembers: a sighting that comes out of it has a zero Since.
type Roll struct {
	lines  *table.Table[identity, line]
	before map[uint32]line // by number: the lines that say something else than what was remembered, as they were
}

// identity is a key without its form.
type identity [32]byte

// line is what is known of one finding.
type line struct {
	digest Digest
	state  uint32 // detection, marks and absences, see the constants
}

// What line.state holds: the detection in two bits, marks, and above them the
// absences.
const (
	detected   = 0b11
	remembered = 1 << 2 // it was there before the pull
	called     = 1 << 3 // the pull names it
	altered    = 1 << 4 // what was remembered is in Roll.before
	struck     = 1 << 5 // renamed: it is under another key now
	marks      = remembered | called | altered | struck

	absencesFrom = 8
	maxAbsences  = 1<<(32-absencesFrom) - 1
)

// NewRoll is an empty roll.
func NewRoll() *Roll {
	return &Roll{lines: table.New[identity, line](), before: map[uint32]line{}}
}

// Remember puts a finding on the roll as it was before the pull. The error says
// that the key is none.
func (r *Roll) Remember(key Key, s Sighting) error {
	id, err := key.identity()
	if err != nil {
		return err
	}
	l, _ := r.lines.Enter(id)
	*l = s.line()
	l.state |= remembered
	return nil
}

// Spot is where a finding stands on a roll, until the next Rename.
type Spot struct {
	id     identity
	line   *line // nil: the roll does not know it
	number uint32
}

// Find is where a finding stands. The error says that the key is none.
func (r *Roll) Find(key Key) (Spot, error) {
	id, err := key.identity()
	if err != nil {
		return Spot{}, err
	}
	l, number := r.lines.Find(id)
	return Spot{id, l, number}, nil
}

// Last is the last that is known of a finding: what the pull said of it, else
// what was remembered.
func (s Spot) Last() (last Sighting, known bool) {
	if s.line == nil || s.line.state&(remembered|called) == 0 {
		return Sighting{}, false
	}
	return s.line.sighting(), true
}

// Call says that the pull names the finding at a spot, and what is known of it
// now. One that is called again replaces what was said before.
func (r *Roll) Call(at Spot, now Sighting) {
	l, number := at.line, at.number
	if l == nil {
		l, number = r.lines.Enter(at.id)
	}
	is := now.line()
	is.state |= l.state&marks | called
	if said := l.state &^ marks; l.state&(remembered|altered) == remembered && (l.digest != is.digest || said != is.state&^marks) {
		r.before[number] = *l
		is.state |= altered
	}
	*l = is
}

// Rename puts what is remembered under the key was under the key is, unless the
// pull has called the first or the roll knows the second. It says whether it did.
func (r *Roll) Rename(was, is Key) bool {
	from, err := r.Find(was)
	if err != nil || from.line == nil || from.line.state&(remembered|called) != remembered {
		return false
	}
	to, err := r.Find(is)
	if err != nil {
		return false
	}
	if _, known := to.Last(); known {
		return false
	}
	l, _ := r.lines.Enter(to.id)
	*l = *from.line
	from.line.state = struck
	return true
}

// Missing lists what was remembered and not called, in the order in which it was
// remembered. The roll must not change meanwhile.
func (r *Roll) Missing() iter.Seq2[Key, Sighting] {
	return func(yield func(Key, Sighting) bool) {
		for number := range uint32(r.lines.Len()) {
			id, l := r.lines.At(number)
			if l.state&(remembered|called) == remembered && !yield(id.key(), l.sighting()) {
				return
			}
		}
	}
}

// Tally counts what was called: findings that were not remembered, that say
// something else than what was remembered, that say the same, and that were
// present and are absent now. A finding that is absent and was not present
// counts nowhere.
func (r *Roll) Tally() (added, changed, unchanged, resolved int) {
	for number := range uint32(r.lines.Len()) {
		_, l := r.lines.At(number)
		was := *l
		if l.state&altered != 0 {
			was = r.before[number]
		}
		switch {
		case l.state&called == 0:
		case l.detection() == Absent:
			if l.state&remembered != 0 && was.detection() == Present {
				resolved++
			}
		case l.state&remembered == 0:
			added++
		case l.digest == was.digest && l.detection() == was.detection():
			unchanged++
		default:
			changed++
		}
	}
	return added, changed, unchanged, resolved
}

func (l *line) detection() Detection {
	switch l.state & detected {
	case 1:
		return Present
	case 2:
		return Absent
	}
	return Unknown
}

func (l *line) sighting() Sighting {
	return Sighting{Detection: l.detection(), Absences: int(l.state >> absencesFrom), Digest: l.digest}
}

func (s Sighting) line() line {
	l := line{digest: s.Digest, state: uint32(min(max(s.Absences, 0), maxAbsences)) << absencesFrom}
	switch s.Detection {
	case Present:
		l.state |= 1
	case Absent:
		l.state |= 2
	}
	return l
}

// identity is what stands behind a key's form.
func (k Key) identity() (id identity, err error) {
	hexed, ok := strings.CutPrefix(string(k), keyForm)
	if !ok || len(hexed) != hex.EncodedLen(len(id)) {
		return id, fmt.Errorf("%.80q is not a finding key: it looks like v1: and 64 hex digits", string(k))
	}
	for i := range id {
		high, low := digit(hexed[2*i]), digit(hexed[2*i+1])
		if high|low > 0xf {
			return id, fmt.Errorf("%.80q is not a finding key: it looks like v1: and 64 hex digits", string(k))
		}
		id[i] = high<<4 | low
	}
	return id, nil
}

// digit is the value of a lower-case hex digit, or 0xff.
func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

func (id identity) key() Key { return Key(keyForm + hex.EncodeToString(id[:])) }
