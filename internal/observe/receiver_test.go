package observe_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"cxm/internal/credential"
	"cxm/internal/observe"
)

const account = 42

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC) }

// secret is a signing token as GitLab wants them.
func secret() string {
	return "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
}

// inbox remembers keys, as the store does.
type inbox struct {
	mu   sync.Mutex
	keys map[string]bool
	got  []observe.Delivery
	err  error
}

func (i *inbox) Accept(_ context.Context, _ observe.Hook, d observe.Delivery) (bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return false, i.err
	}
	first := true
	for _, k := range d.Keys {
		first = first && !i.keys[k]
		i.keys[k] = true
	}
	i.got = append(i.got, d)
	return first, nil
}

func (i *inbox) touched() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.got)
}

type bench struct {
	*testing.T
	board   observe.Board
	inbox   inbox
	handler http.Handler
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, inbox: inbox{keys: map[string]bool{}}}
	b.board.Set(map[string]observe.Hook{
		"signs": {ID: 1, Integration: 5, Account: account, Secret: credential.NewSecret(secret()), Signing: true},
		"plain": {ID: 2, Integration: 5, Account: account, Secret: credential.NewSecret("a plain secret")},
	})
	mux := http.NewServeMux()
	mux.Handle(observe.Route, observe.NewReceiver(observe.Config{Hooks: &b.board, Inbox: &b.inbox, Tally: &b.board, Clock: noon}))
	b.handler = mux
	return b
}

// signed is a delivery as GitLab 19 sends it.
func signed(endpoint, id string, at time.Time, body string) *http.Request {
	w, _ := standardwebhooks.NewWebhook(secret())
	sum, _ := w.Sign(id, at, []byte(body))
	r := request(endpoint, body)
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("webhook-signature", sum)
	return r
}

func request(endpoint, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/hooks/gitlab/"+endpoint, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func with(r *http.Request, header ...string) *http.Request {
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func (b *bench) send(r *http.Request) (int, string) {
	b.Helper()
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// issueEvent is a change of an issue.
func issueEvent(iid int, updated, state string) string {
	return fmt.Sprintf(`{"object_kind":"issue","user":{"id":7},"project":{"id":3},"object_attributes":{"id":99,"iid":%d,"project_id":3,"title":"x","description":"none of cxm's","state":%q,"updated_at":%q,"action":"update"}}`, iid, state, updated)
}

const stamp = "2026-03-14T11:59:58.123Z"

// TestRequests tells what each request is answered, and whether it got any further.
func TestRequests(t *testing.T) {
	good := issueEvent(1, stamp, "opened")
	other, _ := standardwebhooks.NewWebhook("whsec_" + base64.StdEncoding.EncodeToString([]byte("another")))
	forged, _ := other.Sign("m", noon(), []byte(good))
	for name, c := range map[string]struct {
		request *http.Request
		status  int
		kept    bool
	}{
		"signed": {signed("signs", "m", noon(), good), 202, true},
		"several signatures": {func() *http.Request {
			r := signed("signs", "m", noon(), good)
			return with(r, "webhook-signature", "v1a,x "+forged+" "+r.Header.Get("webhook-signature"))
		}(), 202, true},
		"type with a charset":     {with(signed("signs", "m", noon(), good), "Content-Type", "application/json; charset=utf-8"), 202, true},
		"clock 14 minutes behind": {signed("signs", "m", noon().Add(-14*time.Minute), good), 202, true},
		"clock 14 minutes ahead":  {signed("signs", "m", noon().Add(14*time.Minute), good), 202, true},
		"plain token":             {with(request("plain", good), "X-Gitlab-Token", "a plain secret"), 202, true},
		"confidential note":       {signed("signs", "m", noon(), `{"object_kind":"note","event_type":"confidential_note","user":{"id":7},"project_id":3,"object_attributes":{"id":5,"action":"create","updated_at":"`+stamp+`"},"issue":{"iid":1,"project_id":3}}`), 202, true},
		"emoji on an issue":       {signed("signs", "m", noon(), `{"object_kind":"emoji","user":{"id":7},"project":{"id":3},"object_attributes":{"id":5,"updated_at":"`+stamp+`"},"issue":{"iid":1}}`), 202, true},
		"task":                    {signed("signs", "m", noon(), strings.Replace(good, `"issue"`, `"work_item"`, 1)), 202, true},
		"note of our own":         {signed("signs", "m", noon(), `{"object_kind":"note","user":{"id":42},"project_id":3,"object_attributes":{"id":5},"issue":{"iid":1}}`), 200, false},
		"note on a merge request": {signed("signs", "m", noon(), `{"object_kind":"note","user":{"id":7},"project_id":3,"object_attributes":{"id":5},"merge_request":{"iid":1}}`), 200, false},
		"push":                    {signed("signs", "m", noon(), `{"object_kind":"push","project_id":3}`), 200, false},
		"epic without a project":  {signed("signs", "m", noon(), `{"object_kind":"work_item","object_attributes":{"iid":1}}`), 200, false},
		"fields of other types":   {signed("signs", "m", noon(), `{"object_kind":["issue"],"project":"x","object_attributes":7,"user":null}`), 200, false},
		"iid as a text":           {signed("signs", "m", noon(), `{"object_kind":"issue","project":{"id":3},"object_attributes":{"iid":"1"}}`), 200, false},
		"a list":                  {signed("signs", "m", noon(), `[]`), 400, false},
		"not JSON":                {signed("signs", "m", noon(), `{"object_kind":`), 400, false},
		"nothing to prove it":     {request("signs", good), 401, false},
		"wrong signature":         {with(signed("signs", "m", noon(), good), "webhook-signature", forged), 401, false},
		"another version's":       {with(signed("signs", "m", noon(), good), "webhook-signature", strings.Replace(forged, "v1,", "v2,", 1)), 401, false},
		"another body": {func() *http.Request {
			r := signed("signs", "m", noon(), good)
			r.Body = io.NopCloser(strings.NewReader(good + " "))
			return r
		}(), 401, false},
		"another id":               {with(signed("signs", "m", noon(), good), "webhook-id", "n"), 401, false},
		"another time":             {with(signed("signs", "m", noon(), good), "webhook-timestamp", strconv.FormatInt(noon().Unix()+1, 10)), 401, false},
		"old":                      {signed("signs", "m", noon().Add(-16*time.Minute), good), 401, false},
		"from the future":          {signed("signs", "m", noon().Add(16*time.Minute), good), 401, false},
		"time that is none":        {with(signed("signs", "m", noon(), good), "webhook-timestamp", "soon"), 401, false},
		"token where it must sign": {with(request("signs", good), "X-Gitlab-Token", secret()), 401, false},
		"wrong token":              {with(request("plain", good), "X-Gitlab-Token", "a plain secre"), 401, false},
		"no token":                 {request("plain", good), 401, false},
		"unknown endpoint":         {signed("nobody", "m", noon(), good), 401, false},
		"unknown, with a token":    {with(request("nobody", good), "X-Gitlab-Token", "x"), 401, false},
		"other type":               {with(signed("signs", "m", noon(), good), "Content-Type", "text/plain"), 415, false},
		"other method":             {httptest.NewRequest(http.MethodGet, "/v1/hooks/gitlab/signs", nil), 405, false},
		"too large":                {signed("signs", "m", noon(), strings.Repeat(" ", 9<<20)), 413, false},
		"too large, unannounced": {func() *http.Request {
			r := signed("signs", "m", noon(), strings.Repeat(" ", 9<<20))
			r.ContentLength = -1
			return r
		}(), 413, false},
		"large": {signed("signs", "m", noon(), strings.Replace(good, "none", strings.Repeat("none ", 1<<20), 1)), 202, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			status, body := b.send(c.request)
			if status != c.status || (b.inbox.touched() > 0) != c.kept {
				t.Errorf("answered %d %s (want %d), %d deliveries kept", status, body, c.status, b.inbox.touched())
			}
			if strings.Contains(body, secret()) || strings.Contains(body, "a plain secret") {
				t.Errorf("the answer shows the secret: %s", body)
			}
			if status >= 400 && status != 405 && !strings.Contains(body, ":") {
				t.Errorf("the answer names no mend: %s", body)
			}
		})
	}
}

// An endpoint that nobody knows answers as a wrong signature does, to the byte.
func TestStrangersLearnNothing(t *testing.T) {
	b := newBench(t)
	good := issueEvent(1, stamp, "opened")
	for _, make := range []func(endpoint string) *http.Request{
		func(e string) *http.Request { return request(e, good) },
		func(e string) *http.Request { return with(signed(e, "m", noon(), good), "webhook-id", "other") },
		func(e string) *http.Request { return with(request(e, good), "X-Gitlab-Token", "guess") },
		func(e string) *http.Request { return signed(e, "m", noon().Add(-time.Hour), good) },
	} {
		known, unknown := httptest.NewRecorder(), httptest.NewRecorder()
		b.handler.ServeHTTP(known, make("signs"))
		b.handler.ServeHTTP(unknown, make("nobody"))
		if known.Code != unknown.Code || known.Body.String() != unknown.Body.String() || fmt.Sprint(known.Header()) != fmt.Sprint(unknown.Header()) {
			t.Errorf("a known endpoint answers %d %s %v, an unknown %d %s %v", known.Code, known.Body, known.Header(), unknown.Code, unknown.Body, unknown.Header())
		}
	}
	if n := b.inbox.touched(); n != 0 {
		t.Errorf("%d deliveries were kept", n)
	}
}

// TestOneEffect: what tells of one change has a key in common, what tells of two
// has none.
func TestOneEffect(t *testing.T) {
	note := func(id int, updated string) string {
		return fmt.Sprintf(`{"object_kind":"note","user":{"id":7},"project_id":3,"object_attributes":{"id":%d,"action":"create","updated_at":%q},"issue":{"iid":1,"project_id":3,"updated_at":%q}}`, id, updated, stamp)
	}
	first := issueEvent(1, stamp, "opened")
	for name, c := range map[string]struct {
		id, body string
		once     bool
	}{
		"sent again under its id":         {"m", first, true},
		"by the webhook of the group":     {"n", first, true},
		"the same moment, otherwise":      {"n", issueEvent(1, "2026-03-14T12:59:58.123+01:00", "opened"), true},
		"as a work item":                  {"n", strings.Replace(first, `"issue"`, `"work_item"`, 1), true},
		"later":                           {"n", issueEvent(1, "2026-03-14T11:59:58.124Z", "opened"), false},
		"closed at the same moment":       {"n", issueEvent(1, stamp, "closed"), false},
		"another issue":                   {"n", issueEvent(2, stamp, "opened"), false},
		"another project":                 {"n", strings.ReplaceAll(first, `"project_id":3`, `"project_id":4`), false},
		"a note that names the same time": {"n", note(5, stamp), false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.send(signed("signs", "m", noon(), first))
			want := `"accepted"`
			if c.once {
				want = `"repeated"`
			}
			if status, body := b.send(signed("signs", c.id, noon(), c.body)); !strings.Contains(body, want) {
				t.Errorf("answered %d %s, want %s", status, body, want)
			}
		})
	}
	t.Run("two notes", func(t *testing.T) {
		b := newBench(t)
		for i, want := range []string{"accepted", "accepted", "repeated"} {
			_, body := b.send(signed("signs", fmt.Sprint(i), noon(), note(5+i%2, stamp)))
			if !strings.Contains(body, want) {
				t.Errorf("note %d: %s, want %s", i, body, want)
			}
		}
	})
	// Instances before 19.3 wrote whole seconds: two changes within one are two.
	t.Run("whole seconds", func(t *testing.T) {
		b := newBench(t)
		coarse := issueEvent(1, "2026-03-14 11:59:58 UTC", "opened")
		for i, body := range []string{coarse, strings.Replace(coarse, `"title":"x"`, `"title":"y"`, 1), coarse} {
			_, got := b.send(with(request("plain", body), "X-Gitlab-Token", "a plain secret"))
			if want := []string{"accepted", "accepted", "repeated"}[i]; !strings.Contains(got, want) {
				t.Errorf("delivery %d: %s, want %s", i, got, want)
			}
		}
		if at := b.inbox.got[0].ChangedAt; !at.Equal(time.Date(2026, 3, 14, 11, 59, 58, 999999000, time.UTC)) {
			t.Errorf("a whole second ends at %s", at)
		}
	})
}

// TestWhereToLook: what a delivery points at.
func TestWhereToLook(t *testing.T) {
	b := newBench(t)
	marker := `<!-- cxm:begin v1 i=0123456789abcdef g=0123456789abcdef0123456789abcdef n=abcdefghijklmnopqrstuvwxyz -->text<!-- cxm:end -->`
	b.send(signed("signs", "1", noon(), issueEvent(4, stamp, "opened")))
	b.send(signed("signs", "2", noon(), strings.Replace(issueEvent(5, stamp, "opened"), "none of cxm's", marker, 1)))
	b.send(signed("signs", "3", noon(), `{"object_kind":"note","user":{"id":7},"project_id":3,"object_attributes":{"id":5,"updated_at":"2026-03-14 11:00:00 UTC"},"issue":{"iid":6,"updated_at":"`+stamp+`"}}`))
	b.send(signed("signs", "4", noon(), `{"object_kind":"issue","project":{"id":3},"object_attributes":{"iid":7,"description":"","updated_at":"tomorrow"}}`))
	at := time.Date(2026, 3, 14, 11, 59, 58, 123000000, time.UTC)
	want := []observe.Delivery{
		{Project: 3, IID: 4, ChangedAt: at}, {Project: 3, IID: 5, ChangedAt: at, Marked: true},
		{Project: 3, IID: 6, ChangedAt: at, Marked: true}, {Project: 3, IID: 7},
	}
	for i, d := range b.inbox.got {
		d.Keys, d.ReceivedAt = nil, time.Time{}
		if fmt.Sprint(d) != fmt.Sprint(want[i]) {
			t.Errorf("delivery %d points at %+v, want %+v", i, d, want[i])
		}
	}
	if len(b.inbox.got) != len(want) {
		t.Errorf("%d deliveries", len(b.inbox.got))
	}
}

// TestCounts: what became of requests is counted, strangers' are not.
func TestCounts(t *testing.T) {
	b := newBench(t)
	good := issueEvent(1, stamp, "opened")
	b.send(signed("signs", "m", noon(), good))
	b.send(signed("signs", "m", noon(), good))
	b.send(signed("signs", "n", noon(), `{"object_kind":"push"}`))
	b.send(request("signs", good))
	b.send(signed("signs", "o", noon(), `x`))
	b.send(request("nobody", good))
	got := b.board.Take()
	one := got[1].Counts
	if len(got) != 1 || one[observe.Accepted] != 1 || one[observe.Repeated] != 1 || one[observe.Ignored] != 1 || one[observe.Refused] != 2 || !got[1].Seen.Equal(noon()) {
		t.Errorf("counted %+v", got)
	}
	if len(b.board.Take()) != 0 {
		t.Error("it is counted twice")
	}
}

// What cannot be kept is not answered as if it were.
func TestNotKept(t *testing.T) {
	b := newBench(t)
	b.inbox.err = errors.New("the disk is full of secrets")
	status, body := b.send(signed("signs", "m", noon(), issueEvent(1, stamp, "opened")))
	if status != http.StatusServiceUnavailable || strings.Contains(body, "disk") {
		t.Errorf("answered %d %s", status, body)
	}
}

// TestSlowBody: a body that does not arrive ends, and does not hold up others.
func TestSlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		began := time.Now()
		deadline := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		r := signed("signs", "m", noon(), "")
		r.ContentLength, r.Body = -1, io.NopCloser(readerFunc(func([]byte) (int, error) {
			time.Sleep(time.Until(deadline.at))
			return 0, errors.New("i/o timeout")
		}))
		b.handler.ServeHTTP(deadline, r)
		if took := time.Since(began); deadline.Code != http.StatusRequestTimeout || took != 8*time.Second {
			t.Errorf("answered %d after %s", deadline.Code, took)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// deadlines remembers the deadline that is set.
type deadlines struct {
	*httptest.ResponseRecorder
	at time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error { d.at = at; return nil }

// TestLargeBodiesWait: of large bodies only so many are held at once; small ones
// go on meanwhile.
func TestLargeBodiesWait(t *testing.T) {
	b := newBench(t)
	large := strings.Repeat(" ", 100<<10)
	hold, reading := make(chan struct{}), make(chan struct{}, 8)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r := signed("signs", "m", noon(), large)
			first := strings.NewReader(large[:80<<10])
			r.ContentLength, r.Body = -1, io.NopCloser(readerFunc(func(p []byte) (int, error) {
				if n, err := first.Read(p); err == nil {
					return n, nil
				}
				reading <- struct{}{}
				<-hold
				return 0, io.EOF
			}))
			b.send(r)
		})
	}
	for range 8 {
		<-reading
	}
	if status, _ := b.send(signed("signs", "m", noon(), large)); status != http.StatusTooManyRequests {
		t.Errorf("a ninth large body is answered %d", status)
	}
	if status, _ := b.send(signed("signs", "m", noon(), issueEvent(1, stamp, "opened"))); status != http.StatusAccepted {
		t.Errorf("a small body is answered %d", status)
	}
	close(hold)
	wg.Wait()
	if status, _ := b.send(signed("signs", "n", noon(), strings.Replace(issueEvent(2, stamp, "opened"), "none", large, 1))); status != http.StatusAccepted {
		t.Errorf("a large body afterwards is answered %d", status)
	}
}

// FuzzReceiver: whatever comes, nothing panics, nothing fails on cxm's side, and
// nothing is kept that is not authentic.
func FuzzReceiver(f *testing.F) {
	good := issueEvent(1, stamp, "opened")
	f.Add("signs", "application/json", "m", "1773489600", "v1,xxx", "", good, true)
	f.Add("signs", "application/json", "m", "-9223372036854775808", "v1,", "x", `{"object_kind":"note"}`, false)
	f.Add("plain", "application/json", "", "", "", "a plain secret", `{"object_kind":"issue","object_attributes":{"iid":1e400,"updated_at":{}},"project":{"id":-1}}`, false)
	f.Add("plain", "application/json;;", "", "", "", "a plain secret", strings.Repeat("[", 20000), false)
	f.Add("signs", "application/json", "", "", "", "", strings.Repeat(`{"object_attributes":`, 300), true)
	f.Add("..%2f", "text/html", " ", "+1", "v1,a v1,b  ,", "\x7f", "\xff\xfe\x00", true)
	f.Fuzz(func(t *testing.T, endpoint, kind, id, at, signature, token, body string, sign bool) {
		b := newBench(t)
		r := request("x", body)
		r.SetPathValue("hook", endpoint)
		authentic := endpoint == "plain" && token == "a plain secret"
		if sign && endpoint == "signs" && id != "" && !strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' }) && strings.TrimSpace(id) == id {
			r, authentic = signed("signs", id, noon(), body), true
			r.SetPathValue("hook", endpoint)
		} else {
			with(r, "webhook-id", id, "webhook-timestamp", at, "webhook-signature", signature)
		}
		with(r, "Content-Type", kind, "X-Gitlab-Token", token)
		w := httptest.NewRecorder()
		observe.NewReceiver(observe.Config{Hooks: &b.board, Inbox: &b.inbox, Tally: &b.board, Clock: noon}).ServeHTTP(w, r)
		switch {
		case w.Code >= 500:
			t.Errorf("answered %d %s", w.Code, w.Body)
		case b.inbox.touched() > 0 && !authentic:
			t.Errorf("kept without proof: %+v", b.inbox.got)
		case w.Code < 300 && !authentic:
			t.Errorf("answered %d without proof", w.Code)
		}
		for _, d := range b.inbox.got {
			if d.Project <= 0 || d.IID <= 0 || slices.Contains(d.Keys, "") || d.ChangedAt.Year() > 9999 {
				t.Errorf("kept %+v", d)
			}
		}
	})
}
