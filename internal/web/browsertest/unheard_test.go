package browsertest

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"cxm/internal/web/gallery"
)

// What becomes of what a script asks for.
const (
	passes    = ""
	cut       = "the connection is cut"
	held      = "no answer comes"
	broken    = "the server fails"
	signedOut = "the answer is the sign-in page"
	nonsense  = "the answer is not what was asked for"
)

// line is between the gallery and the browser, and spoils what scripts ask for.
type line struct {
	http.Handler
	end chan struct{} // of the test

	mu    sync.Mutex
	does  string
	asked int
}

// spoil opens the gallery behind a line.
func spoil(t *testing.T) (*bed, *line) {
	t.Helper()
	b := open(t)
	pages, err := gallery.New(slog.New(slog.NewTextHandler(t.Output(), nil)), 0)
	b.must(err)
	l := &line{Handler: pages, end: make(chan struct{})}
	server := httptest.NewServer(l)
	t.Cleanup(func() { close(l.end); server.CloseClientConnections(); server.Close() })
	b.url = server.URL
	return b, l
}

// from now on what scripts ask for is spoiled so.
func (l *line) from(does string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.does, l.asked = does, 0
}

// times is how often scripts asked since then.
func (l *line) times() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked
}

// asks counts a request of a script.
func (l *line) asks() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	return l.does
}

func (l *line) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page := r.URL.Path == "/signin"
	if page {
		r.Header.Del("Accept") // it is a page, whoever asks
	}
	if page || r.Header.Get("Sec-Fetch-Dest") != "empty" { // or a script, or a style
		l.Handler.ServeHTTP(w, r)
		return
	}
	switch l.asks() {
	case cut:
		panic(http.ErrAbortHandler)
	case held:
		select {
		case <-r.Context().Done():
		case <-l.end:
		}
	case broken:
		http.Error(w, "something went wrong", http.StatusInternalServerError)
	case signedOut:
		http.Redirect(w, r, "/signin", http.StatusSeeOther)
	case nonsense:
		_, _ = w.Write([]byte("[1, 2")) // who has gone needs none
	default:
		l.Handler.ServeHTTP(w, r)
	}
}

// heard fails for a promise that was rejected, or a script that failed, with nobody to
// hear of it. That a request failed stands in the console whatever a page does.
func (b *bed) heard(when string) {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.said {
		if strings.Contains(text, "Uncaught") {
			b.Errorf("%s: %s", when, text)
		}
	}
	b.said = nil
}

// told waits until what is marked so shows a text.
func (b *bed) told(selector, text string) {
	b.Helper()
	b.see(`(e => Boolean(e?.checkVisibility()) && e.textContent.includes(` + "`" + text + "`" + `))(document.querySelector("` + selector + `"))`)
}

// TestUncheckedEditor: a file that cannot be checked while it is written stays as it
// is, the page says why it is not checked, and checks it as soon as it can.
func TestUncheckedEditor(t *testing.T) {
	b, l := spoil(t)
	b.visit("/dev/pages/ruling-editor/one")
	write := `(e => { e.focus(); e.value += "# more\n"; e.dispatchEvent(new Event("input", {bubbles: true})); return Promise.resolve(true); })(document.getElementById("rules-text"))`
	for _, c := range [][2]string{
		{cut, "cxm does not answer"}, {broken, "could not check the file just now"}, {signedOut, "You are signed out by now"}, {nonsense, "could not check the file just now"},
	} {
		l.from(c[0])
		script[bool](b, write)
		b.told("#editor-trouble", c[1])
		b.heard(c[0])
		l.from(passes)
		script[bool](b, write)
		b.told("#checked", "The file reads well")
		b.see(`document.getElementById("editor-trouble").hidden`)
	}
	b.see(`document.getElementById("rules-text").value.endsWith("# more\n".repeat(8))`)

	// A newer question takes the place of the older one, which says nothing.
	l.from(held)
	script[bool](b, write)
	l.wait(b, 1)
	script[bool](b, write)
	l.wait(b, 2)
	l.from(passes)
	script[bool](b, write)
	b.told("#checked", "The file reads well")
	b.see(`document.getElementById("editor-trouble").hidden`)
	b.heard("a newer question")

	// The page is left while one is under way.
	l.from(held)
	script[bool](b, write)
	l.wait(b, 1)
	b.visit("/dev/pages/ruling-editor/empty")
	b.heard("leaving the page")
}

// wait waits until scripts asked so often.
func (l *line) wait(b *bed, n int) {
	b.Helper()
	for l.times() < n {
		script[bool](b, `new Promise(done => requestAnimationFrame(() => done(true)))`)
		b.must(b.Context().Err())
	}
}

// TestUnknownLanguage: what can stand at a place cannot be had; the page says so, and
// asks for it again.
func TestUnknownLanguage(t *testing.T) {
	b, l := spoil(t)
	for _, how := range []string{cut, broken, signedOut, nonsense} {
		l.from(how)
		b.visit("/dev/pages/ruling-editor/empty")
		b.do(chromedp.Focus(chromedp.CSS("#rules-text")))
		script[bool](b, `(a => { a.setSelectionRange(a.value.length, a.value.length); return Promise.resolve(true); })(document.getElementById("rules-text"))`)
		b.press(" ", chromedp.KeyModifiers(2))
		b.told("#editor-trouble", "What can stand here could not be read")
		b.heard(how)
		l.from(passes)
		b.press(" ", chromedp.KeyModifiers(2))
		b.see(`[...document.querySelectorAll(".editor-choices:not([hidden]) strong")].some(c => c.textContent === "rules") && document.getElementById("editor-trouble").hidden`)
	}
}

// TestUnreadableChoices: a choice that asks the server says when it cannot, and asks
// again.
func TestUnreadableChoices(t *testing.T) {
	b, l := spoil(t)
	b.visit("/dev/pages/checks/one")
	list := `#choose-project-list`
	for _, c := range [][2]string{{cut, "could not be read"}, {broken, "could not be read"}, {signedOut, "You are signed out by now"}, {nonsense, "could not be read"}} {
		l.from(c[0])
		b.do(chromedp.SendKeys(chromedp.CSS("#choose-project-text"), "7"))
		b.told(list, c[1])
		b.heard(c[0])
	}
	l.from(held)
	b.do(chromedp.SendKeys(chromedp.CSS("#choose-project-text"), "7"))
	l.wait(b, 1)
	l.from(passes)
	b.do(chromedp.SendKeys(chromedp.CSS("#choose-project-text"), "\b\b\b\b\b"))
	b.told(list, "acme-0/project-7")
	b.heard("a newer question")
	l.from(held)
	b.do(chromedp.SendKeys(chromedp.CSS("#choose-project-text"), "9"))
	l.wait(b, 1)
	b.visit("/dev/pages/checks/huge")
	b.heard("leaving the page")
}

// TestUnreadableDialog: what cannot be shown in a dialog is shown as a page. Who clicks
// twice gets one dialog, and who goes elsewhere meanwhile gets there.
func TestUnreadableDialog(t *testing.T) {
	b, l := spoil(t)
	at := `a[href$="gitlab-token"]`
	for _, how := range []string{cut, broken, signedOut, nonsense} {
		l.from(how)
		b.visit("/dev/pages/catalogue/empty")
		b.do(chromedp.Click(chromedp.CSS(at)))
		b.see(`location.pathname.endsWith("/connect/gitlab-token") && document.readyState === "complete"`)
		b.heard(how)
	}
	click := func(selector string) string { return `document.querySelector('` + selector + `').click();` }
	l.from(passes)
	b.visit("/dev/pages/catalogue/empty")
	script[bool](b, click(at)+click(at)+`Promise.resolve(true)`)
	b.see(`document.querySelectorAll("dialog[open]").length === 1`)
	l.wait(b, 2)
	b.see(`document.querySelectorAll("dialog").length === 1`)

	l.from(held)
	b.visit("/dev/pages/catalogue/empty")
	script[bool](b, click(at)+`Promise.resolve(true)`)
	l.wait(b, 1)
	script[bool](b, click(`nav a[href="/runs"]`)+`Promise.resolve(true)`)
	b.see(`location.pathname === "/runs" && document.readyState === "complete"`)
	b.see(`!document.querySelector("dialog")`)
	b.heard("leaving the page")
}

// TestUnheardLive: a page that changes by itself says when it does not any more, and
// goes on when the server answers again.
func TestUnheardLive(t *testing.T) {
	b, l := spoil(t)
	for _, how := range []string{broken, signedOut, nonsense} {
		l.from(how)
		b.visit("/dev/pages/checks/running")
		b.told(".notices", "This page does not change by itself any more")
		b.heard(how)
	}
	l.from(cut)
	b.visit("/dev/pages/checks/running")
	b.told(".notices", "the page goes on by itself when cxm answers again")
	l.from(passes)
	b.told("#summary", "works, with 2 warnings")
	b.see(`document.querySelector(".notices").textContent.trim() === ""`)
	b.heard(cut)
}
