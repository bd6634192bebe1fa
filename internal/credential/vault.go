package credential

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// vault is a key in HashiCorp Vault's transit engine
// (https://developer.hashicorp.com/vault/api-docs/secret/transit). It implements
// tink.AEAD; the key never leaves Vault, which must be reachable when cxm starts.
type vault struct {
	base      string // https://HOST/v1/MOUNT
	name      string // of the key
	token     Secret
	namespace string
	client    *http.Client
}

const (
	vaultPatience = 15 * time.Second
	vaultWords    = 1 << 20 // bytes of an answer that are read
)

// newVault reads vault+https://HOST/MOUNT/keys/NAME. It sends nothing.
func newVault(u *url.URL, o Vault) (*vault, error) {
	mount, name, ok := strings.Cut(strings.Trim(u.EscapedPath(), "/"), "/keys/")
	switch {
	case !ok || mount == "" || name == "" || strings.Contains(name, "/") || u.Host == "":
		return nil, fmt.Errorf("the key's URI does not name a key of Vault's transit engine: write it like vault+https://vault.example.com/transit/keys/cxm")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the key's URI holds more than the address of a key: take out user name, query and fragment; Vault's token is given in VAULT_TOKEN")
	case u.Scheme == "vault+http" && !loopback(u.Hostname()):
		return nil, errors.New("the key's URI has the scheme vault+http, which would send Vault's token in the clear: use vault+https")
	case o.Token.Empty():
		return nil, errors.New("the key is in Vault, and there is no token for it: set VAULT_TOKEN to one whose policy allows update on MOUNT/encrypt/NAME and MOUNT/decrypt/NAME")
	}
	client := &http.Client{Transport: o.Transport, Timeout: vaultPatience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &vault{
		base: strings.TrimPrefix(u.Scheme, "vault+") + "://" + u.Host + "/v1/" + mount, name: name,
		token: o.Token, namespace: o.Namespace, client: client,
	}, nil
}

func loopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// awayError says that Vault could not be asked, or refused: that tells nothing of
// what was to be opened.
type awayError struct{ said string }

// Error is what Vault said, and what to do.
func (e *awayError) Error() string { return e.said }

// Encrypt seals with the newest version of the key.
func (v *vault) Encrypt(clear, associated []byte) ([]byte, error) {
	var answer struct {
		Ciphertext string `json:"ciphertext"`
	}
	err := v.ask("encrypt", map[string]string{"plaintext": encoded(clear), "associated_data": encoded(associated)}, &answer)
	if err == nil && !strings.HasPrefix(answer.Ciphertext, "vault:") {
		err = &awayError{"Vault's answer holds no ciphertext: see that the URI names its transit engine"}
	}
	return []byte(answer.Ciphertext), err
}

// Decrypt opens what Encrypt sealed.
func (v *vault) Decrypt(sealed, associated []byte) ([]byte, error) {
	if !bytes.HasPrefix(sealed, []byte("vault:")) {
		return nil, errors.New("this was not sealed by Vault")
	}
	var answer struct {
		Plaintext string `json:"plaintext"`
	}
	err := v.ask("decrypt", map[string]string{"ciphertext": string(sealed), "associated_data": encoded(associated)}, &answer)
	if err != nil {
		return nil, err
	}
	clear, err := base64.StdEncoding.DecodeString(answer.Plaintext)
	if err != nil {
		return nil, &awayError{"Vault's answer holds no plaintext: see that the URI names its transit engine"}
	}
	return clear, nil
}

func encoded(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// ask sends one request. No error holds what was sent or Vault's token.
func (v *vault) ask(what string, body map[string]string, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, v.base+"/"+what+"/"+v.name, bytes.NewReader(text)) // Tink hands no context on; the client's timeout bounds it
	if err != nil {
		return errors.New("the key's URI cannot be used as an address")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Vault-Token", v.token.Reveal())
	req.Header.Set("X-Vault-Request", "true")
	if v.namespace != "" {
		req.Header.Set("X-Vault-Namespace", v.namespace)
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return &awayError{fmt.Sprintf("Vault at %s cannot be reached (%v): see that it runs, is unsealed, and that this machine trusts its certificate", req.URL.Host, errors.Unwrap(err))}
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, vaultWords))
	if err != nil {
		return &awayError{fmt.Sprintf("the answer of Vault at %s broke off: try again", req.URL.Host)}
	}
	return v.answered(what, resp.StatusCode, got, answer)
}

// answered reads an answer. A 400 to decrypt is about what was to be opened,
// everything else about Vault.
func (v *vault) answered(what string, status int, body []byte, answer any) error {
	var document struct {
		Data   json.RawMessage `json:"data"`
		Errors []string        `json:"errors"`
	}
	err := json.Unmarshal(body, &document)
	said := strings.Join(document.Errors, "; ")
	switch {
	case status == http.StatusOK && err == nil && json.Unmarshal(document.Data, answer) == nil:
		return nil
	case status == http.StatusBadRequest && what == "decrypt":
		return fmt.Errorf("Vault cannot open it (%.200s)", said)
	case status == http.StatusForbidden:
		return &awayError{fmt.Sprintf("Vault refuses its token (%.200s): VAULT_TOKEN may have expired, or its policy lacks update on %s/%s", said, what, v.name)}
	case status == http.StatusNotFound, status == http.StatusBadRequest:
		return &awayError{fmt.Sprintf("Vault knows no such key (%d, %.200s): make it with `vault write -f transit/keys/%s`, or mend the URI", status, said, v.name)}
	case status == http.StatusServiceUnavailable:
		return &awayError{"Vault is sealed or in maintenance: unseal it, then run the same again"}
	}
	return &awayError{fmt.Sprintf("Vault answered %d (%.200s): look at its log", status, said)}
}
