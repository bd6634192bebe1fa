package credential

import "fmt"

// SealHook encrypts the secret of a webhook so that it opens only for this tenant
// and endpoint, and never as the token of an integration.
func (s *Sealer) SealHook(tenant, endpoint string, secret Secret) ([]byte, error) {
	sealed, err := s.encrypt(secret, hookPurpose(tenant, endpoint))
	if err != nil {
		return nil, fmt.Errorf("sealing the secret of a webhook: %w", err)
	}
	return sealed, nil
}

// OpenHook decrypts what SealHook gave. The error is ErrSealed.
func (s *Sealer) OpenHook(tenant, endpoint string, sealed []byte) (Secret, error) {
	clear, err := s.open(sealed, hookPurpose(tenant, endpoint))
	if err != nil {
		return Secret{}, fmt.Errorf("opening the secret of a webhook: %w", err)
	}
	return clear, nil
}

// ResealHook is Reseal for the secret of a webhook.
func (s *Sealer) ResealHook(tenant, endpoint string, sealed []byte) ([]byte, error) {
	clear, err := s.OpenHook(tenant, endpoint, sealed)
	if err != nil {
		return nil, err
	}
	return s.SealHook(tenant, endpoint, clear)
}

func hookPurpose(tenant, endpoint string) []byte {
	return fmt.Appendf(nil, "cxm webhook v1 tenant=%q endpoint=%q", tenant, endpoint)
}
