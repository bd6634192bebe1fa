package bootstrap

import (
	"fmt"
	"slices"
	"strings"

	"cxm/internal/gitlab/setup"
	"cxm/internal/integration"
	"cxm/internal/integration/access"
	"cxm/internal/plan"
)

// Action is what a step of a bootstrap is about.
type Action string

// The actions, in their order.
const (
	SetAccount    Action = "account"
	SetMember     Action = "member"
	RevokeToken   Action = "revoke"
	MakeToken     Action = "token"
	SetConnection Action = "connection"
)

// Step is one thing to set up, or that is there already.
type Step struct {
	Verb   plan.Verb // Create, Update, Close (of a token), or Nothing
	Action Action
	Title  string
	Reason string

	place setup.Place // SetMember
	token int64       // RevokeToken
}

// Plan is what a bootstrap is about to do.
type Plan struct {
	URL      string
	Version  string // of the instance; empty: it does not say
	As       string // the user name of the owner of the token
	Username string // of the service account
	Steps    []Step
}

// Changes are the steps that do something.
func (p Plan) Changes() []Step {
	return slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return s.Verb == plan.Nothing })
}

// settled is what a bootstrap found, before it changes anything.
type settled struct {
	home    setup.Home
	project setup.Place   // where issues go
	places  []setup.Place // where the account is to be a member
	roles   []setup.Roles // the account's in each of places

	account *setup.User // nil: there is none
	ours    bool        // cxm began to make it
	others  int         // service accounts of the home besides, at least

	connected integration.Integration // of this instance and project; ID 0: none
	held      setup.Token             // the one that works and that connected holds; ID 0: none
	lost      []setup.Token           // made by an attempt that did not come to its end
}

// steps says what is to be done:
//
//	the account     absent                     + create
//	                there                      = used, whoever made it
//	each place      no member                  + add
//	                a lower role there         ~ raise
//	                the same, or a higher one  = left
//	a lost token                               - revoke
//	the token       none that works is held    + create
//	                one is                     = left
//	the connection  of the project, none       + connect
//	                as another account, or with a token that does not work  ~ connect
//	                with the token that is held                             =
func (w Request) steps(s settled) []Step {
	out := []Step{w.accountStep(s)}
	for i, p := range s.places {
		roles := setup.Roles{}
		if s.account != nil {
			roles = s.roles[i]
		}
		out = append(out, w.memberStep(p, roles))
	}
	for _, t := range s.lost {
		out = append(out, Step{Verb: plan.Close, Action: RevokeToken, token: t.ID, Title: fmt.Sprintf("token %d of %s", t.ID, w.Username),
			Reason: "an earlier attempt made it, and its value was lost on the way: nobody can use it"})
	}
	return append(out, w.tokenStep(s), w.connectionStep(s))
}

func (w Request) accountStep(s settled) Step {
	step := Step{Verb: plan.Create, Action: SetAccount, Title: fmt.Sprintf("service account %s (%s) in %s", w.Username, w.Name, s.home.Named()),
		Reason: "there is no account of that name"}
	if s.account == nil {
		return step
	}
	step.Verb, step.Title = plan.Nothing, fmt.Sprintf("service account %s in %s", s.account.Username, s.home.Named())
	step.Reason = "there already, not made by this installation of cxm: it is used as it is"
	if s.ours {
		step.Reason = "there already: cxm made it"
	}
	return step
}

func (w Request) memberStep(p setup.Place, have setup.Roles) Step {
	step := Step{Verb: plan.Create, Action: SetMember, place: p, Title: fmt.Sprintf("%s in %s", w.Role, p.Named()), Reason: "it is not a member there yet"}
	switch {
	case have.Any > w.Role:
		step.Verb, step.Title = plan.Nothing, fmt.Sprintf("%s in %s", have.Any, p.Named())
		step.Reason = fmt.Sprintf("it has a higher role than %s there already, which is left: lower it in GitLab if nothing else needs it", w.Role)
	case have.Any == w.Role:
		step.Verb, step.Reason = plan.Nothing, "there already"
		if have.Direct == access.Unknown {
			step.Reason = "there already, by a group above"
		}
	case have.Direct != access.Unknown:
		step.Verb, step.Reason = plan.Update, fmt.Sprintf("it is %s there so far", have.Direct)
	case have.Any != access.Unknown:
		step.Reason = fmt.Sprintf("it is %s there by a group above, which is too little", have.Any)
	}
	return step
}

func (w Request) tokenStep(s settled) Step {
	step := Step{Verb: plan.Create, Action: MakeToken, Title: fmt.Sprintf("token with the scopes %s, for %d days", strings.Join(w.Scopes, ", "), w.Days),
		Reason: "cxm holds none of the account's that works"}
	if s.held.ID != 0 {
		step.Verb, step.Title = plan.Nothing, fmt.Sprintf("token %d with the scopes %s", s.held.ID, strings.Join(s.held.Scopes, ", "))
		step.Reason = "there already: integration " + fmt.Sprint(s.connected.ID) + " holds it"
	}
	return step
}

func (w Request) connectionStep(s settled) Step {
	step := Step{Verb: plan.Create, Action: SetConnection, Title: fmt.Sprintf("connection of %s as %s", s.project.Path, w.Username), Reason: "issues go there, and it is not connected yet"}
	switch {
	case s.held.ID != 0:
		step.Verb, step.Reason = plan.Nothing, fmt.Sprintf("there already: integration %d", s.connected.ID)
	case s.connected.ID != 0 && s.account != nil && s.connected.Account.ID == s.account.ID:
		step.Verb, step.Reason = plan.Update, fmt.Sprintf("the token of integration %d does not work any more", s.connected.ID)
	case s.connected.ID != 0:
		step.Verb, step.Reason = plan.Update, fmt.Sprintf("integration %d acts as %s so far", s.connected.ID, s.connected.Account.Username)
	}
	return step
}

// BotUser is how a person makes a bot user instead, step by step, on an instance.
func BotUser(base, project string, role access.Role, scopes []string) []string {
	sign := base + "/admin/users/new (as an administrator) or " + base + "/users/sign_up"
	if strings.HasSuffix(base, "://gitlab.com") {
		sign = base + "/users/sign_up"
	}
	page := base + "/" + project + "/-/project_members"
	if project == "" {
		page, project = "the page Manage > Members of the project", "GROUP/PROJECT"
	}
	return []string{
		"Make a user of its own for cxm at " + sign + ": user name cxm-integration-bot, and an e-mail address that a team reads, such as cxm-integration@example.com. Keep its password in a password manager, and switch on two-factor sign-in. It takes a seat where seats are counted.",
		fmt.Sprintf("Invite it into the project with the role %s at %s (Invite members).", role, page),
		fmt.Sprintf("Sign in as that user once, and make a personal access token at %s/-/user_settings/personal_access_tokens?name=cxm&scopes=%s, with an expiry date that you can keep.", base, strings.Join(scopes, ",")),
		fmt.Sprintf("Put the token into a file that only you can read, and run `cxm connect gitlab --url %s --token-file FILE --project %s`.", base, project),
	}
}
