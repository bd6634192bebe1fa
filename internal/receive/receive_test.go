package receive_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/receive"
	"cxm/internal/source"
)

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC) }

// inbox keeps deliveries in memory.
type inbox struct {
	mu     sync.Mutex
	got    []receive.Delivery
	groups int
	seen   map[receive.Digest]bool
	fail   error
	gone   bool
	hold   chan struct{} // what is accepted waits for it; nil: it does not
}

func (i *inbox) Accept(ctx context.Context, in []receive.Delivery) ([]receive.Outcome, error) {
	if i.hold != nil {
		select {
		case <-i.hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.groups++
	out := make([]receive.Outcome, len(in))
	for n, d := range in {
		for _, e := range d.Events {
			if e.Digest != (receive.Digest{}) && i.seen[e.Digest] {
				out[n].Repeated++
			}
			i.seen[e.Digest] = true
		}
		i.got = append(i.got, d)
		if out[n].Gone = i.gone; !i.gone && out[n].Repeated < len(d.Events) {
			out[n].ID = int64(len(i.got))
		}
	}
	return out, i.fail
}

// texts are the events that were kept.
func (i *inbox) texts() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var out []string
	for _, d := range i.got {
		for _, e := range d.Events {
			out = append(out, string(e.Text))
		}
	}
	return out
}

// bench is a receiver with three sources.
type bench struct {
	*testing.T
	inbox  *inbox
	board  *receive.Board
	tokens map[string]string
	full   bool
	*receive.Receiver
}

func newBench(t *testing.T, change ...func(*receive.Config)) *bench {
	b := &bench{T: t, inbox: &inbox{seen: map[receive.Digest]bool{}}, board: &receive.Board{}, tokens: map[string]string{}}
	var all []receive.Source
	for i, s := range []receive.Source{
		{Name: "scanner", Type: source.CloudEvents, Enabled: true}, {Name: "alerts", Type: source.Alertmanager, Enabled: true},
		{Name: "hub", Type: source.CostOptimizationHub, Enabled: true}, {Name: "off", Type: source.CloudEvents},
		{Name: "slow", Type: source.CloudEvents, Enabled: true, Rate: 2},
	} {
		token := receive.NewToken()
		s.ID, s.Tokens, b.tokens[s.Name] = int64(i+1), []receive.Hash{receive.HashOf(token)}, token.Reveal()
		all = append(all, s)
	}
	b.board.Set(all)
	c := receive.Config{Sources: b.board, Inbox: b.inbox, Tally: b.board, Full: func() bool { return b.full }, Clock: noon}
	for _, f := range change {
		f(&c)
	}
	b.Receiver = receive.New(c)
	return b
}

// request is one to be sent: the name of a source stands for its token.
type request struct {
	path, token string
	headers     []string // name: value
	body        string
}

func (b *bench) send(r request) (status int, h http.Header, answer map[string]any) {
	b.Helper()
	req := httptest.NewRequest(http.MethodPost, r.path, strings.NewReader(r.body))
	if token := b.tokens[r.token]; token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for _, line := range r.headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Add(name, strings.ReplaceAll(value, "TOKEN", b.tokens["scanner"]))
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, req)
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		b.Fatalf("the answer is no JSON: %v: %s", err, w.Body)
	}
	if strings.Contains(w.Body.String(), "cxms_") {
		b.Errorf("a token is part of the answer: %s", w.Body)
	}
	return w.Code, w.Header(), answer
}

const (
	asOne  = "Content-Type: application/cloudevents+json"
	asMany = "Content-Type: application/cloudevents-batch+json; charset=UTF-8"
	asJSON = "Content-Type: application/json"
)

func event(id int) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"/scanner","type":"com.example.disk.opened","subject":"disk-%d"}`, id, id)
}

func alert(status string) string {
	return `{"version":"4","externalURL":"https://alerts.example.com","alerts":[{"status":"` + status + `","labels":{"alertname":"DiskFull"},"startsAt":"2026-03-01T10:00:00Z","fingerprint":"88cbf0084cf27726"}]}`
}

// TestModes: what is kept is what internal/source reads, however it was sent.
func TestModes(t *testing.T) {
	for name, c := range map[string]struct {
		request
		want []string
	}{
		"structured":       {request{"/v1/events", "scanner", []string{asOne}, " " + event(1) + "\n"}, []string{event(1)}},
		"batch":            {request{"/v1/events", "scanner", []string{asMany}, "[" + event(1) + ", " + event(2) + "]"}, []string{event(1), event(2)}},
		"events of a hook": {request{"/v1/hooks/scanner", "scanner", []string{asOne}, event(1)}, []string{event(1)}},
		"Alertmanager":     {request{"/v1/hooks/alerts", "alerts", []string{asJSON}, alert("firing")}, []string{alert("firing")}},
		"binary with JSON": {request{"/v1/events", "scanner", []string{asJSON, "ce-specversion: 1.0", "ce-id: 1", "ce-source: /scanner", "ce-type: com.example.x.opened", "ce-tenant: acme"}, ` {"title": "Gr\u00f6\u00dfe"} `},
			[]string{`{"id":"1","source":"/scanner","specversion":"1.0","tenant":"acme","type":"com.example.x.opened","datacontenttype":"application/json","data":{"title":"Gr\u00f6\u00dfe"}}`}},
		"binary with text": {request{"/v1/events", "scanner", []string{"Content-Type: text/plain; charset=utf-8", "ce-specversion: 1.0", "ce-id: 1", "ce-source: /scanner", "ce-type: com.example.x", "ce-subject: \"Gr%C3%B6%C3%9Fe \\\"A\\\" 100%\""}, "hi"},
			[]string{`{"id":"1","source":"/scanner","specversion":"1.0","subject":"Größe \"A\" 100%","type":"com.example.x","datacontenttype":"text/plain; charset=utf-8","data_base64":"aGk="}`}},
		"binary without data": {request{"/v1/events", "scanner", []string{"ce-specversion: 1.0", "ce-id: 1", "ce-source: /scanner", "ce-type: com.example.x"}, ""},
			[]string{`{"id":"1","source":"/scanner","specversion":"1.0","type":"com.example.x"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			status, _, answer := b.send(c.request)
			if status != http.StatusAccepted || answer["result"] != "accepted" || answer["events"] != float64(len(c.want)) {
				t.Fatalf("answered %d %v", status, answer)
			}
			if diff := cmp.Diff(c.want, b.inbox.texts()); diff != "" {
				t.Errorf("what is kept (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUserAndPassword: a source may send its name and token as Basic has it.
func TestUserAndPassword(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		path, user string
		status     int
	}{{"/v1/events", "scanner", 202}, {"/v1/hooks/scanner", "scanner", 202}, {"/v1/hooks/scanner", "alerts", 401}, {"/v1/events", "", 401}, {"/v1/events", "none", 401}} {
		req := httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(event(1)))
		req.SetBasicAuth(c.user, b.tokens["scanner"])
		req.Header.Set("Content-Type", "application/cloudevents+json")
		b.inbox.seen = map[receive.Digest]bool{}
		w := httptest.NewRecorder()
		if b.ServeHTTP(w, req); w.Code != c.status {
			t.Errorf("%s as %q: answered %d %s", c.path, c.user, w.Code, w.Body)
		}
	}
}

// TestSnapshotAsTable: a hook takes the tables of a source that writes such.
func TestSnapshotAsTable(t *testing.T) {
	b := newBench(t)
	if status, _, answer := b.send(request{"/v1/hooks/hub", "hub", []string{"Content-Type: text/csv"}, "a,b\n1,2\n"}); status != 400 {
		t.Errorf("answered %d %v", status, answer)
	}
}

// TestRefused: each with its status, the place that is wrong, and a mend; nothing is
// kept.
func TestRefused(t *testing.T) {
	nested := strings.Repeat(`{"a":`, 101) + "1" + strings.Repeat("}", 101)
	with := func(member string) string { return strings.TrimSuffix(event(1), "}") + "," + member + "}" }
	for name, c := range map[string]struct {
		request
		status int
		says   string
		place  string // header or pointer
	}{
		"nobody":                        {request{"/v1/events", "", []string{asOne}, event(1)}, 401, "Bearer", "authorization"},
		"a wrong token":                 {request{"/v1/events", "", []string{asOne, "Authorization: Bearer cxms_x"}, event(1)}, 401, "no source fits", "authorization"},
		"another source's token":        {request{"/v1/hooks/alerts", "scanner", []string{asJSON}, alert("firing")}, 401, "no source fits", "authorization"},
		"no such source":                {request{"/v1/hooks/none", "scanner", []string{asOne}, event(1)}, 401, "no source fits", "authorization"},
		"two tokens":                    {request{"/v1/events", "scanner", []string{asOne, "Authorization: Bearer TOKEN"}, event(1)}, 401, "no source fits", "authorization"},
		"a disabled source":             {request{"/v1/events", "off", []string{asOne}, event(1)}, 403, "cxm source enable", ""},
		"a hook's token":                {request{"/v1/events", "alerts", []string{asOne}, event(1)}, 403, "/v1/hooks/alerts", ""},
		"no type":                       {request{"/v1/events", "scanner", nil, event(1)}, 415, "no CloudEvent", "content-type"},
		"plain JSON":                    {request{"/v1/events", "scanner", []string{asJSON}, event(1)}, 415, "application/cloudevents+json", "content-type"},
		"Avro":                          {request{"/v1/events", "scanner", []string{"Content-Type: application/cloudevents+avro"}, event(1)}, 415, "in JSON", "content-type"},
		"a type that is none":           {request{"/v1/events", "scanner", []string{"Content-Type: ;;"}, event(1)}, 415, "cannot be read", "content-type"},
		"UTF-16":                        {request{"/v1/events", "scanner", []string{"Content-Type: application/cloudevents+json; charset=utf-16"}, event(1)}, 415, "UTF-8", "content-type"},
		"a hook's form":                 {request{"/v1/hooks/alerts", "alerts", []string{"Content-Type: application/x-www-form-urlencoded"}, "a=b"}, 415, "application/json", "content-type"},
		"brotli":                        {request{"/v1/events", "scanner", []string{asOne, "Content-Encoding: br"}, event(1)}, 415, "gzip", "content-encoding"},
		"no gzip":                       {request{"/v1/events", "scanner", []string{asOne, "Content-Encoding: gzip"}, event(1)}, 400, "not the gzip", ""},
		"empty":                         {request{"/v1/events", "scanner", []string{asOne}, ""}, 400, "empty", ""},
		"no JSON":                       {request{"/v1/events", "scanner", []string{asOne}, "{oops"}, 400, "not JSON", ""},
		"no JSON in a hook":             {request{"/v1/hooks/alerts", "alerts", []string{asJSON}, "oops"}, 400, "JSON", ""},
		"a list as one event":           {request{"/v1/events", "scanner", []string{asOne}, "[" + event(1) + "]"}, 400, "one object", ""},
		"one event as a list":           {request{"/v1/events", "scanner", []string{asMany}, event(1)}, 400, "one list", ""},
		"something behind it":           {request{"/v1/events", "scanner", []string{asOne}, event(1) + event(2)}, 400, "follows behind", ""},
		"a member twice":                {request{"/v1/events", "scanner", []string{asOne}, with(`"id":"2"`)}, 400, "twice", "#/id"},
		"a member of data twice":        {request{"/v1/events", "scanner", []string{asOne}, with(`"data":{"a":1,"a":2}`)}, 400, "twice", "#/data/a"},
		"deep":                          {request{"/v1/events", "scanner", []string{asOne}, with(`"data":` + nested)}, 400, "deeper than 100", ""},
		"deep in a hook":                {request{"/v1/hooks/alerts", "alerts", []string{asJSON}, nested}, 400, "deeper than 100", ""},
		"bytes that are no UTF-8":       {request{"/v1/events", "scanner", []string{asOne}, with("\"data\":\"\xff\"")}, 400, "UTF-8", "#/data"},
		"no id":                         {request{"/v1/events", "scanner", []string{asOne}, `{"specversion":"1.0","source":"/s","type":"t"}`}, 400, "missing", "#/id"},
		"no id in a batch":              {request{"/v1/events", "scanner", []string{asMany}, "[" + event(1) + `,{"specversion":"1.0","source":"/s","type":"t"}]`}, 400, "missing", "#/1/id"},
		"a huge number":                 {request{"/v1/events", "scanner", []string{asOne}, `{"specversion":"1.0","id":"1","source":"/s","type":"x.finding.observed.v1","data":{"Title":"t","ResourceId":"r","EstimatedMonthlySavings":1e999999999,"BillingCurrency":"USD"}}`}, 400, "", "#/data/EstimatedMonthlySavings"},
		"an event that is no finding's": {request{"/v1/events", "scanner", []string{asOne}, `{"specversion":"1.0","id":"1","source":"/s","type":"x.finding.observed.v1","data":{"Titel":"t"}}`}, 400, "did you mean Title", "#/data/Titel"},
		"an attribute twice":            {request{"/v1/events", "scanner", []string{"ce-specversion: 1.0", "ce-id: 1", "ce-id: 2", "ce-source: /s", "ce-type: t"}, ""}, 400, "several times", "ce-id"},
		"an attribute's name":           {request{"/v1/events", "scanner", []string{"ce-specversion: 1.0", "ce-id: 1", "ce-source: /s", "ce-type: t", "ce-a_b: x"}, ""}, 400, "letters and digits", "ce-a_b"},
		"data in a header":              {request{"/v1/events", "scanner", []string{"ce-specversion: 1.0", "ce-id: 1", "ce-source: /s", "ce-type: t", "ce-data: x"}, ""}, 400, "the body", "ce-data"},
		"an attribute missing":          {request{"/v1/events", "scanner", []string{"ce-specversion: 1.0", "ce-id: 1", "ce-source: /s"}, ""}, 400, "missing", "ce-type"},
		"another version":               {request{"/v1/events", "scanner", []string{"ce-specversion: 0.3", "ce-id: 1", "ce-source: /s", "ce-type: t"}, ""}, 400, "1.0", "ce-specversion"},
		"binary data that is no JSON":   {request{"/v1/events", "scanner", []string{asJSON, "ce-specversion: 1.0", "ce-id: 1", "ce-source: /s", "ce-type: t"}, "{oops"}, 400, "not JSON", ""},
		"a percent that is none":        {request{"/v1/events", "scanner", []string{"ce-specversion: 1.0", "ce-id: %FF", "ce-source: /s", "ce-type: t"}, ""}, 400, "UTF-8", "ce-id"},
		"an alert's status":             {request{"/v1/hooks/alerts", "alerts", []string{asJSON}, alert("burning")}, 400, "firing or resolved", "#/alerts/0/status"},
		"an event at a hook":            {request{"/v1/hooks/alerts", "alerts", []string{asJSON}, event(1)}, 400, "CloudEvents", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			status, h, answer := b.send(c.request)
			detail, _ := answer["detail"].(string)
			if status != c.status || !strings.Contains(detail, c.says) || answer["status"] != float64(c.status) || h.Get("Content-Type") != "application/problem+json" {
				t.Errorf("answered %d %v, want %d with %q", status, answer, c.status, c.says)
			}
			at := ""
			if list, ok := answer["errors"].([]any); ok && len(list) == 1 {
				place := list[0].(map[string]any)
				at, _ = place["header"].(string)
				if at == "" {
					at, _ = place["pointer"].(string)
				}
			}
			if c.place != "" && at != c.place {
				t.Errorf("it points at %q, want %q: %v", at, c.place, answer)
			}
			if (status == 401) != (h.Get("WWW-Authenticate") != "") {
				t.Errorf("WWW-Authenticate is %q", h.Get("WWW-Authenticate"))
			}
			if len(b.inbox.texts()) > 0 {
				t.Errorf("it was kept: %q", b.inbox.texts())
			}
		})
	}
}

// TestNobodyIsReadUnproven: who proves nothing does not have his body read.
func TestNobodyIsReadUnproven(t *testing.T) {
	b := newBench(t)
	req := httptest.NewRequest(http.MethodPost, "/v1/events", broken{t})
	req.Header.Set("Content-Type", "application/cloudevents+json")
	w := httptest.NewRecorder()
	if b.ServeHTTP(w, req); w.Code != http.StatusUnauthorized {
		t.Errorf("answered %d", w.Code)
	}
}

type broken struct{ t *testing.T }

func (b broken) Read([]byte) (int, error) {
	b.t.Error("the body was read")
	return 0, io.EOF
}

func zipped(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	io.WriteString(w, text)
	w.Close()
	return out.String()
}

// TestBounds: of size, before and after inflating, and gzip that is cut off.
func TestBounds(t *testing.T) {
	large := strings.TrimSuffix(event(1), "}") + `,"data":"` + strings.Repeat("x", 900<<10) + `"}`
	tooLarge := strings.TrimSuffix(event(1), "}") + `,"data":"` + strings.Repeat("x", 1<<20) + `"}`
	zip := "Content-Encoding: gzip"
	_, list, _ := strings.Cut(alert("firing"), "[")
	list = strings.TrimSuffix(list, "]}")
	many := `{"version":"4","externalURL":"https://alerts.example.com","alerts":[` + strings.Repeat(list+",", 10_000) + list + "]}"
	for name, c := range map[string]struct {
		request
		status int
	}{
		"large":                  {request{"/v1/events", "scanner", []string{asOne}, large}, 202},
		"too large":              {request{"/v1/events", "scanner", []string{asOne}, tooLarge}, 413},
		"gzip":                   {request{"/v1/events", "scanner", []string{asOne, zip}, zipped(event(1))}, 202},
		"large when it inflates": {request{"/v1/events", "scanner", []string{asOne, zip}, zipped(large)}, 202},
		"a bomb":                 {request{"/v1/events", "scanner", []string{asOne, zip}, zipped(tooLarge + strings.Repeat(" ", 100<<20))}, 413},
		"gzip that ends early":   {request{"/v1/events", "scanner", []string{asOne, zip}, zipped(large)[:500]}, 400},
		"gzip that is empty":     {request{"/v1/events", "scanner", []string{asOne, zip}, ""}, 400},
		"a hook may be larger":   {request{"/v1/hooks/alerts", "alerts", []string{asJSON}, many}, 202},
	} {
		t.Run(name, func(t *testing.T) {
			if status, _, answer := newBench(t).send(c.request); status != c.status {
				t.Errorf("answered %d %v, want %d", status, answer, c.status)
			}
		})
	}
}

// TestRepeats: what was accepted before is told apart, in one body and in another.
func TestRepeats(t *testing.T) {
	b := newBench(t)
	for i, c := range []struct {
		request
		status             int
		result             string
		events, repeatedBy float64
	}{
		{request{"/v1/events", "scanner", []string{asOne}, event(1)}, 202, "accepted", 1, 0},
		{request{"/v1/events", "scanner", []string{asOne}, event(1)}, 200, "repeated", 1, 1},
		{request{"/v1/events", "scanner", []string{asMany}, "[" + event(1) + "," + event(2) + "]"}, 202, "accepted", 2, 1},
		{request{"/v1/events", "scanner", []string{"ce-specversion: 1.0", "ce-id: 2", "ce-source: /scanner", "ce-type: other"}, ""}, 200, "repeated", 1, 1},
		{request{"/v1/events", "scanner", []string{asMany}, " [ ] "}, 200, "repeated", 0, 0},
		{request{"/v1/hooks/alerts", "alerts", []string{asJSON}, alert("firing")}, 202, "accepted", 1, 0},
		{request{"/v1/hooks/alerts", "alerts", []string{asJSON}, alert("firing")}, 202, "accepted", 1, 0}, // it may be new: it has no name
		{request{"/v1/hooks/alerts", "alerts", []string{asJSON, "Idempotency-Key: a"}, alert("firing")}, 202, "accepted", 1, 0},
		{request{"/v1/hooks/alerts", "alerts", []string{asJSON, "Idempotency-Key: a"}, alert("firing")}, 200, "repeated", 1, 1},
	} {
		status, _, answer := b.send(c.request)
		if status != c.status || answer["result"] != c.result || answer["events"] != c.events || answer["repeated"] != c.repeatedBy {
			t.Errorf("%d: answered %d %v", i, status, answer)
		}
	}
	tally := b.board.Take()
	if got := tally[1]; got.Accepted != 2 || got.Events != 2 || got.Repeated != 3 || !got.Used.Equal(noon()) {
		t.Errorf("the tally is %+v", got)
	}
}

// TestPressure: full, failing, gone, and more than a source may deliver.
func TestPressure(t *testing.T) {
	b := newBench(t)
	one := request{"/v1/events", "scanner", []string{asOne}, event(1)}
	b.full = true
	if status, h, _ := b.send(one); status != 503 || h.Get("Retry-After") != "10" {
		t.Errorf("full: answered %d, to come again after %q", status, h.Get("Retry-After"))
	}
	b.full, b.inbox.fail = false, errors.New("secret detail of the disk")
	if status, h, answer := b.send(one); status != 503 || h.Get("Retry-After") == "" || strings.Contains(fmt.Sprint(answer), "secret") {
		t.Errorf("failing: answered %d %v", status, answer)
	}
	b.inbox.fail, b.inbox.gone = nil, true
	if status, _, _ := b.send(one); status != 403 {
		t.Errorf("gone: answered %d", status)
	}
	b.inbox.gone = false
	slow := func(events ...int) (int, string) {
		var list []string
		for _, id := range events {
			list = append(list, event(id))
		}
		status, h, _ := b.send(request{"/v1/events", "slow", []string{asMany}, "[" + strings.Join(list, ",") + "]"})
		return status, h.Get("Retry-After")
	}
	if status, _ := slow(10, 11, 12); status != 202 {
		t.Errorf("within its rate: answered %d", status)
	}
	if status, after := slow(13, 14, 15); status != 429 || after != "1" {
		t.Errorf("above its rate: answered %d, to come again after %q", status, after)
	}
	if status, _, _ := b.send(request{"/v1/events", "scanner", []string{asOne}, event(99)}); status != 202 {
		t.Errorf("another source: answered %d", status)
	}
}

// TestRotation: two tokens prove a source while one takes the other's place.
func TestRotation(t *testing.T) {
	b := newBench(t)
	other := receive.NewToken()
	b.board.Set([]receive.Source{{ID: 1, Name: "scanner", Type: source.CloudEvents, Enabled: true, Tokens: []receive.Hash{receive.HashOf(other), receive.HashOf(credential.NewSecret(b.tokens["scanner"]))}}})
	b.tokens["other"] = other.Reveal()
	for i, name := range []string{"scanner", "other"} {
		if status, _, answer := b.send(request{"/v1/events", name, []string{asOne}, event(i)}); status != 202 {
			t.Errorf("%s: answered %d %v", name, status, answer)
		}
	}
}

// TestGathering: what arrives while others are stored is stored together, and
// everybody hears of his own.
func TestGathering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.inbox.hold = make(chan struct{})
		const n = 50
		var all sync.WaitGroup
		ids := make([]float64, n)
		for i := range n {
			all.Go(func() {
				_, _, answer := b.send(request{"/v1/events", "scanner", []string{asOne}, event(i)})
				ids[i], _ = answer["delivery"].(float64)
			})
			synctest.Wait()
		}
		close(b.inbox.hold)
		all.Wait()
		if b.inbox.groups != 2 {
			t.Errorf("%d deliveries were stored in %d groups, not in 2", n, b.inbox.groups)
		}
		for i, id := range ids {
			if id != float64(i+1) {
				t.Errorf("delivery %d heard of %v", i, id)
			}
		}
	})
}

// TestStuck: where nothing can be stored nobody waits for ever, and there is a bound
// on those who wait.
func TestStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *receive.Config) { c.MostAtOnce = 3 })
		b.inbox.hold = make(chan struct{})
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				if status, _, _ := b.send(request{"/v1/events", "scanner", []string{asOne}, event(i)}); status != 503 {
					t.Errorf("answered %d", status)
				}
			})
		}
		synctest.Wait()
		if status, h, _ := b.send(request{"/v1/events", "scanner", []string{asOne}, event(9)}); status != 503 || h.Get("Retry-After") != "1" {
			t.Errorf("the fourth: answered %d", status)
		}
		all.Wait()
	})
}

// TestSlowBody: who sends a body byte by byte is given up.
func TestSlowBody(t *testing.T) {
	b := newBench(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b.ServeHTTP(impatient{w}, req)
	}))
	server.Start()
	defer server.Close()
	r, w := io.Pipe()
	defer w.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v1/events", r)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.tokens["scanner"])
	req.Header.Set("Content-Type", "application/cloudevents+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestTimeout {
		t.Errorf("answered %d", resp.StatusCode)
	}
}

// impatient is a connection whose deadlines are near.
type impatient struct{ http.ResponseWriter }

func (i impatient) SetReadDeadline(time.Time) error {
	return http.NewResponseController(i.ResponseWriter).SetReadDeadline(time.Now().Add(20 * time.Millisecond))
}

// TestHandshake is that of the webhook specification of CloudEvents.
func TestHandshake(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct{ path, asked, granted string }{
		{"/v1/events", "120", "120"}, {"/v1/hooks/alerts", "", "300000"}, {"/v1/events", "99999999999", "300000"},
	} {
		req := httptest.NewRequest(http.MethodOptions, c.path, nil)
		req.Header.Set("WebHook-Request-Origin", "events.example.com")
		req.Header.Set("WebHook-Request-Rate", c.asked)
		w := httptest.NewRecorder()
		b.ServeHTTP(w, req)
		if w.Code != 200 || w.Header().Get("WebHook-Allowed-Origin") != "events.example.com" || w.Header().Get("WebHook-Allowed-Rate") != c.granted || !strings.Contains(w.Header().Get("Allow"), "POST") {
			t.Errorf("%s: answered %d %v", c.path, w.Code, w.Header())
		}
	}
}

func TestTokens(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		token := receive.NewToken().Reveal()
		if seen[token] || !receive.WellFormed(token) {
			t.Errorf("%s", token)
		}
		seen[token] = true
		for i := range token {
			if other := token[:i] + "~" + token[i+1:]; receive.WellFormed(other) {
				t.Errorf("%s is well-formed", other)
			}
		}
		if receive.WellFormed(token[:len(token)-1]) || receive.WellFormed(token+"0") {
			t.Error("a token of another length is well-formed")
		}
	}
}

// FuzzRequest sends whatever it is: it is answered, with a status that fits, and what
// is kept can be read, with events that are known apart.
func FuzzRequest(f *testing.F) {
	f.Add("application/cloudevents+json", "", "", event(1), false)
	f.Add("application/cloudevents-batch+json", "", "", "["+event(1)+","+event(1)+"]", false)
	f.Add("application/json; charset=utf-8", "1.0", "a%20b", `{"a":1}`, false)
	f.Add("text/plain", "1.0", "\"a\\\"b\"", "text", false)
	f.Add("application/json", "", "", alert("firing"), true)
	f.Fuzz(func(t *testing.T, contentType, version, id, body string, hook bool) {
		b := newBench(t)
		path, name := "/v1/events", "scanner"
		if hook {
			path, name = "/v1/hooks/alerts", "alerts"
		}
		req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		req.Header = http.Header{
			"Authorization": {"Bearer " + b.tokens[name]}, "Content-Type": {contentType},
			"Ce-Source": {"/fuzz"}, "Ce-Type": {"com.example.x"}, "Ce-Id": {id},
		}
		if version != "" {
			req.Header.Set("Ce-Specversion", version)
		}
		w := httptest.NewRecorder()
		b.ServeHTTP(w, req)
		switch w.Code {
		case 200, 202, 400, 413, 415:
		default:
			t.Fatalf("answered %d %s", w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("the answer is no JSON: %s", w.Body)
		}
		kept := b.inbox.texts()
		if (w.Code == 202) != (len(kept) > 0) && len(kept) > 0 {
			t.Fatalf("answered %d and kept %q", w.Code, kept)
		}
		if len(kept) > 0 {
			kind := source.CloudEvents
			if hook {
				kind = source.Alertmanager
			}
			if _, err := source.Read(kind, []source.Input{{Name: "kept", Reader: strings.NewReader(strings.Join(kept, "\n"))}}, source.Options{}, discard); err != nil {
				t.Fatalf("what was kept cannot be read: %v: %q", err, kept)
			}
		}
	})
}

func discard(*finding.Finding) error { return nil }
