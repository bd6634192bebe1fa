package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cxm/internal/sandbox"
	"cxm/internal/sandbox/oauth/browser"
)

// oneClick is a `cxm connect gitlab --oauth` that waits for its browser.
type oneClick struct {
	t      *testing.T
	gitlab *sandbox.Server
	url    string
	page   string // that it prints
	said   *bytes.Buffer
	out    *bytes.Buffer
	ended  chan error
	read   chan struct{} // closed when all that it said is in said
}

// begin starts a sandbox with an application, and the command.
func begin(t *testing.T, flags ...string) oneClick {
	t.Helper()
	s, err := sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(s)
	t.Cleanup(front.Close)
	made, err := send(front.URL, s.AdminToken(), http.MethodPost, "/api/v4/applications", `{"name":"cxm","redirect_uri":"http://127.0.0.1/oauth/callback","scopes":"api"}`)
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(field(made, "secret")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CXM_DATA_DIR", t.TempDir())
	c := oneClick{t: t, gitlab: s, url: front.URL, said: &bytes.Buffer{}, out: &bytes.Buffer{}, ended: make(chan error, 1), read: make(chan struct{})}
	r, w := io.Pipe()
	cmd := newRoot()
	cmd.SetArgs(append([]string{
		"connect", "gitlab", "--oauth", "--url", front.URL, "--project", "acme/platform",
		"--application-id", field(made, "application_id"), "--application-secret-file", secret,
	}, flags...))
	cmd.SetIn(strings.NewReader(""))
	cmd.SetOut(c.out)
	cmd.SetErr(w)
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	go func() {
		err := cmd.ExecuteContext(ctx)
		_ = w.Close()
		c.ended <- err
	}()
	c.page = c.address(r)
	return c
}

// field is a text of a JSON object.
func field(object []byte, name string) string {
	found := regexp.MustCompile(`"` + name + `":"([^"]*)"`).FindSubmatch(object)
	if found == nil {
		return ""
	}
	return string(found[1])
}

// address reads what the command says up to the address that it prints; what it
// says afterwards is kept.
func (c *oneClick) address(r io.Reader) string {
	c.t.Helper()
	lines := bufio.NewReader(io.TeeReader(r, c.said))
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			c.t.Fatalf("no address was printed: %v: %s", err, c.said)
		}
		if strings.Contains(line, "/oauth/authorize?") {
			go func() {
				_, _ = io.Copy(io.Discard, lines)
				close(c.read)
			}()
			return strings.TrimSpace(line)
		}
	}
}

// person is the engineer at their browser.
func (c *oneClick) person() *browser.Person {
	return &browser.Person{Username: "engineer", Password: c.gitlab.Password()}
}

func (c *oneClick) decide(agree bool) string {
	c.t.Helper()
	to, err := c.person().Decide(c.t.Context(), c.page, agree)
	if err != nil {
		c.t.Fatal(err)
	}
	return to
}

func (c *oneClick) visit(want int, address, words string) {
	c.t.Helper()
	status, text, err := c.person().Visit(c.t.Context(), address)
	if err != nil || status != want || !strings.Contains(text, words) {
		c.t.Errorf("%s answered %d: %s, %v", address, status, text, err)
	}
}

// end waits for the command.
func (c *oneClick) end() error {
	c.t.Helper()
	select {
	case err := <-c.ended:
		<-c.read
		return err
	case <-time.After(30 * time.Second):
		c.t.Fatal("the command does not end")
		return nil
	}
}

func with(address string, change func(url.Values)) string {
	u, _ := url.Parse(address)
	q := u.Query()
	change(q)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestOneClickConnects(t *testing.T) {
	c := begin(t)
	answer := c.decide(true)
	// Nobody but GitLab's page, by way of this browser, has the state.
	c.visit(http.StatusBadRequest, with(answer, func(q url.Values) { q.Set("state", "guessed") }), "does not belong")
	c.visit(http.StatusBadRequest, with(answer, func(q url.Values) { q.Del("state") }), "does not belong")
	c.visit(http.StatusNotFound, strings.Replace(answer, "/oauth/callback", "/oauth/callback/", 1), "another address")
	c.visit(http.StatusNotFound, strings.Replace(answer, "127.0.0.1", "localhost", 1), "another address")
	c.visit(http.StatusOK, answer, "close this page")
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	if text := c.out.String(); !strings.Contains(text, "as       engineer, a user") || !strings.Contains(text, "acme/platform") {
		t.Error(text)
	}
	if text := c.said.String(); !strings.Contains(text, "A service account cannot sign in") {
		t.Error(text)
	}
	status := newRoot()
	var out bytes.Buffer
	status.SetArgs([]string{"token", "status"})
	status.SetOut(&out)
	if err := status.ExecuteContext(t.Context()); err != nil || !strings.Contains(out.String(), "OAuth application") {
		t.Errorf("%s, %v", out.String(), err)
	}
	nowhere(t, os.Getenv("CXM_DATA_DIR"), c.gitlab, out.String()+c.out.String()+c.said.String())
}

// nowhere holds that what GitLab gave is not in the data directory in the clear.
func nowhere(t *testing.T, dir string, s *sandbox.Server, printed string) {
	t.Helper()
	mark := regexp.MustCompile(`cxm_oauth|gloas-`)
	if mark.MatchString(printed) {
		t.Errorf("printed: %s", printed)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if mark.Match(text) {
			t.Errorf("%s holds a grant in the clear", name)
		}
	}
	if calls := s.Unknown(); len(calls) > 0 {
		t.Error(calls)
	}
}

func TestOneClickDenied(t *testing.T) {
	c := begin(t)
	c.visit(http.StatusBadRequest, c.decide(false), "denied")
	if err := c.end(); err == nil || !strings.Contains(err.Error(), "Agree on GitLab&#39;s page") && !strings.Contains(err.Error(), "Agree on GitLab's page") {
		t.Error(err)
	}
}

// TestOneClickReplay: what came back once is worth nothing the second time, for
// this command and for another one.
func TestOneClickReplay(t *testing.T) {
	c := begin(t, "--oauth-wait", "2m")
	answer := c.decide(true)
	undo := c.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: "/oauth/token", Delay: 300 * time.Millisecond})
	defer undo()
	both := make(chan string, 2)
	for range 2 {
		go func() {
			status, _, err := c.person().Visit(context.WithoutCancel(t.Context()), answer)
			both <- fmt.Sprint(status, err)
		}()
	}
	if got := []string{<-both, <-both}; got[0] == got[1] {
		t.Errorf("of two answers both were taken, or none: %v", got)
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, call := range c.gitlab.Calls() {
		if call.Path == "/oauth/token" {
			calls++
		}
	}
	if calls != 1 {
		t.Errorf("%d exchanges", calls)
	}
}

func TestOneClickGivesUp(t *testing.T) {
	c := begin(t, "--oauth-wait", "200ms")
	if err := c.end(); err == nil || !strings.Contains(err.Error(), "nobody agreed in time") {
		t.Error(err)
	}
}

func TestOneClickSaysWhatIsMissing(t *testing.T) {
	t.Setenv("CXM_DATA_DIR", t.TempDir())
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--oauth"}, "https://gitlab.com/-/user_settings/applications"},
		{[]string{"--oauth"}, "http://127.0.0.1/oauth/callback"},
		{[]string{"--oauth"}, "tick the scope api"},
		{[]string{"--oauth", "--token-file", "x", "--application-id", "a"}, "oauth"},
		{[]string{"--application-id", "a"}, "add it, or leave them out"},
		{[]string{"--oauth", "--application-id", "a", "--application-secret-file", "nothing"}, "secret"},
	} {
		cmd := newRoot()
		cmd.SetArgs(append([]string{"connect", "gitlab", "--url", "gitlab.com", "--project", "acme/platform"}, c.args...))
		cmd.SetIn(strings.NewReader(""))
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
}

// TestOneClickEnds: what was given by a click can be refreshed, and is taken back
// in GitLab when it is disconnected.
func TestOneClickEnds(t *testing.T) {
	c := begin(t)
	c.visit(http.StatusOK, c.decide(true), "close this page")
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	said := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		cmd := newRoot()
		cmd.SetArgs(args)
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		if err := cmd.ExecuteContext(t.Context()); err != nil {
			t.Errorf("%v: %v", args, err)
		}
		return out.String()
	}
	c.gitlab.ResetCalls()
	if text := said("token", "rotate", "--yes"); !strings.Contains(text, "cxm refreshes it by itself") || strings.Contains(text, "(-") {
		t.Error(text)
	}
	if text := said("doctor"); !strings.Contains(text, "a person's own account") || !strings.Contains(text, "0 failed") {
		t.Error(text)
	}
	said("integration", "disconnect", "--revoke-token", "--yes")
	ends := []string{}
	for _, call := range c.gitlab.Calls() {
		if strings.HasPrefix(call.Path, "/oauth/") {
			ends = append(ends, fmt.Sprint(call.Path, " ", call.Status))
		}
	}
	if got := strings.Join(ends, ", "); got != "/oauth/token 200, /oauth/revoke 200" {
		t.Error(got)
	}
}
