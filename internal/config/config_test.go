package config_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"

	"cxm/internal/config"
)

// draw is a value that a field may have, other than its default, as text and as YAML.
func draw(t *rapid.T, f config.Field, what string) (text, inFile string) {
	switch kind := f.Kind(); kind {
	case "number":
		text = fmt.Sprint(rapid.IntRange(10_000, 30_000).Draw(t, what))
		if f.Check(text) != nil {
			text = fmt.Sprint(rapid.IntRange(1, 19).Draw(t, what))
		}
		return text, text
	case "duration":
		text = (time.Duration(rapid.IntRange(100, 90_000).Draw(t, what)) * time.Second).String()
		if f.Key == "server.header_timeout" { // less than the time for the whole
			text = (time.Duration(rapid.IntRange(6000, 14000).Draw(t, what)) * time.Millisecond).String()
		}
		return text, text
	case "true or false":
		text = fmt.Sprint(rapid.Bool().Draw(t, what))
		return text, text
	case "list":
		n := rapid.IntRange(1, 99).Draw(t, what)
		return fmt.Sprintf("10.%d.0.0/16,192.0.2.%d", n, n), fmt.Sprintf("[10.%d.0.0/16, \"192.0.2.%d\"]", n, n)
	case "text", "secret":
		switch f.Key {
		case "server.listen", "status.listen":
			text = fmt.Sprintf("127.0.0.1:%d", rapid.IntRange(1, 65535).Draw(t, what))
			return text, fmt.Sprintf("%q", text)
		case "server.public_url":
			text = fmt.Sprintf("https://cxm-%d.example.com", rapid.IntRange(1, 99).Draw(t, what))
			return text, fmt.Sprintf("%q", text)
		default:
			text = rapid.StringMatching(`[a-z0-9:/#@ ]{0,20}[a-z]`).Draw(t, what)
			text = what + text
			return text, fmt.Sprintf("%q", text)
		}
	default:
		text = rapid.SampledFrom(strings.FieldsFunc(strings.ReplaceAll(kind, " or ", ","), func(r rune) bool { return r == ',' || r == ' ' })).Draw(t, what)
		return text, text
	}
}

// TestPrecedence: of every field, from whatever sources it comes, the strongest
// source says its value, and it is known which that was.
func TestPrecedence(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		env, flags, lines := map[string]string{}, map[string]string{}, map[string][]string{}
		want, from := map[string]string{}, map[string]config.From{}
		for _, f := range config.Fields() {
			if paired(f.Key) {
				continue
			}
			sources := rapid.IntRange(0, 15).Draw(t, f.Key)
			if sources&1 != 0 {
				text, inFile := draw(t, f, "file")
				section, name, nested := strings.Cut(f.Key, ".")
				if !nested {
					section, name = "", section
				}
				lines[section] = append(lines[section], name+": "+inFile)
				want[f.Key], from[f.Key] = text, config.FromFile
			}
			if sources&2 != 0 {
				text, _ := draw(t, f, "env")
				want[f.Key], from[f.Key] = text, config.FromEnvironment
				if f.Secret && sources&8 != 0 {
					name := filepath.Join(dir, f.Env)
					write(t, name, text+"\n")
					env[f.EnvFile()] = name
				} else {
					env[f.Env] = text
				}
			}
			if f.Flag != "" && sources&4 != 0 {
				text, _ := draw(t, f, "flag")
				flags[f.Key], want[f.Key], from[f.Key] = text, text, config.FromFlag
			}
		}
		if listen := want["server.listen"]; listen != "" && listen == want["status.listen"] {
			t.Skip("the same address twice is refused")
		}
		name := filepath.Join(dir, "cxm.yaml")
		write(t, name, inSections(lines))
		l, err := config.Load(config.Sources{File: name, Env: lookup(env), Flags: flags})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range config.Fields() {
			if o := l.Origin(f.Key).From; from[f.Key] == "" && o != config.FromDefault || from[f.Key] != "" && o != from[f.Key] {
				t.Fatalf("%s comes from %s, not from %s", f.Key, o, from[f.Key])
			}
			text, set := want[f.Key]
			if !set {
				text = f.Default()
			}
			if got := reveal(l, f); got != text {
				t.Fatalf("%s is %q, not %q", f.Key, got, text)
			}
		}
	})
}

// paired are fields that hold only together with others; TestTogether has them.
func paired(key string) bool {
	return slices.Contains([]string{"server.tls_certificate", "server.tls_key", "status.pprof"}, key)
}

func reveal(l *config.Loaded, f config.Field) string {
	switch f.Key {
	case "remote.token":
		return l.Remote.Token.Reveal()
	case "database.url":
		return l.Database.URL.Reveal()
	case "key.text":
		return l.Key.Text.Reveal()
	case "notify.url":
		return l.Notify.URL.Reveal()
	case "notify.secret":
		return l.Notify.Secret.Reveal()
	}
	return f.Text(&l.Config)
}

func inSections(lines map[string][]string) string {
	out := strings.Join(lines[""], "\n") + "\n"
	for _, section := range slices.Sorted(maps.Keys(lines)) {
		if section != "" {
			out += section + ":\n  " + strings.Join(lines[section], "\n  ") + "\n"
		}
	}
	return out
}

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { text, ok := env[name]; return text, ok }
}

type fataler interface{ Fatal(...any) }

func write(t fataler, name, text string) {
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestProblems: everything that is wrong is said at once, at its place, with the
// mend; and no secret with it.
func TestProblems(t *testing.T) {
	name := filepath.Join(t.TempDir(), "cxm.yaml")
	write(t, name, `# a comment
server:
  lisen: 127.0.0.1:8080
  max_connections: many
  trusted_proxies: 10.0.0.0/8
  read_timeout: 20
work:
  every: soon
database:
  url: 12345678
brakes:
  close_share: 101
log: {level: loud}
colour: red
`)
	_, err := config.Load(config.Sources{File: name, Env: lookup(map[string]string{"CXM_CAP_OPEN": "-1", "CXM_KEY": "hush", "CXM_KEY_FILE": "/absent"})})
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	for _, want := range []string{
		":3:3: server.lisen: is not a known field: did you mean listen?",
		":4:20: server.max_connections:",
		":5:20: server.trusted_proxies: is text: write a list",
		":6:17: server.read_timeout: is a number",
		`:8:10: work.every: "soon": use a time such as 20s`,
		":10:8: database.url: is no text: write it as text, in quotes",
		":12:16: brakes.close_share:",
		`:13:14: log.level: "loud" is not known: use debug, info, warn or error`,
		":14:1: colour: is not a known field",
		`environment variable CXM_CAP_OPEN: "-1": use a whole number from 0`,
		"environment variable CXM_KEY: CXM_KEY_FILE is set too: unset one of the two",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("lacks %q", want)
		}
	}
	if strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "12345678") {
		t.Error("a secret is shown")
	}
	if t.Failed() {
		t.Log(err)
	}
}

// TestTogether: what is right by itself may be wrong with something else.
func TestTogether(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want string // of the error; empty: all is well
	}{
		"certificate without key":        {map[string]string{"CXM_TLS_CERTIFICATE": "a.pem"}, "environment variable CXM_TLS_CERTIFICATE: a certificate needs its key"},
		"key without certificate":        {map[string]string{"CXM_TLS_KEY": "a.pem"}, "CXM_TLS_KEY: a key needs its certificate"},
		"both":                           {map[string]string{"CXM_TLS_KEY": "a.pem", "CXM_TLS_CERTIFICATE": "a.pem"}, ""},
		"profiles for everybody":         {map[string]string{"CXM_PPROF": "true", "CXM_STATUS_LISTEN": "0.0.0.0:9464"}, "loopback"},
		"profiles nowhere":               {map[string]string{"CXM_PPROF": "true"}, "loopback"},
		"profiles":                       {map[string]string{"CXM_PPROF": "true", "CXM_STATUS_LISTEN": "[::1]:9464"}, ""},
		"one address for all":            {map[string]string{"CXM_LISTEN": "127.0.0.1:1", "CXM_STATUS_LISTEN": "127.0.0.1:1"}, "public address"},
		"no address":                     {map[string]string{"CXM_LISTEN": "8080"}, `"8080" is no address`},
		"a socket":                       {map[string]string{"CXM_LISTEN": "systemd:cxm.socket"}, ""},
		"a socket without a name":        {map[string]string{"CXM_LISTEN": "systemd:"}, "names no socket"},
		"a proxy that is none":           {map[string]string{"CXM_TRUSTED_PROXIES": "10.0.0.0/8,proxy.example.com"}, `"proxy.example.com" is no network`},
		"a header slower than the whole": {map[string]string{"CXM_HEADER_TIMEOUT": "20s"}, "server.read_timeout"},
		"no file":                        {map[string]string{"CXM_CONFIG": "/absent/cxm.yaml"}, "CXM_CONFIG: reading the configuration"},
		"no file of a secret":            {map[string]string{"CXM_DATABASE_URL_FILE": "/absent/url"}, "CXM_DATABASE_URL_FILE: open /absent/url"},
		"a file of no secret":            {map[string]string{"CXM_LISTEN_FILE": "/absent/url"}, ""},
		"nothing set by an empty one":    {map[string]string{"CXM_CAP_OPEN": "", "CXM_DATABASE_URL_FILE": ""}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(config.Sources{Env: lookup(c.env)})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestTable: every field has one key, one variable, and at most one flag.
func TestTable(t *testing.T) {
	seen := map[string]string{}
	for _, f := range config.Fields() {
		for _, name := range []string{f.Key, f.Env, f.EnvFile(), "--" + f.Flag} {
			if name == "" || name == "--" {
				continue
			}
			if other := seen[name]; other != "" {
				t.Errorf("%s is of %s and of %s", name, other, f.Key)
			}
			seen[name] = f.Key
		}
		if !strings.HasPrefix(f.Env, "CXM_") || f.Help == "" || strings.HasSuffix(f.Help, ".") {
			t.Errorf("%s: %s, %q", f.Key, f.Env, f.Help)
		}
		if f.Default() == "" && f.Unset == "" {
			t.Errorf("nobody says what it means that %s is empty", f.Key)
		}
	}
}

// TestPrint: what is printed is YAML, says where values come from, and no secret.
// The file of defaults holds what holds anyway, as it is and with every line in force.
func TestPrint(t *testing.T) {
	l, err := config.Load(config.Sources{
		Env:   lookup(map[string]string{"CXM_DATABASE_URL": "postgres://cxm:hush@db.example.com/cxm", "CXM_ALLOW_PRIVATE": "10.0.0.0/8 gitlab.internal"}),
		Flags: map[string]string{"server.listen": "127.0.0.1:80"},
	})
	if err != nil {
		t.Fatal(err)
	}
	text := l.YAML()
	for _, want := range []string{`url: "[redacted]"  # CXM_DATABASE_URL`, `allow_private: ["10.0.0.0/8", "gitlab.internal"]  # CXM_ALLOW_PRIVATE`, `listen: "127.0.0.1:80"  # --listen`, `every: 10m0s  # default`} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("lacks %s", want)
		}
	}
	if shown := text + fmt.Sprintf("%+v %#v", l, l.Lines()); strings.Contains(shown, "hush") {
		t.Error("the password is shown")
	}
	var read map[string]any
	if err := yaml.Unmarshal([]byte(text), &read); err != nil {
		t.Error(err)
	}
	inForce := inForceOf(config.DefaultYAML())
	for _, each := range []string{config.DefaultYAML(), inForce} {
		name := filepath.Join(t.TempDir(), "cxm.yaml")
		write(t, name, each)
		l, err := config.Load(config.Sources{File: name})
		if err != nil {
			t.Fatalf("%v\n%s", err, each)
		}
		standard := config.Default()
		for _, f := range config.Fields() {
			if got := f.Text(&l.Config); got != f.Text(&standard) {
				t.Errorf("%s is %q", f.Key, got)
			}
			if from := l.Origin(f.Key).From; (from == config.FromFile) != (each == inForce) {
				t.Errorf("%s comes from %s", f.Key, from)
			}
		}
	}
}

// inForceOf puts every field of a file of defaults in force.
func inForceOf(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		if rest, off := strings.CutPrefix(line, "#"); off && !strings.HasPrefix(rest, " ") || strings.HasPrefix(line, "#  ") {
			line = strings.TrimPrefix(line, "#")
		}
		out = append(out, line)
	}
	return strings.Join(out, "")
}

// TestStrangers: a variable that is nobody's is named.
func TestStrangers(t *testing.T) {
	got := config.Strangers([]string{"CXM_LISTEN=x", "CXM_LISTN=x", "CXM_KEY_FILE=x", "CXM_GITLAB_TOKEN=x", "CXM_LISTEN_FILE=x", "HOME=x", "CXM_OIDC=x"}, nil)
	if want := []string{"CXM_LISTEN_FILE", "CXM_LISTN", "CXM_OIDC"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

// TestUsual: a file that is usual is read when it is there, and only when none is named.
func TestUsual(t *testing.T) {
	dir := t.TempDir()
	usual, other := filepath.Join(dir, "usual.yaml"), filepath.Join(dir, "other.yaml")
	if l, err := config.Load(config.Sources{Usual: usual}); err != nil || l.File != "" {
		t.Errorf("%v %+v", err, l)
	}
	write(t, usual, "caps: {open: 7}\n")
	write(t, other, "\ufeff# nothing\r\n")
	for want, s := range map[string]config.Sources{
		usual: {Usual: usual},
		other: {Usual: usual, Env: lookup(map[string]string{"CXM_CONFIG": other})},
	} {
		l, err := config.Load(s)
		if err != nil || l.File != want || (l.Caps.Open == 7) != (want == usual) {
			t.Errorf("%v %s", err, l.File)
		}
	}
	l, err := config.Load(config.Sources{Usual: usual, File: other, Env: lookup(map[string]string{"CXM_CONFIG": usual})})
	if err != nil || l.File != other {
		t.Errorf("%v %s", err, l.File)
	}
}
