package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"time"

	"cxm/internal/app"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

// workFlag makes the bench a process that works the queue.
const workFlag = "-work"

// work is what such a process is told. It comes by its input, since a database's
// URL holds a password.
type work struct {
	Dir      string
	Database string        // empty: SQLite in Dir
	Ahead    time.Duration // of its clock
	Caps     plan.Caps
}

// worked is what it says in the end.
type worked struct {
	Step   int64 // calls about single issues
	Failed int   // jobs that failed for good
	Left   int   // jobs that are not finished
}

// workChild opens cxm, says that it is ready, and on the next line works the
// queue until it is empty.
func workChild(ctx context.Context, r io.Reader, w io.Writer) error {
	in := bufio.NewReader(r)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	var what work
	if err := json.Unmarshal(line, &what); err != nil {
		return err
	}
	var calls tally
	a, err := app.Open(ctx, app.Config{
		DataDir: what.Dir, Database: what.Database, Caps: what.Caps, Observe: calls.count, Brakes: brakesOff(),
		Clock: func() time.Time { return time.Now().Add(what.Ahead) },
	})
	if err != nil {
		return err
	}
	defer a.Close()
	fmt.Fprintln(w, "ready")
	if _, err := in.ReadBytes('\n'); err != nil {
		return err
	}
	done, err := a.Run(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(worked{Step: calls.step.Load(), Failed: done.Discarded + done.Cancelled, Left: done.Left})
}

// worker is a process that works the queue.
type worker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startWorker starts a process and waits until it is ready.
func startWorker(ctx context.Context, what work) (*worker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := &worker{cmd: exec.CommandContext(ctx, self, workFlag)}
	w.cmd.Stderr = os.Stderr
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.out = bufio.NewReader(out)
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	err = json.NewEncoder(w.in).Encode(what)
	if err == nil {
		_, err = w.out.ReadBytes('\n')
	}
	if err != nil {
		return nil, fmt.Errorf("a process that works the queue did not start: %w", errors.Join(err, w.end()))
	}
	return w, nil
}

// end ends the process and waits for it.
func (w *worker) end() error { return errors.Join(w.in.Close(), w.cmd.Wait()) }

// result is what the process says once the queue is empty.
func (w *worker) result() (worked, error) {
	var r worked
	line, err := w.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &r)
	}
	if err = errors.Join(err, w.end()); err == nil && r.Failed+r.Left > 0 {
		err = fmt.Errorf("working the queue: %d jobs failed, %d are left", r.Failed, r.Left)
	}
	return r, err
}

// work lets so many processes work the queue at once until it is empty. All are
// ready before the first begins.
func (b *bed) work(ctx context.Context, processes int, what work) ([]worked, error) {
	ctx, cancel := context.WithCancel(ctx) // where one fails the others are ended
	defer cancel()
	var all []*worker
	for range processes {
		w, err := startWorker(ctx, what)
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	for _, w := range all {
		fmt.Fprintln(w.in, "go")
	}
	var results []worked
	for _, w := range all {
		r, err := w.result()
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}

// made is how many issues of cxm the sandbox holds, and about how many groups.
func (b *bed) made(ctx context.Context) (issues, groups int, err error) {
	seen := map[rule.GroupKey]bool{}
	for page := 1; ; page++ {
		descriptions, err := b.page(ctx, page)
		if err != nil || len(descriptions) == 0 {
			return issues, len(seen), err
		}
		for _, text := range descriptions {
			for _, block := range issue.Blocks(text) {
				issues++
				seen[block.Marker.Group] = true
			}
		}
	}
}

// page is the descriptions of up to a hundred issues.
func (b *bed) page(ctx context.Context, page int) ([]string, error) {
	where := fmt.Sprintf("%s/api/v4/projects/%s/issues?per_page=100&page=%d", b.url, url.PathEscape(project), page)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("PRIVATE-TOKEN", b.admin)
	client := http.Client{Timeout: time.Minute}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("listing the sandbox's issues: %s", resp.Status)
	}
	var list []struct{ Description string }
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		return nil, fmt.Errorf("listing the sandbox's issues: %w", err)
	}
	descriptions := make([]string, len(list))
	for i, one := range list {
		descriptions[i] = one.Description
	}
	return descriptions, nil
}
