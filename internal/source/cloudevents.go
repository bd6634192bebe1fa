package source

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"cxm/internal/source/record"
)

// CloudEvents 1.0 in JSON (https://github.com/cloudevents/spec): structured
// events and batches, one or several in a file.
//
// An event whose type ends in finding.observed.v1 or finding.resolved.v1
// carries a finding under its own field names. Any other event is a finding of
// kind custom.
//
// Key of a finding event: its FindingKey, else ce, source, SourceRuleId (else
// the type without observed or resolved), subject (else ResourceId). Key of a
// custom event: ce, source, type without a segment that says how it stands
// (opened, resolved, …), subject. So what resolves has the key of what it
// resolves. (source, id) is one event, however often it comes.

// envelope is the attributes of an event and its data, as they are written.
type envelope struct {
	version, id, source, typ string
	subject, contentType     *string
	schema                   string
	time                     time.Time
	data                     []byte // JSON; reused
	coded                    string // data_base64
	hasData, hasCoded        bool
}

// cloudEvents reads the events of a file.
func (r *reader) cloudEvents(f *record.File) error {
	if f.Form != record.JSON {
		return f.Fail("", 1, "", errors.New("not JSON: give CloudEvents in structured or batch mode (application/cloudevents+json)"))
	}
	d := record.Walk(f, 0)
	var e envelope
	for {
		d.Depth = 0
		kind, err := d.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if kind == '[' {
			d.Depth = 1
			err = d.Array(func(int) error { return r.event(d, &e) })
		} else {
			err = r.event(d, &e)
		}
		if err != nil {
			return err
		}
	}
}

// event reads one event and emits its finding.
func (r *reader) event(d *record.Document, e *envelope) error {
	*e = envelope{data: e.data[:0]}
	d.Begin()
	if err := d.Object(func(name string) error { return e.member(d, name) }); err != nil {
		return err
	}
	if err := d.End(); err != nil {
		return err
	}
	if field, err := e.check(); err != nil {
		return d.Fail(field, err)
	}
	sum := sha256.Sum256([]byte(e.source + "\x1f" + e.id))
	id := half(sum[:len(half{})])
	if r.events[id] {
		r.skip(Skip{File: r.name(), Record: d.Place(), Reason: fmt.Sprintf("event %.80q of this source was read before: an event has one effect", e.id)})
		return nil
	}
	r.events[id] = true
	f, err := r.received(e)
	if err != nil {
		return d.Fail("", err)
	}
	rank := untimed
	if !e.time.IsZero() {
		rank = e.time.UnixMicro()
	}
	return r.emit(f, rank, 0, d)
}

func (e *envelope) member(d *record.Document, name string) error {
	switch name {
	case "specversion":
		return d.Text(&e.version)
	case "id":
		return d.Text(&e.id)
	case "source":
		return d.Shared(&e.source)
	case "type":
		return d.Shared(&e.typ)
	case "subject":
		return optional(d, &e.subject)
	case "datacontenttype":
		return optional(d, &e.contentType)
	case "dataschema":
		return d.Text(&e.schema)
	case "time":
		return e.moment(d)
	case "data":
		e.hasData = d.Kind() != 'n'
		text, err := d.Value()
		e.data = append(e.data, text...)
		return err
	case "data_base64":
		e.hasCoded = d.Kind() != 'n'
		return d.Text(&e.coded)
	}
	return e.extension(d, name)
}

// optional reads an attribute that may be absent, which null is too.
func optional(d *record.Document, to **string) error {
	if d.Kind() == 'n' {
		return d.Skip()
	}
	*to = new(string)
	return d.Text(*to)
}

// moment reads the time attribute, which is RFC 3339 and nothing else.
func (e *envelope) moment(d *record.Document) error {
	if d.Kind() == '0' {
		return d.Fail("time", errors.New("a number: the time of an event is written like 2026-01-31T12:00:00Z"))
	}
	return d.Time(&e.time)
}

// extension checks an attribute that the specification leaves to others.
func (e *envelope) extension(d *record.Document, name string) error {
	if !event.IsExtensionNameValid(name) || strings.ToLower(name) != name {
		known := []string{"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data", "data_base64"}
		return d.Fail(name, fmt.Errorf("not an attribute: names are lower-case letters and digits%s", record.Suggest(name, known)))
	}
	if kind := d.Kind(); kind == '{' || kind == '[' {
		return d.Fail(name, errors.New("an attribute is a string, a number or a boolean: put the rest into data"))
	}
	return d.Skip()
}

// check holds the attributes to the specification, by its own library; the
// error comes with the attribute.
func (e *envelope) check() (attribute string, err error) {
	if e.version != "1.0" {
		return "specversion", fmt.Errorf("%.20q is not a version cxm reads: it must be 1.0", e.version)
	}
	if e.hasData && e.hasCoded {
		return "data_base64", errors.New("an event has data or data_base64, not both: leave one out")
	}
	source, err := url.Parse(e.source)
	if err != nil {
		return "source", fmt.Errorf("%.80q is not a URI reference: write it like https://example.com/scanner or /scanner", e.source)
	}
	attributes := event.EventContextV1{ID: e.id, Type: e.typ, Source: types.URIRef{URL: *source}, Subject: e.subject, DataContentType: e.contentType}
	if e.schema != "" {
		attributes.DataSchema = types.ParseURI(e.schema)
		if attributes.DataSchema == nil {
			return "dataschema", fmt.Errorf("%.80q is not a URI", e.schema)
		}
	}
	faults := attributes.Validate()
	for _, attribute := range slices.Sorted(maps.Keys(faults)) {
		return attribute, fmt.Errorf("missing or empty, or not as CloudEvents 1.0 wants it: %w", faults[attribute])
	}
	return "", nil
}
