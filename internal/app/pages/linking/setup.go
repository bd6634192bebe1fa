package linking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/attempt"
	"cxm/internal/credential"
	"cxm/internal/demo"
	"cxm/internal/integration/access"
	"cxm/internal/plan"
	"cxm/internal/web/connecting"
	"cxm/internal/web/site"
)

// setups set up service accounts.
type setups struct {
	*Desk
	kept *attempt.Desk[*setup]
}

// setup is one. The Owner's token is in memory alone, until it is done or forgotten.
type setup struct {
	app   *app.App
	state *attempt.Watched[connecting.Setup]

	mu   sync.Mutex
	want app.Bootstrap     // guarded by mu
	plan app.BootstrapPlan // that was shown; guarded by mu
}

// end forgets the Owner's token.
func (s *setup) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.want.Owner = credential.Secret{}
}

// Begin implements connecting.Setups.
func (s *setups) Begin(ctx context.Context, g site.Guest, w connecting.SetupWant) (string, error) {
	a, err := s.app.Of(ctx, g.Tenant)
	if err != nil {
		return "", err
	}
	if err := s.free(g); err != nil {
		return "", err
	}
	faults := map[string]string{}
	want := app.Bootstrap{Level: w.Level, Group: w.Group, Project: w.Project, Username: w.Username, Name: "Cloud ex Machina Integration", Days: w.Days}
	if want.Level != "group" {
		want.Group = ""
	} else if want.Group == "" {
		faults["group"] = "name the group in which the service account is made"
	}
	if want.Project == "" {
		faults["project"] = "name the repository where issues go, with its groups"
	}
	want.URL = instance(connecting.Want{URL: w.URL}, faults)
	if want.Owner, err = credential.Clean(w.Owner.Reveal()); err != nil {
		faults["owner"] = err.Error()
	}
	if want.Role, err = access.ParseRole(w.Role); err != nil {
		faults["role"] = err.Error()
	}
	if len(faults) > 0 {
		return "", &connecting.Fault{Fields: faults}
	}
	made := &setup{app: a, want: want, state: attempt.Watch(connecting.Setup{State: connecting.Looking, URL: want.URL})}
	made.run(ctx, false)
	return s.kept.Add(owner(g), made), nil
}

func (s *setups) find(g site.Guest, id string) (*setup, error) {
	found, ok := s.kept.Find(owner(g), id)
	if !ok {
		return nil, site.ErrMissing
	}
	return found, nil
}

// Setup implements connecting.Setups.
func (s *setups) Setup(_ context.Context, g site.Guest, id string) (connecting.Setup, error) {
	found, err := s.find(g, id)
	if err != nil {
		return connecting.Setup{}, err
	}
	now, changed := found.state.Now()
	now.Changed = changed
	return now, nil
}

// Carry implements connecting.Setups.
func (s *setups) Carry(ctx context.Context, g site.Guest, id string) error {
	found, err := s.find(g, id)
	if err != nil {
		return err
	}
	begun := false
	found.state.Change(func(now *connecting.Setup) {
		if begun = now.State == connecting.Planned; begun {
			now.State = connecting.Working
		}
	})
	if begun {
		found.run(ctx, true)
	}
	return nil
}

// errOther says that something else is to be done than was shown.
var errOther = errors.New("something else is to be done by now")

// run finds out what is to be done, and with carry does it, if it is what was shown.
func (s *setup) run(ctx context.Context, carry bool) {
	ctx, stop := outlive(ctx)
	s.mu.Lock()
	want, before := s.want, s.plan
	s.mu.Unlock()
	go func() {
		defer stop()
		var seen app.BootstrapPlan
		got, err := s.app.BootstrapGitLab(ctx, want, func(p app.BootstrapPlan) (bool, error) {
			if seen = p; carry && !slices.Equal(titles(p), titles(before)) {
				return false, errOther
			}
			return carry, nil
		})
		if errors.Is(err, errOther) {
			carry, err = false, nil
			got.Notes = append(got.Notes, "Something has changed in GitLab meanwhile, so that nothing was done: this is what would be done now.")
		}
		s.mu.Lock()
		s.plan = seen
		s.mu.Unlock()
		if err != nil || carry {
			s.end()
		}
		s.state.Change(func(now *connecting.Setup) { tell(now, got, carry, err) })
	}()
}

// titles are the steps of a plan.
func titles(p app.BootstrapPlan) []string {
	var out []string
	for _, s := range p.Steps {
		out = append(out, string(s.Verb)+s.Title)
	}
	return out
}

// tell says how a set-up stands.
func tell(now *connecting.Setup, got app.Bootstrapped, carry bool, err error) {
	now.As, now.Notes, now.Guide, now.Steps = got.Plan.As, got.Notes, nil, nil
	for _, line := range got.Guide {
		now.Guide = append(now.Guide, strings.ReplaceAll(line, "`", ""))
	}
	done := map[string]bool{}
	for _, s := range got.Done {
		done[s.Title] = true
	}
	for _, s := range got.Plan.Steps {
		now.Steps = append(now.Steps, connecting.SetupStep{Title: step(s.Verb, s.Title), Reason: s.Reason, There: s.Verb == plan.Nothing, Done: done[s.Title]})
	}
	switch {
	case err != nil:
		now.State, now.Trouble = connecting.Halted, "It came to no end: "+strings.TrimSuffix(err.Error(), ".")+". What is there is found when you begin again, and nothing is made twice. The Owner's token is forgotten."
	case !carry:
		now.State = connecting.Planned
	default:
		now.State = connecting.Made
		if got.Connected != nil {
			now.Integration, now.Name = got.Connected.Integration.ID, got.Connected.Integration.Project.Path
			now.Notes = append(now.Notes, got.Connected.Warnings...)
		}
	}
}

func step(v plan.Verb, title string) string {
	if v == plan.Nothing {
		return title
	}
	return fmt.Sprintf("%s: %s", map[plan.Verb]string{plan.Create: "Make", plan.Update: "Change", plan.Close: "Revoke"}[v], title)
}

// free says that nothing speaks against connecting a GitLab; else it is a *site.Refusal.
func (k *Desk) free(g site.Guest) error {
	if s, _ := k.sandbox.Now(); (s.Running || s.Ready) && s.Tenant == g.Tenant {
		return &site.Refusal{Text: "The sandbox GitLab is connected. End it first, at Welcome > Try it with a sandbox GitLab, so that its made-up findings reach no other GitLab."}
	}
	return nil
}

// trials run the sandbox GitLab of the program.
type trials struct{ *Desk }

// Begin implements connecting.Trials.
func (t trials) Begin(ctx context.Context, g site.Guest) error {
	a, err := t.app.Of(ctx, g.Tenant)
	if err != nil {
		return err
	}
	return barred(t.sandbox.Begin(ctx, a))
}

// barred is what speaks against a trial, in words for people.
func barred(err error) error {
	if err == nil || !demo.Barred(err) {
		return err
	}
	text := err.Error()
	return &site.Refusal{Text: strings.ToUpper(text[:1]) + text[1:] + "."}
}

// Trial implements connecting.Trials.
func (t trials) Trial(ctx context.Context, g site.Guest) (connecting.Trial, error) {
	a, err := t.app.Of(ctx, g.Tenant)
	if err != nil {
		return connecting.Trial{}, err
	}
	now, changed := t.sandbox.Now()
	out := connecting.Trial{Changed: changed}
	if now.Tenant == g.Tenant {
		out.Running, out.Ready, out.Trouble, out.Done, out.URL, out.Run, out.At = now.Running, now.Ready, now.Trouble, now.Done, now.URL, now.Run, now.Integration
	}
	if out.Ready {
		out.Run, err = waiting(ctx, a, out.At, out.Run)
	}
	if out.Running || out.Ready {
		return out, err
	}
	why := barred(t.sandbox.Barred(ctx, a))
	if r, ok := errors.AsType[*site.Refusal](why); ok {
		out.Barred, why = r.Text, nil
	}
	return out, why
}

// waiting is the run of an integration that waits for a person: the queue may have
// planned the same findings after the first plan was made. Else it is the first.
func waiting(ctx context.Context, a *app.App, integration, first int64) (int64, error) {
	open, err := a.Store.OpenRuns(ctx, integration)
	for _, r := range open {
		if r.State == plan.Waiting {
			return r.ID, err
		}
	}
	return first, err
}

// End implements connecting.Trials.
func (t trials) End(ctx context.Context, g site.Guest) error {
	if now, _ := t.sandbox.Now(); now.Tenant != g.Tenant {
		return &site.Refusal{Text: "No sandbox GitLab runs here."}
	}
	return barred(t.sandbox.End(ctx))
}

// made says that an instance is the sandbox of the tenant.
func (k *Desk) made(tenant, url string) bool {
	now, _ := k.sandbox.Now()
	return now.Tenant == tenant && now.URL == url
}

// tidied bounds the taking back of what an earlier process left.
const tidied = 30 * time.Second

// Tidy takes back the trial of a process that has ended.
func (k *Desk) Tidy() {
	ctx, cancel := context.WithTimeout(context.Background(), tidied)
	defer cancel()
	if err := demo.Tidy(ctx, k.app); err != nil {
		k.app.Logger.Warn("what an earlier sandbox GitLab left could not be taken back: disconnect it, and resolve its findings", "error", err)
	}
}
