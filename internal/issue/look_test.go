package issue_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/rule"
)

// TestLookDigest says what of a look is a reason to write an issue anew.
func TestLookDigest(t *testing.T) {
	g := group(disk("a"))
	one := issue.Look{Template: parse(t, "", "Hello {{tag \"env\"}} {{.Team}}."), Team: "payments", Owner: issue.Owner{Name: "payments", Why: "from the tag team"}, Labels: []string{"x"}}
	was := issue.OutlineAs(g, one).Digest
	for name, c := range map[string]struct {
		change func(*issue.Look, *finding.Finding)
		same   bool
	}{
		"nothing":          {func(*issue.Look, *finding.Finding) {}, true},
		"another template": {func(l *issue.Look, _ *finding.Finding) { l.Template = parse(t, "", "Good day {{tag \"env\"}}.") }, false},
		"the same text": {func(l *issue.Look, _ *finding.Finding) {
			l.Template = parse(t, "", "Hello {{tag \"env\"}} {{.Team}}.")
		}, true},
		"no template":        {func(l *issue.Look, _ *finding.Finding) { l.Template = nil }, false},
		"another team":       {func(l *issue.Look, _ *finding.Finding) { l.Team = "platform" }, false},
		"another owner":      {func(l *issue.Look, _ *finding.Finding) { l.Owner.Name = "platform" }, false},
		"others were likely": {func(l *issue.Look, _ *finding.Finding) { l.Owner.Others = []string{"platform"} }, true},
		"the rule's name":    {func(l *issue.Look, _ *finding.Finding) { l.Rule = "other" }, true},
		"a label":            {func(l *issue.Look, _ *finding.Finding) { l.Labels = []string{"x", "y"} }, false},
		"no label":           {func(l *issue.Look, _ *finding.Finding) { l.Labels = nil }, false},
		"a checklist":        {func(l *issue.Look, _ *finding.Finding) { l.Checklist = true }, false},
		"a tag it shows":     {func(_ *issue.Look, f *finding.Finding) { f.Tags = map[string]string{"team": "payments", "env": "test"} }, false},
		"a tag it does not": {func(_ *issue.Look, f *finding.Finding) {
			f.Tags = map[string]string{"team": "payments", "env": "prod", "zone": "a"}
		}, true},
		"an amount": {func(_ *issue.Look, f *finding.Finding) {
			f.EstimatedMonthlySavings = money.Known(decimal.NewFromInt(7))
		}, true},
		"a measured value": {func(_ *issue.Look, f *finding.Finding) {
			f.Description = strings.Replace(f.Description, "23.28", "24", 1)
		}, true},
		"a part of the world": {func(_ *issue.Look, f *finding.Finding) { f.RegionID = "eu-west-1" }, false},
	} {
		look, now := one, group(disk("a"))
		c.change(&look, &now.Members[0].Finding)
		if same := issue.OutlineAs(now, look).Digest == was; same != c.same {
			t.Errorf("%s: the digest is the same: %v", name, same)
		}
	}
	if issue.OutlineAs(g, issue.Look{Rule: "r"}).Digest != issue.Outline(g).Digest {
		t.Error("the digest of the built-in look changed")
	}
}

// TestLookLabels: the labels of a look stand beside cxm's own, sorted, each once.
func TestLookLabels(t *testing.T) {
	d, err := issue.RenderAs(group(disk("a")), issue.Look{Labels: []string{"zebra", "cxm", "Team::a"}})
	if want := []string{"Team::a", "cxm", "cxm::cost", "cxm::severity::low", "zebra"}; err != nil || !slices.Equal(d.Labels, want) {
		t.Errorf("%q, %v", d.Labels, err)
	}
}

// TestZeroLook: the zero look is the built-in one, byte for byte.
func TestZeroLook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, _ := groups(t)
		d, err := issue.RenderAs(g, issue.Look{})
		if diff := cmp.Diff(issue.Render(g), d); diff != "" || err != nil {
			t.Fatalf("%v\n%s", err, diff)
		}
	})
}

// TestTemplateFails: a template that comes to nothing for a group leaves its issue
// in cxm's own words, says why, and does so for plan and apply alike.
func TestTemplateFails(t *testing.T) {
	g := group(disk("a"))
	for name, c := range map[string]struct{ title, body string }{
		"the body":  {"{{.Headline}}", "{{range .Members}}{{range $.Resources}}{{if eq .Name \"data\"}}{{range 200000}}{{end}}{{end}}{{end}}{{end}}x"},
		"the title": {"{{if eq .RegionID \"us-east-1\"}}{{range 200000}}{{end}}{{end}}x", "{{if eq .RegionID \"us-east-1\"}}{{range 200000}}{{end}}{{end}}x"},
	} {
		look := issue.Look{Template: parse(t, c.title, c.body)}
		d, err := issue.RenderAs(g, look)
		if own := issue.Render(g); err == nil || !strings.Contains(err.Error(), "too long") || d.Title != own.Title || d.Body != own.Body {
			t.Errorf("%s: %v\n%s", name, err, d.Title)
		}
		if o := issue.OutlineAs(g, look); o.Title != d.Title || o.Digest != d.Digest {
			t.Errorf("%s: the outline says something else", name)
		}
	}
}

// TestLooksAreQuiet: with a template and a checklist thirty scans with jitter in
// the amounts are no reason to write.
func TestLooksAreQuiet(t *testing.T) {
	look := issue.Look{Checklist: true, Template: parse(t, "{{.Headline}} {{date .FirstObservedAt}}", "{{summary}} {{.EstimatedMonthlySavings}} {{.LookbackDays}}\n{{checklist}}")}
	rapid.Check(t, func(t *rapid.T) {
		var first issue.Desired
		for scan := range 30 {
			g := group()
			for n := 1; n <= 4; n++ {
				m := volume(n)
				m.Finding.EstimatedMonthlySavings = money.Known(decimal.NewFromInt(100).Add(decimal.New(rapid.Int64Range(-90, 90).Draw(t, "jitter"), -2)))
				m.Finding.LookbackDays += scan
				g.Members = append(g.Members, m)
			}
			d := issue.OutlineAs(g, look)
			if scan == 0 {
				first = d
			}
			if moved, why := issue.Significant(first.Savings, d.Savings, first.Currency, d.Currency, issue.DefaultThresholds()); moved || d.Digest != first.Digest || d.Severity != first.Severity {
				t.Fatalf("scan %d: %s", scan, why)
			}
		}
	})
}

// TestLongChecklists: however much its resources say, a checklist stays within a
// block, its lines are told in order, and what is left out is counted.
func TestLongChecklists(t *testing.T) {
	for name, text := range map[string]string{"x": strings.Repeat("x", 500), "signs": strings.Repeat("@#~%|<&", 100), "ticks": strings.Repeat("`|", 300), "scripts": strings.Repeat("數", 400)} {
		g := group()
		for n := 1; n <= 1000; n++ {
			m := volume(n)
			m.Finding.ResourceName, m.Finding.SubAccountName, m.Finding.SubAccountID, m.Finding.Title = text, text, text, text
			m.Finding.ResourceType = text + string(rune('a'+n%2)) // not alike: each line has its title
			g.Members = append(g.Members, m)
		}
		for _, look := range []issue.Look{{Checklist: true}, {Checklist: true, Template: parse(t, "", "{{text .Description}}\n{{range .Resources}}\n{{truncate 20 .Name}}\n{{end}}")}} {
			d, err := issue.RenderAs(g, look)
			if block := d.Block(marker(g), "Open."); err != nil || len(block) > 200_000 || !strings.Contains(block, "- And ") || strings.Count(block, "- [ ] ")+len(d.Unlisted) != 1000 {
				t.Errorf("%s: %v, %d bytes, %d lines, %d not listed", name, err, len(block), strings.Count(block, "- [ ] "), len(d.Unlisted))
			}
		}
	}
}

// TestOneOfMany: a group of one resource with a checklist is a list of one line,
// and of one that is gone nothing is said to be open.
func TestOneOfMany(t *testing.T) {
	m := volume(1)
	look := issue.Look{Checklist: true}
	d, _ := issue.RenderAs(group(m), look)
	m.Sighting.Detection = finding.Absent
	gone, _ := issue.RenderAs(group(m), look)
	if strings.Count(d.Body, "- [ ] ") != 1 || strings.Count(gone.Body, "- [x] ~~") != 1 || strings.Contains(gone.Body, "- [ ] ") || !strings.HasPrefix(gone.Body, "**Gone.**") || d.Digest == gone.Digest {
		t.Errorf("%s\n%s", d.Body, gone.Body)
	}
	var none rule.Group
	none.Members = append(none.Members, volume(2))
	none.Members[0].Finding.ResourceID = ""
	if d, _ := issue.RenderAs(none, look); strings.Count(d.Body, "- [ ] ") != 1 {
		t.Errorf("no resource:\n%s", d.Body)
	}
}
