package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"cxm/internal/issue"
	"cxm/internal/rule/attention"
)

// Caps bound how much attention cxm asks of people in any project, whatever the
// rules say. 0: no bound.
type Caps struct {
	PerHour int // issues created in one project within any 60 minutes
	Open    int // issues open in one project at once, when another would be created
}

// Room is what a project has had of its caps.
type Room struct {
	Created int // within the last 60 minutes, those whose outcome is not known included
	Open    int
}

// Left is how many more issues may be created, and which cap says so; -1: any
// number.
func (c Caps) Left(r Room) (left int, why string) {
	left = -1
	if c.PerHour > 0 {
		left, why = max(0, c.PerHour-r.Created), fmt.Sprintf("at most %d new issue%s an hour", c.PerHour, s(c.PerHour))
	}
	if c.Open > 0 {
		if most := max(0, c.Open-r.Open); left < 0 || most < left {
			left, why = most, fmt.Sprintf("at most %d open issue%s at once", c.Open, s(c.Open))
		}
	}
	return left, why
}

// s makes a word plural.
func s(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// Budgets are the caps as a budget of each project; none when nothing is capped.
func (c Caps) Budgets() []attention.Budget {
	if c == (Caps{}) {
		return nil
	}
	return []attention.Budget{{Name: "caps", Per: attention.Project, PerHour: max(0, c.PerHour), Open: max(0, c.Open)}}
}

// Within adds the caps to what an issue asks for.
func (c Caps) Within(a attention.Ask) attention.Ask {
	a.Budgets = slices.Concat(c.Budgets(), a.Budgets)
	return a
}

// Limits are what Cap holds a plan to.
type Limits struct {
	Now       time.Time // cxm's clock
	Home      int64     // the project of steps that name none
	Caps      Caps      // of every project
	Campaigns []attention.Campaign
}

// Ask is what a create or a move asks for under the rules; home is the project of
// a step that names none.
func (s Step) Ask(home int64) attention.Ask {
	a := attention.Ask{
		Project: s.Into(home), Team: s.Team, Savings: s.Savings, Currency: s.Currency, Severity: s.severity(),
		Known: s.Keep != nil, Moved: s.Verb == Move, Free: s.free(),
	}
	if s.Want != nil {
		a.Budgets = s.Want.Budgets
	}
	return a
}

// idle says that nothing bounds a plan.
func (l Limits) idle(p Plan) bool {
	return l.Caps == (Caps{}) && !slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Want != nil && len(s.Want.Budgets) > 0 })
}

// Windows are what has to be counted before Cap, each once.
func (l Limits) Windows(p Plan) []attention.Window {
	if l.idle(p) {
		return nil
	}
	var out []attention.Window
	seen := map[attention.Window]bool{}
	for _, a := range l.asks(p) {
		for _, w := range a.Windows(l.Now) {
			if !seen[w] {
				seen[w] = true
				out = append(out, w)
			}
		}
	}
	return out
}

// asks are those of the steps that make an issue somewhere, by their place in the
// plan.
func (l Limits) asks(p Plan) map[int]attention.Ask {
	caps := l.Caps.Budgets()
	out := map[int]attention.Ask{}
	for i, s := range p.Steps {
		if s.Verb != Create && s.Verb != Move {
			continue
		}
		a := s.Ask(l.Home)
		if len(a.Budgets) == 0 {
			a.Budgets = caps
		} else if len(caps) > 0 {
			a.Budgets = slices.Concat(caps, a.Budgets)
		}
		out[i] = a
	}
	return out
}

// Cap leaves for later what caps and budgets have no room for now, and for good
// what is worth less than they ask for. Used is what each window (see Windows)
// holds already. A step goes only where all that it stands under have room:
// its project, its team, everybody.
//
// Who goes first: moves, as they are one more issue for the project they go to;
// then what belongs to a campaign that runs; then the creates of most value.
// Values are compared within one currency alone, and currencies take turns: the
// best of each, then the second of each. What has no known saving comes last.
func Cap(p Plan, l Limits, used map[attention.Window]int) Plan {
	if l.idle(p) {
		return p
	}
	asks := l.asks(p)
	taken := map[attention.Scope]int{}
	in := func(w attention.Window) int { return used[w] + taken[w.Scope] }
	steps := slices.Clone(p.Steps)
	out := Plan{}
	for _, i := range l.turns(p, func(i int) bool { _, asked := asks[i]; return asked }) {
		a := asks[i]
		answer := a.Answer(l.Now, in)
		switch answer.Outcome {
		case attention.Goes:
			for _, scope := range a.Scopes() {
				taken[scope]++
			}
			continue
		case attention.Below:
			out.Below++
		case attention.Waits:
			out.Capped++
		}
		steps[i] = steps[i].kept(answer)
	}
	if out.Capped+out.Below == 0 {
		return p
	}
	done := New(steps, p.Unchanged)
	done.Held, done.Capped, done.Below = p.Held, out.Capped, out.Below
	return done
}

// turns lists the places in the plan of those who asked, in the order of Cap.
func (l Limits) turns(p Plan, asked func(place int) bool) []int {
	type lane struct {
		campaign, known bool
		currency        string
	}
	type turn struct{ place, class, rank int }
	var turns []turn
	ranks := map[lane]int{}
	for i, s := range p.Steps {
		if !asked(i) {
			continue
		}
		if s.Verb == Move {
			turns = append(turns, turn{place: i})
			continue
		}
		_, first := attention.First(l.Campaigns, s.Rule, l.Now)
		in := lane{first, s.Savings.Valid, s.Currency}
		turns = append(turns, turn{i, class(first, in.known), ranks[in]})
		ranks[in]++
	}
	slices.SortFunc(turns, func(a, b turn) int {
		return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.rank, b.rank), cmp.Compare(a.place, b.place))
	})
	out := make([]int, len(turns))
	for i, t := range turns {
		out[i] = t.place
	}
	return out
}

// class is the rank of a create before its value.
func class(campaign, known bool) int {
	switch {
	case campaign && known:
		return 1
	case campaign:
		return 2
	case known:
		return 3
	}
	return 4
}

// At is the project a step writes to; home when it names none.
func (s Step) At(home int64) int64 {
	if s.Project == 0 {
		return home
	}
	return s.Project
}

// Into is the project in which the step makes an issue: that of a Create, or
// where a Move goes.
func (s Step) Into(home int64) int64 {
	if s.Verb == Move {
		return s.To
	}
	return s.At(home)
}

// kept is the step that a budget keeps. What is below the minimum is looked at
// again when something about it changes.
func (s Step) kept(a attention.Answer) Step {
	s = s.wait(a.Reason)
	s.Answer, s.Later = a, a.Outcome == attention.Waits
	return s
}

// wait is the step that is not taken now. Its group stays as it is, to be looked
// at again.
func (s Step) wait(why string) Step {
	s.Verb, s.Reason, s.Keep, s.Later = Nothing, why, nil, true
	s.Want, s.Status, s.To, s.Change = nil, "", 0, issue.Change{}
	return s
}
