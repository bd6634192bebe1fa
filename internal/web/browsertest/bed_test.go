package browsertest

import (
	"context"
	_ "embed"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"cxm/internal/web/gallery"
	"cxm/internal/web/shots"
)

//go:embed testdata/axe/axe.min.js
var axe string

// bound is how long all tests together may take, on a machine that does other things
// too; the browser ends with it. A quiet one with two cores needs less than three minutes.
const bound = 9 * time.Minute

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
	code := m.Run()
	if err == nil {
		stop()
	}
	cancel()
	os.Exit(code)
}

// bed is a tab of its own, the gallery, and what went wrong in the tab.
type bed struct {
	*testing.T
	ctx context.Context
	url string

	mu      sync.Mutex
	foreign []string // addresses that were asked for and are not the gallery's
	said    []string // errors in the console: what the policy forbade, what a script threw
}

func open(t *testing.T) *bed {
	t.Helper()
	started := started()
	if errors.Is(started.err, shots.ErrNoBrowser) && os.Getenv("CI") != "true" {
		t.Skip(started.err)
	}
	if started.err != nil {
		t.Fatal(started.err)
	}
	pages, err := gallery.New(slog.New(slog.NewTextHandler(t.Output(), nil)), 0)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(pages)
	ctx, cancel := chromedp.NewContext(started.tab)
	t.Cleanup(func() { cancel(); server.CloseClientConnections(); server.Close() })
	b := &bed{T: t, ctx: ctx, url: server.URL}
	b.must(chromedp.Do(ctx))
	b.must(chromedp.Listen(ctx, b.hear))
	_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	b.must(err)
	_, err = chromedp.Call(ctx, log.Enable, struct{}{})
	b.must(err)
	return b
}

func (b *bed) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, b.url+"/") && !strings.HasPrefix(u, "about:") && !strings.HasPrefix(u, "data:") {
			b.foreign = append(b.foreign, u)
		}
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.said = append(b.said, e.Entry.Text)
		}
	}
}

// quiet fails for what the tab asked of others, and for errors in its console.
func (b *bed) quiet() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range b.foreign {
		b.Errorf("the page asked another host for %s", u)
	}
	for _, text := range b.said {
		b.Errorf("the console has an error: %s", text)
	}
	b.foreign, b.said = nil, nil
}

func (b *bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bed) visit(path string) {
	b.Helper()
	b.do(chromedp.Navigate(b.url + path))
}

// do does one thing in the tab. What cannot be done ends the test, and not when the
// time of all tests is over.
func (b *bed) do(action chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	b.must(chromedp.Do(ctx, action))
}

// see waits until a JavaScript expression is true.
func (b *bed) see(expression string) {
	b.Helper()
	end := time.Now().Add(20 * time.Second)
	for {
		_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(20*time.Second)))
		if err == nil {
			return
		}
		if b.ctx.Err() != nil || time.Now().After(end) { // until then another page may have opened meanwhile
			b.Fatalf("it never was so: %s: %v", expression, err)
		}
	}
}

// press sends one key to what has the focus.
func (b *bed) press(key string, options ...chromedp.KeyOption) {
	b.Helper()
	b.do(chromedp.KeyEvent(key, options...))
}

// enter presses the Enter key as a keyboard does: what a page makes of the key going
// down decides whether it sends a form.
func (b *bed) enter() {
	b.Helper()
	key := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, Text: "\r"}
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		if key.Type = kind; kind == input.DispatchKeyEventTypeKeyUp {
			key.Text = ""
		}
		_, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, key)
		b.must(err)
	}
}

// script runs JavaScript that ends in a promise.
func script[T any](b *bed, text string) T {
	b.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](text, chromedp.EvalAwaitPromise))
	b.must(err)
	return out
}
