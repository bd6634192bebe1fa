package issues

import (
	"net/url"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
	"cxm/internal/web/ui"
)

func at(query string) ui.Place {
	values, _ := url.ParseQuery(query) // the queries are constants
	return ui.Place{Path: listAt, Values: values}
}

// TestSum counts what is open, and adds nothing that is not known or of another
// currency.
func TestSum(t *testing.T) {
	usd := func(text string) decimal.NullDecimal { return money.Known(decimal.RequireFromString(text)) }
	rows := []Row{
		{State: "opened", Phase: "live", Saving: usd("10"), Currency: "USD"}, {State: "opened", Phase: "live", Saving: usd("5"), Currency: "EUR"},
		{State: "closed", Phase: "live", Saving: usd("100"), Currency: "USD"}, {State: "opened", Phase: "duplicate", Saving: usd("100"), Currency: "USD"}, {State: "opened", Phase: "live"},
	}
	if got := NewList(at(""), ListData{Rows: rows}).Sum; !strings.Contains(got, "5 issues") || !strings.Contains(got, "10.00 USD") || !strings.Contains(got, "5.00 EUR") || strings.Contains(got, "110") {
		t.Errorf("it says %q", got)
	}
	if got := NewList(at(""), ListData{Rows: rows, Next: "1~1~"}).Sum; got != "" {
		t.Errorf("of one page of several it says %q", got)
	}
}

// TestAddresses: filters stay when the order changes, and a page is left behind.
func TestAddresses(t *testing.T) {
	l := NewList(at("q=disk&after=5~1~&state=opened"), ListData{Rows: []Row{{ID: 1}}, Next: "9~2~x y"})
	if got := l.Table.Columns[3].SortURL; got != "/issues?q=disk&sort=-saving&state=opened" {
		t.Errorf("sorting leads to %s", got)
	}
	if got := l.Pager.Next; got != "/issues?after=9~2~x+y&q=disk&state=opened" && got != "/issues?after=9%7E2%7Ex+y&q=disk&state=opened" {
		t.Errorf("the next page is %s", got)
	}
	if l.Clear != "/issues" || l.Views[1].Current {
		t.Errorf("%+v", l)
	}
	if l := NewList(at("state=opened&sort=title"), ListData{}); !l.Views[1].Current || l.Empty == nil || l.Table.Columns[0].Sorted != "ascending" {
		t.Errorf("%+v", l)
	}
}

// TestHistory tells in words what was done, and what was not.
func TestHistory(t *testing.T) {
	for _, c := range []struct {
		w    Wrote
		text string
		tone ui.Tone
	}{
		{Wrote{Verb: "create", Outcome: "done"}, "cxm made the issue", ui.Good}, {Wrote{Verb: "update", Outcome: "adopted", Sent: "title, block"}, "cxm changed the issue: title, block", ui.Good},
		{Wrote{Verb: "close", Outcome: "failed"}, "It failed that cxm closed the issue", ui.Bad}, {Wrote{Verb: "reopen", Outcome: "planned"}, "It is planned that cxm reopens the issue", ui.Info},
		{Wrote{Verb: "move", Outcome: "in doubt"}, "It is in doubt whether cxm moved the issue", ui.Warn}, {Wrote{Verb: "update", Outcome: "skipped"}, "It was left out that cxm changed the issue", ui.Neutral},
	} {
		if e := event(c.w); e.Text != c.text || e.Tone != c.tone {
			t.Errorf("%+v is told as %q, %s", c.w, e.Text, e.Tone)
		}
	}
	e := event(Wrote{Run: 7, Step: 3, Outcome: "done", Verb: "close", ApprovedBy: "engineer"})
	if e.Who != "cxm, run 7, approved by engineer" || e.URL != "/runs/7/steps/3" {
		t.Errorf("%+v", e)
	}
}
