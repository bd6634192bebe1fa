package browsertest

import (
	"strings"
	"testing"

	"cxm/internal/web/fixture"
	"cxm/internal/web/shots"
)

// violations asks axe for what WCAG 2.2 AA and good practice forbid, in lines of
// the rule, what is wrong, and where.
const violations = `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})` + said

// pale asks only for what depends on colours. The dark scheme changes nothing else,
// so that all rules run in light.
const pale = `axe.run(document, {resultTypes: ["violations"], runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block"]}})` + said

const said = `
	.then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.failureSummary + " at " + n.target.join(" ")))).then(found => found.join("\n"))`

// shifted is how much of the page moved by itself since it was opened, and what. A
// fiftieth of the screen is let pass, a fifth of what Web Vitals call good: on a busy
// machine the browser paints a row of a form before the row is read whole.
const shifted = `new Promise(done => {
	const moved = [];
	new PerformanceObserver(list => { for (const e of list.getEntries()) if (e.value > 0.02) moved.push(e.value.toFixed(4) + " " + e.sources.map(s => s.node?.outerHTML?.slice(0, 80)).join(", ")); }).observe({type: "layout-shift", buffered: true});
	requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(moved.join("\n")))));
})`

// wider names what sticks out of the page at the right; nothing should.
const wider = `Promise.resolve(document.documentElement.scrollWidth <= innerWidth ? "" :
	[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map(e => e.outerHTML.slice(0, 80)).join("\n") || "something")`

// TestPages opens every page in every state on a screen and a phone, in light and
// in dark: nothing keeps people out, nothing moves, nothing sticks out, nothing is
// asked of another host, and the policy forbids nothing that a page does. States of
// one page run in one tab; pages run side by side.
func TestPages(t *testing.T) {
	byName := map[string][]fixture.Page{}
	for _, p := range fixture.All() {
		byName[p.Name] = append(byName[p.Name], p)
	}
	for name, pages := range byName {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			for _, p := range pages {
				if p.Name == "checks" && p.State == "running" {
					continue // it changes while axe looks: TestLive
				}
				b.look(p)
			}
		})
	}
}

func (b *bed) look(p fixture.Page) {
	b.Helper()
	for i, look := range shots.Looks() {
		b.must(look.As(b.ctx))
		if i%2 == 0 { // a phone's page is opened as one; a colour scheme needs no new page
			b.visit(p.Path())
			if moved := script[string](b, shifted); moved != "" {
				b.Errorf("%s, %s: the layout shifted: %s", p.Path(), look.Name, moved)
			}
			script[bool](b, axe+"; Promise.resolve(true)")
		}
		if out := script[string](b, wider); out != "" {
			b.Errorf("%s, %s: wider than the screen: %s", p.Path(), look.Name, out)
		}
		rules := violations
		if look.Dark {
			rules = pale
		}
		if found := script[string](b, rules); found != "" {
			b.Errorf("%s, %s: axe found:\n  %s", p.Path(), look.Name, strings.ReplaceAll(found, "\n", "\n  "))
		}
	}
	b.quiet()
}
