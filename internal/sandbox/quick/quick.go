// Package quick finds the quick actions in a text, as GitLab does it: which
// lines GitLab would take out of a description or a comment and run.
//
// It follows GitLab 19's own two steps (lib/gitlab/quick_actions/extractor.rb
// and the quick_action pipeline of Banzai): a Markdown parse picks the
// paragraphs that stand directly in the document, then one regular expression
// runs over the source of each. What always holds: where GitLab's behaviour is
// in doubt, the line counts as a command. Whoever is proved safe against this
// package is safe against GitLab; the other way round need not hold.
package quick

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Command is one quick action found in a text.
type Command struct {
	// Name is GitLab's canonical name of the action in lower case, without
	// the slash: "label" for /Labels. Never empty.
	Name string
	// Args is the rest of the line after one blank, as written; "" when there
	// is none or it is blank.
	Args string
}

// Extract returns what GitLab would store of a description or a comment, and
// the quick actions it would run, in the order of the text. As in GitLab, rest
// has no carriage returns and no white space at its end, even when the text
// holds no command; lines with a command are gone together with the blank
// lines that follow them; /shrug and /tableflip leave their picture behind.
// Commands are found in every paragraph that stands directly in the document:
// never in code, quotes, lists, tables, headings or HTML blocks, but also
// between the tags of a <details> element once a blank line parts them.
func Extract(text string) (rest string, cmds []Command) {
	text = strings.ReplaceAll(text, "\r", "")
	lines := strings.SplitAfter(text, "\n")
	for _, p := range candidates(text) {
		if p.end+1 < len(lines) && lines[p.end+1] == "\n" {
			p.end++
		}
		replaced, found := replace(strings.Join(lines[p.start:p.end+1], ""))
		cmds = append(cmds, found...)
		for i := p.start; i <= p.end; i++ {
			lines[i] = ""
		}
		lines[p.start] = replaced
	}
	return strings.TrimRight(strings.Join(lines, ""), "\x00\t\n\v\f\r "), cmds
}

// replace runs the expression over one paragraph's source.
func replace(paragraph string) (string, []Command) {
	var out strings.Builder
	var cmds []Command
	last := 0
	for _, m := range expression().FindAllStringSubmatchIndex(paragraph, -1) {
		if m[2] < 0 {
			continue // code or HTML: skipped, so that nothing inside it counts
		}
		cmd := Command{Name: canonical(paragraph[m[2]:m[3]])}
		if m[4] >= 0 && strings.TrimSpace(paragraph[m[4]:m[5]]) != "" {
			cmd.Args = paragraph[m[4]:m[5]]
		}
		cmds = append(cmds, cmd)
		out.WriteString(paragraph[last:m[0]])
		if picture, ok := substitutions()[cmd.Name]; ok {
			out.WriteString(picture)
			out.WriteString(blankTail(paragraph[m[0]:m[1]]))
		}
		last = m[1]
	}
	out.WriteString(paragraph[last:])
	return out.String(), cmds
}

// blankTail is what a substitution leaves of its own line: the line breaks.
func blankTail(line string) string {
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		return line[i:]
	}
	return ""
}

// expression is built once, on first use, and never changes.
var expression = sync.OnceValue(compile)

// compile writes the extractor's own expression in RE2: inline code, an HTML
// block in a paragraph, or a command on a line of its own. Groups: the name,
// the arguments. Ruby's \s includes the vertical tab.
func compile() *regexp.Regexp {
	names := Names()
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	patterns := make([]string, len(names))
	for i, name := range names {
		patterns[i] = foldable(name)
	}
	return regexp.MustCompile("(?ims)`.+?`" +
		`|^<[^>]+?>\n.+?\n</[^>]+?>$` +
		`|^/(` + strings.Join(patterns, "|") + `)(?: ([^\n]*))?(?:[\s\v]*\n|$)`)
}

// foldable lets a name match the letters that Ruby's case folding takes for
// two: ß for ss, and the ligatures. Go's own folding already takes ſ for s and
// the Kelvin sign for k.
func foldable(name string) string {
	pairs := strings.NewReplacer("ss", "(?:ss|ß|ẞ)", "st", "(?:st|ﬅ|ﬆ)", "fl", "(?:fl|ﬂ)", "fi", "(?:fi|ﬁ)")
	return pairs.Replace(regexp.QuoteMeta(name))
}

// canonical undoes what the expression let through: case, folded letters,
// aliases. GitLab drops a line like /cloſe without running it; here it runs.
func canonical(name string) string {
	fold := strings.NewReplacer("ſ", "s", "ß", "ss", "ẞ", "ss", "\u212a", "k", "ﬅ", "st", "ﬆ", "st", "ﬂ", "fl", "ﬁ", "fi")
	name = strings.ToLower(fold.Replace(name))
	if main, ok := aliases()[name]; ok {
		return main
	}
	return name
}
