package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// join hands out the transaction that is open on a connection of database/sql as
// pgx knows transactions, so that one commit keeps our rows and those of a
// library that speaks pgx. conn must not be used through database/sql meanwhile.
func join(conn *sql.Conn, f func(Tx) error) error {
	return conn.Raw(func(driver any) error {
		pgxConn, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the driver's connection is a %T, not pgx's", driver)
		}
		return f(Tx{PGX: &joined{connection: pgxConn.Conn()}})
	})
}

type connection = pgx.Conn

// joined is a transaction that somebody else ends. Those that are begun in it
// are savepoints, which their user ends.
type joined struct {
	*connection
	depth int // 0: the transaction itself
	ended bool
}

// errLent refuses to end a transaction that was only lent.
var errLent = errors.New("this transaction is ended by the store that opened it")

// Begin opens a savepoint.
func (j *joined) Begin(ctx context.Context) (pgx.Tx, error) {
	nested := &joined{connection: j.connection, depth: j.depth + 1}
	_, err := j.Exec(ctx, "savepoint "+nested.savepoint())
	return nested, err
}

// Commit keeps what was done since the savepoint.
func (j *joined) Commit(ctx context.Context) error { return j.end(ctx, "release savepoint ") }

// Rollback takes back what was done since the savepoint.
func (j *joined) Rollback(ctx context.Context) error { return j.end(ctx, "rollback to savepoint ") }

func (j *joined) end(ctx context.Context, how string) error {
	switch {
	case j.depth == 0:
		return errLent
	case j.ended:
		return pgx.ErrTxClosed
	}
	j.ended = true
	_, err := j.Exec(ctx, how+j.savepoint())
	return err
}

func (j *joined) savepoint() string { return fmt.Sprintf("joined_%d", j.depth) }

// Conn is the connection that the transaction is open on.
func (j *joined) Conn() *pgx.Conn { return j.connection }

// LargeObjects gives none: who borrows a transaction has no use for them.
func (j *joined) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }
