package transfer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// table is a table as a database describes it.
type table struct {
	name    string
	columns []column
	refs    []string // tables that its rows refer to
}

type column struct {
	name     string
	kind     string // PostgreSQL's name of the type; empty on SQLite
	identity bool   // PostgreSQL numbers it
}

func (t table) names() []string {
	var out []string
	for _, c := range t.columns {
		out = append(out, c.name)
	}
	return out
}

// describe lists the tables of a database so that each comes behind those that
// its rows refer to: all but the schema's own record and the queue's.
func describe(ctx context.Context, tx db.DBTX, d *database.DB) ([]table, error) {
	columns, refs := sqliteColumns, sqliteRefs
	if d.Pool() != nil {
		columns, refs = postgresColumns, postgresRefs
	}
	tables := map[string]*table{}
	err := scan(ctx, tx, columns, func(name, part, kind string, identity bool) {
		if tables[name] == nil {
			tables[name] = &table{name: name}
		}
		tables[name].columns = append(tables[name].columns, column{name: part, kind: kind, identity: identity})
	})
	if err != nil {
		return nil, err
	}
	err = scan(ctx, tx, refs, func(name, to, _ string, _ bool) {
		if t := tables[name]; t != nil && to != name {
			t.refs = append(t.refs, to)
		}
	})
	if err != nil {
		return nil, err
	}
	if len(tables) == 0 {
		return nil, fmt.Errorf("%s has no tables of cxm: run `cxm database migrate` first", d.Name())
	}
	return ordered(tables), nil
}

// The queries give a table, then a column with its type and whether the database
// numbers it, or a table that it refers to.
const (
	sqliteColumns = `select t.name, c.name, '', 0 from sqlite_schema t join pragma_table_info(t.name) c
		where t.type = 'table' and t.name not like 'sqlite\_%' escape '\' and t.name <> 'goose_db_version' and t.name not like 'river\_%' escape '\'
		order by t.name, c.name`
	sqliteRefs = `select t.name, f."table", '', 0 from sqlite_schema t join pragma_foreign_key_list(t.name) f
		where t.type = 'table' order by t.name, f."table"`
	postgresColumns = `select t.relname::text, c.attname::text, format_type(c.atttypid, c.atttypmod), c.attidentity <> ''
		from pg_class t join pg_attribute c on c.attrelid = t.oid and c.attnum > 0 and not c.attisdropped
		where t.relkind = 'r' and t.relnamespace = current_schema()::regnamespace and t.relname <> 'goose_db_version' and t.relname not like 'river\_%'
		order by t.relname collate "C", c.attname collate "C"`
	postgresRefs = `select t.relname::text, r.relname::text, '', false
		from pg_constraint f join pg_class t on t.oid = f.conrelid join pg_class r on r.oid = f.confrelid
		where f.contype = 'f' and t.relnamespace = current_schema()::regnamespace order by t.relname collate "C", r.relname collate "C"`
)

func scan(ctx context.Context, tx db.DBTX, query string, f func(a, b, c string, yes bool)) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var a, b, c string
		var yes bool
		if err := rows.Scan(&a, &b, &c, &yes); err != nil {
			return err
		}
		f(a, b, c, yes)
	}
	return rows.Err()
}

// ordered puts tables behind those they refer to, and else by name.
func ordered(tables map[string]*table) []table {
	var out []table
	done := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		t := tables[name]
		if t == nil || done[name] {
			return
		}
		done[name] = true
		for _, ref := range t.refs {
			visit(ref)
		}
		out = append(out, *t)
	}
	var names []string
	for name := range tables {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		visit(name)
	}
	return out
}

// shape is what two databases must have in common.
func shape(tables []table) string {
	var lines []string
	for _, t := range tables {
		lines = append(lines, t.name+": "+strings.Join(t.names(), " "))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
