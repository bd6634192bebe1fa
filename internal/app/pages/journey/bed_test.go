package journey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/app/edge"
	"cxm/internal/app/pages"
	"cxm/internal/web/shots"
)

// bound is how long all tests together may take; the browser ends with it.
const bound = 15 * time.Minute

// patience is how long anything on a page may take.
const patience = 60 * time.Second

var databases = apptest.NewDatabases()

// browser is the one browser of all tests. TestMain starts and ends it.
type browser struct {
	tab context.Context
	err error
}

var started = sync.OnceValue(func() *browser { return &browser{} })

func TestMain(m *testing.M) {
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	b := started()
	tab, stop, err := shots.Open(ctx)
	b.tab, b.err = tab, err
	code := databases.Main(m)
	if err == nil {
		stop()
	}
	cancel()
	os.Exit(code)
}

// bed is an installation that serves, a GitLab, and somebody's browser.
type bed struct {
	*apptest.Bed
	url     string
	ctx     context.Context // of the tab
	options pages.Options
	idle    bool // nothing works the queue: what was delivered waits for people

	mu   sync.Mutex
	said []string // errors in the console: what the policy forbade, what a script threw
}

// open starts an installation and a browser profile that was never used. What comes
// before it serves is done by prepare.
func open(t *testing.T, prepare ...func(*bed)) *bed {
	t.Helper()
	if b := started(); errors.Is(b.err, shots.ErrNoBrowser) && os.Getenv("CI") != "true" {
		t.Skip(b.err)
	} else if b.err != nil {
		t.Fatal(b.err)
	}
	b := &bed{Bed: databases.Bed(t, "")}
	for _, each := range prepare {
		each(b)
	}
	b.url = b.serve(b.App)
	b.profile()
	return b
}

// profile begins with a browser that knows nothing, as another person's does.
func (b *bed) profile() {
	b.Helper()
	ctx, cancel := chromedp.NewContext(started().tab, chromedp.WithNewBrowserContext())
	b.Cleanup(cancel)
	b.ctx = ctx
	b.must(chromedp.Do(ctx))
	b.must(chromedp.Listen(ctx, b.hear))
	b.must(shots.Looks()[0].As(ctx)) // without motion, of a known size
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	b.must(err)
	_, err = chromedp.Call(ctx, log.Enable, struct{}{})
	b.must(err)
}

// hear keeps what a page must not do. A form that is answered with 4xx is no fault of
// the page.
func (b *bed) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		said := e.ExceptionDetails.Text + " at " + e.ExceptionDetails.URL
		if e.ExceptionDetails.Exception != nil {
			said += ": " + e.ExceptionDetails.Exception.Description
		}
		b.said = append(b.said, said)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			b.said = append(b.said, e.Entry.Text)
		}
	}
}

// quiet fails for errors in the console.
func (b *bed) quiet() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.said {
		b.Errorf("the console has an error: %s", text)
	}
	b.said = nil
}

// serve serves the pages and the API until the test ends.
func (b *bed) serve(a *app.App) (url string) {
	b.Helper()
	api, err := edge.Mounts(a)
	b.must(err)
	site, err := pages.Mounts(a, b.options)
	b.must(err)
	if b.idle {
		mux := http.NewServeMux()
		for _, m := range append(api, site...) {
			mux.Handle(m.Pattern, m.Handler)
		}
		server := httptest.NewServer(mux)
		b.Cleanup(server.Close)
		return server.URL
	}
	ctx, stop := context.WithCancel(context.Background())
	at, ended := make(chan net.Addr, 1), make(chan error, 1)
	o := app.WorkOptions{Every: time.Hour, More: append(api, site...), Front: app.Front{Listen: "127.0.0.1:0", Listening: func(a net.Addr) { at <- a }}}
	o.Server.Logger = slog.New(slog.NewTextHandler(b.Output(), nil))
	go func() { ended <- a.Serve(ctx, o, time.Minute) }()
	b.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			b.Errorf("serving ended with: %v", err)
		}
	})
	select {
	case addr := <-at:
		return "http://" + addr.String()
	case err := <-ended:
		ended <- nil
		b.Fatal(err)
		return ""
	}
}

func (b *bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// do does one thing in the tab.
func (b *bed) do(action chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, action); err != nil {
		b.Fatalf("%v; the page: %s", err, b.text())
	}
}

func (b *bed) visit(path string) {
	b.Helper()
	b.do(chromedp.Navigate(b.url + path))
}

// script runs JavaScript and returns what it is. When the page gives way to the next
// meanwhile, it runs there.
func script[T any](b *bed, text string) T {
	b.Helper()
	for end := time.Now().Add(patience); ; {
		out, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](text))
		if err == nil || !left(err) || time.Now().After(end) {
			b.must(err)
			return out
		}
	}
}

// left says that the page was left while it was asked.
func left(err error) bool {
	return slices.ContainsFunc([]string{"navigated or closed", "context was destroyed", "Cannot find context"}, func(text string) bool { return strings.Contains(err.Error(), text) })
}

// text is what the page shows.
func (b *bed) text() string {
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + "\n" + (document.body?.innerText ?? "")`))
	if err != nil {
		return err.Error()
	}
	return out
}

// until waits until a JavaScript expression is true, over pages that come and go. An
// expression that fails on a page is not true there: a failure while the browser waits
// would be heard by nobody, and looks like one of the page's own.
func (b *bed) until(expression string) {
	b.Helper()
	safe := "(() => { try { return Boolean(" + expression + ") } catch { return false } })()"
	for end := time.Now().Add(patience); ; {
		_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](safe, chromedp.WithPollingTimeout(patience)))
		if err == nil {
			return
		}
		if b.ctx.Err() != nil || time.Now().After(end) { // until then another page may have opened meanwhile
			b.Fatalf("it never was so: %s: %v; the page: %s", expression, err, b.text())
		}
	}
}

// see waits until the page shows every text.
func (b *bed) see(texts ...string) {
	b.Helper()
	for _, text := range texts {
		b.until(fmt.Sprintf(`document.body?.innerText.includes(%q)`, text))
	}
}

// unseen fails when the page shows a text.
func (b *bed) unseen(text string) {
	b.Helper()
	if shown := b.text(); strings.Contains(shown, text) {
		b.Errorf("the page shows %q: %s", text, shown)
	}
}

// at waits until the page's path begins so.
func (b *bed) at(path string) {
	b.Helper()
	b.until(fmt.Sprintf(`(location.pathname + location.search).startsWith(%q) && document.readyState === "complete"`, path))
}

// named finds what people call so: the field with the label, or what can be clicked
// with the text. It marks it, and returns how to find the mark.
func (b *bed) named(what, name string) string {
	b.Helper()
	b.until(fmt.Sprintf(`(() => {
		const name = %q, same = e => (e.innerText || e.value || e.getAttribute("aria-label") || "").trim().replace(/\s+/g, " ") === name && e.checkVisibility();
		const open = document.querySelector("dialog[open]") ?? document;
		const find = {
			field: () => [...open.querySelectorAll("label")].filter(same).map(l => l.control).find(e => e),
			click: () => [...open.querySelectorAll("button, a, summary, label")].find(same),
		}[%q];
		document.querySelectorAll("[data-journey]").forEach(e => e.removeAttribute("data-journey"));
		const found = find();
		found?.setAttribute("data-journey", "");
		return found !== undefined;
	})()`, name, what))
	return "[data-journey]"
}

// fill types into the field with a label, in place of what was there.
func (b *bed) fill(label, value string) {
	b.Helper()
	at := b.named("field", label)
	script[bool](b, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.focus(); e.select?.(); return true })()`, at))
	if value == "" {
		b.do(chromedp.KeyEvent("\b"))
		return
	}
	b.do(chromedp.KeyEvent(value))
}

// choose takes an option of the select with a label, by its text.
func (b *bed) choose(label, option string) {
	b.Helper()
	at := b.named("field", label)
	b.until(fmt.Sprintf(`(() => {
		const e = document.querySelector(%q), found = [...e.options].find(o => o.text.trim() === %q);
		if (!found) return false;
		e.value = found.value;
		e.dispatchEvent(new Event("change", {bubbles: true}));
		return true;
	})()`, at, option))
}

// click clicks on the button or link with a text. A part of the page that was replaced
// meanwhile is looked for again.
func (b *bed) click(text string) {
	b.Helper()
	for end := time.Now().Add(patience); ; {
		b.named("click", text)
		if b.pressed() {
			return
		}
		if time.Now().After(end) {
			b.Fatalf("%q could not be clicked on; the page: %s", text, b.text())
		}
	}
}

// press clicks on what is marked.
func (b *bed) press() {
	b.Helper()
	if !b.pressed() {
		b.Fatalf("what is marked could not be clicked on; the page: %s", b.text())
	}
}

// pressed clicks on what is marked, once a mouse reaches it: while one page gives way to
// the next, the browser shows pictures of them, and a click would go to those. False: it
// is not there any more, or the click went past it since the page moved.
func (b *bed) pressed() bool {
	b.Helper()
	b.until(`(() => {
		const e = document.querySelector("[data-journey]");
		if (!e) return true;
		e.scrollIntoView({block: "center", behavior: "instant"});
		const r = e.getClientRects()[0], hit = r && document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
		const is = target => e.contains(target) || e.control === target;
		if (!e.journey) addEventListener("mousedown", v => { if (is(v.target)) e.removeAttribute("data-journey") }, {capture: true});
		e.journey = true;
		return Boolean(hit) && is(hit);
	})()`)
	if !script[bool](b, `document.querySelector("[data-journey]") !== null`) {
		return false
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS("[data-journey]")))
	if err != nil && strings.Contains(err.Error(), "Could not find node") {
		return false
	}
	b.must(err)
	past, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.querySelector("[data-journey]") !== null`))
	return err != nil || !past // a page that gives way to the next was clicked on
}

// The first person, who looks after the installation.
const (
	adminName     = "Platform admin"
	adminAddress  = "platform-admin@example.com"
	adminPassword = "nineteen quiet disks sleep"
)

// setUp makes the first admin by the link of the first start, who is then signed in.
func (b *bed) setUp() {
	b.Helper()
	link, ok, _, err := b.App.People.FirstStart(b.Context())
	if err != nil || !ok {
		b.Fatalf("no link for the first start: %t, %v", ok, err)
	}
	b.visit("/setup?link=" + link.Reveal())
	b.fill("Your name", adminName)
	b.fill("E-mail address", adminAddress)
	b.fill("Password", adminPassword)
	b.click("Create the account")
	b.see("The account is made, and you are signed in.")
}

// signIn signs somebody in who is known.
func (b *bed) signIn(address, password string) {
	b.Helper()
	b.visit("/signin")
	b.fill("E-mail address", address)
	b.fill("Password", password)
	b.click("Sign in")
}
