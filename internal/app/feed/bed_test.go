package feed_test

import (
	"os"
	"testing"

	"cxm/internal/app/apptest"
)

var databases = apptest.NewDatabases()

func TestMain(m *testing.M) { os.Exit(databases.Main(m)) }

// newBed is a sandbox GitLab with people, and cxm connected to it.
func newBed(t *testing.T) *apptest.Bed {
	t.Helper()
	return newBedOn(t, "")
}

// newBedOn is newBed on a database other than the data directory's own.
func newBedOn(t *testing.T, database string) *apptest.Bed {
	t.Helper()
	return databases.Connected(t, database)
}
