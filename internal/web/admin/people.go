package admin

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cxm/internal/api"
	"cxm/internal/credential"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// Care is what admins do for people beside giving them roles. Somebody who has no
// role in the guest's tenant is site.ErrMissing.
type Care interface {
	Person(ctx context.Context, g site.Guest, id int64) (Person, error)
	// Link is one by which the person chooses a password, in the place of those before.
	Link(ctx context.Context, g site.Guest, id int64) (Link, error)
	Disable(ctx context.Context, g site.Guest, id int64, yes bool) error
	SignOut(ctx context.Context, g site.Guest, id int64) error
}

// Person is somebody who works in the tenant.
type Person struct {
	api.Person
	Self   bool   // they are who looks
	Alone  bool   // nobody else is an admin of the tenant who is not disabled
	Beyond string // why who looks may not disable them, sign them out or make a link; empty: they may
}

// Link is one by which somebody chooses a password.
type Link struct {
	Path   credential.Secret // behind the address of cxm
	EndsAt time.Time
}

const peopleAt = "/settings/people"

func (a *area) people(views map[string]site.View, forms map[string]site.Form) {
	list := site.View{
		At: page.AtPeople, Title: "People", Lead: "Who may sign in, and what they may do in this tenant.",
		What: "The people", May: "look after people", Needs: role.PeopleWrite, Make: a.listPeople,
	}
	views[peopleAt] = list
	invite := under(list, peopleAt, "Invite somebody")
	invite.Make = func(*http.Request, site.Guest, *ui.Shell) (page.Page, error) { return NewInvite("", ""), nil }
	asked(views, forms, peopleAt+"/invite", invite, a.invite)
	one := under(list, peopleAt, "Person")
	one.What, one.Make = "This person", a.onePerson
	views[peopleAt+"/{id}"] = one
	forms[peopleAt+"/{id}/role"] = site.Form{View: one, Do: a.setRole}
	forms[peopleAt+"/{id}/link"] = site.Form{View: one, Do: a.giveLink}
	forms[peopleAt+"/{id}/enable"] = site.Form{View: one, Do: a.enable}
	stop, end := one, one
	stop.Make, end.Make = a.confirmPerson("Disable", NewDisable), a.confirmPerson("End the sessions of", NewSignOut)
	asked(views, forms, peopleAt+"/{id}/disable", stop, a.disable)
	asked(views, forms, peopleAt+"/{id}/sign-out", end, a.signOut)
}

// People is the list of people.
type People struct {
	Table ui.Table
	Pager *ui.Pager
}

// Template is the template's name.
func (People) Template() string { return "admin-people" }

// NewPeople is the page. Next is what its next page begins behind; empty: it is the
// last.
func NewPeople(at ui.Place, all []api.Person, me int64, next string) People {
	t := ui.Table{Caption: "People", Columns: []ui.Column{{Label: "Person"}, {Label: "Role"}, {Label: "Given by"}, {Label: "Last sign-in"}}}
	for _, p := range all {
		t.Rows = append(t.Rows, []ui.Cell{
			{Text: label(p), URL: personAt(p.ID), Sub: alias(p), Badges: badges(p, me)},
			{Text: first(string(value(p.Role)), "none")},
			{Text: givers(p)},
			moment(p.SignedInAt, "never"),
		})
	}
	return People{Table: t, Pager: pager(at, next)}
}

func personAt(id int64) string { return peopleAt + "/" + strconv.FormatInt(id, 10) }

func label(p api.Person) string {
	return cmp.Or(value(p.Email), p.Name, fmt.Sprintf("person %d", p.ID))
}

// alias is what somebody is called, where that says more than their address.
func alias(p api.Person) string {
	if p.Name == label(p) {
		return ""
	}
	return p.Name
}

func badges(p api.Person, me int64) []ui.Badge {
	var out []ui.Badge
	if p.ID == me {
		out = append(out, ui.Badge{Text: "you", Tone: ui.Info})
	}
	if p.Disabled {
		out = append(out, ui.Badge{Text: "disabled", Tone: ui.Warn})
	}
	return out
}

// givers are those who gave somebody their roles.
func givers(p api.Person) string {
	var out []string
	for _, g := range p.Given {
		by := "an admin"
		if g.Origin != nil {
			by = "the groups of " + provider(*g.Origin)
		}
		if len(p.Given) > 1 {
			by += " (" + string(g.Role) + ")"
		}
		out = append(out, by)
	}
	return first(strings.Join(out, ", "), "nobody")
}

// provider is what people call a provider: the host of its issuer.
func provider(issuer string) string {
	if u, err := url.Parse(issuer); err == nil && u.Host != "" {
		return u.Host
	}
	return issuer
}

func (a *area) listPeople(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	shell.Actions = []ui.Action{{Text: "Invite somebody", URL: peopleAt + "/invite", Kind: "primary", Dialog: true}}
	all, next, err := a.People.People(r.Context(), g.Who, g.Tenant, api.Slice{After: api.Cursor{ID: number(r.URL.Query().Get("after"))}, Size: size})
	return NewPeople(ui.Place{Path: peopleAt, Values: r.URL.Query()}, all, g.Who.Person.ID, cursor(next)), err
}

// number is a whole number above 0; anything else is 0.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

func cursor(c api.Cursor) string {
	if c.ID == 0 {
		return ""
	}
	return strconv.FormatInt(c.ID, 10)
}

func inviteForm() ui.Form {
	return ui.Form{ID: "invite", Action: peopleAt + "/invite", Submit: "Invite", Cancel: peopleAt, Fields: []ui.Field{
		{Name: "email", Label: "Address", Type: "email", Required: true, Autocomplete: "off", Hint: "They sign in with it."},
		{Name: "name", Label: "Name", Autocomplete: "off", Hint: "What they are called. Empty: the address."},
		{Name: "role", Label: "Role", Type: "select", Required: true, Options: roles(role.Viewer)},
	}}
}

func inviting(f ui.Form) Sheet {
	return Sheet{Form: f, Note: "Who is new here gets a link by which they choose a password within an hour: you are shown it once, and send it to them. Who is here already gets the role."}
}

// NewInvite is the page, with what was typed as an address and what is wrong with it.
func NewInvite(email, fault string) Sheet {
	f := inviteForm()
	f.Fields[0].Value, f.Fields[0].Error = email, fault
	return inviting(f)
}

func (a *area) invite(r *http.Request, g site.Guest, shell *ui.Shell) (site.Answer, error) {
	want := api.Invite{Email: r.PostFormValue("email"), Name: r.PostFormValue("name"), Role: role.Role(r.PostFormValue("role"))}
	form := typed(inviteForm(), r)
	if want.Email == "" {
		form.Fields[0].Error = "it is missing: write it like name@example.com"
		return site.Answer{Page: inviting(form)}, nil
	}
	if form.Fields[2].Error = unfit(want.Role); form.Wrong() {
		return site.Answer{Page: inviting(form)}, nil
	}
	p, added, err := a.People.Invite(r.Context(), g.Who, g.Tenant, want)
	if err != nil {
		return again(form, err, func(f ui.Form) page.Page { return inviting(f) })
	}
	if !added {
		return good(personAt(p.ID), label(p)+" was there already; their role is "+string(want.Role)+" now."), nil
	}
	return a.linked(r, g, shell, p, fmt.Sprintf("%s is invited as %s", label(p), want.Role), ui.Link{Text: "Back to the people", URL: peopleAt})
}

// linked makes a link to choose a password, and shows it.
func (a *area) linked(r *http.Request, g site.Guest, shell *ui.Shell, p api.Person, said string, back ui.Link) (site.Answer, error) {
	l, err := a.Care.Link(r.Context(), g, p.ID)
	if err != nil {
		return site.Answer{}, err
	}
	shell.Title, shell.Lead = "A link for "+label(p), ""
	return shown(NewLinked(a.at(r), said, label(p), l, back)), nil
}

// NewLinked shows a link by which somebody chooses a password.
func NewLinked(server, said, who string, l Link, back ui.Link) Made {
	return Made{
		Said:  said,
		Warn:  "Whoever opens this link chooses the password. It is shown this once: send it to " + who + " on a way that nobody else reads.",
		Value: ui.Code{ID: "value", Label: "Link to choose a password", Text: server + l.Path.Reveal()},
		Facts: []ui.Fact{{Name: "For", Text: who}, {Name: "Works", Text: "once", Detail: "and takes the place of links before it"}, {Name: "Ends", Time: l.EndsAt}},
		Back:  back,
	}
}

// OnePerson is one person, and what can be done for them.
type OnePerson struct {
	Facts   []ui.Fact
	Alone   string // why their role stays; empty: it can be changed
	Role    ui.Form
	Beyond  string
	Actions []Deed
}

// Template is the template's name.
func (OnePerson) Template() string { return "admin-person" }

// Deed is something that can be done, and what it does.
type Deed struct {
	Text   string
	Action ui.Action
}

// NewPerson is the page of a person.
func NewPerson(p Person) OnePerson {
	page := OnePerson{Beyond: p.Beyond, Facts: []ui.Fact{
		{Name: "Address", Text: first(value(p.Email), "none: they come by their provider")},
		{Name: "Name", Text: p.Name},
		{Name: "Role", Text: first(string(value(p.Role)), "none"), Detail: "given by " + givers(p.Person)},
		{Name: "Sign-in", Badge: &ui.Badge{Text: "allowed", Tone: ui.Good}},
		when("Last sign-in", value(p.SignedInAt), "never"),
		when("Here since", value(p.CreatedAt), "not known"),
	}}
	if p.Disabled {
		page.Facts[3].Badge = &ui.Badge{Text: "disabled", Tone: ui.Warn}
	}
	if p.Alone {
		page.Alone = label(p.Person) + " is the only admin of this tenant. Give somebody else that role first."
	}
	page.Role = roleForm(p)
	if p.Beyond == "" {
		page.Actions = deeds(p)
	}
	return page
}

func roleForm(p Person) ui.Form {
	hints := []string{"Their sessions end when it changes."}
	for _, g := range p.Given {
		if g.Origin != nil {
			hints = append(hints, "What the groups of "+provider(*g.Origin)+" give ("+string(g.Role)+") stays as they say.")
		}
	}
	now := value(p.Role)
	return ui.Form{ID: "role", Action: personAt(p.ID) + "/role", Submit: "Change the role", Fields: []ui.Field{
		{Name: "role", Label: "Role", Type: "select", Required: true, Hint: strings.Join(hints, " "), Options: append(roles(now), ui.Option{Value: "none", Text: "none: takes them out of this tenant", Selected: now == ""})},
	}}
}

func deeds(p Person) []Deed {
	base := personAt(p.ID)
	var out []Deed
	if p.Email != nil && !p.Disabled {
		out = append(out, Deed{"A link to choose a new password works once, for an hour.", ui.Action{Text: "Make a link", URL: base + "/link", Post: true}})
	}
	if !p.Disabled {
		out = append(out, Deed{"They have to sign in again, everywhere.", ui.Action{Text: "End their sessions", URL: base + "/sign-out", Dialog: true}})
	}
	switch {
	case p.Disabled:
		out = append(out, Deed{"They may sign in again, with the roles that they have.", ui.Action{Text: "Let them in again", URL: base + "/enable", Post: true}})
	case !p.Self && !p.Alone:
		out = append(out, Deed{"Keeps them out, in all tenants. Nothing that they did is lost.", ui.Action{Text: "Disable", URL: base + "/disable", Kind: "danger", Dialog: true}})
	}
	return out
}

// person is the one that an address names.
func (a *area) person(r *http.Request, g site.Guest) (Person, error) {
	id := number(r.PathValue("id"))
	if id == 0 {
		return Person{}, site.ErrMissing
	}
	return a.Care.Person(r.Context(), g, id)
}

func (a *area) onePerson(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	p, err := a.person(r, g)
	if err != nil {
		return nil, err
	}
	shell.Title = label(p.Person)
	return NewPerson(p), nil
}

// unfit says why something is no role in a tenant; empty: it is one.
func unfit(r role.Role) string {
	if _, err := role.Parse(string(r)); err != nil {
		return err.Error()
	}
	return ""
}

func (a *area) setRole(r *http.Request, g site.Guest, shell *ui.Shell) (site.Answer, error) {
	p, err := a.person(r, g)
	if err != nil {
		return site.Answer{}, err
	}
	shell.Title = label(p.Person)
	view := NewPerson(p)
	view.Role = typed(view.Role, r)
	text, to := r.PostFormValue("role"), role.Role("")
	if text != "none" {
		to = role.Role(text)
		if view.Role.Fields[0].Error = unfit(to); view.Role.Wrong() {
			return site.Answer{Page: view}, nil
		}
	}
	if p.Alone && to != role.Admin {
		return site.Answer{}, &site.Refusal{Text: view.Alone + " Nothing was changed."}
	}
	if _, err := a.People.SetRole(r.Context(), g.Who, g.Tenant, p.ID, to); err != nil {
		return site.Answer{}, err
	}
	if to == "" {
		return good(peopleAt, label(p.Person)+" has no role in this tenant any more. Their sessions have ended."), nil
	}
	return good(personAt(p.ID), fmt.Sprintf("%s is now: %s. Their sessions have ended.", label(p.Person), to)), nil
}

func (a *area) giveLink(r *http.Request, g site.Guest, shell *ui.Shell) (site.Answer, error) {
	p, err := a.person(r, g)
	if err != nil {
		return site.Answer{}, err
	}
	return a.linked(r, g, shell, p.Person, "The link is made", ui.Link{Text: "Back to " + label(p.Person), URL: personAt(p.ID)})
}

// confirmPerson asks before something is done to somebody.
func (a *area) confirmPerson(title string, ask func(Person) page.Confirm) func(*http.Request, site.Guest, *ui.Shell) (page.Page, error) {
	return func(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
		p, err := a.person(r, g)
		if err != nil {
			return nil, err
		}
		shell.Title, shell.Trail = title+" "+label(p.Person), append(slices.Clone(shell.Trail), ui.Link{Text: label(p.Person), URL: personAt(p.ID)})
		return ask(p), nil
	}
}

// NewDisable asks before somebody is kept out.
func NewDisable(p Person) page.Confirm {
	return page.Confirm{
		What: []string{
			"Their sessions end at once, in every tenant where they work.", "Their API tokens do not count while they are disabled.",
			"Their roles stay, and so does all that they did.", "An admin can let them in again at any time.",
		},
		Form: ui.Form{ID: "disable", Action: personAt(p.ID) + "/disable", Submit: "Disable", Danger: true, Cancel: personAt(p.ID)},
	}
}

// NewSignOut asks before somebody's sessions end.
func NewSignOut(p Person) page.Confirm {
	return page.Confirm{
		What: []string{"Every session of theirs ends at once, on every device and in every tenant.", "Their password and their API tokens stay as they are."},
		Form: ui.Form{ID: "sign-out", Action: personAt(p.ID) + "/sign-out", Submit: "End their sessions", Danger: true, Cancel: personAt(p.ID)},
	}
}

func (a *area) disable(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	p, err := a.person(r, g)
	switch {
	case err != nil:
		return site.Answer{}, err
	case p.Self:
		return site.Answer{}, &site.Refusal{Text: "You cannot disable yourself: ask another admin. Nothing was changed."}
	case p.Alone:
		return site.Answer{}, &site.Refusal{Text: label(p.Person) + " is the only admin of this tenant. Give somebody else that role first. Nothing was changed."}
	}
	if err := a.Care.Disable(r.Context(), g, p.ID, true); err != nil {
		return site.Answer{}, err
	}
	return good(personAt(p.ID), label(p.Person)+" is kept out: their sessions have ended, and their API tokens do not count."), nil
}

func (a *area) enable(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	p, err := a.person(r, g)
	if err == nil {
		err = a.Care.Disable(r.Context(), g, p.ID, false)
	}
	return good(personAt(p.ID), label(p.Person)+" may sign in again."), err
}

func (a *area) signOut(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	p, err := a.person(r, g)
	if err == nil {
		err = a.Care.SignOut(r.Context(), g, p.ID)
	}
	return good(personAt(p.ID), label(p.Person)+" is signed out."), err
}
