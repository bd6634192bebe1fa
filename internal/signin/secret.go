package signin

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math/big"
	"strings"

	"cxm/internal/credential"
)

// ValueKind is what a value is for. It is how the value begins, so that people, and
// scanners for secrets, know what they found.
type ValueKind string

// The kinds of values.
const (
	ValueToken   ValueKind = "cxm_"  // an API token
	ValueSession ValueKind = "cxmw_" // a session of a browser
	ValueLink    ValueKind = "cxml_" // in a link
)

// digits are those of a number to base 62, as big.Int writes them.
const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// How long the parts behind the kind are: 256 random bits, and a checksum.
const (
	randomLength = 43
	sumLength    = 6
	hintLength   = 4
)

// Mint makes a value that nobody can guess.
func Mint(k ValueKind) credential.Secret {
	bits := make([]byte, 32)
	_, _ = rand.Read(bits) // it never fails
	body := string(k) + base62(new(big.Int).SetBytes(bits), randomLength)
	return credential.NewSecret(body + checksum(body))
}

func base62(n *big.Int, length int) string {
	text := n.Text(62)
	return strings.Repeat("0", max(0, length-len(text))) + text
}

// checksum lets a value that was mistyped, or made up, be told without asking the
// database, and a scanner tell a leaked one from a text that looks like it.
func checksum(body string) string {
	return base62(big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))), sumLength)
}

// Read says what a value is for. The error is ErrNotKnown when it cannot be one.
func Read(value credential.Secret) (ValueKind, error) {
	text := value.Reveal()
	for _, k := range []ValueKind{ValueToken, ValueSession, ValueLink} {
		rest, ok := strings.CutPrefix(text, string(k))
		if !ok || len(rest) != randomLength+sumLength || strings.Trim(rest, digits) != "" {
			continue
		}
		if body := text[:len(text)-sumLength]; checksum(body) == text[len(body):] {
			return k, nil
		}
	}
	return "", fmt.Errorf("%w: it is not written as one; copy it again whole", ErrNotKnown)
}

// Digest is what is kept of a value. It is a plain hash: 256 random bits need no salt.
func Digest(value credential.Secret) string {
	sum := sha256.Sum256([]byte(value.Reveal()))
	return hex.EncodeToString(sum[:])
}

// Hint is how the value of a token begins: enough to know it by, and to no other use.
func Hint(value credential.Secret) string {
	text := value.Reveal()
	return text[:min(len(text), len(ValueToken)+hintLength)]
}
