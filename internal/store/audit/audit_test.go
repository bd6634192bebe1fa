package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cxm/internal/audit"
	"cxm/internal/integration"
	"cxm/internal/store"
	kept "cxm/internal/store/audit"
	"cxm/internal/store/connections"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/storetest"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 123456000, time.UTC) }

func signer() *audit.Signer { return audit.NewSigner(bytes.Repeat([]byte{7}, 32)) }

func keys() audit.Keys { return audit.Keys{signer().Key(): {Public: signer().Public, Proved: true}} }

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(t *testing.T, d *database.DB)) {
	for name, place := range map[string]func(t *testing.T) store.Options{
		"SQLite":     func(t *testing.T) store.Options { return tables.New(t) },
		"PostgreSQL": func(t *testing.T) store.Options { return store.Options{URL: postgres.Copy(t, storetest.Migrated)} },
	} {
		t.Run(name, func(t *testing.T) {
			o := place(t)
			o.Sign = func(string) *audit.Signer { return signer() }
			d, err := database.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { d.Close() })
			test(t, d)
		})
	}
}

func whole(t *testing.T, s *kept.Store, known ...audit.Known) audit.Report {
	t.Helper()
	r, err := s.Verify(t.Context(), keys(), known...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func add(t *testing.T, s *kept.Store, n int, at time.Time) {
	t.Helper()
	for i := range n {
		line := audit.Line{At: at, Action: "signin.failed", Object: audit.Object{Kind: "person", ID: fmt.Sprint(i % 3)}, Why: fmt.Sprint("attempt ", i)}
		if err := s.Add(audit.With(t.Context(), audit.Actor{Kind: audit.System}), line); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOneChain: sixteen that write at once, of two tenants, some in transactions
// that are rolled back, make one unbroken chain for each.
func TestOneChain(t *testing.T) {
	onBoth(t, func(t *testing.T, d *database.DB) {
		const writers, each = 16, 20
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				tenant := []string{"default", "acme"}[w%2]
				c := connections.New(d, tenant)
				for i := range each {
					url := fmt.Sprintf("https://gitlab-%d.example.com", (w+i)%5)
					if err := c.Reach(t.Context(), url, integration.Network{Proxy: fmt.Sprintf("http://%d-%d.example.com", w, i)}); err != nil {
						t.Error(err)
					}
					err := d.Write(t.Context(), database.Change{Point: "given up", Tenant: tenant, Do: func(ctx context.Context, _ db.DBTX) error {
						return errors.Join(audit.Note(ctx, audit.Line{Action: "a.b"}), errGivenUp)
					}})
					if !errors.Is(err, errGivenUp) {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for _, tenant := range []string{"default", "acme"} {
			r := whole(t, kept.New(d, tenant, noon))
			if len(r.Faults) > 0 || r.Lines != writers*each/2 || r.Anchored != r.Lines/audit.Every*audit.Every {
				t.Errorf("%s: %+v", tenant, r)
			}
		}
	})
}

var errGivenUp = errors.New("given up")

// TestAppendOnly: the database itself refuses to change or remove anything.
func TestAppendOnly(t *testing.T) {
	onBoth(t, func(t *testing.T, d *database.DB) {
		s := kept.New(d, "default", noon)
		add(t, s, 120, noon())
		if _, err := s.Prune(t.Context(), noon(), "", keys(), signer()); err != nil { // nothing is older
			t.Fatal(err)
		}
		statements := []string{
			"update audit_lines set why = 'x'", "update audit_lines set sequence = sequence + 1000", "delete from audit_lines where sequence = 7",
			"update audit_anchors set hash = 'x'", "delete from audit_anchors",
		}
		if d.Pool() != nil {
			statements = append(statements, "truncate audit_lines")
		}
		for _, statement := range statements {
			err := run(t, d, statement)
			if err == nil || !strings.Contains(err.Error(), "only added to") {
				t.Errorf("%s: %v", statement, err)
			}
		}
		if r := whole(t, s); len(r.Faults) > 0 || r.Lines != 120 {
			t.Errorf("%+v", r)
		}
	})
}

func run(t *testing.T, d *database.DB, statements ...string) error {
	return d.Write(t.Context(), database.Change{Point: "test", Do: func(ctx context.Context, tx db.DBTX) error {
		for _, s := range statements {
			if _, err := tx.ExecContext(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}})
}

// disarm takes the triggers away, as somebody can who owns the database.
func disarm(t *testing.T, d *database.DB) {
	t.Helper()
	for _, table := range []string{"audit_lines", "audit_anchors", "audit_seals"} {
		for _, name := range []string{"fixed", "kept"} {
			statement := fmt.Sprintf("drop trigger %s_%s", table, name)
			if d.Pool() != nil {
				statement += " on " + table
			}
			if err := run(t, d, statement); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestTampering: whoever owns the database changes any column of any row, or
// removes rows, and the check names the place.
func TestTampering(t *testing.T) {
	onBoth(t, func(t *testing.T, d *database.DB) {
		s := kept.New(d, "default", noon)
		ctx := audit.With(audit.WithRequest(t.Context(), "request-1"), audit.Actor{Kind: audit.Person, Name: "engineer"})
		for i := range 130 {
			err := s.Add(ctx, audit.Line{
				At: noon(), Action: "rules.applied", Object: audit.Object{Kind: "rules", ID: "1", Name: "revision 1"}, Why: "why", Run: 3,
				Before: audit.Of(audit.Values{"revision": i}), After: audit.Of(audit.Values{"revision": i + 1}),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		disarm(t, d)
		numbers := rand.New(rand.NewPCG(1, 2))
		columns := []string{
			"actor_kind", "actor_name", "action", "object_kind", "object_id", "object_name", "facts_before", "facts_after", "why", "request_id", "previous_hash", "hash",
		}
		for _, column := range append(columns, "run_id", "at", "sequence", "row") {
			at := 1 + numbers.IntN(130)
			f := broken(t, d, s, tampering(d, column, at))
			if !slices.ContainsFunc(f, func(f audit.Fault) bool { return f.From <= int64(at) && int64(at) <= f.To }) {
				t.Errorf("%s of line %d: %+v", column, at, f)
			}
		}
		if d.Pool() == nil {
			f := broken(t, d, s, "update audit_lines set at = 'noon' where sequence = 77")
			if len(f) != 1 || f[0].From != 77 || f[0].Kind != audit.Altered {
				t.Errorf("a time that is none: %+v", f)
			}
		}
		for _, other := range []string{
			"update audit_anchors set previous = 4", "delete from audit_anchors", "update audit_heads set sequence = 131", "delete from audit_heads",
		} {
			if f := broken(t, d, s, other); len(f) == 0 {
				t.Errorf("nobody noticed: %s", other)
			}
		}
	})
}

func tampering(d *database.DB, column string, at int) string {
	where := fmt.Sprintf(" where tenant = 'default' and sequence = %d", at)
	switch column {
	case "row":
		return "delete from audit_lines" + where
	case "sequence":
		return "update audit_lines set sequence = 5000" + where
	case "run_id":
		return "update audit_lines set run_id = run_id + 1" + where
	case "at":
		if d.Pool() != nil {
			return "update audit_lines set at = at + interval '1 microsecond'" + where
		}
		return "update audit_lines set at = '2026-03-14T12:00:00.123457Z'" + where
	}
	return "update audit_lines set " + column + " = " + column + " || ' '" + where
}

// broken is what a check says while a statement has effect, which is then taken
// back.
func broken(t *testing.T, d *database.DB, s *kept.Store, statement string) []audit.Fault {
	t.Helper()
	save := []string{"create table saved_lines as select * from audit_lines", "create table saved_anchors as select * from audit_anchors", "create table saved_heads as select * from audit_heads"}
	if err := run(t, d, append(save, statement)...); err != nil {
		t.Fatal(err)
	}
	r := whole(t, s)
	for _, table := range []string{"lines", "anchors", "heads"} {
		if err := run(t, d, "delete from audit_"+table, "insert into audit_"+table+" select * from saved_"+table, "drop table saved_"+table); err != nil {
			t.Fatal(err)
		}
	}
	if r := whole(t, s); len(r.Faults) > 0 {
		t.Fatalf("the log is not as it was: %+v", r)
	}
	return r.Faults
}

// TestPrune: old lines go, a seal stays from which the chain goes on, and the
// database lets nothing else go.
func TestPrune(t *testing.T) {
	onBoth(t, func(t *testing.T, d *database.DB) {
		s := kept.New(d, "default", noon)
		add(t, s, 110, noon().AddDate(-2, 0, 0))
		add(t, s, 50, noon().AddDate(-1, 0, 0))
		add(t, s, 10, noon())
		for _, c := range []struct {
			before time.Time
			gone   int64
		}{{noon().AddDate(-1, -1, 0), 110}, {noon().AddDate(0, -1, 0), 50}, {noon().AddDate(0, -1, 0), 0}} {
			done, err := s.Prune(audit.With(t.Context(), audit.Actor{Kind: audit.CommandLine, Name: "platform-admin"}), c.before, "kept for a year", keys(), signer())
			if err != nil || done.Lines != c.gone {
				t.Fatalf("%+v, %v; want %d lines gone", done, err, c.gone)
			}
		}
		r := whole(t, s)
		if len(r.Faults) > 0 || r.Sealed != 160 || r.Lines != 12 || r.First != 161 {
			t.Errorf("%+v", r)
		}
		if err := run(t, d, "delete from audit_lines where sequence = 165"); err == nil {
			t.Error("a line behind the seal can be removed")
		}
		if err := run(t, d, "delete from audit_seals"); err == nil {
			t.Error("a seal can be removed")
		}
		l, err := s.List(t.Context(), kept.Filter{Action: "audit.pruned"})
		if err != nil || len(l) != 2 || l[0].Actor.Name != "platform-admin" || l[0].Why != "kept for a year" {
			t.Errorf("%+v, %v", l, err)
		}
		disarm(t, d)
		if err := run(t, d, "update audit_lines set why = 'x' where sequence = 163"); err != nil {
			t.Fatal(err)
		}
		var faulty *kept.FaultyError
		if _, err := s.Prune(t.Context(), noon().AddDate(1, 0, 0), "", keys(), signer()); !errors.As(err, &faulty) || faulty.Report.Faults[0].From != 163 {
			t.Errorf("a log that was changed is pruned: %v", err)
		}
	})
}

// TestList filters, page by page.
func TestList(t *testing.T) {
	onBoth(t, func(t *testing.T, d *database.DB) {
		s := kept.New(d, "default", noon)
		add(t, s, 12, noon())
		ctx := audit.With(t.Context(), audit.Actor{Kind: audit.Person, Name: "engineer"})
		for i, action := range []string{"token.rotated", "tokens.listed", "token.revoked"} {
			if err := s.Add(ctx, audit.Line{At: noon().Add(time.Duration(i+1) * time.Hour), Action: action}); err != nil {
				t.Fatal(err)
			}
		}
		for name, c := range map[string]struct {
			f    kept.Filter
			want []int64
		}{
			"the last":       {kept.Filter{Most: 2}, []int64{15, 14}},
			"the next page":  {kept.Filter{Most: 2, Before: 14}, []int64{13, 12}},
			"of an actor":    {kept.Filter{Actor: "engineer"}, []int64{15, 14, 13}},
			"of an action":   {kept.Filter{Action: "token."}, []int64{15, 13}},
			"of an object":   {kept.Filter{Kind: "person", ID: "2"}, []int64{12, 9, 6, 3}},
			"of an hour":     {kept.Filter{Since: noon().Add(time.Hour), Until: noon().Add(2 * time.Hour)}, []int64{13}},
			"nothing at all": {kept.Filter{Actor: "nobody"}, nil},
		} {
			lines, err := s.List(t.Context(), c.f)
			var got []int64
			for _, l := range lines {
				got = append(got, l.Sequence)
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
			}
		}
		if l, err := kept.New(d, "acme", noon).List(t.Context(), kept.Filter{}); err != nil || len(l) > 0 {
			t.Errorf("another tenant sees %+v, %v", l, err)
		}
	})
}

// TestExport: the head at its end proves later that nothing before was changed.
func TestExport(t *testing.T) {
	onBoth(t, func(t *testing.T, d *database.DB) {
		s := kept.New(d, "default", noon)
		add(t, s, 105, noon())
		var out bytes.Buffer
		head, err := s.Export(t.Context(), keys(), kept.Span{}, func(log audit.Log) (audit.Exporter, error) { return audit.NewJSONL(&out, log) })
		if err != nil || head.Sequence != 105 {
			t.Fatalf("%+v, %v", head, err)
		}
		if n := strings.Count(out.String(), "\n"); n != 105+1+1+1 { // lines, a key, an anchor, the head
			t.Errorf("%d lines were written", n)
		}
		read, err := audit.ReadHead(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		known := audit.Known{Head: read, Where: "the export"}
		if r := whole(t, s, known); len(r.Faults) > 0 {
			t.Errorf("%+v", r.Faults)
		}
		disarm(t, d)
		if err := run(t, d, "delete from audit_lines where sequence > 103", "update audit_heads set sequence = 103, hash = (select hash from audit_lines where sequence = 103)"); err != nil {
			t.Fatal(err)
		}
		if r := whole(t, s); len(r.Faults) > 0 {
			t.Errorf("without the export nobody can tell, and somebody does: %+v", r.Faults)
		}
		if r := whole(t, s, known); len(r.Faults) != 1 || r.Faults[0].Kind != audit.CutOff || r.Faults[0].From != 104 {
			t.Errorf("with it: %+v", r.Faults)
		}
	})
}
