package template

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"cxm/internal/issue/inert"
	"cxm/internal/money"
)

// The functions that rewrite puts into a template. No template can name them.
const (
	holdName = "_hold"
	stepName = "_step"
)

var (
	errSteps = errors.New("it takes too long: more than " + strconv.Itoa(maxSteps) + " steps")
	errBytes = errors.New("it prints too much: more than " + strconv.Itoa(maxOutput) + " bytes")
	errValue = errors.New("it makes too long a text: more than " + strconv.Itoa(maxValue) + " bytes")

	parseTrouble = regexp.MustCompile(`(?s)^template: [^:]*:([0-9]+):? ?(.*)$`)
	execTrouble  = regexp.MustCompile(`(?s)^template: [^:]*:([0-9]+):([0-9]+): (.*)$`)
)

// Markup is what a function gives that is more than text. It is written when the
// place it stands in is known.
type Markup struct {
	form  form
	text  string   // what is shown
	url   string   // of a link
	items []Markup // of a list, and the two cells of a row
	part  func(room int) string
}

type form int

const (
	words  form = iota // running text
	code               // a code span
	anchor             // a link
	block              // a paragraph, or a fence when it has lines
	bullet             // a list
	cells              // a row of a table
	own                // a part that cxm writes
)

// plain is what is left of it where nothing but text can stand.
func (m *Markup) plain() string {
	switch m.form {
	case anchor:
		return m.url
	case bullet, cells:
		texts := make([]string, len(m.items))
		for i := range m.items {
			texts[i] = m.items[i].plain()
		}
		if m.form == cells {
			return strings.Join(texts, " ")
		}
		return strings.Join(texts, "\n")
	}
	return m.text
}

// run is one execution.
type run struct {
	view   *View
	steps  int
	bytes  int
	values []Markup
	used   map[string]bool // the parts that were asked for
}

func newRun(v *View) *run { return &run{view: v, used: map[string]bool{}} }

// step counts n steps.
func (r *run) step(n int) error {
	if r.steps += n; r.steps > maxSteps {
		return errSteps
	}
	return nil
}

// spend counts what it takes to work on texts.
func (r *run) spend(texts ...string) error {
	n := 1
	for _, text := range texts {
		n += len(text) / 64
	}
	return r.step(n)
}

// made is a text that a function made.
func made(text string) (string, error) {
	if len(text) > maxValue {
		return "", errValue
	}
	return text, nil
}

// hold keeps what an action prints and puts its number in its place.
func (r *run) hold(v any) (string, error) {
	m, err := markup(v)
	if err != nil {
		return "", err
	}
	if err := r.step(1); err != nil {
		return "", err
	}
	if r.bytes += min(len(m.text), inert.MaxFenced); r.bytes > maxOutput {
		return "", errBytes
	}
	r.values = append(r.values, m)
	return "\x00" + strconv.Itoa(len(r.values)-1) + "\x00", nil
}

// markup is what a value prints as; nothing for what is not there.
func markup(v any) (Markup, error) {
	switch v := v.(type) {
	case nil:
		return Markup{}, nil
	case Markup:
		return v, nil
	case string:
		return Markup{text: v}, nil
	case bool:
		return Markup{text: map[bool]string{true: "yes", false: "no"}[v]}, nil
	case int:
		return Markup{text: strconv.Itoa(v)}, nil
	case float64:
		return Markup{text: strconv.FormatFloat(v, 'g', -1, 64)}, nil
	case Money:
		return Markup{text: v.show(1)}, nil
	case *time.Time:
		return Markup{text: day(v)}, nil
	case Owner:
		return Markup{text: v.Name}, nil
	case Link:
		return Markup{form: anchor, text: v.Words, url: v.URL}, nil
	case []string:
		return Markup{text: strings.Join(v, ", ")}, nil
	}
	return Markup{}, fmt.Errorf("a %T cannot be printed", v)
}

func day(at *time.Time) string {
	if at == nil || at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.DateOnly)
}

// Functions lists the functions of templates, in the order of the alphabet.
func Functions() []string {
	names := allowed()
	for name := range newRun(&View{}).funcs() {
		if !strings.HasPrefix(name, "_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// allowed are the functions of text/template that templates have. Those that make
// text of anything (print) or that escape for other places (html) are not among
// them.
func allowed() []string {
	return []string{"and", "eq", "ge", "gt", "index", "le", "len", "lt", "ne", "not", "or"}
}

// funcs binds the functions to the run. Every one of them counts as a step.
func (r *run) funcs() map[string]any {
	return map[string]any{
		holdName: r.hold,
		stepName: func() (string, error) { return "", r.step(1) },

		"money":    func(m Money) (string, error) { return m.show(1), r.step(1) },
		"perYear":  func(m Money) (string, error) { return m.show(12), r.step(1) },
		"over":     r.over,
		"date":     func(at *time.Time) (string, error) { return day(at), r.step(1) },
		"days":     func(n int) (string, error) { return count(n, "day", "days"), r.step(1) },
		"count":    func(n int, one, several string) (string, error) { return count(n, one, several), r.spend(one, several) },
		"tag":      func(name string) (string, error) { return Tag(r.view.Tags, name), r.spend(name) },
		"default":  r.fallback,
		"join":     r.join,
		"upper":    func(text string) (string, error) { return r.changed(strings.ToUpper, text) },
		"lower":    func(text string) (string, error) { return r.changed(strings.ToLower, text) },
		"truncate": r.truncate,

		"code": func(text string) (Markup, error) { return Markup{form: code, text: text}, r.spend(text) },
		"link": r.link,
		"text": func(text string) (Markup, error) { return Markup{form: block, text: text}, r.spend(text) },
		"list": r.list,
		"row":  r.row,

		"summary":   func() (Markup, error) { return r.part("summary", r.view.Parts.Summary) },
		"facts":     func() (Markup, error) { return r.part("facts", r.view.Parts.Facts) },
		"evidence":  func() (Markup, error) { return r.part("evidence", r.view.Parts.Evidence) },
		"howto":     func() (Markup, error) { return r.part("howto", r.view.Parts.HowTo) },
		"checklist": func() (Markup, error) { return r.part("checklist", r.view.Parts.Checklist) },
		"next":      func() (Markup, error) { return r.part("next", r.view.Parts.Next) },
	}
}

func (r *run) part(name string, write func(int) string) (Markup, error) {
	r.used[name] = true
	return Markup{form: own, part: write}, r.step(1)
}

// over says that an amount is known and at least so high.
func (r *run) over(m Money, limit any) (bool, error) {
	bound, err := decimal.NewFromString(fmt.Sprint(limit))
	if err != nil {
		return false, fmt.Errorf("%.40q is no amount", fmt.Sprint(limit))
	}
	return m.Known && m.amount.GreaterThanOrEqual(bound), r.step(1)
}

func count(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + several
}

// fallback is the value, or the other when there is none: "", 0, false, an amount
// that is not known, an empty list.
func (r *run) fallback(other, v any) (any, error) {
	if err := r.step(1); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case int:
		if v == 0 {
			return other, nil
		}
	case bool:
		if !v {
			return other, nil
		}
	case Markup:
		if v.form != own && v.plain() == "" {
			return other, nil
		}
	default:
		if m, err := markup(v); err != nil || strings.TrimSpace(m.plain()) == "" {
			return other, err
		}
	}
	return v, nil
}

func (r *run) join(separator string, texts []string) (string, error) {
	if err := r.spend(texts...); err != nil {
		return "", err
	}
	size := len(separator) * len(texts)
	for _, text := range texts {
		size += len(text)
	}
	if size > maxValue {
		return "", errValue
	}
	return strings.Join(texts, separator), nil
}

// changed is f of a text.
func (r *run) changed(f func(string) string, text string) (string, error) {
	if err := r.spend(text); err != nil {
		return "", err
	}
	text, _ = inert.CutBytes(text, maxValue/3) // a letter may become three
	return made(f(text))
}

// truncate keeps the first n characters.
func (r *run) truncate(n int, text string) (string, error) {
	short, left := inert.Cut(text, max(n, 0))
	if left > 0 {
		short = strings.TrimRightFunc(short, func(r rune) bool { return r == ' ' || r == utf8.RuneError }) + "…"
	}
	return short, r.spend(text)
}

// link is an address with words of its own; without them it shows itself.
func (r *run) link(url string, words ...string) (Markup, error) {
	return Markup{form: anchor, url: url, text: strings.Join(words, " ")}, r.spend(append(words, url)...)
}

// list has a line for each text that is not empty.
func (r *run) list(texts []string) (Markup, error) {
	m := Markup{form: bullet}
	for _, text := range texts {
		if strings.TrimSpace(text) != "" && len(m.items) < MaxMembers {
			m.items = append(m.items, Markup{text: text})
		}
		r.bytes += min(len(text), inert.MaxLine)
	}
	if r.bytes > maxOutput {
		return m, errBytes
	}
	return m, r.spend(texts...)
}

// row is a row of a table of two columns; none when the value is empty.
func (r *run) row(name string, value any) (Markup, error) {
	m, err := markup(value)
	if err != nil || m.form != own && strings.TrimSpace(m.plain()) == "" {
		return Markup{}, errors.Join(err, r.step(1))
	}
	if r.bytes += min(len(m.text), inert.MaxLine); r.bytes > maxOutput {
		return m, errBytes
	}
	return Markup{form: cells, items: []Markup{{text: name}, m}}, r.spend(name)
}

// fullSample is which of the samples has something in every field.
const fullSample = 1

// samples are views for a trial: one with nothing in it, and those of what is
// known.
func samples() []*View {
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	amount := NewMoney(money.Known(decimal.New(4308, -2)), "USD", false)
	write := func(text string) func(int) string { return func(int) string { return text } }
	c := Claim{
		Kind: "cost", SourceSystem: "acme", SourceName: "acme", SourceRuleID: "EbsVolume.Upgrade", SourceURL: "https://example.com/", FindingKey: "0a1b2c3d",
		Title: "Upgrade volume", Description: "It is old.", Remediation: "Upgrade it.", References: []string{"https://example.com/"}, ClaimSeverity: "Low", ActionType: "Upgrade",
		ProviderName: "AWS", BillingAccountID: "1", SubAccountID: "1", SubAccountName: "shop", RegionID: "eu-west-1", AvailabilityZone: "eu-west-1a", ServiceName: "EC2",
		ResourceID: "vol-1", ResourceName: "data", ResourceType: "EbsVolume", Tags: map[string]string{"team": "payments"},
		EstimatedMonthlySavings: amount, EstimatedMonthlyCost: amount, SavingsBasis: "AfterDiscounts",
		ImplementationEffort: "low", RestartNeeded: "no", RollbackPossible: "yes", LookbackDays: 14, SourceUpdatedAt: &at, FirstObservedAt: &at, LastObservedAt: &at,
	}
	parts := Parts{Summary: write("summary"), Facts: write("facts"), Evidence: write("evidence"), HowTo: write("how"), Checklist: write("list"), Next: write("next")}
	full := &View{
		Claim: c, Headline: "Upgrade volume", Group: "0a1b2c3d", Rule: "r", Team: "payments", Severity: "Low", Savings: amount, Totals: []Money{amount},
		Owner: Owner{Name: "payments", Why: "from a tag", Confidence: "high", Others: []string{"platform"}}, Sources: []string{"acme"},
		Links: []Link{{Words: "Read more", URL: "https://example.com/"}}, Members: slices.Repeat([]Claim{c}, MaxMembers), MembersLeft: 1,
		Resources: slices.Repeat([]Resource{{ID: "vol-1", Savings: amount}}, MaxMembers), ResourcesLeft: 1, ResourceCount: MaxMembers + 1, Parts: parts,
	}
	system := *full
	system.Kind, system.Savings, system.Totals, system.Gone = "system", Money{}, nil, true
	return []*View{{Claim: Claim{Kind: "custom"}, Parts: parts}, full, &system}
}
