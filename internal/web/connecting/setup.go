package connecting

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cxm/internal/credential"
	"cxm/internal/signin/role"
	"cxm/internal/web"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// Setups set up service accounts, each for who began it alone. One that is not there is
// site.ErrMissing.
type Setups interface {
	// Begin finds out what is to be done while the caller goes on. Nothing is changed.
	// What is wrong with what was typed is a *Fault.
	Begin(ctx context.Context, g site.Guest, w SetupWant) (id string, err error)
	Setup(ctx context.Context, g site.Guest, id string) (Setup, error)
	// Carry does what was planned while the caller goes on. When something else is to
	// be done by now, that is planned, and nothing is done.
	Carry(ctx context.Context, g site.Guest, id string) error
}

// SetupWant is a service account that is wanted.
type SetupWant struct {
	URL, Level, Group, Project, Username, Role string
	Days                                       int
	Owner                                      credential.Secret // as it was pasted; used, never stored
}

// SetupState is how far a set-up is.
type SetupState string

// The states.
const (
	Looking SetupState = "looking"
	Planned SetupState = "planned"
	Working SetupState = "working"
	Made    SetupState = "made"
	Halted  SetupState = "halted" // it came to no end: Trouble says why
)

// Setup is a service account in the making.
type Setup struct {
	State       SetupState
	URL         string
	As          string // whose token it is
	Steps       []SetupStep
	Notes       []string
	Guide       []string // how a bot user is made instead
	Trouble     string
	Integration int64
	Name        string
	Changed     <-chan struct{}
}

// SetupStep is one thing that is to be done.
type SetupStep struct {
	Title, Reason string
	There         bool // nothing is to be done: it is so already
	Done          bool
}

// Guide leads through the making of a service account, by hand or with one button.
type Guide struct {
	Kinds []ui.NavItem
	Steps []GuideStep
	Note  string
	Form  ui.Form
}

// GuideStep is one step of it.
type GuideStep struct {
	Title string
	Do    []string
	Codes []ui.Code
	Next  *ui.Action
}

// Template is the template's name.
func (Guide) Template() string { return "connecting-guide" }

// setupPath is where service accounts are set up.
const setupPath = root + "/service-account"

// kinds of accounts that the guide knows.
const (
	kindGroup    = "group"
	kindInstance = "instance"
	kindBot      = "bot"
)

// NewGuide is the page for a kind of account; w and faults are what was typed, and what
// is wrong with it.
func NewGuide(kind string, w SetupWant, faults map[string]string) Guide {
	if !slices.Contains([]string{kindGroup, kindInstance, kindBot}, kind) {
		kind = kindGroup
	}
	g := Guide{Form: setupForm(w, faults)}
	for _, k := range []struct{ kind, text string }{{kindGroup, "GitLab.com, Premium or Ultimate"}, {kindInstance, "Self-managed, Premium or Ultimate"}, {kindBot, "GitLab Free: a bot user"}} {
		g.Kinds = append(g.Kinds, ui.NavItem{Link: ui.Link{Text: k.text, URL: setupPath + "?kind=" + k.kind}, Current: k.kind == kind})
	}
	account, name := "Make the service account", "cxm-integration"
	where := []string{"Sign in as an Owner of the top-level group, and open that group.", "Open Settings > Service accounts, and choose New service account.", "Enter this name and user name, and create it."}
	token := []string{"On the page of the service accounts, open the one that you made.", "Below Access tokens choose Add new token, with this name and these scopes."}
	g.Note = "Premium allows one service account for each paid seat, Ultimate as many as you like. They take no seat and cannot sign in."
	switch kind {
	case kindInstance:
		where = []string{"Sign in as an administrator of the instance.", "Open Admin area > Users, and choose New service account.", "Enter this name and user name, and create it."}
		token = []string{"Open Admin area > Users, and there the service account.", "On the tab Access tokens add a token with this name and these scopes."}
	case kindBot:
		account, name = "Make a bot user", "cxm-integration-bot"
		where = []string{"Make a user of its own at your GitLab's sign-up page, with an address that a team reads.", "Keep its password in a password manager, and switch on two-factor sign-in.", "Give access to it only to admins who need it."}
		token = []string{"Sign in as the bot user.", "Open Preferences > Access tokens, and add a token with this name and these scopes."}
		g.Note = "A bot user takes a seat, is not marked as a bot, and could sign in: a service account is better where there are any."
	}
	g.Steps = []GuideStep{
		{Title: account, Do: where, Codes: []ui.Code{{ID: "guide-name", Label: "Name", Text: "Cloud ex Machina Integration"}, {ID: "guide-user", Label: "User name", Text: name}}},
		{Title: "Let it into your projects", Do: []string{"Open the group or the project in which issues are to be made, and there Manage > Members.", "Choose Invite members, select the account, and give it the role Maintainer."}},
		{Title: "Make its token", Do: append(token, "Set the day on which it expires: at most 365 days from now. cxm renews it before that, if it has self_rotate.", "Copy the token at once: GitLab shows it this one time."),
			Codes: []ui.Code{{ID: "guide-token", Label: "Token name", Text: "Cloud ex Machina Integration"}, {ID: "guide-scopes", Label: "Scopes", Text: "api, read_user, read_repository, write_repository, self_rotate"}}},
		{Title: "Connect it", Do: []string{"Enter the address of your GitLab and the token, and choose where issues go."}, Next: &ui.Action{Text: "Connect with the token", URL: root + "/connect/gitlab-token", Kind: "primary"}},
	}
	return g
}

func setupForm(w SetupWant, faults map[string]string) ui.Form {
	pick := func(now string, all ...ui.Option) []ui.Option {
		for i := range all {
			all[i].Selected = all[i].Value == now
		}
		return all
	}
	days := "365"
	if w.Days > 0 {
		days = strconv.Itoa(w.Days)
	}
	f := ui.Form{ID: "setup", Action: setupPath, Submit: "Show what it would do", Fields: []ui.Field{
		{Name: "url", Label: "GitLab Instance URL", Value: w.URL, Required: true, Autocomplete: "off", Hint: "gitlab.com, or the address of your own instance"},
		{Name: "owner", Label: "Token of an Owner", Type: "password", Required: true, Autocomplete: "off", Hint: "With the scope api. Of an instance: an administrator's. It is used for this, kept in memory for half an hour at most, and never stored."},
		{Name: "level", Label: "The service account belongs to", Type: "select", Options: pick(w.Level, ui.Option{Value: "group", Text: "a group"}, ui.Option{Value: "instance", Text: "the whole instance"}, ui.Option{Value: "project", Text: "the project"})},
		{Name: "group", Label: "Group", Value: w.Group, Autocomplete: "off", Hint: "Its path, when the account belongs to a group."},
		{Name: "project", Label: "Repository", Value: w.Project, Required: true, Autocomplete: "off", Hint: "Where issues go, with its groups: my-company/platform."},
		{Name: "username", Label: "User name", Value: w.Username, Required: true, Autocomplete: "off"},
		{Name: "role", Label: "Role", Type: "select", Options: pick(w.Role, ui.Option{Value: "maintainer", Text: "Maintainer, as the guide asks for"}, ui.Option{Value: "developer", Text: "Developer: issues and merge requests"}, ui.Option{Value: "planner", Text: "Planner: issues alone"})},
		{Name: "days", Label: "Days until the token expires", Value: days, Required: true, Autocomplete: "off"},
	}}
	for i, field := range f.Fields {
		f.Fields[i].Error = faults[field.Name]
	}
	f.Error = faults[""]
	return f
}

// SetupPage is a service account in the making.
type SetupPage struct {
	Summary page.Summary
	Live    string
	At      string
	Steps   []SetupStep
	Do      *ui.Action
	Notes   []string
	Guide   []string
	Done    *ui.Link
	Back    string
}

// Template is the template's name.
func (SetupPage) Template() string { return "connecting-setup" }

// NewSetup is the page.
func NewSetup(id string, s Setup) SetupPage {
	here := setupPath + "/attempts/" + id
	p := SetupPage{At: here, Steps: s.Steps, Notes: s.Notes, Guide: s.Guide, Back: setupPath}
	todo := 0
	for _, step := range s.Steps {
		if !step.There && !step.Done {
			todo++
		}
	}
	switch s.State {
	case Looking:
		p.Live, p.Summary = here+"/live", page.Summary{Text: "Looking at what is there. Nothing is changed.", Tone: ui.Info}
	case Planned:
		p.Do = &ui.Action{Text: "Do this in GitLab", URL: here, Post: true, Kind: "primary"}
		p.Summary = page.Summary{Text: "This is what would be done, with the token of " + s.As + ". Nothing was changed yet.", Tone: ui.Info}
		if todo == 0 {
			p.Summary.Text, p.Do.Text = "Everything is there already, and nothing is to be done in GitLab.", "Go on"
		}
	case Working:
		p.Live, p.Summary = here+"/live", page.Summary{Text: "It is being done. It goes on when you close this page.", Tone: ui.Info}
	case Made:
		p.Summary = page.Summary{Text: "Done. The Owner's token is forgotten: if it was made for this, revoke it in GitLab.", Tone: ui.Good}
		if s.Integration != 0 {
			p.Done = &ui.Link{Text: s.Name, URL: at(s.Integration)}
		}
	default:
		p.Summary = page.Summary{Text: s.Trouble, Tone: ui.Bad}
	}
	return p
}

func (a *area) setups(to *site.Area) {
	v := view("Set up a service account", "The set-up", "connect integrations", role.IntegrationsWrite)
	v.Lead = "An account of cxm's own: it depends on nobody in person, and shows who wrote what."
	v.List = ui.Link{Text: "Begin anew", URL: setupPath}
	to.Views[setupPath] = made(v, func(r *http.Request, _ guest, _ *ui.Shell) (page.Page, error) {
		return NewGuide(r.URL.Query().Get("kind"), SetupWant{URL: "gitlab.com", Level: "group", Username: "cxm-integration", Role: "maintainer"}, nil), nil
	})
	to.Forms[setupPath] = done(v, a.beginSetup)
	here := setupPath + "/attempts/{setup}"
	to.Views[here] = made(v, func(r *http.Request, g guest, shell *ui.Shell) (page.Page, error) {
		s, err := a.Setups.Setup(r.Context(), g, r.PathValue("setup"))
		shell.Lead = s.URL
		return NewSetup(r.PathValue("setup"), s), err
	})
	to.Forms[here] = done(v, func(r *http.Request, g guest, _ *ui.Shell) (site.Answer, error) {
		return site.Answer{To: r.URL.Path}, a.Setups.Carry(r.Context(), g, r.PathValue("setup"))
	})
	to.Live[here+"/live"] = site.Live{View: v, Send: func(r *http.Request, g guest, out *web.Stream) error {
		s, err := a.Setups.Setup(r.Context(), g, r.PathValue("setup"))
		if err != nil {
			return err
		}
		return once(r.Context(), out, strings.TrimSuffix(r.URL.Path, "/live"), s.State == Looking || s.State == Working, s.Changed)
	}}
}

// once waits for a change while something is under way, and then has the browser look.
func once(ctx context.Context, out *web.Stream, next string, running bool, changed <-chan struct{}) error {
	if running {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
	_ = out.Next(next) // who has gone needs no end
	return nil
}

func (a *area) beginSetup(r *http.Request, g guest, _ *ui.Shell) (site.Answer, error) {
	text := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	w := SetupWant{
		URL: text("url"), Level: text("level"), Group: text("group"), Project: text("project"), Username: text("username"), Role: text("role"),
		Owner: credential.NewSecret(r.PostFormValue("owner")),
	}
	days, bad := strconv.Atoi(text("days"))
	if w.Days = days; bad != nil || days < 1 || days > 365 {
		return site.Answer{Page: NewGuide(kindGroup, w, map[string]string{"days": "write a number of days from 1 to 365"})}, nil //nolint:nilerr // it is for who typed it
	}
	id, err := a.Setups.Begin(r.Context(), g, w)
	if f, ok := errors.AsType[*Fault](err); ok {
		return site.Answer{Page: NewGuide(kindGroup, w, f.Fields)}, nil
	}
	return site.Answer{To: setupPath + "/attempts/" + id}, err
}
