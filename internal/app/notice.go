package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"cxm/internal/notify"
)

// noticeJob sends one notice to the operator's address.
type noticeJob struct {
	Tenant string       `json:"tenant"`
	Event  notify.Event `json:"event"`
}

// Kind names the job in the queue.
func (noticeJob) Kind() string { return "notice" }

// InsertOpts has what fails tried again for about a day.
func (noticeJob) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 16} }

// ErrNoAddress says that nobody said where notices go.
var ErrNoAddress = errors.New("no address for notices is set: set CXM_NOTIFY_URL to where your chat or alerting system takes webhooks")

// tell has a notice sent, if there is somewhere to send it. What cannot be put
// into the queue is in the log at least, where everything told is.
func (a *App) tell(ctx context.Context, e notify.Event) {
	if a.Notices == nil {
		return
	}
	e, err := a.signed(ctx, e)
	if err == nil {
		_, err = a.outbox.queue.Insert(ctx, river.InsertManyParams{Args: noticeJob{Tenant: a.Tenant, Event: e}})
	}
	if err != nil {
		a.Logger.Warn("a notice could not be sent", "type", e.Type, "subject", e.Subject, "error", err)
	}
}

// signed is a notice with when and where it comes from.
func (a *App) signed(ctx context.Context, e notify.Event) (notify.Event, error) {
	installation, err := a.Store.Installation(ctx)
	if err != nil {
		return e, err
	}
	e.Time = a.Clock().UTC()
	e.Source = "/cxm/" + installation
	e.ID = fmt.Sprintf("%s-%s-%s-%d", installation, e.Type, e.Subject, e.Time.UnixMicro())
	return e, nil
}

// TestNotice sends a notice now, so that a person sees it arrive, and says to which
// host. The error is ErrNoAddress, or what the address answered.
func (a *App) TestNotice(ctx context.Context) (host string, err error) {
	if a.Notices == nil {
		return "", ErrNoAddress
	}
	e, err := a.signed(ctx, notify.Event{
		Type: "cxm.notice.test.v1", Subject: "cxm", Text: "This is a test: cxm reaches this address, and tells here of tokens that expire and of access that is lost.",
	})
	if err != nil {
		return "", err
	}
	return a.Notices.Host(), a.Notices.Send(ctx, e)
}

// herald works noticeJobs.
type herald struct {
	river.WorkerDefaults[noticeJob]
	*hall
}

// Timeout is more than a notice takes.
func (w *herald) Timeout(*river.Job[noticeJob]) time.Duration { return time.Minute }

// Work sends the notice. One that is refused is not sent again.
func (w *herald) Work(ctx context.Context, job *river.Job[noticeJob]) error {
	if w.all.config.Notices == nil {
		return river.JobSnooze(time.Hour) // a process with an address sends it
	}
	err := w.all.config.Notices.Send(ctx, job.Args.Event)
	if refused := (*notify.RefusedError)(nil); errors.As(err, &refused) {
		w.all.config.Logger.Error("a notice was refused", "type", job.Args.Event.Type, "subject", job.Args.Event.Subject, "error", err)
		return river.JobCancel(err)
	}
	return err
}
