// Package db is the queries, as sqlc made them out of ../queries, and the type of
// a column of times.
//
// What always holds: nothing here is written by hand but this file; every query
// carries the tenant, those of limits apart, which are nobody's alone; every
// statement is one that both databases understand.
package db

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// layout is of one width, so that texts sort as times do. Microseconds are what
// PostgreSQL's timestamptz holds.
const layout = "2006-01-02T15:04:05.000000Z"

// Time is a moment in a column: text of one width in SQLite, timestamptz in
// PostgreSQL. The zero time is null. It is kept in UTC, cut to microseconds.
type Time struct{ time.Time }

// Value is the time as both databases read it.
func (t Time) Value() (driver.Value, error) {
	if t.IsZero() {
		return nil, nil
	}
	return t.UTC().Format(layout), nil
}

// Scan reads what either database holds.
func (t *Time) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		t.Time = time.Time{}
	case time.Time:
		t.Time = v.UTC()
	case string:
		parsed, err := time.Parse(layout, v)
		if err != nil {
			return &MisreadError{fmt.Sprintf("the time %.40q in the database is not written as %s", v, layout)}
		}
		t.Time = parsed
	default:
		return fmt.Errorf("a time in the database is a %T, not a text", value)
	}
	return nil
}

// MisreadError says that a column holds what cxm does not write there.
type MisreadError struct{ said string }

// Error says what it holds.
func (e *MisreadError) Error() string { return e.said }
