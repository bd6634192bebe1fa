package desk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/password"
	"cxm/internal/signin/role"
)

func TestSignIn(t *testing.T) {
	both(t, func(b *bed) {
		p := b.join("engineer@example.com", "default", role.Member)
		b.actions()
		opened, who := b.enter(" Engineer@Example.COM ", good)
		b.same("person", p.ID, who.Person.ID)
		b.same("told", []string{signin.SignedIn}, b.actions())
		if ok, why := who.May("default", role.Apply); !ok {
			t.Error(why)
		}
		if ok, _ := who.May("other", role.Read); ok {
			t.Error("a role in one tenant counts in another")
		}
		for _, c := range [][2]string{{"engineer@example.com", other}, {"nobody@example.com", good}, {"x\x00", good}, {"", ""}, {strings.Repeat("x", 1<<16), good}} {
			if _, err := b.SignIn(b.Context(), c[0], secret(c[1]), here()); !errors.Is(err, signin.ErrWrong) {
				t.Errorf("%.40q: %v", c[0], err)
			}
		}
		all, err := b.Sessions(b.Context(), who, p.ID)
		b.ok(err)
		b.same("sessions", 1, len(all))
		b.same("from", "192.0.2.7 Browser/1.0 password", all[0].Address+" "+all[0].Agent+" "+all[0].Method)
		for _, e := range b.events {
			if strings.Contains(fmt.Sprintf("%+v", e), "nobody@") {
				t.Errorf("what an unknown person typed is told: %+v", e)
			}
		}
		if text := fmt.Sprintf("%+v %#v", opened, who); strings.Contains(text, opened.Value.Reveal()) || strings.Contains(text, p.Password.Reveal()) {
			t.Error("a value or a hash is printed")
		}
	})
}

// A session ends by itself, and as soon as anything changes that it stands on.
func TestSessionsEnd(t *testing.T) {
	both(t, func(b *bed) {
		p := b.join("engineer@example.com", "default", role.Member)
		alive := func(o desk.Opened) bool {
			_, err := b.Authenticate(b.Context(), o.Value)
			if err != nil && !errors.Is(err, signin.ErrNotKnown) {
				t.Fatal(err)
			}
			return err == nil
		}
		for name, change := range map[string]func(desk.Opened, signin.Who) error{
			"idle": func(desk.Opened, signin.Who) error { b.forward(12 * time.Hour); return nil },
			"in the end": func(o desk.Opened, _ signin.Who) error {
				for range 71 {
					if b.forward(10 * time.Hour); !alive(o) {
						return errors.New("a session that is used ended before its time")
					}
				}
				b.forward(10 * time.Hour)
				return nil
			},
			"password": func(_ desk.Opened, w signin.Who) error {
				return b.ChangePassword(b.Context(), w, secret(good), secret(good+"!"))
			},
			"password again": func(_ desk.Opened, w signin.Who) error {
				return b.SetPassword(b.Context(), operator(), p.ID, secret(good))
			},
			"role": func(desk.Opened, signin.Who) error {
				_, err := b.SetRole(b.Context(), operator(), p.ID, "default", role.Viewer)
				return errors.Join(err, ignore(b.SetRole(b.Context(), operator(), p.ID, "default", role.Member)))
			},
			"installation": func(desk.Opened, signin.Who) error {
				return ignore(b.SetInstallation(b.Context(), operator(), p.ID, true))
			},
			"disabled": func(desk.Opened, signin.Who) error {
				return errors.Join(ignore(b.SetInstallation(b.Context(), operator(), b.join(fmt.Sprint(b.clock().UnixNano(), "@example.com"), "default", role.Admin).ID, true)),
					ignore(b.Disable(b.Context(), operator(), p.ID, true)), ignore(b.Disable(b.Context(), operator(), p.ID, false)))
			},
			"by oneself":  func(o desk.Opened, w signin.Who) error { return b.EndSession(b.Context(), w, p.ID, o.Session.ID) },
			"by an admin": func(desk.Opened, signin.Who) error { return b.EndSession(b.Context(), operator(), p.ID, 0) },
		} {
			b.ok(b.SetPassword(b.Context(), operator(), p.ID, secret(good)))
			opened, who := b.enter("engineer@example.com", good)
			if !alive(opened) {
				t.Fatal("a new session is over")
			}
			if err := change(opened, who); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if alive(opened) {
				t.Errorf("%s: the session goes on", name)
			}
		}
		b.ok(b.Store.Prune(b.Context(), b.clock().AddDate(1, 0, 0)))
		left, err := b.Store.Sessions(b.Context(), p.ID)
		b.ok(err)
		b.same("left", 0, len(left))
	})
}

func ignore[T any](_ T, err error) error { return err }

// A session that begins while the password changes is not left behind, whichever
// of the two is first.
func TestSignInMeetsAChange(t *testing.T) {
	both(t, func(b *bed) {
		p := b.join("engineer@example.com", "default", role.Member)
		if _, err := b.Store.Begin(b.Context(), signin.Session{Person: p.ID, Generation: p.Generation - 1, BegunAt: b.now, EndsAt: b.now.Add(time.Hour)}, "digest"); !errors.Is(err, signin.ErrWrong) {
			t.Errorf("a session begins although the password has changed since it was looked at: %v", err)
		}
		var wg sync.WaitGroup
		opened := make(chan desk.Opened, 8)
		for range 8 {
			wg.Go(func() {
				if o, err := b.SignIn(context.WithoutCancel(b.Context()), "engineer@example.com", secret(good), desk.From{}); err == nil {
					opened <- o
				}
			})
		}
		wg.Go(func() { b.ok(b.SetPassword(b.Context(), operator(), p.ID, secret(other))) })
		wg.Wait()
		close(opened)
		for o := range opened {
			if _, err := b.Authenticate(b.Context(), o.Value); !errors.Is(err, signin.ErrNotKnown) {
				t.Errorf("a session with the old password goes on: %v", err)
			}
		}
	})
}

// The hash of an account costs the same as that of none: as many are computed.
func TestUnknownCostsTheSame(t *testing.T) {
	both(t, func(b *bed) {
		p := b.join("engineer@example.com", "default", role.Member)
		b.join("gone@example.com", "default", role.Member)
		gone, err := b.Find(b.Context(), "gone@example.com")
		b.ok(err)
		b.ok(ignore(b.Disable(b.Context(), operator(), gone.ID, true)))
		slow := b.at(b.Store, password.Cost{Memory: 32 << 10, Passes: 4, Threads: 1})
		b.ok(slow.SetPassword(b.Context(), operator(), p.ID, secret(good)))
		took := func(email string) time.Duration {
			begun := time.Now()
			if _, err := slow.SignIn(b.Context(), email, secret(other), desk.From{}); !errors.Is(err, signin.ErrWrong) {
				t.Error(err)
			}
			return time.Since(begun)
		}
		for range 3 { // one of three is enough, since the machine has others to serve
			wrong, unknown := took("engineer@example.com"), took("nobody@example.com")
			if unknown > wrong/4 && wrong > unknown/4 {
				return
			}
			t.Logf("a wrong password took %s, an unknown account %s", wrong, unknown)
		}
		t.Error("an unknown account is told by the time it takes")
	})
}

// A password is hashed anew at the sign-in after its cost changed.
func TestRehash(t *testing.T) {
	both(t, func(b *bed) {
		p := b.join("engineer@example.com", "default", role.Member)
		dearer := b.at(b.Store, password.Cost{Memory: 16, Passes: 2, Threads: 1})
		o, err := dearer.SignIn(b.Context(), "engineer@example.com", secret(good), here())
		b.ok(err)
		now := b.person(p.ID)
		if !strings.Contains(now.Password.Reveal(), "$m=16,t=2,p=1$") {
			t.Error("the hash is the old one")
		}
		if _, err := dearer.Authenticate(b.Context(), o.Value); err != nil {
			t.Errorf("hashing anew ended the session: %v", err)
		}
	})
}

// Who guesses waits longer and longer, also after a restart, and however many
// attempts are made at once; whose account it is comes in from where they did before.
func TestThrottle(t *testing.T) {
	both(t, func(b *bed) {
		b.join("engineer@example.com", "default", role.Member)
		b.join("finops@example.com", "default", role.Member)
		b.enter("engineer@example.com", good)
		evil := desk.From{Address: "198.51.100.9"}
		var wg sync.WaitGroup
		var mu sync.Mutex
		tried := 0
		for range 40 {
			wg.Go(func() {
				_, err := b.SignIn(b.Context(), "engineer@example.com", secret(other), evil)
				mu.Lock()
				defer mu.Unlock()
				if errors.Is(err, signin.ErrWrong) {
					tried++
				} else if _, ok := errors.AsType[signin.Throttled](err); !ok {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		b.same("guesses of 40 at once", 5, tried)
		replica := b.at(b.Store, password.Cost{Memory: 8, Passes: 1, Threads: 1})
		if _, err := replica.SignIn(b.Context(), "engineer@example.com", secret(good), evil); !errors.As(err, new(signin.Throttled)) {
			t.Errorf("another process lets it try: %v", err)
		}
		b.enter("engineer@example.com", good) // from where they always come
		b.enter("finops@example.com", good)   // others are as ever
		waits := 0
		for until := b.clock().Add(12 * time.Hour); b.clock().Before(until); b.forward(5 * time.Minute) {
			if _, err := b.SignIn(b.Context(), "engineer@example.com", secret(other), evil); errors.Is(err, signin.ErrWrong) {
				waits++
			}
		}
		if waits < 40 || waits > 55 { // about one in 15 minutes
			t.Errorf("%d guesses in half a day", waits)
		}
		b.forward(25 * time.Hour)
		if _, err := b.SignIn(b.Context(), "engineer@example.com", secret(good), evil); err != nil {
			t.Errorf("a day later: %v", err)
		}
	})
}

// Guessing at many accounts from one address is slowed down there, for nobody longer
// than a minute, and not for those who signed in from there before.
func TestThrottleOfAnAddress(t *testing.T) {
	both(t, func(b *bed) {
		b.join("engineer@example.com", "default", role.Member)
		b.join("finops@example.com", "default", role.Member)
		b.enter("engineer@example.com", good)
		held := 0
		for i := range 60 {
			if _, err := b.SignIn(b.Context(), fmt.Sprintf("guess%d@example.com", i), secret(other), here()); errors.As(err, new(signin.Throttled)) {
				held++
			}
		}
		b.same("of 60 at one moment held", 40, held)
		if _, err := b.SignIn(b.Context(), "finops@example.com", secret(good), here()); !errors.As(err, new(signin.Throttled)) {
			t.Errorf("somebody new from there: %v", err)
		}
		b.enter("engineer@example.com", good)
		b.forward(time.Minute)
		b.enter("finops@example.com", good)
		if _, err := b.SignIn(b.Context(), "guess@example.com", secret(other), desk.From{Address: "2001:db8::1"}); !errors.Is(err, signin.ErrWrong) {
			t.Errorf("another address: %v", err)
		}
	})
}
