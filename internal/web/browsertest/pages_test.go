package browsertest

import (
	"strings"
	"testing"

	"cxm/internal/web/fixture"
	"cxm/internal/web/page"
	"cxm/internal/web/shots"
)

// violations asks axe for what WCAG 2.2 AA and good practice forbid, in lines of
// the rule, what is wrong, and where.
const violations = `axe.run(document, {resultTypes: ["violations"], preload: false, iframes: false, runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})` + said

// pale asks only for what depends on colours. The dark scheme changes nothing else,
// so that all rules run in light.
const pale = `axe.run(document, {resultTypes: ["violations"], preload: false, iframes: false, runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block"]}})` + said

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

// smaller names what is too small for a finger; on a phone 44 pixels are the rule,
// 36 what is left to small buttons, and 24 is what WCAG 2.2 asks for at least.
const smaller = `Promise.resolve([...document.querySelectorAll("button, .button, summary, select, textarea, input:not([type=hidden])")]
	.filter(e => e.checkVisibility() && !e.closest(".hidden")).filter(e => { const box = e.getBoundingClientRect(); return box.width && (box.width < 24 || box.height < 24); })
	.map(e => e.outerHTML.slice(0, 80)).join("\n"))`

// atOnce is how many tabs there are at once: more than cores only wait for each other.
var atOnce = make(chan struct{}, 2)

// TestPages opens every page in every state on a screen and a phone: nothing moves,
// nothing sticks out, nothing is asked of another host, and the policy forbids nothing
// that a page does. Every page is looked at by axe, in light and in dark, so that
// nothing keeps people out; a huge state only repeats what the others have, and what
// stands in place of a page is looked at once, as the page "problem". States of one page
// run in one tab.
func TestPages(t *testing.T) {
	byName := map[string][]fixture.Page{}
	for _, p := range fixture.All() {
		byName[p.Name] = append(byName[p.Name], p)
	}
	for name, pages := range byName {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			atOnce <- struct{}{}
			defer func() { <-atOnce }()
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
	looks := shots.Looks()
	b.fits(p, looks[0])
	_, none := p.View.(page.Nothing)
	if p.State != "huge" && (!none || p.Name == "problem") {
		script[bool](b, axe+"; Promise.resolve(true)")
		b.accepted(p, looks[0], violations)
		b.must(looks[1].As(b.ctx)) // a colour scheme needs no new page
		b.accepted(p, looks[1], pale)
	}
	b.fits(p, looks[2])
	if found := script[string](b, smaller); found != "" {
		b.Errorf("%s, %s: too small to be touched: %s", p.Path(), looks[2].Name, found)
	}
	b.quiet()
}

// fits opens the page: it stays where it is, and is no wider than the screen.
func (b *bed) fits(p fixture.Page, look shots.Look) {
	b.Helper()
	b.must(look.As(b.ctx))
	b.visit(p.Path())
	if moved := script[string](b, shifted); moved != "" {
		b.Errorf("%s, %s: the layout shifted: %s", p.Path(), look.Name, moved)
	}
	if out := script[string](b, wider); out != "" {
		b.Errorf("%s, %s: wider than the screen: %s", p.Path(), look.Name, out)
	}
}

// accepted asks axe.
func (b *bed) accepted(p fixture.Page, look shots.Look, rules string) {
	b.Helper()
	if found := script[string](b, rules); found != "" {
		b.Errorf("%s, %s: axe found:\n  %s", p.Path(), look.Name, strings.ReplaceAll(found, "\n", "\n  "))
	}
}
