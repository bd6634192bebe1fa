package connecting

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"cxm/internal/signin/role"
	"cxm/internal/web"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// Trials run a sandbox GitLab inside the program, one at a time.
type Trials interface {
	// Begin starts it while the caller goes on. What speaks against it is a
	// *site.Refusal.
	Begin(ctx context.Context, g site.Guest) error
	Trial(ctx context.Context, g site.Guest) (Trial, error)
	// End disconnects it, takes its findings back and stops it.
	End(ctx context.Context, g site.Guest) error
}

// Trial is how far it is.
type Trial struct {
	Running bool   // it is being started
	Ready   bool   // it can be worked with
	Barred  string // why there can be none; empty: there can
	Trouble string // why it did not start
	Done    int    // how many of TrialSteps are done
	URL     string // of the sandbox
	Run     int64  // the first plan, which waits for a person; 0: none does
	Changed <-chan struct{}
	At      int64 // the integration
}

// TrialSteps are what it takes, in order.
func TrialSteps() []string {
	return []string{
		"Start a sandbox GitLab inside cxm", "Make a service account in it", "Connect cxm with the account's token", "Take in six findings", "Make the first plan",
	}
}

// TrialPage is the page of a trial.
type TrialPage struct {
	Summary page.Summary
	Live    string
	At      string
	Says    []string
	Steps   []ui.Step
	Actions []ui.Action
}

// Template is the template's name.
func (TrialPage) Template() string { return "connecting-trial" }

// trialPath is where a trial is looked at.
const trialPath = "/welcome/sandbox"

// NewTrial is the page; may: the guest may begin and end it.
func NewTrial(t Trial, may bool) TrialPage {
	p := TrialPage{At: trialPath, Says: []string{
		"The sandbox is a make-believe GitLab that runs inside cxm, on this machine alone. It is no product of GitLab Inc.",
		"Its projects, people, findings and amounts are made up. They end with it: when you end it, or when cxm stops.",
		"Nothing of it goes to another GitLab: its findings are taken back before it ends.",
	}}
	for i, text := range TrialSteps() {
		step := ui.Step{Title: text, State: "later"}
		switch {
		case i < t.Done:
			step.State = "done"
		case i == t.Done && t.Running:
			step.State = "current"
		}
		p.Steps = append(p.Steps, step)
	}
	switch {
	case t.Running:
		p.Live, p.Summary = trialPath+"/live", page.Summary{Text: "It is being started: " + lower(TrialSteps()[min(t.Done, len(TrialSteps())-1)]) + ". It goes on when you close this page.", Tone: ui.Info}
	case t.Ready:
		p.Summary = page.Summary{Text: "The sandbox runs, and cxm is connected to it.", Tone: ui.Good}
		if t.Run != 0 {
			p.Actions = append(p.Actions, ui.Action{Text: "Look at the first plan", URL: fmt.Sprintf("/runs/%d", t.Run), Kind: "primary"})
		}
		p.Actions = append(p.Actions, ui.Action{Text: "Look at the integration", URL: at(t.At)}, ui.Action{Text: "Open the sandbox GitLab", URL: t.URL})
		p.Says = append(p.Says, "Its own pages open in a browser on the machine that cxm runs on.")
		if may {
			p.Actions = append(p.Actions, ui.Action{Text: "End it", URL: trialPath + "/end", Kind: "danger", Dialog: true})
		}
	case t.Trouble != "":
		p.Summary = page.Summary{Text: t.Trouble, Tone: ui.Bad}
		p.Actions = begin(t, may, "Try again")
	case t.Barred != "":
		p.Summary = page.Summary{Text: t.Barred, Tone: ui.Neutral}
	default:
		p.Summary = page.Summary{Text: "It has not been started.", Tone: ui.Neutral}
		p.Actions = begin(t, may, "Start the sandbox")
	}
	return p
}

func begin(t Trial, may bool, text string) []ui.Action {
	if t.Barred != "" || !may {
		return nil
	}
	return []ui.Action{{Text: text, URL: trialPath, Post: true, Kind: "primary"}}
}

// EndTrial asks before a trial ends.
func EndTrial() page.Confirm {
	return page.Confirm{
		What: []string{
			"cxm disconnects the sandbox GitLab, and forgets its token.",
			"The six findings are resolved, so that no issue is ever made of them elsewhere.",
			"The sandbox stops, and its issues are gone.",
		},
		Form: ui.Form{ID: "end", Action: trialPath + "/end", Submit: "End it", Danger: true, Cancel: trialPath},
	}
}

func (a *area) trials(to *site.Area) {
	v := site.View{
		Title: "Try it with a sandbox GitLab", What: "The sandbox", May: "connect integrations", Needs: role.IntegrationsWrite, Trail: []ui.Link{{Text: "Welcome", URL: "/welcome"}},
		List: ui.Link{Text: "Back to the first steps", URL: trialPath},
	}
	to.Views[trialPath] = made(v, func(r *http.Request, g guest, _ *ui.Shell) (page.Page, error) {
		t, err := a.Trials.Trial(r.Context(), g)
		return NewTrial(t, g.May(role.IntegrationsWrite)), err
	})
	to.Forms[trialPath] = done(v, func(r *http.Request, g guest, _ *ui.Shell) (site.Answer, error) {
		return site.Answer{To: trialPath}, a.Trials.Begin(r.Context(), g)
	})
	to.Live[trialPath+"/live"] = site.Live{View: v, Send: a.watchTrial}
	v.Title = "End the sandbox GitLab"
	to.Views[trialPath+"/end"] = made(v, func(*http.Request, guest, *ui.Shell) (page.Page, error) { return EndTrial(), nil })
	to.Forms[trialPath+"/end"] = done(v, func(r *http.Request, g guest, _ *ui.Shell) (site.Answer, error) {
		err := a.Trials.End(context.WithoutCancel(r.Context()), g)
		return site.Answer{To: root, Notice: ui.Notice{Text: "The sandbox GitLab has ended, and its findings are taken back. Connect your own GitLab whenever you like.", Tone: ui.Good}}, err
	})
}

// watchTrial leads to the first plan once there is one.
func (a *area) watchTrial(r *http.Request, g guest, out *web.Stream) error {
	for {
		t, err := a.Trials.Trial(r.Context(), g)
		if err != nil {
			return err
		}
		if !t.Running {
			next := trialPath
			if t.Ready && t.Run != 0 {
				next = fmt.Sprintf("/runs/%d", t.Run)
			}
			_ = out.Next(next) // who has gone needs no end
			return nil
		}
		if gone := out.Part("summary", NewTrial(t, true).Summary); gone != nil {
			return nil //nolint:nilerr // who has gone needs no more
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-t.Changed:
		}
	}
}

// lower begins with a small letter.
func lower(text string) string { return strings.ToLower(text[:1]) + text[1:] }
