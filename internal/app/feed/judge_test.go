package feed_test

import (
	"strings"
	"testing"
	"time"

	"cxm/internal/app/feed"
	"cxm/internal/store/scopes"
)

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC) }

// daily is a source's pulls, one a day up to days ago; "c" is complete, "-" is not.
func daily(daysAgo int, which string) []scopes.Pull {
	var out []scopes.Pull
	for i, c := range which {
		p := scopes.Pull{At: noon().AddDate(0, 0, -daysAgo-i), Complete: c == 'c'}
		if !p.Complete {
			p.Reasons = []string{"page 2 is missing"}
		}
		out = append(out, p)
	}
	return out
}

func TestJudge(t *testing.T) {
	const hub, alerts = "aws-cost-optimization-hub", "alertmanager"
	for name, c := range map[string]struct {
		of   scopes.Health
		want feed.Kind
		says string
	}{
		"nothing came yet":                  {scopes.Health{Source: hub}, feed.Fine, ""},
		"well":                              {scopes.Health{Source: hub, Pulls: daily(0, "ccccc")}, feed.Fine, ""},
		"refused":                           {scopes.Health{Source: hub, Pulls: daily(1, "c"), Refused: scopes.Refusal{At: noon(), Why: "field items: it is no list"}}, feed.Refused, "could not be taken in: field items"},
		"refused, and nothing else ever":    {scopes.Health{Source: alerts, Refused: scopes.Refusal{At: noon(), Why: "no JSON"}}, feed.Refused, "no JSON"},
		"once incomplete is an accident":    {scopes.Health{Source: hub, Pulls: daily(0, "-ccc")}, feed.Fine, ""},
		"twice incomplete is not":           {scopes.Health{Source: hub, Pulls: daily(0, "--cc")}, feed.Incomplete, "2 snapshots were not complete: page 2 is missing"},
		"incomplete before, not now":        {scopes.Health{Source: hub, Pulls: daily(0, "c---")}, feed.Fine, ""},
		"never complete":                    {scopes.Health{Source: hub, Pulls: daily(0, "---")}, feed.Incomplete, "3 or more snapshots"},
		"events are never complete":         {scopes.Health{Source: alerts, Pulls: daily(0, "---")}, feed.Fine, ""},
		"three days of silence":             {scopes.Health{Source: hub, Pulls: daily(3, "cccc")}, feed.Fine, ""},
		"four days of silence":              {scopes.Health{Source: hub, Pulls: daily(4, "cccc")}, feed.Silent, "every 24 hours"},
		"too little is known to be usual":   {scopes.Health{Source: hub, Pulls: daily(40, "ccc")}, feed.Fine, ""},
		"events may well not come":          {scopes.Health{Source: alerts, Pulls: daily(40, "cccc")}, feed.Fine, ""},
		"many in an hour are given a night": {scopes.Health{Source: hub, Pulls: []scopes.Pull{{At: noon().Add(-35 * time.Hour), Complete: true}, {At: noon().Add(-36 * time.Hour), Complete: true}, {At: noon().Add(-37 * time.Hour), Complete: true}, {At: noon().Add(-38 * time.Hour), Complete: true}}}, feed.Fine, ""},
	} {
		got := feed.Judge(c.of, noon())
		if got.Kind != c.want || !strings.Contains(got.Why, c.says) || (got.Kind == feed.Fine) != (got.Why == "") {
			t.Errorf("%s: %+v, want %q with %q", name, got, c.want, c.says)
		}
	}
}
