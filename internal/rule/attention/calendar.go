package attention

import (
	"fmt"
	"slices"
	"time"
)

// Calendar is when issues may be made. The zero value: always, with days as UTC
// has them.
type Calendar struct {
	Zone    *time.Location // of days and hours; nil: UTC
	Days    []time.Weekday // working days; none: every day is one
	Quiet   []Hours        // none is made in any of them
	Freezes []Freeze       // nor on these days
}

// Hours are those of every day from a time up to, but without, another. Where To
// comes before From they reach over midnight.
type Hours struct{ From, To Clock }

// Clock is a time of day, from 00:00 to 23:59.
type Clock struct{ Hour, Minute int }

// ParseClock reads a time of day such as 08:30; 24:00 is 00:00.
func ParseClock(text string) (Clock, error) {
	if text == "24:00" {
		return Clock{}, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != 5 {
		return Clock{}, fmt.Errorf("%.20q is not a time of day: write it like 08:30 or 22:00", text)
	}
	return Clock{t.Hour(), t.Minute()}, nil
}

// String is the time of day as ParseClock reads it.
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c.Hour, c.Minute) }

func (c Clock) minutes() int { return 60*c.Hour + c.Minute }

// Date is a day, in no time zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads a day such as 2026-11-24.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Date{}, fmt.Errorf("%.20q is not a day: write it like 2026-11-24", text)
	}
	return dateOf(t), nil
}

func dateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// String is the day as ParseDate reads it.
func (d Date) String() string { return d.noon().Format(time.DateOnly) }

// noon stands for the day in comparisons and steps: nothing shifts it.
func (d Date) noon() time.Time { return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC) }

func (d Date) before(other Date) bool { return d.noon().Before(other.noon()) }

// plus is so many days later.
func (d Date) plus(days int) Date { return dateOf(d.noon().AddDate(0, 0, days)) }

// Freeze is days on which no issue is made, the first and the last among them.
type Freeze struct {
	From, To Date
	Reason   string // for people; may be empty
}

func (c *Calendar) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// bounds says that there are times at which no issue is made.
func (c *Calendar) bounds() bool { return len(c.Days)+len(c.Quiet)+len(c.Freezes) > 0 }

// maxSteps bounds the search for the next time that is allowed: each step leaves
// a quiet time, a free day or a freeze behind.
const maxSteps = 500

// Allows says whether an issue may be made now. Where it may not, until is the
// first moment at which one may be, zero when there is none, and why says for
// people what keeps it.
func Allows(c Calendar, now time.Time) (ok bool, until time.Time, why string) {
	if !c.bounds() {
		return true, time.Time{}, ""
	}
	until, why = c.blocked(now)
	if why == "" {
		return true, time.Time{}, ""
	}
	for range maxSteps {
		next, more := c.blocked(until)
		if more == "" {
			return false, until, why
		}
		until = next
	}
	return false, time.Time{}, why
}

// blocked says what keeps an issue from being made at a moment, and when that is
// over; no reason: nothing does.
func (c *Calendar) blocked(at time.Time) (until time.Time, why string) {
	local := at.In(c.zone())
	day := dateOf(local)
	for _, f := range c.Freezes {
		if !day.before(f.From) && !f.To.before(day) {
			return c.begin(f.To.plus(1)), f.words()
		}
	}
	if len(c.Days) > 0 && !slices.Contains(c.Days, local.Weekday()) {
		return c.begin(day.plus(1)), "no working day"
	}
	for _, h := range c.Quiet {
		if h.hold(local) {
			return c.over(h, local), fmt.Sprintf("quiet hours from %s to %s", h.From, h.To)
		}
	}
	return time.Time{}, ""
}

func (f Freeze) words() string {
	if f.Reason == "" {
		return fmt.Sprintf("frozen from %s to %s", f.From, f.To)
	}
	return fmt.Sprintf("frozen from %s to %s: %s", f.From, f.To, f.Reason)
}

// hold says that the clock shows one of the hours.
func (h Hours) hold(local time.Time) bool {
	now, from, to := 60*local.Hour()+local.Minute(), h.From.minutes(), h.To.minutes()
	if from < to {
		return from <= now && now < to
	}
	return from <= now || now < to
}

// over is the first moment behind a moment within the hours that is not within
// them. Where clocks are set, that may be another one than their end.
func (c *Calendar) over(h Hours, within time.Time) time.Time {
	day := dateOf(within)
	ends := append(c.reads(day, h.To), c.reads(day.plus(1), h.To)...)
	if _, change := within.ZoneBounds(); !change.IsZero() {
		ends = append(ends, change.In(c.zone()))
	}
	slices.SortFunc(ends, time.Time.Compare)
	for _, end := range ends {
		if end.After(within) && !h.hold(end) {
			return end
		}
	}
	return c.begin(day.plus(2)) // no zone is set by a day twice in a row
}

// begin is the first moment of a day in the calendar's zone: midnight, or where
// clocks skip it, the moment at which they do.
func (c *Calendar) begin(d Date) time.Time { return c.reads(d, Clock{})[0] }

// reads lists the moments at which clocks show a time of a day: one, two where
// they are set back over it, and where they skip it, the moment at which they do.
func (c *Calendar) reads(d Date, at Clock) []time.Time {
	zone := c.zone()
	shown := time.Date(d.Year, d.Month, d.Day, at.Hour, at.Minute, 0, 0, time.UTC)
	about := time.Date(d.Year, d.Month, d.Day, at.Hour, at.Minute, 0, 0, zone)
	_, before := about.Add(-26 * time.Hour).Zone()
	_, after := about.Add(26 * time.Hour).Zone()
	var out []time.Time
	for _, offset := range slices.Compact([]int{max(before, after), min(before, after)}) {
		moment := shown.Add(-time.Duration(offset) * time.Second).In(zone)
		if dateOf(moment) == dateOf(shown) && moment.Hour() == at.Hour && moment.Minute() == at.Minute {
			out = append(out, moment)
		}
	}
	if len(out) == 0 {
		_, change := about.Add(-26 * time.Hour).ZoneBounds()
		out = append(out, change.In(zone))
	}
	return out
}

// monday is the first day of the week of now.
func (c *Calendar) monday(now time.Time) Date {
	local := now.In(c.zone())
	return dateOf(local).plus(-(int(local.Weekday()) + 6) % 7)
}

// moment writes a time for people: "Tuesday 2026-11-24 00:00 Europe/Berlin".
func (c *Calendar) moment(t time.Time) string {
	return t.In(c.zone()).Format("Monday 2006-01-02 15:04 ") + c.zone().String()
}

func (c *Calendar) faults(under string) []Fault {
	var out []Fault
	for i, d := range c.Days {
		if d < time.Sunday || d > time.Saturday {
			out = append(out, Fault{fmt.Sprintf("%sDays[%d]", under, i), fmt.Sprintf("%d is no day of the week", int(d)), "use Monday to Sunday"})
		}
	}
	for i, h := range c.Quiet {
		field := fmt.Sprintf("%sQuiet[%d]", under, i)
		if !h.From.valid() || !h.To.valid() {
			out = append(out, Fault{field, fmt.Sprintf("%s to %s are not times of day", h.From, h.To), "use times from 00:00 to 23:59"})
		} else if h.From == h.To {
			out = append(out, Fault{field, fmt.Sprintf("they begin and end at %s, which may be all day or none of it", h.From), "use two times, or a freeze for whole days"})
		}
	}
	for i, f := range c.Freezes {
		if f.To.before(f.From) {
			out = append(out, Fault{fmt.Sprintf("%sFreezes[%d]", under, i), fmt.Sprintf("it ends on %s, before it begins on %s", f.To, f.From), "set its first day, then its last"})
		}
	}
	if len(out) == 0 && c.silent() {
		out = append(out, Fault{under + "Quiet", "the quiet hours together are all day, so that no issue is ever made", "leave some of the day free"})
	}
	return out
}

func (c Clock) valid() bool {
	return c.Hour >= 0 && c.Hour < 24 && c.Minute >= 0 && c.Minute < 60
}

// silent says that every minute of a day is in quiet hours.
func (c *Calendar) silent() bool {
	midnight := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for minute := range 24 * 60 {
		if at := midnight.Add(time.Duration(minute) * time.Minute); !slices.ContainsFunc(c.Quiet, func(h Hours) bool { return h.hold(at) }) {
			return false
		}
	}
	return true
}
