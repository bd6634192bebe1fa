package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cxm/internal/web/shots"
)

// TestGuards opens a page that has every fault, and sees each one found: a check
// that finds nothing looks just like a page that is good.
func TestGuards(t *testing.T) {
	b := open(t)
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><html lang="en"><head><title>bad</title><link rel="icon" href="data:,"></head><body><main><h1>bad</h1><div id="late"></div>
			<p style="color:#bbb;background:#fff">too pale</p><input><div style="width:3000px">wide</div><button style="height:12px;padding:0;border:0;font-size:8px">tiny</button><img src="http://other.invalid/x.png" alt="">
			<script>addEventListener("load", () => setTimeout(() => { document.getElementById("late").style.height = "300px"; document.title = "moved"; }, 50)); throw new Error("thrown")</script></main></body></html>`)
	}))
	t.Cleanup(bad.Close)
	own := b.url
	b.url = bad.URL
	b.must(shots.Looks()[0].As(b.ctx))
	b.visit("/")
	b.see(`document.title === "moved"`)
	if script[string](b, shifted) == "" {
		t.Error("the layout shifted, and nobody saw it")
	}
	if !strings.Contains(script[string](b, wider), "3000px") {
		t.Error("something sticks out, and nobody saw it")
	}
	if !strings.Contains(script[string](b, smaller), "tiny") {
		t.Error("something is too small to be touched, and nobody saw it")
	}
	found := script[string](b, axe+";"+violations)
	for _, rule := range []string{"color-contrast", "label"} {
		if !strings.Contains(found, rule+":") {
			t.Errorf("axe did not find %s, but: %s", rule, found)
		}
	}
	if !strings.Contains(script[string](b, pale), "color-contrast:") {
		t.Error("a text is too pale, and nobody saw it")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !strings.Contains(strings.Join(b.foreign, " "), "other.invalid") {
		t.Errorf("another host was asked, and nobody saw it: %q", b.foreign)
	}
	if !strings.Contains(strings.Join(b.said, " "), "Uncaught") {
		t.Errorf("a script failed, and nobody saw it: %q", b.said)
	}
	b.url = own
}
