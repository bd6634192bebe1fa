package sandbox_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/sandbox"
)

var update = flag.Bool("update", false, "write the golden payloads anew")

// listener is where webhooks go.
type listener struct {
	url string
	mu  sync.Mutex
	got []event
}

type event struct {
	header http.Header
	body   []byte
}

func listen(t *testing.T) *listener {
	l := &listener{}
	h := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.got = append(l.got, event{r.Header, body})
	}))
	t.Cleanup(h.Close)
	l.url = h.URL
	return l
}

// line is an event in short: "Issue Hook update 3".
func (e event) line() string {
	var p struct {
		EventType  string `json:"event_type"`
		Attributes struct {
			Action string
			IID    int
			Note   string
			Name   string
		} `json:"object_attributes"`
	}
	if err := json.Unmarshal(e.body, &p); err != nil {
		return err.Error()
	}
	a := p.Attributes
	return strings.TrimSpace(fmt.Sprintf("%s: %s %s", e.header.Get("X-Gitlab-Event"), a.Action, strings.Join(slices.DeleteFunc([]string{number(a.IID), a.Note, a.Name}, func(s string) bool { return s == "" }), " ")))
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint("#", n)
}

// hooked is a sandbox whose two projects tell a listener everything. Deliveries
// are held, so that they can be read in the order they arose.
func hooked(t *testing.T, o sandbox.Options) (*sandbox.Server, client, *listener) {
	t.Helper()
	o.Seed = sandbox.SeedDemo
	s, c := serve(t, o)
	t.Cleanup(s.Close)
	l := listen(t)
	for _, project := range []string{"1", "2"} {
		c.api(201, "POST", "/projects/"+project+"/hooks", `{"url":"`+l.url+`","issues_events":true,"confidential_issues_events":true,"note_events":true,"confidential_note_events":true,"emoji_events":true}`)
	}
	s.HoldHooks(true)
	return s, c, l
}

// told releases what is held and gives what arrived since the last time.
func (l *listener) told(t *testing.T, s *sandbox.Server) []event {
	t.Helper()
	if err := s.ReleaseHooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	got := l.got
	l.got = nil
	return got
}

func lines(events []event) []string {
	out := []string{}
	for _, e := range events {
		out = append(out, e.line())
	}
	return out
}

const oneIssue = "/projects/1/issues/1"

// TestHookEvents: what happens, and what is told of it.
func TestHookEvents(t *testing.T) {
	s, c, l := hooked(t, sandbox.Options{})
	for _, step := range []struct {
		name, method, path, body string
		want                     []string
	}{
		{"open", "POST", "/projects/1/issues", `{"title":"a","labels":"bug"}`, []string{"Issue Hook: open #1"}},
		{"title", "PUT", oneIssue, `{"title":"b"}`, []string{"Issue Hook: update #1"}},
		{"nothing", "PUT", oneIssue, `{"title":"b","add_labels":"bug"}`, []string{}},
		{"description", "PUT", oneIssue, `{"description":"d"}`, []string{"Issue Hook: update #1"}},
		{"the same description", "PUT", oneIssue, `{"description":"d"}`, []string{}},
		{"close with a label", "PUT", oneIssue, `{"state_event":"close","add_labels":"finops"}`, []string{"Issue Hook: close #1", "Issue Hook: update #1"}},
		{"closed already", "PUT", oneIssue, `{"state_event":"close"}`, []string{}},
		{"reopen", "PUT", oneIssue, `{"state_event":"reopen"}`, []string{"Issue Hook: reopen #1"}},
		{"comment", "POST", oneIssue + "/notes", `{"body":"hello"}`, []string{"Note Hook: create hello"}},
		{"comment that closes", "POST", oneIssue + "/notes", "{\"body\":\"done\\n/close\"}", []string{"Note Hook: create done", "Issue Hook: close #1"}},
		{"only a command", "POST", oneIssue + "/notes", `{"body":"/reopen"}`, []string{"Issue Hook: reopen #1"}},
		{"edited comment", "PUT", oneIssue + "/notes/$note", `{"body":"hello again"}`, []string{"Note Hook: update hello again"}},
		{"internal", "POST", oneIssue + "/notes", `{"body":"psst","internal":true}`, []string{"Confidential Note Hook: create psst"}},
		{"deleted comment", "DELETE", oneIssue + "/notes/$note", "", []string{}},
		{"discussion", "POST", oneIssue + "/discussions", `{"body":"thread"}`, []string{"Note Hook: create thread"}},
		{"reaction", "POST", oneIssue + "/award_emoji", `{"name":"tada"}`, []string{"Emoji Hook: award tada"}},
		{"reaction taken back", "DELETE", oneIssue + "/award_emoji/1", "", []string{"Emoji Hook: revoke tada"}},
		{"estimate", "POST", oneIssue + "/time_estimate", `{"duration":"1h"}`, []string{"Issue Hook: update #1"}},
		{"subscribe", "POST", oneIssue + "/unsubscribe", "", []string{}},
		{"confidential", "PUT", oneIssue, `{"confidential":true}`, []string{"Confidential Issue Hook: update #1"}},
		{"comment on a confidential issue", "POST", oneIssue + "/notes", `{"body":"x"}`, []string{"Confidential Note Hook: create x"}},
		{"link", "POST", "/projects/1/issues", `{"title":"other"}`, []string{"Issue Hook: open #2"}},
		{"linked", "POST", oneIssue + "/links", `{"target_project_id":"1","target_issue_iid":2}`, []string{}},
		{"clone", "POST", "/projects/1/issues/2/clone", `{"to_project_id":1}`, []string{"Issue Hook: open #3"}},
		{"refused", "PUT", oneIssue, `{"title":""}`, []string{}},
		{"move", "POST", "/projects/1/issues/2/move", `{"to_project_id":2}`, []string{"Issue Hook: open #1", "Issue Hook: close #2", "Issue Hook: update #2"}},
		{"delete", "DELETE", "/projects/1/issues/3", "", []string{}},
	} {
		path := strings.ReplaceAll(step.path, "$note", fmt.Sprint(firstNote(c)))
		c.do(step.method, "/api/v4"+path, step.body)
		if diff := cmp.Diff(step.want, lines(l.told(t, s))); diff != "" {
			t.Errorf("%s: %s", step.name, diff)
		}
	}
}

func firstNote(c client) int {
	r := c.do("GET", "/api/v4"+oneIssue+"/notes?activity_filter=only_comments&sort=asc", "")
	if r.Status != 200 || r.Body == "[]" {
		return 0
	}
	return r.num("0.id")
}

// TestHookPayloads holds the payloads to the golden file.
func TestHookPayloads(t *testing.T) {
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	s, c, l := hooked(t, sandbox.Options{Clock: func() time.Time { return at }})
	c.api(201, "POST", "/projects/1/issues", `{"title":"Delete vol-1","description":"**why**","labels":"finops","assignee_ids":[3],"due_date":"2026-04-01","weight":2}`)
	c.api(200, "PUT", oneIssue, `{"state_event":"close","title":"Delete <vol-1>","remove_labels":"finops","assignee_ids":[]}`)
	c.api(201, "POST", oneIssue+"/notes", `{"body":"done"}`)
	c.api(201, "POST", oneIssue+"/notes/"+fmt.Sprint(firstNote(c))+"/award_emoji", `{"name":"tada"}`)
	var out bytes.Buffer
	for _, e := range l.told(t, s) {
		fmt.Fprintf(&out, "-- %s --\n", e.line())
		if err := json.Indent(&out, e.body, "", "  "); err != nil {
			t.Fatal(err)
		}
		out.WriteString("\n")
	}
	got := strings.ReplaceAll(out.String(), c.url, "https://gitlab.example.com")
	got = strings.ReplaceAll(got, strings.TrimPrefix(c.url, "http://"), "gitlab.example.com")
	const file = "testdata/payloads.golden"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; go test -update accepts it):\n%s", file, diff)
	}
}

// TestHookNoChange: what changes nothing leaves no trace of who asked for it.
func TestHookNoChange(t *testing.T) {
	s, c, l := hooked(t, sandbox.Options{})
	c.api(201, "POST", "/projects/1/issues", `{"title":"a"}`)
	c.api(200, "PUT", oneIssue, `{"title":"a"}`)
	c.api(201, "POST", oneIssue+"/notes", `{"body":"x"}`)
	told := l.told(t, s)
	if r := (result{t: t, Body: string(told[1].body)}); len(told) != 2 || r.get("issue.updated_by_id") != nil {
		t.Errorf("%v, %s", lines(told), r.Body)
	}
}

// TestHooksAreApart: confidential things go to those alone who asked for them,
// a group's hook hears of all projects below it, and of one change a project's
// and a group's hook are told separately.
func TestHooksAreApart(t *testing.T) {
	s, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	t.Cleanup(s.Close)
	open, secret, group := listen(t), listen(t), listen(t)
	c.api(201, "POST", "/projects/1/hooks", `{"url":"`+open.url+`","issues_events":true,"note_events":true}`)
	c.api(201, "POST", "/projects/1/hooks", `{"url":"`+secret.url+`","confidential_issues_events":true,"confidential_note_events":true}`)
	c.api(201, "POST", "/groups/acme/hooks", `{"url":"`+group.url+`","issues_events":true}`)
	s.HoldHooks(true)
	c.api(201, "POST", "/projects/1/issues", `{"title":"open"}`)
	c.api(201, "POST", "/projects/1/issues", `{"title":"secret","confidential":true}`)
	c.api(201, "POST", "/projects/1/issues/2/notes", `{"body":"secret"}`)
	c.api(201, "POST", "/projects/2/issues", `{"title":"elsewhere"}`)
	if err := s.ReleaseHooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Issue Hook: open #1"}, lines(open.got)); diff != "" {
		t.Error("open:", diff)
	}
	if diff := cmp.Diff([]string{"Confidential Issue Hook: open #2", "Confidential Note Hook: create secret"}, lines(secret.got)); diff != "" {
		t.Error("secret:", diff)
	}
	if diff := cmp.Diff([]string{"Issue Hook: open #1", "Issue Hook: open #1"}, lines(group.got)); diff != "" {
		t.Error("group:", diff)
	}
	if a, b := open.got[0].header.Get("webhook-id"), group.got[0].header.Get("webhook-id"); a == b {
		t.Error("one webhook-id for two hooks")
	}
	// Without Premium the group's hook is silent.
	c.api(200, "PUT", "/namespaces/acme", `{"plan":"free"}`)
	c.api(201, "POST", "/projects/1/issues", `{"title":"again"}`)
	if err := s.ReleaseHooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(open.got) != 2 || len(group.got) != 2 {
		t.Errorf("on the Free tier: %v, %v", lines(open.got), lines(group.got))
	}
}

// TestHookBeforeTheAnswer: what is told is there for whoever asks about it,
// also when the answer to the write is lost.
func TestHookBeforeTheAnswer(t *testing.T) {
	s, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	t.Cleanup(s.Close)
	seen := make(chan int, 1)
	h := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		seen <- c.do("GET", "/api/v4"+oneIssue, "").Status
	}))
	defer h.Close()
	c.api(201, "POST", "/projects/1/hooks", `{"url":"`+h.URL+`","issues_events":true}`)
	s.Inject(sandbox.Fault{Method: "POST", Cut: sandbox.CutAfter, Times: 1})
	if r := c.do("POST", issuesPath, `{"title":"a"}`); r.Status != 0 {
		t.Fatal("the answer was not lost")
	}
	if got := <-seen; got != 200 {
		t.Errorf("the receiver asked and got %d", got)
	}
	if err := s.SettleHooks(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestHookTestAndResend: both call while the world goes on, so that the
// receiver may ask the sandbox before it answers.
func TestHookTestAndResend(t *testing.T) {
	s, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	t.Cleanup(s.Close)
	status := http.StatusOK
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.do("GET", "/api/v4"+oneIssue, "")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "my words")
	}))
	defer h.Close()
	c.api(201, "POST", "/projects/1/issues", `{"title":"a"}`)
	c.api(201, "POST", "/projects/1/hooks", `{"url":"`+h.URL+`"}`)
	if r := c.api(201, "POST", "/projects/1/hooks/1/test/confidential_issues_events", ""); r.str("message") != "201 Created" {
		t.Error(r.Body)
	}
	status = http.StatusBadGateway
	if r := c.api(422, "POST", "/projects/1/hooks/1/test/issues_events", ""); r.str("message") != "my words" {
		t.Error(r.Body)
	}
	logs := c.api(200, "GET", "/projects/1/hooks/1/events", "")
	if logs.str("0.trigger") != "issue_hooks" || logs.str("0.response_status") != "502" || logs.str("1.trigger") != "confidential_issue_hooks" ||
		logs.str("1.response_body") != "my words" || logs.str("1.request_data.object_kind") != "issue" {
		t.Error(logs.Body)
	}
	for query, want := range map[string]string{"successful": "1", "502,404": "1", "server_failure": "1", "client_failure": "0"} {
		if got := c.api(200, "GET", "/projects/1/hooks/1/events?status="+query, "").Header.Get("X-Total"); got != want {
			t.Errorf("%s: %s", query, got)
		}
	}
	path := fmt.Sprintf("/projects/1/hooks/1/events/%d/resend", logs.num("0.id"))
	if r := c.api(201, "POST", path, ""); r.num("response_status") != 502 {
		t.Error(r.Body)
	}
	logs = c.api(200, "GET", "/projects/1/hooks/1/events", "")
	if a, b := logs.str("0.request_headers.Webhook-Id"), logs.str("1.request_headers.Webhook-Id"); a != b || a == "" {
		t.Errorf("resent with webhook-id %q, first was %q", a, b)
	}
	if c.api(200, "GET", "/projects/1/hooks/1", "").str("alert_status") != "executable" {
		t.Error("disabled after two failures")
	}
}

// TestHookControls drives the sandbox's own routes: out of order, twice, lost.
func TestHookControls(t *testing.T) {
	_, c, l := hooked(t, sandbox.Options{})
	control := func(want int, method, path, body string) result {
		t.Helper()
		r := c.do(method, "/-/sandbox/hooks"+path, body)
		if r.Status != want {
			t.Fatalf("%s %s: %d %s", method, path, r.Status, r.Body)
		}
		return r
	}
	for range 3 {
		c.api(201, "POST", "/projects/1/issues", `{"title":"a"}`)
	}
	if r := control(200, "GET", "", ""); r.get("hold") != true || r.str("deliveries.0.state") != "held" || r.str("deliveries.0.event") != "Issue Hook" {
		t.Error(r.Body)
	}
	control(200, "POST", "/release", `{"ids":[3,1]}`)
	control(200, "POST", "/repeat", `{"id":3}`)
	control(409, "POST", "/release", `{"ids":[3]}`)
	control(409, "POST", "/repeat", `{"id":2}`)
	control(400, "POST", "/repeat", `{"delivery":2}`)
	control(200, "PUT", "", `{"lose":true}`)
	c.api(201, "POST", "/projects/1/issues", `{"title":"lost"}`)
	control(200, "PUT", "", `{"lose":false,"hold":false}`)
	r := control(200, "POST", "/settle", "")
	if r.str("deliveries.3.state") != "lost" || r.str("deliveries.1.state") != "sent" || r.get("hold") != false {
		t.Error(r.Body)
	}
	if diff := cmp.Diff([]string{"Issue Hook: open #3", "Issue Hook: open #1", "Issue Hook: open #3", "Issue Hook: open #2"}, lines(l.got)); diff != "" {
		t.Error(diff)
	}
	if l.got[0].header.Get("webhook-id") != l.got[2].header.Get("webhook-id") {
		t.Error("the repeated delivery has another webhook-id")
	}
	dev := c.as("")
	if r := dev.do("GET", "/-/sandbox/hooks", ""); r.Status != 401 {
		t.Errorf("nobody may look: %d", r.Status)
	}
}

func TestHookLimit(t *testing.T) {
	s, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	t.Cleanup(s.Close)
	for place, most := range map[string]int{"/projects/1": 100, "/groups/acme": 50} {
		for range most {
			c.api(201, "POST", place+"/hooks", `{"url":"http://cxm.example.com"}`)
		}
		if r := c.api(422, "POST", place+"/hooks", `{"url":"http://cxm.example.com"}`); !strings.Contains(r.Body, fmt.Sprintf("(%d) exceeded", most)) {
			t.Error(r.Body)
		}
	}
}

func TestBlockLocalHooks(t *testing.T) {
	_, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo, BlockLocalHooks: true})
	if r := c.api(422, "POST", "/projects/1/hooks", `{"url":"http://127.0.0.1:1"}`); r.str("error") != "Invalid url given" {
		t.Error(r.Body)
	}
}

// TestHooksOnThePage: the project's page lists webhooks and what they were told.
func TestHooksOnThePage(t *testing.T) {
	s, c, l := hooked(t, sandbox.Options{})
	c.api(201, "POST", "/groups/acme/hooks", `{"url":"http://somebody:secret@cxm.example.com","push_events":true}`)
	c.api(201, "POST", "/projects/1/issues", `{"title":"a"}`)
	l.told(t, s)
	html := c.do("GET", "/acme/platform", "").Body
	for _, want := range []string{l.url, "Issue Hook", "200", "of the group acme", "http://cxm.example.com", "confidential issues, confidential note, emoji"} {
		if !strings.Contains(html, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if strings.Contains(html, "secret@") {
		t.Error("the page shows a password")
	}
}
