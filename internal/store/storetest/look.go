package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cxm/internal/credential"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
)

func finds() []scenario {
	return []scenario{
		{"find knows issues by number and by nonce", findsBoth},
		{"find takes any number of numbers", findsMany},
		{"observe keeps all or nothing", observes},
		{"a watermark is per project", watermarks},
		{"projects are those with issues", projects},
	}
}

func findsBoth(b *bench) {
	in, other, r := b.connect(1), b.connect(2), b.begin()
	one, two, three := b.create(in, r, 1), b.create(in, r, 2), b.create(in, r, 3)
	b.create(other, r, 4)
	_, intended := b.intend(in, r, 5)
	got, err := b.Find(b.ctx, in.ID, 1, []int64{3, 1, 4, 99}, []string{nonce(1), nonce(5), "nobody's"})
	b.ok(err)
	b.same("found", []issue.Tracked{three, one, intended}, got)
	got, err = b.Find(b.ctx, in.ID, 2, []int64{1}, []string{nonce(2)})
	b.ok(err)
	b.same("in another project", []issue.Tracked{two}, got)
	got, err = b.Find(b.ctx, in.ID, 1, nil, nil)
	b.ok(err)
	b.same("nothing", 0, len(got))
}

func findsMany(b *bench) {
	in, r := b.connect(1), b.begin()
	last := b.create(in, r, 1)
	var iids []int64
	var marks []string
	for i := range 600 {
		iids, marks = append(iids, int64(100+i)), append(marks, nonce(100+i))
	}
	got, err := b.Find(b.ctx, in.ID, 1, append(iids, 1), marks)
	b.ok(err)
	b.same("found", []int64{last.ID}, ids(got))
}

func observes(b *bench) {
	in, r := b.connect(1), b.begin()
	b.put(place(disk(1)), place(disk(2)))
	one, two := b.create(in, r, 1), b.create(in, r, 2)
	b.settle()
	one.Observed.Title, one.Observed.State, one.Observed.ClosedAt = "renamed by a person", issue.Closed, noon()
	b.ok(b.Observe(b.ctx, in.ID, 1, []issue.Tracked{one}, noon()))
	b.same("dirty", []rule.GroupKey{groupOf(1)}, b.dirty())
	one.Rev++
	got, err := b.Find(b.ctx, in.ID, 1, []int64{1}, nil)
	b.ok(err)
	b.same("stored", []issue.Tracked{one}, got)

	two.Observed.Title, one.Rev = "never stored", 1
	if err := b.Observe(b.ctx, in.ID, 1, []issue.Tracked{two, one}, noon().Add(time.Hour)); !errors.Is(err, store.ErrStale) {
		b.Errorf("the error is %v", err)
	}
	at, err := b.Watermark(b.ctx, in.ID, 1)
	b.ok(err)
	b.same("watermark", noon(), at)
	b.same("dirty", []rule.GroupKey{groupOf(1)}, b.dirty())
	got, err = b.Find(b.ctx, in.ID, 1, []int64{2}, nil)
	b.ok(err)
	b.same("title", "", got[0].Observed.Title)
}

func projects(b *bench) {
	in, r := b.connect(1), b.begin()
	for i, project := range []int64{7, 0, 3, 7} {
		t := toCreate(in, i)
		t.Observed.ProjectID = project
		_, _, err := b.Intend(b.ctx, creation(r, i), t)
		b.ok(err)
	}
	got, err := b.Projects(b.ctx, in.ID)
	b.ok(err)
	b.same("projects", []int64{3, 7}, got)
	got, err = b.Projects(b.ctx, b.connect(2).ID)
	b.ok(err)
	b.same("of another integration", 0, len(got))
}

func watermarks(b *bench) {
	in := b.connect(1)
	at, err := b.Watermark(b.ctx, in.ID, 1)
	b.ok(err)
	b.same("never looked", true, at.IsZero())
	b.ok(b.Observe(b.ctx, in.ID, 1, nil, noon()))
	b.ok(b.Observe(b.ctx, in.ID, 2, nil, noon().Add(time.Hour)))
	b.ok(b.Observe(b.ctx, in.ID, 1, nil, noon().Add(time.Minute)))
	at, err = b.Watermark(b.ctx, in.ID, 1)
	b.ok(err)
	b.same("watermark", noon().Add(time.Minute), at)
}

func cancelled(b *bench) {
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	if _, _, err := b.BeginRun(ctx, plan.Run{StartedAt: noon()}, nil); !errors.Is(err, context.Canceled) {
		b.Errorf("the error is %v", err)
	}
	runs, err := b.Runs(b.ctx, 10)
	b.ok(err)
	b.same("runs", 0, len(runs))
}

func journals() []scenario {
	return []scenario{
		{"runs come back, the latest first", runs},
		{"a journal comes in the order of its plan", journalOrder},
		{"a summary counts what there is", summary},
		{"a summary of nothing is empty", nothing},
	}
}

func runs(b *bench) {
	var full plan.Run
	fill(&full)
	full.ID, full.Integration, full.Shared = b.begin().ID, 0, false // these stay as the run began
	full.RejectedBy, full.Rejection = "", ""                        // RejectRun alone writes these
	b.ok(b.FinishRun(b.ctx, full, ""))
	second := b.begin()
	got, err := b.Runs(b.ctx, 10)
	b.ok(err)
	b.same("runs", []plan.Run{second, full}, got)
	got, err = b.Runs(b.ctx, 1)
	b.ok(err)
	b.same("the last", []plan.Run{second}, got)
	if err := b.FinishRun(b.ctx, plan.Run{ID: 99}, ""); !errors.Is(err, store.ErrNotFound) {
		b.Errorf("the error is %v", err)
	}
}

func journalOrder(b *bench) {
	in, r := b.connect(1), b.begin()
	for _, i := range []int{3, 1, 2} {
		b.intend(in, r, i)
	}
	b.intend(in, b.begin(), 9)
	var seqs []int
	for _, e := range b.journal(r.ID) {
		seqs = append(seqs, e.Seq)
	}
	b.same("order", []int{1, 2, 3}, seqs)
}

func nothing(b *bench) {
	sum, err := b.Summary(b.ctx)
	b.ok(err)
	b.same("summary", 0, len(sum.Issues)+len(sum.Findings)+len(sum.Savings)+len(sum.Pulls)+int(sum.LastRun.ID))
}

func connections() []scenario {
	return []scenario{
		{"an installation has one id for ever", installation},
		{"an integration and its token come back as they were", integrations},
		{"a project is connected once", connectedOnce},
		{"an integration is not stored when sealing fails", sealFails},
		{"the store takes no token in the clear", inTheClear},
	}
}

func installation(b *bench) {
	first, err := b.Installation(b.ctx)
	b.ok(err)
	if len(first) != 16 {
		b.Errorf("the id %q has not 16 digits", first)
	}
	won, _ := b.race(8, func(int) error {
		again, err := b.Installation(b.ctx)
		if again != first {
			return fmt.Errorf("the id was %s and is %s", first, again)
		}
		return err
	}, store.ErrNotFound)
	b.same("asked", 8, won)
}

func integrations(b *bench) {
	var in integration.Integration
	tok := credential.Token{Scopes: []string{"api", "read_user"}, ExpiresAt: noon(), ID: 7, Name: "bot"}
	fill(&in)
	sealed := []byte{0, 255, 1, 0}
	var asked int64
	got, err := b.AddIntegration(b.ctx, in, tok, func(id int64) ([]byte, error) { asked = id; return sealed, nil })
	b.ok(err)
	in.ID = got.ID
	b.same("returned", in, got)
	b.same("sealed for", in.ID, asked)
	b.sameIntegration(in, sealed, tok)

	in.Version, in.VerifiedAt, in.Account.Bot = "19.4.0", noon(), false
	b.ok(b.UpdateIntegration(b.ctx, in, nil, credential.Token{}))
	b.sameIntegration(in, sealed, tok)
	sealed, tok = []byte("another"), credential.Token{Name: "rotated"}
	b.ok(b.UpdateIntegration(b.ctx, in, sealed, tok))
	b.sameIntegration(in, sealed, tok)

	second := b.connect(2)
	all, err := b.Integrations(b.ctx)
	b.ok(err)
	b.same("all", []integration.Integration{in, second}, all)
	if _, _, _, err := b.Integration(b.ctx, 99); !errors.Is(err, store.ErrNotFound) {
		b.Errorf("the error is %v", err)
	}
	in.ID = 99
	in.Project.ID = 99
	if err := b.UpdateIntegration(b.ctx, in, nil, tok); !errors.Is(err, store.ErrNotFound) {
		b.Errorf("the error is %v", err)
	}
}

func (b *bench) sameIntegration(in integration.Integration, sealed []byte, tok credential.Token) {
	b.Helper()
	got, gotSealed, gotTok, err := b.Integration(b.ctx, in.ID)
	b.ok(err)
	b.same("integration", in, got)
	b.same("sealed", sealed, gotSealed)
	b.same("token", tok, gotTok)
}

func connectedOnce(b *bench) {
	first, second := b.connect(1), b.connect(2)
	_, err := b.AddIntegration(b.ctx, first, credential.Token{}, func(int64) ([]byte, error) { return []byte("x"), nil })
	if !errors.Is(err, store.ErrConnected) {
		b.Errorf("the error is %v", err)
	}
	second.Project = first.Project
	if err := b.UpdateIntegration(b.ctx, second, nil, credential.Token{}); !errors.Is(err, store.ErrConnected) {
		b.Errorf("the error is %v", err)
	}
}

func sealFails(b *bench) {
	sentinel := errors.New("no key")
	_, err := b.AddIntegration(b.ctx, integration.Integration{URL: "https://gitlab.example.com"}, credential.Token{}, func(int64) ([]byte, error) { return nil, sentinel })
	if !errors.Is(err, sentinel) {
		b.Errorf("the error is %v", err)
	}
	all, err := b.Integrations(b.ctx)
	b.ok(err)
	b.same("integrations", 0, len(all))
}

func inTheClear(b *bench) {
	in := b.connect(1)
	if err := b.UpdateIntegration(b.ctx, in, []byte("x"), credential.Token{Value: credential.NewSecret("in the clear")}); err == nil {
		b.Error("a token in the clear was taken")
	}
	if err := b.UpdateIntegration(b.ctx, in, []byte{}, credential.Token{}); err == nil {
		b.Error("an empty sealed token was taken")
	}
}
