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
	"slices"
	"strings"

	"cxm/internal/finding"
	"cxm/internal/signin/role"
	"cxm/internal/web/ui"
)

//go:embed *.html
var files embed.FS

// Page is a view that a template shows.
type Page interface {
	Template() string // the name of its file, without .html
}

// Templates are those of all pages, NAME.html.
func Templates() fs.FS { return files }

// Nothing is a page that has only its shell, which says why.
type Nothing struct{}

// Template is the template's name.
func (Nothing) Template() string { return "nothing" }

// The places of the navigation.
const (
	AtOverview     = "overview"
	AtFindings     = "findings"
	AtIssues       = "issues"
	AtRuns         = "runs"
	AtRules        = "rules"
	AtIntegrations = "integrations"
	AtSources      = "sources"
	AtPeople       = "people"
	AtAPITokens    = "api-tokens"
	AtAudit        = "audit"
	AtStatus       = "status"
	AtTenants      = "tenants"
)

// Nav is the side navigation, with the place that is looked at. may says what the
// person may do; nil: everything. Where they may do nothing is not in it.
func Nav(at string, waiting int, may func(role.Permission) bool) []ui.NavGroup {
	item := func(id, text, url string, n int) ui.NavItem {
		return ui.NavItem{Link: ui.Link{Text: text, URL: url}, Icon: id, Current: id == at, Count: n}
	}
	allowed := func(p role.Permission) bool { return may == nil || may(p) }
	work := ui.NavGroup{Items: []ui.NavItem{item(AtOverview, "Overview", "/", waiting)}}
	var settings, installation ui.NavGroup
	if allowed(role.Read) {
		work.Items = append(work.Items, item(AtFindings, "Findings", "/findings", 0), item(AtIssues, "Issues", "/issues", 0), item(AtRuns, "Plans and runs", "/runs", 0))
		settings = ui.NavGroup{Name: "Settings", Items: []ui.NavItem{
			item(AtRules, "Events and rules", "/settings/rules", 0), item(AtIntegrations, "Integrations", "/settings/integrations", 0),
			item(AtSources, "Sources", "/settings/sources", 0),
		}}
		if allowed(role.PeopleWrite) {
			settings.Items = append(settings.Items, item(AtPeople, "People", "/settings/people", 0))
		}
		settings.Items = append(settings.Items, item(AtAPITokens, "API tokens", "/settings/api-tokens", 0))
	}
	if allowed(role.AuditRead) {
		settings.Items = append(settings.Items, item(AtAudit, "Audit log", "/settings/audit", 0))
	}
	if allowed(role.Read) {
		settings.Items = append(settings.Items, item(AtStatus, "Status", "/settings/status", 0))
	}
	if may == nil || may(role.TenantsWrite) {
		installation = ui.NavGroup{Name: "Installation", Items: []ui.NavItem{item(AtTenants, "Tenants", "/installation/tenants", 0)}}
	}
	return slices.DeleteFunc([]ui.NavGroup{work, settings, installation}, func(g ui.NavGroup) bool { return len(g.Items) == 0 })
}

// Forbidden is the problem of somebody whose role does not allow the page. may is
// the permission that it takes (docs/roles.md), as a verb: "see the integrations".
func Forbidden(may, role string) *ui.Problem {
	if role == "" {
		return &ui.Problem{
			Title: "You work in no tenant",
			Text:  "Nobody has given you a role yet, so that you cannot " + may + ".",
			Next:  "Ask an admin for one: cxm people role YOUR-ADDRESS ROLE.",
		}
	}
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

// Broken is the problem of a form that something went wrong with. again is where it
// was sent from.
func Broken(what, again string) *ui.Problem {
	return &ui.Problem{
		Title: what + " could not be changed", Text: "Something went wrong inside cxm, and the log says what.",
		Next:   "It may be done in part: look at how it is now before you try again.",
		Action: &ui.Action{Text: "Go back", URL: again},
	}
}

// Answered is the problem of what GitLab did not do: said is its answer, with the next
// step. sent says that a form asked for it; again is the page's own address, or where
// the form was sent from.
func Answered(said string, sent bool, again string) *ui.Problem {
	if r := []rune(said); len(r) > 0 {
		said = strings.ToUpper(string(r[:1])) + strings.TrimSuffix(string(r[1:]), ".") + "."
	}
	p := &ui.Problem{
		Title: "GitLab did not do what was asked", Text: said,
		Next:   "Nothing was changed. cxm itself works: cxm doctor says what is wrong between it and GitLab.",
		Action: &ui.Action{Text: "Try again", URL: again},
	}
	if sent {
		p.Next = "It may be done in part: look at how it is now before you try again. cxm itself works: cxm doctor says what is wrong between it and GitLab."
		p.Action.Text = "Go back"
	}
	return p
}

// Unreadable is the problem of a form that is too large, or none at all. again is
// where it was sent from.
func Unreadable(again string) *ui.Problem {
	return &ui.Problem{
		Title: "The form could not be read", Text: "It is larger than 2 MiB, or it did not arrive whole.",
		Next: "Nothing was changed. Go back and send less.", Action: &ui.Action{Text: "Go back", URL: again},
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
