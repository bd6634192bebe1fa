package ruling

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/shopspring/decimal"

	"cxm/internal/api"
	"cxm/internal/money"
	"cxm/internal/web/ui"
)

// Try is a finding, and what the rules do with it.
type Try struct {
	Tabs    []Tab
	Sheet   Sheet // a file on its way; an empty text is the rules in force
	Under   string
	Form    ui.Form // its faults
	Key     ui.Field
	Some    []ui.Link // findings to choose from
	Text    string
	TextBad string
	Tried   []TriedView
	More    string
}

// Template is the template's name.
func (Try) Template() string { return "ruling-test" }

// TriedView is what the rules do with one finding.
type TriedView struct {
	ID       string
	Title    string
	Key      string // of its page; empty: it is not stored
	Badge    ui.Badge
	Facts    []ui.Fact
	Verdicts []VerdictView
	Issue    *IssueView // nil: none is made
	Trouble  string
}

// VerdictView is what became of one rule.
type VerdictView struct {
	Rule, Reason string
	Badge        ui.Badge
	URL          string
	Failing      []Failing
}

// IssueView is the issue that would be made.
type IssueView struct {
	Title, Labels string
	Body          template.HTML
	Source        ui.Code
}

// mostTried is how many findings are shown.
const mostTried = 20

// NewTry is the page. trouble is what is wrong with what was tried, by field.
func NewTry(s State, sheet Sheet, f Specimen, tried []Tried, trouble map[string]string) (Try, error) {
	page := Try{
		Tabs: tabs("/test", s.Plan), Sheet: sheet, Under: "the rules in force", Text: f.Text, TextBad: trouble["text"],
		Key: ui.Field{Form: "try", Name: "finding", Label: "A finding that cxm has", Value: f.Key, Autocomplete: "off", Error: trouble["finding"], Hint: "Paste the address of its page, or its key, which begins with v1:."},
	}
	page.Form = ui.Form{ID: "try", Error: trouble[""], Fields: []ui.Field{page.Key, {Form: "try", Name: "sample", Label: "Findings", Error: page.TextBad}}}
	if sheet.Text != "" {
		page.Under = "your file, which is not in force"
	}
	if len(tried) > mostTried {
		page.More = counted(len(tried)-mostTried, "finding more is", "findings more are") + " not shown."
		tried = tried[:mostTried]
	}
	for i, each := range tried {
		v, err := viewTried(i, each)
		if err != nil {
			return Try{}, err
		}
		page.Tried = append(page.Tried, v)
	}
	return page, nil
}

func viewTried(i int, t Tried) (TriedView, error) {
	v := TriedView{ID: fmt.Sprintf("tried-%d", i+1), Title: t.Title, Badge: ui.Badge{Text: "becomes an issue", Tone: ui.Good}, Trouble: t.Trouble}
	if t.Key != "" {
		v.Key = "/findings/" + t.Key
	}
	for _, each := range t.Verdicts {
		v.Verdicts = append(v.Verdicts, viewVerdict(each))
	}
	if t.Ignored {
		v.Badge = ui.Badge{Text: "no issue", Tone: ui.Neutral}
		v.Facts = []ui.Fact{{Name: "Why", Text: t.Reason}}
		return v, nil
	}
	where := ui.Fact{Name: "Goes to", Text: or(t.Project, "the integration's own project")}
	if t.Where != where.Text {
		where.Detail = t.Where
	}
	v.Facts = []ui.Fact{
		where,
		{Name: "Group", Text: t.Reason},
		owner(t),
	}
	if len(t.Also) > 0 {
		v.Facts = append(v.Facts, ui.Fact{Name: "Other issues by", Text: strings.Join(t.Also, ", ")})
	}
	for _, left := range t.Left {
		v.Facts = append(v.Facts, ui.Fact{Name: "Left out", Text: left})
	}
	body, err := Inert(t.Body)
	if err != nil {
		return v, err
	}
	v.Issue = &IssueView{Title: t.Issue, Labels: strings.Join(t.Labels, ", "), Body: body, Source: ui.Code{ID: v.ID + "-source", Label: "As Markdown", Text: cut(t.Body, mostBody)}}
	return v, nil
}

// owner is whose the finding is. Where the rules look for no owner, the issue names
// whom the tags of the finding name.
func owner(t Tried) ui.Fact {
	otherwise := "nobody known"
	if len(t.Why) == 0 {
		otherwise = "not looked for: the issue names whom its tags name"
	}
	return ui.Fact{Name: "Owner", Text: or(t.Owner, otherwise), Detail: strings.Join(t.Why, "; ")}
}

func viewVerdict(v Verdict) VerdictView {
	out := VerdictView{Rule: v.Rule, Reason: v.Reason, Failing: v.Failing, Badge: ui.Badge{Text: "does not match", Tone: ui.Neutral}}
	if len(v.Failing) > 0 {
		out.Reason = "" // the parts say it
	}
	switch {
	case v.Matched:
		out.Badge = ui.Badge{Text: "matches", Tone: ui.Good}
	case !v.Asked:
		out.Badge.Text = "not asked"
	}
	return out
}

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "\n⋯"
}

// known is an amount of the API.
func known(m api.Money) decimal.NullDecimal {
	d, err := decimal.NewFromString(m.Amount)
	if err != nil {
		return money.Unknown()
	}
	return money.Known(d)
}
