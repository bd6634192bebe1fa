package reconcile

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/rule"
	"cxm/internal/source"
	"cxm/internal/store"
	"cxm/internal/store/storetest"
)

// scope is a store and a clock that goes on by an hour with every pull.
type scope struct {
	*testing.T
	store *store.Store
	pulls int
}

// tables are copied for every test.
var tables storetest.File

func newScope(t *testing.T) *scope {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cxm.db")
	tables.Copy(t, path)
	db, err := store.Open(t.Context(), store.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &scope{T: t, store: db.Tenant("default")}
}

// pull takes a whole snapshot in.
func (s *scope) pull(findings ...finding.Finding) finding.Pull {
	s.Helper()
	s.pulls++
	now := time.Date(2026, 3, 1, s.pulls, 0, 0, 0, time.UTC)
	p := Puller{Intake: s.store, Proof: 2}
	done, _, err := p.keep(s.Context(), finding.Pull{Source: "test", Scope: "one", ReceivedAt: now}, source.Snapshots, func(take func(*finding.Finding) error) (source.Summary, error) {
		for _, f := range findings {
			if err := take(&f); err != nil {
				return source.Summary{}, err
			}
		}
		return source.Summary{Complete: true, Findings: len(findings)}, nil
	})
	if err != nil {
		s.Fatal(err)
	}
	return done
}

// counts is what a pull did: new, changed, unchanged, absent, missing.
func counts(p finding.Pull) [5]int {
	return [5]int{p.New, p.Changed, p.Unchanged, p.Absent, p.Missing}
}

func (s *scope) expect(what string, want [5]int, got finding.Pull) {
	s.Helper()
	if diff := cmp.Diff(want, counts(got)); diff != "" {
		s.Errorf("%s: new, changed, unchanged, absent, missing (-want +got):\n%s", what, diff)
	}
}

// groups are the members of every group by its key.
func (s *scope) groups() map[rule.GroupKey][]rule.Member {
	s.Helper()
	out := map[rule.GroupKey][]rule.Member{}
	if err := s.store.Groups(s.Context(), true, func(g rule.Group, _ []issue.Tracked) error {
		out[g.Key] = g.Members
		return nil
	}); err != nil {
		s.Fatal(err)
	}
	return out
}

// TestAhead: every finding is taken, in order, as it was when it was yielded; and
// either side ends the other.
func TestAhead(t *testing.T) {
	refused, broken := errors.New("refused"), errors.New("broken")
	for _, n := range []int{0, 1, batch - 1, batch, batch + 1, 30*batch*batches + 7} {
		for name, c := range map[string]struct {
			refuse int // take fails at this one; -1: never
			breaks bool
			want   error
		}{
			"whole": {-1, false, nil}, "broken": {-1, true, broken}, "refused": {n / 2, false, refused}, "both": {n / 2, true, refused},
		} {
			yielded := 0
			read := reading(func(yield func(*finding.Finding) error) (source.Summary, error) {
				var f finding.Finding
				for i := range n {
					yielded++
					f = finding.Finding{LookbackDays: i}
					if err := yield(&f); err != nil {
						return source.Summary{}, err
					}
				}
				if c.breaks {
					return source.Summary{}, broken
				}
				return source.Summary{Findings: n}, nil
			})
			taken := 0
			summary, err := read.ahead(func(f *finding.Finding) error {
				if f.LookbackDays != taken {
					t.Fatalf("%d %s: number %d comes after %d others", n, name, f.LookbackDays, taken)
				}
				if taken == c.refuse {
					return refused
				}
				taken++
				return nil
			})
			if yielded > taken+batch*(batches+1)+1 {
				t.Errorf("%d %s: %d were read, though nobody wanted more than %d", n, name, yielded, taken)
			}
			want, wantTaken := c.want, n
			if c.refuse >= 0 {
				wantTaken = c.refuse
			}
			if n == 0 && want == refused { // there was nothing to refuse
				want = nil
				if c.breaks {
					want = broken
				}
			}
			if err != want || taken != wantTaken || err == nil && summary.Findings != n {
				t.Errorf("%d %s: %v after %d, summary %+v; want %v after %d", n, name, err, taken, summary, want, wantTaken)
			}
		}
	}
}

// claim is claim number i under version v of its source's key definition, with
// the keys of the versions before.
func claim(i, v int) finding.Finding {
	f := finding.Finding{Kind: finding.Custom, SourceSystem: "test", Title: fmt.Sprint("Claim ", i), SubAccountID: "a", Detection: finding.Present}
	for ; v > 0; v-- {
		f.FormerKeys = append(f.FormerKeys, finding.NewKey(fmt.Sprint("test", v), fmt.Sprint(i)))
	}
	f.FindingKey, f.FormerKeys = f.FormerKeys[0], f.FormerKeys[1:]
	return f
}

// TestKeyDefinitionChanges: what is stored under keys of earlier definitions
// moves to the new keys, with its group, so that no upgrade makes new issues and
// nothing is taken for gone. The claims name no resource: their groups are made
// of their keys.
func TestKeyDefinitionChanges(t *testing.T) {
	s := newScope(t)
	s.expect("first", [5]int{2, 0, 0, 0, 0}, s.pull(claim(1, 1), claim(2, 1)))
	before := s.groups()
	if len(before) != 2 {
		t.Fatalf("%d groups", len(before))
	}
	s.expect("second definition", [5]int{1, 2, 0, 0, 0}, s.pull(claim(1, 2), claim(2, 2), claim(3, 2)))
	s.expect("the same again", [5]int{0, 0, 3, 0, 0}, s.pull(claim(1, 2), claim(2, 2), claim(3, 2)))
	s.expect("fourth definition, one skipped", [5]int{0, 3, 0, 0, 0}, s.pull(claim(1, 4), claim(2, 4), claim(3, 4)))
	s.expect("and again", [5]int{0, 0, 3, 0, 0}, s.pull(claim(1, 4), claim(2, 4), claim(3, 4)))
	after := s.groups()
	if len(after) != 3 {
		t.Errorf("there are %d groups, not those of three claims", len(after))
	}
	for key, members := range before {
		now := after[key]
		if len(now) != 1 || now[0].Finding.Title != members[0].Finding.Title || now[0].Sighting.Detection != finding.Present || now[0].Sighting.Absences != 0 {
			t.Errorf("group %s was %+v and is %+v", key.Short(), members, now)
		} else if !now[0].Sighting.Since.Equal(members[0].Sighting.Since) {
			t.Errorf("group %s: present since %v, was %v", key.Short(), now[0].Sighting.Since, members[0].Sighting.Since)
		}
	}
}

// TestKeyDefinitionChangesWhileMissing: what was missing once and comes back
// under a new key was never gone, and what resolves under a new key is.
func TestKeyDefinitionChangesWhileMissing(t *testing.T) {
	s := newScope(t)
	s.pull(claim(1, 1), claim(2, 1))
	s.expect("missing", [5]int{0, 0, 1, 0, 1}, s.pull(claim(1, 1)))
	resolved := claim(1, 2)
	resolved.Detection = finding.Absent
	s.expect("back under a new key, and resolved", [5]int{0, 1, 0, 1, 0}, s.pull(claim(2, 2), resolved))
	s.expect("gone for good", [5]int{0, 0, 1, 0, 0}, s.pull(claim(2, 2)))
	if n := len(s.groups()); n != 2 {
		t.Errorf("there are %d groups", n)
	}
}

// TestKeysThatMeet: two findings that a new definition takes for one become one
// and the other goes the way of everything that is gone; one that is divided
// gives its issue to the first that comes.
func TestKeysThatMeet(t *testing.T) {
	s := newScope(t)
	s.pull(claim(1, 1), claim(2, 1))
	both := claim(3, 2)
	both.FormerKeys = []finding.Key{claim(1, 1).FindingKey, claim(2, 1).FindingKey}
	s.expect("met", [5]int{0, 1, 0, 0, 1}, s.pull(both))
	s.expect("proved", [5]int{0, 0, 1, 1, 0}, s.pull(both))
	one, two := claim(4, 3), claim(5, 3)
	one.FormerKeys, two.FormerKeys = []finding.Key{both.FindingKey}, []finding.Key{both.FindingKey}
	s.expect("divided", [5]int{1, 1, 0, 0, 0}, s.pull(one, two))
}

// ruled are rules that put every finding into two groups.
type ruled struct{}

// Assign names both.
func (ruled) Assign(*finding.Finding) []rule.Assignment {
	return []rule.Assignment{{Rule: "first", Group: rule.NewGroupKey("first")}, {Rule: "too", Group: rule.NewGroupKey("too")}}
}

// TestPullByRules: what is stored goes where the rules say, and carries their
// revision.
func TestPullByRules(t *testing.T) {
	s := newScope(t)
	var put []rule.Placed
	door := rule.Intake{Known: finding.NewRoll(), Put: func(p rule.Placed) error { put = append(put, p); return nil }}
	in := intake{Puller: Puller{Intake: s.store, Rules: ruled{}, Revision: 3}, door: door, accounts: map[string]bool{}}
	f := finding.Finding{FindingKey: finding.NewKey("test", "1"), Detection: finding.Present}
	if err := in.take(&f); err != nil || len(put) != 1 {
		t.Fatalf("%+v (%v)", put, err)
	}
	p := put[0]
	if p.Rule != "first" || p.Group != rule.NewGroupKey("first") || len(p.Also) != 1 || p.Also[0].Group != rule.NewGroupKey("too") || p.Revision != 3 {
		t.Errorf("%+v", p)
	}
}
