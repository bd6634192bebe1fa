package rules_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/store"
	"cxm/internal/store/db"
	"cxm/internal/store/rules"
)

func TestRevisions(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		ctx, d := t.Context(), open(t, o)
		mine, theirs := rules.New(d.Base(), "mine", noon), rules.New(d.Base(), "theirs", noon)
		if r, err := mine.Current(ctx); err != nil || r != (rules.Revision{}) {
			t.Fatalf("before: %+v (%v)", r, err)
		}
		if a, err := mine.Assigned(ctx); err != nil || !a.Done {
			t.Fatalf("without rules the findings are %+v (%v)", a, err)
		}
		apply := func(text string, expected int64) (rules.Revision, error) {
			return mine.Apply(ctx, rules.Change{Text: text, Author: "platform-admin", Note: "it's; drop table", Expected: expected})
		}
		first, err := apply("a: 1\n", 0)
		if err != nil || first.Number != 1 || first.Author != "platform-admin" || !first.At.Equal(noon()) || len(first.Digest) != 64 {
			t.Fatalf("%+v (%v)", first, err)
		}
		if a, err := mine.Assigned(ctx); err != nil || a.Done || a.Revision != 1 {
			t.Errorf("after the first: %+v (%v)", a, err)
		}
		second, err := apply("b: 2\n", 1)
		ok(t, err)
		if again, err := apply("b: 2\n", 1); err != nil || again != second {
			t.Errorf("the same text is %+v (%v)", again, err)
		}
		overtaken := (*rules.OvertakenError)(nil)
		if _, err := apply("c: 3\n", 1); !errors.As(err, &overtaken) || overtaken.Now != second || !strings.Contains(err.Error(), "made from revision 1 of the rules, and by now revision 2 of 2026-03-14 12:00 is in force, which platform-admin applied") {
			t.Errorf("based on an old one: %v", err)
		}
		back, err := mine.Rollback(ctx, 1, rules.Change{Author: "engineer", Note: "worse", Expected: 2})
		if err != nil || back.Number != 3 || back.Of != 1 || back.Text != first.Text || back.Digest != first.Digest || back.Author != "engineer" {
			t.Errorf("%+v (%v)", back, err)
		}
		for _, c := range []struct {
			number, expected int64
			want             error
		}{{9, 3, db.ErrNotFound}, {2, 2, overtaken}} {
			if _, err := mine.Rollback(ctx, c.number, rules.Change{Expected: c.expected}); err == nil || c.number == 9 && !errors.Is(err, c.want) {
				t.Errorf("rollback to %d: %v", c.number, err)
			}
		}
		if got, err := mine.Revision(ctx, 2); err != nil || got != second {
			t.Errorf("%+v (%v)", got, err)
		}
		if got, err := mine.Current(ctx); err != nil || got != back {
			t.Errorf("%+v (%v)", got, err)
		}
		history, err := mine.History(ctx, 2)
		back.Text, second.Text = "", ""
		if diff := cmp.Diff([]rules.Revision{back, second}, history); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
		if got, err := theirs.Current(ctx); err != nil || got.Number != 0 {
			t.Errorf("another tenant has %+v (%v)", got, err)
		}
		if _, err := theirs.Revision(ctx, 1); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("another tenant reads: %v", err)
		}
	})
}

// TestApplyAtOnce: of those who change the same revision at once one does.
func TestApplyAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		stores := []*rules.Store{rules.New(open(t, o).Base(), "mine", noon), rules.New(open(t, o).Base(), "mine", noon)}
		var won atomic.Int32
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() {
				_, err := stores[i%2].Apply(t.Context(), rules.Change{Text: fmt.Sprint(i)})
				overtaken := (*rules.OvertakenError)(nil)
				switch {
				case err == nil:
					won.Add(1)
				case !errors.As(err, &overtaken):
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if now, err := stores[0].Current(t.Context()); err != nil || won.Load() != 1 || now.Number != 1 {
			t.Errorf("%d of them did: %+v (%v)", won.Load(), now, err)
		}
	})
}
