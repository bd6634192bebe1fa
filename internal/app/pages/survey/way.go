package survey

import (
	"fmt"
	"net/url"

	"cxm/internal/api"
	"cxm/internal/plan"
	"cxm/internal/plan/stand"
	"cxm/internal/signin/role"
	"cxm/internal/web/ui"
)

// ways leads from where a finding stands to the page on which that can be changed.
type ways struct {
	key string // of the finding
	run int64  // that has a step of its group to take; 0: not known
	may func(role.Permission) bool
}

// of is the way; a link without an address: there is none that helps.
func (w ways) of(s api.Stand) ui.Link {
	switch stand.Stage(s.Stage) {
	case stand.NotReceived, stand.Unread, stand.Unknown:
		return ui.Link{Text: "See what the sources delivered", URL: "/settings/sources"}
	case stand.NotConnected:
		return ui.Link{Text: "Connect GitLab", URL: "/settings/integrations"}
	case stand.Lost, stand.NoAccess, stand.Broken, stand.Failed:
		return oneOf("See what is wrong with the integration", "/settings/integrations", s.Integration)
	case stand.InDoubt:
		return planned("Make a plan: cxm looks first", s.Integration)
	case stand.Planned:
		return planned("See the plan", s.Integration)
	case stand.Held, stand.Running:
		return w.running(stand.Stage(s.Stage))
	case stand.Capped:
		return ui.Link{Text: "See what waits for its turn", URL: "/settings/rules/backlog"}
	case stand.SetAside:
		return w.decided()
	case stand.Settled:
		return w.ruled()
	}
	return ui.Link{}
}

func planned(text string, integration *int64) ui.Link {
	l := ui.Link{Text: text, URL: "/runs/plan"}
	if integration != nil {
		l.URL += fmt.Sprintf("?integration=%d", *integration)
	}
	return l
}

func oneOf(text, list string, id *int64) ui.Link {
	if id == nil {
		return ui.Link{Text: text, URL: list}
	}
	return ui.Link{Text: text, URL: fmt.Sprintf("%s/%d", list, *id)}
}

// running leads to the run that has the step.
func (w ways) running(at stand.Stage) ui.Link {
	switch {
	case w.run == 0:
		return ui.Link{Text: "See the runs", URL: "/runs"}
	case at == stand.Held && w.may(role.Approve):
		return oneOf(fmt.Sprintf("Look at run %d, and approve or reject it", w.run), "/runs", &w.run)
	case at == stand.Held:
		return oneOf(fmt.Sprintf("Look at run %d", w.run), "/runs", &w.run)
	}
	return oneOf(fmt.Sprintf("See how far run %d is", w.run), "/runs", &w.run)
}

// decided leads to the decision: to the form on the same page, for who may send it.
func (w ways) decided() ui.Link {
	if w.may(role.Decide) {
		return ui.Link{Text: "Take the decision back", URL: "#decide"}
	}
	return ui.Link{Text: "See what was decided", URL: "/findings/decisions"}
}

// ruled leads to what the rules do with the finding.
func (w ways) ruled() ui.Link {
	if w.may(role.Plan) {
		return ui.Link{Text: "See what the rules do with it", URL: "/settings/rules/test?" + url.Values{"finding": {w.key}}.Encode()}
	}
	return ui.Link{Text: "See the rules", URL: "/settings/rules"}
}

// holding is the run that has a step to take, of which the latest entries of a group
// tell; 0: none has.
func holding(latest []plan.Entry) int64 {
	for _, e := range latest {
		if e.Outcome == plan.Planned || e.Outcome == plan.Intended {
			return e.Run
		}
	}
	return 0
}
