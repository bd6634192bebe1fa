package credential

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// ErrSealed says that a sealed token cannot be opened: it was sealed with
// another key, for another tenant or integration, or was changed.
var ErrSealed = errors.New("the stored token cannot be opened with this key: restore the key that belongs to the database; without it run `cxm secrets reset`, then `cxm token replace` with a new token")

// Sealer seals tokens. It is safe for concurrent use.
//
// It seals with the keys of a keyset, which is kept in the database, sealed with
// a Key (envelope encryption). Without a keyset it seals with the Key itself, as
// versions of cxm did that had none; what was sealed so still opens.
type Sealer struct {
	key    *Key
	tenant string
	source func() ([]byte, error) // the keyset as it is stored now; nil: there is none

	mu   sync.Mutex
	ring *unlocked // guarded by mu; nil: none yet
	bad  error     // why the keyset cannot be opened; guarded by mu
}

// unlocked is an open keyset.
type unlocked struct {
	sealed []byte // as it is stored
	handle *keyset.Handle
	aead   tink.AEAD
}

// NewSealer seals with the key in the file at path, which is made when absent.
func NewSealer(path string) (*Sealer, error) {
	k, err := keyOfFile(path)
	if err != nil {
		return nil, err
	}
	return &Sealer{key: k}, nil
}

// Sealer seals for a tenant with the keyset that source reads from where it is
// kept. Source is called now, and again when something was sealed with a key that
// another process added meanwhile. A keyset that this key does not open is no
// error here: sealing and opening then are, since all else works without.
func (k *Key) Sealer(tenant string, source func() ([]byte, error)) (*Sealer, error) {
	s := &Sealer{key: k, tenant: tenant, source: source}
	err := s.Refresh()
	if errors.Is(err, ErrSealed) {
		return s, nil
	}
	return s, err
}

// Refresh reads the keyset again.
func (s *Sealer) Refresh() error {
	sealed, err := s.source()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ring != nil && bytes.Equal(s.ring.sealed, sealed) {
		return nil
	}
	handle, err := s.key.open(s.tenant, sealed)
	if err != nil {
		s.bad = err
		return err
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return fmt.Errorf("the keyset holds no key that seals: %w", err)
	}
	s.ring, s.bad = &unlocked{sealed: sealed, handle: handle, aead: primitive}, nil
	return nil
}

// now is what seals now.
func (s *Sealer) now() (tink.AEAD, *keyset.Handle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.bad != nil:
		return nil, nil, s.bad
	case s.ring == nil:
		return s.key.aead, nil, nil
	}
	return s.ring.aead, s.ring.handle, nil
}

// Seal encrypts a token so that it opens only for this tenant and integration.
func (s *Sealer) Seal(tenant string, integration int64, token Secret) ([]byte, error) {
	sealed, err := s.encrypt(token, purpose(tenant, integration))
	if err != nil {
		return nil, fmt.Errorf("sealing the token of integration %d: %w", integration, err)
	}
	return sealed, nil
}

// Open decrypts what Seal gave. The error is ErrSealed.
func (s *Sealer) Open(tenant string, integration int64, sealed []byte) (Secret, error) {
	clear, err := s.open(sealed, purpose(tenant, integration))
	if err != nil {
		return Secret{}, fmt.Errorf("opening the token of integration %d: %w", integration, err)
	}
	return clear, nil
}

// Reseal seals again, with the key that seals now, what an earlier one sealed.
func (s *Sealer) Reseal(tenant string, integration int64, sealed []byte) ([]byte, error) {
	clear, err := s.Open(tenant, integration, sealed)
	if err != nil {
		return nil, err
	}
	return s.Seal(tenant, integration, clear)
}

func (s *Sealer) encrypt(secret Secret, purpose []byte) ([]byte, error) {
	primitive, _, err := s.now()
	if err != nil {
		return nil, err
	}
	return primitive.Encrypt([]byte(secret.Reveal()), purpose)
}

// open decrypts, with the keys as they are stored by now when those that were
// read do not fit.
func (s *Sealer) open(sealed, purpose []byte) (Secret, error) {
	clear, err := s.decrypt(sealed, purpose)
	if err != nil && s.source != nil && s.Refresh() == nil {
		clear, err = s.decrypt(sealed, purpose)
	}
	if err != nil {
		return Secret{}, err
	}
	return NewSecret(string(clear)), nil
}

// decrypt tries the keyset, then the key itself, which sealed before there was
// one. What no key of either sealed is not asked for where asking costs a call.
func (s *Sealer) decrypt(sealed, purpose []byte) ([]byte, error) {
	primitive, _, err := s.now()
	if err != nil {
		return nil, err
	}
	clear, err := primitive.Decrypt(sealed, purpose)
	if _, remote := s.key.aead.(*vault); err != nil && !remote {
		clear, err = s.key.aead.Decrypt(sealed, purpose)
	}
	if err != nil {
		return nil, ErrSealed
	}
	return clear, nil
}

// purpose is what a sealed token is bound to. The quotes keep a tenant's name
// from running into the number.
func purpose(tenant string, integration int64) []byte {
	return fmt.Appendf(nil, "cxm credential v1 tenant=%q integration=%d", tenant, integration)
}

// Under is the keyset as it is, sealed with another key, and which key in it seals.
func (s *Sealer) Under(k *Key) (sealed []byte, id uint32, err error) {
	_, handle, err := s.now()
	if err != nil {
		return nil, 0, err
	}
	return k.seal(s.tenant, handle)
}

// Grown is the keyset with a new key that seals from then on. The others stay and
// open what they sealed. A keyset that has several keys already, since an earlier
// change of keys did not come to its end, is returned as it is.
func (s *Sealer) Grown() (sealed []byte, id uint32, err error) {
	return s.changed(func(m *keyset.Manager, info []uint32, _ uint32) error {
		if len(info) > 1 {
			return nil
		}
		id, err := m.Add(aead.AES256GCMKeyTemplate())
		if err != nil {
			return err
		}
		return m.SetPrimary(id)
	})
}

// Pruned is the keyset with the key alone that seals.
func (s *Sealer) Pruned() (sealed []byte, id uint32, err error) {
	return s.changed(func(m *keyset.Manager, ids []uint32, primary uint32) error {
		for _, id := range ids {
			if id == primary {
				continue
			}
			if err := m.Delete(id); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Sealer) changed(f func(m *keyset.Manager, ids []uint32, primary uint32) error) ([]byte, uint32, error) {
	_, handle, err := s.now()
	if err != nil {
		return nil, 0, err
	}
	if handle == nil {
		return nil, 0, errors.New("there is no keyset to change")
	}
	var ids []uint32
	for _, k := range handle.KeysetInfo().GetKeyInfo() {
		ids = append(ids, k.GetKeyId())
	}
	m := keyset.NewManagerFromHandle(handle)
	if err := f(m, ids, handle.KeysetInfo().GetPrimaryKeyId()); err != nil {
		return nil, 0, fmt.Errorf("changing the keys: %w", err)
	}
	next, err := m.Handle()
	if err != nil {
		return nil, 0, fmt.Errorf("changing the keys: %w", err)
	}
	return s.key.seal(s.tenant, next)
}
