// Package pgtest runs a real PostgreSQL server for tests: the one that the
// system's package installed, on a free port of the loopback interface, in a
// folder of its own that is removed at the end.
//
// What always holds: a server belongs to the process that started it and ends
// with it, also when that is killed (on Linux); it never runs as root; it does
// not wait for the disk (fsync is off), so that what it holds survives the death
// of its processes but not that of the machine.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrAbsent says that this machine has no PostgreSQL, and how to get it.
var ErrAbsent = errors.New("PostgreSQL's server (initdb, postgres) was not found on PATH, through pg_config, or in /usr/lib/postgresql: `make test` installs it, or run scripts/need.sh postgresql")

// patience is how long a server may take to begin or to end. A machine that
// runs many tests at once is slow.
const patience = 60 * time.Second

// Server is a running server, or a stopped one that can be started again. It is
// safe for concurrent use.
type Server struct {
	bin, dir string
	port     int
	password string

	mu      sync.Mutex
	child   *child // nil: stopped
	created int    // databases so far
}

// New starts a server that is stopped when t ends. Where PostgreSQL is absent the
// test is skipped; in CI (the environment variable CI is not empty) it fails.
func New(t testing.TB) *Server {
	t.Helper()
	s, err := Start()
	need(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// need ends a test that has no server.
func need(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, ErrAbsent) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Once is one server for all tests of a program, started by the first that wants
// it. The zero value is ready for use; a TestMain ends it:
//
//	var postgres pgtest.Once
//
//	func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }
type Once struct {
	start  sync.Once
	server *Server
	err    error

	prepare sync.Once
	ready   string // the database that Copy copies
	fault   error  // why there is none
}

// Server is the server; as New does, it skips or fails t where there is none. No
// test may stop it.
func (o *Once) Server(t testing.TB) *Server {
	t.Helper()
	o.start.Do(func() { o.server, o.err = Start() })
	need(t, o.err)
	return o.server
}

// Copy is the URL of a new database with what prepare made of an empty one, which it
// is asked to do once: copying takes a tenth of the time that preparing takes.
func (o *Once) Copy(t testing.TB, prepare func(url string) error) (of string) {
	t.Helper()
	server := o.Server(t)
	o.prepare.Do(func() {
		var name string
		if name, o.fault = server.Create(); o.fault == nil {
			o.ready = server.URL(name)
			o.fault = prepare(o.ready)
		}
	})
	if o.fault != nil {
		t.Fatal(o.fault)
	}
	return server.Clone(t, o.ready)
}

// Main runs the tests and stops the server. It returns the exit code.
func (o *Once) Main(m *testing.M) int {
	code := m.Run()
	if o.server == nil {
		return code
	}
	if err := o.server.Close(); err != nil {
		return max(code, 1)
	}
	return code
}

// Start starts a server for a program that has no testing.TB, such as a
// TestMain. The error is ErrAbsent where PostgreSQL is not installed.
func Start() (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	sweep(os.TempDir())
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir, password: rand.Text()}
	if err := s.begin(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func (s *Server) begin() error {
	if err := s.initialise(); err != nil {
		return err
	}
	var err error
	for range 5 { // another process may take the port before the server does
		if s.port, err = freePort(); err != nil {
			return err
		}
		if err = s.Restart(); err == nil {
			return s.eased()
		}
	}
	return err
}

// initialise makes the server's files.
func (s *Server) initialise() error {
	if err := os.WriteFile(filepath.Join(s.dir, owner), fmt.Appendf(nil, "%d", os.Getpid()), 0o600); err != nil {
		return err
	}
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(s.password), 0o600); err != nil {
		return err
	}
	if err := handOver(s.dir, filepath.Join(s.dir, owner), secret); err != nil {
		return err
	}
	cmd := exec.CommandContext(context.Background(), filepath.Join(s.bin, "initdb"), "--pgdata", s.data(), "--no-sync", "--no-instructions",
		"--encoding=UTF8", "--locale=C", "--username=cxm", "--pwfile", secret, "--auth=scram-sha-256")
	cmd.Dir = s.dir
	confine(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Database makes an empty database and is its URL. It is dropped when t ends.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name, err := s.Create()
	if err != nil {
		t.Fatal(err)
	}
	s.dropAfter(t, name)
	return s.URL(name)
}

// Clone makes a database that holds what another of this server does, which
// nobody may be connected to, and is its URL. It is dropped when t ends.
func (s *Server) Clone(t testing.TB, of string) string {
	t.Helper()
	u, err := url.Parse(of)
	if err != nil {
		t.Fatal(err)
	}
	name := s.name()
	if err := s.exec("create database " + name + " template " + strings.TrimPrefix(u.Path, "/")); err != nil {
		t.Fatal(err)
	}
	s.dropAfter(t, name)
	return s.URL(name)
}

func (s *Server) dropAfter(t testing.TB, name string) {
	t.Cleanup(func() {
		if err := s.drop(name); err != nil {
			t.Logf("dropping the test's database: %v", err)
		}
	})
}

// name is one that no database has yet.
func (s *Server) name() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.created++
	return fmt.Sprintf("test_%d", s.created)
}

// Create makes an empty database and returns its name, for a program that has no
// testing.TB.
func (s *Server) Create() (string, error) {
	name := s.name()
	err := s.exec("create database " + name + linguistic)
	if _, said := errors.AsType[*pgconn.PgError](err); said { // before version 15, or built without ICU
		err = s.exec("create database " + name)
	}
	return name, err
}

// linguistic orders texts as people do, which most servers are set to: who needs
// the order of bytes has to ask for it.
const linguistic = " template template0 locale_provider icu icu_locale 'en-US'"

func (s *Server) drop(name string) error {
	s.mu.Lock()
	stopped := s.child == nil
	s.mu.Unlock()
	if stopped {
		return nil // it goes with the folder
	}
	return s.exec("drop database " + name + " with (force)")
}

// URL is where a database is, with user and password.
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword("cxm", s.password), Path: "/" + database,
		Host: net.JoinHostPort("127.0.0.1", fmt.Sprint(s.port)), RawQuery: "sslmode=disable",
	}
	return u.String()
}

// exec runs one statement as the server's administrator.
func (s *Server) exec(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// Restart starts a server that was stopped or killed, at the same URLs, and
// returns when it answers. A server that runs stays as it is.
func (s *Server) Restart() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child != nil {
		return nil
	}
	c, err := launch(s.command(), filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	if err := s.answers(c); err != nil {
		c.signal(immediate)
		<-c.ended
		return err
	}
	s.child = c
	return nil
}

func (s *Server) command() *exec.Cmd {
	args := []string{"-D", s.data(), "-p", fmt.Sprint(s.port)}
	for _, setting := range settings() {
		args = append(args, "-c", setting)
	}
	cmd := exec.CommandContext(context.Background(), filepath.Join(s.bin, "postgres"), args...)
	cmd.Dir = s.dir
	return cmd
}

// settings make it fast and small; none changes what a statement means.
func settings() []string {
	return []string{
		"listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "shared_buffers=32MB",
		"fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "autovacuum=off", "jit=off",
	}
}

// answers waits until the server takes connections.
func (s *Server) answers(c *child) error {
	deadline := time.Now().Add(patience)
	for {
		err := s.exec("select 1")
		if err == nil {
			return nil
		}
		select {
		case <-c.ended:
			return fmt.Errorf("PostgreSQL ended at once: %s", c.said())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("PostgreSQL does not answer: %w: %s", err, c.said())
		}
	}
}

// Stop ends the server in good order: it rolls back what is open, breaks all
// connections, and writes everything. Restart starts it again.
func (s *Server) Stop() error { return s.end(fast) }

// Kill ends the server as a crash does: connections break, and what was not
// committed is gone. Restart starts it again, from its log.
func (s *Server) Kill() error { return s.end(immediate) }

// Close stops the server for good and removes its files.
func (s *Server) Close() error { return errors.Join(s.end(immediate), os.RemoveAll(s.dir)) }

func (s *Server) end(how os.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child == nil {
		return nil
	}
	s.child.signal(how)
	select {
	case <-s.child.ended:
		s.child = nil
		return nil
	case <-time.After(patience):
		return fmt.Errorf("PostgreSQL does not end: %s", s.child.said())
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	at, err := netip.ParseAddrPort(l.Addr().String())
	return int(at.Port()), err
}
