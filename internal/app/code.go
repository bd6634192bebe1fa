package app

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"cxm/internal/app/evidence"
	"cxm/internal/app/ruling"
	"cxm/internal/finding"
	"cxm/internal/gitlab"
	"cxm/internal/integration"
	"cxm/internal/queue"
)

// codeEvery is the time between two looks at what code is to be asked about.
const codeEvery = 10 * time.Minute

// codeJob asks GitLab again what it said of code, where that is due, and what no plan
// came to ask.
type codeJob struct {
	Tenant string `json:"tenant"`
}

// Kind names the job in the queue.
func (codeJob) Kind() string { return "code" }

// InsertOpts makes it unique. What fails is asked by the next one.
func (codeJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Priority: queue.PriorityUpdate, UniqueOpts: queue.Unique(), MaxAttempts: 1}
}

// codeJobs are those to begin with: none where the rules do not ask code.
func (a *App) codeJobs(ctx context.Context) []river.InsertManyParams {
	if book, err := a.Book(ctx); err != nil || !book.AsksCode() {
		return nil
	}
	return []river.InsertManyParams{{Args: codeJob{Tenant: a.Tenant}}}
}

// codeReader works codeJobs.
type codeReader struct {
	river.WorkerDefaults[codeJob]
	*hall
}

// Timeout is more than the calls of one window take.
func (w *codeReader) Timeout(*river.Job[codeJob]) time.Duration { return 10 * time.Minute }

// Work asks what is due, where the rules in force want to know.
func (w *codeReader) Work(ctx context.Context, job *river.Job[codeJob]) error {
	shop, err := w.shop(ctx, job.Args.Tenant)
	if err != nil {
		return err
	}
	book, err := shop.app.Book(ctx)
	if err != nil || !book.AsksCode() {
		return err
	}
	return shop.app.RefreshCode(ctx)
}

// ruler rules by a book for an integration, and asks what code says.
func (a *App) ruler(book *ruling.Compiled, in integration.Integration, all []integration.Integration, client *gitlab.Client) *ruling.Ruler {
	return ruling.New(book, in, all, client, a.Clock).Asking(a.Witness(in, client))
}

// knowCode asks what is due before a plan that a person asked for: no worker may be
// there to do it. Its trouble keeps no plan.
func (a *App) knowCode(ctx context.Context, in integration.Integration) {
	book, err := a.Book(ctx)
	if err == nil && book.AsksCode() {
		err = a.RefreshCodeOf(ctx, in)
	}
	if err != nil {
		a.Logger.Warn("what code says of owners could not be asked again", "integration", in.ID, "why", err)
	}
}

// ExplainRules says what rules do with a finding, and asks an integration's GitLab
// whose it is, where they want to know. 0 is the only integration; without any, or
// with several, nobody is asked.
func (a *App) ExplainRules(ctx context.Context, integrationID int64, book *ruling.Compiled, f finding.Finding) (ruling.Explained, error) {
	in, err := a.Integration(ctx, integrationID)
	if err != nil && integrationID != 0 {
		return ruling.Explained{}, err
	}
	if err != nil || !book.AsksCode() {
		return book.Explain(f)
	}
	client, err := a.Open(ctx, in, true)
	if err != nil && integrationID != 0 {
		return ruling.Explained{}, err
	}
	if err != nil {
		return book.Explain(f)
	}
	return book.ExplainBy(ctx, f, a.Witness(in, client))
}

// Names of what code says that callers need.
type (
	// Code is a state of Terraform that an admin gave, as it is kept.
	Code = evidence.Code
	// GivenCode is what an admin says of a state of Terraform.
	GivenCode = evidence.GivenCode
	// AddedCode is what was kept of a state.
	AddedCode = evidence.AddedCode
)

// MostOfState is the largest state of Terraform that is read, in bytes.
const MostOfState = evidence.MostOfState
