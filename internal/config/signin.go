package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"cxm/internal/credential"
	"cxm/internal/rule/rulebook/form"
)

// SignIn says how people sign in, beside passwords.
type SignIn struct {
	Providers []Provider
}

// Provider is an OpenID Connect provider. It stands in the file alone: there may be
// several.
type Provider struct {
	Name       string // in addresses
	Title      string // on the button; empty: the name
	Issuer     string
	ClientID   string
	SecretFile string // that holds the client's secret; empty, and no variable: a public client
	SecretEnv  string // the variable that holds it
	Scopes     []string
	Groups     string // the claim with the groups; empty: groups
	Map        []Mapping

	Secret credential.Secret // Loaded.Providers reads it
	at     Origin
}

// Mapping gives who is in a group a role in a tenant.
type Mapping struct{ Group, Tenant, Role string }

// signIn is the section of the file.
func (s *sheet) signIn() form.Field[sheet] {
	list := form.List(provider()).Then(func(_ *form.Node, all *[]Provider) {
		for i := range *all {
			(*all)[i].at.Name = s.name
		}
	})
	section := form.Object(form.At("providers", list, func(s *sheet) *[]Provider { return &s.loaded.SignIn.Providers }, "OpenID Connect providers that people may sign in with"))
	return form.At("signin", section, func(s *sheet) *sheet { return s }, "How people sign in, beside passwords")
}

func provider() form.Value[Provider] {
	text := form.Text()
	mapping := form.Object(
		form.At("group", form.Label(), func(m *Mapping) *string { return &m.Group }, "As the claim spells it").Required(),
		form.At("tenant", text, func(m *Mapping) *string { return &m.Tenant }, "Where it gives a role").Required(),
		form.At("role", form.Choice("viewer", "member", "admin"), func(m *Mapping) *string { return &m.Role }, "Which").Required(),
	)
	return form.Object(
		form.At("name", text.Checked(fitName), func(p *Provider) *string { return &p.Name }, "In addresses").Required(),
		form.At("title", text, func(p *Provider) *string { return &p.Title }, "On its button"),
		form.At("issuer", text.Checked(fitIssuer), func(p *Provider) *string { return &p.Issuer }, "Exactly as the provider writes it").Required(),
		form.At("client_id", form.Label(), func(p *Provider) *string { return &p.ClientID }, "That the provider gave").Required(),
		form.At("client_secret_file", text, func(p *Provider) *string { return &p.SecretFile }, "A file that holds the client's secret"),
		form.At("client_secret_env", text, func(p *Provider) *string { return &p.SecretEnv }, "A variable that holds it"),
		form.At("scopes", form.List(text), func(p *Provider) *[]string { return &p.Scopes }, "More than openid, profile and email"),
		form.At("groups", text, func(p *Provider) *string { return &p.Groups }, "The claim with the groups"),
		form.At("map", form.List(mapping), func(p *Provider) *[]Mapping { return &p.Map }, "Which groups give which roles").Required(),
	).Then(func(n *form.Node, p *Provider) { p.at = Origin{From: FromFile, Line: n.Line, Column: n.Column} })
}

var names = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

func fitName(text string) (message, mend string) {
	if !names.MatchString(text) || text == "password" || text == "link" {
		return fmt.Sprintf("%.60q is no name of a provider", text), "use lower-case letters, digits and dashes, at most 40, and neither password nor link"
	}
	return "", ""
}

func fitIssuer(text string) (message, mend string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Sprintf("%.80q is no address of a provider", text), "write it like https://id.example.com, as the provider writes it"
	case u.Scheme != "https" && (u.Scheme != "http" || !local(u.Hostname())):
		return fmt.Sprintf("%.80q is not protected on its way", text), "write it with https://"
	}
	return "", ""
}

// local says that a host is this machine.
func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// signIn says what does not fit together in the providers.
func (l *Loaded) signIn() error {
	var err error
	seen := map[string]bool{}
	for _, p := range l.SignIn.Providers {
		switch {
		case seen[p.Name]:
			err = errors.Join(err, p.wrong("name", fmt.Errorf("there are two providers %q: give one another name", p.Name)))
		case len(p.Map) == 0:
			err = errors.Join(err, p.wrong("map", errors.New("no group gives a role, so that nobody could sign in: map at least one")))
		case p.SecretFile != "" && p.SecretEnv != "":
			err = errors.Join(err, p.wrong("client_secret_file", errors.New("client_secret_env is there too: leave one of the two out")))
		}
		seen[p.Name] = true
	}
	return err
}

func (p Provider) wrong(field string, err error) error {
	return fmt.Errorf("%s: signin.providers.%s.%s: %w", p.at, p.Name, field, err)
}

// Providers are those of the configuration with their secrets, for the one command
// that lets people sign in: others run where the secrets may not be. env is
// os.LookupEnv. The error is all that is wrong, joined.
func (l *Loaded) Providers(env func(string) (string, bool)) ([]Provider, error) {
	out := slices.Clone(l.SignIn.Providers)
	var err error
	for i, p := range out {
		switch {
		case p.SecretFile != "":
			text, bad := readSecret(p.SecretFile)
			if bad != nil {
				err = errors.Join(err, p.wrong("client_secret_file", bad))
			}
			out[i].Secret = credential.NewSecret(text)
		case p.SecretEnv != "":
			text, _ := env(p.SecretEnv)
			if text == "" {
				err = errors.Join(err, p.wrong("client_secret_env", fmt.Errorf("the variable %.60s is not set: set it, or name another", p.SecretEnv)))
			}
			out[i].Secret = credential.NewSecret(text)
		}
	}
	return out, err
}

// document writes the providers as a part of the file.
func (s SignIn) document() string {
	if len(s.Providers) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("signin:\n  providers:\n")
	for _, p := range s.Providers {
		fmt.Fprintf(&b, "    - name: %q  # %s\n", p.Name, p.at)
		for _, f := range [][2]string{{"title", p.Title}, {"issuer", p.Issuer}, {"client_id", p.ClientID}, {"client_secret_file", p.SecretFile}, {"client_secret_env", p.SecretEnv}, {"groups", p.Groups}} {
			if f[1] != "" {
				fmt.Fprintf(&b, "      %s: %q\n", f[0], f[1])
			}
		}
		if len(p.Scopes) > 0 {
			fmt.Fprintf(&b, "      scopes: %s\n", many{&p.Scopes}.example())
		}
		b.WriteString("      map:\n")
		for _, m := range p.Map {
			fmt.Fprintf(&b, "        - {group: %q, tenant: %q, role: %q}\n", m.Group, m.Tenant, m.Role)
		}
	}
	return b.String()
}

// line is the providers as one of Lines.
func (s SignIn) line() Line {
	var all []string
	for _, p := range s.Providers {
		all = append(all, p.Name)
	}
	out := Line{Key: "signin.providers", Value: strings.Join(all, ","), From: string(FromDefault)}
	if len(all) > 0 {
		out.From, out.Place = string(FromFile), s.Providers[0].at.String()
	}
	return out
}

// site says what is wrong with the address of the service.
func site(text string) error {
	u, err := url.Parse(text)
	if text == "" || err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && strings.Trim(u.Path, "/") == "" && u.User == nil && u.RawQuery == "" && u.Fragment == "" {
		return nil
	}
	return fmt.Errorf("%.80q is no address of a service: write it like https://cxm.example.com", text)
}
