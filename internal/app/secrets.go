package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"cxm/internal/credential"
	"cxm/internal/store"
	"cxm/internal/store/tokens"
)

// openKey opens the key that seals the keys.
func (c Config) openKey() (*credential.Key, error) {
	c.Key.File = filepath.Join(c.DataDir, "key.json")
	key, err := c.Key.Open()
	if err != nil {
		return nil, fmt.Errorf("opening the key that seals the tokens: %w", err)
	}
	return key, nil
}

// openSealer opens the keys that seal tokens, which are made on first use.
func (a *App) openSealer(ctx context.Context, key *credential.Key) (*credential.Sealer, error) {
	if _, err := a.Tokens.Keyset(ctx); errors.Is(err, store.ErrNotFound) {
		sealed, id, err := key.NewKeyset(a.Tenant)
		if err == nil {
			err = a.Tokens.AddKeyset(ctx, tokens.Keyset{Sealed: sealed, Key: id}, a.Clock().UTC())
		}
		if err != nil {
			return nil, err
		}
	}
	sealer, err := key.Sealer(a.Tenant, func() ([]byte, error) {
		k, err := a.Tokens.Keyset(context.WithoutCancel(ctx))
		return k.Sealed, err
	})
	if err != nil {
		return nil, fmt.Errorf("opening the keys that seal the tokens: %w", err)
	}
	if sealer.Refresh() == nil {
		return sealer, nil
	}
	if empty, err := a.Tokens.Empty(ctx); err != nil || !empty {
		return sealer, err // all that needs no token works
	}
	err = a.newKeys(ctx, key)
	if errors.Is(err, tokens.ErrStale) { // another process made them
		err = nil
	}
	return sealer, errors.Join(err, sealer.Refresh())
}

// newKeys makes keys in the place of those that are stored.
func (a *App) newKeys(ctx context.Context, key *credential.Key) error {
	k, err := a.Tokens.Keyset(ctx)
	if err == nil {
		k.Sealed, k.Key, err = key.NewKeyset(a.Tenant)
	}
	if err != nil {
		return err
	}
	return a.Tokens.SaveKeyset(ctx, k, a.Clock().UTC())
}

// Rekeyed is what a change of keys did.
type Rekeyed struct {
	Sealed int    `json:"sealed"` // values that were sealed again
	Key    string `json:"key"`    // what seals the keys, for people
}

// Rekey makes a new key and seals everything again with it, in one transaction;
// then the old key is gone. Until then both are in the keyset, so that everything
// can be read whenever it stops on its way, and running it again goes on.
//
// from is the key that sealed the keys so far, where that changes too: then
// Config.Key seals them from now on. Nil: it stays.
func (a *App) Rekey(ctx context.Context, from *credential.Place) (Rekeyed, error) {
	key, err := a.openKey()
	if err != nil {
		return Rekeyed{}, err
	}
	if from != nil {
		if err := a.under(ctx, *from, key); err != nil {
			return Rekeyed{}, err
		}
	}
	k, err := a.Tokens.Keyset(ctx)
	if err != nil {
		return Rekeyed{}, err
	}
	if err := a.Sealer.Refresh(); err != nil {
		return Rekeyed{}, err
	}
	if k.Sealed, k.Key, err = a.Sealer.Grown(); err != nil {
		return Rekeyed{}, err
	}
	now := a.Clock().UTC()
	if err := a.Tokens.SaveKeyset(ctx, k, now); err != nil {
		return Rekeyed{}, err
	}
	if err := a.Sealer.Refresh(); err != nil {
		return Rekeyed{}, err
	}
	if k.Sealed, k.Key, err = a.Sealer.Pruned(); err != nil {
		return Rekeyed{}, err
	}
	k.Version++
	n, err := a.Tokens.Reseal(ctx, k, tokens.Sealing{
		Token: func(integration int64, sealed []byte) ([]byte, error) {
			return a.Sealer.Reseal(a.Tenant, integration, sealed)
		},
		Hook: func(endpoint string, sealed []byte) ([]byte, error) {
			return a.Sealer.ResealHook(a.Tenant, endpoint, sealed)
		},
		Audit: func(key string, sealed []byte) ([]byte, error) { return a.Sealer.ResealAudit(a.Tenant, key, sealed) },
	}, now)
	if err != nil {
		return Rekeyed{}, err
	}
	return Rekeyed{Sealed: n, Key: key.Name()}, a.Sealer.Refresh()
}

// under has key seal the keyset that another key sealed so far. It may be run
// again after it stopped on its way.
func (a *App) under(ctx context.Context, from credential.Place, key *credential.Key) error {
	if a.Sealer.Refresh() == nil {
		return nil // it does already
	}
	old, err := from.Open()
	if err != nil {
		return fmt.Errorf("opening the key of before: %w", err)
	}
	k, err := a.Tokens.Keyset(ctx)
	if err != nil {
		return err
	}
	before, err := old.Sealer(a.Tenant, func() ([]byte, error) { return k.Sealed, nil })
	if err != nil {
		return err
	}
	if k.Sealed, k.Key, err = before.Under(key); err != nil {
		return err
	}
	return a.Tokens.SaveKeyset(ctx, k, a.Clock().UTC())
}

// ResetSecrets makes new keys where those in the database cannot be opened any
// more. What they sealed stays unreadable: each integration needs a new token.
func (a *App) ResetSecrets(ctx context.Context) error {
	if a.Sealer.Refresh() == nil {
		return errors.New("the keys in the database open: there is nothing to reset (`cxm secrets rekey` makes a new key and keeps the tokens)")
	}
	key, err := a.openKey()
	if err != nil {
		return err
	}
	if err := a.newKeys(ctx, key); err != nil {
		return err
	}
	if err := a.Sealer.Refresh(); err != nil {
		return err
	}
	return a.PrepareAudit(ctx) // nobody opens the key any more that signed so far
}

// KeyPlace says where the key is that seals the keys.
type KeyPlace = credential.Place

// NewKeyPlace is a key's place in words of the environment: a URI, else a Tink
// keyset in base64, else the file key.json. getenv tells how to speak to Vault
// (VAULT_TOKEN, VAULT_NAMESPACE).
func NewKeyPlace(uri, text string, getenv func(string) string) KeyPlace {
	p := KeyPlace{URI: uri, Vault: credential.Vault{Token: credential.NewSecret(getenv("VAULT_TOKEN")), Namespace: getenv("VAULT_NAMESPACE")}}
	if text != "" {
		p.Text = credential.NewSecret(text)
	}
	return p
}
