// Package auditing looks after the audit log: the key that signs it, its head
// outside of the database, and what people ask of it.
//
// What always holds: the key that signs is in the database sealed only; a head
// that was written outside of the database gives way only to one of the same log
// that is longer; a log that cannot be signed is written all the same, and signed
// later.
package auditing

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"cxm/internal/app/core"
	"cxm/internal/audit"
	"cxm/internal/credential"
	kept "cxm/internal/store/audit"
	"cxm/internal/store/db"
	"cxm/internal/store/tokens"
)

// Pen signs within transactions, once there is a key. It is safe for concurrent
// use; the zero value has none.
type Pen struct {
	mu      sync.Mutex
	signers map[string]*audit.Signer // by tenant
}

// Of is the tenant's signer; nil: there is none now.
func (p *Pen) Of(tenant string) *audit.Signer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.signers[tenant]
}

func (p *Pen) take(tenant string, s *audit.Signer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.signers == nil {
		p.signers = map[string]*audit.Signer{}
	}
	p.signers[tenant] = s
}

// Auditor looks after the log of a tenant.
type Auditor struct {
	*core.Core
	pen *Pen
	dir string // holds the head
}

// New is an auditor that gives its key to pen, and keeps the head in the folder
// dir: beside the key, and not beside the database where that is elsewhere.
func New(c *core.Core, pen *Pen, dir string) *Auditor { return &Auditor{Core: c, pen: pen, dir: dir} }

func (a *Auditor) log() *kept.Store { return kept.New(a.DB.Base(), a.Tenant, a.Clock) }

// PrepareAudit opens the key that signs, or makes one. Where the keys of the
// installation cannot be opened nothing is signed: that is no error here.
func (a *Auditor) PrepareAudit(ctx context.Context) error {
	all, err := a.log().Keys(ctx)
	if err != nil {
		return err
	}
	var newest *audit.Signer
	var made kept.Key
	for _, k := range all {
		if s := a.unseal(k); s != nil && (newest == nil || k.MadeAt.After(made.MadeAt)) {
			newest, made = s, k
		}
	}
	if newest == nil {
		newest, err = a.makeKey(ctx)
	}
	if err != nil {
		a.Logger.Warn("the audit log is not signed for now", "error", err)
		return nil
	}
	a.pen.take(a.Tenant, newest)
	return nil
}

// unseal opens a key; nil: it cannot be, or is not the one that it says.
func (a *Auditor) unseal(k kept.Key) *audit.Signer {
	seed, err := a.Sealer.OpenAudit(a.Tenant, k.ID, k.Sealed)
	if err != nil || len(seed.Reveal()) != ed25519.SeedSize {
		return nil
	}
	if s := audit.NewSigner([]byte(seed.Reveal())); s.Key() == k.ID && s.Public.Equal(ed25519.PublicKey(k.Public)) {
		return s
	}
	return nil
}

func (a *Auditor) makeKey(ctx context.Context) (*audit.Signer, error) {
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed) // never fails
	s := audit.NewSigner(seed)
	sealed, err := a.Sealer.SealAudit(a.Tenant, s.Key(), credential.NewSecret(string(seed)))
	if err != nil {
		return nil, err
	}
	k := kept.Key{ID: s.Key(), Public: s.Public, Sealed: sealed, MadeAt: a.Clock().UTC()}
	return s, a.log().AddKey(ctx, k, func(ctx context.Context, q *db.Queries) error { return tokens.SealedByNow(ctx, q, a.Tenant, sealed) })
}

// keys are the public keys, each with whether its private part could be opened.
func (a *Auditor) keys(ctx context.Context) (audit.Keys, error) {
	all, err := a.log().Keys(ctx)
	out := audit.Keys{}
	for _, k := range all {
		out[k.ID] = audit.PublicKey{Public: k.Public, Proved: a.unseal(k) != nil}
	}
	return out, err
}

// AnchorAudit signs what was added since the last signature, and writes the head
// beside the key. It is called when a command ends, and now and then.
func (a *Auditor) AnchorAudit(ctx context.Context) error {
	signer := a.pen.Of(a.Tenant)
	if signer == nil {
		return nil
	}
	h, err := a.log().Head(ctx)
	if err != nil || h.Sequence == 0 {
		return err
	}
	if h.Sequence > h.Anchored {
		if h, _, err = a.log().Anchor(ctx, signer); err != nil {
			return err
		}
	}
	return a.keepHead(ctx, h)
}

// errOtherHead says that the head beside the key is not of this log.
var errOtherHead = errors.New("the head of the audit log beside the key is another than the log's: run `cxm audit verify` to see why")

// keepHead writes the head, unless the one there is not of this log, or of a later
// time.
func (a *Auditor) keepHead(ctx context.Context, h audit.Head) error {
	was, err := a.readHead()
	if errors.Is(err, fs.ErrNotExist) {
		return a.writeHead(h)
	}
	if err != nil || was.Sequence == h.Sequence && was.Hash == h.Hash {
		return err
	}
	if err := a.sameLog(ctx, was, h); err != nil || was.Sequence > h.Sequence {
		return err
	}
	return a.writeHead(h)
}

// sameLog says that the line is in the log which was its last once: it is there as
// it was, or retention has removed it.
func (a *Auditor) sameLog(ctx context.Context, was, is audit.Head) error {
	lines, err := a.log().List(ctx, kept.Filter{Before: was.Sequence + 1, Most: 1})
	switch {
	case err != nil:
		return err
	case len(lines) == 0 && was.Sequence < is.Sequence:
		return nil
	case len(lines) == 1 && lines[0].Sequence == was.Sequence && lines[0].Hash == was.Hash:
		return nil
	}
	return errOtherHead
}

// headFile is where the head is kept outside of the database.
func (a *Auditor) headFile() string {
	return filepath.Join(a.dir, "audit-"+url.PathEscape(a.Tenant)+".head")
}

func (a *Auditor) readHead() (audit.Head, error) {
	text, err := os.ReadFile(a.headFile())
	if err != nil {
		return audit.Head{}, err
	}
	h, err := audit.ReadHead(text)
	if err == nil && h.Tenant != a.Tenant {
		err = fmt.Errorf("it is of tenant %q", h.Tenant)
	}
	if err != nil {
		return h, fmt.Errorf("reading %s: %w", a.headFile(), err)
	}
	return h, nil
}

// writeHead puts a whole file in the place of the one before.
func (a *Auditor) writeHead(h audit.Head) error {
	f, err := os.CreateTemp(a.dir, ".audit-*")
	if err != nil {
		return fmt.Errorf("writing the head of the audit log: %w", err)
	}
	defer os.Remove(f.Name()) // after the rename it is gone
	_, err = f.Write(h.Encode())
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), a.headFile())
	}
	return err
}
