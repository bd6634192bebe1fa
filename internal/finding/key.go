package finding

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// Key identifies a claim for ever: "v1:" and the hex SHA-256 of the tuple its
// source declares. Two findings are the same claim exactly when their keys are
// equal.
//
// A source whose tuple has to change declares a new one under a new first part
// ("coh2"), and gives every finding the keys it had until then as FormerKeys:
// what is stored moves to the new key, and its issue with it. What v1 stands for
// is how a tuple becomes a key, and changes only with that.
type Key string

// keyForm is how a key begins.
const keyForm = "v1:"

// NewKey makes the key of a tuple. The first part names the source's key
// definition ("coh", "am"). Parts are joined with U+001F, which cannot occur in
// them: it is replaced by a space, as a source would have to try to put it there.
func NewKey(parts ...string) Key {
	clean := make([]string, len(parts))
	for i, part := range parts {
		clean[i] = strings.ReplaceAll(part, "\x1f", " ")
	}
	sum := sha256.Sum256([]byte(strings.Join(clean, "\x1f")))
	return Key(keyForm + hex.EncodeToString(sum[:]))
}

// ParseKey checks the form of a key that came from outside.
func ParseKey(text string) (Key, error) {
	if _, err := Key(text).identity(); err != nil {
		return "", err
	}
	return Key(text), nil
}

// FirstKey is the key the claim had under the first definition of its source's
// tuple: what is made of a key that must outlive definitions is made of this.
func (f *Finding) FirstKey() Key {
	if n := len(f.FormerKeys); n > 0 {
		return f.FormerKeys[n-1]
	}
	return f.FindingKey
}

// Short is enough of the key for a person to tell findings apart: 8 digits.
func (k Key) Short() string {
	return strings.TrimPrefix(string(k), keyForm)[:min(8, max(0, len(k)-3))]
}

// Digest is 128 bits of a hash over everything a finding says, leaving out
// what changes on every pull without meaning anything (SourceFindingID,
// SourceUpdatedAt, LastObservedAt, LookbackDays, and SourceAmount, whose value
// is that of the savings). Equal digests: nothing to do.
type Digest [16]byte

// String is the digest in hex.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// ParseDigest reads what String wrote.
func ParseDigest(text string) (Digest, error) {
	var d Digest
	if len(text) != 2*len(d) {
		return Digest{}, fmt.Errorf("%.40q is not a digest of 32 hex digits", text)
	}
	if _, err := hex.Decode(d[:], []byte(text)); err != nil {
		return Digest{}, fmt.Errorf("%.40q is not a digest of 32 hex digits", text)
	}
	return d, nil
}

// Digest hashes what f says.
func (f *Finding) Digest() Digest {
	var room [2 << 10]byte // what most findings say fits
	w := digester{buf: room[:0]}
	w.text(string(f.FindingKey), string(f.Kind), f.SourceSystem, f.SourceInstance, f.SourceRuleID, f.SourceURL, string(f.FindingClass))
	w.text(f.Title, f.Description, f.Remediation, f.ActionType)
	w.list(f.References)
	w.number(int64(f.SeverityID))
	w.text(f.ProviderName, f.BillingAccountID, f.SubAccountID, f.SubAccountName, f.RegionID, f.AvailabilityZone, f.ServiceName)
	w.text(f.ResourceID, f.ResourceName, f.ResourceType)
	w.list(f.ResourceAliases)
	w.tags(f.Tags)
	w.amounts(f.EstimatedMonthlySavings, f.EstimatedMonthlySavingsAlt, f.EstimatedMonthlyCost)
	w.text(f.SavingsBasis, f.BillingCurrency, f.ImplementationEffort)
	w.flags(&f.CurrencyAssumed, f.RestartNeeded, f.RollbackPossible)
	w.number(f.FirstObservedAt.UnixNano())
	w.text(string(f.Detection))
	return w.done()
}

// digester feeds values to a hash, each with its length before it, so that no
// two sequences of values feed the same bytes.
type digester struct{ buf []byte }

func (w *digester) number(n int64) { w.buf = binary.AppendVarint(w.buf, n) }

func (w *digester) text(texts ...string) {
	for _, text := range texts {
		w.buf = append(binary.AppendUvarint(w.buf, uint64(len(text))), text...)
	}
}

func (w *digester) list(texts []string) {
	w.number(int64(len(texts)))
	w.text(texts...)
}

func (w *digester) tags(tags map[string]string) {
	w.number(int64(len(tags)))
	var room [16]string
	names := room[:0]
	for name := range tags {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		w.text(name, tags[name])
	}
}

func (w *digester) amounts(amounts ...decimal.NullDecimal) {
	for _, amount := range amounts {
		if !amount.Valid {
			w.text("unknown")
			continue
		}
		w.amount(amount.Decimal)
	}
}

// amount writes what Decimal.String does. Most amounts have a few digits behind
// the point, and need no big numbers for it.
func (w *digester) amount(d decimal.Decimal) {
	exponent := d.Exponent()
	if exponent > 0 || exponent < -18 || d.IsNegative() || d.NumDigits() > 18 {
		w.text(d.String())
		return
	}
	var room [48]byte
	text := appendDecimal(room[:0], uint64(d.CoefficientInt64()), int(-exponent))
	w.buf = append(binary.AppendUvarint(w.buf, uint64(len(text))), text...)
}

// appendDecimal writes digits with the last places of them behind the point,
// without zeros at the end.
func appendDecimal(to []byte, digits uint64, places int) []byte {
	for ; places > 0 && digits%10 == 0; places-- {
		digits /= 10
	}
	start := len(to)
	to = strconv.AppendUint(to, digits, 10)
	if places == 0 {
		return to
	}
	for len(to)-start <= places {
		to = slices.Insert(to, start, '0')
	}
	return slices.Insert(to, len(to)-places, '.')
}

func (w *digester) flags(flags ...*bool) {
	for _, flag := range flags {
		switch {
		case flag == nil:
			w.buf = append(w.buf, '?')
		case *flag:
			w.buf = append(w.buf, '1')
		default:
			w.buf = append(w.buf, '0')
		}
	}
}

func (w *digester) done() Digest {
	sum := sha256.Sum256(w.buf)
	return Digest(sum[:len(Digest{})])
}
