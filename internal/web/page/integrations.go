package page

import (
	"slices"
	"strings"

	"cxm/internal/integration"
	"cxm/internal/web/ui"
)

// Catalogue is Settings > Integrations: what cxm can be connected to, and what is.
type Catalogue struct {
	Filters  []ui.Field
	Path     string
	Products []Product
	Empty    *ui.Empty
}

// Template is the template's name.
func (Catalogue) Template() string { return "catalogue" }

// Product is a card of the catalogue.
type Product struct {
	Name, Category, Text string
	Badge                ui.Badge
	Connected            []ui.Link
	Connect              *ui.Action
	Missing              string
}

// Connected is an integration that there is, in short.
type Connected struct {
	Product string // the ID of its entry in the catalogue
	Text    string
	URL     string
	Trouble bool
}

// CatalogueData is what the catalogue is made from.
type CatalogueData struct {
	Products  []integration.Product
	Connected []Connected
	May       bool // connect: the permission integrations.write
}

// The states that the catalogue can be filtered by.
const (
	statusConnected = "connected"
	statusAvailable = "available"
)

// NewCatalogue is the page: "q", "category" and "status" filter it.
func NewCatalogue(at ui.Place, d CatalogueData) Catalogue {
	var categories []string
	page := Catalogue{Path: at.Path}
	for _, p := range d.Products {
		if !slices.Contains(categories, p.Category) {
			categories = append(categories, p.Category)
		}
		if card := product(p, d); matches(at, p, card) {
			page.Products = append(page.Products, card)
		}
	}
	page.Filters = []ui.Field{
		{Form: "filter", Name: "q", Label: "Name", Type: "search", Value: at.Values.Get("q")},
		choice(at, "category", "Category", categories), choice(at, "status", "Status", []string{statusConnected, statusAvailable}),
	}
	for i := range page.Filters {
		page.Filters[i].Form = "filter"
	}
	if len(page.Products) == 0 {
		page.Empty = &ui.Empty{Title: "No integration is like that", Text: "Look for another name, or take the filters away.", Action: &ui.Action{Text: "Show all of them", URL: at.Path}}
	}
	return page
}

func matches(at ui.Place, p integration.Product, card Product) bool {
	q, category, status := strings.ToLower(at.Values.Get("q")), at.Values.Get("category"), at.Values.Get("status")
	return strings.Contains(strings.ToLower(p.Name+" "+p.Description), q) &&
		(category == "" || category == p.Category) &&
		(status == "" || (status == statusConnected) == (len(card.Connected) > 0))
}

func product(p integration.Product, d CatalogueData) Product {
	card := Product{Name: p.Name, Category: p.Category, Text: p.Description, Missing: p.Missing, Badge: ui.Badge{Text: statusAvailable, Tone: ui.Neutral}}
	for _, c := range d.Connected {
		if c.Product != p.ID {
			continue
		}
		if card.Badge.Tone != ui.Bad {
			card.Badge = ui.Badge{Text: statusConnected, Tone: ui.Good}
		}
		if c.Trouble {
			card.Badge = ui.Badge{Text: "needs attention", Tone: ui.Bad}
		}
		card.Connected = append(card.Connected, ui.Link{Text: c.Text, URL: c.URL})
	}
	if d.May && p.Missing == "" {
		card.Connect = &ui.Action{Text: "Connect", URL: "/settings/integrations/connect/" + p.ID, Kind: "primary", Dialog: true}
	}
	if card.Connect != nil && len(card.Connected) > 0 {
		card.Connect.Text, card.Connect.Kind = "Connect another", ""
	}
	return card
}

// Connect is the form that connects something.
type Connect struct {
	Form  ui.Form
	Note  string
	First []string // what has to be done before, in order; nil: nothing
	Code  *ui.Code // that goes with it
	Other ui.Link  // another way
}

// Template is the template's name.
func (Connect) Template() string { return "connect" }

// ConnectData is what the form is made from.
type ConnectData struct {
	Product integration.Product
	Given   map[string]string // by the name of the need; never a secret
	Faults  map[string]string // by the name of the need
	Error   string            // about the whole
	Return  string            // the address that GitLab sends people back to; by OAuth alone
}

// NewConnect is the page. The project is asked for once the account is known, and
// a secret is never shown again.
func NewConnect(d ConnectData) Connect {
	form := ui.Form{ID: "connect", Action: "/settings/integrations/connect/" + d.Product.ID, Submit: "Save", Cancel: "/settings/integrations", Error: d.Error}
	for _, need := range d.Product.Needs {
		if need.Name == "project" {
			continue
		}
		field := ui.Field{Name: need.Name, Label: need.Label, Hint: need.Hint, Required: need.Required, Error: d.Faults[need.Name], Autocomplete: "off", Focus: len(form.Fields) == 0}
		if need.Secret {
			field.Type = "password"
		} else {
			field.Value = d.Given[need.Name]
		}
		if d.Product.SignIn == integration.ByOAuth && need.Name == "application_id" {
			field.Required = false // of an instance that is connected, cxm knows it
		}
		if need.Name == "ca_file" {
			field.Type = "textarea"
		}
		form.Fields = append(form.Fields, field)
	}
	page := Connect{Other: ui.Link{Text: "No service account yet? Set one up", URL: "/settings/integrations/service-account"}}
	page.Note = "cxm tests the connection before it keeps anything. The token is sealed, and never shown again."
	if d.Product.SignIn == integration.ByOAuth {
		form.Submit = "Go on to GitLab"
		page.Note = "GitLab asks you to sign in and agree. A service account cannot sign in: for one, use " + tokenName() + ", the recommended way."
		page.First = []string{
			"In GitLab, open Preferences > Applications (for a whole instance an administrator opens Admin area > Applications).",
			"Add one named cxm with the Redirect URI below and the scope api, and save it. Do this once for each instance.",
			"Enter its Application ID here, and its secret if it is confidential. For an instance that is connected in this way already, leave both empty.",
		}
		page.Code = &ui.Code{ID: "return", Label: "Redirect URI", Text: d.Return}
		page.Other = ui.Link{Text: "Connect with a token instead", URL: "/settings/integrations/connect/" + tokenID()}
	}
	page.Form = form
	return page
}

// tokenID is the entry of the catalogue that connects by token.
func tokenID() string {
	for _, p := range integration.Catalog() {
		if p.SignIn == integration.ByToken {
			return p.ID
		}
	}
	return ""
}

// Leave is the page between a form and another host where people go on: browsers do
// not let a form of ours end there (docs/decisions/0011-pages.md).
type Leave struct {
	Host string // where they go, to be read
	URL  string
	Back string
}

// Template is the template's name.
func (Leave) Template() string { return "leave" }

// tokenName is what the catalogue calls the connection by token.
func tokenName() string {
	for _, p := range integration.Catalog() {
		if p.SignIn == integration.ByToken {
			return p.Name
		}
	}
	return "a token"
}

// Checks is the test of a connection as it goes on.
type Checks struct {
	Summary Summary
	Live    string     // where its parts come from while it runs; empty: it is over
	Wrong   []ui.Check // what has to be mended, the gravest first
	Groups  []ui.CheckGroup
	Choose  *ui.Form // what comes after Save; nil: the test has to end well first
	Find    *ui.Form // looks for what Choose offers, where no script runs; nil: nothing is chosen
	Again   *ui.Action
	Done    *ui.Link // the integration that it became; nil: it is none yet
	Warn    []string // about the integration that it became
	At      string   // the page itself
	Back    string
}

// Template is the template's name.
func (Checks) Template() string { return "checks" }

// Summary is how a test stands.
type Summary struct {
	Text string
	Tone ui.Tone
}

// ChecksData is what the page of a test is made from.
type ChecksData struct {
	Groups     []ui.CheckGroup
	Running    bool
	Live       string
	Back       string
	Attempt    string      // of the connection, for the addresses
	Namespaces []ui.Option // that the account reaches, when the test ended well
	Projects   []ui.Option
	Given      Given
	Faults     map[string]string // by field: project, labels, assignee
	Error      string            // why it was not activated
	Looked     [2]string         // what was looked for among namespaces and repositories, without scripts
	Done       *ui.Link
	Warn       []string
}

// Given is where issues go and what they are given, as it was chosen.
type Given struct {
	Namespace, Project, Labels, Assignee string
	Confidential                         bool
}

// NewChecks is the page.
func NewChecks(d ChecksData) Checks {
	page := Checks{Groups: d.Groups, Back: d.Back, At: AttemptPath(d.Attempt), Summary: Summarise(d.Groups, d.Running), Warn: d.Warn}
	if d.Running {
		page.Live = d.Live
		return page
	}
	page.Wrong, page.Groups = apart(d.Groups)
	if d.Done != nil {
		page.Done, page.Summary = d.Done, Summary{Text: "It is connected.", Tone: ui.Good}
		return page
	}
	page.Again = &ui.Action{Text: "Test again", URL: page.At + "/again", Post: true}
	if page.Summary.Tone == ui.Bad && d.Given.Project == "" {
		return page
	}
	page.Choose = where(d, page.At)
	page.Find = &ui.Form{ID: "find", Action: page.At, Get: true, Submit: "Show what matches", Fields: []ui.Field{
		{Name: "nq", Label: "Namespace Path has in it", Type: "search", Value: d.Looked[0]},
		{Name: "namespace", Label: "Namespace Path", Type: "select", Options: d.Namespaces},
		{Name: "q", Label: "Repository has in it", Type: "search", Value: d.Looked[1]},
	}}
	return page
}

// AttemptPath is where a connection in the making is looked at.
func AttemptPath(attempt string) string { return "/settings/integrations/connect/attempts/" + attempt }

// where asks where issues go.
func where(d ChecksData, at string) *ui.Form {
	form := &ui.Form{ID: "choose", Action: at + "/project", Submit: "Activate", Cancel: d.Back, Error: d.Error, Fields: []ui.Field{
		{Name: "namespace", Label: "Namespace Path", Type: "select", Options: d.Namespaces, Combobox: true, Source: at + "/namespaces", Hint: "The group whose repositories are listed below."},
		{Name: "project", Label: "Repository", Type: "select", Options: d.Projects, Combobox: true, Source: at + "/repositories", Within: "namespace", Required: true, Hint: "Where issues are created by default."},
	}}
	form.Fields = append(form.Fields, GivenFields(d.Given)...)
	for i, f := range form.Fields {
		form.Fields[i].Error = d.Faults[f.Name]
	}
	return form
}

// GivenFields ask what new issues are given.
func GivenFields(g Given) []ui.Field {
	return []ui.Field{
		{Name: "labels", Label: "Labels", Value: g.Labels, Autocomplete: "off", Hint: "Given to every new issue, separated by commas."},
		{Name: "assignee", Label: "Default assignee", Value: g.Assignee, Autocomplete: "off", Hint: "A user name. It must be a member of the repository."},
		{Name: "confidential", Label: "Make new issues confidential", Type: "checkbox", Checked: g.Confidential},
	}
}

// Summarise is how a test stands, from its checks.
func Summarise(groups []ui.CheckGroup, running bool) Summary {
	count := map[string]int{}
	for _, g := range groups {
		for _, c := range g.Checks {
			count[c.Outcome]++
		}
	}
	switch failed, warned := count["failed"], count["warning"]; {
	case running:
		return Summary{Text: "Testing: " + counted(count["ok"]+warned+failed, "check is done", "checks are done") + ".", Tone: ui.Info}
	case failed > 0:
		return Summary{Text: counted(failed, "check failed", "checks failed") + ". Nothing was kept: mend it, then test again.", Tone: ui.Bad}
	case warned > 0:
		return Summary{Text: "The connection works, with " + counted(warned, "warning", "warnings") + ".", Tone: ui.Warn}
	}
	return Summary{Text: "The connection works.", Tone: ui.Good}
}

// apart takes what failed, and then the warnings, out of the groups.
func apart(groups []ui.CheckGroup) (wrong []ui.Check, rest []ui.CheckGroup) {
	var warnings []ui.Check
	for _, g := range groups {
		kept := ui.CheckGroup{Name: g.Name}
		for _, c := range g.Checks {
			switch c.Tone() {
			case ui.Bad:
				wrong = append(wrong, c)
			case ui.Warn:
				warnings = append(warnings, c)
			default:
				kept.Checks = append(kept.Checks, c)
			}
		}
		if len(kept.Checks) > 0 {
			rest = append(rest, kept)
		}
	}
	return append(wrong, warnings...), rest
}
