package credential_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"cxm/internal/credential"
)

func sealer(t *testing.T, path string) *credential.Sealer {
	t.Helper()
	s, err := credential.NewSealer(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func seal(t *testing.T, s *credential.Sealer, tenant string, id int64, clear string) []byte {
	t.Helper()
	sealed, err := s.Seal(tenant, id, credential.NewSecret(clear))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSealedTokensOpen(t *testing.T) {
	path, clear := filepath.Join(t.TempDir(), "keys.json"), word()
	sealed := seal(t, sealer(t, path), "default", 7, clear)
	if bytes.Contains(sealed, []byte(clear)) {
		t.Error("the token is not sealed")
	}
	got, err := sealer(t, path).Open("default", 7, sealed)
	if err != nil || got.Reveal() != clear {
		t.Errorf("opened after a restart: %v", err)
	}
	if bytes.Equal(sealed, seal(t, sealer(t, path), "default", 7, clear)) {
		t.Error("sealing twice gives the same bytes")
	}
}

func TestSealedTokensOpenNowhereElse(t *testing.T) {
	folder, clear := t.TempDir(), word()
	s := sealer(t, filepath.Join(folder, "keys.json"))
	sealed := seal(t, s, "default", 7, clear)
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, open := range map[string]func() (credential.Secret, error){
		"another tenant":      func() (credential.Secret, error) { return s.Open("other", 7, sealed) },
		"another integration": func() (credential.Secret, error) { return s.Open("default", 8, sealed) },
		"a tenant whose name holds the rest": func() (credential.Secret, error) {
			return s.Open(`default" integration=7`, 7, sealed)
		},
		"another key": func() (credential.Secret, error) {
			return sealer(t, filepath.Join(folder, "other.json")).Open("default", 7, sealed)
		},
		"a changed byte": func() (credential.Secret, error) { return s.Open("default", 7, changed) },
		"a cut end":      func() (credential.Secret, error) { return s.Open("default", 7, sealed[:10]) },
		"nothing":        func() (credential.Secret, error) { return s.Open("default", 7, nil) },
	} {
		secret, err := open()
		if !errors.Is(err, credential.ErrSealed) || !secret.Empty() {
			t.Errorf("%s: %v", name, err)
			continue
		}
		leaks(t, clear, name, err.Error())
	}
}

func TestKeyFileIsTheOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("file modes say nothing on Windows")
	}
	path := filepath.Join(t.TempDir(), "keys.json")
	sealer(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %04o (%v)", info.Mode().Perm(), err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o644, 0o601} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := credential.NewSealer(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	sealer(t, path)
}

func TestKeyFileRefused(t *testing.T) {
	folder := t.TempDir()
	signs := `{"primaryKeyId":1,"key":[{"keyData":{"typeUrl":"type.googleapis.com/google.crypto.tink.HmacKey","value":"EgQIAxAQGiAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==","keyMaterialType":"SYMMETRIC"},"status":"ENABLED","keyId":1,"outputPrefixType":"TINK"}]}`
	for _, c := range []struct{ name, content, want string }{
		{"empty", "", "is not a Tink keyset"},
		{"text", "no keys in here", "is not a Tink keyset"},
		{"cut", `{"primaryKeyId":1,"key":[{"keyData"`, "is not a Tink keyset"},
		{"no keys", `{"primaryKeyId":1,"key":[]}`, ""},
		{"keys for something else", signs, "no key that seals"},
	} {
		path := filepath.Join(folder, c.name)
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := credential.NewSealer(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", c.name, err)
		}
		if after, _ := os.ReadFile(path); string(after) != c.content {
			t.Errorf("%s: the file was changed", c.name)
		}
	}
	if _, err := credential.NewSealer(folder); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := credential.NewSealer(filepath.Join(folder, "absent", "keys.json")); err == nil {
		t.Error("a file was made in a folder that does not exist")
	}
}

// TestKeyFileIsMadeOnce makes the same file many times at once: all must seal
// with the same key.
func TestKeyFileIsMadeOnce(t *testing.T) {
	folder, clear := t.TempDir(), word()
	path := filepath.Join(folder, "keys.json")
	sealers := make([]*credential.Sealer, 16)
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range sealers {
		all.Go(func() {
			<-start
			var err error
			if sealers[i], err = credential.NewSealer(path); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	all.Wait()
	sealed := seal(t, sealers[0], "default", 1, clear)
	for i, s := range sealers {
		if got, err := s.Open("default", 1, sealed); err != nil || got.Reveal() != clear {
			t.Errorf("sealer %d: %v", i, err)
		}
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 1 {
		t.Errorf("there are %d files (%v), not the one", len(files), err)
	}
}
