package ui

import (
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// around is how many lines that are kept stand around what changes.
const around = 2

// longest is how many lines of a difference are shown.
const longest = 2000

// Compare is what changes from one text to another, line by line, with a little of
// what is kept around it. Without a change it has no lines. How lines end is no
// difference.
func Compare(title, before, after string) Diff {
	d := Diff{Title: title}
	before, after = whole(before), whole(after)
	changed, err := udiff.ToUnifiedDiff("", "", before, udiff.Lines(before, after), around)
	if err != nil { // its edits are of this text; if it says otherwise, all is shown
		changed.Hunks = []*udiff.Hunk{{FromLine: 1, Lines: append(as(udiff.Delete, before), as(udiff.Insert, after)...)}}
	}
	line, last := 1, strings.Count(before, "\n")
	for _, h := range changed.Hunks {
		d.Lines = append(d.Lines, kept(h.FromLine-line)...)
		line = h.FromLine
		for _, l := range h.Lines {
			if l.Kind != udiff.Insert {
				line++
			}
			d.Lines = append(d.Lines, DiffLine{Op: sign(l.Kind), Text: strings.TrimSuffix(l.Content, "\n")})
		}
	}
	if len(d.Lines) > 0 {
		d.Lines = append(d.Lines, kept(last-line+1)...)
	}
	return d.cut()
}

// whole is a text whose every line ends alike.
func whole(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text
}

func as(kind udiff.OpKind, text string) (out []udiff.Line) {
	for line := range strings.Lines(text) {
		out = append(out, udiff.Line{Kind: kind, Content: line})
	}
	return out
}

func sign(kind udiff.OpKind) string {
	switch kind {
	case udiff.Delete:
		return "-"
	case udiff.Insert:
		return "+"
	}
	return " "
}

// kept says how many lines are left out.
func kept(n int) []DiffLine {
	switch {
	case n < 1:
		return nil
	case n == 1:
		return []DiffLine{{" ", "… 1 line that stays as it is"}}
	}
	return []DiffLine{{" ", fmt.Sprintf("… %d lines that stay as they are", n)}}
}

// cut keeps the beginning of what would be too long to read.
func (d Diff) cut() Diff {
	if more := len(d.Lines) - longest; more > 0 {
		d.Lines = append(d.Lines[:longest:longest], DiffLine{" ", fmt.Sprintf("… and %d lines more", more)})
	}
	return d
}
