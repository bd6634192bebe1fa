package ruling

import (
	"fmt"
	"strings"

	"cxm/internal/money"
	"cxm/internal/web/ui"
)

// Previewed is what other rules would do.
type Previewed struct {
	Tabs    []Tab
	Sheet   Sheet
	Summary string
	Tone    ui.Tone
	Figures []ui.Figure
	Totals  ui.Table
	Parts   []Part
	Diff    ui.Diff
	Same    bool // the text is what is in force
	Apply   *ui.Form
	Why     string // they may not apply it; empty: they may
	Waits   string
}

// Template is the template's name.
func (Previewed) Template() string { return "ruling-preview" }

// Part is issues to which the same would happen.
type Part struct {
	ID, Title, Note string
	Table           ui.Table
	More            string
}

// NewPreviewed is the page. was is the text in force.
func NewPreviewed(s State, was string, sheet Sheet, all []Preview) Previewed {
	page := Previewed{Tabs: tabs("/edit", s.Plan), Sheet: sheet, Diff: ui.Compare("The file, compared with what is in force", was, sheet.Text), Same: was == sheet.Text}
	sum := sums(all)
	page.Summary, page.Tone = previewSummary(all, sum, page.Same)
	if len(all) > 0 && !sum.nothing() {
		page.Figures = sum.figures()
		page.Totals = totals(all)
		page.Parts = sum.parts(all)
	}
	if sum.waits > 0 {
		page.Waits = fmt.Sprintf("Of what would come, %s under a budget and would not be made at once.", counted(sum.waits, "issue waits", "issues wait"))
	}
	switch {
	case page.Same:
		page.Why = "There is nothing to apply."
	case !s.May:
		page.Why = "Only an admin of the tenant may put rules in force: send them this text, or ask for the role."
	default:
		page.Apply = &ui.Form{ID: "apply", Action: base + "/apply", Submit: "Apply", Fields: []ui.Field{
			{Form: "apply", Name: "note", Label: "Note", Value: sheet.Note, Autocomplete: "off", Hint: "Why, for those who read the history."},
		}}
	}
	return page
}

func previewSummary(all []Preview, sum summed, same bool) (string, ui.Tone) {
	switch {
	case same:
		return "This is what is in force already.", ui.Info
	case len(all) == 0:
		return "cxm is not connected to a GitLab yet, so there are no issues to compare. The file reads well.", ui.Info
	case sum.nothing():
		return "No issue would come, change, move or go.", ui.Good
	}
	return "Nothing was changed so far. This is what the next run would do otherwise.", ui.Info
}

// summed are the previews of all integrations together.
type summed struct {
	come, change, move, leave, below, spared Steps
	waits                                    int
}

func sums(all []Preview) summed {
	var out summed
	for _, p := range all {
		for _, each := range []struct {
			to   *Steps
			from Steps
		}{{&out.come, p.Come}, {&out.change, p.Change}, {&out.move, p.Move}, {&out.leave, p.Go}, {&out.below, p.Below}, {&out.spared, p.Spared}} {
			each.to.All += each.from.All
			if each.to.Savings == nil {
				each.to.Savings = money.Totals{}
			}
			for currency, amount := range each.from.Savings {
				each.to.Savings.Add(money.Known(amount), currency)
			}
			each.to.First = append(each.to.First, each.from.First...)
		}
		out.waits += p.Waits
	}
	return out
}

func (s summed) nothing() bool {
	return s.come.All+s.change.All+s.move.All+s.leave.All+s.below.All+s.spared.All == 0
}

func (s summed) figures() []ui.Figure {
	var out []ui.Figure
	for _, each := range []struct {
		label, note, id string
		steps           Steps
	}{
		{"Come", "made or reopened", "come", s.come}, {"Change", "edited", "change", s.change},
		{"Move", "to another project", "move", s.move}, {"Go", "closed", "go", s.leave},
	} {
		f := ui.Figure{Label: each.label, Quantities: []ui.Quantity{{Number: counted(each.steps.All, "", "")}}, Note: each.note}
		f.Quantities[0].Number = strings.TrimSpace(f.Quantities[0].Number)
		if len(each.steps.Savings) > 0 {
			f.Note += ", " + each.steps.Savings.Show() + " a month"
		}
		if each.steps.All > 0 {
			f.URL = "#" + each.id
		}
		out = append(out, f)
	}
	return out
}

// totals are those of each project; amounts of several currencies stand side by side.
func totals(all []Preview) ui.Table {
	t := ui.Table{Caption: "By project", Columns: []ui.Column{
		{Label: "Project"}, {Label: "Made", Number: true}, {Label: "Reopened", Number: true}, {Label: "Edited", Number: true}, {Label: "Moved here", Number: true}, {Label: "Closed", Number: true}, {Label: "What is made would save a month"},
	}}
	for _, p := range all {
		for _, total := range p.Totals {
			row := []ui.Cell{{Text: total.Project}}
			if len(all) > 1 {
				row[0].Sub = "of the integration with " + p.Project
			}
			for _, verb := range []string{"create", "reopen", "update", "move", "close"} {
				row = append(row, ui.Cell{Text: strings.TrimSpace(counted(total.Counts[verb], "", ""))})
			}
			saves := "nothing known"
			switch {
			case len(total.Savings) > 0:
				saves = total.Savings.Show()
			case total.Counts["create"] == 0:
				saves = "none is made"
			}
			t.Rows = append(t.Rows, append(row, ui.Cell{Text: saves}))
		}
	}
	return t
}

func (s summed) parts(all []Preview) []Part {
	var out []Part
	for _, each := range []struct {
		id, title, note string
		steps           Steps
	}{
		{"come", "would come", "", s.come}, {"change", "would change", "Their text, title or labels.", s.change}, {"move", "would move", "", s.move},
		{"go", "would go", "They are closed, with the reason in them.", s.leave},
		{"below", "would not be made", "Below the saving that a budget asks for. They are looked at again when that changes.", s.below},
		{"spared", "would be left alone", "The rules in force would have the next run make them, or write to them. These would not.", s.spared},
	} {
		if each.steps.All == 0 {
			continue
		}
		part := Part{ID: each.id, Title: counted(each.steps.All, "issue ", "issues ") + each.title, Note: each.note}
		part.Table = ui.Table{Caption: part.Title, Columns: []ui.Column{{Label: "Issue"}, {Label: "Saving a month", Number: true}, {Label: "Rule"}}}
		shown := each.steps.First[:min(len(each.steps.First), mostSteps)]
		for _, step := range shown {
			saving := ui.Money(step.Saving, step.Currency)
			part.Table.Rows = append(part.Table.Rows, []ui.Cell{{Text: step.Title, URL: step.URL, Sub: step.Reason}, {Text: saving.Number, Unit: saving.Unit}, {Text: or(step.Rule, "none")}})
		}
		if left := each.steps.All - len(shown); left > 0 {
			part.More = "and " + counted(left, "issue more", "issues more")
		}
		out = append(out, part)
	}
	return out
}

// mostSteps is how many issues of each part are listed.
const mostSteps = 50

// Overtaken is shown to who made rules from a revision that is not in force any more.
type Overtaken struct {
	Sheet    Sheet // made from the revision in force, if they go on
	Text     string
	Theirs   ui.Diff // what was changed meanwhile
	Mine     ui.Diff // what applying would change of it
	Anyway   string
	Revision string
}

// Template is the template's name.
func (Overtaken) Template() string { return "ruling-overtaken" }

// NewOvertaken is the page. was is what the sheet was made from.
func NewOvertaken(s State, was string, sheet Sheet) Overtaken {
	now := s.Now
	page := Overtaken{
		Text:     fmt.Sprintf("You began with %s. Revision %d is in force by now, which %s applied. Nothing was changed.", begun(sheet.From), now.Number, or(deref(now.Author), "somebody")),
		Revision: revisionURL(now.Number),
		Theirs:   ui.Compare(fmt.Sprintf("What changed from %s to revision %d", begun(sheet.From), now.Number), was, deref(now.Text)),
		Mine:     ui.Compare("What your file would change of that", deref(now.Text), sheet.Text),
		Anyway:   fmt.Sprintf("Preview against revision %d", now.Number),
	}
	sheet.From = now.Number
	page.Sheet = sheet
	return page
}
