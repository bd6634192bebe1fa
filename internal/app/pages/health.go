package pages

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"cxm/internal/app"
	"cxm/internal/app/feed"
	"cxm/internal/integration/check"
	"cxm/internal/plan"
	"cxm/internal/store/scopes"
	"cxm/internal/store/why"
	"cxm/internal/web/log"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// logs is the area of the audit log and the status.
func (p *pages) logs() site.Area { return log.New(log.Parts{Healths: healths{p}}) }

// healths says how cxm is.
type healths struct{ *pages }

// scopePulls is how many of the last pulls of a scope tell how it fares.
const scopePulls = 8

func (h healths) Health(ctx context.Context, g site.Guest) (log.Health, error) {
	a, err := h.app.Of(ctx, g.Tenant)
	if err != nil {
		return log.Health{}, err
	}
	s, err := a.Status(ctx)
	if err != nil {
		return log.Health{}, err
	}
	out := log.Health{
		At: a.Clock().UTC(), Deliveries: s.Deliveries, Refused: s.Refused, Approvals: len(s.Waiting),
		LastRun: log.Ended{ID: s.LastRun.ID, At: s.LastRun.StartedAt, Steps: s.LastRun.Steps, Done: s.LastRun.Done, Failed: s.LastRun.Failed, Skipped: s.LastRun.Skipped},
		Limits:  h.limits(a),
	}
	for _, t := range s.Tokens {
		out.Connections = append(out.Connections, log.Connection{
			ID: t.Integration.ID, Name: t.Integration.Project.Path, URL: t.Integration.URL, State: string(t.Token.State), ExpiresAt: t.Token.ExpiresAt,
		})
	}
	fares, err := scopes.New(a.DB.Base(), a.Tenant).Healths(ctx, scopePulls)
	if err != nil {
		return out, err
	}
	out.Troubles = h.troubles(a, s, fares)
	if out.Scopes, err = h.scopes(ctx, a, s); err != nil {
		return out, err
	}
	waits, err := a.Waits(ctx)
	for kind, since := range waits {
		out.Jobs = append(out.Jobs, log.Wait{Kind: kind, Since: since})
	}
	slices.SortFunc(out.Jobs, func(a, b log.Wait) int { return strings.Compare(a.Kind, b.Kind) })
	if err != nil {
		return out, err
	}
	out.Versions, err = h.versions(ctx, a)
	return out, err
}

// Test implements log.Healths.
func (h healths) Test(ctx context.Context, g site.Guest, integration int64) ([]check.Result, error) {
	a, err := h.app.Of(ctx, g.Tenant)
	if err != nil {
		return nil, err
	}
	return a.Test(ctx, app.Exam{Integration: integration}, nil)
}

func (healths) scopes(ctx context.Context, a *app.App, s app.Status) ([]log.Scope, error) {
	whole, err := why.New(a.DB.Base(), a.Tenant).Complete(ctx)
	var out []log.Scope
	for _, p := range s.Pulls {
		out = append(out, log.Scope{Source: p.Source, Name: p.Scope, At: p.ReceivedAt, Complete: p.Complete, WholeAt: whole[why.Scope{Source: p.Source, Scope: p.Scope}]})
	}
	return out, err
}

// troubles is what needs somebody, each with its next step.
func (healths) troubles(a *app.App, s app.Status, fares []scopes.Health) []log.Trouble {
	var out []log.Trouble
	say := func(tone ui.Tone, next ui.Link, format string, args ...any) {
		out = append(out, log.Trouble{Text: fmt.Sprintf(format, args...), Tone: tone, Next: next})
	}
	integration := func(id int64, text, more string) ui.Link {
		return ui.Link{Text: text, URL: fmt.Sprintf("/settings/integrations/%d%s", id, more)}
	}
	if len(s.Integrations) == 0 {
		say(ui.Warn, ui.Link{Text: "Connect GitLab", URL: "/settings/integrations"}, "No GitLab is connected, so that no issue is made.")
	}
	for _, t := range s.Tokens {
		switch days := t.Token.DaysLeft(a.Clock()); {
		case t.Token.State.Held():
			say(ui.Bad, integration(t.Integration.ID, "Mend the token", ""), "%s", saying(t.WhyNot))
		case t.Trouble != "":
			say(ui.Warn, integration(t.Integration.ID, "Look at the token", ""), "The token for %s: %s", t.Integration.Project.Path, t.Trouble)
		case t.Token.Warning(a.Clock()) > 0 && t.WhyNot != "":
			say(ui.Bad, integration(t.Integration.ID, "Replace the token", ""), "The token for %s expires in %d days, and cxm cannot rotate it: %s", t.Integration.Project.Path, days, t.WhyNot)
		}
	}
	for _, why := range s.Broken {
		say(ui.Bad, ui.Link{Text: "See the integrations", URL: "/settings/integrations"}, "%s", saying(why))
	}
	for _, w := range s.Webhooks {
		if w.Trouble != "" {
			say(ui.Warn, integration(w.Integration, "Look at the integration", ""), "The webhook of %s does not work: %s", w.Target, w.Trouble)
		}
	}
	for _, r := range s.Waiting {
		say(ui.Warn, ui.Link{Text: "Look at the run", URL: fmt.Sprintf("/runs/%d", r.ID)}, "Run %d waits for a person, since %s.", r.ID, strings.TrimSuffix(r.Why, "."))
	}
	if s.InDoubt > 0 {
		say(ui.Warn, ui.Link{Text: "See the issues", URL: "/issues"}, "%d issues are in doubt: the answer to their making was lost. cxm looks for them by itself.", s.InDoubt)
	}
	if s.Unseen > 0 {
		say(ui.Warn, ui.Link{Text: "See the issues", URL: "/issues"}, "%d issues are not shown by GitLab any more: they were moved out of sight, or the account lost its role.", s.Unseen)
	}
	if s.Refused > 0 {
		say(ui.Bad, ui.Link{Text: "See the deliveries", URL: "/settings/sources"}, "%d deliveries could not be taken in, and wait for a person.", s.Refused)
	}
	for _, h := range fares {
		if v := feed.Judge(h, a.Clock()); h.Source != "" && v.Kind != feed.Fine && v.Kind != feed.Refused {
			say(ui.Warn, ui.Link{Text: "See the sources", URL: "/settings/sources"}, "%s, scope %s: %s", h.Source, h.Scope, saying(v.Why))
		}
	}
	for _, d := range s.Reviews {
		say(ui.Warn, integration(d.Integration.ID, "Review the access", "/review"), "A review of what %s may do in GitLab is due.", d.Integration.Account.Username)
	}
	return out
}

// limits are what a run may do, and how many issues there may be.
func (healths) limits(a *app.App) []ui.Fact {
	b := plan.DefaultBrakes()
	if a.Brakes != nil {
		b = *a.Brakes
	}
	creates := "any number"
	if b.Creates > 0 {
		creates = fmt.Sprint(b.Creates)
	}
	most := func(n int) string {
		if n > 0 {
			return fmt.Sprint(n)
		}
		return "no limit"
	}
	return []ui.Fact{
		{Name: "A run waits for a person", Text: fmt.Sprintf("when it would close or move more than %d%% of the open issues", b.CloseShare), Detail: fmt.Sprintf("%d may be in any case", b.CloseFloor)},
		{Name: "New issues of a run", Text: creates, Detail: "more wait for a person"},
		{Name: "First run of a source", Text: map[bool]string{true: "goes by itself", false: "waits for a person"}[b.Admit]},
		{Name: "New issues in a project", Text: most(a.Caps.PerHour), Detail: "within an hour"},
		{Name: "Open issues in a project", Text: most(a.Caps.Open)},
	}
}

func (healths) versions(ctx context.Context, a *app.App) ([]ui.Fact, error) {
	v, err := a.DB.Base().Versions(ctx)
	kind := "SQLite"
	if a.DB.Pool() != nil {
		kind = "PostgreSQL"
	}
	version := a.Version
	if version == "" {
		version = "not known"
	}
	return []ui.Fact{
		{Name: "cxm", Text: version}, {Name: "Database", Text: kind, Detail: fmt.Sprintf("schema %d of %d", v.Has, v.Knows)}, {Name: "Built with", Text: runtime.Version(), Detail: runtime.GOOS + "/" + runtime.GOARCH},
	}, err
}
