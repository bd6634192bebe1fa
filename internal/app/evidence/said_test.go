package evidence

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/rule/owner"
	"cxm/internal/rule/owner/codeowners"
)

// TestAfter: what GitLab says anew counts where it means somebody else, and what was
// known where it does not.
func TestAfter(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	match := func(line int, names ...string) []codeowners.Match {
		m := codeowners.Match{Line: line, Pattern: "*"}
		for _, name := range names {
			m.Owners = append(m.Owners, codeowners.Owner{Kind: codeowners.Handle, Name: name})
		}
		return []codeowners.Match{m}
	}
	by := func(commits ...int) (out []owner.Author) { // by a, b, …; b is known to GitLab
		of := 0
		for _, n := range commits {
			of += n
		}
		for i, n := range commits {
			a := owner.Author{Name: string(rune('a' + i)), Commits: n, Of: of}
			if i == 1 {
				a.Username = "b"
			}
			out = append(out, a)
		}
		return out
	}
	was := said{At: day(1), Owners: match(1, "x", "y"), Authors: by(6, 3, 1), Blocks: map[string]block{"a.b": {"main.tf", 1}}}
	with := func(change func(*said)) said {
		s := was
		s.At = day(2)
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		was, now, want said
		changed        bool
	}{
		"the same":             {was, with(func(*said) {}), with(func(*said) {}), false},
		"a line moved":         {was, with(func(s *said) { s.Owners = match(9, "x", "y") }), with(func(*said) {}), false},
		"other owners":         {was, with(func(s *said) { s.Owners = match(1, "y", "x") }), with(func(s *said) { s.Owners = match(1, "y", "x") }), true},
		"nobody":               {was, with(func(s *said) { s.Owners = nil }), with(func(s *said) { s.Owners = nil }), true},
		"more commits":         {was, with(func(s *said) { s.Authors = by(8, 2, 1) }), with(func(*said) {}), false},
		"no longer most":       {was, with(func(s *said) { s.Authors = by(5, 4, 3) }), with(func(s *said) { s.Authors = by(5, 4, 3) }), true},
		"another author":       {was, with(func(s *said) { s.Authors = by(6, 3, 1)[1:] }), with(func(s *said) { s.Authors = by(6, 3, 1)[1:] }), true},
		"others among the few": {was, with(func(s *said) { s.Authors = by(6, 3, 1)[:2] }), with(func(*said) {}), false},
		"a block moved":        {was, with(func(s *said) { s.Blocks = map[string]block{"a.b": {"main.tf", 7}} }), with(func(s *said) { s.Blocks = map[string]block{"a.b": {"main.tf", 7}} }), false},
		"another file":         {was, with(func(s *said) { s.Blocks = map[string]block{"a.b": {"x.tf", 1}} }), with(func(s *said) { s.Blocks = map[string]block{"a.b": {"x.tf", 1}} }), true},
		"refused":              {was, said{Trouble: "no"}, with(func(s *said) { s.At, s.Trouble = day(1), "no" }), false},
		"first":                {said{}, was, was, true},
		"first refused":        {said{}, said{Trouble: "no"}, said{Trouble: "no"}, true},
		"refused again":        {said{Trouble: "no"}, said{Trouble: "never"}, said{Trouble: "never"}, false},
		"at last":              {said{Trouble: "no"}, was, was, true},
		"again":                {with(func(s *said) { s.Trouble = "no" }), with(func(*said) {}), with(func(*said) {}), false},
	} {
		got, changed := after(c.was, c.now)
		if diff := cmp.Diff(c.want, got); diff != "" || changed != c.changed {
			t.Errorf("%s: changed %v\n%s", name, changed, diff)
		}
	}
}
