package storetest

import (
	"errors"
	"time"

	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/rule"
	"cxm/internal/store/db"
	"cxm/internal/store/route"
)

func routes() []scenario {
	return []scenario{
		{"a route changes with the marks on its groups", setsRoute},
		{"a project belongs to one integration", routeTaken},
		{"a path is renamed where it is still the project's", renames},
		{"moving are those whose move is in doubt", moving},
		{"unchecked are those not seen for longest", unchecked},
	}
}

func (b *bench) routes() *route.Store { return route.New(b.db.Base(), "default") }

func setsRoute(b *bench) {
	in, other, r := b.connect(1), b.connect(2), b.begin()
	b.put(place(disk(1)), place(disk(2)), place(disk(3)))
	b.create(in, r, 1)
	b.create(other, r, 2)
	b.settle()
	before := b.versions()
	in.Project, in.OnRoute = integration.Project{ID: 7, Path: "acme/seven", WebURL: "https://gitlab.example.com/acme/seven", AccessLevel: 30}, string(rule.CloseAndLink)
	b.ok(b.routes().Set(b.ctx, in))
	all, err := b.Integrations(b.ctx)
	b.ok(err)
	b.same("integrations", []integration.Integration{in, other}, all)
	b.same("changes", rule.CloseAndLink, route.Changes(all[0]))
	b.same("dirty", []rule.GroupKey{groupOf(1)}, b.dirty())
	if now := b.versions(); now[groupOf(1)] <= before[groupOf(1)] {
		b.Error("the group's version did not rise: what was decided before the change could settle it")
	}
	in.ID, in.Project.ID = 99, 8
	if err := b.routes().Set(b.ctx, in); !errors.Is(err, db.ErrNotFound) {
		b.Errorf("of an integration that does not exist: %v", err)
	}
	in.ID, in.Project.ID = all[0].ID, 7
	if err := route.New(b.db.Base(), "other").Set(b.ctx, in); !errors.Is(err, db.ErrNotFound) {
		b.Errorf("of another tenant's integration: %v", err)
	}
	in.OnRoute = "of a later cxm"
	b.same("changes", rule.Stay, route.Changes(in))
}

func routeTaken(b *bench) {
	in, other := b.connect(1), b.connect(2)
	in.Project = other.Project
	if err := b.routes().Set(b.ctx, in); !errors.Is(err, route.ErrTaken) {
		b.Errorf("the error is %v", err)
	}
}

func renames(b *bench) {
	in := b.connect(1)
	was := in.Project
	in.Project.Path, in.Project.WebURL = "acme/renamed", "https://gitlab.example.com/acme/renamed"
	b.ok(b.routes().Rename(b.ctx, in.ID, in.Project))
	was.ID = 9
	b.ok(b.routes().Rename(b.ctx, in.ID, was)) // it has another project by now
	all, err := b.Integrations(b.ctx)
	b.ok(err)
	b.same("project", in.Project, all[0].Project)
}

func moving(b *bench) {
	in, r := b.connect(1), b.begin()
	one, two, three := b.create(in, r, 1), b.create(in, r, 2), b.create(in, r, 3)
	one, two = one.Moving(7, noon()), two.Moving(7, noon()).Unmoved("refused", noon())
	b.ok(b.Observe(b.ctx, in.ID, 1, []issue.Tracked{one, two, three}, noon()))
	one.Rev++
	got, err := b.Moving(b.ctx, in.ID, 1)
	b.ok(err)
	b.same("moving", []issue.Tracked{one}, got)
	got, err = b.Moving(b.ctx, in.ID, 7)
	b.ok(err)
	b.same("in another project", 0, len(got))
}

func unchecked(b *bench) {
	in, r := b.connect(1), b.begin()
	var rows []int64
	for i := range 120 {
		rows = append(rows, b.create(in, r, i+1).ID)
	}
	closed := b.create(in, r, 200)
	closed.Observed.State = issue.Closed
	b.ok(b.Observe(b.ctx, in.ID, 1, []issue.Tracked{closed}, noon()))
	ask := func(before time.Time) []int64 {
		got, err := b.Unchecked(b.ctx, in.ID, 1, before)
		b.ok(err)
		return ids(got)
	}
	b.same("seen lately", 0, len(ask(noon())))
	b.ok(b.Checked(b.ctx, rows[30:], noon().Add(time.Hour)))
	got := ask(noon().Add(time.Second))
	b.same("of many, a hundred", 100, len(got))
	seen := map[int64]bool{}
	for _, id := range got {
		seen[id] = true
	}
	for _, id := range rows[:30] {
		if !seen[id] {
			b.Fatalf("row %d was seen longest ago, and is not among %v", id, got)
		}
	}
	tracked := b.versions()
	b.ok(b.Checked(b.ctx, rows[:30], noon().Add(2*time.Hour)))
	b.same("what was seen is seen", 0, len(ask(noon().Add(time.Hour))))
	b.same("groups", tracked, b.versions())
	b.ok(b.db.Tenant("other").Checked(b.ctx, rows, noon()))
	b.same("another tenant's word", 0, len(ask(noon().Add(time.Hour))))
}
