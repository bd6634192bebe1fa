package owner_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/rule/owner"
)

func suggested(list []owner.Suggestion) (out []string) {
	for _, s := range list {
		out = append(out, fmt.Sprintf("%s -> %s %d (%d, %d)", s.When, s.Owner, s.Project, s.Seen, s.Confidence))
	}
	return out
}

// corrected is an issue of a team in an account, given to somebody or moved.
func corrected(issue, team, account, to string, project int64) owner.Correction {
	return owner.Correction{Issue: issue, Tags: map[string]string{"team": team, "env": "prod"}, Account: account, Owner: "platform", Project: 1, ToOwner: to, ToProject: project}
}

func TestSuggest(t *testing.T) {
	kept := corrected("k", "pay", "1", "", 0)
	kept.Kept = true
	for name, c := range map[string]struct {
		given []owner.Correction
		want  []string
	}{
		"one is not enough":           {[]owner.Correction{corrected("a", "pay", "1", "@who", 0)}, nil},
		"the same issue twice is one": {[]owner.Correction{corrected("a", "pay", "1", "@who", 0), corrected("a", "pay", "1", "@who", 0)}, nil},
		"two":                         {[]owner.Correction{corrected("a", "pay", "1", "@who", 0), corrected("b", "pay", "2", "@WHO", 0)}, []string{"tag team=pay -> @WHO 0 (2, 60)"}},
		"a project":                   {[]owner.Correction{corrected("a", "pay", "1", "", 9), corrected("b", "pay", "1", "", 9), corrected("c", "pay", "2", "", 9)}, []string{"tag team=pay ->  9 (3, 70)"}},
		"both":                        {[]owner.Correction{corrected("a", "pay", "1", "@who", 9), corrected("b", "pay", "1", "@who", 9)}, []string{"tag team=pay -> @who 0 (2, 60)", "tag team=pay ->  9 (2, 60)"}},
		"one against":                 {[]owner.Correction{corrected("a", "pay", "1", "@who", 0), corrected("b", "pay", "2", "@who", 0), corrected("c", "pay", "3", "@she", 0)}, nil},
		"one that was kept":           {[]owner.Correction{corrected("a", "pay", "2", "@who", 0), corrected("b", "pay", "3", "@who", 0), kept}, nil},
		"the last word counts":        {[]owner.Correction{corrected("a", "pay", "1", "@she", 0), corrected("b", "pay", "2", "@who", 0), corrected("a", "pay", "1", "@who", 0)}, []string{"tag team=pay -> @who 0 (2, 60)"}},
		"an account":                  {[]owner.Correction{corrected("a", "", "1", "@who", 0), corrected("b", "pay", "1", "@who", 0)}, []string{"account 1 -> @who 0 (2, 60)"}},
		"an account beside a tag": {
			[]owner.Correction{corrected("a", "pay", "1", "@who", 0), corrected("b", "pay", "1", "@who", 0), corrected("c", "web", "1", "@who", 0)},
			[]string{"tag team=pay -> @who 0 (2, 60)", "account 1 -> @who 0 (3, 70)"},
		},
		"an address suggests nothing": {[]owner.Correction{corrected("a", "who@example.com", "", "@who", 0), corrected("b", "who@example.com", "", "@who", 0)}, nil},
		"to nobody of a name":         {[]owner.Correction{corrected("a", "pay", "", "who@example.com", 0), corrected("b", "pay", "", "who@example.com", 0)}, nil},
	} {
		if diff := cmp.Diff(c.want, suggested(owner.New(owner.Settings{}).Suggest(c.given))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// The order of different issues does not matter, and a suggestion is never against
// one of its corrections.
func TestSuggestInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var given []owner.Correction
		for i := range 3 + r.IntN(8) {
			given = append(given, corrected(fmt.Sprint(i), []string{"pay", "web", ""}[r.IntN(3)], fmt.Sprint(r.IntN(2)), []string{"@who", "@she", ""}[r.IntN(3)], int64(r.IntN(2))))
		}
		first := owner.New(owner.Settings{}).Suggest(given)
		for _, s := range first {
			if s.Seen < 2 || s.Confidence > 95 || (s.Owner == "") == (s.Project == 0) || !strings.Contains(s.Why, s.When.String()) {
				t.Fatalf("%+v", s)
			}
			for _, c := range given {
				fits := s.When.Account == c.Account || s.When.Tag != "" && c.Tags["team"] == s.When.Value
				if fits && (s.Owner != "" && c.ToOwner != "" && c.ToOwner != s.Owner || s.Project != 0 && c.ToProject != 0 && c.ToProject != s.Project) {
					t.Fatalf("%+v against %+v", s, c)
				}
			}
		}
		r.Shuffle(len(given), func(a, b int) { given[a], given[b] = given[b], given[a] })
		if diff := cmp.Diff(suggested(first), suggested(owner.New(owner.Settings{}).Suggest(given))); diff != "" {
			t.Fatalf("in another order (-first +second):\n%s", diff)
		}
	}
}
