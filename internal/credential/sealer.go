package credential

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// ErrSealed says that a sealed token cannot be opened: it was sealed with
// another key, for another tenant or integration, or was changed.
var ErrSealed = errors.New("the stored token cannot be opened with this key: restore the key file that belongs to the database, or connect again with a new token")

// Sealer seals tokens with the keys of one file. It is safe for concurrent use.
type Sealer struct{ aead tink.AEAD }

// NewSealer reads the keyset (Tink's JSON form, AES-256-GCM) at path. When the
// file is absent it is made, whole or not at all, readable by its owner alone;
// of several processes that make it at once all use the same. A file that
// others can read is refused. Losing the file means connecting again.
func NewSealer(path string) (*Sealer, error) {
	handle, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = create(path); err == nil {
			handle, err = read(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the key file %s: %w", path, err)
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("the key file %s holds no key that seals (AEAD): restore the one cxm made: %w", path, err)
	}
	return &Sealer{primitive}, nil
}

// Seal encrypts a token so that it opens only for this tenant and integration.
func (s *Sealer) Seal(tenant string, integration int64, token Secret) ([]byte, error) {
	sealed, err := s.aead.Encrypt([]byte(token.Reveal()), purpose(tenant, integration))
	if err != nil {
		return nil, fmt.Errorf("sealing the token of integration %d: %w", integration, err)
	}
	return sealed, nil
}

// Open decrypts what Seal gave. The error is ErrSealed.
func (s *Sealer) Open(tenant string, integration int64, sealed []byte) (Secret, error) {
	clear, err := s.aead.Decrypt(sealed, purpose(tenant, integration))
	if err != nil {
		return Secret{}, fmt.Errorf("opening the token of integration %d: %w", integration, ErrSealed)
	}
	return NewSecret(string(clear)), nil
}

// purpose is what a sealed token is bound to. The quotes keep a tenant's name
// from running into the number.
func purpose(tenant string, integration int64) []byte {
	return fmt.Appendf(nil, "cxm credential v1 tenant=%q integration=%d", tenant, integration)
}

// read opens the file once, so that what is checked is what is read.
func read(path string) (*keyset.Handle, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch mode := info.Mode(); {
	case !mode.IsRegular():
		return nil, errors.New("is not a file: name the file that holds the keys")
	case mode.Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return nil, fmt.Errorf("can be read by other users (mode %04o): run chmod 600 on it, and make new tokens if others had access to this machine", mode.Perm())
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(f))
	if err != nil {
		return nil, fmt.Errorf("is not a Tink keyset: restore the one cxm made: %w", err)
	}
	return handle, nil
}

// create writes a new keyset beside path and links it into place: the link
// fails when another process was first, whose keyset then counts.
func create(path string) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	temporary, err := writeBeside(path, handle)
	if temporary != "" {
		defer os.Remove(temporary)
	}
	if err != nil {
		return err
	}
	if err := os.Link(temporary, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("putting the new key file in place: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

// writeBeside writes the keyset to a new file (os.CreateTemp makes it 0600) and
// returns its name, also with an error.
func writeBeside(path string, handle *keyset.Handle) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".cxm-key-*")
	if err != nil {
		return "", fmt.Errorf("making it: %w", err)
	}
	err = insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(f))
	return f.Name(), errors.Join(err, f.Sync(), f.Close())
}

// syncFolder makes a new name in the folder survive a power cut.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
