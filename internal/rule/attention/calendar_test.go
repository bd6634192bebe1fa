package attention

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// fataler is a test, or one of its draws.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// zone is a time zone that the tests know.
func zone(t fataler, name string) *time.Location {
	t.Helper()
	z, err := ParseZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// utc reads a moment such as 2026-03-28T21:59Z.
func utc(t fataler, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02T15:04Z", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func hours(from, to string) Hours {
	f, _ := ParseClock(from)
	l, _ := ParseClock(to)
	return Hours{f, l}
}

func day(text string) Date {
	d, _ := ParseDate(text)
	return d
}

func weekdays() []time.Weekday {
	return []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
}

// TestAllows holds when an issue may be made, and until when it waits. Berlin's
// clocks go forward on 2026-03-29 from 02:00 to 03:00 (01:00 UTC) and back on
// 2026-10-25 from 03:00 to 02:00 (01:00 UTC).
func TestAllows(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	night := Calendar{Zone: berlin, Quiet: []Hours{hours("18:00", "08:00")}}
	office := Calendar{Zone: berlin, Days: weekdays(), Quiet: []Hours{hours("18:00", "08:00")}}
	lunch := Calendar{Quiet: []Hours{hours("12:00", "13:00"), hours("13:00", "13:30")}}
	early := Calendar{Zone: berlin, Quiet: []Hours{hours("22:00", "02:30")}}
	frozen := office
	frozen.Freezes = []Freeze{{day("2026-12-18"), day("2027-01-03"), "year-end close"}}
	for _, c := range []struct {
		name      string
		cal       Calendar
		now       string
		until     string // empty: allowed
		why       string
		unlimited bool
	}{
		{"no calendar", Calendar{}, "2026-03-29T01:00Z", "", "", false},
		{"by day", night, "2026-03-02T07:00Z", "", "", false},
		{"a minute before the day", night, "2026-03-02T06:59Z", "2026-03-02T07:00Z", "quiet hours from 18:00 to 08:00", false},
		{"the last minute", night, "2026-03-02T16:59Z", "", "", false},
		{"over midnight", night, "2026-03-02T17:00Z", "2026-03-03T07:00Z", "quiet hours", false},
		{"the night that is an hour short", night, "2026-03-28T17:00Z", "2026-03-29T06:00Z", "quiet hours", false},
		{"the night that is an hour long", night, "2026-10-24T16:00Z", "2026-10-25T07:00Z", "quiet hours", false},
		{"hours within a day, one behind the other", lunch, "2026-03-02T12:00Z", "2026-03-02T13:30Z", "quiet hours from 12:00 to 13:00", false},
		{"before them", lunch, "2026-03-02T11:59Z", "", "", false},
		{"their end is skipped by the clocks", early, "2026-03-29T00:59Z", "2026-03-29T01:00Z", "quiet hours from 22:00 to 02:30", false},
		{"their end comes twice: the first", early, "2026-10-25T00:00Z", "2026-10-25T00:30Z", "quiet hours", false},
		{"between the two", early, "2026-10-25T00:45Z", "", "", false},
		{"the second, as clocks show it again", early, "2026-10-25T01:15Z", "2026-10-25T01:30Z", "quiet hours", false},
		{"clocks are set back before them", Calendar{Zone: berlin, Quiet: []Hours{hours("02:30", "04:00")}}, "2026-10-25T00:45Z", "2026-10-25T01:00Z", "quiet hours", false},
		{"and then they come again", Calendar{Zone: berlin, Quiet: []Hours{hours("02:30", "04:00")}}, "2026-10-25T01:30Z", "2026-10-25T03:00Z", "quiet hours", false},
		{"Friday evening", office, "2026-03-27T17:30Z", "2026-03-30T06:00Z", "quiet hours", false},
		{"Saturday noon", office, "2026-03-28T11:00Z", "2026-03-30T06:00Z", "no working day", false},
		{"Monday morning", office, "2026-03-30T06:00Z", "", "", false},
		{"the last day before a freeze", frozen, "2026-12-17T16:59Z", "", "", false},
		{"its first moment", frozen, "2026-12-17T23:00Z", "2027-01-04T07:00Z", "frozen from 2026-12-18 to 2027-01-03: year-end close", false},
		{"its last day", frozen, "2027-01-03T22:59Z", "2027-01-04T07:00Z", "frozen", false},
		{"quiet all day", Calendar{Quiet: []Hours{hours("00:00", "12:00"), hours("12:00", "24:00")}}, "2026-03-02T06:00Z", "", "quiet hours", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			ok, until, why := Allows(c.cal, utc(t, c.now))
			if ok != (c.why == "") || !strings.HasPrefix(why, c.why) {
				t.Errorf("allowed: %v, %q; want %q", ok, why, c.why)
			}
			want := time.Time{}
			if c.until != "" {
				want = utc(t, c.until)
			}
			if !until.Equal(want) {
				t.Errorf("until %v, want %v", until.UTC(), want)
			}
		})
	}
}

// TestDays holds when days and weeks begin where clocks are set: Berlin at night,
// Santiago and Beirut at midnight, which a day then does not have, Havana an hour
// behind it, so that midnight comes twice, and Samoa by a whole day.
func TestDays(t *testing.T) {
	for _, c := range []struct {
		zone, now        string
		begin, end, week string
		hours            float64
	}{
		{"UTC", "2026-11-23T12:00Z", "2026-11-23T00:00Z", "2026-11-24T00:00Z", "2026-11-23T00:00Z", 24},
		{"Europe/Berlin", "2026-03-29T12:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z", "2026-03-22T23:00Z", 23},
		{"Europe/Berlin", "2026-10-25T12:00Z", "2026-10-24T22:00Z", "2026-10-25T23:00Z", "2026-10-18T22:00Z", 25},
		{"Europe/Berlin", "2026-10-25T22:59Z", "2026-10-24T22:00Z", "2026-10-25T23:00Z", "2026-10-18T22:00Z", 25},
		{"Europe/Berlin", "2026-10-25T23:00Z", "2026-10-25T23:00Z", "2026-10-26T23:00Z", "2026-10-25T23:00Z", 24},
		{"America/Santiago", "2026-09-06T12:00Z", "2026-09-06T04:00Z", "2026-09-07T03:00Z", "2026-08-31T04:00Z", 23},
		{"Asia/Beirut", "2026-03-29T12:00Z", "2026-03-28T22:00Z", "2026-03-29T21:00Z", "2026-03-22T22:00Z", 23},
		{"America/Havana", "2026-11-01T12:00Z", "2026-11-01T04:00Z", "2026-11-02T05:00Z", "2026-10-26T04:00Z", 25},
		{"America/Havana", "2026-11-01T04:30Z", "2026-11-01T04:00Z", "2026-11-02T05:00Z", "2026-10-26T04:00Z", 25},
		{"America/Havana", "2026-11-01T05:30Z", "2026-11-01T04:00Z", "2026-11-02T05:00Z", "2026-10-26T04:00Z", 25},
		{"Pacific/Apia", "2011-12-30T09:00Z", "2011-12-29T10:00Z", "2011-12-30T10:00Z", "2011-12-26T10:00Z", 24},
		{"Pacific/Apia", "2011-12-30T10:00Z", "2011-12-30T10:00Z", "2011-12-31T10:00Z", "2011-12-26T10:00Z", 24},
		{"Asia/Kolkata", "2026-11-23T18:29Z", "2026-11-22T18:30Z", "2026-11-23T18:30Z", "2026-11-22T18:30Z", 24},
	} {
		t.Run(c.zone+" "+c.now, func(t *testing.T) {
			b := Budget{PerDay: 1, PerWeek: 1, Calendar: Calendar{Zone: zone(t, c.zone)}}
			got := b.bounds(Scope{Per: All}, utc(t, c.now))
			begin, end := got[0].window.Since.Add(time.Microsecond), got[0].ends
			if !begin.Equal(utc(t, c.begin)) || !end.Equal(utc(t, c.end)) || end.Sub(begin).Hours() != c.hours {
				t.Errorf("the day is from %v to %v, %v hours", begin, end.UTC(), end.Sub(begin).Hours())
			}
			if week := got[1].window.Since.Add(time.Microsecond); !week.Equal(utc(t, c.week)) {
				t.Errorf("the week begins on %v", week)
			}
		})
	}
}

// anyCalendar draws a calendar without fault.
func anyCalendar(t *rapid.T) Calendar {
	for {
		c := Calendar{Zone: zone(t, rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/Havana", "America/Santiago", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia"}).Draw(t, "zone"))}
		c.Days = rapid.SampledFrom([][]time.Weekday{nil, weekdays(), {time.Saturday}}).Draw(t, "days")
		clock := func(name string) Clock {
			return Clock{rapid.IntRange(0, 23).Draw(t, name), rapid.SampledFrom([]int{0, 30, 59}).Draw(t, name)}
		}
		for range rapid.IntRange(0, 2).Draw(t, "quiet") {
			c.Quiet = append(c.Quiet, Hours{clock("from"), clock("to")})
		}
		for range rapid.IntRange(0, 2).Draw(t, "freezes") {
			from := day("2026-01-01").plus(rapid.IntRange(0, 400).Draw(t, "freeze"))
			c.Freezes = append(c.Freezes, Freeze{From: from, To: from.plus(rapid.IntRange(0, 20).Draw(t, "length"))})
		}
		if len(c.faults("")) == 0 {
			return c
		}
	}
}

// anyMoment draws one of 2026, most of them around a change of clocks.
func anyMoment(t *rapid.T) time.Time {
	near := rapid.SampledFrom([]string{"2026-03-29T01:00Z", "2026-10-25T01:00Z", "2026-11-01T05:00Z", "2026-09-06T04:00Z", "2026-03-28T22:00Z", "2026-06-01T00:00Z"}).Draw(t, "near")
	return utc(t, near).Add(time.Duration(rapid.Int64Range(-100*3600, 100*3600).Draw(t, "seconds")) * time.Second)
}

// TestAllowsAgrees holds that what Allows names is the first moment that is
// allowed: at it one is, and at no minute before it.
func TestAllowsAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, now := anyCalendar(t), anyMoment(t)
		ok, until, why := Allows(c, now)
		if ok {
			if !until.IsZero() || why != "" {
				t.Fatalf("allowed, but until %v: %q", until, why)
			}
			return
		}
		if again, _, because := Allows(c, until); !again || why == "" || !until.After(now) {
			t.Fatalf("at %v it waits until %v, and is not allowed then: %q", now, until, because)
		}
		step := max(time.Minute, until.Sub(now)/2000)
		for at := now; at.Before(until); at = at.Add(step) {
			if soon, _, _ := Allows(c, at); soon {
				t.Fatalf("it waits until %v, and is allowed at %v", until, at)
			}
		}
	})
}

// TestDaysAgree holds that a moment is within its day and its week, that days
// follow each other without a gap, and that the date changes nowhere else.
func TestDaysAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, now := anyCalendar(t), anyMoment(t)
		today := dateOf(now.In(c.Zone))
		begin, end := c.begin(today), c.begin(today.plus(1))
		if now.Before(begin) || !now.Before(end) {
			t.Fatalf("%v is not within %v to %v", now, begin, end)
		}
		if dateOf(begin) != today || dateOf(begin.Add(-time.Nanosecond)) == today {
			t.Fatalf("%s begins at %v", today, begin)
		}
		if monday := c.begin(c.monday(now)); now.Before(monday) || monday.Weekday() != time.Monday || now.Sub(monday) >= 7*24*time.Hour+2*time.Hour {
			t.Fatalf("the week of %v begins at %v", now, monday)
		}
	})
}

func TestFaults(t *testing.T) {
	list := func(faults []Fault) string {
		var out []string
		for _, f := range faults {
			if f.Mend == "" {
				t.Errorf("no mend: %+v", f)
			}
			out = append(out, f.Field+": "+f.Message)
		}
		return strings.Join(out, "\n")
	}
	for _, c := range []struct{ name, want, got string }{
		{"nothing", "", list(Budget{}.Faults())},
		{"below zero", "PerDay: -1 is below zero\nOpen: -2 is below zero", list(Budget{PerDay: -1, Open: -2}.Faults())},
		{"nobody's", `Per: "person" is nobody's attention`, list(Budget{Per: "person"}.Faults())},
		{"no currency", "MinSavings: the minimum has no currency, and amounts in different ones are never compared", list(Budget{MinSavings: amount("5", "")}.Faults())},
		{"a negative minimum", "MinSavings: -5 is below zero", list(Budget{MinSavings: amount("-5", "USD")}.Faults())},
		{"no severity", "Except: 9 is no severity", list(Budget{Except: 9}.Faults())},
		{"empty hours", "Calendar.Quiet[0]: they begin and end at 08:00, which may be all day or none of it", list(Budget{Calendar: Calendar{Quiet: []Hours{hours("08:00", "08:00")}}}.Faults())},
		{"no times", "Calendar.Quiet[0]: 25:00 to 08:00 are not times of day", list(Budget{Calendar: Calendar{Quiet: []Hours{{Clock{25, 0}, Clock{8, 0}}}}}.Faults())},
		{"all day", "Calendar.Quiet: the quiet hours together are all day, so that no issue is ever made", list(Budget{Calendar: Calendar{Quiet: []Hours{hours("00:00", "12:00"), hours("11:00", "24:00")}}}.Faults())},
		{"a freeze backwards", "Calendar.Freezes[0]: it ends on 2026-01-01, before it begins on 2026-01-02", list(Budget{Calendar: Calendar{Freezes: []Freeze{{From: day("2026-01-02"), To: day("2026-01-01")}}}}.Faults())},
		{"no day", "Calendar.Days[0]: 8 is no day of the week", list(Budget{Calendar: Calendar{Days: []time.Weekday{8}}}.Faults())},
		{"a campaign", "Name: the campaign has no name\nTo: it ends on 2026-01-01, before it begins on 2026-02-01\nRules: no rule is named, so no issue is the campaign's\nGoal: it names both an amount and a number of issues",
			list(Campaign{From: day("2026-02-01"), To: day("2026-01-01"), Goal: Goal{amount("1", "USD"), 3}}.Faults())},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestParse holds what is not a time, a day or a zone.
func TestParse(t *testing.T) {
	for _, text := range []string{"", "8:00", "24:01", "08:60", "noon", "08:00:00"} {
		if c, err := ParseClock(text); err == nil {
			t.Errorf("%q is %s", text, c)
		}
	}
	for _, text := range []string{"", "2026-02-30", "24.11.2026", "2026-11-24T00:00Z"} {
		if d, err := ParseDate(text); err == nil {
			t.Errorf("%q is %s", text, d)
		}
	}
	for _, text := range []string{"", "Local", "Europe/Nowhere", "../etc/passwd", "CET+1"} {
		if z, err := ParseZone(text); err == nil {
			t.Errorf("%q is %s", text, z)
		}
	}
	if c, err := ParseClock("24:00"); err != nil || c.String() != "00:00" {
		t.Errorf("24:00 is %s (%v)", c, err)
	}
}
