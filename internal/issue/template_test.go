package issue_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"cxm/internal/issue"
	"cxm/internal/issue/inert/inerttest"
	"cxm/internal/issue/template"
	"cxm/internal/rule"
)

// parse is a template that must be one.
func parse(t inerttest.Failer, title, body string) *template.Template {
	t.Helper()
	out, err := template.Parse("test", title, body)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return out
}

// literals are pieces of a template's own text, most of which mean something
// together with what stands next to them.
func literals() []string {
	return []string{
		"word", "Word", " ", " ", " ", "\n", "\n", "\n\n", "\n\n", "@", "#", "!", "~", "%", "&", "&#", "^", "*", "**", "_", "$", "`", "`", "``", "```", "~~", "~~~", ">>>", "> ", ">",
		"\n```\n", "\n```sh\n", "\n~~~\n", "\n  ```\n", "\n- ~~~\n", "\n    ```\n", "\n> ```\n", "- ", "1. ", "- [ ] ", "# ", "### ", "| ", " | ", "|", "\n| a | b |\n| - | - |\n", "\\", "/", "://", "www.", ".", ":", "-", "=", ";", ",", "(", ")", "[", "]", "](", "]:", "]: /",
		"[word](https://docs.example.com/x)", "![word](https://docs.example.com/x)", "<", "<b", "<b>", "</b>", "<br>", "<sub>", "</sub>", "<!-", "<details>\n", "<summary>word</summary>\n", "</details>\n", "<details><summary>word</summary>\n", "</", "<a href=", "<div>\n", "<https://docs.example.com/x>",
		"{+ ", "[- ", "%{", "::", "KEY", "group/project", "0a1b2c", "\t", "    ", "  ", "\n---\n", "\n===\n", "*iteration:", "[vulnerability:", "~\"", "%\"", "\"", "'", "bug", "\n: ", "[^1]", "\n[^1]: ",
	}
}

// actions are the actions that print something.
func actions() []string {
	return []string{
		"{{.Title}}", "{{.Title}}", "{{.Description}}", "{{.ResourceID}}", "{{.ResourceName}}", "{{.SubAccountName}}", "{{.RegionID}}", "{{.ServiceName}}", "{{.SourceInstance}}", "{{.Remediation}}", "{{.SourceURL}}",
		"`{{.ResourceID}}`", "`a {{.Title}}`", "| `{{.Title}}` | {{code .Title}} |", "``{{.Title}}``", "\n```sh\n{{.Description}} {{.Title}}\n```\n", "[{{.Title}}](https://docs.example.com/x)", "> ~~~\n> {{.Title}}\n", "{{code .ResourceID}}", "{{code .Title}}", "{{text .Description}}", "\n{{text .Description}}\n", "\n{{list .References}}\n", "{{list .References}}", "{{link .SourceURL}}", "{{link .SourceURL .Title}}", "{{range .References}}{{link . \"x\"}} {{end}}", "\n{{row .Title .ResourceID}}\n", "\n{{row \"x\" (code .ResourceID)}}\n", "\n{{row \"x\" (link .SourceURL .Title)}}\n",
		"{{tag \"owner\"}}", "{{range $name, $value := .Tags}}{{$value}} {{end}}", "{{.Title | upper}}", "{{truncate 7 .Title}}", "{{join \", \" .References}}", "{{.ImplementationEffort | default \"none\"}}", "{{money .Savings}}", "{{len .Members}}", "{{.LookbackDays}}", "{{date .FirstObservedAt}}",
		"{{range .Members}}\n- {{.Title}}\n{{end}}", "{{if .Description}}{{.Description}}{{end}}", "{{with .Owner}}{{.Name}}{{end}}", "\n{{summary}}\n", "\n{{facts}}\n", "\n{{evidence}}\n", "\n{{howto}}\n", "{{next}}", "{{checklist}}", "{{range .Resources}}{{.ID}}{{.Name}} {{end}}",
	}
}

func generated(t *rapid.T) string {
	parts := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(literals()), rapid.SampledFrom(actions())), 1, 12).Draw(t, "template")
	return strings.Join(parts, "")
}

// soft notes a failure instead of ending the test.
type soft struct{ failed string }

func (s *soft) Helper() {}
func (s *soft) Fatalf(format string, args ...any) {
	s.failed = fmt.Sprintf(format, args...)
	panic(s)
}

// passes says whether a check passes.
func passes(check func(inerttest.Failer)) (why string) {
	s := &soft{}
	defer func() {
		if got := recover(); got != nil && got != any(s) {
			panic(got)
		}
		why = s.failed
	}()
	check(s)
	return ""
}

// described is the description of a group's issue in a look.
func described(g rule.Group, look issue.Look) (title, description string, err error) {
	d, err := issue.RenderAs(g, look)
	draft := issue.Compose(d, marker(g), "Open.")
	return draft.Title, draft.Description, err
}

// TestTemplatesKeepTextText is G8 for any template: whatever a template does with
// what a finding says, a hostile finding runs nothing, mentions nobody, refers to
// nothing and makes no element that its harmless twin does not make.
func TestTemplatesKeepTextText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body, title := generated(t), generated(t)
		made, err := template.Parse("test", title, body)
		if err != nil {
			t.Skip("no template")
		}
		bad, good := groups(t)
		look := issue.Look{Template: made, Checklist: rapid.Bool().Draw(t, "checklist")}
		checkLook(t, bad, good, look, body)
	})
}

// checkLook compares what a look makes of a hostile group and of its twin.
func checkLook(t inerttest.Failer, bad, good rule.Group, look issue.Look, source string) {
	t.Helper()
	title, description, err := described(bad, look)
	_, twin, twinErr := described(good, look)
	if (err == nil) != (twinErr == nil) {
		t.Fatalf("one of the twins fails: %v, %v", err, twinErr)
	}
	checkTitle(t, title)
	own, ok := issue.Own(description, marker(bad).Nonce)
	if !ok || own.Text != description || len(issue.Blocks(description)) != 1 || len(own.Text) > 200_000 {
		t.Fatalf("the block is not found again in\n%s", description)
	}
	if why := passes(func(t inerttest.Failer) { inerttest.CheckMarkdown(t, twin) }); why != "" {
		return // the template's own text refers to something, which is its right
	}
	inerttest.CheckMarkdown(t, description)
	if diff := cmp.Diff(skeleton(t, twin), skeleton(t, description)); diff != "" {
		t.Fatalf("a hostile finding changes the shape of the issue (-harmless +hostile):\n%s\ntemplate %q\n%s\n--- twin\n%s", diff, source, description, twin)
	}
	inerttest.Walk(inerttest.Parse(t, description), func(n *html.Node) {
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "href" && !ours.MatchString(a.Val) && !strings.HasPrefix(a.Val, "#fn") {
				t.Fatalf("%s=%q in\n%s", a.Key, a.Val, description)
			}
		}
	})
}

// TestLibraryKeepsTextText is G8 for the templates that ship.
func TestLibraryKeepsTextText(t *testing.T) {
	looks := map[string]issue.Look{}
	for _, name := range template.Names() {
		made, err := template.Library(name)
		if err != nil {
			t.Fatal(err)
		}
		looks[name] = issue.Look{Template: made, Team: "payments"}
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(template.Names()).Draw(t, "template")
		bad, good := groups(t)
		look := looks[name]
		look.Checklist = rapid.Bool().Draw(t, "checklist")
		_, description, err := described(good, look)
		if err != nil {
			t.Fatal(err)
		}
		inerttest.CheckMarkdown(t, description)
		checkLook(t, bad, good, look, name)
	})
}
