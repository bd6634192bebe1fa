package backlog_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/app/backlog"
	list "cxm/internal/issue/backlog"
	"cxm/internal/money"
)

// TestDue is the table above Due.
func TestDue(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	of := func(names ...string) list.List {
		var lines []list.Line
		for _, name := range names {
			lines = append(lines, list.Line{Group: name, Savings: money.Known(decimal.NewFromInt(10)), Currency: "USD"})
		}
		return list.New(lines)
	}
	lately, before := now.Add(-22*time.Hour), now.Add(-23*time.Hour)
	for name, c := range map[string]struct {
		list list.List
		was  backlog.Told
		want backlog.What
	}{
		"nothing, and nothing was told":                 {of(), backlog.Told{}, backlog.Nothing},
		"nothing, and that was told":                    {of(), backlog.Told{List: of("a"), At: before}, backlog.Nothing},
		"nothing any more":                              {of(), backlog.Told{List: of("a"), Present: true, At: before}, backlog.Resolve},
		"nothing any more, and it was written just now": {of(), backlog.Told{List: of("a"), Present: true, At: lately}, backlog.Resolve},
		"nothing any more, and a person closed it":      {of(), backlog.Told{List: of("a"), Present: true, Closed: true, At: before}, backlog.Resolve},
		"something for the first time":                  {of("a"), backlog.Told{}, backlog.Tell},
		"something, and its issue was never made":       {of("a"), backlog.Told{List: of("b"), Present: true}, backlog.Tell},
		"something again":                               {of("a"), backlog.Told{List: of("a"), At: before}, backlog.Tell},
		"something again, closed just now":              {of("a"), backlog.Told{List: of("a"), At: lately}, backlog.Nothing},
		"something again, and a person closed it":       {of("a"), backlog.Told{List: of("b"), Closed: true, At: before}, backlog.Nothing},
		"the same":                               {of("a", "b"), backlog.Told{List: of("b", "a"), Present: true, At: before}, backlog.Nothing},
		"something else":                         {of("a", "c"), backlog.Told{List: of("a", "b"), Present: true, At: before}, backlog.Tell},
		"something else, written just now":       {of("a", "c"), backlog.Told{List: of("a", "b"), Present: true, At: lately}, backlog.Nothing},
		"something else, and a person closed it": {of("a", "c"), backlog.Told{List: of("a", "b"), Present: true, Closed: true, At: before}, backlog.Nothing},
	} {
		if got := backlog.Due(c.list, c.was, now); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
