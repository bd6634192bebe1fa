package finding_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cxm/internal/finding"
)

// TestDecided: what a decision needs, and what of it is kept.
func TestDecided(t *testing.T) {
	now := time.Date(2026, 3, 14, 12, 0, 0, 123456789, time.UTC)
	later := now.Add(24 * time.Hour)
	for name, c := range map[string]struct {
		given finding.Decided
		field string // at fault; empty: it is right
	}{
		"accepted":                 {finding.Decided{Decision: finding.Accepted}, ""},
		"taken back":               {finding.Decided{Decision: finding.Undecided, Reason: "a mistake"}, ""},
		"snoozed":                  {finding.Decided{Decision: finding.Snoozed, Until: later}, ""},
		"exception":                {finding.Decided{Decision: finding.Exception, Reason: "a test system"}, ""},
		"exception with an end":    {finding.Decided{Decision: finding.Exception, Reason: "a test system", Until: later}, ""},
		"nothing":                  {finding.Decided{}, "decision"},
		"something else":           {finding.Decided{Decision: "maybe"}, "decision"},
		"snoozed for ever":         {finding.Decided{Decision: finding.Snoozed}, "until"},
		"snoozed until now":        {finding.Decided{Decision: finding.Snoozed, Until: now}, "until"},
		"snoozed for a lifetime":   {finding.Decided{Decision: finding.Snoozed, Until: now.AddDate(40, 0, 0)}, "until"},
		"exception without why":    {finding.Decided{Decision: finding.Exception, Until: later}, "reason"},
		"exception for blanks":     {finding.Decided{Decision: finding.Exception, Reason: " \u200b\n\x00"}, "reason"},
		"a novel":                  {finding.Decided{Decision: finding.Accepted, Reason: strings.Repeat("ä", finding.LongestReason+1)}, "reason"},
		"a long one":               {finding.Decided{Decision: finding.Accepted, Reason: strings.Repeat("ä", finding.LongestReason)}, ""},
		"accepted until":           {finding.Decided{Decision: finding.Accepted, Until: later}, "until"},
		"taken back until":         {finding.Decided{Decision: finding.Undecided, Until: later}, "until"},
		"exception until the past": {finding.Decided{Decision: finding.Exception, Reason: "x", Until: now.Add(-time.Second)}, "until"},
	} {
		_, err := c.given.Settled(now)
		fault, _ := errors.AsType[*finding.Fault](err)
		if c.field == "" && err != nil || c.field != "" && (fault == nil || fault.Field != c.field) {
			t.Errorf("%s: %v, want a fault of %q", name, err, c.field)
		}
	}
	got, err := finding.Decided{Decision: finding.Exception, Reason: " two\r\n\tlines\u202e \x00of\xff ", By: "ada", Until: later.In(time.FixedZone("", 3600))}.Settled(now)
	want := finding.Decided{Decision: finding.Exception, Reason: "two lines of\ufffd", By: "ada", At: now.Truncate(time.Microsecond), Until: later.Truncate(time.Microsecond)}
	if err != nil || got != want {
		t.Errorf("%+v (%v), want %+v", got, err, want)
	}
}

// TestDecidedNow: a decision holds before its end, and nothing of it at the end.
func TestDecidedNow(t *testing.T) {
	end := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		d     finding.Decided
		at    time.Time
		want  finding.Decision
		aside bool
	}{
		{finding.Decided{}, end, finding.Undecided, false},
		{finding.Decided{Decision: finding.Accepted}, end, finding.Accepted, false},
		{finding.Decided{Decision: finding.Snoozed, Until: end}, end.Add(-time.Microsecond), finding.Snoozed, true},
		{finding.Decided{Decision: finding.Snoozed, Until: end}, end, finding.Undecided, false},
		{finding.Decided{Decision: finding.Exception, Until: end}, end.Add(time.Hour), finding.Undecided, false},
		{finding.Decided{Decision: finding.Exception}, end.AddDate(9, 0, 0), finding.Exception, true},
	} {
		if got := c.d.Now(c.at); got != c.want || c.d.Aside(c.at) != c.aside {
			t.Errorf("%+v at %v: %s", c.d, c.at, got)
		}
	}
	endless := finding.Decided{Decision: finding.Exception, At: end}
	if endless.ReviewDue(end.Add(finding.Review-1)) || !endless.ReviewDue(end.Add(finding.Review)) {
		t.Error("an exception without an end is to be reviewed after ninety days, and not before")
	}
	if (finding.Decided{Decision: finding.Exception, At: end, Until: end.AddDate(5, 0, 0)}).ReviewDue(end.AddDate(1, 0, 0)) {
		t.Error("an exception that ends by itself is reviewed")
	}
}

func TestDecidedSays(t *testing.T) {
	end := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for want, d := range map[string]finding.Decided{
		"undecided":                              {},
		"accepted by ada":                        {Decision: finding.Accepted, By: "ada"},
		"snoozed until 2026-06-01 by ada: later": {Decision: finding.Snoozed, Until: end, By: "ada", Reason: "later"},
		"excepted without an end by ada: a test": {Decision: finding.Exception, By: "ada", Reason: "a test"},
		"excepted until 2026-06-01 08:30 UTC: x": {Decision: finding.Exception, Until: end.Add(8*time.Hour + 30*time.Minute), Reason: "x"},
	} {
		if got := d.Says(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for text, want := range map[string]time.Time{"2026-06-01": end, " 2026-06-01T02:00:00+02:00 ": end, "": {}} {
		if got, err := finding.ParseUntil(text); err != nil || !got.Equal(want) {
			t.Errorf("%q is %v (%v)", text, got, err)
		}
	}
	for _, text := range []string{"tomorrow", "1.6.2026", "2026-06-31", "2026-06-01 08:00"} {
		if _, err := finding.ParseUntil(text); err == nil || !strings.Contains(err.Error(), "2026-06-01") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
