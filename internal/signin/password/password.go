// Package password hashes passwords with argon2id, and says which are too easy to
// guess.
//
// What always holds: no more hashes are computed at once than were allowed, so that
// people who sign in cannot use up the memory; a hash carries its salt and its
// parameters; comparing takes as long for an account that does not exist as for a
// wrong password; no password is ever part of an error.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"cxm/internal/credential"
)

// ErrBusy says that too many wait for a hash already.
var ErrBusy = errors.New("too many people sign in at this moment: try again in some seconds")

// Cost is what one hash takes. The zero value is the default.
type Cost struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// DefaultCost is above what OWASP's Password Storage Cheat Sheet asks of argon2id
// (19 MiB and two passes).
func DefaultCost() Cost { return Cost{Memory: 46 << 10, Passes: 2, Threads: 1} }

const (
	saltSize = 16
	hashSize = 32
)

// What a stored hash may ask for: one that somebody put into the database must not
// use up the memory.
const (
	mostMemory = 1 << 20 // KiB
	mostPasses = 16
)

// Hasher hashes passwords. It is safe for concurrent use.
type Hasher struct {
	cost    Cost
	turns   chan struct{}
	queue   int32 // how many may wait
	waiting atomic.Int32
	nobody  string // a hash that no password has
}

// New makes a Hasher that computes at most n hashes at once, and has at most 32 times
// as many wait for their turn.
func New(c Cost, n int) *Hasher {
	if c == (Cost{}) {
		c = DefaultCost()
	}
	h := &Hasher{cost: c, turns: make(chan struct{}, max(n, 1)), queue: int32(max(n, 1) * 32)}
	h.nobody = format(c, make([]byte, saltSize), make([]byte, hashSize))
	return h
}

// Hash is what is stored of a password. The error is ErrBusy, or that of ctx.
func (h *Hasher) Hash(ctx context.Context, secret credential.Secret) (string, error) {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // it never fails
	sum, err := h.compute(ctx, secret, h.cost, salt)
	if err != nil {
		return "", err
	}
	return format(h.cost, salt, sum), nil
}

// Verify says whether the password is the one that stored is of, and whether it
// should be hashed anew, since the cost has changed. A stored text that is empty is
// that of nobody: it takes as long, and is never right.
func (h *Hasher) Verify(ctx context.Context, stored string, secret credential.Secret) (right, stale bool, err error) {
	nobody := stored == ""
	if nobody {
		stored = h.nobody
	}
	c, salt, want, err := parse(stored)
	if err != nil {
		return false, false, err
	}
	got, err := h.compute(ctx, secret, c, salt)
	if err != nil {
		return false, false, err
	}
	right = subtle.ConstantTimeCompare(got, want) == 1 && !nobody
	return right, right && c != h.cost, nil
}

// compute waits for its turn.
func (h *Hasher) compute(ctx context.Context, secret credential.Secret, c Cost, salt []byte) ([]byte, error) {
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > h.queue+int32(cap(h.turns)) {
		return nil, ErrBusy
	}
	select {
	case h.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.turns }()
	return argon2.IDKey([]byte(norm.NFKC.String(secret.Reveal())), salt, c.Passes, c.Memory, c.Threads, hashSize), nil
}

// format writes a hash as the reference implementation of argon2 does.
func format(c Cost, salt, sum []byte) string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Passes, c.Threads, enc.EncodeToString(salt), enc.EncodeToString(sum))
}

func parse(text string) (c Cost, salt, sum []byte, err error) {
	var version int
	var rest string
	_, err = fmt.Sscanf(text, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s", &version, &c.Memory, &c.Passes, &c.Threads, &rest)
	if err == nil {
		salt, sum, err = parts(rest)
	}
	switch {
	case err != nil:
	case version != argon2.Version:
		err = fmt.Errorf("version %d of argon2id", version)
	case c.Memory < 8 || c.Memory > mostMemory || c.Passes < 1 || c.Passes > mostPasses || c.Threads < 1:
		err = errors.New("its cost is out of bounds")
	}
	if err != nil {
		return c, nil, nil, fmt.Errorf("the stored password cannot be read (%w): have an admin make a link to choose a new one (`cxm people reset-link`)", err)
	}
	return c, salt, sum, nil
}

// parts are the salt and the hash behind the parameters.
func parts(text string) (salt, sum []byte, err error) {
	for i := range len(text) {
		if text[i] != '$' {
			continue
		}
		salt, err = base64.RawStdEncoding.DecodeString(text[:i])
		if err == nil {
			sum, err = base64.RawStdEncoding.DecodeString(text[i+1:])
		}
		if err == nil && (len(salt) < 8 || len(sum) != hashSize) {
			err = errors.New("its parts have another length")
		}
		return salt, sum, err
	}
	return nil, nil, errors.New("a part is missing")
}
