package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Every is after how many lines one is signed at the latest.
const Every = 100

// Anchor is a signature over a line, and with it over all lines before.
type Anchor struct {
	Tenant    string
	Sequence  int64
	Previous  int64 // the sequence of the anchor before; 0: none
	Hash      Hash  // of the line
	At        time.Time
	Key       string // which key signed
	Signature []byte
}

// Seal is what is left of lines that retention removed.
type Seal struct {
	Tenant    string
	From, To  int64 // sequences of the first and the last of them
	First     Hash  // of the first of them
	Last      Hash  // of the last of them: what the next line holds as the one before
	FirstAt   time.Time
	LastAt    time.Time
	At        time.Time // when they were removed
	Key       string
	Signature []byte
}

// Count is how many lines a seal stands for.
func (s Seal) Count() int64 { return s.To - s.From + 1 }

// Signer signs with an Ed25519 key, which it shows to nobody.
type Signer struct {
	Public ed25519.PublicKey
	sign   func([]byte) []byte
}

// NewSigner signs with the key that a seed of 32 bytes makes.
func NewSigner(seed []byte) *Signer {
	private := ed25519.NewKeyFromSeed(seed)
	public, _ := private.Public().(ed25519.PublicKey) // it always is
	return &Signer{Public: public, sign: func(text []byte) []byte { return ed25519.Sign(private, text) }}
}

// Key names the key.
func (s *Signer) Key() string { return KeyID(s.Public) }

// KeyID names a key: 16 hex digits of the SHA-256 of its public part.
func KeyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:8])
}

// Anchor signs the line at the head of a log.
func (s *Signer) Anchor(h Head, at time.Time) Anchor {
	a := Anchor{Tenant: h.Tenant, Sequence: h.Sequence, Previous: h.Anchored, Hash: h.Hash, At: at.UTC().Truncate(time.Microsecond), Key: s.Key()}
	a.Signature = s.sign(a.text())
	return a
}

// Seal signs what is left of lines.
func (s *Signer) Seal(l Seal) Seal {
	l.FirstAt, l.LastAt, l.At = l.FirstAt.UTC(), l.LastAt.UTC(), l.At.UTC().Truncate(time.Microsecond)
	l.Key = s.Key()
	l.Signature = s.sign(l.text())
	return l
}

// text is what is signed: canonical JSON.
func (a Anchor) text() []byte {
	text, _ := canonical(map[string]any{ // of texts and numbers alone
		"at": a.At.UTC().Format(layout), "hash": a.Hash.String(), "key": a.Key, "previous": a.Previous,
		"sequence": a.Sequence, "tenant": a.Tenant, "type": "anchor",
	})
	return text
}

func (s Seal) text() []byte {
	text, _ := canonical(map[string]any{
		"at": s.At.UTC().Format(layout), "count": s.Count(), "first": s.First.String(), "first_at": s.FirstAt.UTC().Format(layout),
		"from": s.From, "key": s.Key, "last": s.Last.String(), "last_at": s.LastAt.UTC().Format(layout),
		"tenant": s.Tenant, "to": s.To, "type": "seal",
	})
	return text
}

// Keys are the public keys that may have signed a log, by their names.
type Keys map[string]PublicKey

// PublicKey is a key that signed.
type PublicKey struct {
	Public ed25519.PublicKey
	Proved bool // its private part was opened with the installation's key: nobody put another in its place
}

// signed says that the key signed the text.
func (k Keys) signed(key string, text, signature []byte) bool {
	public := k[key].Public
	return len(public) == ed25519.PublicKeySize && KeyID(public) == key && ed25519.Verify(public, text, signature)
}
