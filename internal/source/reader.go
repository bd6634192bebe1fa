package source

import (
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strconv"

	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/source/hub"
	"cxm/internal/source/record"
	"cxm/internal/table"
)

// maxSkips bounds what a hostile input can make Summary.Skipped hold.
const maxSkips = 10_000

// reader reads the inputs of one call of Read.
type reader struct {
	kind  Type
	o     Options
	yield func(*finding.Finding) error
	seed  maphash.Seed
	files []origin

	seen    *table.Table[half, sighting] // what was yielded for a key
	events  map[half]bool                // CloudEvents: (source, id) of the events read
	pages   map[uint64]hub.Page          // by fingerprint, so that a page given twice counts once
	reasons []string                     // why the summary is not complete
	skipped []Skip
	more    int // skips beyond maxSkips

	currency struct{ text, code string } // the last one checked
}

// untimed is the rank of an event that does not say when it happened: the one
// that is read later counts.
const untimed = int64(math.MinInt64)

// half is half of a hash: enough to tell keys apart.
type half [16]byte

// origin is a file as skipped records name it; the file itself is not kept.
type origin struct {
	name string
	form record.Form
}

// sighting remembers a yielded finding in few bytes.
type sighting struct {
	rank  int64  // the larger wins
	index uint32 // of the record in its list, or its line; saturated
	file  uint32 // index in files
}

func newReader(t Type, o Options, yield func(*finding.Finding) error) (*reader, error) {
	if _, err := ParseType(string(t)); err != nil {
		return nil, err
	}
	if o.Currency == "" {
		o.Currency = "USD"
	}
	code, err := money.ParseCurrency(o.Currency)
	if err != nil {
		return nil, fmt.Errorf("the currency to assume: %w", err)
	}
	o.Currency, o.Now = code, o.Now.UTC()
	if o.MaxRecord <= 0 {
		o.MaxRecord = 1 << 20
	}
	return &reader{
		kind: t, o: o, yield: yield, seed: maphash.MakeSeed(),
		seen: table.New[half, sighting](), events: make(map[half]bool), pages: make(map[uint64]hub.Page),
	}, nil
}

// file reads one input.
func (r *reader) file(in Input) error {
	limits := record.Limits{Record: r.o.MaxRecord}
	if r.kind == Alertmanager {
		limits.Record, limits.Mend = payloadRecords*limits.Record, "set max_alerts in Alertmanager's webhook_config"
	}
	f, err := record.Open(in.Name, in.Reader, limits, r.seed)
	if err != nil {
		return err
	}
	r.files = append(r.files, origin{name: f.Name, form: f.Form})
	if other := guess(f); other != "" && other != r.kind {
		return f.Fail("", 0, "", fmt.Errorf("this looks like %s, not %s: use --source %s", other.label(), r.kind.label(), other))
	}
	switch r.kind {
	case CostOptimizationHub:
		return r.hub(f)
	case Alertmanager:
		return r.webhooks(f)
	}
	return r.cloudEvents(f)
}

// hub reads a file of Cost Optimization Hub.
func (r *reader) hub(f *record.File) error {
	h := hub.Reader{Instance: r.o.Instance, IncludeAll: r.o.IncludeAll, Money: r.money, Emit: r.emit}
	page, err := h.Read(f)
	if err != nil {
		return err
	}
	r.pages[f.Fingerprint()] = page
	if page.Errors > 0 {
		r.reasons = append(r.reasons, fmt.Sprintf("%s names %d errors beside its items", f.Name, page.Errors))
	}
	return nil
}

// emit checks a finding and yields it, unless what was yielded for the same
// key before ranks higher: rank is the savings in a snapshot (rule R1), and the
// time of an event. index is the record's place among its kind in the file.
func (r *reader) emit(f *finding.Finding, rank int64, index int, at record.Walker) error {
	f.LastObservedAt = r.o.Now
	if err := f.Validate(); err != nil {
		return at.Fail("", err)
	}
	distinct := r.seen.Len()
	was, _ := r.seen.Enter(halfOf(f.FindingKey))
	again := r.seen.Len() == distinct
	if again && !r.wins(f, rank, *was, at) {
		return nil
	}
	if again {
		rank = max(rank, was.rank)
	}
	*was = sighting{rank: rank, index: uint32(min(index, math.MaxUint32)), file: uint32(len(r.files) - 1)}
	return r.yield(f)
}

// wins decides between a finding and the one that was yielded for its key, and
// reports the loser.
func (r *reader) wins(f *finding.Finding, rank int64, was sighting, at record.Walker) bool {
	lost := Skip{File: r.name(), Record: at.Place(), Key: f.FindingKey}
	switch snapshot := r.kind.Delivery() == Snapshots; {
	case snapshot && rank > was.rank:
		lost.Reason = "the same finding has larger savings in " + lost.File + " at " + lost.Record + ", and the larger counts"
		lost.File, lost.Record = r.files[was.file].name, r.placeOf(was)
		r.skip(lost)
		return true
	case snapshot && rank == was.rank:
		lost.Reason = "repeats the finding in " + r.files[was.file].name + " at " + r.placeOf(was)
	case snapshot:
		lost.Reason = "the same finding has larger savings in " + r.files[was.file].name + " at " + r.placeOf(was) + ", and the larger counts"
	case rank != untimed && rank < was.rank:
		lost.Reason = "a later event about the same thing was read before this one"
	default:
		return true
	}
	r.skip(lost)
	return false
}

// name is the file being read.
func (r *reader) name() string { return r.files[len(r.files)-1].name }

// placeOf names the record of a snapshot that was yielded.
func (r *reader) placeOf(s sighting) string {
	if r.files[s.file].form == record.Table {
		return "line " + strconv.FormatUint(uint64(s.index), 10)
	}
	return "/items/" + strconv.FormatUint(uint64(s.index), 10)
}

func (r *reader) skip(s Skip) {
	if len(r.skipped) >= maxSkips {
		r.more++
		return
	}
	r.skipped = append(r.skipped, s)
}

// summary is what is known at the end.
func (r *reader) summary() Summary {
	if r.kind == CostOptimizationHub {
		r.complete()
	}
	if r.more > 0 {
		r.skipped = append(r.skipped, Skip{File: r.name(), Reason: strconv.Itoa(r.more) + " more records were skipped after these"})
	}
	return Summary{Complete: len(r.reasons) == 0, Reasons: r.reasons, Findings: r.seen.Len(), Skipped: r.skipped}
}

// money completes the currency of a finding's amounts (rule R8). code is the
// source's; without one the configured currency is assumed for known amounts.
func (r *reader) money(f *finding.Finding, code string) error {
	switch {
	case code == "" && f.EstimatedMonthlySavings.Valid:
		f.BillingCurrency, f.CurrencyAssumed = r.o.Currency, true
	case code != "" && code != r.currency.text:
		checked, err := money.ParseCurrency(code)
		if err != nil {
			return err
		}
		r.currency.text, r.currency.code = code, checked
		fallthrough
	case code != "":
		f.BillingCurrency = r.currency.code
	}
	return nil
}

// halfOf is half of a key's hash.
func halfOf(k finding.Key) (h half) {
	_, _ = hex.Decode(h[:], []byte(k[len("v1:"):len("v1:")+2*len(h)])) // Validate has seen the key
	return h
}

// complete says whether the files are one whole snapshot. Files without any
// token are whole listings (the AWS CLI merges the pages), of one account each
// perhaps, and who gives them together says that they are one snapshot. As soon
// as a page has a token for the next, exactly one page may be without, the last:
// of pages of several listings nobody can tell whether one is missing. A page
// that was given twice counts once.
func (r *reader) complete() {
	listing, last, exports := 0, 0, 0
	for _, p := range r.pages {
		switch {
		case !p.Listing:
			exports++
		case p.Last:
			last++
			fallthrough
		default:
			listing++
		}
	}
	switch {
	case listing > 0 && exports > 0:
		r.reasons = append(r.reasons, "the files mix a listing and a Data Export, which are two snapshots")
	case listing > 0 && last == 0:
		r.reasons = append(r.reasons, "every page has a nextToken: the pages that follow are not here")
	case last > 1 && listing > last:
		r.reasons = append(r.reasons, fmt.Sprintf("the files are pages of %d listings, and it cannot be told whether one is missing: read each listing by itself", last))
	}
	slices.Sort(r.reasons)
}
