package database

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
)

// kept holds the statements that a pool of connections keeps prepared from one
// transaction to the next: the texts are few (the store's queries), and preparing one costs more than running it.
type kept struct {
	db *sql.DB

	mu         sync.Mutex
	statements map[string]*sql.Stmt
	wanted     []string // texts that a transaction used and that are not kept yet
}

func newKept(db *sql.DB) *kept { return &kept{db: db, statements: map[string]*sql.Stmt{}} }

// catchUp prepares what earlier transactions wanted. It waits for a connection
// of the pool, so nobody calls it within a transaction, and it holds no lock
// meanwhile: the transaction that has the connection may want a statement. What
// cannot be prepared now is prepared by the transaction that wants it, which also
// says why not.
func (k *kept) catchUp(ctx context.Context) {
	for _, text := range k.takeWanted() {
		statement, err := k.db.PrepareContext(ctx, text) // close closes it
		if err == nil {
			k.keep(text, statement)
		}
	}
}

// takeWanted hands out the texts that are to be prepared, each once.
func (k *kept) takeWanted() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var wanted []string
	for _, text := range k.wanted {
		if k.statements[text] == nil && !slices.Contains(wanted, text) {
			wanted = append(wanted, text)
		}
	}
	k.wanted = nil
	return wanted
}

// keep keeps a statement, unless another one of the same text was faster.
func (k *kept) keep(text string, statement *sql.Stmt) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.statements[text] != nil {
		_ = statement.Close() // the other one does the same
		return
	}
	k.statements[text] = statement
}

func (k *kept) find(text string) *sql.Stmt {
	k.mu.Lock()
	defer k.mu.Unlock()
	statement := k.statements[text]
	if statement == nil {
		k.wanted = append(k.wanted, text)
	}
	return statement
}

// close closes the statements and the pool.
func (k *kept) close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, statement := range k.statements {
		_ = statement.Close() // its connection is closed next
	}
	clear(k.statements)
	return k.db.Close()
}

// in is how one transaction runs its statements.
func (k *kept) in(tx *sql.Tx) *prepared {
	return &prepared{tx: tx, kept: k, statements: map[string]*sql.Stmt{}}
}

// prepared runs statements within one transaction, each prepared at most once.
// The end of the transaction closes them, not those that are kept.
type prepared struct {
	tx         *sql.Tx
	kept       *kept
	statements map[string]*sql.Stmt
}

// PrepareContext returns the statement for a text.
func (p *prepared) PrepareContext(ctx context.Context, text string) (*sql.Stmt, error) {
	if statement := p.statements[text]; statement != nil {
		return statement, nil
	}
	var err error
	statement := p.kept.find(text)
	if statement != nil {
		statement = p.tx.StmtContext(ctx, statement)
	} else if statement, err = p.tx.PrepareContext(ctx, text); err != nil {
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
