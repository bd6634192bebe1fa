package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// check says what does not fit together, or can be no such thing.
func (l *Loaded) check() error {
	var err error
	wrong := func(key string, bad error) {
		if bad != nil {
			err = errors.Join(err, l.Wrong(key, bad))
		}
	}
	s := l.Server
	wrong("server.listen", address(s.Listen))
	wrong("status.listen", address(l.Status.Listen))
	wrong("server.public_url", site(s.PublicURL))
	for _, each := range s.TrustedProxies {
		wrong("server.trusted_proxies", network(each))
	}
	if s.TLSCertificate != "" && s.TLSKey == "" {
		wrong("server.tls_certificate", errors.New("a certificate needs its key: set server.tls_key (--tls-key, CXM_TLS_KEY) too"))
	}
	if s.TLSKey != "" && s.TLSCertificate == "" {
		wrong("server.tls_key", errors.New("a key needs its certificate: set server.tls_certificate (--tls-certificate, CXM_TLS_CERTIFICATE) too"))
	}
	if s.HeaderTimeout > s.ReadTimeout {
		wrong("server.header_timeout", fmt.Errorf("%s is more than server.read_timeout, %s: make it less", s.HeaderTimeout, s.ReadTimeout))
	}
	if l.Status.Pprof && !loopback(l.Status.Listen) {
		wrong("status.pprof", errors.New("profiles hold what is in memory, secrets too: set status.listen (--status-listen) to a loopback address, such as 127.0.0.1:9464"))
	}
	if s.Listen != "" && s.Listen == l.Status.Listen && !strings.HasSuffix(s.Listen, ":0") {
		wrong("status.listen", errors.New("the status page is for operators, and this is the public address: choose another, such as 127.0.0.1:9464"))
	}
	return errors.Join(err, l.signIn())
}

// address says what is wrong with where to listen.
func address(text string) error {
	if text == "" {
		return nil
	}
	if name, activated := strings.CutPrefix(text, "systemd:"); activated {
		if name == "" {
			return fmt.Errorf("%q names no socket: write systemd: and its FileDescriptorName, such as systemd:cxm.socket", text)
		}
		return nil
	}
	if _, _, err := net.SplitHostPort(text); err != nil {
		return fmt.Errorf("%.60q is no address: write host and port, such as 127.0.0.1:8080 or [::1]:8080", text)
	}
	return nil
}

func network(text string) error {
	if _, err := netip.ParsePrefix(text); err == nil {
		return nil
	}
	if _, err := netip.ParseAddr(text); err == nil {
		return nil
	}
	return fmt.Errorf("%.60q is no network or address: write them as in 10.0.0.0/8 or 192.0.2.7", text)
}

// loopback says that only this machine reaches an address. A socket of systemd's
// is looked at when it is there.
func loopback(text string) bool {
	if strings.HasPrefix(text, "systemd:") {
		return true
	}
	host, _, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	return local(host)
}

// Input is a variable that one command reads, and that is no configuration.
type Input struct{ Env, Help string }

// Inputs are the variables of single commands, and those that say where the
// configuration is.
func Inputs() []Input {
	return []Input{
		{"CXM_CONFIG", "the file of the configuration, when `--config` is not given"},
		{"CXM_GITLAB_TOKEN", "the token for `cxm connect gitlab` and `cxm token replace`, when `--token-file` is not given"},
		{"CXM_GITLAB_APPLICATION_ID", "the OAuth application for `cxm connect gitlab --oauth`, when `--application-id` is not given"},
		{"CXM_GITLAB_OWNER_TOKEN", "the token for `cxm gitlab bootstrap`, when `--owner-token-file` is not given; it is not stored"},
		{"CXM_OLD_KEY", "the key before, for `cxm secrets rekey --old-key env`"},
	}
}

// Strangers are the variables that look like cxm's and are not, such as misspelt
// ones, of an environment as os.Environ gives it. l names some more; it may be nil.
func Strangers(environ []string, l *Loaded) []string {
	known := map[string]bool{}
	if l != nil {
		for _, p := range l.SignIn.Providers {
			known[p.SecretEnv] = true
		}
	}
	for _, f := range Fields() {
		known[f.Env] = true
		if f.Secret {
			known[f.EnvFile()] = true
		}
	}
	for _, i := range Inputs() {
		known[i.Env] = true
	}
	var out []string
	for _, each := range environ {
		if name, _, _ := strings.Cut(each, "="); strings.HasPrefix(name, "CXM_") && !known[name] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
