package survey

import (
	"testing"

	"cxm/internal/api"
	"cxm/internal/plan"
	"cxm/internal/plan/stand"
	"cxm/internal/signin/role"
)

// TestWay: from every place at which something can be done a way leads on, and no
// role is led to what it may not do.
func TestWay(t *testing.T) {
	all, none := func(role.Permission) bool { return true }, func(p role.Permission) bool { return p == role.Read }
	two := int64(2)
	for _, c := range []struct {
		at           stand.Stage
		member, view string
	}{
		{stand.NotReceived, "/settings/sources", "/settings/sources"},
		{stand.Unread, "/settings/sources", "/settings/sources"},
		{stand.Unknown, "/settings/sources", "/settings/sources"},
		{stand.NotConnected, "/settings/integrations", "/settings/integrations"},
		{stand.Lost, "/settings/integrations/2", "/settings/integrations/2"},
		{stand.NoAccess, "/settings/integrations/2", "/settings/integrations/2"},
		{stand.Broken, "/settings/integrations/2", "/settings/integrations/2"},
		{stand.Failed, "/settings/integrations/2", "/settings/integrations/2"},
		{stand.InDoubt, "/runs/plan?integration=2", "/runs/plan?integration=2"},
		{stand.Planned, "/runs/plan?integration=2", "/runs/plan?integration=2"},
		{stand.Held, "/runs/8", "/runs/8"},
		{stand.Running, "/runs/8", "/runs/8"},
		{stand.Capped, "/settings/rules/backlog", "/settings/rules/backlog"},
		{stand.SetAside, "#decide", "/findings/decisions"},
		{stand.Settled, "/settings/rules/test?finding=v1%3Aa", "/settings/rules"},
		{stand.Absent, "", ""}, {stand.Missing, "", ""}, {stand.Resting, "", ""}, {stand.HasIssue, "", ""},
	} {
		s := api.Stand{Stage: string(c.at), Integration: &two}
		member, view := ways{"v1:a", 8, all}.of(s), ways{"v1:a", 8, none}.of(s)
		if member.URL != c.member || view.URL != c.view || (member.Text == "") != (c.member == "") {
			t.Errorf("%s: %+v and %+v, want %s and %s", c.at, member, view, c.member, c.view)
		}
		if (ways{"v1:a", 0, all}).of(api.Stand{Stage: string(c.at)}).URL == "" && c.member != "" {
			t.Errorf("%s: without an integration and a run there is no way", c.at)
		}
	}
	if got := holding([]plan.Entry{{Run: 9, Outcome: plan.Done}, {Run: 8, Outcome: plan.Planned}}); got != 8 {
		t.Errorf("run %d holds it", got)
	}
}
