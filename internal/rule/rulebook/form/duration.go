package form

import (
	"strconv"
	"strings"
	"time"
)

// longest is the longest duration a file may name.
const longest = 10 * 366 * 24 * time.Hour

// Duration is a span of time such as 30d, 12h, 2w or 1w2d; 0 is none. A day has
// 24 hours.
func Duration() Value[time.Duration] {
	return Value[time.Duration]{Schema{"anyOf": []Schema{{"const": 0}, {"type": "string", "pattern": `^(0|([0-9]+[wdhms])+)$`}}}, func(n *Node, into *time.Duration) {
		d, ok := parseDuration(n.text)
		switch {
		case strings.HasPrefix(n.text, "-") && (n.kind == text || n.kind == number):
			n.Wrong("write a span such as 30d or 12h", "%.40q is below zero", n.text)
		case n.kind == number && n.text != "0":
			n.Wrong("write it like "+n.text+"d or "+n.text+"h", "%.40q names no unit", n.text)
		case n.kind != text && n.kind != number || !ok:
			n.Wrong("write it like 30d, 12h or 2w, at most 10 years", "%.40q is not a span of time", n.text)
		default:
			*into = d
		}
	}}
}

func parseDuration(text string) (time.Duration, bool) {
	if text == "0" {
		return 0, true
	}
	units := map[byte]time.Duration{'w': 7 * 24 * time.Hour, 'd': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute, 's': time.Second}
	var sum time.Duration
	for text != "" {
		end := strings.IndexAny(text, "wdhms")
		if end < 0 {
			return 0, false
		}
		count, err := strconv.ParseUint(text[:end], 10, 32)
		unit := units[text[end]]
		if err != nil || time.Duration(count) > longest/unit {
			return 0, false
		}
		if sum += time.Duration(count) * unit; sum > longest {
			return 0, false
		}
		text = text[end+1:]
	}
	return sum, sum > 0
}
