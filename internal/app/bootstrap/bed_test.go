package bootstrap_test

import (
	"os"
	"testing"

	"cxm/internal/app/apptest"
)

var databases = apptest.NewDatabases()

func TestMain(m *testing.M) { os.Exit(databases.Main(m)) }

// bed is a sandbox GitLab with people, and cxm beside it.
type bed struct{ *apptest.Bed }
