package ui

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"cxm/internal/money"
)

func TestMoney(t *testing.T) {
	for _, c := range []struct {
		amount   decimal.NullDecimal
		currency string
		want     Quantity
	}{
		{money.Known(decimal.RequireFromString("1204.5")), "USD", Quantity{"1,204.50", "USD"}},
		{money.Known(decimal.Zero), "EUR", Quantity{"0.00", "EUR"}},
		{money.Known(decimal.RequireFromString("41152263.2")), "JPY", Quantity{"41,152,263", "JPY"}},
		{money.Unknown(), "USD", Quantity{Number: "not known"}}, // never zero
	} {
		if got := Money(c.amount, c.currency); got != c.want {
			t.Errorf("Money(%v, %s) = %v, want %v", c.amount, c.currency, got, c.want)
		}
	}
}

func TestPlace(t *testing.T) {
	at := Place{Path: "/findings", Values: url.Values{"q": {"a b&c"}, "page": {"3"}, "sort": {"-saving"}}}
	before := at.Values.Encode()
	for name, c := range map[string][2]string{
		"a filter begins at the first page": {at.With("kind", "cost"), "/findings?kind=cost&q=a+b%26c&sort=-saving"},
		"a filter taken away":               {at.With("q", ""), "/findings?sort=-saving"},
		"another page":                      {at.Page(4), "/findings?page=4&q=a+b%26c&sort=-saving"},
		"the first page has no number":      {at.Page(1), "/findings?q=a+b%26c&sort=-saving"},
		"nothing":                           {Place{Path: "/findings"}.Page(1), "/findings"},
		"a number begins with the largest":  {at.Sortable("Seen", "seen", true).SortURL, "/findings?q=a+b%26c&sort=-seen"},
		"again turns the order round":       {at.Sortable("Saving", "saving", true).SortURL, "/findings?q=a+b%26c&sort=saving"},
		"what it is sorted by is said":      {at.Sortable("Saving", "saving", true).Sorted, "descending"},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: got %s, want %s", name, c[0], c[1])
		}
	}
	if at.Values.Encode() != before {
		t.Error("asking for an address changed the place")
	}
}

func TestPager(t *testing.T) {
	for _, c := range []struct {
		page string
		all  int
		want Pager
	}{
		{"", 0, Pager{}},
		{"", 1, Pager{From: 1, To: 1, All: 1}},
		{"", 50, Pager{From: 1, To: 50, All: 50}},
		{"", 51, Pager{From: 1, To: 50, All: 51, Next: "/f?page=2"}},
		{"2", 51, Pager{From: 51, To: 51, All: 51, Previous: "/f"}},
		{"99", 51, Pager{From: 51, To: 51, All: 51, Previous: "/f"}}, // past the end
		{"-1", 51, Pager{From: 1, To: 50, All: 51, Next: "/f?page=2"}},
		{"x", 51, Pager{From: 1, To: 50, All: 51, Next: "/f?page=2"}},
	} {
		at := Place{Path: "/f", Values: url.Values{}}
		if c.page != "" {
			at.Values.Set("page", c.page)
		}
		if diff := cmp.Diff(c.want, at.Pager(c.all, 50)); diff != "" {
			t.Errorf("page %q of %d (-want +got):\n%s", c.page, c.all, diff)
		}
	}
}

func TestForm(t *testing.T) {
	good := Form{ID: "f", Fields: []Field{{Name: "a", Label: "A", Hint: "h", Focus: true}, {Name: "b", Label: "B"}}}
	if ready := good.Ready(); good.Wrong() || !ready.Fields[0].Focus || ready.Fields[0].Describes() != "f-a-hint" || ready.Fields[1].Describes() != "" {
		t.Errorf("a form without faults: %+v", ready)
	}
	bad := good
	bad.Fields = []Field{{Name: "a", Label: "A", Hint: "h", Focus: true, Error: "e"}}
	ready := bad.Ready()
	if !bad.Wrong() || ready.Fields[0].Focus || ready.Fields[0].Describes() != "f-a-hint f-a-error" {
		t.Errorf("the focus belongs to the summary, and the field names its error: %+v", ready)
	}
	if faults := bad.Faults(); len(faults) != 1 || faults[0].ID() != "f-a" {
		t.Errorf("faults: %+v", faults)
	}
	if !bad.Fields[0].Focus {
		t.Error("Ready changed the form itself")
	}
}

func TestBars(t *testing.T) {
	amounts := []string{"200", "50", "0", "-3", "0.01"}
	b := Bars{}
	for _, a := range amounts {
		b.Rows = append(b.Rows, Bar{Label: a, Amount: decimal.RequireFromString(a)})
	}
	var got []string
	for _, d := range b.Drawn() {
		got = append(got, d.Number+" "+d.Length)
	}
	if diff := cmp.Diff([]string{"200.00 100", "50.00 25", "0.00 0", "-3.00 0", "0.01 0"}, got); diff != "" {
		t.Errorf("drawn (-want +got):\n%s", diff)
	}
	if none := (Bars{Rows: []Bar{{}}}).Drawn(); none[0].Length != "0" {
		t.Errorf("a single zero is drawn %s long", none[0].Length)
	}
}

func TestTrend(t *testing.T) {
	known := func(v int64) decimal.NullDecimal { return money.Known(decimal.NewFromInt(v)) }
	trend := Trend{Title: "T", Unit: "USD", Of: "Day", Labels: []string{"1", "2", "3", "4"}, Series: []Series{{Name: "a", Amounts: []decimal.NullDecimal{known(0), known(70), money.Unknown(), known(100)}}, {Name: "short"}}}
	plot := trend.Plots()[0]
	line := plot.Lines[0]
	if strings.Count(line.Path, "M") != 2 || strings.Count(line.Path, "L") != 1 {
		t.Errorf("an amount that is not known interrupts the line: %s", line.Path)
	}
	if plot.Lines[1].Path != "" {
		t.Errorf("nothing is drawn where nothing is known: %s", plot.Lines[1].Path)
	}
	if end := line.Ends[0]; end.X != plot.Right || end.Y != plot.Top {
		t.Errorf("the largest amount ends at %d,%d, want the corner %d,%d", end.X, end.Y, plot.Right, plot.Top)
	}
	var grid []string
	for _, g := range plot.Grid {
		grid = append(grid, g.Text)
	}
	if diff := cmp.Diff([]string{"0", "50", "100"}, grid); diff != "" {
		t.Errorf("grid (-want +got):\n%s", diff)
	}
	if got := trend.Table().Rows[2]; got[1].Text != "not known" || got[2].Text != "not known" {
		t.Errorf("the table says %+v, want not known", got)
	}
	if (Trend{Labels: []string{"1"}}).Drawable() || (Trend{Labels: []string{"1", "2"}}).Drawable() {
		t.Error("there is no line of one day, or of nothing")
	}
}

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.5: "0.5", 5000: "5000", 10000: "10k", 150000: "150k", 2.5e6: "2.5M"} {
		if got := short(v); got != want {
			t.Errorf("short(%v) = %s, want %s", v, got, want)
		}
	}
}
