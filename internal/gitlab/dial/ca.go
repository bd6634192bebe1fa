package dial

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// largest is more than any bundle of certificates has.
const largest = 1 << 20

// ParseCA reads the certificates of a private authority in PEM and gives them
// back without anything else that stood in the file. The error says what is
// wrong, with the mend.
func ParseCA(text string, now time.Time) (string, error) {
	var out strings.Builder
	certificates, err := decode(text)
	if err != nil {
		return "", err
	}
	for _, c := range certificates {
		switch {
		case now.After(c.NotAfter):
			return "", fmt.Errorf("the certificate of %s expired on %s: get the authority's present one", named(c), c.NotAfter.UTC().Format(time.DateOnly))
		case now.Before(c.NotBefore):
			return "", fmt.Errorf("the certificate of %s is valid from %s only: check this machine's clock", named(c), c.NotBefore.UTC().Format(time.DateOnly))
		}
		if err := pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}); err != nil {
			return "", fmt.Errorf("writing the certificate of %s again: %w", named(c), err)
		}
	}
	return out.String(), nil
}

func decode(text string) ([]*x509.Certificate, error) {
	if len(text) > largest {
		return nil, fmt.Errorf("the file has %d bytes, more than any bundle of certificates: is it the right file", len(text))
	}
	var out []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if strings.Contains(block.Type, "PRIVATE KEY") {
			return nil, errors.New("the file holds a private key: give one with the certificates alone, and keep the key where it belongs")
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("the file holds a %.40s: give one with certificates alone", strings.ToLower(block.Type))
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of the file cannot be read: %w", len(out)+1, err)
		}
		out = append(out, c)
	}
	if len(out) > 0 {
		return out, nil
	}
	if _, err := x509.ParseCertificate([]byte(text)); err == nil {
		return nil, errors.New("the certificate is in the binary form (DER): write it as PEM with `openssl x509 -inform der -in FILE`")
	}
	return nil, errors.New("the file holds no certificate: give the authority's in PEM, which begins with -----BEGIN CERTIFICATE-----")
}

func named(c *x509.Certificate) string {
	if c.Subject.CommonName != "" {
		return fmt.Sprintf("%.80q", c.Subject.CommonName)
	}
	return fmt.Sprintf("%.80q", c.Subject.String())
}

// trusting is the system's certificates with those of text. One that expired
// since it was stored stays: whoever connects says so.
func trusting(text string) (*x509.CertPool, error) {
	certificates, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("reading the stored certificates: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a system without certificates
	}
	for _, c := range certificates {
		pool.AddCert(c)
	}
	return pool, nil
}
