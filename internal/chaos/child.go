package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"cxm/internal/app"
	"cxm/internal/chaos/gate"
	"cxm/internal/chaos/oracle"
	"cxm/internal/gitlab/rest"
	"cxm/internal/plan"
	"cxm/internal/source"
)

// settle is how long GitLab's silence about a create means nothing here, where
// a day takes seconds.
const settle = 700 * time.Millisecond

// order is what a child process is told to do.
type order struct {
	Name       string
	DataDir    string
	Database   string // postgres:// URL; empty: SQLite in DataDir
	Ahead      time.Duration
	Step       time.Duration // the child's clock jumps by this
	StepAfter  int64         // when it was read so often
	Deliveries []oracle.Delivery
	Apply      bool
	Queue      bool          // what is to be applied goes through the queue
	KillAt     int64         // the point at which it kills itself; 0: it lives
	Patience   time.Duration // how long it may take
	Limits     rest.Limits
	Workers    int
	Braked     bool // the brakes are those of a new installation; else there are none
}

// The words a child says, one line each.
const (
	saidIngested = "ingested" // and the number of the delivery
	saidRefused  = "refused"  // and the number, and why
	saidDied     = "died"     // and where
	saidApplied  = "applied"  // and an outcome as JSON
	saidWorked   = "worked"   // and how many jobs
	saidFailed   = "failed"   // and why
)

// outcome is what a child's Apply said.
type outcome struct {
	Steps, Adopted, Dropped, InDoubt int
	Whole                            bool
	Halted                           string
}

// bomb kills the process at the chosen point of its code, as a power cut would.
type bomb struct {
	at    int64
	count atomic.Int64
	say   io.Writer
}

// pass is one point of the code.
func (b *bomb) pass(point string) {
	if b.count.Add(1) != b.at {
		return
	}
	fmt.Fprintln(b.say, saidDied, point)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // nothing can refuse it
	select {}
}

// RoundTrip is a point before the request leaves and one after the answer came.
type mined struct {
	*bomb
	next http.RoundTripper
	name string
}

// RoundTrip implements http.RoundTripper.
func (m mined) RoundTrip(req *http.Request) (*http.Response, error) {
	req.Header.Set(gate.Header, m.name)
	m.pass("before " + req.Method)
	resp, err := m.next.RoundTrip(req)
	m.pass("after " + req.Method)
	return resp, err
}

// clock is the machine's, this much ahead, and jumps once.
func (o order) clock() func() time.Time {
	var reads atomic.Int64
	return func() time.Time {
		now := time.Now().Add(o.Ahead)
		if o.Step != 0 && reads.Add(1) > o.StepAfter {
			now = now.Add(o.Step)
		}
		return now
	}
}

// child carries out the order on in.
func child(in io.Reader, out io.Writer) error {
	var o order
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return fmt.Errorf("reading the order: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.Patience)
	defer cancel()
	b := &bomb{at: o.KillAt, say: out}
	a, err := app.Open(ctx, o.config(b))
	if err != nil {
		return err
	}
	defer a.Close()
	o.ingest(ctx, a, b, out)
	switch {
	case o.Apply && o.Queue:
		o.work(ctx, a, out)
	case o.Apply:
		o.apply(ctx, a, out)
	}
	return nil
}

func (o order) config(b *bomb) app.Config {
	brakes := plan.Brakes{CloseShare: 100}
	if o.Braked {
		brakes = plan.DefaultBrakes()
	}
	brakes.Admit = true
	return app.Config{
		DataDir: o.DataDir, Database: o.Database, Settle: settle, Workers: o.Workers, Clock: o.clock(), Limits: o.Limits, Brakes: &brakes,
		Transport: mined{b, rest.NewTransport(), o.Name}, Failpoint: b.pass,
		JobTimeout: 3 * time.Second, Rescue: 4 * time.Second, // what a child leaves behind when it is killed is soon taken up by another
	}
}

func (o order) ingest(ctx context.Context, a *app.App, b *bomb, out io.Writer) {
	for i, d := range o.Deliveries {
		b.pass("before taking in")
		_, _, err := a.Ingest(ctx, app.Delivery{Type: d.Type, Scope: d.Scope, Inputs: []source.Input{{Name: "chaos", Reader: strings.NewReader(d.Text)}}})
		b.pass("after taking in")
		if err != nil {
			fmt.Fprintln(out, saidRefused, i, oneLine(err))
			continue
		}
		fmt.Fprintln(out, saidIngested, i)
	}
}

// work works the queue until it is empty, or the time is up: then what is under
// way ends as if somebody had pressed Ctrl-C.
func (o order) work(ctx context.Context, a *app.App, out io.Writer) {
	ctx, cancel := context.WithTimeout(ctx, o.Patience/2)
	defer cancel()
	w, err := a.Run(ctx)
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(out, saidFailed, oneLine(err))
		return
	}
	fmt.Fprintln(out, saidWorked, w.Completed)
}

func (o order) apply(ctx context.Context, a *app.App, out io.Writer) {
	p, report, err := a.Apply(ctx, 0, func(app.Planned) (bool, error) { return true, nil }, nil)
	if err != nil {
		fmt.Fprintln(out, saidFailed, oneLine(err))
		return
	}
	text, err := json.Marshal(outcome{
		Steps: len(p.Plan.Changes()), Adopted: p.Looked.Adopted + report.Adopted, Dropped: p.Looked.Dropped + report.Dropped,
		InDoubt: p.Looked.InDoubt + report.InDoubt, Whole: report.Whole(), Halted: report.Halted,
	})
	if err != nil {
		fmt.Fprintln(out, saidFailed, oneLine(err))
		return
	}
	fmt.Fprintln(out, saidApplied, string(text))
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
