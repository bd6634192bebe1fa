// Package config is the configuration of the program: one typed value, read from
// a file, the environment and the flags of a command.
//
// What always holds: a flag goes before the environment, that before the file,
// that before the default; every field has one variable and one place in the
// file, and Fields is the only table of them; everything that is wrong is said at
// once, each at its place; a secret is shown by nothing here.
package config

import (
	"time"

	"cxm/internal/credential"
)

// Config is the configuration of the program.
type Config struct {
	Tenant   string // whose integrations, rules and findings commands are about
	DataDir  string // empty: cxm in the XDG data directory
	Remote   Remote
	Database Database
	Key      Key
	Network  Network
	Notify   Notify
	Brakes   Brakes
	Caps     Caps
	Work     Work
	Server   Server
	SignIn   SignIn
	Status   Status
	Log      Log
	Traces   Traces
}

// Remote is a server that commands ask, in the place of the data of this machine.
type Remote struct {
	Server       string            // its address; empty: none, the data of this machine
	Token        credential.Secret // an API token of that server's
	CAFile       string            // certificates in PEM that are trusted beside the system's; empty: none
	InsecureHTTP bool              // the token may go out without TLS
}

// Database says where cxm keeps what it knows.
type Database struct {
	URL credential.Secret // postgres://…, which may hold a password; empty: cxm.db in the data directory
}

// Key says where the key is that seals the keys of the tokens.
type Key struct {
	Text credential.Secret // a Tink keyset in base64; empty: key.json in the data directory
	URI  string            // of a key in HashiCorp Vault, which goes before Text
}

// Network says what cxm may connect to.
type Network struct {
	AllowPrivate []string // networks, addresses and host names beside the internet
}

// Notify says where an operator is told things.
type Notify struct {
	URL    credential.Secret // its path is often a secret; empty: nowhere
	Secret credential.Secret // of Standard Webhooks (whsec_…); empty: deliveries are not signed
}

// Brakes are what a run may do unasked.
type Brakes struct {
	CloseShare int  // percent of the open issues
	CloseFloor int  // so many whatever share that is
	MaxCreates int  // 0: any number
	AdmitNew   bool // the first issues of a new source, where nobody watches
}

// Caps bound the issues in one project; 0: any number.
type Caps struct {
	PerHour int
	Open    int
}

// Work says how the queue is worked.
type Work struct {
	Every   time.Duration // between looks at the tracker
	Settle  time.Duration // how long the tracker's silence about a create means nothing
	Grace   time.Duration // for what runs when the program is told to stop
	Workers int           // writes in flight
}

// Server is the public listener.
type Server struct {
	Listen                   string   // host:port, or systemd:NAME; empty: nowhere
	PublicURL                string   // as people and GitLab reach it; empty: not known
	TLSCertificate           string   // file with the chain in PEM; empty: no TLS
	TLSKey                   string   // file with its key in PEM
	TrustedProxies           []string // networks and addresses whose X-Forwarded-For is believed
	MaxConnections           int
	MaxConnectionsPerAddress int // 0: as many as in all
	MaxHeaderBytes           int
	MaxBodyBytes             int // of a request whose route has no limit of its own
	HeaderTimeout            time.Duration
	ReadTimeout              time.Duration
	WriteTimeout             time.Duration
	IdleTimeout              time.Duration
	Drain                    time.Duration // between being not ready and taking no more requests
}

// Status is the listener for operators.
type Status struct {
	Listen string // host:port, or systemd:NAME; empty: nowhere
	Pprof  bool   // profiles are served there, if the address is a loopback one
}

// Log says how the program logs.
type Log struct {
	Level  string // debug, info, warn or error
	Format string // text or json
	Access bool   // one line for every request
}

// Traces say whether OpenTelemetry traces are sent; the OTEL_ variables say where.
type Traces struct {
	Enabled bool
}

// Default is the configuration of which nothing was said.
func Default() Config {
	return Config{
		Brakes: Brakes{CloseShare: 20, CloseFloor: 10, MaxCreates: 500},
		Work:   Work{Every: 10 * time.Minute, Settle: 30 * time.Second, Grace: 20 * time.Second, Workers: 16},
		Server: Server{
			MaxConnections: 1024, MaxConnectionsPerAddress: 256, MaxHeaderBytes: 64 << 10, MaxBodyBytes: 8 << 20,
			HeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		},
		Log: Log{Level: "info", Format: "text", Access: true},
	}
}
