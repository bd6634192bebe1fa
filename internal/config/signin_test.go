package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"cxm/internal/config"
)

const company = `signin:
  providers:
    - name: company
      title: the company account
      issuer: https://id.example.com/realms/acme
      client_id: cxm
      client_secret_env: CXM_OIDC_COMPANY
      scopes: [groups]
      map:
        - {group: /cloud/finops, tenant: default, role: member}
        - {group: 4711, tenant: default, role: admin}
    - name: gitlab
      issuer: http://127.0.0.1:8929
      client_id: "12"
      client_secret_file: FILE
      groups: groups_direct
      map: [{group: acme, tenant: other, role: viewer}]
`

// TestProviders reads providers, and their secrets only where they are asked for.
func TestProviders(t *testing.T) {
	dir := t.TempDir()
	name, secret := filepath.Join(dir, "cxm.yaml"), filepath.Join(dir, "secret")
	write(t, name, strings.Replace(company, "FILE", secret, 1))
	env := lookup(map[string]string{"CXM_OIDC_COMPANY": "hush-one"})
	l, err := config.Load(config.Sources{File: name})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.SignIn.Providers) != 2 || !l.SignIn.Providers[0].Secret.Empty() {
		t.Fatalf("%+v", l.SignIn)
	}
	if _, err := l.Providers(env); err == nil || !strings.Contains(err.Error(), "cxm.yaml:12:7: signin.providers.gitlab.client_secret_file: open "+secret) {
		t.Errorf("a file that is not there: %v", err)
	}
	write(t, secret, "hush-two\n")
	if _, err := l.Providers(lookup(nil)); err == nil || !strings.Contains(err.Error(), "cxm.yaml:3:7: signin.providers.company.client_secret_env: the variable CXM_OIDC_COMPANY is not set") {
		t.Errorf("a variable that is not set: %v", err)
	}
	all, err := l.Providers(env)
	if err != nil || all[0].Secret.Reveal() != "hush-one" || all[1].Secret.Reveal() != "hush-two" {
		t.Fatalf("%+v, %v", all, err)
	}
	if p := all[0]; p.Title != "the company account" || p.Scopes[0] != "groups" || p.Map[1] != (config.Mapping{Group: "4711", Tenant: "default", Role: "admin"}) || p.Groups != "" {
		t.Errorf("%+v", p)
	}
	if got := config.Strangers([]string{"CXM_OIDC_COMPANY=x"}, l); len(got) > 0 {
		t.Errorf("a variable that a provider names is a stranger: %v", got)
	}
	var again map[string]any
	if err := yaml.Unmarshal([]byte(l.YAML()), &again); err != nil || strings.Contains(l.YAML(), "hush") {
		t.Errorf("%v\n%s", err, l.YAML())
	}
	write(t, name, l.YAML()[strings.Index(l.YAML(), "signin:"):])
	if same, err := config.Load(config.Sources{File: name}); err != nil || len(same.SignIn.Providers) != 2 || same.SignIn.Providers[1].Map[0] != l.SignIn.Providers[1].Map[0] {
		t.Errorf("what is printed is not what was read: %v", err)
	}
}

// TestProviderFaults: each is named at its place.
func TestProviderFaults(t *testing.T) {
	for want, change := range map[string][2]string{
		`:3:13: signin.providers[0].name: "password" is no name of a provider`:              {"name: company", "name: password"},
		`:5:15: signin.providers[0].issuer: "http://id.example.com" is not protected`:       {"https://id.example.com/realms/acme", "http://id.example.com"},
		`signin.providers[0].issuer: "id.example.com" is no address of a provider`:          {"https://id.example.com/realms/acme", "id.example.com"},
		`signin.providers[0]: has no client_id`:                                             {"      client_id: cxm\n", ""},
		`signin.providers[0].client_secret: is not a known field`:                           {"client_secret_env", "client_secret"},
		`"owner" is not known: use viewer, member or admin`:                                 {"role: member", "role: owner"},
		`:3:7: signin.providers.company.name: there are two providers "company"`:            {"name: gitlab", "name: company"},
		`:12:7: signin.providers.gitlab.map: no group gives a role`:                         {"[{group: acme, tenant: other, role: viewer}]", "[]"},
		`:12:7: signin.providers.gitlab.client_secret_file: client_secret_env is there too`: {"groups: groups_direct", "client_secret_env: X"},
	} {
		if strings.Contains(want, "two providers") {
			want = strings.Replace(want, ":3:7", ":12:7", 1) // the second is the one too many
		}
		name := filepath.Join(t.TempDir(), "cxm.yaml")
		write(t, name, strings.Replace(company, change[0], change[1], 1))
		if _, err := config.Load(config.Sources{File: name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %s", err, want)
		}
	}
	for _, bad := range []string{"cxm.example.com", "https://cxm.example.com/cxm", "ftp://cxm.example.com", "https://a:b@cxm.example.com", "https://cxm.example.com?x=y"} {
		if _, err := config.Load(config.Sources{Env: lookup(map[string]string{"CXM_PUBLIC_URL": bad})}); err == nil || !strings.Contains(err.Error(), "CXM_PUBLIC_URL") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
