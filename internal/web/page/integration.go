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
	Tested  time.Time // zero: not since cxm was started
	Live    string    // where the parts of a test come from while it runs; empty: none does
	At      string    // the page itself
	Test    *ui.Action
	Edit    *ui.Action
	Reach   *ui.Action
	Review  []ui.Fact
	Record  []ui.Action
	Hooks   []ui.Fact
	Hook    *ui.Action
	End     *ui.Action
	Note    string // about what it is connected to
}

// Template is the template's name.
func (Integration) Template() string { return "integration" }

// Token is the life of the token that cxm acts with; never the token.
type Token struct {
	Figure ui.Figure
	Facts  []ui.Fact
	Rotate *ui.Action
	More   []ui.Action
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
	Running    bool   // a test
	WhyNot     string // why cxm cannot rotate the token; empty: it can
	Every      int    // days after which it is rotated; 0: only before it expires
	Trouble    string // of the last rotation or look at the token
	Way        string // how it is reached, when that is special
	Hooks      []Hook
	Note       string // about what it is connected to, such as a sandbox
	May        bool   // change it: integrations.write
	MayTest    bool   // test it, which May includes
	MayReview  bool   // record a review, which May includes
}

// Hook is a webhook of GitLab's to cxm.
type Hook struct {
	ID      int64
	Target  string
	Trouble string // empty: none is known
	Checked time.Time
}

// NewIntegration is the page.
func NewIntegration(d IntegrationData) Integration {
	base := fmt.Sprintf("/settings/integrations/%d", d.ID)
	page := Integration{Health: health(d), Warn: d.Warnings, Tested: d.Tested, Calls: calls(d.Calls), Token: token(d, base), At: base, Note: d.Note}
	if page.Groups = d.Groups; d.Running {
		page.Live = base + "/live"
	} else {
		page.Wrong, page.Groups = apart(d.Groups)
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
	if d.Way != "" {
		page.Facts = append(page.Facts, ui.Fact{Name: "Reached", Text: d.Way})
	}
	page.Hooks = hooks(d.Hooks, base, d.May)
	page.offer(d, base)
	return page
}

// offer adds what can be done by who looks.
func (page *Integration) offer(d IntegrationData, base string) {
	if (d.May || d.MayTest) && !d.Running {
		page.Test = &ui.Action{Text: "Test again", URL: base + "/test", Post: true}
		if d.Tested.IsZero() {
			page.Test.Text = "Test now"
		}
	}
	if d.May || d.MayReview {
		page.Record = []ui.Action{{Text: "Review the access", URL: base + "/review"}}
	}
	if !d.May {
		return
	}
	page.Edit, page.Reach = &ui.Action{Text: "Change", URL: base + "/edit"}, &ui.Action{Text: ReachButton, URL: base + "/reach"}
	page.Record = append(page.Record, ui.Action{Text: "Who looks after it", URL: base + "/owners", Dialog: true})
	page.Hook = &ui.Action{Text: "Add a webhook", URL: base + "/webhooks", Dialog: true}
	page.End = &ui.Action{Text: "Disconnect", URL: base + "/disconnect", Kind: "danger", Dialog: true}
}

// health is how the connection is, as far as it is known without asking GitLab.
func health(d IntegrationData) Summary {
	s := Summarise(d.Groups, d.Running)
	switch {
	case d.Running:
	case d.TokenState != "active":
		return Summary{Text: "GitLab does not take cxm's token any more: nothing is sent until it has another one.", Tone: ui.Bad}
	case len(d.Groups) == 0:
		return Summary{Text: "It was not tested since cxm was started.", Tone: ui.Neutral}
	case s.Tone == ui.Bad:
		s.Text = "Something has to be mended before cxm can do its work here."
	}
	return s
}

func hooks(all []Hook, base string, may bool) []ui.Fact {
	var out []ui.Fact
	for _, h := range all {
		f := ui.Fact{Name: h.Target, Text: "delivers", Detail: "checked " + h.Checked.UTC().Format("2006-01-02 15:04 UTC")}
		if h.Checked.IsZero() {
			f.Text, f.Detail = "not checked yet", ""
		}
		if h.Trouble != "" {
			f.Text, f.Detail = "needs attention", h.Trouble
		}
		if may {
			f.URL = fmt.Sprintf("%s/webhooks/%d", base, h.ID)
		}
		out = append(out, f)
	}
	return out
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
	switch {
	case d.RotatesAt.IsZero() && d.WhyNot != "":
		t.Facts = append(t.Facts, ui.Fact{Name: "Rotation", Text: "by hand", Detail: d.WhyNot})
	case d.RotatesAt.IsZero():
		t.Facts = append(t.Facts, ui.Fact{Name: "Rotation", Text: "by hand", Detail: "cxm does not rotate this token by itself"})
	default:
		t.Facts = append(t.Facts, ui.Fact{Name: "cxm rotates it", Time: d.RotatesAt})
	}
	if !d.RotatedAt.IsZero() {
		t.Facts = append(t.Facts, ui.Fact{Name: "Rotated last", Time: d.RotatedAt})
	}
	if ended := !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(d.Now); d.May && d.TokenState == "active" && !ended {
		t.Rotate = &ui.Action{Text: "Rotate now", URL: base + "/rotate", Dialog: true}
	}
	if d.WhyNot != "" {
		t.Rotate = nil
	}
	if d.Every > 0 {
		t.Facts = append(t.Facts, ui.Fact{Name: "Schedule", Text: "every " + counted(d.Every, "day", "days")})
	}
	if d.Trouble != "" {
		t.Facts = append(t.Facts, ui.Fact{Name: "Trouble", Text: d.Trouble})
	}
	if d.May {
		t.More = []ui.Action{{Text: "Replace", URL: base + "/replace", Dialog: true}, {Text: "Schedule", URL: base + "/schedule", Dialog: true}}
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

// DisconnectData is what disconnecting an integration would do.
type DisconnectData struct {
	ID                   int64
	Open, Runs, Webhooks int
	Shared               bool   // another integration uses the token too
	Trouble              string // why it was not done; empty: it was not tried
}

// NewDisconnect asks before an integration ends.
func NewDisconnect(d DisconnectData) Confirm {
	base := fmt.Sprintf("/settings/integrations/%d", d.ID)
	page := Confirm{
		What: []string{
			counted(d.Open, "open issue stays as it is", "open issues stay as they are") + ", and so does the journal.",
			counted(d.Runs, "run that waits or is under way ends", "runs that wait or are under way end") + ", and what was planned is not done.",
			counted(d.Webhooks, "webhook of cxm's is deleted in GitLab.", "webhooks of cxm's are deleted in GitLab."),
			"The token is forgotten, and cxm stops its work here.",
			"Connecting the same repository again goes on from there, and makes no issue twice.",
		},
		Form: ui.Form{ID: "end", Action: base + "/disconnect", Submit: "Disconnect", Danger: true, Cancel: base, Error: d.Trouble},
	}
	if d.Shared {
		page.What = append(page.What, "Another integration uses the same token, so that it is not revoked.")
		return page
	}
	page.Form.Fields = []ui.Field{{Name: "revoke", Label: "Have GitLab revoke the token too", Type: "checkbox", Hint: "If that fails, nothing is disconnected."}}
	return page
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
