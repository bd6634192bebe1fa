package password_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"cxm/internal/credential"
	"cxm/internal/signin/password"
)

func cheap() password.Cost { return password.Cost{Memory: 8, Passes: 1, Threads: 1} }

func secret(text string) credential.Secret { return credential.NewSecret(text) }

func TestHash(t *testing.T) {
	h := password.New(cheap(), 2)
	stored, err := h.Hash(t.Context(), secret("blue kettle seven walls"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.Hash(t.Context(), secret("blue kettle seven walls"))
	if err != nil || again == stored {
		t.Errorf("two hashes of one password are the same: no salt (%v)", err)
	}
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Errorf("the hash does not carry its parameters: %s", stored)
	}
	for _, c := range []struct {
		stored, typed string
		right         bool
	}{
		{stored, "blue kettle seven walls", true},
		{stored, "blue kettle seven wall", false},
		{stored, "", false},
		{"", "", false},
		{"", "blue kettle seven walls", false},
	} {
		right, stale, err := h.Verify(t.Context(), c.stored, secret(c.typed))
		if right != c.right || stale || err != nil {
			t.Errorf("%q: %v, stale %v, %v", c.typed, right, stale, err)
		}
	}
	accents, err := h.Hash(t.Context(), secret("caf\u00e9 kettle seven"))
	if err != nil {
		t.Fatal(err)
	}
	if right, _, _ := h.Verify(t.Context(), accents, secret("cafe\u0301 kettle seven")); !right {
		t.Error("a keyboard that composes an accent otherwise gives another password")
	}
}

// A changed cost leaves old hashes good, and says that they are to be made anew.
func TestRehash(t *testing.T) {
	stored, err := password.New(cheap(), 1).Hash(t.Context(), secret("blue kettle seven walls"))
	if err != nil {
		t.Fatal(err)
	}
	h := password.New(password.Cost{Memory: 16, Passes: 2, Threads: 1}, 1)
	if right, stale, err := h.Verify(t.Context(), stored, secret("blue kettle seven walls")); !right || !stale || err != nil {
		t.Errorf("right %v, stale %v, %v", right, stale, err)
	}
	if _, stale, _ := h.Verify(t.Context(), stored, secret("wrong")); stale {
		t.Error("a wrong password is hashed anew")
	}
}

// What somebody put into the database neither passes nor uses up the memory.
func TestStoredRubbish(t *testing.T) {
	h := password.New(cheap(), 1)
	for _, stored := range []string{
		"x", "$argon2id$", "$argon2i$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AA", "$argon2id$v=18$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + strings.Repeat("A", 43),
		"$argon2id$v=19$m=4194304,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + strings.Repeat("A", 43), "$argon2id$v=19$m=8,t=99999,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + strings.Repeat("A", 43),
		"$argon2id$v=19$m=8,t=1,p=0$AAAAAAAAAAAAAAAAAAAAAA$" + strings.Repeat("A", 43), "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$", "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA",
	} {
		if right, _, err := h.Verify(t.Context(), stored, secret("x")); right || err == nil {
			t.Errorf("%s: %v, %v", stored, right, err)
		}
	}
}

// No more than n hashes are computed at once: who comes late waits, and where too
// many wait, is told to come back.
func TestBounded(t *testing.T) {
	h := password.New(password.Cost{Memory: 16 << 10, Passes: 8, Threads: 1}, 1)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	results := make(chan error, 200)
	for range 200 {
		go func() {
			_, err := h.Hash(ctx, secret("blue kettle seven walls"))
			results <- err
		}()
	}
	busy := 0
	for range 200 {
		if err := <-results; errors.Is(err, password.ErrBusy) {
			busy++
			stop()
		}
	}
	if busy == 0 {
		t.Error("200 waited for one")
	}
}

func TestCheck(t *testing.T) {
	for _, text := range []string{
		"blue kettle seven walls", "aaaaaaaaaaab", "correct sailor 4 wall", "日本語のとてもながい合言葉です", strings.Repeat("ab cd ef ", 100),
		"password is what I never use", "12 monkeys in a blue tree",
	} {
		if err := password.Check(secret(text), "engineer@example.com", "An Engineer"); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		"":                             "0 characters",
		"elevenchars":                  "11 characters",
		"äöüäöüäöüäö":                  "11 characters",
		strings.Repeat("x1y2 ", 300):   "bytes",
		"\xff\xfe" + "0123456789abc":   "UTF-8",
		"aaaaaaaaaaaa":                 "repeats",
		"abcabcabcabcabc":              "repeats",
		"123456789012":                 "repeats or counts",
		"qwertyuiopas":                 "repeats or counts",
		"zyxwvutsrqpon":                "repeats or counts",
		"1qaz2wsx3edc":                 "counts",
		"Password1234":                 "most used",
		"P@ssw0rdP@ssw0rd":             "most used",
		"correct horse battery staple": "most used",
		"!!administrator2026!!":        "most used",
		"engineer@example.com":         "your own",
		"AN ENGINEER 1":                "your own",
		"engineerengineer99":           "your own",
	} {
		err := password.Check(secret(text), "engineer@example.com", "An Engineer")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, not %q", text, err, want)
		}
		if err != nil && len(text) > 3 && strings.Contains(fmt.Sprint(err), text) {
			t.Errorf("the error repeats the password: %v", err)
		}
	}
}
