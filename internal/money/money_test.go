package money

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	good := map[string]string{
		"43.08": "43.08", "0.64": "0.64", "20.0": "20", "-1.5": "-1.5", "2.988E-04": "0.0002988",
		"123.12000000000002": "123.12000000000002", "0": "0", "1e3": "1000",
	}
	for text, want := range good {
		got, err := Parse(text)
		if err != nil || got.String() != want {
			t.Errorf("Parse(%q) = %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "$9.50", "1,000.00", "NaN", "Inf", "1e1000000000", "1e-1000000000", "0x10", " 1", "1 ", "1e25", "one"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", text, got)
		}
	}
}

func TestParseCurrency(t *testing.T) {
	if got, err := ParseCurrency("usd"); err != nil || got != "USD" {
		t.Errorf("ParseCurrency(usd) = %q, %v", got, err)
	}
	for _, code := range []string{"", "US", "XYQ", "Dollars", "U$D"} {
		if got, err := ParseCurrency(code); err == nil {
			t.Errorf("ParseCurrency(%q) = %q, want an error", code, got)
		}
	}
}

func TestShow(t *testing.T) {
	for _, c := range []struct{ amount, code, want string }{
		{"1204.5", "USD", "1,204.50 USD"}, {"0.005", "USD", "0.01 USD"}, {"-1234567.891", "EUR", "-1,234,567.89 EUR"},
		{"1999.6", "JPY", "2,000 JPY"}, {"3", "", "3.00"},
	} {
		if got := Show(decimal.RequireFromString(c.amount), c.code); got != c.want {
			t.Errorf("Show(%s, %s) = %q, want %q", c.amount, c.code, got, c.want)
		}
	}
}

// TestMicrosIsExact: the short way for small amounts is the long way's number.
func TestMicrosIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := decimal.New(rapid.Int64Range(-90_000_000_000, 90_000_000_000).Draw(t, "digits"), rapid.Int32Range(-8, 2).Draw(t, "exponent"))
		if got, want := Micros(d), d.Shift(6).Round(0).IntPart(); got != want {
			t.Fatalf("%s is %d millionths, not %d", d, got, want)
		}
	})
}

func TestMicrosKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) decimal.Decimal {
			return decimal.New(rapid.Int64().Draw(t, name), int32(rapid.IntRange(-12, 4).Draw(t, name+" exponent")))
		}
		a, b := draw("a"), draw("b")
		if a.LessThan(b) && Micros(a) > Micros(b) {
			t.Fatalf("%s < %s but %d > %d", a, b, Micros(a), Micros(b))
		}
	})
	if got := Micros(decimal.New(1, 30)); got != math.MaxInt64 {
		t.Errorf("a huge amount clamps to %d", got)
	}
}

func TestTotalsAreExactAndApart(t *testing.T) {
	totals := Totals{}
	for range 10 {
		totals.Add(Known(decimal.RequireFromString("0.1")), "USD")
	}
	totals.Add(Unknown(), "USD")
	totals.Add(Known(decimal.RequireFromString("2")), "EUR")
	got, err := json.Marshal(totals)
	if err != nil || string(got) != `{"EUR":"2","USD":"1"}` {
		t.Errorf("totals = %s, %v", got, err)
	}
	if totals.Show() != "2.00 EUR, 1.00 USD" {
		t.Errorf("shown as %q", totals.Show())
	}
}
