package issue

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"cxm/internal/finding"
)

// digest is 128 bits of a hash over what a person would act on: whether the
// thing is still there, and of each claim that counts its identity, words,
// action, place, owner, severity, effort, restart, rollback, remediation and
// references. Left out is what moves without meaning anything: amounts (see
// Significant), times, look-back days, cost, the source's link, which changes
// with ids that live for a day, and numbers in titles and descriptions, where
// sources put measured values ("memory usage with 23.28%"), and the severity of
// a claim whose saving is known, which follows from the amount. Long numbers in
// references are left out too: they are moments ("from=1767225600000").
// Which claim leads does not matter, nor a claim's turn from present to
// unknown: a failed scan is no news. A look adds what is its own (Look.writeTo).
func digest(v view) finding.Digest {
	w := factHash{buf: make([]byte, 0, 1024)}
	if v.as.Parent != nil {
		return parentDigest(v, w)
	}
	sums := make([][]byte, len(v.claims))
	for i := range v.claims {
		w.buf = w.buf[:0]
		w.claim(&v.claims[i].Finding)
		v.as.writeTags(&w, v.claims[i].Finding.Tags)
		sum := sha256.Sum256(w.buf)
		sums[i] = sum[:]
	}
	slices.SortFunc(sums, bytes.Compare)
	sums = slices.CompactFunc(sums, bytes.Equal)
	w.buf = append(w.buf[:0], "cxm issue 1"...)
	w.flag(&v.gone)
	v.as.writeTo(&w)
	if v.waits != nil { // it is taken in when people should know of it, and not before
		w.text(v.lead.Description)
	}
	for _, sum := range sums {
		w.buf = append(w.buf, sum...)
	}
	v.asideFacts(&w)
	sum := sha256.Sum256(w.buf)
	return finding.Digest(sum[:len(finding.Digest{})])
}

// parentDigest is digest for an issue that lists others.
func parentDigest(v view, w factHash) finding.Digest {
	w.text("cxm parent 1")
	w.flag(&v.gone)
	v.as.writeTo(&w)
	v.parentFacts(&w)
	sum := sha256.Sum256(w.buf)
	return finding.Digest(sum[:len(finding.Digest{})])
}

// factHash collects values, each with its length before it, so that no two
// sequences of values are the same bytes.
type factHash struct{ buf []byte }

func (w *factHash) claim(f *finding.Finding) {
	w.text(string(f.FindingKey), string(f.Kind), f.SourceSystem, f.SourceRuleID, f.ActionType, f.Remediation)
	w.words(f.Title, 1)
	w.words(f.Description, 1)
	w.text(f.ProviderName, f.BillingAccountID, f.SubAccountID, f.SubAccountName, f.RegionID, f.AvailabilityZone)
	w.text(f.ServiceName, f.ResourceID, f.ResourceName, f.ResourceType, f.ImplementationEffort)
	owner, tag := ownerOf(f.Tags)
	w.text(owner, tag)
	if !f.EstimatedMonthlySavings.Valid {
		w.buf = binary.AppendVarint(w.buf, int64(f.SeverityID))
	}
	w.flag(f.RestartNeeded)
	w.flag(f.RollbackPossible)
	w.buf = binary.AppendVarint(w.buf, int64(len(f.References)))
	for _, reference := range f.References {
		w.words(reference, 9)
	}
}

func (w *factHash) text(texts ...string) {
	for _, text := range texts {
		w.buf = append(binary.AppendUvarint(w.buf, uint64(len(text))), text...)
	}
}

func (w *factHash) flag(flag *bool) {
	switch {
	case flag == nil:
		w.buf = append(w.buf, '?')
	case *flag:
		w.buf = append(w.buf, '1')
	default:
		w.buf = append(w.buf, '0')
	}
}

// words adds text with every number of at least width characters masked.
func (w *factHash) words(text string, width int) {
	start := len(w.buf)
	for i := 0; i < len(text); {
		end := i + wordLength(text[i:])
		if end == i {
			_, size := utf8.DecodeRuneInString(text[i:])
			w.buf = append(w.buf, text[i:i+size]...)
			i += size
			continue
		}
		w.word(text[i:end], width)
		i = end
	}
	w.buf = binary.AppendUvarint(w.buf, uint64(len(w.buf)-start))
}

// word adds one word, or "#" in the place of a number with its sign.
func (w *factHash) word(word string, width int) {
	core := strings.Trim(word, "+-.,")
	if len(core) < width || !numeric(core) {
		w.buf = append(w.buf, word...)
		return
	}
	before, after, _ := strings.Cut(word, core)
	w.buf = append(w.buf, strings.TrimRight(before, "+-.")...)
	w.buf = append(w.buf, '#')
	w.buf = append(w.buf, after...)
}

// wordLength is how many bytes at the start of text belong to one word: what a
// name, a number, a moment or a version is made of.
func wordLength(text string) int {
	for i, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-' && r != '+' && r != '.' && r != ',' {
			return i
		}
	}
	return len(text)
}

// numeric says that a word is a number, also with a unit, a date, a time, a
// version or an address: runs of digits with at most a unit after each.
// Names such as gp3, m5.2xlarge and 0a1b2c are not.
func numeric(word string) bool {
	if word == "NaN" || word == "Inf" {
		return true
	}
	for word != "" {
		rest := strings.TrimLeft(word, "0123456789")
		if len(rest) == len(word) {
			return false
		}
		letters := strings.IndexAny(rest, "0123456789+-.,")
		if letters < 0 {
			letters = len(rest)
		}
		if !unit(rest[:letters]) {
			return false
		}
		word = strings.TrimLeft(rest[letters:], "+-.,")
	}
	return true
}

// unit says that letters may follow a number in a measured value.
func unit(letters string) bool {
	switch letters {
	case "", "ns", "us", "µs", "ms", "s", "m", "h", "d", "w", "mo", "y", "min", "sec",
		"n", "k", "K", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi",
		"B", "kB", "KB", "MB", "GB", "TB", "PB", "KiB", "MiB", "GiB", "TiB", "PiB", "bps",
		"Z", "e", "x", "am", "pm", "USD", "EUR", "GBP":
		return true
	}
	return false
}
