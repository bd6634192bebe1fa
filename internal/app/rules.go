package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"cxm/internal/app/ruling"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
	"cxm/internal/rule"
	"cxm/internal/store/board"
	"cxm/internal/store/rules"
)

// batch is how many findings are assigned anew in one transaction.
const batch = 500

// books are the rules in force, compiled once for each revision.
type books struct {
	store    *rules.Store
	mu       sync.Mutex
	revision int64            // guarded by mu
	book     *ruling.Compiled // of it; nil: none was read
}

// read is the rules in force and their revision; 0: the built-in ones.
func (b *books) read(ctx context.Context) (*ruling.Compiled, int64, error) {
	now, err := b.store.Current(ctx)
	if err != nil {
		return nil, 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.book != nil && b.revision == now.Number {
		return b.book, now.Number, nil
	}
	book := ruling.Builtin()
	if now.Number != 0 {
		if book, err = ruling.Compile(fmt.Sprintf("revision %d", now.Number), []byte(now.Text)); err != nil {
			return nil, 0, fmt.Errorf("the rules in force cannot be read by this version of cxm: see `cxm rules export`, mend them, and run `cxm rules apply`: %w", err)
		}
	}
	b.book, b.revision = book, now.Number
	return book, now.Number, nil
}

// inForce is what findings are taken in under.
func (a *App) inForce(ctx context.Context) (reconcile.Rules, int64, error) { return a.books.read(ctx) }

// whose says whose findings are by the rules in force.
func (a *App) whose(ctx context.Context) (board.Whose, int64, error) {
	book, revision, err := a.books.read(ctx)
	if err != nil {
		return nil, 0, err
	}
	return book.Whose(), revision, nil
}

// assign puts every finding where the rules in force say, if that was not done yet.
// Before it is done nothing is planned.
func (a *App) assign(ctx context.Context) error {
	for {
		at, err := a.books.store.Assigned(ctx)
		if err != nil || at.Done {
			return err
		}
		book, revision, err := a.books.read(ctx)
		if err != nil {
			return err
		}
		err = a.books.store.Reassign(ctx, revision, func(f *finding.Finding) []rule.Assignment { return book.Assign(f) }, batch)
		if err != nil && !errors.Is(err, rules.ErrOtherRevision) {
			return fmt.Errorf("assigning findings under the rules: %w", err)
		}
	}
}

// Revision is the rules as they were at one time.
type Revision = rules.Revision

// Rules are the rules in force; Number 0: the built-in ones.
func (a *App) Rules(ctx context.Context) (Revision, error) { return a.books.store.Current(ctx) }

// RulesRevision is one revision. The error is store.ErrNotFound.
func (a *App) RulesRevision(ctx context.Context, number int64) (Revision, error) {
	return a.books.store.Revision(ctx, number)
}

// RulesHistory lists the last revisions without their texts, the latest first.
func (a *App) RulesHistory(ctx context.Context, most int) ([]Revision, error) {
	return a.books.store.History(ctx, most)
}

// RulesError says which projects and integrations of the rules cannot be used.
type RulesError struct{ Troubles []string }

// Error lists them.
func (e *RulesError) Error() string {
	return "the rules send issues where they cannot go; nothing was applied:\n  " + strings.Join(e.Troubles, "\n  ")
}

// ApplyRules puts rules in force: checked, their tests passed, and their projects
// looked up in GitLab. The next plan, or the worker, brings the issues in line. The
// errors are rulebook.Problems, *RulesError, *rules.OvertakenError and GitLab's.
func (a *App) ApplyRules(ctx context.Context, file string, text []byte, c rules.Change) (Revision, error) {
	book, err := ruling.Compile(file, text)
	if err != nil {
		return Revision{}, err
	}
	if failed := book.Check(); len(failed) > 0 {
		return Revision{}, fmt.Errorf("%d of %d tests of the rules fail, and nothing was applied: see `cxm rules validate`; the first: %s: %s", len(failed), book.Tests(), failed[0].Test, failed[0].Message)
	}
	if err := a.checkRoutes(ctx, book); err != nil {
		return Revision{}, err
	}
	c.Text = string(text)
	return a.books.store.Apply(ctx, c)
}

// checkRoutes looks every project up that the rules name.
func (a *App) checkRoutes(ctx context.Context, book *ruling.Compiled) error {
	all, err := a.Store.Integrations(ctx)
	if err != nil {
		return fmt.Errorf("reading the integrations: %w", err)
	}
	var troubles []string
	for _, in := range all {
		client, err := a.Open(ctx, in, true)
		if err != nil {
			return err
		}
		for _, trouble := range ruling.New(book, in, all, client, a.Clock).Check(ctx) {
			troubles = append(troubles, fmt.Sprintf("%s: %s", in.URL, trouble))
		}
	}
	if len(troubles) > 0 {
		return &RulesError{troubles}
	}
	return nil
}

// RollbackRules puts an earlier revision in force again, as a new one.
func (a *App) RollbackRules(ctx context.Context, number int64, c rules.Change) (Revision, error) {
	old, err := a.books.store.Revision(ctx, number)
	if err != nil {
		return old, err
	}
	book, err := ruling.Compile(fmt.Sprintf("revision %d", number), []byte(old.Text))
	if err != nil {
		return Revision{}, fmt.Errorf("revision %d is no rules file of this version of cxm: %w", number, err)
	}
	if err := a.checkRoutes(ctx, book); err != nil {
		return Revision{}, err
	}
	return a.books.store.Rollback(ctx, number, c)
}

// Book is the rules in force, compiled.
func (a *App) Book(ctx context.Context) (*ruling.Compiled, error) {
	book, _, err := a.books.read(ctx)
	return book, err
}

// ruled decides about one group under the rules in force; not ok: the built-in ones
// hold, or GitLab cannot be asked.
func (a *App) ruled(ctx context.Context, in integration.Integration, g rule.Group, have []issue.Tracked) (steps []plan.Step, ok bool) {
	if _, revision, err := a.books.read(ctx); err != nil || revision == 0 {
		return nil, false
	}
	e, err := a.engine(ctx, in.ID, true, nil)
	if err != nil {
		return nil, false
	}
	return e.Decide(ctx, g, have), true
}
