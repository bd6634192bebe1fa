package backlog

import (
	"fmt"
	"strings"
	"time"

	"cxm/internal/issue/inert"
	"cxm/internal/money"
)

// How much of one text of a line is shown.
const (
	maxTitle = 120
	maxWhy   = 120
)

// Write writes what waits, and what becomes of the issue; gone: nothing waits.
func (l List) Write(b *strings.Builder, gone bool) {
	if gone {
		b.WriteString("**Nothing waits for its turn in this project any more.**\n\n")
	} else {
		l.writeSummary(b)
		l.writeTable(b)
	}
	b.WriteString("### What cxm will do next\n\n")
	if !gone {
		b.WriteString("- It makes an issue of each of these when its turn comes. This list is brought up to date once a day at most; `cxm backlog` says at any time what waits.\n")
	}
	b.WriteString("- When nothing waits any more, cxm closes this issue by itself. When something waits again, it reopens it.\n" +
		"- Is this list of no use here? Close the issue: cxm leaves it closed, until somebody reopens it.\n" +
		"- Everything outside this block is yours, and so are assignee, milestone, due date and the labels you set: cxm keeps them. It rewrites only this block.\n\n")
}

func (l List) writeSummary(b *strings.Builder) {
	if l.All.Count == 1 {
		fmt.Fprintf(b, "**1 finding waits** for its turn in this project, which would save %s. ", l.All.monthly())
	} else {
		fmt.Fprintf(b, "**%d findings wait** for their turn in this project; together they would save %s. ", l.All.Count, l.All.monthly())
	}
	b.WriteString("The budget of the rules bounds how many issues people get at once: those that go first stand first here.\n\n")
}

func (l List) writeTable(b *strings.Builder) {
	b.WriteString("| Finding | Saves a month | Since | Why it waits | At the earliest |\n| --- | ---: | --- | --- | --- |\n")
	for _, line := range l.Lines {
		line.write(b)
	}
	b.WriteByte('\n')
	if n := l.More.Count; n > 0 {
		saves := "save"
		if n == 1 {
			saves = "saves"
		}
		fmt.Fprintf(b, "And %d more, which %s %s: `cxm backlog --all` lists all of them.\n\n", n, saves, l.More.monthly())
	}
}

func (l Line) write(b *strings.Builder) {
	title := inert.Inline(strings.ReplaceAll(l.Title, inert.Joiner, ""), maxTitle) // it is made inert as a title already
	if title == "" {
		title = "without a title"
	}
	saving := "not known"
	if l.Savings.Valid {
		saving = money.Show(l.Savings.Decimal, l.Currency)
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", title, saving, day(l.Since), inert.Inline(l.reason(), maxWhy), moment(l.Next))
}

// reason is why it waits, without the time that stands beside it.
func (l Line) reason() string {
	why, _, _ := strings.Cut(l.Why, "; the next can be made on ")
	return strings.TrimPrefix(why, "waits its turn: ")
}

func day(at time.Time) string {
	if at.IsZero() {
		return "not known"
	}
	return at.UTC().Format(time.DateOnly)
}

func moment(at time.Time) string {
	if at.IsZero() {
		return "not known"
	}
	return at.UTC().Format("2006-01-02 15:04 UTC")
}
