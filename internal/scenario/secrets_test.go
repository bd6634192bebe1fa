package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"cxm/internal/app"
	"cxm/internal/sandbox"
)

// A change of keys that is killed anywhere leaves everything readable, and can be
// run again.
func TestRekeyKilled(t *testing.T) {
	variants(t, map[string]death{
		"before the new key":      {Point: "keyset: before commit", Nth: 1},
		"after the new key":       {Point: "keyset: after commit", Nth: 1},
		"before all is sealed":    {Point: "reseal: before commit", Nth: 1},
		"after all is sealed":     {Point: "reseal: after commit", Nth: 1},
		"not, and others work on": {},
	}, func(b *bed, d death) {
		running := b.app
		if d.Point != "" {
			b.dies(task{Rekey: true, Die: d})
			b.aws(disks(1)...)
			b.want("+") // half-way
		}
		b.app = b.open()
		if done, err := b.app.Rekey(b.Context(), nil); err != nil || done.Sealed != 1 {
			b.Fatalf("run again: %+v, %v", done, err)
		}
		b.app = running // which knows the old key alone
		b.aws(disks(2)...)
		if _, report := b.apply(); !report.Whole() {
			b.Errorf("%+v", report)
		}
		if _, err := b.app.RotateToken(b.Context(), 0); err != nil { // it seals
			b.Error(err)
		}
		b.app = b.open()
		b.once(2)
	})
}

// spy remembers every token that was ever sent or answered, and is the transport.
type spy struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (s *spy) add(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if token != "" {
		s.seen[token] = true
	}
}

// RoundTrip implements http.RoundTripper.
func (s *spy) RoundTrip(req *http.Request) (*http.Response, error) {
	s.add(strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "))
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err == nil && strings.HasSuffix(req.URL.Path, "/rotate") {
		var made struct {
			Token string `json:"token"`
		}
		var text bytes.Buffer
		_, _ = text.ReadFrom(resp.Body)
		_ = resp.Body.Close()
		_ = json.Unmarshal(text.Bytes(), &made)
		s.add(made.Token)
		resp.Body = struct {
			*bytes.Reader
			nothing
		}{bytes.NewReader(text.Bytes()), nothing{}}
	}
	return resp, err
}

type nothing struct{}

// Close does nothing.
func (nothing) Close() error { return nil }

// After everything that can happen to a token none is found anywhere: in no log, no
// error, no answer of the program, no database, backup or file, no process list.
func TestTokensAreNowhere(t *testing.T) {
	each(t, func(b *bed) {
		s, log, out := &spy{seen: map[string]bool{}}, &said{}, &said{}
		tell := func(what ...any) { fmt.Fprintf(out, "%+v %#v %s\n", what, what, what) }
		b.app = b.open(func(c *app.Config) {
			c.Transport, c.Logger = s, slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		b.connect(b.app, b.token, "acme/platform")
		b.aws(disks(3)...)
		b.want("+++")
		status, err := b.app.RotateToken(b.Context(), 0)
		tell(status, err)
		for _, f := range []sandbox.Fault{{Status: 500}, {Status: 200, Body: "<html>"}, {Status: 400, Body: `{"message":"no"}`}, {Cut: sandbox.CutHalf}} {
			f.Method, f.Path, f.Times = http.MethodPost, rotateRoute, 1
			b.gitlab.Inject(f)
			_, err := b.app.RotateToken(b.Context(), 0)
			tell(err)
		}
		_, _, err = applyTo(b.Context(), b.app, 0)
		tell(err)
		next := b.newToken()
		secret, err := app.CleanToken(next)
		tell(secret, app.Replacement{Token: secret}, err)
		status, err = b.app.ReplaceToken(b.Context(), 0, app.Replacement{Token: secret})
		tell(status, err)
		if err != nil {
			b.Fatal(err)
		}
		in, all, events, err := b.app.TokenHistory(b.Context(), 0)
		tell(in, all, events, err)
		done, err := b.app.Rekey(b.Context(), nil)
		tell(done, err)
		sum, err := b.app.Status(b.Context())
		tell(sum, err)
		tell(b.app)
		child := b.start(task{Apply: true})
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child.Process.Pid))
		own, _ := os.ReadFile("/proc/self/cmdline")
		tell(child.Wait(), string(line), string(own), child.Args)
		backup := filepath.Join(b.TempDir(), "backup.db")
		copied, err := app.BackupDatabase(b.Context(), app.Config{DataDir: b.dir, Database: b.dsn}, backup)
		tell(copied, err)
		if err != nil {
			b.Fatal(err)
		}
		text, err := os.ReadFile(backup)
		if err != nil {
			b.Fatal(err)
		}
		if len(s.seen) < 3 {
			b.Fatalf("only %d tokens were seen: the test proves nothing", len(s.seen))
		}
		s.add(next)
		s.add(b.token)
		places := map[string][]byte{"the log": log.out.Bytes(), "what cxm answers": out.out.Bytes(), "the backup": text, "the database": b.dump()}
		b.files(places)
		for where, what := range places {
			for token := range s.seen {
				if bytes.Contains(what, []byte(token)) || bytes.Contains(what, []byte(token[6:30])) {
					b.Errorf("%s holds a token", where)
				}
			}
		}
	})
}

// files adds every file of the data directory.
func (b *bed) files(to map[string][]byte) {
	b.Helper()
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if !errors.Is(err, fs.ErrNotExist) {
			to[path] = text
			return err
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	if len(to) < 5 {
		b.Fatalf("only %d places are searched", len(to))
	}
}

// dump is all that PostgreSQL holds, the queue included; SQLite's file is among the
// files.
func (b *bed) dump() []byte {
	b.Helper()
	if b.database != postgres {
		return nil
	}
	conn, err := pgx.Connect(b.Context(), b.dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context())
	rows, err := conn.Query(b.Context(), `select coalesce(query_to_xml(format('select * from %I', relname), true, false, '')::text, '') from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace`)
	if err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			b.Fatal(err)
		}
		out.WriteString(text)
	}
	if err := rows.Err(); err != nil || out.Len() < 1000 {
		b.Fatalf("%d bytes were dumped: %v", out.Len(), err)
	}
	return out.Bytes()
}
