// Package duration reads and writes time as GitLab's time tracking does: "1w
// 2d 3h", where a day has 8 hours, a week 5 days and a month 4 weeks.
package duration

import (
	"regexp"
	"strconv"
	"strings"
)

var durationPart = regexp.MustCompile(`^(\d+(?:\.\d+)?)\s*(months?|mo|weeks?|w|days?|d|hours?|h|minutes?|m|seconds?|s)?\s*`)

// Seconds reads a duration as GitLab writes it: months of 4 weeks, weeks of 5
// days, days of 8 hours. ok is false for what is none.
func Seconds(text string) (seconds int64, ok bool) {
	text = strings.TrimSpace(strings.ToLower(text))
	sign := int64(1)
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		text, sign = rest, -1
	}
	for text != "" {
		m := durationPart.FindStringSubmatch(text)
		if m == nil {
			return 0, false
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return 0, false
		}
		seconds += int64(n * float64(unitSeconds(m[2])))
		text, ok = text[len(m[0]):], true
	}
	return sign * seconds, ok
}

func unitSeconds(unit string) int64 {
	const hour = 3600
	switch {
	case strings.HasPrefix(unit, "mo"):
		return 4 * 5 * 8 * hour
	case strings.HasPrefix(unit, "w"):
		return 5 * 8 * hour
	case strings.HasPrefix(unit, "d"):
		return 8 * hour
	case strings.HasPrefix(unit, "m"):
		return 60
	case strings.HasPrefix(unit, "s"):
		return 1
	}
	return hour
}

// Human writes seconds as GitLab does: "1w 2d 3h"; "" for zero.
func Human(seconds int64) string {
	sign := ""
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	var parts []string
	for _, unit := range []string{"mo", "w", "d", "h", "m", "s"} {
		size := unitSeconds(unit)
		if n := seconds / size; n > 0 {
			parts = append(parts, strconv.FormatInt(n, 10)+unit)
			seconds -= n * size
		}
	}
	return sign + strings.Join(parts, " ")
}
