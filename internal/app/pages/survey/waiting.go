package survey

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/feed"
	"cxm/internal/finding"
	"cxm/internal/plan"
	"cxm/internal/store/board"
	"cxm/internal/store/scopes"
	"cxm/internal/web/page"
)

// How long what waits for a person is taken for what waits now; where it is shown,
// what is quick to find out is found out at once, and else it is so old at most; how
// long before its end a token is told of that cxm cannot rotate.
const (
	lately = 10 * time.Second
	quick  = 20 * time.Millisecond
	stale  = time.Minute
	soon   = 30 * 24 * time.Hour
)

// Waiting is how many things wait for a person in a tenant, as it was a moment ago:
// nobody waits for the count.
func (p *Pages) Waiting(ctx context.Context, tenant string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := p.waiting[tenant]
	if last == nil {
		last = &count{}
		p.waiting[tenant] = last
	}
	if time.Since(last.at) > lately && !last.busy {
		last.busy = true
		go p.count(context.WithoutCancel(ctx), tenant)
	}
	return len(last.all)
}

// count finds out what waits, and makes what lists are made from ready meanwhile.
func (p *Pages) count(ctx context.Context, tenant string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	a, err := p.of(ctx, tenant)
	if err == nil {
		_, err = p.look(ctx, a)
	}
	if err != nil {
		p.log.Warn("what waits for a person could not be found out", "tenant", tenant, "error", err)
		p.mu.Lock()
		p.waiting[tenant].busy = false
		p.mu.Unlock()
	}
}

// waits is what waits for a person: what was found out a moment ago, or now.
func (p *Pages) waits(ctx context.Context, a *app.App) ([]page.Waiting, error) {
	p.mu.Lock()
	last := p.waiting[a.Tenant]
	p.mu.Unlock()
	if last != nil && last.took > quick && time.Since(last.at) < stale {
		p.Waiting(ctx, a.Tenant)
		return last.all, nil
	}
	return p.look(ctx, a)
}

// look finds out what waits, and remembers it for a while.
func (p *Pages) look(ctx context.Context, a *app.App) ([]page.Waiting, error) {
	begun := time.Now()
	all, err := find(ctx, a)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting[a.Tenant] = &count{all: all, at: time.Now(), took: time.Since(begun)}
	return all, nil
}

// find asks everything that may need somebody.
func find(ctx context.Context, a *app.App) ([]page.Waiting, error) {
	var out []page.Waiting
	for _, ask := range []func(context.Context, *app.App) ([]page.Waiting, error){runs, tokens, reviews, breakers, webhooks, deliveries, sources, exceptions, owners, suggestions} {
		found, err := ask(ctx, a)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

func integrationPage(id int64) string { return "/settings/integrations/" + strconv.FormatInt(id, 10) }

func runs(ctx context.Context, a *app.App) ([]page.Waiting, error) {
	all, err := a.Store.Integrations(ctx)
	var out []page.Waiting
	for _, in := range all {
		open, err := a.Store.OpenRuns(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		for _, r := range open {
			if r.State == plan.Waiting {
				out = append(out, page.Waiting{Text: fmt.Sprintf("Run %d waits for approval: %s", r.ID, r.Why), URL: fmt.Sprintf("/runs/%d", r.ID)})
			}
		}
	}
	return out, err
}

func tokens(ctx context.Context, a *app.App) ([]page.Waiting, error) {
	all, err := a.TokenStatuses(ctx)
	var out []page.Waiting
	for _, t := range all {
		of, ends := " of "+t.Integration.Project.Path, t.Token.ExpiresAt
		text := ""
		switch left := ends.Sub(a.Clock()); {
		case t.Token.State.Held():
			text = "GitLab refuses the token" + of + ": give cxm another one"
		case ends.IsZero() || left > soon || t.WhyNot == "":
			if t.Trouble != "" {
				text = "The token" + of + " was not looked after: " + t.Trouble
			}
		case left <= 0:
			text = "The token" + of + " has expired: give cxm another one"
		default:
			text = "The token" + of + " expires in " + days(left) + ", and cxm cannot rotate it"
		}
		if text != "" {
			out = append(out, page.Waiting{Text: text, URL: integrationPage(t.Integration.ID)})
		}
	}
	return out, err
}

// days is a time in words, whole days rounded down.
func days(d time.Duration) string {
	switch n := int(d / (24 * time.Hour)); n {
	case 0:
		return "less than a day"
	case 1:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}

func reviews(ctx context.Context, a *app.App) ([]page.Waiting, error) {
	all, err := a.DueReviews(ctx)
	var out []page.Waiting
	for _, d := range all {
		out = append(out, page.Waiting{Text: fmt.Sprintf("The access review of %s is due since %s", d.Integration.Project.Path, d.Since.UTC().Format(time.DateOnly)), URL: integrationPage(d.Integration.ID)})
	}
	return out, err
}

func breakers(ctx context.Context, a *app.App) ([]page.Waiting, error) {
	all, err := a.Store.Integrations(ctx)
	var out []page.Waiting
	for _, in := range all {
		broken, err := a.Store.Breakers(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		for _, b := range broken {
			if b.Open() {
				_, _, why := b.Allow(a.Clock())
				out = append(out, page.Waiting{Text: sentence(why), URL: integrationPage(in.ID)})
			}
		}
	}
	return out, err
}

func webhooks(ctx context.Context, a *app.App) ([]page.Waiting, error) {
	all, err := a.Webhooks(ctx, false)
	var out []page.Waiting
	for _, h := range all {
		if h.Trouble != "" {
			out = append(out, page.Waiting{Text: "The webhook of " + h.Target + " does not work: " + h.Trouble, URL: integrationPage(h.Integration)})
		}
	}
	return out, err
}

const sourcesPage = "/settings/sources"

func deliveries(ctx context.Context, a *app.App) ([]page.Waiting, error) {
	_, refused, err := a.Store.Deliveries(ctx)
	if err != nil || refused == 0 {
		return nil, err
	}
	text := "1 delivery could not be taken in"
	if refused > 1 {
		text = fmt.Sprintf("%d deliveries could not be taken in", refused)
	}
	return []page.Waiting{{Text: text, URL: sourcesPage}}, nil
}

// looked is how many of a source's pulls tell how it delivers.
const looked = 8

func sources(ctx context.Context, a *app.App) ([]page.Waiting, error) {
	all, err := scopes.New(a.DB.Base(), a.Tenant).Healths(ctx, looked)
	var out []page.Waiting
	for _, h := range all {
		if strings.HasPrefix(h.Scope, "cxm-") || h.Waiting || !h.Refused.At.IsZero() { // refused ones are told of as such
			continue
		}
		if v := feed.Judge(h, a.Clock()); v.Kind != "" {
			out = append(out, page.Waiting{Text: fmt.Sprintf("%s, scope %s: %s", h.Source, h.Scope, v.Why), URL: sourcesPage})
		}
	}
	return out, err
}

// mostExceptions is how many exceptions are looked at.
const mostExceptions = 200

func exceptions(ctx context.Context, a *app.App) ([]page.Waiting, error) {
	all, err := a.StandingDecisions(ctx, finding.Exception, 0, mostExceptions)
	var out []page.Waiting
	for _, d := range all {
		if d.ReviewDue(a.Clock()) {
			out = append(out, page.Waiting{Text: "An exception without an end is to be looked at again: " + d.Finding.Title, URL: "/findings/" + url.PathEscape(string(d.Finding.FindingKey))})
		}
	}
	return out, err
}

// owners tells of findings without an owner, where findings have owners at all.
func owners(ctx context.Context, a *app.App) ([]page.Waiting, error) {
	s, err := a.Survey(ctx)
	if err != nil {
		return nil, err
	}
	f := board.Filter{Status: board.Open, Owner: board.None}
	n := s.Sum(f).Findings
	if n == 0 || !slices.ContainsFunc(s.Choices(board.Owner), func(p board.Part) bool { return p.Value != board.None }) {
		return nil, nil
	}
	text := "1 finding has no owner that is known"
	if n > 1 {
		text = fmt.Sprintf("%d findings have no owner that is known", n)
	}
	return []page.Waiting{{Text: text, URL: address(f)}}, nil
}

func suggestions(ctx context.Context, a *app.App) ([]page.Waiting, error) {
	all, err := a.Suggestions(ctx, false)
	if len(all) == 0 {
		return nil, err
	}
	text := "1 suggestion for the rules"
	if len(all) > 1 {
		text = fmt.Sprintf("%d suggestions for the rules", len(all))
	}
	return []page.Waiting{{Text: text + ", learned from what people corrected", URL: "/settings/rules/suggestions"}}, nil
}
