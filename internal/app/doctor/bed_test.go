package doctor_test

import (
	"os"
	"testing"

	"cxm/internal/app/apptest"
)

var databases = apptest.NewDatabases()

func TestMain(m *testing.M) { os.Exit(databases.Main(m)) }

// bed is a sandbox GitLab with people, and cxm connected to it.
type bed struct{ *apptest.Bed }

// newBed is a bed with a data directory of its own.
func newBed(t *testing.T) *bed {
	t.Helper()
	return newBedOn(t, "")
}

// newBedOn is newBed on a database other than the data directory's own.
func newBedOn(t *testing.T, database string) *bed {
	t.Helper()
	return &bed{databases.Connected(t, database)}
}
