// Package credential is a token: how it is carried without being shown, how it is
// sealed at rest, and the life it has until another one takes its place.
//
// What always holds: a token is shown only where Reveal is written; a sealed
// token opens only for the tenant and the integration it was sealed for; the
// keys that seal lie in the database sealed themselves, by a key that is kept
// elsewhere; what becomes of a token is decided by Next, and its times by pure
// functions of what is known of it.
package credential

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode"
)

const redacted = "[redacted]"

// Secret is a token's value. However it is printed, logged or encoded it says
// "[redacted]"; only Reveal gives it away. The zero value is the empty secret.
//
// It holds a function and not a string, since fmt and panic print what lies
// underneath a string type where they cannot call its methods: in an unexported
// field, for %p, as the value of a panic.
type Secret struct{ reveal func() string }

// NewSecret wraps text as it is. What people type goes through Clean.
func NewSecret(text string) Secret { return Secret{func() string { return text }} }

// Reveal is the token in the clear. Every place that calls it is a place where
// it can leak.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// Empty says that there is no token.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// Equal compares in a time that does not depend on where the two differ.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String says "[redacted]".
func (s Secret) String() string { return redacted }

// GoString says "[redacted]".
func (s Secret) GoString() string { return redacted }

// Format says "[redacted]" for every verb and flag.
func (s Secret) Format(w fmt.State, _ rune) { io.WriteString(w, redacted) }

// MarshalJSON says "[redacted]": a token is never stored as JSON.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText says "[redacted]".
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue says "[redacted]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Token is a tracker's access token and what is known of it.
type Token struct {
	Value     Secret
	ExpiresAt time.Time // zero: never, or the tracker does not say
	Scopes    []string  // such as "api", as the tracker spells them
	ID        int64     // the tracker's id of the token; 0: unknown
	Name      string    // the tracker's name of the token
	MadeAt    time.Time // by the tracker; zero: unknown
}

// longest is far beyond any access token (GitLab's have at most a few hundred
// characters) and far below what a wrong file would hold.
const longest = 2048

// Clean reads a token as people paste it or keep it in a file: one line end
// behind it, and a byte order mark before it, are cut off. Anything else that
// cannot be in a token is an error, which never quotes the text.
func Clean(text string) (Secret, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	text = strings.TrimRight(text, "\r\n")
	switch {
	case text == "":
		return Secret{}, fmt.Errorf("the token is empty: paste the token, or name a file that holds it")
	case strings.TrimSpace(text) == "":
		return Secret{}, fmt.Errorf("the token is nothing but white space: paste the token again")
	case len(text) > longest:
		return Secret{}, fmt.Errorf("the token has %d bytes, which no token has: is it the right file", len(text))
	case strings.ContainsAny(text, "\r\n"):
		return Secret{}, fmt.Errorf("the token has several lines: keep the token alone on one line")
	case strings.ContainsFunc(text, unicode.IsSpace):
		return Secret{}, fmt.Errorf("the token has white space %s: paste it again without", place(text))
	case strings.ContainsAny(text, "\"'`"):
		return Secret{}, fmt.Errorf("the token has quotes in or around it: paste it without them")
	}
	for _, r := range text {
		if r < '!' || r > '~' {
			return Secret{}, fmt.Errorf("the token has a character that no token has (U+%04X): paste it again from the tracker's page", r)
		}
	}
	return NewSecret(text), nil
}

// place says where the white space is without saying what stands around it.
func place(text string) string {
	switch trimmed := strings.TrimSpace(text); {
	case strings.ContainsFunc(trimmed, unicode.IsSpace):
		return "inside"
	case strings.TrimLeftFunc(text, unicode.IsSpace) != text:
		return "before it"
	}
	return "behind it"
}
