package config

import (
	"slices"
	"strings"
	"time"
)

// Field is one field of the configuration.
type Field struct {
	Key    string // section.name, as in the file; one without a section stands at the top
	Env    string // its variable
	Flag   string // of the commands that have it; empty: none has
	Help   string // what it is, for help and documentation, without a full stop
	Unset  string // what its empty value means; empty: it says it by itself
	Secret bool   // nothing shows it; the variable Env_FILE names a file that holds it
	bind   func(*Config) value
}

// EnvFile is the variable that names a file which holds the value; empty: the field
// is no secret.
func (f Field) EnvFile() string {
	if !f.Secret {
		return ""
	}
	return f.Env + "_FILE"
}

// Kind says what values there are, for help.
func (f Field) Kind() string { return f.bind(new(Config)).kind() }

// Check says what is wrong with the text of a value; nil: nothing is.
func (f Field) Check(text string) error { return f.bind(new(Config)).set(text) }

// Text is the value in c, as a flag or a variable would have it; a secret is
// redacted.
func (f Field) Text(c *Config) string { return f.bind(c).text() }

// Default is the text of the value that holds when nothing else is said.
func (f Field) Default() string {
	c := Default()
	return f.Text(&c)
}

// section and name are the parts of the key.
func (f Field) section() string {
	section, _, nested := strings.Cut(f.Key, ".")
	if !nested {
		return ""
	}
	return section
}

func (f Field) name() string { return f.Key[strings.LastIndexByte(f.Key, '.')+1:] }

// Lookup is the field with the key, and whether there is one.
func Lookup(key string) (Field, bool) {
	all := Fields()
	i := slices.IndexFunc(all, func(f Field) bool { return f.Key == key })
	if i < 0 {
		return Field{}, false
	}
	return all[i], true
}

// Fields are all fields, in the order of the file; those of a section stand
// together.
func Fields() []Field {
	return slices.Concat(placeFields(), boundFields(), serverFields(), watchFields())
}

// placeFields say where things are.
func placeFields() []Field {
	return []Field{
		{Key: "data_dir", Env: "CXM_DATA_DIR", Flag: "data-dir", Help: "where cxm keeps its data", Unset: "cxm in the XDG data directory",
			bind: func(c *Config) value { return words{&c.DataDir} }},
		{Key: "tenant", Env: "CXM_TENANT", Flag: "tenant", Help: "whose integrations, rules and findings it is about, where there are several tenants", Unset: "default",
			bind: func(c *Config) value { return words{&c.Tenant} }},
		{Key: "remote.server", Env: "CXM_SERVER", Flag: "server", Help: "address of a cxm serve that the command asks, in the place of the data of this machine, such as https://cxm.example.com", Unset: "the data of this machine",
			bind: func(c *Config) value { return words{&c.Remote.Server} }},
		{Key: "remote.token", Env: "CXM_TOKEN", Secret: true, Help: "API token for that server (`cxm api-token create`)", Unset: "--token names a file that holds it",
			bind: func(c *Config) value { return hidden{&c.Remote.Token} }},
		{Key: "remote.ca_file", Env: "CXM_SERVER_CA_FILE", Flag: "server-ca-file", Help: "file with the certificate (PEM) of a private authority that signed the server's", Unset: "the system's authorities alone",
			bind: func(c *Config) value { return words{&c.Remote.CAFile} }},
		{Key: "remote.insecure_http", Env: "CXM_SERVER_INSECURE_HTTP", Flag: "server-insecure-http", Help: "send the token to the server without TLS, although it is not this machine",
			bind: func(c *Config) value { return yes{&c.Remote.InsecureHTTP} }},
		{Key: "database.url", Env: "CXM_DATABASE_URL", Flag: "database", Secret: true, Help: "URL of a PostgreSQL database", Unset: "cxm.db in the data directory",
			bind: func(c *Config) value { return hidden{&c.Database.URL} }},
		{Key: "key.text", Env: "CXM_KEY", Secret: true, Help: "the key that seals the keys of the tokens, a Tink keyset in base64", Unset: "key.json in the data directory",
			bind: func(c *Config) value { return hidden{&c.Key.Text} }},
		{Key: "key.uri", Env: "CXM_KEY_URI", Help: "that key in HashiCorp Vault (vault+https://HOST/MOUNT/keys/NAME, with VAULT_TOKEN), before key.text", Unset: "not in Vault",
			bind: func(c *Config) value { return words{&c.Key.URI} }},
		{Key: "network.allow_private", Env: "CXM_ALLOW_PRIVATE", Flag: "allow-private", Help: "networks, addresses or host names that cxm may connect to although they are no part of the internet, separated by commas", Unset: "none",
			bind: func(c *Config) value { return many{&c.Network.AllowPrivate} }},
		{Key: "notify.url", Env: "CXM_NOTIFY_URL", Secret: true, Help: "address that is told of tokens that expire and access that is lost", Unset: "nobody is told, but the log",
			bind: func(c *Config) value { return hidden{&c.Notify.URL} }},
		{Key: "notify.secret", Env: "CXM_NOTIFY_SECRET", Secret: true, Help: "what notices are signed with: whsec_ and base64", Unset: "they are not signed",
			bind: func(c *Config) value { return hidden{&c.Notify.Secret} }},
	}
}

// boundFields say how much is done, and how fast.
func boundFields() []Field {
	return []Field{
		{Key: "brakes.close_share", Env: "CXM_CLOSE_SHARE", Flag: "close-share", Help: "percent of the open issues that a run may close unasked; 100: any number",
			bind: func(c *Config) value { return whole{to: &c.Brakes.CloseShare, most: 100} }},
		{Key: "brakes.close_floor", Env: "CXM_CLOSE_FLOOR", Flag: "close-floor", Help: "so many issues may be closed unasked whatever share that is",
			bind: func(c *Config) value { return whole{to: &c.Brakes.CloseFloor} }},
		{Key: "brakes.max_creates", Env: "CXM_MAX_CREATES", Flag: "max-creates", Help: "issues that a run may create unasked; 0: any number",
			bind: func(c *Config) value { return whole{to: &c.Brakes.MaxCreates} }},
		{Key: "brakes.admit_new_sources", Env: "CXM_ADMIT_NEW_SOURCES", Flag: "admit-new-sources", Help: "make the first issues of a new source unasked",
			bind: func(c *Config) value { return yes{&c.Brakes.AdmitNew} }},
		{Key: "caps.per_hour", Env: "CXM_CAP_HOUR", Flag: "cap-hour", Help: "new issues in one project within an hour, the rest waits; 0: any number",
			bind: func(c *Config) value { return whole{to: &c.Caps.PerHour} }},
		{Key: "caps.open", Env: "CXM_CAP_OPEN", Flag: "cap-open", Help: "issues open in one project before another is created; 0: any number",
			bind: func(c *Config) value { return whole{to: &c.Caps.Open} }},
		{Key: "work.every", Env: "CXM_EVERY", Flag: "every", Help: "time between looks at GitLab",
			bind: func(c *Config) value { return span{&c.Work.Every, time.Second} }},
		{Key: "work.settle", Env: "CXM_SETTLE", Flag: "settle", Help: "how long GitLab's silence about a create means nothing",
			bind: func(c *Config) value { return span{&c.Work.Settle, 0} }},
		{Key: "work.grace", Env: "CXM_GRACE", Flag: "grace", Help: "how long what runs may take to finish when cxm serve is told to stop",
			bind: func(c *Config) value { return span{&c.Work.Grace, 0} }},
		{Key: "work.workers", Env: "CXM_WORKERS", Help: "jobs, and writes to GitLab, that are under way at once in one process",
			bind: func(c *Config) value { return whole{to: &c.Work.Workers, least: 1, most: 1000} }},
	}
}

// serverFields are of the public listener.
func serverFields() []Field {
	return []Field{
		{Key: "server.listen", Env: "CXM_LISTEN", Flag: "listen", Help: "address to take GitLab's webhooks at, such as 127.0.0.1:8080 behind a proxy with TLS, or systemd:NAME for a socket of systemd", Unset: "nowhere",
			bind: func(c *Config) value { return words{&c.Server.Listen} }},
		{Key: "server.public_url", Env: "CXM_PUBLIC_URL", Flag: "public-url", Help: "address at which people and providers reach cxm, such as https://cxm.example.com, for links and sign-in", Unset: "the one that a request is sent to",
			bind: func(c *Config) value { return words{&c.Server.PublicURL} }},
		{Key: "server.tls_certificate", Env: "CXM_TLS_CERTIFICATE", Flag: "tls-certificate", Help: "file with the certificate for --listen and its chain (PEM), read again when it changes", Unset: "no TLS",
			bind: func(c *Config) value { return words{&c.Server.TLSCertificate} }},
		{Key: "server.tls_key", Env: "CXM_TLS_KEY", Flag: "tls-key", Help: "file with the key of that certificate (PEM)", Unset: "no TLS",
			bind: func(c *Config) value { return words{&c.Server.TLSKey} }},
		{Key: "server.trusted_proxies", Env: "CXM_TRUSTED_PROXIES", Flag: "trusted-proxies", Help: "networks and addresses of proxies whose X-Forwarded-For is believed, separated by commas", Unset: "none",
			bind: func(c *Config) value { return many{&c.Server.TrustedProxies} }},
		{Key: "server.max_connections", Env: "CXM_MAX_CONNECTIONS", Help: "connections at once to each listener",
			bind: func(c *Config) value { return whole{to: &c.Server.MaxConnections, least: 1, most: 100_000} }},
		{Key: "server.max_connections_per_address", Env: "CXM_MAX_CONNECTIONS_PER_ADDRESS", Help: "connections at once from one address, trusted proxies apart; 0: as many as in all",
			bind: func(c *Config) value { return whole{to: &c.Server.MaxConnectionsPerAddress, most: 100_000} }},
		{Key: "server.max_header_bytes", Env: "CXM_MAX_HEADER_BYTES", Help: "the largest header of a request",
			bind: func(c *Config) value { return whole{to: &c.Server.MaxHeaderBytes, least: 4 << 10, most: 1 << 20} }},
		{Key: "server.max_body_bytes", Env: "CXM_MAX_BODY_BYTES", Help: "the largest body of a request whose route has no limit of its own",
			bind: func(c *Config) value { return whole{to: &c.Server.MaxBodyBytes, least: 1 << 10, most: 1 << 30} }},
		{Key: "server.header_timeout", Env: "CXM_HEADER_TIMEOUT", Help: "time for the header of a request to arrive",
			bind: func(c *Config) value { return span{&c.Server.HeaderTimeout, 100 * time.Millisecond} }},
		{Key: "server.read_timeout", Env: "CXM_READ_TIMEOUT", Help: "time for a whole request to arrive",
			bind: func(c *Config) value { return span{&c.Server.ReadTimeout, 100 * time.Millisecond} }},
		{Key: "server.write_timeout", Env: "CXM_WRITE_TIMEOUT", Help: "time until an answer is written",
			bind: func(c *Config) value { return span{&c.Server.WriteTimeout, 100 * time.Millisecond} }},
		{Key: "server.idle_timeout", Env: "CXM_IDLE_TIMEOUT", Help: "how long a connection may do nothing between requests",
			bind: func(c *Config) value { return span{&c.Server.IdleTimeout, 100 * time.Millisecond} }},
		{Key: "server.drain", Env: "CXM_DRAIN", Help: "how long requests are still taken after /readyz says that cxm stops, so that load balancers notice",
			bind: func(c *Config) value { return span{&c.Server.Drain, 0} }},
	}
}

// watchFields are for whoever watches the program.
func watchFields() []Field {
	return []Field{
		{Key: "status.listen", Env: "CXM_STATUS_LISTEN", Flag: "status-listen", Help: "address to show the status page and /metrics at, such as 127.0.0.1:9464, or systemd:NAME", Unset: "nowhere",
			bind: func(c *Config) value { return words{&c.Status.Listen} }},
		{Key: "status.pprof", Env: "CXM_PPROF", Flag: "pprof", Help: "serve profiles (/debug/pprof/) at the status address, which must then be a loopback one",
			bind: func(c *Config) value { return yes{&c.Status.Pprof} }},
		{Key: "log.level", Env: "CXM_LOG_LEVEL", Flag: "log-level", Help: "the least that cxm serve logs: debug, info, warn or error",
			bind: func(c *Config) value { return one{&c.Log.Level, []string{"debug", "info", "warn", "error"}} }},
		{Key: "log.format", Env: "CXM_LOG_FORMAT", Flag: "log-format", Help: "how log lines are written: text or json",
			bind: func(c *Config) value { return one{&c.Log.Format, []string{"text", "json"}} }},
		{Key: "log.access", Env: "CXM_LOG_ACCESS", Help: "log a line for every request",
			bind: func(c *Config) value { return yes{&c.Log.Access} }},
		{Key: "traces.enabled", Env: "CXM_TRACES", Flag: "traces", Help: "send OpenTelemetry traces by OTLP over HTTP; OTEL_EXPORTER_OTLP_ENDPOINT and the other OTEL_ variables say where and how",
			bind: func(c *Config) value { return yes{&c.Traces.Enabled} }},
	}
}
