package record

import (
	"errors"
	"hash/maphash"
	"io"
	"strings"
	"testing"
	"time"
)

// TestTotal: a file that unpacks without end is refused.
func TestTotal(t *testing.T) {
	f, err := Open("long.json", strings.NewReader(`{"items":[`+strings.Repeat(`{},`, 5000)+`{}]}`), Limits{Total: 4000}, maphash.MakeSeed())
	if err != nil {
		t.Fatal(err)
	}
	d := Walk(f, 2)
	if _, err := d.Next(); err != nil {
		t.Fatal(err)
	}
	err = d.Object(func(string) error {
		return d.Array(func(int) error {
			d.Begin()
			return errors.Join(d.Skip(), d.End())
		})
	})
	if err == nil || !strings.Contains(err.Error(), "longer than 4000 bytes unpacked: split it") {
		t.Errorf("got %v", err)
	}
}

func TestTime(t *testing.T) {
	want := time.Date(2026, 3, 1, 13, 3, 20, 876e6, time.UTC)
	for _, text := range []string{
		"2026-03-01T13:03:20.876Z", "2026-03-01T14:03:20.876000+01:00", "2026-03-01 13:03:20.876", "2026-03-01T13:03:20.876", "2026-03-01 13:03:20.876+00:00",
		"1772370200.876", "1.772370200876E9",
	} {
		if got, err := Time(text); err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("Time(%q) = %v, %v", text, got, err)
		}
	}
	if got, err := Time(""); err != nil || !got.IsZero() {
		t.Errorf("no time is %v, %v", got, err)
	}
	for _, text := range []string{"yesterday", "03/01/2026", "-5", "1e99", "0", "2026-13-01", "9999-12-31T23:59:59-23:59", "1772370200876000"} {
		if got, err := Time(text); err == nil {
			t.Errorf("Time(%q) = %v", text, got)
		}
	}
}

func TestDaysAndFlag(t *testing.T) {
	for text, want := range map[string]int{"": 0, "14": 14, "14.0": 14, "1.4e1": 14} {
		if got, err := Days(text); got != want || err != nil {
			t.Errorf("Days(%q) = %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"14.5", "-1", "99999999999999", "two"} {
		if got, err := Days(text); err == nil {
			t.Errorf("Days(%q) = %d", text, got)
		}
	}
	for text, want := range map[string]bool{"true": true, "True": true, "FALSE": false, "0": false} {
		if got, err := Flag(text); err != nil || got == nil || *got != want {
			t.Errorf("Flag(%q) = %v, %v", text, got, err)
		}
	}
	if got, err := Flag(""); got != nil || err != nil {
		t.Errorf("no flag is %v, %v", got, err)
	}
	if _, err := Flag("maybe"); err == nil {
		t.Error("maybe is a flag")
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"Title", "Tags", "SubAccountId"}
	for text, want := range map[string]string{"title": ", did you mean Title?", "Subaccount": ", did you mean SubAccountId?", "Tag": ", did you mean Tags?", "": "", "entirely different": "", strings.Repeat("Title", 50): ""} {
		if got := Suggest(text, names); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestErrorIsALine(t *testing.T) {
	err := &Error{File: "f", Record: "/items/" + strings.Repeat("ä", 500), Field: "a\nb\x1b[2J", Line: 7, Err: io.ErrUnexpectedEOF}
	if text := err.Error(); strings.ContainsAny(text, "\n\x1b") || len(text) > 300 || !strings.Contains(text, "line 7") {
		t.Errorf("%q", text)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the fault is not in the error")
	}
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{"": "", " ": "", "a b": "a b", " a": "a", "a ": "a", "a  b": "a b", "a\n\tb": "a b", "ä\u00a0ö\u2028ü": "ä ö ü", "a\rb": "a b"} {
		if got := OneLine(text); got != want {
			t.Errorf("OneLine(%q) = %q", text, got)
		}
	}
}
