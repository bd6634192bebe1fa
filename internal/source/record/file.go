// Package record takes an input file apart into records, whatever state the
// file is in: it finds the encoding, unpacks gzip, keeps limits, walks JSON and
// CSV one record at a time, and makes the errors that name file, record, field
// and mend.
//
// What always holds: no more than a record and a small buffer is in memory;
// every error is an *Error; text that leaves the package is UTF-8 without NUL
// characters.
package record

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
)

// Limits keep hostile input small.
type Limits struct {
	Record int64  // bytes of a record; 0 is 1 MiB
	Total  int64  // bytes of a file after unpacking; 0 is 8 GiB
	Mend   string // what to do about a record that is too large; "" says that the file is damaged
}

// Form is how a file is written.
type Form int

// The forms.
const (
	JSON  Form = iota
	Table      // CSV
)

// File is one input file, opened: its text is UTF-8 and its form is known.
type File struct {
	Name string
	Form Form
	Head []byte // the first bytes of the text, at most 32 KiB, to guess the format by

	text  *bufio.Reader
	meter *meter
	mark  maphash.Hash
}

const headSize = 32 << 10

// Open looks at the beginning of a file. Seed makes fingerprints of files
// comparable.
func Open(name string, r io.Reader, l Limits, seed maphash.Seed) (*File, error) {
	f := &File{Name: name}
	f.mark.SetSeed(seed)
	f.text = bufio.NewReaderSize(r, headSize)
	if err := f.unpack(); err != nil {
		return nil, f.Fail("", 0, "", err)
	}
	if err := f.decode(); err != nil {
		return nil, f.Fail("", 0, "", err)
	}
	f.meter = &meter{r: f.text, sum: &f.mark, limit: cmp.Or(l.Record, 1<<20), total: cmp.Or(l.Total, 8<<30), mend: l.Mend}
	return f, nil
}

// unpack takes gzip off.
func (f *File) unpack() error {
	head, err := f.peek()
	if err != nil || !bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		return err
	}
	unpacked, err := gzip.NewReader(f.text)
	if err != nil {
		return fmt.Errorf("begins like gzip but is not: %w: copy the file again, in binary", err)
	}
	f.text = bufio.NewReaderSize(unpacked, headSize)
	return nil
}

// peek is the beginning of the text; it is an error only when there is none
// because reading failed.
func (f *File) peek() ([]byte, error) {
	head, err := f.text.Peek(headSize)
	if len(head) == 0 && err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading failed: %w", err)
	}
	return head, nil
}

// decode finds the encoding and the form.
func (f *File) decode() error {
	head, err := f.peek()
	if err != nil {
		return err
	}
	if encoding := otherEncoding(head); encoding != "" {
		return fmt.Errorf("the file is %s text: save it as UTF-8 (iconv -f %s -t UTF-8; in PowerShell: Out-File -Encoding utf8)", encoding, encoding)
	}
	if bom := []byte("\ufeff"); bytes.HasPrefix(head, bom) {
		head = head[len(bom):]
		if _, err := f.text.Discard(len(bom)); err != nil {
			return err
		}
	}
	f.Head = bytes.Clone(head)
	return f.recognise(bytes.TrimLeft(head, " \t\r\n"))
}

// recognise tells JSON and CSV apart by their first character.
func (f *File) recognise(begin []byte) error {
	switch {
	case len(begin) == 0 && len(f.Head) < headSize-len("\ufeff"):
		return errors.New("the file is empty: a source that has nothing to say still writes an empty list, so look at the command that made it")
	case bytes.HasPrefix(begin, []byte("PAR1")):
		return errors.New("the file is Parquet: choose CSV (gzip or not) as the format of the export")
	case bytes.HasPrefix(begin, []byte("PK\x03\x04")):
		return errors.New("the file is a ZIP archive: unpack it and give the files in it")
	case bytes.HasPrefix(begin, []byte("<")):
		return errors.New("the file is a web page or XML: a proxy or sign-in page answered instead of the source, so fetch it again, signed in")
	case len(begin) == 0 || bytes.IndexByte([]byte("{["), begin[0]) >= 0:
		f.Form = JSON
	default:
		f.Form = Table
	}
	return nil
}

// otherEncoding names the encoding of text that is not UTF-8, by its byte
// order mark or by where zero bytes are around an ASCII character.
func otherEncoding(head []byte) string {
	for _, mark := range [...]struct{ prefix, name string }{
		{"\xff\xfe\x00\x00", "UTF-32"}, {"\x00\x00\xfe\xff", "UTF-32"}, {"\xff\xfe", "UTF-16"}, {"\xfe\xff", "UTF-16"},
	} {
		if bytes.HasPrefix(head, []byte(mark.prefix)) {
			return mark.name
		}
	}
	if len(head) < 4 {
		return ""
	}
	var zero [4]bool
	for i := range zero {
		zero[i] = head[i] == 0
	}
	switch zero {
	case [4]bool{false, true, true, true}:
		return "UTF-32LE"
	case [4]bool{true, true, true, false}:
		return "UTF-32BE"
	case [4]bool{false, true, false, true}:
		return "UTF-16LE"
	case [4]bool{true, false, true, false}:
		return "UTF-16BE"
	}
	return ""
}

// Fingerprint tells files of different text apart. It is of what was read, so
// ask when the file is at its end.
func (f *File) Fingerprint() uint64 { return f.mark.Sum64() }

// Fail makes the error of a fault in this file. A fault that is an *Error
// already keeps its place; a failed reader goes before what its decoder made
// of it; a *finding.FieldError names the field when the caller does not.
func (f *File) Fail(place string, line int, field string, err error) error {
	if placed, ok := errors.AsType[*Error](err); ok {
		if placed.File != "" {
			return err
		}
		err, field = placed.Err, placed.Field // see Text
	}
	if f.meter != nil && f.meter.broken != nil {
		err, field = f.meter.broken, ""
	}
	named, rest := fault(explain(err))
	return &Error{File: f.Name, Record: place, Field: cmp.Or(field, named), Line: line, Err: rest}
}
