package page

import "cxm/internal/web/ui"

// SignIn is where people sign in.
type SignIn struct {
	Form      ui.Form
	Providers []ui.Action // to sign in with instead
}

// Template is the template's name.
func (SignIn) Template() string { return "signin" }

// SignInData is what the page of the sign-in is made from.
type SignInData struct {
	Address   string    // as it was typed
	Next      string    // the path that was asked for; empty: the overview
	Trouble   string    // why the sign-in was refused; empty: it was not tried
	Providers []ui.Link // the OpenID Connect providers, by the name on their button
}

// NewSignIn is the page. An address that is missing is said at its field.
func NewSignIn(d SignInData) SignIn {
	form := ui.Form{ID: "signin", Action: "/signin", Submit: "Sign in", Error: d.Trouble, Fields: []ui.Field{
		{Name: "address", Label: "Email address", Type: "email", Value: d.Address, Required: true, Autocomplete: "username", Focus: d.Address == ""},
		{Name: "password", Label: "Password", Type: "password", Required: true, Autocomplete: "current-password", Focus: d.Address != ""},
		{Name: "next", Type: "hidden", Value: d.Next},
	}}
	page := SignIn{Form: form}
	for _, p := range d.Providers {
		page.Providers = append(page.Providers, ui.Action{Text: "Sign in with " + p.Text, URL: p.URL})
	}
	return page
}

// SetUpData is what the page of a set-up link is made from: the first admin's, or
// somebody's who chooses a password.
type SetUpData struct {
	Link   string // the value from the address
	First  bool   // it makes the first admin, who also says who they are
	Fields map[string]string
	Faults map[string]string // by field: name, address, password
	Error  string
}

// NewSetUp is the page behind a set-up link.
func NewSetUp(d SetUpData) SignIn {
	form := ui.Form{ID: "setup", Action: "/setup", Submit: "Set the password", Error: d.Error, Fields: []ui.Field{{Name: "link", Type: "hidden", Value: d.Link}}}
	if d.First {
		form.Submit = "Create the account"
		form.Fields = append(form.Fields,
			ui.Field{Name: "name", Label: "Your name", Value: d.Fields["name"], Required: true, Autocomplete: "name", Focus: true},
			ui.Field{Name: "address", Label: "Email address", Type: "email", Value: d.Fields["address"], Required: true, Autocomplete: "username"},
		)
	}
	form.Fields = append(form.Fields, ui.Field{
		Name: "password", Label: "Password", Type: "password", Required: true, Autocomplete: "new-password", Focus: !d.First,
		Hint: "At least 12 characters. A password manager's is best; no characters are required.",
	})
	for i, f := range form.Fields {
		form.Fields[i].Error = d.Faults[f.Name]
	}
	return SignIn{Form: form}
}

// Welcome leads through the first steps.
type Welcome struct {
	Steps []ui.Step
	Try   ui.Action
}

// Template is the template's name.
func (Welcome) Template() string { return "welcome" }

// NewWelcome is the page for an installation in which so much is done.
func NewWelcome(connected, delivered, planned bool) Welcome {
	steps := []ui.Step{
		{Title: "Connect GitLab", Text: "cxm makes issues as an account of its own: a service account is best. It takes an address and a token.", Action: &ui.Action{Text: "Connect GitLab", URL: "/settings/integrations", Kind: "primary"}},
		{Title: "Take in what a source reports", Text: "Export the recommendations of your cloud and take them in with cxm ingest, or have a tool deliver them to cxm."},
		{Title: "Read the first plan", Text: "cxm plan says which issues cxm would make, and why. Nothing is written to GitLab before a person applies it."},
	}
	current := true
	for i, done := range []bool{connected, delivered, planned} {
		switch {
		case done:
			steps[i].State, steps[i].Action = "done", nil
		case current:
			steps[i].State, current = "current", false
		default:
			steps[i].State, steps[i].Action = "later", nil
		}
	}
	return Welcome{Steps: steps, Try: ui.Action{Text: "Try it with a sandbox GitLab", URL: "/welcome/sandbox", Post: true}}
}
