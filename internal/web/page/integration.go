package page

import (
	"fmt"
	"strings"
	"time"

	"cxm/internal/web/ui"
)

// Integration is one connection and how it is.
type Integration struct {
	Health  Summary
	Facts   []ui.Fact
	Account []ui.Fact
	Warn    []string // about the kind of account
	Token   Token
	Calls   ui.Table
	Limits  []ui.Fact
	Wrong   []ui.Check // what has to be mended, the gravest first
	Groups  []ui.CheckGroup
	Tested  time.Time
	Test    *ui.Action
	Review  []ui.Fact
	Record  *ui.Action
	End     *ui.Action
}

// Template is the template's name.
func (Integration) Template() string { return "integration" }

// Token is the life of the token that cxm acts with; never the token.
type Token struct {
	Figure ui.Figure
	Facts  []ui.Fact
	Rotate *ui.Action
}

// Call is a call of GitLab's API that was made lately.
type Call struct {
	At     time.Time
	Method string
	Path   string
	Status int // 0: there was no answer
	Took   time.Duration
}

// IntegrationData is what the page is made from.
type IntegrationData struct {
	ID         int64
	URL        string
	Version    string
	Project    ui.Link
	Labels     []string
	Assignee   string
	Private    bool // new issues are confidential
	Account    string
	Kind       string // such as "a service account"
	Warnings   []string
	Role       string
	Scopes     []string
	Now        time.Time
	ExpiresAt  time.Time // zero: it never expires
	RotatesAt  time.Time // zero: cxm does not rotate it
	RotatedAt  time.Time
	TokenState string // active, or why it cannot be used
	Calls      []Call
	Limit      string // of GitLab, for people; empty: it does not say
	Remaining  string
	Groups     []ui.CheckGroup
	Tested     time.Time
	Owners     []string
	Reviewed   time.Time // zero: never
	Due        time.Time
	May        bool // change it: integrations.write
}

// NewIntegration is the page.
func NewIntegration(d IntegrationData) Integration {
	base := fmt.Sprintf("/settings/integrations/%d", d.ID)
	page := Integration{Health: Summarise(d.Groups, false), Warn: d.Warnings, Tested: d.Tested, Calls: calls(d.Calls), Token: token(d, base)}
	if page.Wrong, page.Groups = apart(d.Groups); page.Health.Tone == ui.Bad {
		page.Health.Text = "Something has to be mended before cxm can do its work here."
	}
	page.Facts = []ui.Fact{
		{Name: "GitLab Instance URL", Text: d.URL, Detail: "GitLab " + first(d.Version, "of a version that it does not say")},
		{Name: "Repository", Text: d.Project.Text, URL: d.Project.URL},
		{Name: "Labels", Text: first(strings.Join(d.Labels, ", "), "none beside cxm's own")},
		{Name: "Default assignee", Text: first(d.Assignee, "nobody")},
		{Name: "New issues", Text: map[bool]string{true: "confidential", false: "for everybody who sees the repository"}[d.Private]},
	}
	page.Account = []ui.Fact{{Name: "Account", Text: d.Account, Detail: d.Kind}, {Name: "Role", Text: d.Role}, {Name: "Scopes", Text: first(strings.Join(d.Scopes, ", "), "GitLab does not say")}}
	page.Limits = []ui.Fact{{Name: "GitLab's limit", Text: first(d.Limit, "not known: GitLab did not say")}, {Name: "Left of it", Text: first(d.Remaining, "not known")}}
	page.Review = review(d)
	if d.May {
		page.Test = &ui.Action{Text: "Test again", URL: base + "/test", Post: true}
		page.Record = &ui.Action{Text: "Review the access", URL: base + "/review"}
		page.End = &ui.Action{Text: "Disconnect", URL: base + "/disconnect", Kind: "danger", Dialog: true}
	}
	return page
}

func token(d IntegrationData, base string) Token {
	t := Token{Figure: ui.Figure{Label: "Token", Quantities: []ui.Quantity{{Number: "never expires"}}, Tone: ui.Warn}}
	if !d.ExpiresAt.IsZero() {
		gap := d.ExpiresAt.Sub(d.Now)
		t.Figure.Quantities = []ui.Quantity{{Number: left(d.Now, d.ExpiresAt)}}
		switch t.Figure.Tone = ui.Good; {
		case gap < 7*24*time.Hour:
			t.Figure.Tone = ui.Bad
		case gap < 30*24*time.Hour:
			t.Figure.Tone = ui.Warn
		}
		t.Facts = append(t.Facts, ui.Fact{Name: "Expires", Time: d.ExpiresAt})
	}
	if d.TokenState != "active" {
		t.Figure.Quantities, t.Figure.Tone = []ui.Quantity{{Number: d.TokenState}}, ui.Bad
	}
	if d.RotatesAt.IsZero() {
		t.Facts = append(t.Facts, ui.Fact{Name: "Rotation", Text: "by hand", Detail: "cxm does not rotate this token by itself"})
	} else {
		t.Facts = append(t.Facts, ui.Fact{Name: "cxm rotates it", Time: d.RotatesAt})
	}
	if !d.RotatedAt.IsZero() {
		t.Facts = append(t.Facts, ui.Fact{Name: "Rotated last", Time: d.RotatedAt})
	}
	if ended := !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(d.Now); d.May && d.TokenState == "active" && !ended {
		t.Rotate = &ui.Action{Text: "Rotate now", URL: base + "/rotate", Dialog: true}
	}
	return t
}

func review(d IntegrationData) []ui.Fact {
	out := []ui.Fact{{Name: "Looked after by", Text: first(strings.Join(d.Owners, ", "), "nobody is written down"), Detail: "a team's address, never one person's"}}
	if d.Reviewed.IsZero() {
		out = append(out, ui.Fact{Name: "Reviewed last", Text: "never"})
	} else {
		out = append(out, ui.Fact{Name: "Reviewed last", Time: d.Reviewed})
	}
	due := ui.Fact{Name: "Next review", Time: d.Due}
	if d.Due.Before(d.Now) {
		due = ui.Fact{Name: "Next review", Badge: &ui.Badge{Text: "due", Tone: ui.Warn}, Detail: "since " + d.Due.UTC().Format(time.DateOnly)}
	}
	return append(out, due)
}

func calls(all []Call) ui.Table {
	t := ui.Table{Caption: "Recent calls of GitLab's API", Columns: []ui.Column{{Label: "Call"}, {Label: "Answer", Number: true}, {Label: "Took", Number: true}, {Label: "When"}}}
	for _, c := range all {
		answer := fmt.Sprint(c.Status)
		if c.Status == 0 {
			answer = "none"
		}
		t.Rows = append(t.Rows, []ui.Cell{{Text: c.Method + " " + c.Path}, {Text: answer}, {Text: fmt.Sprint(c.Took.Milliseconds()), Unit: "ms"}, {Time: c.At}})
	}
	return t
}

// Confirm asks before something that cannot be taken back, and says what it does.
type Confirm struct {
	What []string // that it does, in order
	Form ui.Form
}

// Template is the template's name.
func (Confirm) Template() string { return "confirm" }

// NewDisconnect asks before an integration ends.
func NewDisconnect(id int64, open, planned int, trouble string) Confirm {
	base := fmt.Sprintf("/settings/integrations/%d", id)
	return Confirm{
		What: []string{
			counted(open, "open issue stays as it is", "open issues stay as they are") + ", and so does the journal.",
			counted(planned, "planned step ends", "planned steps end") + " and will not be done.",
			"cxm's webhooks are deleted in GitLab.",
			"The token is forgotten, and cxm stops its work here.",
			"Connecting the same repository again goes on from there, and makes no issue twice.",
		},
		Form: ui.Form{ID: "end", Action: base + "/disconnect", Submit: "Disconnect", Danger: true, Cancel: base, Error: trouble, Fields: []ui.Field{
			{Name: "revoke", Label: "Have GitLab revoke the token too", Type: "checkbox", Hint: "If that fails, nothing is disconnected."},
		}},
	}
}

// NewRotate asks before a token is rotated.
func NewRotate(id int64, trouble string) Confirm {
	base := fmt.Sprintf("/settings/integrations/%d", id)
	return Confirm{
		What: []string{
			"GitLab makes a new token and revokes the one that is used now.",
			"Whatever else uses the same token stops working.",
			"cxm seals the new token before it uses it; nothing is sent twice if this is interrupted.",
		},
		Form: ui.Form{ID: "rotate", Action: base + "/rotate", Submit: "Rotate now", Cancel: base, Error: trouble},
	}
}
