package quick_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/sandbox/quick"
)

type commands = []quick.Command

func TestExtract(t *testing.T) {
	for name, tt := range map[string]struct {
		text, rest string
		cmds       commands
	}{
		"no command":         {"Saves 12 USD.\n\n\n", "Saves 12 USD.", nil},
		"carriage return":    {"one\r\ntwo\r\n", "one\ntwo", nil},
		"first line":         {"/close\nworld", "world", commands{{"close", ""}}},
		"last line":          {"hello\n/close", "hello", commands{{"close", ""}}},
		"between lines":      {"hello\r\n/close\r\nworld", "hello\nworld", commands{{"close", ""}}},
		"between paragraphs": {"hello\n\n/close\n\nworld", "hello\n\nworld", commands{{"close", ""}}},
		"several":            {"/label ~a ~\"b c\"\n/assign @engineer / @bot\ntext\n/close", "text", commands{{"label", `~a ~"b c"`}, {"assign", "@engineer / @bot"}, {"close", ""}}},
		"case":               {"/ClosE", "", commands{{"close", ""}}},
		"long s, kelvin":     {"/cloſe\n/loc\u212a\n/aßign x", "", commands{{"close", ""}, {"lock", ""}, {"assign", "x"}}},
		"alias":              {"/labels ~x\n/spent 1h", "", commands{{"label", "~x"}, {"spend", "1h"}}},
		"merge request's":    {"/merge\n/approve", "", commands{{"merge", ""}, {"approve", ""}}},
		"blank argument":     {"/close  ", "", commands{{"close", ""}}},
		"tab before break":   {"/close\t\nx", "x", commands{{"close", ""}}},

		"inside a line":     {"hello /close", "hello /close", nil},
		"indented":          {"hello\n /close", "hello\n /close", nil},
		"not a name":        {"/tmp/file\n/closed\n/cc @engineer", "/tmp/file\n/closed\n/cc @engineer", nil},
		"no blank":          {"/assign@engineer", "/assign@engineer", nil},
		"backslash":         {"\\/close", "\\/close", nil},
		"entity":            {"&#47;close", "&#47;close", nil},
		"double slash":      {"//close", "//close", nil},
		"zero width before": {"\u200b/close", "\u200b/close", nil},

		"backtick fence":         {"```\n/close\n```", "```\n/close\n```", nil},
		"tilde fence":            {"~~~ text\n/close\n~~~", "~~~ text\n/close\n~~~", nil},
		"open fence":             {"```\n/close", "```\n/close", nil},
		"after a fence":          {"```\n```\n/close", "```\n```", commands{{"close", ""}}},
		"longer fence inside":    {"````\n```\n/close\n````", "````\n```\n/close\n````", nil},
		"fence with bad info":    {"```a`b\n/close\n```", "```a`b\n```", commands{{"close", ""}}},
		"indented code":          {"a\n\n    /close", "a\n\n    /close", nil},
		"code span over lines":   {"a `b\n/close\nc`", "a `b\n/close\nc`", nil},
		"code beside a path":     {"a `b\n/close\nc`\n/tmp/x", "a `b\n/close\nc`\n/tmp/x", nil},
		"open backtick":          {"a ` b\n/close", "a ` b", commands{{"close", ""}}},
		"span does not cross":    {"a `b\n\n/close\n\nc`", "a `b\n\nc`", commands{{"close", ""}}},
		"after a span":           {"`a`\n/close\n`b`", "`a`\n`b`", commands{{"close", ""}}},
		"slash line after span":  {"``a ` b\n/close\n``", "``a ` b\n/close\n``", nil},
		"math":                   {"$$\n/close\n$$", "$$\n$$", commands{{"close", ""}}},
		"quote":                  {"> a\n> /close", "> a\n> /close", nil},
		"lazy quote":             {"> a\n/close", "> a\n/close", nil},
		"after a quote":          {"> a\n\n/close", "> a", commands{{"close", ""}}},
		"list item":              {"- a\n/close", "- a\n/close", nil},
		"after a list":           {"- a\n\n/close", "- a", commands{{"close", ""}}},
		"heading":                {"/close\n---", "/close\n---", nil},
		"table row":              {"|a|\n|-|\n/close", "|a|\n|-|\n/close", nil},
		"after a table":          {"|a|\n|-|\n\n/close", "|a|\n|-|", commands{{"close", ""}}},
		"multi-line quote":       {">>>\n/close\n\n/close\n>>>", ">>>\n/close\n\n/close\n>>>", nil},
		"in a paragraph":         {"a\n>>>\n/close\n>>>", "a\n>>>\n/close\n>>>", nil},
		"open multi-line quote":  {">>>\n\n/close", ">>>\n\n/close", nil},
		"after multi-line quote": {">>>\na\n>>>\n/close", ">>>\na\n>>>", commands{{"close", ""}}},
		"short closing":          {">>>>\n>>>\n/close\n>>>>", ">>>>\n>>>\n/close\n>>>>", nil},
		"fence in quote":         {">>>\n```\n>>>\n/close\n```", ">>>\n```\n>>>\n```", commands{{"close", ""}}},
		"alert breaks out":       {">>> [!note] x\n```\n>>>\n/close", ">>> [!note] x\n```\n>>>", commands{{"close", ""}}},
		"quote of a quote":       {"> >>>\n> a\n> >>>\n\n/close", "> >>>\n> a\n> >>>", commands{{"close", ""}}},
		"HTML block":             {"<div>\n/close\n</div>", "<div>\n/close\n</div>", nil},
		"comment block":          {"<!--\n/close\n-->", "<!--\n/close\n-->", nil},
		"after a comment":        {"<!-- a -->\n/close", "<!-- a -->", commands{{"close", ""}}},
		"details":                {"<details>\n\n/close\n\n</details>", "<details>\n\n</details>", commands{{"close", ""}}},
		"details without blank":  {"<details>\n/close\n</details>", "<details>\n/close\n</details>", nil},
		"inline HTML":            {"a\n<b>\n/close\n</b>", "a\n<b>\n/close\n</b>", nil},
		"link destination":       {"[a]:\n/close", "[a]:", commands{{"close", ""}}},
		"footnote":               {"[^1]:\n/close", "[^1]:", commands{{"close", ""}}},
		"below an alert":         {"> [!note]\n/close", "> [!note]", commands{{"close", ""}}},
		"lazy in an alert":       {"> [!note]\n> a\n/close", "> [!note]\n> a\n/close", nil},
		"below a link reference": {"[a]: /close\n/close", "[a]: /close", commands{{"close", ""}}},
		"substitution":           {"a\n/ShruG so what\n\n/tableflip", "a\n¯\\＿(ツ)＿/¯\n\n(╯°□°)╯︵ ┻━┻", commands{{"shrug", "so what"}, {"tableflip", ""}}},
		"blank lines after":      {"/close\n\n\nworld", "\nworld", commands{{"close", ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			rest, cmds := quick.Extract(tt.text)
			if rest != tt.rest {
				t.Errorf("Extract(%q) leaves %q, want %q", tt.text, rest, tt.rest)
			}
			if diff := cmp.Diff(tt.cmds, cmds); diff != "" {
				t.Errorf("Extract(%q) commands (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

func TestEveryNameRuns(t *testing.T) {
	for _, name := range quick.Names() {
		rest, cmds := quick.Extract("above\n\n/" + strings.ToUpper(name) + " 42\n\nmore")
		if len(cmds) != 1 || cmds[0].Args != "42" || strings.Contains(rest, "42") {
			t.Errorf("/%s: got %v, leaves %q", name, cmds, rest)
		}
	}
}

// GitLab's extractor has a test that a text of many lines ends in time; these
// take minutes where nothing bounds them.
func TestHostileTextEnds(t *testing.T) {
	for name, text := range map[string]string{
		"open span": "/close\n`",
		"spans":     strings.Repeat("/close `\n", 2_000),
		"fence":     "/close\n" + strings.Repeat(">", 20_000),
		"quotes":    "/close\n\n" + strings.Repeat("> ", 50_000),
		"lists":     "/close\n\n" + strings.Repeat("1. ", 50_000),
		"emphasis":  "/close\n" + strings.Repeat("*a_", 50_000),
		"pictures":  "/close\n" + strings.Repeat("![a](", 50_000),
		"open tags": "/close\n\n" + strings.Repeat("<b>\n", 2_000),
	} {
		if _, cmds := quick.Extract(text + strings.Repeat("\n", 2_000)); len(cmds) == 0 || cmds[0].Name != "close" {
			t.Errorf("%s: commands %v", name, cmds)
		}
	}
}

// FuzzExtract holds what is true of every text: the commands are known ones,
// they stand at the start of a line of the text, and a text that had none is
// only trimmed.
func FuzzExtract(f *testing.F) {
	for _, s := range []string{"", "/close", ">>>\n```\n>>>\n/label ~x", "a `b\n/close`", "[a]: /x\n/close\n===", "|a|\n|-|\n/close", "/cloſe\x00\v"} {
		f.Add(s)
	}
	known := map[string]bool{}
	for _, n := range quick.Names() {
		known[n] = true
	}
	f.Fuzz(func(t *testing.T, text string) {
		rest, cmds := quick.Extract(text)
		for _, c := range cmds {
			if !known[c.Name] || strings.Contains(c.Args, "\n") {
				t.Errorf("Extract(%q) found %+v", text, c)
			}
		}
		plain := strings.ReplaceAll(text, "\r", "")
		if len(cmds) == 0 && rest != strings.TrimRight(plain, "\x00\t\n\v\f\r ") {
			t.Errorf("Extract(%q) changed the text to %q and ran nothing", text, rest)
		}
		if len(cmds) > strings.Count("\n"+plain, "\n/") {
			t.Errorf("Extract(%q) found %d commands", text, len(cmds))
		}
	})
}
