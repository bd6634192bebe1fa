package plan_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

// many is n steps of one verb, each about a group of its own.
func many(v plan.Verb, n int) []plan.Step {
	var out []plan.Step
	for i := range n {
		s := plan.Step{Verb: v, Reason: "because", Group: rule.NewGroupKey(fmt.Sprint(v, i)), Savings: money.Known(decimal.NewFromInt(int64(n - i))), Currency: "USD"}
		if v != plan.Create {
			s.Have = &issue.Tracked{ID: int64(i + 1), Phase: issue.Live}
		}
		out = append(out, s)
	}
	return out
}

func count(p plan.Plan) string {
	return fmt.Sprintf("+%d ~%d -%d ^%d", p.Count(plan.Create), p.Count(plan.Update), p.Count(plan.Close), p.Count(plan.Reopen))
}

// TestBrake holds that closes beyond the share, and creates beyond the number,
// wait, and nothing else does.
func TestBrake(t *testing.T) {
	brakes := plan.Brakes{CloseShare: 20, CloseFloor: 3, Creates: 5}
	for _, c := range []struct {
		name             string
		creates, closes  int
		open             int
		goes, held, says string
	}{
		{"little", 2, 2, 100, "+2 ~1 -2 ^1", "+0 ~0 -0 ^0", ""},
		{"few in all, though all of them", 0, 3, 3, "+0 ~1 -3 ^1", "+0 ~0 -0 ^0", ""},
		{"exactly the share", 0, 20, 100, "+0 ~1 -20 ^1", "+0 ~0 -0 ^0", ""},
		{"one more than the share", 0, 21, 100, "+0 ~1 -0 ^1", "+0 ~0 -21 ^0", "it would close 21 of 100 open issues, more than 20 %"},
		{"exactly the creates", 5, 0, 0, "+5 ~1 -0 ^1", "+0 ~0 -0 ^0", ""},
		{"one create more", 6, 1, 100, "+0 ~1 -1 ^1", "+6 ~0 -0 ^0", "it would create 6 issues, more than 5"},
		{"both", 6, 30, 100, "+0 ~1 -0 ^1", "+6 ~0 -30 ^0", "it would close 30 of 100 open issues, more than 20 %; it would create 6 issues, more than 5"},
		{"closes though cxm knows of none open", 0, 4, 0, "+0 ~1 -0 ^1", "+0 ~0 -4 ^0", "it would close 4 of 0 open issues, more than 20 %"},
	} {
		t.Run(c.name, func(t *testing.T) {
			steps := append(many(plan.Create, c.creates), many(plan.Close, c.closes)...)
			steps = append(append(steps, many(plan.Update, 1)...), many(plan.Reopen, 1)...)
			got := plan.Brake(plan.New(steps, 0), brakes, c.open)
			held := plan.Plan{Steps: got.Held.Steps}
			if diff := cmp.Diff([]string{c.goes, c.held, c.says}, []string{count(got), count(held), got.Held.Reason()}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Duplicates are closed whatever the brakes say.
func TestBrakeLetsDuplicatesGo(t *testing.T) {
	steps := many(plan.Close, 50)
	for i := range steps {
		steps[i].Have.Phase = issue.Duplicate
	}
	if got := plan.Brake(plan.New(steps, 0), plan.DefaultBrakes(), 50); len(got.Held.Steps) > 0 {
		t.Errorf("%d duplicates are held", len(got.Held.Steps))
	}
}

// TestHeldDigest holds that the same steps are the same run, whatever they write
// and why.
func TestHeldDigest(t *testing.T) {
	one, other := plan.Held{Steps: many(plan.Close, 3)}, plan.Held{Steps: many(plan.Close, 3)}
	other.Steps[1].Reason = "missing from 5 complete snapshots in a row"
	if one.Digest() != other.Digest() {
		t.Error("the same steps have two digests")
	}
	other.Steps[1].Have.ID = 99
	if one.Digest() == other.Digest() {
		t.Error("another issue has the same digest")
	}
	if (plan.Held{}).Digest() != "" {
		t.Error("nothing has a digest")
	}
}

// TestOnly holds that only what was approved is carried out.
func TestOnly(t *testing.T) {
	approved := []plan.Entry{}
	for i, s := range many(plan.Close, 3) {
		approved = append(approved, s.Begin(1, i+1))
	}
	now := append(many(plan.Close, 5)[1:], many(plan.Update, 3)...)
	got := plan.Only(plan.New(now, 0), approved)
	if count(got) != "+0 ~0 -2 ^0" {
		t.Errorf("carried out: %s", count(got))
	}
}
