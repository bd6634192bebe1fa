package app

import (
	"os"
	"runtime/debug"
)

// SpareMemory makes the process collect garbage when it is half as much as what
// is in use, not as much, unless GOGC says otherwise. What is large in cxm is a
// few tables without pointers (internal/table), which cost nothing to look
// through, so that memory is saved for little work: a third at a million
// findings. It is for main; a library does not decide about its process.
func SpareMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}
