package credential_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cxm/internal/credential"
)

// word is a token made for this run of the tests.
func word() string { return "glpat-" + rand.Text() }

// holder carries a secret where fmt cannot call its methods.
type holder struct {
	name   string
	hidden credential.Secret
	Shown  credential.Secret
	Deep   map[string][]credential.Token
	any    any
}

func held(secret credential.Secret) holder {
	token := credential.Token{Value: secret, Name: "bot"}
	return holder{"holder", secret, secret, map[string][]credential.Token{"a": {token}}, secret}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	clear := word()
	secret := credential.NewSecret(clear)
	values := map[string]any{
		"the secret": secret, "a pointer to it": &secret, "a struct": held(secret), "a pointer to a struct": &holder{hidden: secret},
		"a token": credential.Token{Value: secret}, "a slice": []credential.Secret{secret}, "a map key": map[any]int{&secret: 1},
		"an error": fmt.Errorf("wrapped: %v", secret), "an interface": []any{secret},
	}
	flags := []string{"", "+", "#", "-", " ", "0", "10.3", "+#"}
	for name, value := range values {
		for verb := '!'; verb < 0x80; verb++ {
			for _, flag := range flags {
				leaks(t, clear, fmt.Sprintf("%s with %%%s%c", name, flag, verb), fmt.Sprintf("%"+flag+string(verb), value))
			}
		}
		leaks(t, clear, name+" with Sprint", fmt.Sprint(value)+fmt.Sprintln(value))
	}
}

// leaks looks for the token in what was printed, also in hex and as bytes.
func leaks(t *testing.T, clear, where, text string) {
	t.Helper()
	forms := []string{clear, clear[6:], fmt.Sprintf("%x", clear), fmt.Sprintf("%X", clear), strings.Trim(fmt.Sprintf("%d", []byte(clear)), "[]"), fmt.Sprintf("% x", clear)}
	for _, form := range forms {
		if strings.Contains(text, form) {
			t.Errorf("%s shows the token: %s", where, text)
		}
	}
}

func TestSecretIsNeverEncoded(t *testing.T) {
	clear := word()
	secret := credential.NewSecret(clear)
	text, err := json.Marshal(map[string]any{"value": secret, "struct": held(secret)})
	if err != nil {
		t.Fatal(err)
	}
	leaks(t, clear, "JSON", string(text))
	if !strings.Contains(string(text), "[redacted]") {
		t.Errorf("JSON does not say that it was left out: %s", text)
	}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		logger := slog.New(handler).With("secret", secret)
		logger.Info("text "+secret.String(), "secret", secret, "struct", held(secret), "token", credential.Token{Value: secret}, "pointer", &secret, slog.Group("g", "s", secret))
	}
	leaks(t, clear, "slog", log.String())
}

// TestSecretIsNotInAPanic panics in another process, since what the runtime
// prints cannot be caught in this one.
func TestSecretIsNotInAPanic(t *testing.T) {
	if clear := os.Getenv("CXM_TEST_PANIC"); clear != "" {
		secret := credential.NewSecret(clear)
		switch os.Getenv("CXM_TEST_PANIC_WITH") {
		case "secret":
			panic(secret)
		case "struct":
			panic(held(secret))
		}
		panic(fmt.Errorf("the request with %v failed", secret))
	}
	clear := word()
	for _, with := range []string{"secret", "struct", "error"} {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSecretIsNotInAPanic$")
		child.Env = append(os.Environ(), "CXM_TEST_PANIC="+clear, "CXM_TEST_PANIC_WITH="+with)
		out, err := child.CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte("panic")) {
			t.Errorf("%s: there was no panic: %s", with, out)
		}
		leaks(t, clear, "a panic with a "+with, string(out))
	}
}

func TestSecretReveals(t *testing.T) {
	clear := word()
	if got := credential.NewSecret(clear).Reveal(); got != clear {
		t.Errorf("%q is revealed as %q", clear, got)
	}
	var none credential.Secret
	if none.Reveal() != "" || !none.Empty() || credential.NewSecret(clear).Empty() {
		t.Error("the zero value is not the empty secret")
	}
	if !none.Equal(credential.NewSecret("")) || !credential.NewSecret(clear).Equal(credential.NewSecret(clear)) || none.Equal(credential.NewSecret(clear)) {
		t.Error("equal secrets are told apart, or others not")
	}
}

func TestCleanTakesWhatPeoplePaste(t *testing.T) {
	clear := word()
	for _, text := range []string{clear, clear + "\n", clear + "\r\n", clear + "\n\n", "\ufeff" + clear + "\r\n"} {
		secret, err := credential.Clean(text)
		if err != nil || secret.Reveal() != clear {
			t.Errorf("%q: %q, %v", text, secret.Reveal(), err)
		}
	}
}

func TestCleanRefuses(t *testing.T) {
	clear := word()
	for _, c := range []struct{ text, want string }{
		{"", "is empty"}, {"\n", "is empty"}, {" \t\n", "nothing but white space"},
		{" " + clear, "white space before it"}, {clear + " \n", "white space behind it"}, {clear[:9] + " " + clear[9:], "white space inside"},
		{clear + "\u00a0", "white space behind it"}, {clear + "\n" + clear, "several lines"}, {"token: " + clear, "white space inside"},
		{`"` + clear + `"`, "quotes"}, {"'" + clear, "quotes"}, {"`" + clear + "`", "quotes"},
		{clear + "\u200b", "U+200B"}, {clear + "\x00", "U+0000"}, {"gl\u2013pat-" + clear, "U+2013"}, {clear + "\xff", "U+FFFD"},
		{strings.Repeat(clear, 100), "is it the right file"},
	} {
		secret, err := credential.Clean(c.text)
		if err == nil {
			t.Errorf("%q was taken", c.text)
			continue
		}
		if !strings.Contains(err.Error(), c.want) || !secret.Empty() {
			t.Errorf("%q: the error is %q, without %q", c.text, err, c.want)
		}
		leaks(t, clear, "the error", err.Error())
	}
}

// TestCleanNeverEchoes tries any text: an error holds no more of it than one
// character's number.
func TestCleanNeverEchoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(12, 200, -1).Draw(t, "text")
		secret, err := credential.Clean(text)
		if err != nil && (strings.Contains(err.Error(), text) || !secret.Empty()) {
			t.Errorf("the error %q holds the text", err)
		}
		if err == nil && strings.ContainsAny(secret.Reveal(), " \t\r\n\"'`\x00") {
			t.Errorf("%q was taken", text)
		}
	})
}
