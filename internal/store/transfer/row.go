package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"

	"cxm/internal/store/db"
)

// each reads a table row by row, every value in the form that SQLite keeps it
// in: nil, int64, float64, string, []byte; a boolean as 0 or 1, a time as text.
func each(ctx context.Context, tx db.DBTX, t table, f func(row []any) error) error {
	rows, err := tx.QueryContext(ctx, "select "+strings.Join(quoted(t), ", ")+" from "+t.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	row := make([]any, len(t.columns))
	into := make([]any, len(row))
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range row {
			if row[i], err = normal(v); err != nil {
				return fmt.Errorf("column %s: %w", t.columns[i].name, err)
			}
		}
		if err := f(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// quoted are the names of the columns as both databases take any name.
func quoted(t table) []string {
	out := t.names()
	for i, name := range out {
		out[i] = `"` + name + `"`
	}
	return out
}

func normal(v any) (any, error) {
	switch v := v.(type) {
	case nil, int64, float64, string:
		return v, nil
	case []byte:
		if v == nil { // SQLite's driver gives no other for none; and takes it for null
			return []byte{}, nil
		}
		return v, nil
	case int32:
		return int64(v), nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case time.Time:
		return db.Time{Time: v}.Value()
	}
	return nil, fmt.Errorf("it holds a %T, which this copy does not know", v)
}

// digest is the number of rows and a sum over them that does not depend on their
// order: the sum of a hash of each.
type digest struct {
	rows int64
	sum  [4]uint64
}

func (d *digest) add(row []any) {
	h := sha256.New()
	var size [9]byte
	for _, v := range row {
		var kind byte
		var number uint64
		var text []byte
		switch v := v.(type) {
		case int64:
			kind, number = 'i', uint64(v)
		case float64:
			kind, number = 'f', math.Float64bits(v)
		case string:
			kind, number, text = 't', uint64(len(v)), []byte(v)
		case []byte:
			kind, number, text = 'b', uint64(len(v)), v
		}
		size[0] = kind
		binary.BigEndian.PutUint64(size[1:], number)
		h.Write(size[:])
		h.Write(text)
	}
	one := h.Sum(nil)
	d.rows++
	for i := range d.sum {
		d.sum[i] += binary.BigEndian.Uint64(one[8*i:])
	}
}

// String is what people compare.
func (d digest) String() string { return fmt.Sprintf("%016x", d.sum[0]) }

// What one statement carries at most: parameters, far under PostgreSQL's 65,535,
// and bytes of texts, give or take a row.
const (
	most     = 8192
	mostText = 1 << 20
)

// inserter writes the rows of a table: on PostgreSQL many with one statement,
// since each is a journey; on SQLite one by one, since there each parameter
// costs more the more there are.
type inserter struct {
	*copying
	table   table
	yesNo   []bool // which columns are boolean in the target
	atOnce  int
	pending []any
	size    int // bytes of pending texts
}

func (c *copying) inserter(t table) *inserter {
	i := &inserter{copying: c, table: t, atOnce: 1}
	for _, column := range c.into[t.name].columns { // of both in the order of their names
		i.yesNo = append(i.yesNo, column.kind == "boolean")
	}
	if c.postgres {
		i.atOnce = max(1, most/len(t.columns))
	}
	return i
}

func (i *inserter) add(ctx context.Context, row []any) error {
	for n, v := range row {
		if number, ok := v.(int64); ok && i.yesNo[n] {
			v = number != 0
		}
		i.pending = append(i.pending, v)
		switch v := v.(type) {
		case string:
			i.size += len(v)
		case []byte:
			i.size += len(v)
		}
	}
	if len(i.pending) < i.atOnce*len(row) && i.size < mostText {
		return nil
	}
	return i.flush(ctx)
}

func (i *inserter) flush(ctx context.Context) error {
	if len(i.pending) == 0 {
		return nil
	}
	_, err := i.target.ExecContext(ctx, i.statement(len(i.pending)/len(i.table.columns)), i.pending...)
	i.pending, i.size = i.pending[:0], 0
	return err
}

func (i *inserter) statement(rows int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "insert into %s (%s) ", i.table.name, strings.Join(quoted(i.table), ", "))
	if i.postgres {
		b.WriteString("overriding system value ")
	}
	b.WriteString("values ")
	n := 0
	for row := range rows {
		if row > 0 {
			b.WriteString(", ")
		}
		b.WriteString("(")
		for column := range i.table.columns {
			if column > 0 {
				b.WriteString(", ")
			}
			n++
			fmt.Fprintf(&b, "$%d", n)
		}
		b.WriteString(")")
	}
	return b.String()
}
