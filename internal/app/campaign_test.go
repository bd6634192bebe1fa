package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestCampaigns counts what was done while a campaign ran, and what is left.
func TestCampaigns(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "10"), disk(2, "20"), disk(3, "30"), disk(4, "40"))
	b.want("++++")
	from, to := b.clock.now().AddDate(0, 0, 1), b.clock.now().AddDate(0, 0, 30)
	// Disk 4 is gone before the campaign begins.
	for range 2 {
		b.aws(disk(1, "10"), disk(2, "20"), disk(3, "30"))
	}
	b.want("-")
	b.rule(fmt.Sprintf("version: 1\nrules:\n  - {name: all}\ncampaigns:\n  old volumes: {from: %s, to: %s, rules: all, goal: 100 USD}\n", from.Format(time.DateOnly), to.Format(time.DateOnly)))
	b.clock.forward(48 * time.Hour)
	for range 2 {
		b.aws(disk(1, "10"), disk(2, "20"))
	}
	b.want("-")
	b.edit(b.about(1).IID, map[string]any{"state_event": "close"}) // a person will not do the first
	if _, err := b.app.Plan(b.Context(), 0); err != nil {
		t.Fatal(err)
	}
	all, err := b.app.Campaigns(b.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%d campaigns (%v)", len(all), err)
	}
	c := all[0]
	if c.Tally.Done != 1 || c.Tally.Left != 1 || c.DoneSavings.Show() != "30.00 USD" || c.LeftSavings.Show() != "20.00 USD" || c.Percent != 30 {
		t.Errorf("%+v", c)
	}
	if !strings.HasPrefix(c.Words, "on track until") {
		t.Errorf("it says %q", c.Words)
	}
}
