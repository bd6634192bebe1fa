package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// errBroken marks a change whose connection broke before it was told to commit.
var errBroken = errors.New("the connection to PostgreSQL broke")

// again says that a change left nothing behind and may succeed when it is made
// once more: PostgreSQL gave it up for another (a serialization failure, a
// deadlock), somebody else wrote the same row first (so that the change, which
// did not see it, will), or the connection broke.
func again(err error, attempt int) bool {
	if told, ok := errors.AsType[*pgconn.PgError](err); ok {
		return told.Code == "40001" || told.Code == "40P01" || (told.Code == "23505" && attempt < 3) || errors.Is(err, errBroken)
	}
	return errors.Is(err, errBroken)
}

// committing tells apart how a commit fails: PostgreSQL said no, or nobody knows.
// What pgx says about it being safe to retry is not believed: it says so of a
// commit that was sent and whose connection broke then (pgx v5.12.0, "conn
// closed"; TestAnswerToACommitIsLost).
func committing(err error) error {
	var told *pgconn.PgError
	switch {
	case errors.As(err, &told) && !ending(told):
		return err
	case errors.Is(err, pgx.ErrTxCommitRollback):
		return err
	}
	return fmt.Errorf("%w (%w)", ErrUncertain, err)
}

// ending says that the server is on its way down, or the connection is.
func ending(e *pgconn.PgError) bool {
	return strings.HasPrefix(e.Code, "57P") || strings.HasPrefix(e.Code, "08")
}

// explain adds what to do to errors that are about the connection.
func (d *DB) explain(err error) error {
	if d.pool == nil {
		return err
	}
	return explain(err)
}

func explain(err error) error {
	if err == nil || errors.Is(err, ErrUncertain) || !lost(err) {
		return err
	}
	return fmt.Errorf("%w (%s)", ErrUnreachable, line(err))
}

// line is an error in one line: pgx gives each address it tried one of its own,
// and tries some twice.
func line(err error) string {
	var out []string
	for each := range strings.Lines(err.Error()) {
		each = strings.TrimSuffix(strings.TrimSpace(each), ")")
		if !slices.Contains(out, each) {
			out = append(out, each)
		}
	}
	return strings.Join(out, " ")
}

// lost says that an error is about the connection, not about the statement.
func lost(err error) bool {
	var told *pgconn.PgError
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.As(err, &connect), errors.Is(err, errBroken), errors.Is(err, driver.ErrBadConn):
		return true
	case errors.As(err, &told):
		return ending(told)
	}
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
