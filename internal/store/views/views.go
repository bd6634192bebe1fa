// Package views keeps what people keep of the pages: the lists that they gave a
// name, and what could be saved on each day.
//
// What always holds: every row and every query carries the tenant; a view is of the
// person alone who saved it; a day is what was last known of it, and days that
// nothing is known of are not there.
package views

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// Bounds of what people save.
const (
	Most         = 50   // views of one person
	LongestName  = 80   // characters
	longestQuery = 2000 // bytes
)

// Kept is how long days are kept.
const Kept = 2 * 366 * 24 * time.Hour

// Fault says why a view is not saved, in words for people.
type Fault struct{ Text string }

// Error is the text, for who saves the view.
func (f *Fault) Error() string { return f.Text }

// Store is one tenant's part.
type Store struct {
	base   *database.DB
	tenant string
}

// New is the part of the database that belongs to a tenant.
func New(base *database.DB, tenant string) *Store { return &Store{base: base, tenant: tenant} }

// View is a list that somebody gave a name.
type View struct {
	ID    int64
	Name  string
	Query string // of the list's address
}

// Views lists those of a person by name.
func (s *Store) Views(ctx context.Context, person int64) ([]View, error) {
	var out []View
	err := s.read(ctx, "listing saved views", func(q *db.Queries) error {
		rows, err := q.SavedViews(ctx, s.tenant, person)
		for _, r := range rows {
			out = append(out, View(r))
		}
		return err
	})
	return out, err
}

// Save keeps a view of a person, in place of their one of the same name. What is
// wrong with it is a *Fault.
func (s *Store) Save(ctx context.Context, person int64, name, query string, now time.Time) error {
	name = strings.Join(strings.Fields(strings.ToValidUTF8(strings.ReplaceAll(name, "\x00", ""), "")), " ")
	switch {
	case name == "":
		return &Fault{"the view needs a name: say what it shows"}
	case utf8.RuneCountInString(name) > LongestName:
		return &Fault{fmt.Sprintf("the name has more than %d characters: choose a shorter one", LongestName)}
	case len(query) > longestQuery || strings.ContainsRune(query, 0):
		return &Fault{"the filters are too long to be kept: use fewer of them"}
	}
	return s.save(ctx, "save view", "saving a view", func(ctx context.Context, q *db.Queries) error {
		others, err := q.CountViews(ctx, s.tenant, person, name)
		if err == nil && others >= Most {
			err = &Fault{fmt.Sprintf("you have %d saved views already: remove one first", Most)}
		}
		if err != nil {
			return err
		}
		return q.SaveView(ctx, db.SaveViewParams{Tenant: s.tenant, Person: person, Name: name, Query: query, MadeAt: db.Time{Time: now}})
	})
}

// Drop removes a view of a person. The error is database.ErrNotFound when they have
// none of that id.
func (s *Store) Drop(ctx context.Context, person, id int64) error {
	return s.save(ctx, "drop view", "removing a saved view", func(ctx context.Context, q *db.Queries) error {
		n, err := q.DropView(ctx, s.tenant, person, id)
		if err == nil && n == 0 {
			err = db.ErrNotFound
		}
		return err
	})
}

// Day is what could be saved a month on a day, as it was last known.
type Day struct {
	Day           string // in UTC: 2026-03-14
	Open, Working money.Totals
	At            time.Time
}

// Record keeps what is known of a day, in place of what was known before.
func (s *Store) Record(ctx context.Context, d Day) error {
	return s.save(ctx, "record day", "keeping what can be saved today", func(ctx context.Context, q *db.Queries) error {
		if err := q.DropDay(ctx, s.tenant, d.Day); err != nil {
			return err
		}
		for code, open := range d.Open {
			err := q.SaveDay(ctx, db.SaveDayParams{
				Tenant: s.tenant, Day: d.Day, Currency: code, Open: open.String(), Working: d.Working[code].String(), At: db.Time{Time: d.At},
			})
			if err != nil {
				return err
			}
		}
		return q.DropDaysBefore(ctx, s.tenant, d.At.Add(-Kept).UTC().Format(time.DateOnly))
	})
}

// Days lists the days from one on, the oldest first.
func (s *Store) Days(ctx context.Context, since time.Time) ([]Day, error) {
	var out []Day
	err := s.read(ctx, "reading what could be saved", func(q *db.Queries) error {
		rows, err := q.SavingDays(ctx, s.tenant, since.UTC().Format(time.DateOnly))
		for _, r := range rows {
			if len(out) == 0 || out[len(out)-1].Day != r.Day {
				out = append(out, Day{Day: r.Day, Open: money.Totals{}, Working: money.Totals{}, At: r.At.Time})
			}
			last := out[len(out)-1]
			if last.Open[r.Currency], err = decimal.NewFromString(r.Open); err != nil {
				return err
			}
			if last.Working[r.Currency], err = decimal.NewFromString(r.Working); err != nil {
				return err
			}
		}
		return err
	})
	return out, err
}

func (s *Store) read(ctx context.Context, doing string, f func(*db.Queries) error) error {
	return wrap(doing, s.base.Read(ctx, func(tx db.DBTX) error { return f(db.New(tx)) }))
}

func (s *Store) save(ctx context.Context, point, doing string, f func(context.Context, *db.Queries) error) error {
	return wrap(doing, s.base.Write(ctx, database.Change{Point: point, Tenant: s.tenant, Do: func(ctx context.Context, tx db.DBTX) error {
		return f(ctx, db.New(tx))
	}}))
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
