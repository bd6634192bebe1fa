package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// attempts is how often migrating starts over when another process migrates the
// same database at the same time. Each waits for the other's transaction, so
// that one attempt per migration and one more is enough.
const attempts = 5

// migrate brings the schema up to date. It is safe to run in several processes
// at once.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, files fs.FS, folder string) error {
	sub, err := fs.Sub(files, folder)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(dialect, db, sub)
	if err != nil {
		return err
	}
	for range attempts {
		if err = step(ctx, provider); err == nil {
			return nil
		}
	}
	return err
}

// step applies the migrations that the database lacks.
func step(ctx context.Context, provider *goose.Provider) error {
	has, knows, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reading its schema version (is it a database of cxm?): %w", err)
	}
	if has > knows {
		return fmt.Errorf("%w (its schema has version %d, this cxm knows %d)", ErrNewerSchema, has, knows)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("upgrading its schema from version %d to %d: %w", has, knows, err)
	}
	return nil
}
