package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"cxm/internal/api"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

const tokensAt = "/settings/api-tokens"

func (a *area) tokens(views map[string]site.View, forms map[string]site.Form) {
	list := site.View{
		At: page.AtAPITokens, Title: "API tokens", Lead: "What programs show to use cxm's API. These are cxm's own tokens; those for GitLab are on the page of each integration.",
		What: "The API tokens", May: "see API tokens", Needs: role.TokensOwn, Make: a.listTokens,
	}
	views[tokensAt] = list
	mint := under(list, tokensAt, "Make an API token")
	mint.May, mint.Make = "make API tokens", func(_ *http.Request, g site.Guest, _ *ui.Shell) (page.Page, error) {
		return NewMinting(g.May, ""), nil
	}
	asked(views, forms, tokensAt+"/new", mint, a.mint)
	one := under(list, tokensAt, "API token")
	one.What, one.Make = "This API token", a.oneToken
	views[tokensAt+"/{id}"] = one
	revoke := one
	revoke.Make = a.askRevoke
	asked(views, forms, tokensAt+"/{id}/revoke", revoke, a.revoke)
}

// Tokens is the list of API tokens.
type Tokens struct {
	Table ui.Table
	Pager *ui.Pager
	Empty *ui.Empty
}

// Template is the template's name.
func (Tokens) Template() string { return "admin-tokens" }

// NewTokens is the page. Next is what its next page begins behind; empty: it is the
// last.
func NewTokens(at ui.Place, all []api.Token, me int64, now time.Time, next string) Tokens {
	p := Tokens{Pager: pager(at, next), Table: ui.Table{Caption: "API tokens", Columns: []ui.Column{
		{Label: "API token"}, {Label: "State"}, {Label: "Belongs to"}, {Label: "Scopes"}, {Label: "Last used"}, {Label: "Ends"},
	}}}
	for _, t := range all {
		p.Table.Rows = append(p.Table.Rows, []ui.Cell{
			{Text: t.Name, URL: tokenAt(t.ID), Sub: t.Hint + "…"},
			{Badges: []ui.Badge{standing(t, now)}},
			{Text: whose(t, me)},
			{Text: joined(t.Scopes)},
			moment(t.UsedAt, "never"),
			moment(t.EndsAt, "not known"),
		})
	}
	if len(all) == 0 && p.Pager == nil {
		p.Empty = &ui.Empty{
			Title: "There is no API token", Text: "A program that uses cxm's API, or the command line on another machine, needs one. What it may do is narrowed by its scopes.",
			Action: &ui.Action{Text: "Make one", URL: tokensAt + "/new", Kind: "primary"},
		}
	}
	return p
}

func tokenAt(id int64) string { return tokensAt + "/" + strconv.FormatInt(id, 10) }

// standing is whether a token counts.
func standing(t api.Token, now time.Time) ui.Badge {
	switch ends := value(t.EndsAt); {
	case t.RevokedAt != nil:
		return ui.Badge{Text: "revoked", Tone: ui.Neutral}
	case !ends.IsZero() && !now.Before(ends):
		return ui.Badge{Text: "ended", Tone: ui.Neutral}
	case !ends.IsZero() && ends.Sub(now) < 7*24*time.Hour:
		return ui.Badge{Text: "ends soon", Tone: ui.Warn}
	}
	return ui.Badge{Text: "valid", Tone: ui.Good}
}

func whose(t api.Token, me int64) string {
	switch {
	case t.PersonID == nil:
		return "the tenant, as " + string(value(t.Role))
	case *t.PersonID == me:
		return "you"
	}
	return t.MadeBy
}

func joined(all []role.Scope) string {
	var out []string
	for _, s := range all {
		out = append(out, string(s))
	}
	return strings.Join(out, ", ")
}

func (a *area) listTokens(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	shell.Actions = []ui.Action{{Text: "Make an API token", URL: tokensAt + "/new", Kind: "primary"}}
	all, next, err := a.Tokens.Tokens(r.Context(), g.Who, g.Tenant, api.Slice{After: api.Cursor{ID: number(r.URL.Query().Get("after"))}, Size: size})
	p := NewTokens(ui.Place{Path: tokensAt, Values: r.URL.Query()}, all, g.Who.Person.ID, a.Clock(), cursor(next))
	if p.Empty != nil {
		shell.Actions = nil
	}
	return p, err
}

// May says whether the guest may do something.
type May func(role.Permission) bool

// within are the scopes that allow something that the guest may do.
func within(may May) []role.Scope {
	return slices.DeleteFunc(role.Scopes(), func(s role.Scope) bool { return len(allowed(may, s)) == 0 })
}

// allowed is what a scope allows the guest, in words.
func allowed(may May, s role.Scope) []string {
	var out []string
	for _, l := range role.Table() {
		if slices.Contains(l.Scopes, s) && may(l.Permission) {
			out = append(out, l.Means)
		}
	}
	return out
}

// few says the first of what a scope allows.
func few(all []string) string {
	const most = 2
	if len(all) <= most {
		return upper(strings.Join(all, "; ")) + "."
	}
	return fmt.Sprintf("%s; and %d more, see below.", upper(strings.Join(all[:most], "; ")), len(all)-most)
}

func upper(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// mintForm asks for a token. Scopes are fields of their own, "scope-NAME".
func mintForm(may May) ui.Form {
	f := ui.Form{ID: "mint", Action: tokensAt + "/new", Submit: "Make the API token", Cancel: tokensAt, Fields: []ui.Field{
		{Name: "name", Label: "Name", Required: true, Autocomplete: "off", Hint: "What uses it, such as nightly export."},
	}}
	for _, s := range within(may) {
		f.Fields = append(f.Fields, ui.Field{Name: "scope-" + string(s), Label: "Scope " + string(s), Type: "checkbox", Hint: few(allowed(may, s)), Checked: s == role.ScopeRead})
	}
	if may(role.TokensWrite) {
		f.Fields = append(f.Fields, ui.Field{Name: "role", Label: "Belongs to", Type: "select", Required: true, Hint: "One of yours never has more than you, and ends with your account.", Options: []ui.Option{
			{Value: "", Text: "you"}, {Value: string(role.Viewer), Text: "the tenant, as viewer"}, {Value: string(role.Member), Text: "the tenant, as member"}, {Value: string(role.Admin), Text: "the tenant, as admin"},
		}})
	}
	days := ui.Field{Name: "days", Label: "Good for", Type: "select", Required: true}
	for _, n := range []int{7, 30, signin.TokenDays, 180, signin.MostTokenDays} {
		days.Options = append(days.Options, ui.Option{Value: strconv.Itoa(n), Text: fmt.Sprintf("%d days", n), Selected: n == signin.TokenDays})
	}
	f.Fields = append(f.Fields, days)
	return f
}

// NewMinting is the page that asks for an API token, with what was refused.
func NewMinting(may May, trouble string) Sheet {
	f := mintForm(may)
	f.Error = trouble
	return minting(may, f)
}

// minting is the page around the form.
func minting(may May, f ui.Form) Sheet {
	scopes := within(may)
	t := ui.Table{Caption: "What each scope allows", Columns: []ui.Column{{Label: "A program may"}}}
	for _, s := range scopes {
		t.Columns = append(t.Columns, ui.Column{Label: string(s)})
	}
	for _, l := range role.Table() {
		if !may(l.Permission) {
			continue
		}
		row := []ui.Cell{{Text: l.Means, Sub: string(l.Permission)}}
		for _, s := range scopes {
			text := "–"
			if slices.Contains(l.Scopes, s) {
				text = "yes"
			}
			row = append(row, ui.Cell{Text: text})
		}
		t.Rows = append(t.Rows, row)
	}
	return Sheet{Form: f, Help: &Help{"What each scope allows", t}, Note: "A token may do what one of its scopes allows, and only as far as your role allows the same. It is shown once."}
}

func (a *area) mint(r *http.Request, g site.Guest, shell *ui.Shell) (site.Answer, error) {
	form := typed(mintForm(g.May), r)
	want := api.NewToken{Name: strings.TrimSpace(r.PostFormValue("name")), Role: role.Role(r.PostFormValue("role")), Days: int(number(r.PostFormValue("days")))}
	for _, s := range within(g.May) {
		if r.PostFormValue("scope-"+string(s)) != "" {
			want.Scopes = append(want.Scopes, s)
		}
	}
	show := func(f ui.Form) page.Page { return minting(g.May, f) }
	switch {
	case want.Name == "":
		form.Fields[0].Error = "it is missing: say what the token is for"
	case len(want.Scopes) == 0:
		form.Fields[1].Error = "choose one scope or several: without any it may do nothing"
	case want.Days == 0:
		form.Fields[len(form.Fields)-1].Error = "choose for how many days it is good"
	}
	if form.Wrong() {
		return site.Answer{Page: show(form)}, nil
	}
	made, secret, err := a.Tokens.Mint(r.Context(), g.Who, g.Tenant, want)
	if err != nil {
		return again(form, err, show)
	}
	shell.Title, shell.Lead = made.Name, ""
	return shown(NewMinted(a.at(r), made, secret.Reveal(), g.Who.Person.ID)), nil
}

// NewMinted shows the value of a new API token.
func NewMinted(server string, t api.Token, secret string, me int64) Made {
	return Made{
		Said: "The API token is made", Warn: "It is shown this once: keep it where only the program that uses it can read it. What cxm keeps is a hash.",
		Value: ui.Code{ID: "value", Label: "API token", Text: secret},
		Facts: []ui.Fact{{Name: "Belongs to", Text: whose(t, me)}, {Name: "Scopes", Text: joined(t.Scopes)}, when("Ends", value(t.EndsAt), "not known")},
		Try: []ui.Code{
			{ID: "read", Label: "Have it in the environment, which no history keeps: paste it when the command waits", Text: "read -rs CXM_TOKEN && export CXM_TOKEN"},
			{ID: "try", Label: "Ask who it is and what it may do", Text: `curl -sS -H "Authorization: Bearer $CXM_TOKEN" ` + server + "/v1/me"},
		},
		Back: ui.Link{Text: "Back to the API tokens", URL: tokensAt},
	}
}

// OneToken is one API token.
type OneToken struct {
	Facts  []ui.Fact
	Revoke *ui.Action
}

// Template is the template's name.
func (OneToken) Template() string { return "admin-token" }

// NewToken is the page of an API token. Its value is not in it.
func NewToken(t api.Token, me int64, now time.Time) OneToken {
	badge := standing(t, now)
	p := OneToken{Facts: []ui.Fact{
		{Name: "State", Badge: &badge}, {Name: "Begins with", Text: t.Hint}, {Name: "Belongs to", Text: whose(t, me)}, {Name: "Scopes", Text: joined(t.Scopes)},
		{Name: "Made by", Text: t.MadeBy}, when("Made", value(t.MadeAt), "not known"), when("Last used", value(t.UsedAt), "never"), when("Ends", value(t.EndsAt), "not known"),
	}}
	if t.RevokedAt != nil {
		p.Facts = append(p.Facts, when("Revoked", *t.RevokedAt, ""))
		return p
	}
	if badge.Text != "ended" {
		p.Revoke = &ui.Action{Text: "Revoke", URL: tokenAt(t.ID) + "/revoke", Kind: "danger", Dialog: true}
	}
	return p
}

// token is the one that an address names, as far as the guest sees it.
func (a *area) token(r *http.Request, g site.Guest) (api.Token, error) {
	id := number(r.PathValue("id"))
	if id == 0 {
		return api.Token{}, site.ErrMissing
	}
	found, _, err := a.Tokens.Tokens(r.Context(), g.Who, g.Tenant, api.Slice{After: api.Cursor{ID: id - 1}, Size: 1})
	if err != nil {
		return api.Token{}, err
	}
	if len(found) == 0 || found[0].ID != id {
		return api.Token{}, site.ErrMissing
	}
	return found[0], nil
}

func (a *area) oneToken(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	t, err := a.token(r, g)
	if err != nil {
		return nil, err
	}
	shell.Title = t.Name
	return NewToken(t, g.Who.Person.ID, a.Clock()), nil
}

// NewRevoke asks before an API token is revoked.
func NewRevoke(t api.Token) page.Confirm {
	used := "It was never used."
	if t.UsedAt != nil {
		used = "It was last used on " + t.UsedAt.UTC().Format(time.DateOnly) + "."
	}
	return page.Confirm{
		What: []string{"Whatever uses this token is refused from now on. " + used, "This cannot be taken back: make another one instead.", "What was done with it stays, and stays in the audit log."},
		Form: ui.Form{ID: "revoke", Action: tokenAt(t.ID) + "/revoke", Submit: "Revoke", Danger: true, Cancel: tokenAt(t.ID)},
	}
}

func (a *area) askRevoke(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	t, err := a.token(r, g)
	if err != nil {
		return nil, err
	}
	shell.Title = "Revoke " + t.Name
	return NewRevoke(t), nil
}

func (a *area) revoke(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	t, err := a.token(r, g)
	if err != nil {
		return site.Answer{}, err
	}
	return good(tokensAt, "The API token "+t.Name+" is revoked."), a.Tokens.Revoke(r.Context(), g.Who, g.Tenant, t.ID)
}
