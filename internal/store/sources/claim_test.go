package sources_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/store"
	"cxm/internal/store/sources"
)

// alert is a finding that several could claim.
func alert(i int, title string) rule.Placed {
	f := finding.Finding{
		FindingKey: finding.NewKey("am", fmt.Sprint(i)), Kind: finding.System, SourceSystem: "test", Title: title, ResourceID: fmt.Sprint(i), Detection: finding.Present,
	}
	a := rule.Set{}.Assign(&f)[0]
	return rule.Placed{Finding: &f, Group: a.Group, Rule: a.Rule, Sighting: finding.Sighting{Detection: finding.Present, Digest: f.Digest(), Since: noon()}}
}

// put takes alerts in under a scope.
func (b *bench) put(into *store.Taking, scope string, placed ...rule.Placed) error {
	p := finding.Pull{Source: "cloudevents", Scope: scope, ReceivedAt: noon()}
	_, err := into.Ingest(b.Context(), p, func(in rule.Intake) (finding.Pull, error) {
		for _, one := range placed {
			if err := in.Put(one); err != nil {
				return p, err
			}
		}
		return p, nil
	})
	return err
}

func (b *bench) title(i int) string {
	b.Helper()
	g, _, err := b.db.Group(b.Context(), alert(i, "").Group)
	b.ok(err)
	return g.Members[0].Finding.Title
}

// TestNobodyClaimsWhatAnotherSourceDelivered: neither another source, nor a scope
// that is nobody's, nor a source what a person took in.
func TestNobodyClaimsWhatAnotherSourceDelivered(t *testing.T) {
	both(t, func(b *bench) {
		b.add("one")
		b.add("two")
		b.ok(b.put(b.db.Taking(), "one", alert(1, "mine")))
		b.ok(b.put(b.db.Taking(), "by hand", alert(2, "by hand")))
		for _, c := range []struct {
			scope  string
			claims int
			holder string
		}{{"two", 1, `source "one"`}, {"by hand", 1, `source "one"`}, {"two", 2, `scope "by hand"`}} {
			err := b.put(b.db.Taking(), c.scope, alert(9, "innocent"), alert(c.claims, "stolen"))
			var claim *rule.ClaimError
			if !errors.As(err, &claim) || !strings.Contains(err.Error(), c.holder) || claim.Key != alert(c.claims, "").Finding.FindingKey {
				b.Errorf("%s claims %d: %v", c.scope, c.claims, err)
			}
		}
		if b.title(1) != "mine" || b.title(2) != "by hand" {
			b.Error("a finding changed hands")
		}
		if _, _, err := b.db.Group(b.Context(), alert(9, "").Group); !errors.Is(err, store.ErrNotFound) {
			b.Errorf("half of a pull was kept (%v)", err)
		}
		b.ok(b.put(b.db.Taking(), "one", alert(1, "still mine")))
		b.ok(b.put(b.db.Taking(), "also by hand", alert(2, "by other hands"))) // between people's own scopes findings move
		b.ok(b.Remove(b.Context(), "one"))
		b.ok(b.put(b.db.Taking(), "by hand", alert(1, "nobody's any more")))
	})
}

// TestOnlySomeAreRead: what a pull of events does not name is not read, and counts as
// it did.
func TestOnlySomeAreRead(t *testing.T) {
	both(t, func(b *bench) {
		b.ok(b.put(b.db.Taking(), "one", alert(1, "a"), alert(2, "b"), alert(3, "c")))
		keys := []finding.Key{alert(2, "").Finding.FindingKey, alert(9, "").Finding.FindingKey}
		p := finding.Pull{Source: "cloudevents", Scope: "one", ReceivedAt: noon()}
		_, err := b.db.Taking().Only(keys).Ingest(b.Context(), p, func(in rule.Intake) (finding.Pull, error) {
			for key, known := range map[finding.Key]bool{keys[0]: true, keys[1]: false, alert(1, "").Finding.FindingKey: false} {
				at, err := in.Known.Find(key)
				if _, is := at.Last(); err != nil || is != known {
					b.Errorf("%s is known: %v (%v)", key, is, err)
				}
			}
			return p, in.Put(alert(2, "changed"))
		})
		b.ok(err)
		if b.title(2) != "changed" || b.title(1) != "a" {
			b.Errorf("the titles are %q and %q", b.title(1), b.title(2))
		}
	})
}

// TestSeveralAreTakenOnce: deliveries that are taken in together go together, or not
// at all.
func TestSeveralAreTakenOnce(t *testing.T) {
	both(t, func(b *bench) {
		one := b.add("one")
		for i := range 5 {
			b.accept(sources.Delivery{Source: one.ID, Name: "one", Events: events(i), ReceivedAt: noon()})
		}
		next := func(most store.Bounds) []int64 {
			some, err := b.db.NextDeliveries(b.Context(), "cloudevents", "one", most)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				b.Fatal(err)
			}
			var ids []int64
			for _, d := range some {
				ids = append(ids, d.ID)
			}
			return ids
		}
		if n := len(next(store.Bounds{Deliveries: 9, Bytes: 5})); n != 2 {
			b.Errorf("%d deliveries of 2 bytes are within 5", n)
		}
		if n := len(next(store.Bounds{Deliveries: 9, Bytes: 1})); n != 1 {
			b.Errorf("%d deliveries: one that is larger than the bound goes by itself", n)
		}
		three := next(store.Bounds{Deliveries: 3, Bytes: 100})
		b.ok(b.put(b.db.Taking(three...), "one", alert(1, "a")))
		if err := b.put(b.db.Taking(append(three, next(store.Bounds{Deliveries: 1})...)...), "one", alert(1, "b")); !errors.Is(err, store.ErrTaken) {
			b.Errorf("three of four were taken: %v", err)
		}
		if left := next(store.Bounds{Deliveries: 9, Bytes: 100}); len(left) != 2 || b.title(1) != "a" {
			b.Errorf("%v are left, and the title is %q", left, b.title(1))
		}
	})
}
