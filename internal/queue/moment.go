package queue

import (
	"fmt"
	"time"
)

// sqliteTime is how River writes times in SQLite: as text, in UTC.
const sqliteTime = "2006-01-02 15:04:05.000"

// moment is a time of River's, read from either database; zero: NULL.
type moment struct{ time.Time }

// Scan reads what a driver made of a time.
func (m *moment) Scan(from any) error {
	switch v := from.(type) {
	case nil:
		m.Time = time.Time{}
	case time.Time:
		m.Time = v.UTC()
	case string:
		t, err := time.Parse("2006-01-02 15:04:05.999999999", v)
		if err != nil {
			return fmt.Errorf("reading a time of a job: %w", err)
		}
		m.Time = t
	default:
		return fmt.Errorf("a time of a job is a %T", from)
	}
	return nil
}
