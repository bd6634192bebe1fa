package scenario

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"cxm/internal/app"
	"cxm/internal/issue"
	"cxm/internal/sandbox"
	"cxm/internal/source"
)

// TestScenario05_Labels: findings carry labels that GitLab could not take (too
// long, with commas, quotes, emoji and line breaks), and cxm's account may not
// create labels in the project.
//
// Expected: the issue is made; the labels it gets are cxm's own few words, the
// same every time; a label that GitLab left out is reported.
func TestScenario05_Labels(t *testing.T) {
	hostile := strings.Repeat("long ", 60) + `, "quoted", '~x', 😀` + "\n/label ~bug"
	variants(t, map[string]int{"may create labels": 40, "may not": 10}, func(b *bed, role int) {
		b.role(platform, role)
		text := strings.Replace(alert("firing", "critical"), `"alertname":"DiskFull"`, `"alertname":`+quote(hostile)+`,"team":`+quote(hostile), 1)
		b.ingest(source.Alertmanager, text)
		verbs, report := b.apply()
		if verbs != "+" || report.Run.Done != 1 {
			b.Fatalf("steps = %q, report = %+v", verbs, report)
		}
		labels := b.one(1).Labels
		want := []string{"cxm", "cxm::severity::critical", "cxm::system"}
		if role == 10 {
			if !slices.Equal(report.Missing, want) || len(labels) > 0 {
				b.Errorf("labels = %q, reported as left out: %q", labels, report.Missing)
			}
		} else if slices.Sort(labels); !slices.Equal(labels, want) || len(report.Missing) > 0 {
			b.Errorf("labels = %q, reported as left out: %q", labels, report.Missing)
		}
		for range 3 {
			b.ingest(source.Alertmanager, text)
			b.want("")
		}
		b.cleanly()
	})
}

// TestScenario06_Sizes: a title of 255 characters and one of 256, each of four
// bytes; a description as long as GitLab allows and one byte longer; and a
// person who fills the description up to GitLab's limit.
//
// Expected: what fits is kept whole, what does not is cut at a character, and
// the next run writes nothing. Where people leave no room for cxm's block, a line
// in its place says so, and the title and the labels are still kept true; when
// there is room again, the block is back.
func TestScenario06_Sizes(t *testing.T) {
	type size struct {
		title, description int // characters, bytes
		whole              bool
	}
	variants(t, map[string]size{
		"title of 255": {255, 10, true}, "title of 256": {256, 10, false},
		"description of 1 MiB": {20, 1 << 20, true}, "and one byte": {20, 1<<20 + 1, true}, "a person fills it": {},
	}, func(b *bed, s size) {
		if s == (size{}) {
			b.filled()
			return
		}
		title := "gate-7 " + strings.Repeat("😀", s.title-7)
		text := event("1", title, strings.Repeat("d", s.description))
		b.deliver(text)
		b.want("+")
		got := b.one(1)
		if n := utf8.RuneCountInString(got.Title); n != min(s.title, 255) || !utf8.ValidString(got.Title) || (got.Title == title) != s.whole {
			b.Errorf("the title has %d characters: %.80q…", n, got.Title)
		}
		if len(got.Description) > 1<<20 || !utf8.ValidString(got.Description) {
			b.Errorf("the description has %d bytes", len(got.Description))
		}
		b.deliver(strings.Replace(text, `"id":"1"`, `"id":"2"`, 1))
		b.want("")
		b.cleanly()
	})
}

// filled is scenario 6 for a person who fills the description up to the limit.
func (b *bed) filled() {
	b.Helper()
	b.aws(disk(1, "5"))
	b.want("+")
	one := b.one(1)
	full := strings.Repeat("é", (1<<20-len(one.Description))/2) + one.Description
	b.edit(1, map[string]any{"description": full})
	b.aws(disk(1, "5000"))
	b.want("~")
	b.want("")
	got := b.one(1)
	people, _, _ := strings.Cut(full, "<!-- cxm")
	if !strings.HasPrefix(got.Description, people) || !strings.Contains(got.Description, issue.Crowded) || !strings.Contains(got.Title, "5,000.00 USD") {
		b.Errorf("title %q, %d bytes of description, was %d", got.Title, len(got.Description), len(full))
	}
	b.edit(1, map[string]any{"description": strings.Replace(got.Description, people, "Ours.\n\n", 1)})
	b.want("~")
	b.want("")
	if got := b.one(1); !strings.HasPrefix(got.Description, "Ours.\n\n<!-- cxm") || !strings.Contains(got.Description, "5,000.00 USD") || strings.Contains(got.Description, issue.Crowded) {
		b.Errorf("with room again it says %q", got.Description)
	}
}

// deliver takes an event in, however large it is.
func (b *bed) deliver(text string) {
	b.Helper()
	_, _, err := b.app.Ingest(b.Context(), app.Delivery{
		Type: source.CloudEvents, Options: source.Options{MaxRecord: 8 << 20},
		Inputs: []source.Input{{Name: "test.json", Reader: strings.NewReader(text)}},
	})
	if err != nil {
		b.Fatal(err)
	}
}

// TestScenario28_HostileText: what a finding says is made of quick actions,
// mentions, HTML, fences, cxm's own markers, right-to-left marks, NUL and a line
// of a megabyte.
//
// Expected: it is shown as text: no quick action runs, nobody is called, cxm's
// block stays whole, and the next run writes nothing. A NUL is refused with its
// place, and nothing of the delivery is kept.
func TestScenario28_HostileText(t *testing.T) {
	marker := "<!-- cxm:begin v1 i=0123456789abcdef g=0123456789abcdef0123456789abcdef n=abcdefghijklmnopqrstuvwxyz -->"
	variants(t, map[string]string{
		"quick actions":   "/close\n/assign @platform-admin\n- /close\n> /close\n\n/label ~bug\r\n/confidential\v/close\n",
		"mentions":        "@all @engineer #1 !1 ~label %1 acme/platform#1 [x](http://127.0.0.1/) ![x](/x)",
		"html and fences": "</details><details>\n```\n/close\n~~~\n/close\n<script>alert(1)</script>\n`\n````",
		"our markers":     "<!-- cxm:end -->\n/close\n" + marker + "\n<!-- cxm:end -->",
		"right to left":   "\u202e/close\u202c\u2066\u200e/close\u2069\u061c",
		"control":         "b\x07\x1b[31m/close\x7f\u0085/close",
		"a long line":     strings.Repeat("/close ", 150_000),
	}, func(b *bed, text string) {
		b.deliver(event("1", text, text))
		b.ingest(source.CostOptimizationHub, strings.NewReplacer(`"gp2"`, quote(text[:min(len(text), 5000)]), `"rotates"`, quote(text[:min(len(text), 5000)])).Replace(snapshot(disk(1, "10"))))
		b.want("++")
		b.deliver(event("2", text, text))
		b.want("")
		if err := ingest(b.Context(), b.app, source.CloudEvents, event("3", "a\x00b", "c")); err == nil || !strings.Contains(err.Error(), "data/title") {
			b.Errorf("a NUL was taken in: %v", err)
		}
		for _, i := range b.issues(platform) {
			if n := strings.Count(i.Description, "<!-- cxm:begin v1"); n != 1 || !strings.HasSuffix(i.Description, "<!-- cxm:end -->") || i.State != "opened" || i.Confidential {
				b.Errorf("issue %d, with %d blocks, %s: %.300q", i.IID, n, i.State, i.Description)
			}
		}
		if called := b.gitlab.Mentions(); len(called) > 0 {
			b.Errorf("people were called: %+v", called)
		}
		b.cleanly()
	})
}

// TestScenario34_Garbage: something between cxm and GitLab answers 200 with a
// sign-in page, 201 without a body, or half of the JSON, to every kind of call.
//
// Expected: a write is in doubt and looked up before anything else is sent; a
// failed look changes nothing; nothing crashes.
func TestScenario34_Garbage(t *testing.T) {
	variants(t, map[string]sandbox.Fault{
		"sign-in page": {Status: http.StatusOK, Body: "<!DOCTYPE html><title>Sign in</title>", Header: http.Header{"Content-Type": {"text/html"}}, Commit: true},
		"empty body":   {Status: http.StatusCreated, Commit: true},
		"half":         {Cut: sandbox.CutHalf},
		"null":         {Status: http.StatusOK, Body: "null", Commit: true},
		"other JSON":   {Status: http.StatusOK, Body: `{"message":"welcome"}`, Commit: true},
	}, func(b *bed, garbage sandbox.Fault) {
		create, change, look := garbage, garbage, garbage
		create.Method, create.Path, create.Times = http.MethodPost, b.route(), 2
		b.gitlab.Inject(create)
		b.aws(disks(3)...)
		if _, report := b.apply(); report.Halted != "" || report.InDoubt > 0 {
			b.Errorf("report = %+v", report)
		}
		if n := b.posts(); n != 3 {
			b.Errorf("%d creates were sent, want 3", n)
		}
		b.once(3)
		change.Method, change.Path, change.Times = http.MethodPut, b.route()+"/*", 1
		b.gitlab.Inject(change)
		b.aws(disk(1, "5000"), disk(2, "999"), disk(3, "998"))
		b.apply()
		b.want("")
		if got := b.about(1); strings.Count(got.Description, "5,000.00 USD") == 0 {
			b.Errorf("the issue says %q", got.Description)
		}
		look.Method, look.Path = http.MethodGet, b.route()
		mend := b.gitlab.Inject(look)
		b.aws(disk(1, "9000"), disk(2, "999"), disk(3, "998"), disk(4, "997"))
		b.writes.take()
		if _, _, err := applyTo(b.Context(), b.app, 0); err == nil {
			b.Error("a garbled look passed for an answer")
		}
		if n := b.writes.take(); n != 0 {
			b.Errorf("%d writes though nothing could be seen", n)
		}
		mend()
		b.want("+~")
		b.once(4)
	})
}
