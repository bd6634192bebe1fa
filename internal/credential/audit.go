package credential

import "fmt"

// SealAudit encrypts the key that signs the audit log, so that it opens only for
// this tenant and under its name, and never as a token.
func (s *Sealer) SealAudit(tenant, key string, seed Secret) ([]byte, error) {
	sealed, err := s.encrypt(seed, auditPurpose(tenant, key))
	if err != nil {
		return nil, fmt.Errorf("sealing the key that signs the audit log: %w", err)
	}
	return sealed, nil
}

// OpenAudit decrypts what SealAudit gave. The error is ErrSealed.
func (s *Sealer) OpenAudit(tenant, key string, sealed []byte) (Secret, error) {
	clear, err := s.open(sealed, auditPurpose(tenant, key))
	if err != nil {
		return Secret{}, fmt.Errorf("opening the key that signs the audit log: %w", err)
	}
	return clear, nil
}

// ResealAudit is Reseal for the key that signs the audit log.
func (s *Sealer) ResealAudit(tenant, key string, sealed []byte) ([]byte, error) {
	clear, err := s.OpenAudit(tenant, key, sealed)
	if err != nil {
		return nil, err
	}
	return s.SealAudit(tenant, key, clear)
}

func auditPurpose(tenant, key string) []byte {
	return fmt.Appendf(nil, "cxm audit key v1 tenant=%q key=%q", tenant, key)
}
