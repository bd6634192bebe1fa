package credential_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cxm/internal/credential"
)

// shelf is where a keyset is kept.
type shelf struct{ sealed []byte }

func (s *shelf) read() ([]byte, error) { return s.sealed, nil }

func open(t *testing.T, p credential.Place) *credential.Key {
	t.Helper()
	k, err := p.Open()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sealers is two processes that share a keyset.
func sealers(t *testing.T, p credential.Place) (*shelf, [2]*credential.Sealer) {
	t.Helper()
	kept := &shelf{}
	var both [2]*credential.Sealer
	for i := range both {
		k := open(t, p)
		if i == 0 {
			var err error
			if kept.sealed, _, err = k.NewKeyset("acme"); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if both[i], err = k.Sealer("acme", kept.read); err != nil {
			t.Fatal(err)
		}
	}
	return kept, both
}

func must(t *testing.T, s *credential.Sealer, sealed []byte, want string) {
	t.Helper()
	got, err := s.Open("acme", 7, sealed)
	if err != nil || got.Reveal() != want {
		t.Errorf("opening gave %t, %v", got.Reveal() == want, err)
	}
}

// places are all the places a key can be at.
func places(t *testing.T) map[string]credential.Place {
	file := filepath.Join(t.TempDir(), "key.json")
	open(t, credential.Place{File: file})
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	v := newTransit(t)
	return map[string]credential.Place{
		"file":        {File: file},
		"environment": {Text: credential.NewSecret(base64.StdEncoding.EncodeToString(text))},
		"vault":       v.place("transit", "cxm"),
	}
}

// TestRekey changes the key while another process goes on: everything can be read
// at every step.
func TestRekey(t *testing.T) {
	for name, place := range places(t) {
		t.Run(name, func(t *testing.T) {
			kept, both := sealers(t, place)
			first, err := both[0].Seal("acme", 7, credential.NewSecret("first"))
			if err != nil {
				t.Fatal(err)
			}
			grown, id, err := both[0].Grown()
			if err != nil {
				t.Fatal(err)
			}
			kept.sealed = grown
			if err := both[0].Refresh(); err != nil {
				t.Fatal(err)
			}
			again, err := both[0].Reseal("acme", 7, first)
			if err != nil {
				t.Fatal(err)
			}
			if by, ok := credential.KeyOf(again); !ok || by != id {
				t.Errorf("sealed by key %d, want %d", by, id)
			}
			if before, _ := credential.KeyOf(first); before == id {
				t.Error("the key is the old one")
			}
			must(t, both[1], again, "first") // who has not heard of the new key
			must(t, both[0], first, "first") // half-way
			if twice, same, err := both[0].Grown(); err != nil || same != id || len(twice) == 0 {
				t.Errorf("run again, it makes another key: %d, %v", same, err)
			}
			if kept.sealed, _, err = both[0].Pruned(); err != nil {
				t.Fatal(err)
			}
			for _, s := range both {
				if err := s.Refresh(); err != nil {
					t.Fatal(err)
				}
				must(t, s, again, "first")
				if _, err := s.Open("acme", 7, first); !errors.Is(err, credential.ErrSealed) {
					t.Errorf("the old key is still there: %v", err)
				}
			}
		})
	}
}

// TestEarlierTokensOpen: what the key file itself sealed, before there was a
// keyset, still opens.
func TestEarlierTokensOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key.json")
	earlier, err := credential.NewSealer(file)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := earlier.Seal("acme", 7, credential.NewSecret("earlier"))
	if err != nil {
		t.Fatal(err)
	}
	_, both := sealers(t, credential.Place{File: file})
	must(t, both[0], sealed, "earlier")
}

// TestKeyOfAnother: a keyset that another key sealed, or that is another tenant's,
// opens nothing, and nothing is sealed beside it.
func TestKeyOfAnother(t *testing.T) {
	kept, both := sealers(t, credential.Place{File: filepath.Join(t.TempDir(), "key.json")})
	sealed, err := both[0].Seal("acme", 7, credential.NewSecret("mine"))
	if err != nil {
		t.Fatal(err)
	}
	other := open(t, credential.Place{File: filepath.Join(t.TempDir(), "other.json")})
	s, err := other.Sealer("acme", kept.read)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open("acme", 7, sealed); !errors.Is(err, credential.ErrSealed) || !strings.Contains(err.Error(), "cxm secrets reset") {
		t.Errorf("opening with another key: %v", err)
	}
	if _, err := s.Seal("acme", 7, credential.NewSecret("x")); !errors.Is(err, credential.ErrSealed) {
		t.Errorf("sealing with another key: %v", err)
	}
	under, _, err := both[0].Under(other)
	if err != nil {
		t.Fatal(err)
	}
	kept.sealed = under
	if err := s.Refresh(); err != nil {
		t.Fatal(err)
	}
	must(t, s, sealed, "mine")
	if theirs, err := other.Sealer("globex", kept.read); err != nil {
		t.Error(err)
	} else if _, err := theirs.Open("acme", 7, sealed); !errors.Is(err, credential.ErrSealed) {
		t.Errorf("the keyset of another tenant opens: %v", err)
	}
}

// TestPlaces: what is wrong is said, with what is supported, and without quoting
// what may be a secret.
func TestPlaces(t *testing.T) {
	vault := credential.Vault{Token: credential.NewSecret("hvs.secret-of-vault")}
	for want, p := range map[string]credential.Place{
		"vault+https://HOST/MOUNT/keys/NAME":  {URI: "aws-kms://arn:aws:kms:eu-west-1:1:key/x"},
		"knows vault+https":                   {URI: "https://vault.example.com/transit/keys/cxm"},
		"does not name a key":                 {URI: "vault+https://vault.example.com/transit/cxm", Vault: vault},
		"set VAULT_TOKEN":                     {URI: "vault+https://vault.example.com/transit/keys/cxm"},
		"in the clear":                        {URI: "vault+http://vault.example.com/transit/keys/cxm", Vault: vault},
		"take out user name":                  {URI: "vault+https://me:secret-value@vault.example.com/transit/keys/cxm", Vault: vault},
		"CXM_KEY is not base64":               {Text: credential.NewSecret("secret-value!")},
		"CXM_KEY is base64, but of no Tink":   {Text: credential.NewSecret(base64.StdEncoding.EncodeToString([]byte("secret-value")))},
		"the key's URI has the scheme \"gcp-": {URI: "gcp-kms://projects/x"},
	} {
		_, err := p.Open()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret-value") || strings.Contains(err.Error(), "hvs.") {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// transit behaves as Vault's transit engine is documented to
// (https://developer.hashicorp.com/vault/api-docs/secret/transit): each ciphertext
// opens only under its key with its associated data.
type transit struct {
	*httptest.Server
	token string
	mu    sync.Mutex
	kept  map[string]sealedValue // ciphertext ->
	fail  int                    // status of every answer; 0: none
}

type sealedValue struct{ key, plaintext, associated string }

func newTransit(t *testing.T) *transit {
	v := &transit{token: "hvs." + rand.Text(), kept: map[string]sealedValue{}}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

func (v *transit) place(mount, name string) credential.Place {
	return credential.Place{
		URI:   "vault+" + v.URL + "/" + mount + "/keys/" + name,
		Vault: credential.Vault{Token: credential.NewSecret(v.token), Namespace: "team"},
	}
}

func (v *transit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	refuse := func(status int, text string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string][]string{"errors": {text}})
	}
	var body struct {
		Plaintext  string `json:"plaintext"`
		Ciphertext string `json:"ciphertext"`
		Associated string `json:"associated_data"`
	}
	text, _ := io.ReadAll(r.Body)
	switch err := json.Unmarshal(text, &body); {
	case v.fail != 0:
		refuse(v.fail, "made up by the test")
	case r.Header.Get("X-Vault-Token") != v.token || r.Header.Get("X-Vault-Namespace") != "team":
		refuse(http.StatusForbidden, "permission denied")
	case err != nil || r.Method != http.MethodPost:
		refuse(http.StatusBadRequest, "error parsing JSON")
	case r.URL.Path == "/v1/transit/encrypt/cxm":
		if _, err := base64.StdEncoding.DecodeString(body.Plaintext); err != nil {
			refuse(http.StatusBadRequest, "failed to base64-decode plaintext")
			return
		}
		sealed := "vault:v1:" + rand.Text()
		v.kept[sealed] = sealedValue{"cxm", body.Plaintext, body.Associated}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"ciphertext": sealed, "key_version": 1}})
	case r.URL.Path == "/v1/transit/decrypt/cxm":
		found, ok := v.kept[body.Ciphertext]
		if !ok || found.associated != body.Associated {
			refuse(http.StatusBadRequest, "cipher: message authentication failed")
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"plaintext": found.plaintext}})
	default:
		refuse(http.StatusNotFound, "no handler for route")
	}
}

// TestVaultTroubles: each way in which Vault fails is told apart, and none is taken
// for a token that cannot be opened.
func TestVaultTroubles(t *testing.T) {
	v := newTransit(t)
	k := open(t, v.place("transit", "cxm"))
	sealed, _, err := k.NewKeyset("acme")
	if err != nil {
		t.Fatal(err)
	}
	read := func() ([]byte, error) { return sealed, nil }
	try := func(p credential.Place) error { _, err := open(t, p).Sealer("acme", read); return err }
	wrong := v.place("transit", "cxm")
	wrong.Vault.Token = credential.NewSecret("hvs.wrong")
	for want, err := range map[string]error{
		"refuses its token": try(wrong),
		"knows no such key": try(v.place("other", "cxm")),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, credential.ErrSealed) || strings.Contains(err.Error(), "hvs.") {
			t.Errorf("%q: %v", want, err)
		}
	}
	v.fail = http.StatusServiceUnavailable
	if err := try(v.place("transit", "cxm")); err == nil || !strings.Contains(err.Error(), "unseal it") {
		t.Errorf("a sealed Vault: %v", err)
	}
	v.Close()
	if err := try(v.place("transit", "cxm")); err == nil || !strings.Contains(err.Error(), "cannot be reached") || strings.Contains(err.Error(), v.token) {
		t.Errorf("no Vault: %v", err)
	}
}
