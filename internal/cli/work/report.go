package work

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/plan"
)

// Progress is a bar on a terminal, and nothing elsewhere.
type Progress struct {
	w     io.Writer
	mu    sync.Mutex
	bars  *mpb.Progress
	bar   *mpb.Bar
	shown bool
}

// NewProgress draws on w when that is a terminal.
func NewProgress(w io.Writer) *Progress { return &Progress{w: w, shown: shell.Terminal(w)} }

// Step shows how far an apply has come.
func (p *Progress) Step(now app.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Waiting > 0 {
		p.clear()
		fmt.Fprintf(p.w, "GitLab left a create unanswered; looking it up again in %s before anything is sent twice.\n", now.Waiting.Round(time.Second))
		return
	}
	if !p.shown {
		return
	}
	if p.bar == nil {
		p.bars = mpb.New(mpb.WithOutput(p.w), mpb.WithWidth(48))
		p.bar = p.bars.AddBar(int64(now.Total), mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.CountersNoUnit("%d of %d issues ")), mpb.AppendDecorators(decor.Percentage()))
	}
	p.bar.SetTotal(int64(now.Total), false)
	p.bar.SetCurrent(int64(now.Done))
}

// done takes the bar away.
func (p *Progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

// clear takes the bar away. The caller holds the lock.
func (p *Progress) clear() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.bars.Wait()
		p.bar = nil
	}
}

func printReport(out, errs io.Writer, p app.Planned, r app.Report) {
	if r.Waits.ID != 0 {
		defer fmt.Fprintf(errs, "Run %d waits, since %s. Look at it with `cxm runs %d`; if it is right, run `cxm approve %d`.\n", r.Waits.ID, r.Waits.Why, r.Waits.ID, r.Waits.ID)
	}
	if r.Run.ID == 0 {
		if len(p.Plan.Changes()) == 0 {
			fmt.Fprintln(out, sentence(p.Plan))
		}
		if r.InDoubt > 0 {
			fmt.Fprintf(errs, "%d creates are in doubt. Next: run `cxm apply` again; it looks at GitLab before it sends anything.\n", r.InDoubt)
		}
		return
	}
	for _, f := range r.Failures {
		if f.Outcome != plan.InDoubt {
			fmt.Fprintf(errs, "%s: %s %s%s: %v\n", f.Outcome, f.Step.Verb.Word(), number(f.Step), shell.OneLine(f.Step.Title), f.Trouble)
		}
	}
	if r.Adopted > 0 {
		fmt.Fprintf(out, "%d unanswered creates were found carried out.\n", r.Adopted)
	}
	if r.Dropped > 0 {
		fmt.Fprintf(out, "%d unanswered creates were proved never carried out, and tried again.\n", r.Dropped)
	}
	for _, label := range r.Missing {
		fmt.Fprintf(errs, "Warning: GitLab dropped the label %q: the account may not create labels; create it, or give the account the Planner role or higher\n", label)
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Held)) {
		fmt.Fprintf(errs, "%d steps were held back: %s\n", r.Held[reason], shell.OneLine(reason))
	}
	if r.Halted != "" {
		fmt.Fprintln(errs, "Stopped early:", r.Halted)
	}
	fmt.Fprintf(out, "Done: %d of %d steps; %d failed, %d skipped, %d in doubt (run %d).\n", r.Run.Done+r.Adopted, r.Run.Steps, r.Run.Failed, r.Run.Skipped, r.InDoubt, r.Run.ID)
	if r.InDoubt > 0 {
		fmt.Fprintln(errs, "Next: run `cxm apply` again; it looks at GitLab before it sends anything.")
	}
}
