package ruling

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
)

// Campaigning is how far a campaign has come.
type Campaigning struct {
	attention.Campaign
	attention.Tally
	attention.Progress
}

// Campaigns says how far campaigns have come, ordered as they are. Done is what was
// proved gone within the campaign's time and had an issue; left is what has an open
// issue, or waits for one. What people closed although it is still there is neither.
func Campaigns(ctx context.Context, all []attention.Campaign, groups Groups, now time.Time) ([]Campaigning, error) {
	out := make([]Campaigning, len(all))
	for i, c := range all {
		out[i] = Campaigning{Campaign: c, Tally: attention.Tally{DoneSavings: money.Totals{}, LeftSavings: money.Totals{}}}
	}
	err := groups(ctx, func(g rule.Group, have []issue.Tracked) error {
		for i := range out {
			if out[i].Holds(g.Rule) && g.Left == nil && g.Ignored == "" {
				count(&out[i].Tally, out[i].Campaign, g, have)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("counting the issues of campaigns: %w", err)
	}
	for i := range out {
		out[i].Progress = out[i].Campaign.Progress(out[i].Tally, now)
	}
	return out, nil
}

// count adds a group to what has become of a campaign's issues.
func count(t *attention.Tally, c attention.Campaign, g rule.Group, have []issue.Tracked) {
	gone := g.Detection() == finding.Absent
	switch made, refused := fate(have); {
	case gone && made && c.Covers(since(g)):
		t.Done++
		add(t.DoneSavings, g)
	case !gone && !refused:
		t.Left++
		add(t.LeftSavings, g)
	}
}

// fate is whether an issue was ever made, and whether people closed the one there is.
func fate(have []issue.Tracked) (made, refused bool) {
	for _, t := range have {
		switch t.Phase {
		case issue.Live:
			made, refused = true, refused || t.Observed.State == issue.Closed
		case issue.Retired, issue.Lost:
			made = true
		}
	}
	return made, refused
}

// since is when the last of a group's findings was proved gone.
func since(g rule.Group) time.Time {
	last := slices.MaxFunc(g.Members, func(a, b rule.Member) int { return a.Sighting.Since.Compare(b.Sighting.Since) })
	return last.Sighting.Since
}

func add(to money.Totals, g rule.Group) {
	totals, _ := g.Totals()
	for currency, amount := range totals {
		to.Add(money.Known(amount), currency)
	}
}
