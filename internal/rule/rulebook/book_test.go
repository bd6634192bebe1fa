package rulebook_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/rule"
	"cxm/internal/rule/rulebook"
)

// any kind of finding, hostile ones too.
func findings() *rapid.Generator[*finding.Finding] {
	return rapid.Custom(func(t *rapid.T) *finding.Finding {
		word := rapid.SampledFrom([]string{"", "a", "b", "eu-west-1", "vol-0f1e2d3c4b5a69788", "x\x1fy", "../..", "ü", "team", "yes"})
		f := &finding.Finding{
			FindingKey: finding.NewKey(rapid.String().Draw(t, "key")), Kind: rapid.SampledFrom([]finding.Kind{finding.Cost, finding.System, finding.Custom}).Draw(t, "kind"),
			SourceSystem: word.Draw(t, "source"), SourceRuleID: word.Draw(t, "source rule"), Title: word.Draw(t, "title"),
			ResourceID: word.Draw(t, "resource"), ResourceAliases: []string{word.Draw(t, "alias")}, SubAccountID: word.Draw(t, "account"), RegionID: word.Draw(t, "region"),
			ActionType: word.Draw(t, "action"), SeverityID: finding.Severity(rapid.IntRange(0, 6).Draw(t, "severity")),
			Tags: rapid.MapOf(word, word).Draw(t, "tags"), Detection: finding.Present,
		}
		if rapid.Bool().Draw(t, "renamed") {
			f.FormerKeys = []finding.Key{finding.NewKey("older"), finding.NewKey("oldest", word.Draw(t, "oldest"))}
		}
		if rapid.Bool().Draw(t, "saves") {
			f.EstimatedMonthlySavings, f.BillingCurrency = money.Known(decimal.New(rapid.Int64Range(0, 100_000).Draw(t, "cents"), -2)), rapid.SampledFrom([]string{"USD", "EUR"}).Draw(t, "currency")
		}
		return f
	})
}

func parse(t interface{ Fatal(...any) }, text string) *rulebook.Book {
	b, err := rulebook.Parse("rules.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBuiltin: without a file, and with rules that do not say what they group by,
// identities are those of rule.Set.
func TestBuiltin(t *testing.T) {
	builtin := rulebook.Builtin()
	split := parse(t, "version: 1\nrules:\n  - {name: alerts, when: kind == \"system\"}\n  - {name: others}\n")
	rapid.Check(t, func(t *rapid.T) {
		f := findings().Draw(t, "finding")
		want := rule.Set{}.Assign(f)
		if got := builtin.Assign(f); !slices.Equal(got, want) {
			t.Fatalf("%+v, not %+v", got, want)
		}
		if got := split.Assign(f); len(got) != 1 || got[0].Group != want[0].Group || got[0].Ignored {
			t.Fatalf("%+v, not %+v", got, want)
		}
	})
}

// conditions are some that are true at times, and some that fail.
func conditions() []string {
	return []string{
		`kind == "cost"`, `kind == "system" && severity >= HIGH`, `tag("team") == "a"`, `tags["a"] == "b"`, `saves("50 USD")`, `region.startsWith("eu-")`,
		`aliases.exists(a, a == "b")`, `!(account == "a" || source == "b")`, `action in ["a", "b"]`, `title.matches("^.$")`, `size(tags) / size(account) > 0`,
	}
}

// TestAssign: every finding has an assignment; the first rule that matches decides;
// what Explain says is what Assign did; a rule's name is in no group key.
func TestAssign(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		order := rapid.Permutation(conditions()).Draw(t, "order")[:5]
		groupings := []string{"", "group_by: [account]", "group_by: [tag:team, action]", "group_by: [resource]", "group_by: finding", "group_by: [account, rule]", "parent: {group_by: [account]}", "group_by: [account, region]\n    parent: {group_by: [region]}"}
		var text strings.Builder
		text.WriteString("version: 1\nrules:\n")
		for i, when := range order {
			fmt.Fprintf(&text, "  - name: r%d\n    when: %q\n    continue: %t\n    %s\n", i, when, rapid.Bool().Draw(t, "continue"), rapid.SampledFrom(groupings).Draw(t, "group_by"))
		}
		b := parse(t, text.String())
		other := parse(t, strings.ReplaceAll(text.String(), "name: r", "name: s"))
		f := findings().Draw(t, "finding")
		got, verdicts := b.Assign(f), b.Explain(f)
		if len(got) == 0 || !slices.Equal(got, b.Assign(f)) {
			t.Fatalf("%+v", got)
		}
		matched := slices.DeleteFunc(slices.Clone(verdicts), func(v rulebook.Verdict) bool { return !v.Matched })
		switch {
		case got[0].Ignored:
			if len(matched) > 0 || len(got) > 1 || got[0].Rule != "" {
				t.Fatalf("%+v, %+v", got, matched)
			}
		case len(matched) == 0 || got[0].Rule != matched[0].Rule:
			t.Fatalf("%+v, %+v", got, matched)
		}
		for i, a := range got {
			if !a.Ignored && !slices.ContainsFunc(matched, func(v rulebook.Verdict) bool { return v.Rule == a.Rule }) {
				t.Fatalf("%+v, but %+v", a, matched)
			}
			if _, err := rule.ParseGroupKey(string(a.Group)); err != nil || a.Reason == "" {
				t.Fatalf("%+v: %v", a, err)
			}
			if a.Parent() && (i == 0 || !slices.ContainsFunc(got[:i], func(b rule.Assignment) bool { return b.Group == a.Child && !b.Parent() })) {
				t.Fatalf("a parent of a group that the finding is not in: %+v", got)
			}
			same := slices.IndexFunc(got, func(b rule.Assignment) bool { return b.Group == a.Group })
			if same != i {
				t.Fatalf("two assignments to one group: %+v", got)
			}
			r, _ := b.Rule(a.Rule)
			if r != nil && !slices.Contains(r.GroupBy, "rule") && i == 0 && other.Assign(f)[0].Group != a.Group {
				t.Fatalf("the group depends on the name of the rule: %+v", a)
			}
		}
		for _, v := range verdicts {
			if v.Reason == "" || v.Asked && !v.Matched && len(v.Failing) == 0 {
				t.Fatalf("%+v says nothing", v)
			}
		}
	})
}

// TestGroupKeys: what differs in what is grouped by is in two groups, whatever the
// values hold; the order of names says nothing.
func TestGroupKeys(t *testing.T) {
	one := parse(t, "version: 1\nrules: [{name: a, group_by: [account, 'tag:team', action]}]\n")
	turned := parse(t, "version: 1\nrules: [{name: b, group_by: [ActionType, 'tag:team', SubAccountId, account]}]\n")
	f, g := &finding.Finding{SubAccountID: "a\x1faction=b"}, &finding.Finding{SubAccountID: "a", ActionType: "b\x1faction="}
	if one.Assign(f)[0].Group == one.Assign(g)[0].Group {
		t.Error("a value can reach into the next one")
	}
	rapid.Check(t, func(t *rapid.T) {
		f, g := findings().Draw(t, "one"), findings().Draw(t, "other")
		same := f.SubAccountID == g.SubAccountID && f.Tags["team"] == g.Tags["team"] && f.ActionType == g.ActionType
		if a, b := one.Assign(f)[0].Group, turned.Assign(g)[0].Group; (a == b) != same {
			t.Fatalf("%s and %s", a, b)
		}
	})
}

// TestPlace: whatever a tag holds, an issue goes to a path that GitLab can have, in
// the group that was meant, or to the fallback.
func TestPlace(t *testing.T) {
	b := parse(t, `{version: 1, rules: [{name: a, route: {project: 'acme/{{tag "team"}}', fallback: acme/triage}}]}`)
	r := b.Rules()[0]
	rapid.Check(t, func(t *rapid.T) {
		team := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z./_-]{0,12}`)).Draw(t, "team")
		f := &finding.Finding{FindingKey: finding.NewKey("a"), Kind: finding.Cost, Tags: map[string]string{"team": team}}
		p, err := r.Place(rulebook.Alone("", f))
		if err != nil || p.Reason == "" || strings.Count(p.Path, "/") != 1 || !strings.HasPrefix(p.Path, "acme/") || strings.Contains(p.Path, "..") && p.Path != "acme/"+team {
			t.Fatalf("%+v, %v", p, err)
		}
		if p.Fallback != (p.Path == "acme/triage" && team != "triage") {
			t.Fatalf("%+v", p)
		}
	})
	if _, err := r.Place(rule.Group{}); err == nil {
		t.Error("a group without findings has a place")
	}
}

// TestDefaults: rules begin with them, and do not change them for each other.
func TestDefaults(t *testing.T) {
	b := parse(t, `
version: 1
rules:
  - {name: a, when: 'kind == "cost"', labels: ["team::b", x], route: {project: acme/a}, group_by: account, policy: {max_repeats: 3}, thresholds: {percent: 20%}}
  - {name: b, labels: "y"}
defaults:
  labels: ["team::a", z]
  route: {fallback: acme/c, on_change: stay}
  group_by: [region, service]
  policy: {reopen_window: 1w, max_repeats: 5}
  thresholds: {amount: [5 USD, 4 EUR]}
`)
	one, other := b.Rules()[0], b.Rules()[1]
	if got := fmt.Sprint(one.Labels, one.Route.Project, one.Route.Fallback, one.Route.OnChange, one.GroupBy, *one.Policy.MaxRepeats, *one.Policy.ReopenWindow, one.Thresholds.Share, one.Thresholds.Amounts); got != "[z team::b x] acme/a acme/cstay[account] 3 168h0m0s 0.2 map[EUR:4 USD:5]" {
		t.Error(got)
	}
	if got := fmt.Sprint(other.Labels, other.Route.Project, other.Route.Fallback, other.GroupBy, *other.Policy.MaxRepeats, other.Thresholds.Share); got != "[team::a z y]  acme/c [region service] 5 <nil>" {
		t.Error(got)
	}
}

// TestSettings: what the parts of a file become.
func TestSettings(t *testing.T) {
	b := parse(t, `
version: 1
defaults: {budget: calm, labels: costs}
budgets:
  calm: {per: team, per_hour: 1, per_day: 2, per_week: 3, open: 4, min_savings: 10.50 USD, unknown_savings: fail, calendar: office, except: critical}
calendars:
  office: {time_zone: Europe/Berlin, working_days: [monday, friday], quiet: [{from: "22:00", to: "07:00"}], freezes: [{from: 2026-12-20, to: 2027-01-06, reason: holidays}]}
campaigns:
  gp3: {from: 2026-11-01, to: 2026-12-01, rules: default, goal: 5000 USD}
  all: {from: 2026-11-01, to: 2026-12-01, rules: default, goal: 30}
templates:
  short: {title: "{{.Title}}"}
ownership:
  chain:
    - {source: map, owners: {"vol-*": "@acme/storage", "i-*": compute}}
    - {source: tags, tags: [team, owner]}
    - {source: default, owner: platform}
  people: {engineer@example.com: "@engineer"}
  bar: 70
  triage: {project: acme/triage}
`)
	budget, ok := b.Budget("calm")
	if got := fmt.Sprint(ok, budget.Per, budget.PerHour, budget.PerDay, budget.PerWeek, budget.Open, budget.MinSavings, budget.UnknownFails, budget.Except, budget.Calendar); got != "trueteam1 2 3 4 {10.5 USD} true Critical {Europe/Berlin [Monday Friday] [{22:00 07:00}] [{2026-12-20 2027-01-06 holidays}]}" {
		t.Error(got)
	}
	if got := fmt.Sprint(b.Campaigns()); got != "[{gp3 2026-11-01 2026-12-01 UTC [default] {{5000 USD} 0}} {all 2026-11-01 2026-12-01 UTC [default] {{0 } 30}}]" {
		t.Error(got)
	}
	o := b.Ownership()
	if got := fmt.Sprint(o.Chain, o.People, o.Bar, o.Triage.Project); got != "[{map [{vol-* @acme/storage} {i-* compute}] []  } {tags [] [team owner]  } {default [] []  platform}] map[engineer@example.com:@engineer] 70 acme/triage" {
		t.Error(got)
	}
	r := b.Rules()[0]
	if len(b.Rules()) != 1 || r.Name != "default" || fmt.Sprint(r.Budget, r.Labels) != "[calm] [costs]" {
		t.Errorf("%+v", r)
	}
	p := b.Templates()[0].Problem(true, 2, "is wrong", "mend it")
	if p.Error() != `rules.yaml:12:21: templates.short.title: is wrong: mend it` {
		t.Error(p)
	}
	if _, err := rulebook.Parse("x", []byte("version: 1\ndefaults: {template: idle}\n")); err == nil || !strings.Contains(err.Error(), `no template "idle"`) {
		t.Error(err)
	}
	if _, err := (rulebook.Known{Templates: []string{"idle"}}).Parse("x", []byte("version: 1\ndefaults: {template: idle}\n")); err != nil {
		t.Error(err)
	}
}

// TestSchema: the published schema accepts every file that Parse accepts, and
// refuses a field that Parse does not know.
func TestSchema(t *testing.T) {
	check := schema(t)
	archives(t, "right", func(t *testing.T, rules []byte) string {
		if err := check(rules); err != nil {
			t.Error(err)
		}
		t.SkipNow() // what becomes of the findings is TestRight's
		return ""
	})
	for text, right := range map[string]bool{
		"version: 1":            true,
		"version: 2":            false,
		"rules: []":             false,
		"version: 1\nrules: []": false,
		"version: 1\nrules: [{name: a, condition: b}]":                       false,
		"version: 1\nrules: [{when: b}]":                                     false,
		"version: 1\ndefaults: {due: -3d}":                                   false,
		"version: 1\ndefaults: {due: 1w2d}":                                  true,
		"version: 1\ndefaults: {due: 0}":                                     true,
		"version: 1\ndefaults: {weight: -1}":                                 false,
		"version: 1\nbudgets: {a: {per_day: -1}}":                            false,
		"version: 1\nbudgets: {a: {per: nobody}}":                            false,
		"version: 1\ndefaults: {route: {project: 5}}":                        true,
		"version: 1\ndefaults: {thresholds: {percent: 12.5, amount: 5 USD}}": true,
		"version: 1\ndefaults: {thresholds: {amount: 5}}":                    false,
	} {
		_, err := rulebook.Parse("rules.yaml", []byte(text))
		if schemaErr := check([]byte(text)); (err == nil) != right || (schemaErr == nil) != right {
			t.Errorf("%s: %v, %v", text, err, schemaErr)
		}
	}
}

func schema(t *testing.T) func(text []byte) error {
	t.Helper()
	read, err := jsonschema.UnmarshalJSON(strings.NewReader(string(rulebook.Schema())))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("rules.json", read); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("rules.json")
	if err != nil {
		t.Fatal(err)
	}
	return func(text []byte) error {
		var value any
		if err := yaml.Unmarshal(text, &value); err != nil {
			return err
		}
		asJSON, err := json.Marshal(value)
		if err != nil {
			return err
		}
		value, err = jsonschema.UnmarshalJSON(strings.NewReader(string(asJSON)))
		return errors.Join(err, compiled.Validate(value))
	}
}

// TestCheck: a test that fails says what was, and why.
func TestCheck(t *testing.T) {
	b := parse(t, `
version: 1
rules:
  - {name: large, when: 'saves("50 USD")', route: {project: acme/a}, labels: x}
tests:
  - {name: one, finding: {savings: 60 USD}, want: {rule: large, project: acme/a, labels: [x], ignored: false}}
  - {name: two, finding: {savings: 40 USD}, want: {rule: large, project: acme/a}}
  - {name: three, finding: {savings: 60 USD}, want: {project: acme/b, labels: [y], group_of: one, ignored: true}}
`)
	var got []string
	for _, f := range b.Check() {
		got = append(got, fmt.Sprintf("%d %s: %s", f.Line, f.Test, f.Message))
	}
	want := []string{
		`7 two: the rule is none, not large (large: saves("50 USD") is false: savings is 40.00 USD)`,
		`7 two: the project is none, not acme/a`,
		`8 three: ignored is false, not true (large: matches: it names no resource, so it stands alone)`,
		`8 three: it shares no issue with one: it names no resource, so it stands alone; it names no resource, so it stands alone there`,
		`8 three: the project is acme/a (rule large sends it there), not acme/b`,
		`8 three: the list of labels is x, not y`,
	}
	if !slices.Equal(got, want) || b.Tests() != 3 {
		t.Error(strings.Join(got, "\n"))
	}
}

// TestConcurrent: a book is asked by many at once.
func TestConcurrent(t *testing.T) {
	b := parse(t, "version: 1\nrules:\n  - {name: a, when: 'account == \"a\" && aliases.exists(x, x == account)'}\n  - {name: b}\n")
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for n := range 200 {
				account := fmt.Sprint("abcd"[(i+n)%4 : (i+n)%4+1])
				f := &finding.Finding{SubAccountID: account, ResourceAliases: []string{account}}
				if got := b.Assign(f)[0].Rule; (got == "a") != (account == "a") {
					t.Errorf("account %s: rule %s", account, got)
				}
				b.Explain(f)
			}
		})
	}
	wait.Wait()
}

// FuzzParse: any text is a book or problems with places, and a book can be asked.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"version: 1\nrules:\n  - name: a\n    when: |\n      kind == \"cost\"\n", "version: 1\ndefaults: {due: 3d}\n", "a: &x [*x]", "- - - -", "{[}]", "? a\n: b", "version: 1\nrules: [{name: a, when: \"\\x41\\\n  b\"}]",
		"version: 1\nrules: [{name: a, route: {project: '{{tag \"x\" | default (lower account)}}/b'}}]", "\ufeff%YAML 1.2\n---\nversion: 1", "version: 1\nrules: [{name: a, when: '\"'}]", "!!map {a: b}", "a: >\n\n  b\n c",
	} {
		f.Add([]byte(seed))
	}
	asked := &finding.Finding{FindingKey: finding.NewKey("a"), Kind: finding.Cost, Tags: map[string]string{"team": "a/b"}}
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := rulebook.Parse("rules.yaml", text)
		if err != nil {
			var problems rulebook.Problems
			if !errors.As(err, &problems) || len(problems) == 0 {
				t.Fatalf("%v is no list of problems", err)
			}
			lines := strings.Count(string(text), "\n") + 1
			for _, p := range problems {
				if p.Line < 1 || p.Line > lines+1 || p.Column < 1 || p.Message == "" {
					t.Fatalf("%+v of %d lines", p, lines)
				}
			}
			return
		}
		for _, a := range b.Assign(asked) {
			if r, ok := b.Rule(a.Rule); ok {
				if p, err := r.Place(rulebook.Alone(a.Group, asked)); err != nil || p.Reason == "" {
					t.Fatal(p, err)
				}
			}
		}
		b.Explain(asked)
		b.Check()
	})
}

// TestEvents says which rules act on what, and which look at findings about cxm.
func TestEvents(t *testing.T) {
	b := parse(t, "version: 1\nrules:\n  - {name: some, events: [opened, token-expiring], when: 'true'}\n  - {name: ours, events: review-due}\n  - {name: all}\n")
	some, ours, all := b.Rules()[0], b.Rules()[1], b.Rules()[2]
	for e, want := range map[rulebook.Event][3]bool{
		rulebook.Opened: {true, true, true}, rulebook.Changed: {false, true, true}, rulebook.TokenExpiring: {true, false, false}, rulebook.ReviewDue: {false, true, false}, rulebook.Digest: {false, false, false},
	} {
		if got := [3]bool{some.On(e), ours.On(e), all.On(e)}; got != want {
			t.Errorf("%s: %v", e, got)
		}
	}
	for rule, f := range map[string]*finding.Finding{
		"some": {SourceSystem: "acme"}, "ours": {SourceSystem: rulebook.OwnSource, SourceRuleID: "cxm.access.review"}, "all": {SourceSystem: rulebook.OwnSource, SourceRuleID: "cxm.other"},
	} {
		if got := b.Assign(f)[0].Rule; got != rule {
			t.Errorf("%s: %s", rule, got)
		}
	}
	own := &finding.Finding{SourceSystem: rulebook.OwnSource, SourceRuleID: "cxm.token.expiry"}
	if got := b.Assign(own)[0].Rule; got != "some" {
		t.Error(got)
	}
}

// TestDigest tells texts apart.
func TestDigest(t *testing.T) {
	one, other := parse(t, "version: 1\n"), parse(t, "version: 1\n# more\n")
	if one.Digest() == other.Digest() || one.Digest() != parse(t, "version: 1\n").Digest() || rulebook.Builtin().Digest() != "builtin" {
		t.Error(one.Digest(), other.Digest())
	}
}

// TestPolicy: what a rule says of its issues.
func TestPolicy(t *testing.T) {
	b := parse(t, `
version: 1
rules:
  - name: a
    policy: {close: manual, reopen_window: 1d, growth: "1.5", calm: 2h, recreate: true, max_repeats: 2}
    assignees: ["@engineer", bot]
    milestone: Q4
    due: 30d
    weight: 0
    confidential: true
    issue_type: task
    owner: "{{tag \"team\" | default \"platform\"}}"
    description: what it is for
`)
	r := b.Rules()[0]
	p := r.Policy
	if got := fmt.Sprint(p.Close, *p.ReopenWindow, p.Growth, *p.Calm, *p.Recreate, *p.MaxRepeats); got != "manual24h0m0s 1.5 2h0m0s true 2" {
		t.Error(got)
	}
	if got := fmt.Sprint(r.Assignees, r.Milestone, r.Due, *r.Weight, r.Confidential, r.IssueType, r.Description, r.Line); got != "[engineer bot]Q4720h0m0s 0 truetaskwhat it is for4" {
		t.Error(got)
	}
	if got := r.OwnerOf(rulebook.Alone("", &finding.Finding{})); got != "platform" {
		t.Error(got)
	}
}
