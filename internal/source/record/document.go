package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Walker is where a reader is in a file: in a Document or in Rows.
type Walker interface {
	// Place names the record: a JSON pointer, or a line.
	Place() string
	// Fail makes the *Error of a fault in the record.
	Fail(field string, err error) error
}

// Document walks the JSON values of a file without holding more than one
// record. Its methods read the next value, whatever the file has there, and
// fail with an *Error that names the place.
type Document struct {
	File  *File
	Depth int // how many parts of a JSON pointer name a record: 2 for /items/3

	json   *jsontext.Decoder
	known  *[512]string // text that repeats, kept once; by a hash; nil keeps none
	first  int          // line at which the current top-level value begins
	count  int          // top-level values begun
	within string       // the field of the record that the text stands in, see Text
	begun  int64        // where the current record begins

	moment struct { // the last time read, as most records have the same
		text string
		time time.Time
	}
}

// Walk starts at the beginning of the file.
func Walk(f *File, depth int) *Document {
	return &Document{File: f, Depth: depth, json: jsontext.NewDecoder(f.meter), known: new([512]string)}
}

// Text walks JSON that stands in a field of a record. Its errors have no file:
// Fail of the record's own Walker gives them their place.
func Text(field, text string) *Document {
	f := &File{meter: &meter{r: strings.NewReader(text), limit: int64(len(text)), total: int64(len(text))}}
	return &Document{File: f, json: jsontext.NewDecoder(f.meter), within: field + "/"}
}

// Again walks a top-level value of d once more, given its text, which must not
// change meanwhile. Records in it may have limit bytes. The walk stands before
// the value.
func (d *Document) Again(text []byte, limit int64) *Document {
	m := &meter{r: bytes.NewReader(text), limit: limit, total: int64(len(text)), lines: d.first - 1}
	again := Walk(&File{Name: d.File.Name, meter: m}, d.Depth)
	again.first, again.count = d.first, d.count
	return again
}

// Next looks at the next top-level value: '{', '[' and so on. At the end of
// the file it is io.EOF.
func (d *Document) Next() (jsontext.Kind, error) {
	d.Begin()
	kind := d.json.PeekKind()
	if kind == jsontext.KindInvalid {
		_, err := d.json.ReadToken()
		if errors.Is(err, io.EOF) && d.File.meter.broken == nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, io.EOF
		}
		return 0, d.fail(err)
	}
	d.count++
	ahead := bytes.TrimLeft(d.json.UnreadBuffer(), " \t\r\n")
	d.first = d.File.meter.lines + 1 - bytes.Count(ahead, []byte{'\n'})
	return kind, nil
}

// Begin says that a record begins here: the limit counts from here.
func (d *Document) Begin() {
	d.begun = d.json.InputOffset()
	d.File.meter.mark = d.begun
}

// End says that the record ends here, refuses it if it is too large, and lets
// the limit count from here.
func (d *Document) End() error {
	begun := d.begun
	d.Begin()
	if d.begun-begun > d.File.meter.limit {
		return d.Fail("", d.File.meter.tooLarge())
	}
	return nil
}

// Line is the line the walk has come to.
func (d *Document) Line() int {
	return d.File.meter.lines + 1 - bytes.Count(d.json.UnreadBuffer(), []byte{'\n'})
}

// Kind looks at the next value without reading it.
func (d *Document) Kind() jsontext.Kind { return d.json.PeekKind() }

// Object reads an object; each is called before every member's value and must
// read or Skip it.
func (d *Document) Object(each func(name string) error) error {
	if err := d.open('{', "an object"); err != nil {
		return err
	}
	for d.json.PeekKind() == '"' {
		name, err := d.name()
		if err != nil {
			return err
		}
		if err := each(name); err != nil {
			return err
		}
	}
	return d.close()
}

// Array reads an array; each is called before every element and must read or
// Skip it.
func (d *Document) Array(each func(i int) error) error {
	if err := d.open('[', "a list"); err != nil {
		return err
	}
	for i := 0; ; i++ {
		if kind := d.json.PeekKind(); kind == ']' || kind == jsontext.KindInvalid {
			return d.close()
		}
		if err := each(i); err != nil {
			return err
		}
	}
}

func (d *Document) open(want jsontext.Kind, name string) error {
	if d.json.PeekKind() != want {
		return d.wrong(name)
	}
	if _, err := d.json.ReadToken(); err != nil {
		return d.fail(err)
	}
	return nil
}

func (d *Document) close() error {
	if _, err := d.json.ReadToken(); err != nil {
		return d.fail(err)
	}
	return nil
}

// name reads a member's name.
func (d *Document) name() (string, error) {
	raw, err := d.json.ReadValue()
	if err != nil {
		return "", d.fail(err)
	}
	return d.text(raw, true)
}

// text unquotes a JSON string; shared text is kept once for all records.
func (d *Document) text(raw jsontext.Value, shared bool) (string, error) {
	if bytes.IndexByte(raw, '\\') >= 0 {
		unquoted, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return "", d.fail(err)
		}
		if bytes.IndexByte(unquoted, 0) >= 0 {
			return "", d.Fail("", errors.New(`holds a NUL character (\u0000): take it out`))
		}
		return string(unquoted), nil
	}
	raw = raw[1 : len(raw)-1]
	if !shared || d.known == nil || len(raw) > 64 || len(raw) == 0 {
		return string(raw), nil
	}
	// The hash sees length and both ends only: it must be cheap, not good.
	known := &d.known[(uint(len(raw))*31+uint(raw[0])*7+uint(raw[len(raw)/2])*5+uint(raw[len(raw)-1])*17)%uint(len(d.known))]
	if *known != string(raw) {
		*known = string(raw)
	}
	return *known, nil
}

// value reads a value of the kind wanted; null leaves ok false.
func (d *Document) value(want jsontext.Kind, name string) (raw jsontext.Value, ok bool, err error) {
	switch d.json.PeekKind() {
	case want:
		raw, err = d.json.ReadValue()
		if err != nil {
			return nil, false, d.fail(err)
		}
		return raw, true, nil
	case 'n':
		return nil, false, d.Skip()
	}
	return nil, false, d.wrong(name)
}

// Text reads a string into to; null leaves it.
func (d *Document) Text(to *string) error { return d.string(to, false) }

// Shared is Text for values that many records have in common.
func (d *Document) Shared(to *string) error { return d.string(to, true) }

func (d *Document) string(to *string, shared bool) error {
	raw, ok, err := d.value('"', "a string")
	if err == nil && ok {
		*to, err = d.text(raw, shared)
	}
	return err
}

// Number reads the digits of a number as they are written; null leaves them.
func (d *Document) Number(to *string) error {
	raw, ok, err := d.value('0', "a number")
	if err == nil && ok {
		*to = string(raw)
	}
	return err
}

// Amount reads an exact decimal; null leaves it unknown.
func (d *Document) Amount(to *Amount) error {
	var digits string
	if err := d.Number(&digits); err != nil || digits == "" {
		return err
	}
	return d.place(to.Parse(digits))
}

// Flag reads a boolean; null leaves it unknown (nil).
func (d *Document) Flag(to **bool) error {
	switch kind := d.json.PeekKind(); kind {
	case 't', 'f':
		value := kind == 't'
		*to = &value
	case 'n':
	default:
		return d.wrong("true or false")
	}
	return d.Skip()
}

// Time reads a time, as text or as seconds since 1970; null leaves it.
func (d *Document) Time(to *time.Time) error {
	kind := d.json.PeekKind()
	if kind == 'n' {
		return d.Skip()
	}
	if kind != '"' && kind != '0' {
		return d.wrong("a time")
	}
	raw, err := d.json.ReadValue()
	if err != nil {
		return d.fail(err)
	}
	if string(raw) != d.moment.text {
		d.moment.text = string(raw)
		if d.moment.time, err = Time(strings.Trim(d.moment.text, `"`)); err != nil {
			return d.Fail("", err)
		}
	}
	*to = d.moment.time
	return nil
}

// Texts reads an object of strings, such as labels; null is no members.
func (d *Document) Texts() (map[string]string, error) {
	if d.json.PeekKind() == 'n' {
		return nil, d.Skip()
	}
	out := make(map[string]string)
	return out, d.Object(func(name string) error {
		var text string
		err := d.Shared(&text)
		out[name] = text
		return err
	})
}

// Value reads any value as its text, which holds until the next one is read.
func (d *Document) Value() ([]byte, error) {
	raw, err := d.json.ReadValue()
	if err != nil {
		return nil, d.fail(err)
	}
	return raw, nil
}

// Skip reads a value and forgets it.
func (d *Document) Skip() error {
	if err := d.json.SkipValue(); err != nil {
		return d.fail(err)
	}
	return nil
}

// wrong is the error of a value of another type than wanted, or of text that
// is no value at all.
func (d *Document) wrong(want string) error {
	kind := d.json.PeekKind()
	raw, err := d.json.ReadValue()
	if kind == jsontext.KindInvalid || err != nil {
		return d.fail(err)
	}
	return d.Fail("", fmt.Errorf("%.40s is not %s: it must be %s", OneLine(string(raw)), want, want))
}

func (d *Document) place(err error) error {
	if err == nil {
		return nil
	}
	return d.Fail("", err)
}

// Fail makes the error of a fault at the place the walk has come to. field ""
// takes the member that was read last.
func (d *Document) Fail(field string, err error) error {
	record, inner := d.split(string(d.json.StackPointer()))
	if field == "" {
		field = inner
	}
	return d.File.Fail(record, d.Line(), field, err)
}

// Place names the record the walk is in: its JSON pointer, after the line its
// top-level value begins on when the file has several of those.
func (d *Document) Place() string {
	record, _ := d.split(string(d.json.StackPointer()))
	return record
}

// fail is Fail for errors of the decoder, which know better where they are.
func (d *Document) fail(err error) error {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return d.Fail("", err)
	}
	ahead := d.json.UnreadBuffer()
	if n := syntax.ByteOffset - d.json.InputOffset(); n >= 0 && n < int64(len(ahead)) {
		ahead = ahead[n:]
	} else {
		ahead = nil
	}
	record, field := d.split(string(syntax.JSONPointer))
	return d.File.Fail(record, d.File.meter.lines+1-bytes.Count(ahead, []byte{'\n'}), field, err)
}

// split cuts a JSON pointer into record and field.
func (d *Document) split(pointer string) (record, field string) {
	parts := strings.Split(pointer, "/")
	if len(parts) <= d.Depth {
		field = strings.TrimPrefix(pointer, "/")
	} else {
		record, field = strings.Join(parts[:d.Depth+1], "/"), strings.Join(parts[d.Depth+1:], "/")
	}
	if d.within != "" {
		field = strings.TrimSuffix(d.within+field, "/")
	}
	if d.count > 1 {
		record = strings.TrimSpace(lineName(d.first) + " " + record)
	}
	return record, field
}
