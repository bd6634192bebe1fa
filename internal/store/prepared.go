package store

import (
	"context"
	"database/sql"
	"fmt"
)

// prepared runs statements within one transaction and prepares each only once:
// the loops of this package run the same few statements many times. The end of
// the transaction closes them.
type prepared struct {
	tx         *sql.Tx
	statements map[string]*sql.Stmt
}

func prepare(tx *sql.Tx) *prepared { return &prepared{tx: tx, statements: map[string]*sql.Stmt{}} }

// PrepareContext returns the statement for a text.
func (p *prepared) PrepareContext(ctx context.Context, text string) (*sql.Stmt, error) {
	if statement := p.statements[text]; statement != nil {
		return statement, nil
	}
	statement, err := p.tx.PrepareContext(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("preparing a statement: %w", err)
	}
	p.statements[text] = statement
	return statement, nil
}

// ExecContext runs a statement that gives no rows.
func (p *prepared) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	statement, err := p.PrepareContext(ctx, text) //nolint:sqlclosecheck // the end of the transaction closes it
	if err != nil {
		return nil, err
	}
	return statement.ExecContext(ctx, args...)
}

// QueryContext runs a statement that gives rows.
func (p *prepared) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	statement, err := p.PrepareContext(ctx, text) //nolint:sqlclosecheck // the end of the transaction closes it
	if err != nil {
		return nil, err
	}
	return statement.QueryContext(ctx, args...)
}

// QueryRowContext runs a statement that gives one row. Where it cannot be
// prepared the transaction says why, as sql.Row can hold an error only so.
func (p *prepared) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	statement, err := p.PrepareContext(ctx, text) //nolint:sqlclosecheck // the end of the transaction closes it
	if err != nil {
		return p.tx.QueryRowContext(ctx, text, args...)
	}
	return statement.QueryRowContext(ctx, args...)
}
