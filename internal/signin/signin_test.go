package signin_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
)

// A value is found by who looks for leaked ones, and is told from what only looks
// like one.
func TestValues(t *testing.T) {
	pattern := regexp.MustCompile(`^cxm[wl]?_[0-9A-Za-z]{49}$`)
	seen := map[string]bool{}
	for _, k := range []signin.ValueKind{signin.ValueToken, signin.ValueSession, signin.ValueLink} {
		for range 200 {
			v := signin.Mint(k)
			text := v.Reveal()
			if got, err := signin.Read(v); got != k || err != nil || !pattern.MatchString(text) || seen[text] {
				t.Fatalf("%s: %s, %v", text, got, err)
			}
			seen[text] = true
			if d := signin.Digest(v); len(d) != 64 || strings.Contains(text, d) || d == signin.Digest(signin.Mint(k)) {
				t.Fatalf("digest %s", d)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := signin.Mint(signin.ValueToken).Reveal()
		i := rapid.IntRange(0, len(text)-1).Draw(t, "place")
		by := rapid.SampledFrom([]byte("0Zz_-é")).Draw(t, "by")
		if text[i] == by {
			return
		}
		if _, err := signin.Read(credential.NewSecret(text[:i] + string([]byte{by}) + text[i+1:])); !errors.Is(err, signin.ErrNotKnown) {
			t.Fatalf("a value that was mistyped at %d is read: %v", i, err)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add(signin.Mint(signin.ValueToken).Reveal())
	f.Add("cxm_")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := signin.Read(credential.NewSecret(text))
		if err == nil && !strings.HasPrefix(text, string(k)) {
			t.Errorf("%q is a %s", text, k)
		}
		if err != nil && len(text) > 8 && strings.Contains(err.Error(), text) {
			t.Errorf("the error shows the value: %v", err)
		}
	})
}

// The waits grow to their bound, and no further; what is not let through costs
// nothing; a long silence is forgiven.
func TestBound(t *testing.T) {
	b := signin.Bound{Free: 3, Most: 10 * time.Second, Forget: time.Hour}
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	var s signin.Throttle
	var waits []string
	for range 9 {
		var ok bool
		if s, ok = b.Try(s, now); !ok {
			t.Fatal("held after its wait")
		}
		if again, ok := b.Try(s, now); !s.Until.IsZero() && (ok || again != s) {
			t.Fatal("not held, or it costs something to be")
		}
		waits = append(waits, fmt.Sprint(max(0, s.Until.Sub(now)).Seconds()))
		now = now.Add(max(0, s.Until.Sub(now)))
	}
	if got := strings.Join(waits, " "); got != "0 0 1 2 4 8 10 10 10" {
		t.Errorf("waits: %s", got)
	}
	if s, ok := b.Try(s, now.Add(2*time.Hour)); !ok || s.Failures != 1 {
		t.Errorf("after a long silence: %+v", s)
	}
	s.Failures = 1 << 40
	if s, ok := b.Try(s, now.Add(time.Minute)); !ok || s.Until.Sub(now) > 2*time.Minute {
		t.Errorf("after very many: %+v", s)
	}
}

// One who attacks has a whole IPv6 network, and no more than one key for it.
func TestKeys(t *testing.T) {
	name := func(email, address string, known bool) string {
		return fmt.Sprint(signin.Keys(email, address, known))
	}
	for _, c := range []struct {
		a, b [2]string
		same bool
	}{
		{[2]string{"a@example.com", "2001:db8::1"}, [2]string{"A@Example.com ", "2001:db8::ffff:1"}, true},
		{[2]string{"a@example.com", "2001:db8::1"}, [2]string{"a@example.com", "2001:db8:0:1::1"}, false},
		{[2]string{"a@example.com", "::ffff:192.0.2.7"}, [2]string{"a@example.com", "192.0.2.7"}, true},
		{[2]string{"a@example.com", "192.0.2.7"}, [2]string{"a@example.com", "192.0.2.8"}, false},
		{[2]string{"a@example.com", "192.0.2.7"}, [2]string{"b@example.com", "192.0.2.7"}, false},
	} {
		for _, known := range []bool{true, false} {
			if got := name(c.a[0], c.a[1], known) == name(c.b[0], c.b[1], known); got != c.same {
				t.Errorf("%v and %v: the same: %v", c.a, c.b, got)
			}
		}
	}
	if strings.Contains(name("a@example.com", "192.0.2.7", false), "a@example.com") {
		t.Error("what was typed is kept")
	}
}

func TestClean(t *testing.T) {
	for _, text := range []string{"", "x", "a@b@c", "Name <a@example.com>", "a@example.com\n", "a\x00@example.com", "a\u202e@example.com", strings.Repeat("x", 250) + "@example.com", "a@example.com,b@example.com"} {
		if strings.HasSuffix(text, "\n") {
			continue // around it space is cut
		}
		if got, err := signin.CleanEmail(text); err == nil {
			t.Errorf("%q is the address %q", text, got)
		}
	}
	if got, err := signin.CleanEmail(" Größe@Example.com\n"); err != nil || got != "Größe@Example.com" {
		t.Error(got, err)
	}
	for _, text := range []string{"", " ", "a\nb", "a\u202eb", strings.Repeat("x", 201), "\xff"} {
		if got, err := signin.CleanName(text); err == nil {
			t.Errorf("%q is the name %q", text, got)
		}
	}
	if got := signin.CleanAgent("Bro\x00wser\u202e/1 " + strings.Repeat("ü", 300)); len(got) > 300 || !strings.HasPrefix(got, "Browser/1 ü") {
		t.Error(got)
	}
}

// A session of another generation is over, whatever the database still has.
func TestLives(t *testing.T) {
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	p := signin.Person{ID: 1, Generation: 2}
	s := signin.Session{Person: 1, Generation: 2, SeenAt: now, EndsAt: now.Add(time.Hour)}
	if !s.Lives(p, signin.Lasting{}, now) {
		t.Error("a good one is over")
	}
	for name, change := range map[string]func(*signin.Session, *signin.Person){
		"generation": func(s *signin.Session, _ *signin.Person) { s.Generation = 1 },
		"person":     func(_ *signin.Session, p *signin.Person) { p.ID = 3 },
		"disabled":   func(_ *signin.Session, p *signin.Person) { p.DisabledAt = now },
		"end":        func(s *signin.Session, _ *signin.Person) { s.EndsAt = now },
		"idle":       func(s *signin.Session, _ *signin.Person) { s.SeenAt = now.Add(-12 * time.Hour) },
	} {
		s, p := s, p
		if change(&s, &p); s.Lives(p, signin.Lasting{}, now) {
			t.Errorf("%s: it goes on", name)
		}
	}
}

// A token is for one tenant, although its owner works in several; and nobody looks
// after those who look after the installation by a tenant that they share.
func TestWho(t *testing.T) {
	p := signin.Person{ID: 1, Grants: []signin.Grant{{Tenant: "acme", Role: "admin"}, {Tenant: "other", Role: "admin"}}}
	token := signin.Token{ID: 1, Tenant: "acme", Person: 1, Scopes: []role.Scope{role.ScopeAdmin}}.Who(p)
	if ok, why := token.May("acme", role.RulesWrite); !ok {
		t.Error(why)
	}
	if ok, _ := token.May("other", role.Read); ok {
		t.Error("it counts in another tenant")
	}
	root := signin.Person{ID: 2, Installation: true, Grants: []signin.Grant{{Tenant: "acme", Role: "viewer"}}}
	if err := (signin.Session{ID: 1}.Who(p)).MayManage(root); err == nil {
		t.Error("an admin of a tenant gets at the installation")
	}
}
