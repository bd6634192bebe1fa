package template

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cxm/internal/issue/inert"
)

// piece is part of what a template printed: its own text, or a value.
type piece struct {
	literal string
	value   *Markup // nil: the template's own text
}

// pieces takes what a template printed apart. Values stand in it as their number
// between two NULs, which no template's own text holds.
func pieces(out string, values []Markup) []piece {
	var list []piece
	for i, part := range strings.Split(out, "\x00") {
		if i%2 == 1 {
			if n, err := strconv.Atoi(part); err == nil && n < len(values) {
				list = append(list, piece{value: &values[n]})
			}
			continue
		}
		if part != "" {
			list = append(list, piece{literal: part})
		}
	}
	return list
}

// composer writes a body line by line. Every construct of Markdown that it lets
// pass it has recognised itself; what only looks like one is escaped. So what it
// takes for a fence, a code span or running text is that for GitLab too.
type composer struct {
	b       strings.Builder
	values  []Markup
	room    int
	details int // elements that are open
}

// compose writes what a template printed, with at most room bytes of each long
// text.
func compose(out string, values []Markup, room int) string {
	c := &composer{values: values, room: room}
	printed := strings.Split(out, "\n")
	for len(printed) > 0 {
		n := c.fenced(printed)
		if n == 0 {
			n = c.paragraph(printed)
		}
		printed = printed[n:]
	}
	for ; c.details > 0; c.details-- {
		c.apart(closeDetails)
	}
	return strings.Trim(c.b.String(), "\n")
}

// line writes a line; an empty one only once in a row.
func (c *composer) line(text string) {
	text = strings.TrimRight(text, "\n")
	if strings.TrimSpace(text) == "" {
		c.blank()
		return
	}
	c.b.WriteString(text + "\n")
}

func (c *composer) blank() {
	if s := c.b.String(); s != "" && !strings.HasSuffix(s, "\n\n") {
		c.b.WriteByte('\n')
	}
}

// apart writes something that stands between empty lines.
func (c *composer) apart(text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	c.blank()
	c.b.WriteString(strings.Trim(text, "\n") + "\n\n")
}

// fenced writes the block of code that begins in the first line and says how many
// lines it has; 0: none begins there. One without an end goes to the last line.
func (c *composer) fenced(printed []string) int {
	open := fenceLine.FindStringSubmatch(printed[0])
	if open == nil {
		return 0
	}
	end := 1
	for end < len(printed) {
		m := fenceLine.FindStringSubmatch(printed[end])
		if m != nil && m[3] == "" && strings.HasPrefix(m[2], open[2]) {
			break
		}
		end++
	}
	var text strings.Builder
	for _, line := range printed[1:end] {
		for i, p := range pieces(line, c.values) {
			switch {
			case p.value != nil:
				text.WriteString(p.value.plain())
			case i == 0:
				text.WriteString(strings.TrimPrefix(p.literal, open[1]))
			default:
				text.WriteString(p.literal)
			}
		}
		text.WriteByte('\n')
	}
	c.fence(text.String(), language(open[3]), open[1])
	return min(end+1, len(printed))
}

// fence writes a block of code, indented as it was, so that it stays in its list.
func (c *composer) fence(text, language, indent string) {
	code := inert.Fence(text, c.room)
	if first, rest, found := strings.Cut(code, "\n"); found && strings.HasSuffix(first, "`text") {
		code = strings.TrimSuffix(first, "text") + language + "\n" + rest
	}
	for line := range strings.SplitSeq(strings.TrimRight(code, "\n"), "\n") {
		if line != "" {
			line = indent + line
		}
		c.b.WriteString(line + "\n")
	}
}

// language is that of a block of code, where GitLab only colours it. Others draw,
// run or ask something, which a value must not do.
func language(name string) string {
	known := []string{
		"bash", "c", "console", "cs", "css", "diff", "dockerfile", "go", "hcl", "html", "ini", "java", "javascript", "json", "kotlin",
		"makefile", "nginx", "php", "powershell", "properties", "promql", "python", "py", "ruby", "rust", "sh", "shell", "sql",
		"terraform", "toml", "typescript", "xml", "yaml", "yml",
	}
	if slices.Contains(known, strings.ToLower(name)) {
		return strings.ToLower(name)
	}
	return "text"
}

// paragraph writes the lines up to the next empty one, or fence, and says how many
// they are. An empty line is a paragraph of its own.
func (c *composer) paragraph(printed []string) int {
	n := 1
	for n < len(printed) && !empty(printed[n]) && !empty(printed[n-1]) && !fenceLine.MatchString(printed[n]) {
		n++
	}
	table := slices.ContainsFunc(printed[:n], func(line string) bool {
		return slices.ContainsFunc(pieces(line, c.values), func(p piece) bool {
			return p.value == nil && strings.Contains(p.literal, "|") || p.value != nil && p.value.form == cells
		})
	})
	for _, line := range printed[:n] {
		c.running(line, table)
	}
	return n
}

// empty says that nothing was printed in a line.
func empty(line string) bool { return strings.TrimSpace(line) == "" }

var (
	openDetails = regexp.MustCompile(`^<details( open)?>(<summary>[^<>&]+</summary>)?$`)
	summary     = regexp.MustCompile(`^<summary>[^<>&]+</summary>$`)
)

const closeDetails = "</details>"

// running writes one line that is not in a fence.
func (c *composer) running(line string, table bool) {
	list := pieces(line, c.values)
	if len(list) == 1 && list[0].value == nil {
		switch text := strings.TrimSpace(line); {
		case openDetails.MatchString(text):
			c.details++
			c.apart(text)
			return
		case text == closeDetails && c.details > 0:
			c.details--
			c.apart(text)
			return
		case summary.MatchString(text) && c.details > 0:
			c.apart(text)
			return
		}
	}
	if c.alone(list) {
		return
	}
	text := inline(list, table)
	if empty(text) && !empty(line) {
		return // its values are empty: no line, rather than an empty one
	}
	c.line(text)
}

// alone writes a line of values that are blocks or rows, and nothing else.
func (c *composer) alone(list []piece) bool {
	var blocks []*Markup
	for _, p := range list {
		switch {
		case p.value == nil && strings.Trim(p.literal, " ") == "":
		case p.value != nil && p.value.form >= block:
			blocks = append(blocks, p.value)
		case p.value != nil && p.value.plain() == "":
		default:
			return false
		}
	}
	for _, m := range blocks {
		c.block(m)
	}
	return len(blocks) > 0
}

func (c *composer) block(m *Markup) {
	switch m.form {
	case cells:
		c.line("| " + cell(&m.items[0]) + " | " + cell(&m.items[1]) + " |")
	case bullet:
		var b strings.Builder
		for i := range m.items {
			if text := m.items[i].inline(false); text != "" {
				b.WriteString("- " + text + "\n")
			}
		}
		c.apart(b.String())
	case own:
		if m.part != nil {
			c.apart(m.part(c.room))
		}
	default:
		text := strings.TrimSpace(m.text)
		if strings.ContainsAny(text, "\r\n\u2028\u2029\u0085") || len(text) > min(inert.MaxLine, c.room) {
			c.apart(inert.Fence(text, c.room))
			return
		}
		c.apart(inert.Inline(text, inert.MaxLine))
	}
}

func cell(m *Markup) string { return m.inline(true) }

// inline is a value in running text, or in a table.
func (m *Markup) inline(table bool) string {
	switch m.form {
	case code:
		if table {
			return inert.Cell(m.text, inert.MaxLine)
		}
		return inert.Code(m.text)
	case anchor:
		return inert.LinkAs(m.text, m.url, table)
	case own:
		return ""
	case bullet:
		return inert.Inline(strings.ReplaceAll(m.plain(), "\n", ", "), inert.MaxLine)
	}
	return inert.Inline(m.plain(), inert.MaxLine)
}
