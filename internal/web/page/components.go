package page

import "cxm/internal/web/ui"

// Components shows every component, for who makes pages.
type Components struct {
	Badges    []ui.Badge
	Actions   []ui.Action
	Figures   []ui.Figure
	Facts     []ui.Fact
	Table     ui.Table
	Pager     ui.Pager
	Bars      ui.Bars
	Trend     ui.Trend
	Form      ui.Form
	Steps     []ui.Step
	Timeline  []ui.Event
	Diff      ui.Diff
	Code      ui.Code
	Checks    ui.CheckGroup
	Empty     ui.Empty
	Problem   ui.Problem
	Summaries []Summary
}

// Template is the template's name.
func (Components) Template() string { return "components" }

// Index is a list of pages, for who makes them.
type Index struct{ Table ui.Table }

// Template is the template's name.
func (Index) Template() string { return "index" }
