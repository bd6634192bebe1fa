package web

import (
	"bufio"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"cxm/internal/web/page"
	"cxm/internal/web/ui"
)

func render(t *testing.T) *Renderer {
	t.Helper()
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAssets asks for every file by the address that pages name.
func TestAssets(t *testing.T) {
	a := render(t).Assets
	for name, url := range a.urls {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, url, nil))
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %s", name, w.Code, w.Header().Get("Cache-Control"))
		}
		r := httptest.NewRequest(http.MethodGet, url, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		small := httptest.NewRecorder()
		a.ServeHTTP(small, r)
		unzip, err := gzip.NewReader(small.Body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(unzip)
		if err != nil || string(text) != w.Body.String() {
			t.Errorf("%s compressed is not the same: %v", name, err)
		}
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/assets/app.css", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("a name without its hash: %d", w.Code)
	}
	if editor := a.urls["editor.js"]; editor == "" || slices.Contains(a.Scripts(), editor) || len(a.Scripts()) < 4 {
		t.Errorf("every page loads %q, and %q is for one page alone", a.Scripts(), editor)
	}
	if css := len(a.files[a.urls["app.css"]].plain); css > 32_000 {
		t.Errorf("the stylesheet has %d bytes, more than 32,000", css)
	}
}

// TestAssetNames changes a file, and with it the address.
func TestAssetNames(t *testing.T) {
	names := map[string]bool{}
	for _, text := range []string{"a", "b", "a"} {
		a, err := NewAssets(fstest.MapFS{"x.css": {Data: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		url, err := a.URL("x.css")
		if err != nil {
			t.Fatal(err)
		}
		names[url] = true
	}
	if len(names) != 2 {
		t.Errorf("two texts have the addresses %v", names)
	}
}

// TestSecure sends forms from here and from elsewhere.
func TestSecure(t *testing.T) {
	h := Secure(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for _, c := range []struct {
		method, site string
		want         int
	}{
		{http.MethodPost, "same-origin", http.StatusNoContent},
		{http.MethodPost, "cross-site", http.StatusForbidden},
		{http.MethodPost, "same-site", http.StatusForbidden}, // another name of the same domain may be anybody's
		{http.MethodGet, "cross-site", http.StatusNoContent},
	} {
		r := httptest.NewRequest(c.method, "/", nil)
		r.Header.Set("Sec-Fetch-Site", c.site)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s from %s: %d, want %d", c.method, c.site, w.Code, c.want)
		}
		if policy := w.Header().Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("the policy is %q", policy)
		}
	}
}

// TestNotice tells what happened through a redirect, once.
func TestNotice(t *testing.T) {
	var seen []ui.Notice
	mux := http.NewServeMux()
	mux.HandleFunc("POST /do", func(w http.ResponseWriter, r *http.Request) {
		Tell(w, r, ui.Notice{Text: "Done: ✓ \"quoted\"; " + strings.Repeat("é", 5000), Tone: ui.Good})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) { seen = Told(w, r) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	if _, err := client.PostForm(server.URL+"/do", nil); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 1 || !strings.HasPrefix(seen[0].Text, `Done: ✓ "quoted"; é`) || seen[0].Tone != ui.Good {
		t.Fatalf("told %+v", seen)
	}
	if _, err := client.Get(server.URL); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 0 {
		t.Errorf("told again: %+v", seen)
	}
}

// TestForged takes cookies that cxm did not write.
func TestForged(t *testing.T) {
	for _, value := range []string{"", "x", "e30", "eyJUZXh0IjoiYSIsIlRvbmUiOiJcIj48c2NyaXB0PiJ9", strings.Repeat("A", 9000)} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: noticeCookie, Value: value})
		for _, n := range Told(httptest.NewRecorder(), r) {
			if n.Tone != ui.Neutral {
				t.Errorf("%q is told with the tone %q", value, n.Tone)
			}
		}
	}
}

// TestText shows what a finding says as text, wherever it stands.
func TestText(t *testing.T) {
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}`
	at := ui.Place{Path: "/findings", Values: url.Values{"q": {hostile}}}
	row := page.FindingRow{Key: hostile, Title: hostile, Resource: hostile, Account: hostile, Owner: hostile, Issue: ui.Link{Text: hostile, URL: "javascript:alert(1)"}}
	list := page.NewFindings(at, page.FindingsData{Rows: []page.FindingRow{row}, All: 1, Total: 1, Accounts: []ui.Option{{Value: hostile, Text: hostile}}, Saved: []page.SavedView{{Name: hostile, URL: hostile}}})
	text, err := render(t).Page(ui.Shell{Title: hostile, Lead: hostile, Search: hostile, Tenant: hostile, Notices: []ui.Notice{{Text: hostile, Tone: ui.Tone(hostile)}}}, list)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script>alert", "<img", "javascript:alert"} {
		if strings.Contains(string(text), bad) {
			t.Errorf("the page has %s in it", bad)
		}
	}
}

// TestWrite answers whole, compressed where that is asked for, or with nothing.
func TestWrite(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Encoding", "br, gzip")
	w := httptest.NewRecorder()
	if err := render(t).Write(w, r, http.StatusNotFound, ui.Shell{Title: "Not found"}, page.Nothing{}); err != nil {
		t.Fatal(err)
	}
	unzip, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unzip)
	if err != nil || w.Code != http.StatusNotFound || !strings.HasSuffix(strings.TrimSpace(string(text)), "</html>") {
		t.Errorf("%d, %v, %.100s", w.Code, err, text)
	}
	broken := httptest.NewRecorder()
	if err := render(t).Write(broken, r, http.StatusOK, ui.Shell{}, unknown{}); err == nil || broken.Code != http.StatusInternalServerError {
		t.Errorf("a page without a template: %v, %d", err, broken.Code)
	}
}

type unknown struct{}

func (unknown) Template() string { return "unknown" }

// TestStream reads parts as a browser does: a line break must not end an event.
func TestStream(t *testing.T) {
	w := httptest.NewRecorder()
	s := render(t).Stream(w)
	if err := s.Part("check", ui.Check{Name: "token.form", Asks: "a\n\nevent: done\r\nb\rdata: c", Outcome: "ok"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Done(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(w.Body.String(), "\r") {
		t.Errorf("a carriage return ends a line as well: %q", w.Body.String())
	}
	var events []string
	for lines := bufio.NewScanner(w.Body); lines.Scan(); {
		if line := lines.Text(); strings.HasPrefix(line, "event: ") {
			events = append(events, line)
		} else if line != "" && !strings.HasPrefix(line, "data: ") {
			t.Errorf("a line of its own: %q", line)
		}
	}
	if strings.Join(events, ",") != "event: part,event: done" {
		t.Errorf("events: %q", events)
	}
	if err := s.Part("nothing of that name", nil); err == nil {
		t.Error("a component that does not exist was sent")
	}
}
