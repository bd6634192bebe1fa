package backlog

import (
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/issue"
	"cxm/internal/issue/backlog"
)

// daily is how long what was written in GitLab stays as it is: a day, less what a
// schedule may be early.
const daily = 23 * time.Hour

// Told is what people were told of a project last. The zero value: nothing.
type Told struct {
	List    backlog.List
	Present bool      // something waited
	Closed  bool      // a person closed the issue
	At      time.Time // when cxm last wrote to the issue, on GitLab's clock; zero: there is none, or it never did
}

// What is to be done about a digest.
type What string

// The things that may be done.
const (
	Nothing What = ""
	Tell    What = "tell"
	Resolve What = "resolve"
)

// Due says what is to be done about the digest of a project where list waits now:
//
//	waits now   was told            the issue                    to be done
//	---------   -----------------   --------------------------   ----------
//	nothing     nothing, or gone    any                          nothing
//	nothing     something           any                          resolve
//	something   any                 closed by a person           nothing, until they reopen it
//	something   any                 written to within the day    nothing yet
//	something   nothing, or gone    none, or written to before   tell
//	something   the same            none, or written to before   nothing
//	something   something else      none, or written to before   tell
//
// So an issue appears and is closed at once, and is not edited or reopened within a
// day of that.
func Due(list backlog.List, was Told, now time.Time) What {
	switch {
	case list.All.Count == 0 && was.Present:
		return Resolve
	case list.All.Count == 0, was.Closed, now.Sub(was.At) < daily:
		return Nothing
	case !was.Present, list.Differs(was.List, now, moved) != "":
		return Tell
	}
	return Nothing
}

// moved says that a saving is another one as far as issues are edited for it.
func moved(was, is decimal.NullDecimal, wasIn, isIn string) bool {
	differs, _ := issue.Significant(was, is, wasIn, isIn, issue.DefaultThresholds())
	return differs
}
