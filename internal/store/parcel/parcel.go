// Package parcel packs what was delivered into columns of a row, and unpacks it.
//
// What always holds: what comes out is what went in, byte by byte; a row that is
// damaged is an error, never a shorter delivery.
package parcel

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"cxm/internal/store/db"
)

// Part is one file or body of a delivery.
type Part struct {
	Name string // for people
	Body []byte
}

// Packed is how the parts of a delivery stand in a row.
type Packed struct {
	Names string // JSON
	Sizes string // JSON: in bytes, before compression
	Body  []byte // one part after the other, gzip
}

// Packer packs deliveries, one after another, with the same memory: compressing a
// few hundred bytes takes less than getting the memory for it.
type Packer struct{ zip *gzip.Writer }

// Pack packs parts.
func (p *Packer) Pack(parts []Part) (Packed, error) {
	var body bytes.Buffer
	if p.zip == nil {
		p.zip, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // a level that there is
	}
	p.zip.Reset(&body)
	names, sizes := make([]string, len(parts)), make([]int, len(parts))
	for i, part := range parts {
		names[i], sizes[i] = part.Name, len(part.Body)
		_, _ = p.zip.Write(part.Body) // a buffer takes everything
	}
	_ = p.zip.Close()
	out := Packed{Body: body.Bytes()}
	var err error
	if out.Names, err = db.Encode(names); err == nil {
		out.Sizes, err = db.Encode(sizes)
	}
	return out, err
}

// Size is how many bytes the parts of a delivery have, as its sizes say.
func Size(sizes string, id int64) (int, error) {
	var all []int
	if err := db.Decode(sizes, &all, "sizes of delivery", id); err != nil {
		return 0, err
	}
	total := 0
	for _, one := range all {
		total += one
	}
	return total, nil
}

// Unpack is the parts of a row; id names the delivery in errors.
func Unpack(p Packed, id int64) ([]Part, error) {
	var names []string
	var sizes []int
	err := errors.Join(db.Decode(p.Names, &names, "names of delivery", id), db.Decode(p.Sizes, &sizes, "sizes of delivery", id))
	if err != nil || len(names) != len(sizes) {
		return nil, errors.Join(err, fmt.Errorf("delivery %d in the database is damaged", id))
	}
	parts := make([]Part, 0, len(names))
	zip, err := gzip.NewReader(bytes.NewReader(p.Body))
	for i := range names {
		if err != nil {
			break
		}
		body := make([]byte, sizes[i])
		_, err = io.ReadFull(zip, body)
		parts = append(parts, Part{Name: names[i], Body: body})
	}
	if err != nil {
		return nil, fmt.Errorf("the body of delivery %d in the database cannot be read: %w", id, err)
	}
	return parts, nil
}
