package entry

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cxm/internal/signin"
	"cxm/internal/web/ui"
)

// SignIn is where people sign in, or choose a password.
type SignIn struct {
	Form      ui.Form
	Providers []ui.Action // to sign in with instead
}

// Template is the template's name.
func (SignIn) Template() string { return "signin" }

// SignInData is what the page of the sign-in is made from.
type SignInData struct {
	Address   string            // as it was typed
	Next      string            // the path that was asked for; empty: the overview
	Trouble   string            // why the sign-in was refused; empty: it was not tried
	Faults    map[string]string // by field: address, password
	Providers []ui.Link         // the OpenID Connect providers, by the name on their button
}

// NewSignIn is the page. An address that is missing is said at its field.
func NewSignIn(d SignInData) SignIn {
	form := ui.Form{ID: "signin", Action: "/signin", Submit: "Sign in", Error: d.Trouble, Fields: []ui.Field{
		{Name: "address", Label: "E-mail address", Type: "email", Value: d.Address, Required: true, Autocomplete: "username", Focus: d.Address == ""},
		{Name: "password", Label: "Password", Type: "password", Required: true, Autocomplete: "current-password", Focus: d.Address != ""},
		{Name: "next", Type: "hidden", Value: d.Next},
	}}
	page := SignIn{Form: wrong(form, d.Faults)}
	for _, p := range d.Providers {
		page.Providers = append(page.Providers, ui.Action{Text: "Sign in with " + p.Text, URL: p.URL})
	}
	return page
}

// wrong is the form with what is wrong at its fields.
func wrong(f ui.Form, faults map[string]string) ui.Form {
	for i, each := range f.Fields {
		f.Fields[i].Error = faults[each.Name]
	}
	return f
}

// SetUpData is what the page of a link is made from: the first admin's, or somebody's
// who chooses a password.
type SetUpData struct {
	Link    string // the value from the address
	First   bool   // it makes the first admin, who also says who they are
	Address string // of who chooses a password
	Fields  map[string]string
	Faults  map[string]string // by field: name, address, password
	Error   string
}

const passwordHint = "At least 12 characters. A password manager's is best; no characters are required."

// NewSetUp is the page behind a link.
func NewSetUp(d SetUpData) SignIn {
	form := ui.Form{ID: "setup", Action: "/reset", Submit: "Set the password", Error: d.Error, Fields: []ui.Field{{Name: "link", Type: "hidden", Value: d.Link}}}
	if d.First {
		form.Action, form.Submit = "/setup", "Create the account"
		form.Fields = append(form.Fields,
			ui.Field{Name: "name", Label: "Your name", Value: d.Fields["name"], Required: true, Autocomplete: "name", Focus: true},
			ui.Field{Name: "address", Label: "E-mail address", Type: "email", Value: d.Fields["address"], Required: true, Autocomplete: "username"},
		)
	}
	form.Fields = append(form.Fields, ui.Field{
		Name: "password", Label: "Password", Type: "password", Required: true, Autocomplete: "new-password", Focus: !d.First, Hint: passwordHint,
	})
	return SignIn{Form: wrong(form, d.Faults)}
}

// Welcome leads through the first steps.
type Welcome struct {
	Steps []ui.Step
	Done  *ui.Action // where to go on when all is done; nil: it is not
	Try   *ui.Action // begins a sandbox; nil: something is connected, or they may not
	Demo  ui.Code    // a command instead
}

// Template is the template's name.
func (Welcome) Template() string { return "welcome" }

// WelcomeData is how far a tenant is, and what somebody may do about it.
type WelcomeData struct {
	Connected, Delivered, Planned   bool
	MayConnect, MayDeliver, MayPlan bool
	Integration                     int64 // that the first plan is made for
}

// NewWelcome is the page for a tenant in which so much is done.
func NewWelcome(d WelcomeData) Welcome {
	step := func(title, text, button, url, who string, done, may bool) ui.Step {
		s := ui.Step{Title: title, Text: text, State: "later"}
		switch {
		case done:
			s.State = "done"
		case may:
			s.Action = &ui.Action{Text: button, URL: url, Kind: "primary"}
		default:
			s.Text += " " + who
		}
		return s
	}
	const admin, member = "An admin of the tenant does that.", "A member of the tenant does that."
	w := Welcome{Demo: ui.Code{ID: "demo", Label: "On your machine", Text: "cxm demo"}, Steps: []ui.Step{
		step("Connect GitLab", "cxm makes issues as an account of its own: a service account is best. It takes an address and a token.", "Connect GitLab", "/settings/integrations", admin, d.Connected, d.MayConnect),
		step("Take in what a source reports", "Export the recommendations of your cloud and take them in with cxm ingest, or have a tool deliver them to cxm.", "Add a source", "/settings/sources", admin, d.Delivered, d.MayDeliver),
		step("Read the first plan", "A plan says which issues cxm would make, and why. The first issues of a source that is new wait until a person approves them.", "Make the first plan", fmt.Sprintf("/runs/plan?integration=%d", d.Integration), member, d.Planned, d.MayPlan),
	}}
	if d.MayConnect && !d.Connected {
		w.Try = &ui.Action{Text: "Try it with a sandbox GitLab", URL: "/welcome/sandbox"}
	}
	current := slices.IndexFunc(w.Steps, func(s ui.Step) bool { return s.State == "later" })
	if current < 0 {
		w.Done = &ui.Action{Text: "Go to the overview", URL: "/", Kind: "primary"}
		return w
	}
	for i := range w.Steps {
		if i == current {
			w.Steps[i].State = "current"
		} else {
			w.Steps[i].Action = nil
		}
	}
	return w
}

// Account is what people see of their own account.
type Account struct {
	Facts    []ui.Fact
	Name     *ui.Form // nil: whoever lets them in says their name
	Roles    ui.Table
	Sessions []Session
	More     int        // sessions that are not shown
	Others   *ui.Action // ends all but this one; nil: there is none
	Password *ui.Form   // nil: they have none
	Provider string     // what is said instead of it
}

// Template is the template's name.
func (Account) Template() string { return "account" }

// Session is one sign-in.
type Session struct {
	ID          int64
	With, From  string
	Current     bool
	Begun, Seen time.Time
}

// AccountData is what the page of one's own account is made from.
type AccountData struct {
	Person    signin.Person
	Name      string // as it was typed, or as it is
	Current   signin.Session
	Sessions  []signin.Session // the latest first
	Providers []Provider
	Faults    map[string]string // by field: name, was, is
	Error     string
}

// mostSessions is how many are shown.
const mostSessions = 20

// NewAccount is the page.
func NewAccount(d AccountData) Account {
	p := d.Person
	a := Account{Roles: roles(p), Facts: []ui.Fact{{Name: "E-mail address", Text: orNone(p.Email)}, {Name: "Here since", Time: p.CreatedAt}}}
	if p.Installation {
		a.Facts = append(a.Facts, ui.Fact{Name: "Installation", Text: "You look after it."})
	}
	slices.SortStableFunc(d.Sessions, func(a, b signin.Session) int { return first(a.ID == d.Current.ID, b.ID == d.Current.ID) })
	for i, s := range d.Sessions {
		if i == mostSessions {
			a.More = len(d.Sessions) - mostSessions
			break
		}
		a.Sessions = append(a.Sessions, Session{ID: s.ID, With: browser(s.Agent), From: how(s, d.Providers), Current: s.ID == d.Current.ID, Begun: s.BegunAt, Seen: s.SeenAt})
	}
	if len(d.Sessions) > 1 {
		a.Others = &ui.Action{Text: "End all others", URL: "/account/sessions/end", Post: true}
	}
	if p.Password.Empty() {
		a.Facts = slices.Insert(a.Facts, 0, ui.Fact{Name: "Name", Text: orNone(p.Name), Detail: "as your provider says"})
		a.Provider = "You have no password here: you sign in by a provider, and change it there."
		return a
	}
	name := wrong(ui.Form{ID: "name", Action: "/account/name", Submit: "Change the name", Fields: []ui.Field{
		{Name: "name", Label: "Name", Value: d.Name, Required: true, Autocomplete: "name", Hint: "As others here see you. The audit log names you by your address."},
	}}, d.Faults)
	a.Name = &name
	form := wrong(ui.Form{ID: "password", Action: "/account/password", Submit: "Change the password", Error: d.Error, Fields: []ui.Field{
		{Name: "was", Label: "Your password now", Type: "password", Required: true, Autocomplete: "current-password"},
		{Name: "is", Label: "The new one", Type: "password", Required: true, Autocomplete: "new-password", Hint: passwordHint + " It ends all your sessions, and you sign in again."},
	}}, d.Faults)
	a.Password = &form
	return a
}

func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// roles are where somebody works, as what, and who says so.
func roles(p signin.Person) ui.Table {
	t := ui.Table{Caption: "Your tenants and roles", Columns: []ui.Column{{Label: "Tenant"}, {Label: "Role"}, {Label: "Given by"}}}
	for _, g := range p.Grants {
		by := "an admin"
		if g.Origin != "" {
			by = "your groups at " + g.Origin
		}
		t.Rows = append(t.Rows, []ui.Cell{{Text: g.Tenant}, {Text: string(g.Role)}, {Text: by}})
	}
	return t
}

// how somebody signed in, and from where.
func how(s signin.Session, providers []Provider) string {
	by := "with a password"
	switch i := slices.IndexFunc(providers, func(p Provider) bool { return p.Name == s.Method }); {
	case s.Method == signin.MethodLink:
		by = "with a link"
	case i >= 0:
		by = "with " + providers[i].Title
	case s.Method != signin.MethodPassword:
		by = "with " + s.Method
	}
	if s.Address == "" {
		return by
	}
	return by + " from " + s.Address
}

// browser is what a browser says of itself, in short. It says what it likes: this is
// for people who look for what they do not know.
func browser(agent string) string {
	name := found(agent, [][2]string{{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"FxiOS", "Firefox"}, {"CriOS", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"}})
	on := found(agent, [][2]string{{"iPhone", "an iPhone"}, {"iPad", "an iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"CrOS", "ChromeOS"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"}})
	switch {
	case agent == "":
		return "A browser that does not say which it is"
	case name == "":
		return agent
	case on == "":
		return name
	}
	return name + " on " + on
}

func found(agent string, names [][2]string) string {
	for _, n := range names {
		if strings.Contains(agent, n[0]) {
			return n[1]
		}
	}
	return ""
}
