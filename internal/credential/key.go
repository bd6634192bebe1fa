package credential

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Key seals the keysets that seal tokens: a key-encryption key. It is kept apart
// from the database. It is safe for concurrent use.
type Key struct {
	aead tink.AEAD
	name string // for people
}

// Place says where the key is: the first of URI, Text and File that is given.
type Place struct {
	URI   string // vault+https://HOST/MOUNT/keys/NAME: a key that never leaves HashiCorp Vault
	Text  Secret // a Tink keyset in base64, JSON or binary
	File  string // a Tink keyset in JSON; made when absent
	Vault Vault  // how to speak to Vault, for a URI
}

// Vault is what speaking to HashiCorp Vault takes beside the URI.
type Vault struct {
	Token     Secret
	Namespace string            // of Vault Enterprise; empty: none
	Transport http.RoundTripper // nil: the standard library's
}

// Open opens the key. It asks nobody: a key in Vault is asked for when it is used.
func (p Place) Open() (*Key, error) {
	switch {
	case p.URI != "":
		return p.remote()
	case !p.Text.Empty():
		return keyOfText(p.Text)
	}
	return keyOfFile(p.File)
}

// remote opens a key that others keep.
func (p Place) remote() (*Key, error) {
	scheme, _, _ := strings.Cut(p.URI, "://")
	if scheme != "vault+https" && scheme != "vault+http" {
		return nil, fmt.Errorf("the key's URI has the scheme %.40q, which cxm does not know: it knows vault+https://HOST/MOUNT/keys/NAME (HashiCorp Vault's transit engine); without a URI the key is that of CXM_KEY, or of key.json in the data directory", scheme)
	}
	u, err := url.Parse(p.URI)
	if err != nil {
		return nil, errors.New("the key's URI cannot be read: write it like vault+https://vault.example.com/transit/keys/cxm")
	}
	v, err := newVault(u, p.Vault)
	if err != nil {
		return nil, err
	}
	return &Key{aead: v, name: "Vault's key " + v.name + " at " + u.Host}, nil
}

// keyOfText reads a keyset from the environment. No error quotes it.
func keyOfText(text Secret) (*Key, error) {
	raw, err := base64.StdEncoding.DecodeString(text.Reveal())
	if err != nil {
		return nil, errors.New("CXM_KEY is not base64: give it `base64 -w0 key.json`")
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(raw)))
	if err != nil {
		handle, err = insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(raw)))
	}
	if err != nil {
		return nil, errors.New("CXM_KEY is base64, but of no Tink keyset: give it `base64 -w0 key.json`")
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, errors.New("CXM_KEY holds no key that seals (AEAD): give it the keyset that cxm made")
	}
	return &Key{aead: primitive, name: "the key in CXM_KEY"}, nil
}

// keyOfFile reads the keyset (Tink's JSON form, AES-256-GCM) at path. When the
// file is absent it is made, whole or not at all, readable by its owner alone;
// of several processes that make it at once all use the same. A file that
// others can read is refused.
func keyOfFile(path string) (*Key, error) {
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
	return &Key{aead: primitive, name: "the key file " + path}, nil
}

// Name says for people which key it is.
func (k *Key) Name() string { return k.name }

// NewKeyset makes the first keyset of a tenant, and says which key in it seals.
func (k *Key) NewKeyset(tenant string) (sealed []byte, id uint32, err error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, 0, fmt.Errorf("making a key: %w", err)
	}
	return k.seal(tenant, handle)
}

// seal writes a keyset so that only this key opens it, for this tenant.
func (k *Key) seal(tenant string, handle *keyset.Handle) ([]byte, uint32, error) {
	var out bytes.Buffer
	with := &heard{AEAD: k.aead}
	if err := handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&out), with, ring(tenant)); err != nil {
		return nil, 0, fmt.Errorf("sealing the keys with %s: %w", k.name, cmp.Or(with.err, err))
	}
	return out.Bytes(), handle.KeysetInfo().GetPrimaryKeyId(), nil
}

func (k *Key) open(tenant string, sealed []byte) (*keyset.Handle, error) {
	with := &heard{AEAD: k.aead}
	handle, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(sealed)), with, ring(tenant))
	if err == nil {
		return handle, nil
	}
	if away := (*awayError)(nil); errors.As(with.err, &away) {
		return nil, fmt.Errorf("opening the keys with %s: %w", k.name, away)
	}
	return nil, fmt.Errorf("the keys in the database were not sealed with %s: %w", k.name, ErrSealed)
}

// heard keeps the error of a key, of which Tink passes on no more than the text.
type heard struct {
	tink.AEAD
	err error
}

// Encrypt is the key's.
func (h *heard) Encrypt(clear, associated []byte) ([]byte, error) {
	sealed, err := h.AEAD.Encrypt(clear, associated)
	h.err = err
	return sealed, err
}

// Decrypt is the key's.
func (h *heard) Decrypt(sealed, associated []byte) ([]byte, error) {
	clear, err := h.AEAD.Decrypt(sealed, associated)
	h.err = err
	return clear, err
}

// ring is what a sealed keyset is bound to.
func ring(tenant string) []byte { return fmt.Appendf(nil, "cxm keyset v1 tenant=%q", tenant) }

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
