// Package page has the pages: for each one the data that it is made from, the view
// that its template shows, and the template.
//
// What always holds: a view is made from data by a function that asks nobody; every
// view can be shown in every state, empty and huge ones too; the words are those of
// the command line and the documentation; amounts in different currencies are never
// added, and what is not known is never shown as zero.
package page

import (
	"embed"
	"io/fs"

	"cxm/internal/finding"
	"cxm/internal/web/ui"
)

//go:embed *.html
var files embed.FS

// Page is a view that a template shows.
type Page interface {
	Template() string // one of Names
}

// Templates are those of all pages, NAME.html.
func Templates() fs.FS { return files }

// Names are the names of all templates.
func Names() []string {
	return []string{"signin", "welcome", "overview", "findings", "finding", "catalogue", "connect", "checks", "integration", "confirm", "leave", "components", "index", "nothing"}
}

// Nothing is a page that has only its shell, which says why.
type Nothing struct{}

// Template is the template's name.
func (Nothing) Template() string { return "nothing" }

// The places of the navigation.
const (
	AtOverview     = "overview"
	AtFindings     = "findings"
	AtIntegrations = "integrations"
)

// Nav is the side navigation, with the place that is looked at.
func Nav(at string, waiting int) []ui.NavGroup {
	item := func(id, text, url string, n int) ui.NavItem {
		return ui.NavItem{Link: ui.Link{Text: text, URL: url}, Icon: id, Current: id == at, Count: n}
	}
	return []ui.NavGroup{
		{Items: []ui.NavItem{item(AtOverview, "Overview", "/", waiting), item(AtFindings, "Findings", "/findings", 0)}},
		{Name: "Settings", Items: []ui.NavItem{item(AtIntegrations, "Integrations", "/settings/integrations", 0)}},
	}
}

// Forbidden is the problem of somebody whose role does not allow the page. may is
// the permission that it takes (docs/roles.md), as a verb: "see the integrations".
func Forbidden(may, role string) *ui.Problem {
	return &ui.Problem{
		Title: "Your role does not allow this",
		Text:  "As " + role + " you cannot " + may + " in this tenant.",
		Next:  "Ask an admin of the tenant for another role: cxm people role YOUR-ADDRESS ROLE.",
	}
}

// Failed is the problem of a page whose data could not be read. again is the
// page's own address.
func Failed(what, why, again string) *ui.Problem {
	return &ui.Problem{
		Title: what + " could not be read", Text: why,
		Next:   "Nothing was changed. Try again; if it stays so, look at cxm's log and at cxm doctor.",
		Action: &ui.Action{Text: "Try again", URL: again},
	}
}

// Missing is the problem of an address that nothing is at.
func Missing(what string, list ui.Link) *ui.Problem {
	return &ui.Problem{
		Title: what + " is not here", Text: "It was removed, it belongs to another tenant, or the address is not whole.",
		Action: &ui.Action{Text: list.Text, URL: list.URL},
	}
}

// Status is the one word for a finding's state, with its tone.
func Status(s finding.State) ui.Badge {
	word := s.Status()
	switch word {
	case string(finding.Realised):
		return ui.Badge{Text: word, Tone: ui.Good}
	case string(finding.Merged), string(finding.IssueOpen), string(finding.MergeRequestOpen), string(finding.Accepted):
		return ui.Badge{Text: word, Tone: ui.Info}
	case string(finding.Regressed):
		return ui.Badge{Text: word, Tone: ui.Bad}
	case string(finding.Unknown), string(finding.Partly), string(finding.Inconclusive):
		return ui.Badge{Text: word, Tone: ui.Warn}
	}
	return ui.Badge{Text: word, Tone: ui.Neutral}
}
