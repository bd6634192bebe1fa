package receive

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"math/big"
	"net/http"
	"strings"

	"cxm/internal/credential"
	"cxm/internal/source"
)

// A token is tokenMark, tokenSecret characters that nobody can guess (178 bits), and
// tokenSum characters of a checksum, by which a scanner tells it from other text, and
// a token that lost a character is known without asking anybody.
const (
	tokenMark   = "cxms_"
	tokenSecret = 30
	tokenSum    = 6
	alphabet    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// NewToken makes a token.
func NewToken() credential.Secret {
	var text strings.Builder
	text.WriteString(tokenMark)
	for range tokenSecret {
		n, _ := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet)))) // it does not fail since Go 1.24
		text.WriteByte(alphabet[n.Int64()])
	}
	return credential.NewSecret(text.String() + checksum(text.String()))
}

func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	var out [tokenSum]byte
	for i := range out {
		out[tokenSum-1-i] = alphabet[sum%uint32(len(alphabet))]
		sum /= uint32(len(alphabet))
	}
	return string(out[:])
}

// WellFormed says whether a text is a token as NewToken makes them, whoever's.
func WellFormed(text string) bool {
	rest, marked := strings.CutPrefix(text, tokenMark)
	if !marked || len(rest) != tokenSecret+tokenSum {
		return false
	}
	return checksum(text[:len(text)-tokenSum]) == text[len(text)-tokenSum:]
}

// HashOf is what cxm keeps of a token. A token cannot be guessed, so that one round
// of a fast hash is enough.
func HashOf(token credential.Secret) Hash { return sha256.Sum256([]byte(token.Reveal())) }

// forged is the one answer to all that proves nothing.
func forged() *fault {
	return &fault{
		status: http.StatusUnauthorized, header: "authorization",
		detail: "no source fits this address and token: send the token that `cxm source add` or `cxm source rotate` printed as `Authorization: Bearer TOKEN`, or the source's name and the token as user and password",
	}
}

// prove says which source sends a request; hook is the one that its path names. A
// source comes with the fault when one was named that there is.
func (r *Receiver) prove(req *http.Request, hook string) (Source, *fault) {
	user, token, ok := presented(req)
	hash := HashOf(credential.NewSecret(token))
	name := hook
	if name == "" {
		name = user
	}
	// The token alone says who it is: several tenants may have a source of one name.
	// It is looked up by its hash, so that how long that takes tells nothing of it.
	from, known := r.Sources.Bearing(hash)
	switch {
	case !ok || !known || name != "" && name != from.Name || user != "" && user != from.Name:
		meant, _ := r.Sources.Named(name)
		return Source{ID: meant.ID}, forged()
	case hook == "" && from.Type != source.CloudEvents:
		return from, &fault{status: http.StatusForbidden, detail: "this source delivers " + string(from.Type) + ", not CloudEvents: have it deliver to /v1/hooks/" + from.Name}
	}
	return from, nil
}

// presented is the token of a request, and the user that comes with it.
func presented(req *http.Request) (user, token string, ok bool) {
	if len(req.Header.Values("Authorization")) > 1 {
		return "", "", false
	}
	if user, token, ok = req.BasicAuth(); ok {
		return user, token, user != ""
	}
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	return "", strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer") && token != ""
}
