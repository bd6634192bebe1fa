package tokens_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/credential"
	"cxm/internal/integration"
	"cxm/internal/store"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
	"cxm/internal/store/hooks"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/storetest"
	"cxm/internal/store/tokens"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

const gitlab = "https://gitlab.example.com"

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 123456000, time.UTC) }

// bench is the tokens of a tenant with two integrations that share one.
type bench struct {
	*testing.T
	*tokens.Store
	db    *store.DB
	other *tokens.Store // of another tenant
	in    [2]integration.Integration
}

// both runs a test on both databases.
func both(t *testing.T, f func(*bench)) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		f(newBench(t, tables.New(t)))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		f(newBench(t, store.Options{URL: postgres.Copy(t, storetest.Migrated)}))
	})
}

func newBench(t *testing.T, o store.Options) *bench {
	t.Helper()
	d, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	b := &bench{T: t, Store: tokens.New(d.Base(), "default"), db: d, other: tokens.New(d.Base(), "other")}
	for i := range b.in {
		b.in[i], err = d.Tenant("default").AddIntegration(t.Context(), integration.Integration{
			URL: gitlab, Project: integration.Project{ID: int64(i + 1)}, CreatedAt: noon(), VerifiedAt: noon(),
		}, fact(7), func(int64) ([]byte, error) { return []byte("first"), nil })
		b.ok(err)
	}
	return b
}

func fact(id int64) credential.Token {
	return credential.Token{ID: id, Name: "cxm", Scopes: []string{"api"}, MadeAt: noon(), ExpiresAt: noon().AddDate(0, 0, 90)}
}

func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) used(i int) credential.Stored {
	b.Helper()
	t, err := b.InUse(b.Context(), b.in[i].ID)
	b.ok(err)
	return t
}

func (b *bench) begin() tokens.Rotation {
	b.Helper()
	r, err := b.Begin(b.Context(), gitlab, b.used(0), noon(), noon().Add(time.Minute))
	b.ok(err)
	return r
}

func (b *bench) states(i int) (out []credential.State) {
	b.Helper()
	all, err := b.All(b.Context(), b.in[i].ID)
	b.ok(err)
	for _, t := range all {
		out = append(out, t.State)
	}
	return out
}

func (b *bench) same(what string, want, got any) {
	b.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func sealedAs(text string) func(int64) ([]byte, error) {
	return func(int64) ([]byte, error) { return []byte(text), nil }
}

// A rotation goes from its intent to the new token for every integration that uses
// the old one, and its history stays.
func TestRotation(t *testing.T) {
	both(t, func(b *bench) {
		r := b.begin()
		if _, err := b.Begin(b.Context(), gitlab, b.used(1), noon(), noon()); !errors.Is(err, tokens.ErrUnderWay) {
			b.Errorf("a second rotation of the same token, for another integration: %v", err)
		}
		if _, open, err := b.other.Open(b.Context(), gitlab, 7); open || err != nil {
			b.Errorf("another tenant sees it: %v", err)
		}
		b.ok(b.Answer(b.Context(), r, gitlab, 7, fact(8), sealedAs("second"), noon()))
		if err := b.Answer(b.Context(), r, gitlab, 7, fact(8), sealedAs("second"), noon()); !errors.Is(err, tokens.ErrStale) {
			b.Errorf("answered twice: %v", err)
		}
		open, ok, err := b.Open(b.Context(), gitlab, 7)
		b.ok(err)
		b.same("open", tokens.Answered, open.State)
		b.same("is open", true, ok)
		b.same("in use", "first", string(b.used(1).Sealed))
		b.ok(b.Take(b.Context(), open, fact(8), noon()))
		if err := b.Take(b.Context(), open, fact(8), noon()); !errors.Is(err, tokens.ErrStale) {
			b.Errorf("taken twice: %v", err)
		}
		for i := range b.in {
			b.same("states", []credential.State{credential.Superseded, credential.Active}, b.states(i))
			b.same("in use", "second", string(b.used(i).Sealed))
			all, err := b.All(b.Context(), b.in[i].ID)
			b.ok(err)
			b.same("the old value", 0, len(all[0].Sealed))
		}
		events, err := b.Events(b.Context(), b.in[0].ID)
		b.ok(err)
		var seen []credential.State
		for _, e := range events {
			seen = append(seen, e.State)
		}
		b.same("history", []credential.State{credential.Active, credential.New, credential.Superseded, credential.Verified, credential.Active}, seen)
		if _, err := b.Begin(b.Context(), gitlab, credential.Stored{Token: fact(7), Row: 1, Integration: b.in[0].ID}, noon(), noon()); !errors.Is(err, tokens.ErrStale) {
			b.Errorf("the token that was rotated is rotated again: %v", err)
		}
	})
}

// Of many that begin at once one does, whatever integration they come by.
func TestBeginsOnce(t *testing.T) {
	both(t, func(b *bench) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		begun := 0
		used := [2]credential.Stored{b.used(0), b.used(1)}
		for i := range 16 {
			wg.Go(func() {
				_, err := b.Begin(b.Context(), gitlab, used[i%2], noon(), noon())
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					begun++
				} else if !errors.Is(err, tokens.ErrUnderWay) {
					b.Error(err)
				}
			})
		}
		wg.Wait()
		b.same("begun", 1, begun)
	})
}

// A lost answer takes the token of every integration with it, and is told once. A
// new token by hand ends that.
func TestLost(t *testing.T) {
	both(t, func(b *bench) {
		r := b.begin()
		for _, want := range []bool{true, false} {
			first, err := b.End(b.Context(), r, tokens.LostIt, gitlab, 7, "cut", noon())
			b.ok(err)
			b.same("first", want, first)
		}
		for i := range b.in {
			b.same("state", credential.Lost, b.used(i).State)
		}
		b.ok(b.db.Tenant("default").UpdateIntegration(b.Context(), b.in[0], []byte("third"), fact(9)))
		b.same("state", credential.Active, b.used(0).State)
		b.same("of the other", credential.Lost, b.used(1).State)
	})
}

// What a person gives while a rotation is under way stays, and what the rotation
// brings is for the others.
func TestReplacedMeanwhile(t *testing.T) {
	both(t, func(b *bench) {
		r := b.begin()
		b.ok(b.db.Tenant("default").UpdateIntegration(b.Context(), b.in[0], []byte("mine"), fact(9)))
		b.ok(b.Answer(b.Context(), r, gitlab, 7, fact(8), sealedAs("second"), noon()))
		r.State = tokens.Answered
		b.ok(b.Take(b.Context(), r, fact(8), noon()))
		b.same("in use", "mine", string(b.used(0).Sealed))
		b.same("of the other", "second", string(b.used(1).Sealed))
	})
}

// Of many that meet the same refusal one tells a person; a token that is accepted
// again is used again.
func TestMet(t *testing.T) {
	both(t, func(b *bench) {
		was := b.used(0)
		for _, want := range []bool{true, false} {
			is, changed, err := b.Met(b.Context(), was, credential.Refused, "revoked", noon())
			b.ok(err)
			b.same("changed", want, changed)
			if want {
				was2 := is
				b.same("state", credential.Revoked, was2.State)
				b.same("reason", "GitLab refuses it: revoked", was2.Reason)
			}
		}
		is, err := b.Saw(b.Context(), b.used(0), fact(7), noon())
		b.ok(err)
		b.same("state", credential.Active, is.State)
		b.same("ended", true, b.used(0).EndedAt.IsZero())
	})
}

// What GitLab refuses while a rotation is open, and after it, is the rotation's
// doing.
func TestRefused(t *testing.T) {
	both(t, func(b *bench) {
		was, r := b.used(0), b.begin()
		refused := func(t credential.Stored) error {
			_, _, err := b.Refused(b.Context(), gitlab, t, "401", noon())
			return err
		}
		b.same("while it is sent", true, errors.Is(refused(was), tokens.ErrUnderWay))
		b.ok(b.Answer(b.Context(), r, gitlab, 7, fact(8), sealedAs("second"), noon()))
		b.same("while it is answered", true, errors.Is(refused(was), tokens.ErrUnderWay))
		r.State = tokens.Answered
		b.ok(b.Take(b.Context(), r, fact(8), noon()))
		b.same("afterwards", true, errors.Is(refused(was), tokens.ErrStale))
		b.same("state", credential.Active, b.used(0).State)
		b.ok(refused(b.used(0)))
		b.same("state", credential.Revoked, b.used(0).State)
	})
}

func TestTellsEachWarningOnce(t *testing.T) {
	both(t, func(b *bench) {
		row := b.used(0).Row
		for _, c := range []struct {
			days int
			want bool
		}{{30, true}, {30, false}, {7, true}, {14, false}, {7, false}, {1, true}} {
			first, err := b.Tell(b.Context(), row, c.days)
			b.ok(err)
			b.same("first", c.want, first)
		}
		if first, err := b.other.Tell(b.Context(), row, 1); err != nil || first {
			b.Errorf("another tenant: %t, %v", first, err)
		}
	})
}

func TestCare(t *testing.T) {
	both(t, func(b *bench) {
		care, err := b.Care(b.Context(), b.in[0].ID)
		b.ok(err)
		b.same("by default", tokens.Care{Every: credential.Every}, care)
		b.ok(b.Schedule(b.Context(), b.in[0].ID, 30))
		b.ok(b.Checked(b.Context(), b.in[0].ID, noon(), noon().Add(time.Hour), "trouble"))
		b.ok(b.Flag(b.Context(), b.in[0].ID, "flag"))
		care, err = b.Care(b.Context(), b.in[0].ID)
		b.ok(err)
		b.same("changed", tokens.Care{Every: 30 * 24 * time.Hour, CheckedAt: noon(), RetryAt: noon().Add(time.Hour), Trouble: "trouble", Flagged: "flag"}, care)
	})
}

// After a change of keys nothing is stored that an earlier one sealed, and what is
// stored is sealed again whole or not at all.
func TestKeys(t *testing.T) {
	both(t, func(b *bench) {
		by := func(key byte) []byte { return []byte{1, 0, 0, 0, key, 'x'} }
		b.ok(b.AddKeyset(b.Context(), tokens.Keyset{Sealed: []byte("one"), Key: 1}, noon()))
		b.ok(b.AddKeyset(b.Context(), tokens.Keyset{Sealed: []byte("theirs"), Key: 2}, noon()))
		k, err := b.Keyset(b.Context())
		b.ok(err)
		b.same("the first stays", tokens.Keyset{Sealed: []byte("one"), Key: 1, Version: 1}, k)
		s := b.db.Tenant("default")
		b.ok(s.UpdateIntegration(b.Context(), b.in[0], by(1), fact(9)))
		k.Sealed, k.Key = []byte("two"), 2
		b.ok(b.SaveKeyset(b.Context(), k, noon()))
		if err := b.SaveKeyset(b.Context(), k, noon()); !errors.Is(err, tokens.ErrStale) {
			b.Errorf("saved over a keyset that changed: %v", err)
		}
		if err := s.UpdateIntegration(b.Context(), b.in[0], by(1), fact(9)); !errors.Is(err, tokens.ErrKey) {
			b.Errorf("stored what an earlier key sealed: %v", err)
		}
		b.ok(s.UpdateIntegration(b.Context(), b.in[0], by(2), fact(9)))
		end := hooks.New(b.db.Base(), "default", nil)
		if _, err := end.Add(b.Context(), hooks.Hook{Integration: b.in[0].ID, Endpoint: "end", Sealed: by(1), TargetID: 1}); !errors.Is(err, tokens.ErrKey) {
			b.Errorf("stored a webhook's secret that an earlier key sealed: %v", err)
		}
		k.Version++
		failing := tokens.Sealing{Token: func(in int64, _ []byte) ([]byte, error) {
			if in == b.in[1].ID {
				return nil, errors.New("made up")
			}
			return by(3), nil
		}}
		if _, err := b.Reseal(b.Context(), k, failing, noon()); err == nil {
			b.Error("resealing went well")
		}
		b.same("nothing of it is kept", string(by(2)), string(b.used(0).Sealed))
		n, err := b.Reseal(b.Context(), k, tokens.Sealing{Token: func(int64, []byte) ([]byte, error) { return by(2), nil }}, noon())
		b.ok(err)
		b.same("resealed", 2, n)
		b.same("in use", string(by(2)), string(b.used(1).Sealed))
	})
}

// Whatever table keeps something sealed is sealed again.
func TestEverythingIsSealedAgain(t *testing.T) {
	both(t, func(b *bench) {
		kept := hooks.New(b.db.Base(), "default", func(context.Context, database.Tx, int64, int64) error { return nil })
		_, err := kept.Add(b.Context(), hooks.Hook{Integration: b.in[0].ID, Endpoint: "end", Sealed: []byte("hook"), TargetID: 1})
		b.ok(err)
		b.ok(b.AddKeyset(b.Context(), tokens.Keyset{Sealed: []byte("one"), Key: 1}, noon()))
		n, err := b.Reseal(b.Context(), tokens.Keyset{Sealed: []byte("two"), Key: 2, Version: 1}, tokens.Sealing{
			Token: func(_ int64, sealed []byte) ([]byte, error) { return append(sealed, " again"...), nil },
			Hook: func(end string, sealed []byte) ([]byte, error) {
				return append(sealed, " at the "+end+" again"...), nil
			},
		}, noon())
		b.ok(err)
		b.same("sealed again", 3, n)
		all, err := kept.Hooks(b.Context())
		b.ok(err)
		b.same("of the webhook", "hook at the end again", string(all[0].Sealed))
	})
	var tables []string
	files, err := filepath.Glob("../migrations/postgres/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range strings.Split(string(text), "create table ")[1:] {
			name, body, _ := strings.Cut(table, " (")
			if body, _, _ = strings.Cut(body, "\n)"); strings.Contains(body, "\n\tsealed ") {
				tables = append(tables, name)
			}
		}
	}
	if diff := cmp.Diff([]string{"credentials", "hooks", "tokens", "keysets", "audit_keys"}, tables); diff != "" {
		t.Errorf("tables with a column sealed that Reseal does not know, or the other way round (-known +there):\n%s", diff)
	}
}

// TestUpgrade: what the version before kept is in use after the migration.
func TestUpgrade(t *testing.T) {
	for name, where := range map[string]func(t *testing.T) store.Options{
		"SQLite":     func(t *testing.T) store.Options { return store.Options{Path: filepath.Join(t.TempDir(), "cxm.db")} },
		"PostgreSQL": func(t *testing.T) store.Options { return store.Options{URL: postgres.Server(t).Database(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := where(t)
			old, err := database.OpenAt(t.Context(), o, 4)
			if err != nil {
				t.Fatal(err)
			}
			err = old.Write(t.Context(), database.Change{Do: func(ctx context.Context, tx db.DBTX) error {
				for _, text := range []string{
					`insert into integrations (tenant, provider, url, version, account_id, account_username, account_name, account_bot, project_id, project_path, project_web_url, access_level, created_at)
						values ('default', 'gitlab', '` + gitlab + `', '', 1, 'bot', 'bot', true, 1, 'acme/platform', '', 40, '2026-03-14T12:00:00.000000Z')`,
					`insert into credentials (integration_id, tenant, sealed, expires_at, scopes, token_id, token_name)
						select id, 'default', cast('earlier' as ` + map[string]string{"SQLite": "blob", "PostgreSQL": "bytea"}[name] + `), '2026-06-14T00:00:00.000000Z', '["api"]', 7, 'cxm' from integrations`,
				} {
					if _, err := tx.ExecContext(ctx, text); err != nil {
						return err
					}
				}
				return nil
			}})
			if err := errors.Join(err, old.Close()); err != nil {
				t.Fatal(err)
			}
			d, err := store.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			got, err := tokens.New(d.Base(), "default").InUse(t.Context(), 1)
			if err != nil || got.State != credential.Active || got.ID != 7 || string(got.Sealed) != "earlier" || got.ExpiresAt.IsZero() || got.Born().IsZero() || got.Told != credential.Untold {
				t.Errorf("the token of before is %+v (%v)", got, err)
			}
			if _, sealed, tok, err := d.Tenant("default").Integration(t.Context(), 1); err != nil || string(sealed) != "earlier" || tok.Scopes[0] != "api" {
				t.Errorf("the integration of before: %v", err)
			}
		})
	}
}
