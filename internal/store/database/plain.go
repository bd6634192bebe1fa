package database

import (
	"context"
	"database/sql"
	"strings"
	"unicode/utf8"

	"cxm/internal/store/db"
)

// plain runs statements on PostgreSQL with texts that it can hold. What people
// and servers said (a title, an error) may hold what no text column of
// PostgreSQL takes: NUL, and bytes that are not UTF-8. A step must not fail to
// be recorded for that.
type plain struct{ db.DBTX }

// Text replaces what PostgreSQL's texts cannot hold by the replacement character.
func Text(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

func texts(args []any) []any {
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			args[i] = Text(v)
		case sql.NullString:
			args[i] = sql.NullString{String: Text(v.String), Valid: v.Valid}
		}
	}
	return args
}

// ExecContext runs a statement that gives no rows.
func (p plain) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	return p.DBTX.ExecContext(ctx, text, texts(args)...)
}

// QueryContext runs a statement that gives rows.
func (p plain) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	return p.DBTX.QueryContext(ctx, text, texts(args)...)
}

// QueryRowContext runs a statement that gives one row.
func (p plain) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	return p.DBTX.QueryRowContext(ctx, text, texts(args)...)
}
