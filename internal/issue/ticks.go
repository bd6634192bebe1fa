package issue

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// People tick the boxes of task lists inside cxm's block: that is their work
// going on, and no edit of what cxm wrote. A line is known again by the key that
// a checklist ends it with, in a code span; a line without one (a step that a
// template lists) by its words, and where two lines have the same words by which
// of them it is.
var (
	taskLine = regexp.MustCompile(`^[ \t]*[-*+] \[([ xX~])\] (.*)$`)
	taskKey  = regexp.MustCompile("`([0-9a-f]{10})`$")
	restLine = regexp.MustCompile("^- And [0-9]+ more[^`]*")
	anyKey   = regexp.MustCompile("`([0-9a-f]{10})`")
)

// The words that cxm puts before the keys of lines that people ticked and that
// the list has no room for now.
const tickedWords = " Ticked: "

// task is one line of a task list.
type task struct {
	mark int    // where its mark stands in the text
	id   string // what it is known by
	gone bool   // cxm ticked it: the thing is proved gone
}

// tasks lists the lines of task lists outside fenced code, in order, and where
// the line stands that counts what a checklist leaves out: its start and end,
// the same when there is none.
func tasks(text string) (list []task, rest, end int) {
	seen := map[string]int{}
	fence := ""
	for at := 0; at < len(text); {
		line, _, _ := strings.Cut(text[at:], "\n")
		switch {
		case fence != "":
			if closes(line, fence) {
				fence = ""
			}
		case opens(line) != "":
			fence = opens(line)
		case restLine.MatchString(line):
			rest, end = at, at+len(line)
		default:
			if m := taskLine.FindStringSubmatchIndex(line); m != nil {
				words := line[m[4]:m[5]]
				id := words
				if key := taskKey.FindStringSubmatch(words); key != nil {
					id = key[1]
				}
				seen[id]++
				list = append(list, task{mark: at + m[2], id: fmt.Sprintf("%d %s", seen[id], id), gone: strings.HasPrefix(words, goneWords)})
			}
		}
		at += len(line) + 1
	}
	return list, rest, end
}

// mayTick says at a glance that a text may hold a line of a task list.
func mayTick(text string) bool {
	return strings.Contains(text, " [") || strings.Contains(text, tickedWords)
}

// opens is the fence that a line opens code with, "" when it does not.
func opens(line string) string {
	trimmed := strings.TrimLeft(line, " ")
	if len(line)-len(trimmed) > 3 {
		return ""
	}
	for _, c := range []string{"`", "~"} {
		rest := strings.TrimLeft(trimmed, c)
		if n := len(trimmed) - len(rest); n >= 3 && (c == "~" || !strings.Contains(rest, "`")) {
			return trimmed[:n]
		}
	}
	return ""
}

// closes says that a line ends the code that fence opened.
func closes(line, fence string) bool {
	trimmed := strings.TrimLeft(line, " ")
	rest := strings.TrimLeft(trimmed, fence[:1])
	return len(line)-len(trimmed) <= 3 && len(trimmed)-len(rest) >= len(fence) && strings.TrimSpace(rest) == ""
}

// Unticked is a block as it would be with nothing ticked: two blocks that are the
// same then differ by people's ticks alone.
func Unticked(block string) string {
	if !mayTick(block) {
		return block
	}
	list, rest, end := tasks(block)
	out := []byte(block)
	for _, t := range list {
		out[t.mark] = ' '
	}
	if words := strings.Index(block[rest:end], tickedWords); words >= 0 {
		out = append(out[:rest+words], block[end:]...)
	}
	return string(out)
}

// Ticked is d with the ticks that people set in block, which is what the issue
// says now. A line that is proved gone is ticked by cxm, which is nobody's tick:
// when the thing comes back there is something to do again. Ticks on lines that
// the list has no room for are kept behind it.
func (d Desired) Ticked(block string) Desired {
	if !mayTick(block) || !mayTick(d.Body) {
		return d
	}
	ticks := ticksIn(block)
	if len(ticks) == 0 {
		return d
	}
	body := []byte(d.Body)
	list, rest, end := tasks(d.Body)
	for _, t := range list {
		if mark, ticked := ticks[t.id]; ticked && !t.gone {
			body[t.mark] = mark
		}
	}
	var left []string
	for _, key := range d.Unlisted {
		if _, ticked := ticks["1 "+key]; ticked {
			left = append(left, "`"+key+"`")
		}
	}
	if len(left) > 0 && end > rest {
		slices.Sort(left)
		body = slices.Insert(body, end, []byte(tickedWords+strings.Join(left, ", "))...)
	}
	d.Body = string(body)
	return d
}

// ticksIn is the mark of every line that people ticked.
func ticksIn(block string) map[string]byte {
	ticks := map[string]byte{}
	list, rest, end := tasks(block)
	for _, t := range list {
		if mark := block[t.mark]; mark != ' ' && !t.gone {
			ticks[t.id] = mark
		}
	}
	if _, left, found := strings.Cut(block[rest:end], tickedWords); found {
		for _, key := range anyKey.FindAllStringSubmatch(left, -1) {
			ticks["1 "+key[1]] = 'x'
		}
	}
	return ticks
}
