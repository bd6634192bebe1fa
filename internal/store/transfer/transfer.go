// Package transfer copies all that one database holds into another that is empty,
// whatever kinds the two are.
//
// What always holds: what is read is one moment of the source; the target gets
// all of it, compared row by row, or nothing; jobs of the queue stay behind,
// since they are made again.
package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// ErrNotEmpty says that the target holds something already.
var ErrNotEmpty = errors.New("the target is not empty: copy into a new database, or into a file that does not exist")

// Table is what there is of one table.
type Table struct {
	Name     string `json:"table"`
	Rows     int64  `json:"rows"`
	Checksum string `json:"checksum,omitempty"` // of all rows in any order, the same for the same rows on both kinds of database; empty: not asked for
}

// Counts says how many rows each table has.
func Counts(ctx context.Context, d *database.DB) ([]Table, error) {
	var out []Table
	err := d.Read(ctx, func(tx db.DBTX) error {
		tables, err := describe(ctx, tx, d)
		for _, t := range tables {
			one := Table{Name: t.name}
			if err := tx.QueryRowContext(ctx, "select count(*) from "+t.name).Scan(&one.Rows); err != nil {
				return err
			}
			out = append(out, one)
		}
		return err
	})
	return byName(out), err
}

// byName is the order for people; they are copied in another.
func byName(tables []Table) []Table {
	slices.SortFunc(tables, func(a, b Table) int { return strings.Compare(a.Name, b.Name) })
	return tables
}

// Copy copies everything from one database into another of the same schema, and
// says what there is of each table by now. With mark, every group of findings is
// then marked as changed, so that the next run looks at each. The error is
// ErrNotEmpty when the target holds something.
func Copy(ctx context.Context, from, to *database.DB, mark bool) ([]Table, error) {
	var out []Table
	err := from.Read(ctx, func(source db.DBTX) error {
		tables, err := describe(ctx, source, from)
		if err != nil {
			return err
		}
		return to.WriteAlone(ctx, database.Change{Point: "copy", Do: func(ctx context.Context, target db.DBTX) error {
			c := copying{source: source, target: target, postgres: to.Pool() != nil}
			if err := c.prepare(ctx, tables, to); err != nil {
				return err
			}
			if out, err = c.all(ctx, tables); err != nil || !mark {
				return err
			}
			return anew(ctx, target)
		}})
	})
	if err != nil {
		return nil, fmt.Errorf("copying %s to %s: %w", from.Name(), to.Name(), err)
	}
	return byName(out), nil
}

// anew sees to it that the next run looks at everything. The jobs of a shared run
// are not copied, so that nobody would go on with it: it ends here.
func anew(ctx context.Context, target db.DBTX) error {
	for _, statement := range []string{
		"update finding_groups set dirty = true, version = version + 1",
		"update journal set outcome = 'skipped', trouble = 'the database was copied before its turn came' where outcome = 'planned' and run_id in (select id from runs where state = 'running' and shared)",
		"update runs set state = 'finished' where state = 'running' and shared",
	} {
		if _, err := target.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// copying is one copy under way.
type copying struct {
	source, target db.DBTX
	postgres       bool             // the target is PostgreSQL
	into           map[string]table // the target's tables by name
}

// prepare sees that the target has the same tables, and that they are empty and
// stay so for everybody else.
func (c *copying) prepare(ctx context.Context, tables []table, to *database.DB) error {
	there, err := describe(ctx, c.target, to)
	if err != nil {
		return err
	}
	if a, b := shape(tables), shape(there); a != b {
		return errors.New("the two have different schemas: run `cxm database migrate` on both with the same version of cxm")
	}
	c.into = map[string]table{}
	var names []string
	for _, t := range there {
		c.into[t.name] = t
		names = append(names, t.name)
	}
	if c.postgres {
		if _, err := c.target.ExecContext(ctx, "lock table "+strings.Join(names, ", ")+" in exclusive mode"); err != nil {
			return err
		}
	}
	for _, name := range names {
		var rows int64
		if err := c.target.QueryRowContext(ctx, "select count(*) from (select 1 from "+name+" limit 1) as probe").Scan(&rows); err != nil {
			return err
		}
		if rows > 0 {
			return fmt.Errorf("%w (its table %s has rows)", ErrNotEmpty, name)
		}
	}
	return nil
}

func (c *copying) all(ctx context.Context, tables []table) ([]Table, error) {
	var out []Table
	for _, t := range tables {
		one, err := c.table(ctx, t)
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", t.name, err)
		}
		out = append(out, one)
	}
	return out, nil
}

// table copies one table, reads back what the target has of it, and compares.
func (c *copying) table(ctx context.Context, t table) (Table, error) {
	sent, err := c.send(ctx, t)
	if err != nil {
		return Table{}, err
	}
	got, err := c.sum(ctx, t)
	if err != nil {
		return Table{}, err
	}
	if got != sent {
		return Table{}, fmt.Errorf("the target has %d rows with checksum %s, not %d with %s: nothing was kept", got.rows, got, sent.rows, sent)
	}
	return Table{Name: t.name, Rows: got.rows, Checksum: got.String()}, c.advance(ctx, t)
}

// send streams the rows from the source to the target.
func (c *copying) send(ctx context.Context, t table) (digest, error) {
	var sent digest
	insert := c.inserter(t)
	err := each(ctx, c.source, t, func(row []any) error {
		if c.postgres {
			plain(row)
		}
		sent.add(row)
		return insert.add(ctx, row)
	})
	if err != nil {
		return sent, err
	}
	return sent, insert.flush(ctx)
}

// plain replaces what PostgreSQL's texts cannot hold.
func plain(row []any) {
	for i, v := range row {
		if text, ok := v.(string); ok {
			row[i] = database.Text(text)
		}
	}
}

// sum reads what the target has of a table.
func (c *copying) sum(ctx context.Context, t table) (digest, error) {
	var got digest
	err := each(ctx, c.target, t, func(row []any) error {
		got.add(row)
		return nil
	})
	return got, err
}

// advance has PostgreSQL give out ids behind those that were copied.
func (c *copying) advance(ctx context.Context, t table) error {
	for _, column := range c.into[t.name].columns {
		if !column.identity {
			continue
		}
		_, err := c.target.ExecContext(ctx, fmt.Sprintf(
			"select setval(pg_get_serial_sequence('%[1]s', '%[2]s'), (select coalesce(max(%[2]s), 0) + 1 from %[1]s), false)", t.name, column.name))
		if err != nil {
			return err
		}
	}
	return nil
}
