package scenario

import (
	"fmt"
	"os"
	"testing"
)

// TestMain runs the tests, or, in a process that a test has started, cxm alone:
// see task.
func TestMain(m *testing.M) {
	if text := os.Getenv(childEnv); text != "" {
		os.Exit(runChild(text))
	}
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
