// Package migrations holds the schema of both databases, in the steps in which it
// grew.
//
// What always holds: a step that was released is never changed; both folders
// make the same tables and columns; a step only adds (tables, columns with a
// default, indexes), since replicas of the version before run beside it. What a
// version no longer needs is removed by a step of the release after it
// (docs/operations.md, "Upgrade").
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed sqlite/*.sql
var sqlite embed.FS

//go:embed postgres/*.sql
var postgres embed.FS

// SQLite is the steps for SQLite.
func SQLite() (fs.FS, error) { return fs.Sub(sqlite, "sqlite") }

// PostgreSQL is the steps for PostgreSQL.
func PostgreSQL() (fs.FS, error) { return fs.Sub(postgres, "postgres") }
