package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"cxm/internal/chaos/oracle"
	"cxm/internal/gitlab/rest"
	"cxm/internal/sandbox"
	"cxm/internal/source"
)

// day lets one day pass: the world changes, people act, GitLab stumbles, and
// cxm runs until it is killed or done.
func (d *driver) day(ctx context.Context, day int) error {
	rng := d.stream("day", day)
	by := 12*time.Hour + time.Duration(rng.Int64N(int64(18*time.Hour)))
	if rng.IntN(30) == 0 {
		by += 33 * 24 * time.Hour
		d.tally["times the reopen window passed"]++
	}
	d.begin(by)
	d.report(day)
	if rng.IntN(3) > 0 {
		d.tally["creates carried out after their sender had given up"] += d.gate.Release()
		d.scan()
	}
	d.people(day)
	if err := d.trouble(day); err != nil {
		return err
	}
	d.processes(ctx, day)
	d.gate.Wait()
	d.gitlab.ClearFaults()
	d.gitlab.SetLimits(sandbox.Limits{TrimTexts: true})
	d.scan()
	if len(d.gitlab.Calls()) > 10_000 {
		d.gitlab.ResetCalls()
	}
	return nil
}

// begin starts a round.
func (d *driver) begin(by time.Duration) {
	d.forward(by)
	d.starts = append(d.starts, d.now())
	for _, s := range d.subjects {
		s.Begin()
	}
}

// report lets the world change and sources tell of it.
func (d *driver) report(day int) {
	rng := d.stream("world", day)
	alerts, events := map[*oracle.Member]*oracle.Subject{}, map[*oracle.Member]*oracle.Subject{}
	var alerted, evented []*oracle.Member
	for _, s := range d.subjects {
		was := make([]oracle.Member, len(s.Members))
		for i, m := range s.Members {
			was[i] = *m
		}
		s.Evolve(rng)
		for i, m := range s.Members {
			if m.On == was[i].On && (!m.On || m.Cents == was[i].Cents && m.Severe == was[i].Severe) {
				continue
			}
			switch {
			case s.Kind == oracle.Alert:
				alerts[m], alerted = s, append(alerted, m)
			case s.Kind == oracle.Event || i == 1:
				events[m], evented = s, append(evented, m)
			}
		}
	}
	for scope := range oracle.Scopes {
		d.pending = append(d.pending, mangled(rng, oracle.Snapshot(d.subjects, scope, day))...)
	}
	if len(alerted) > 0 {
		d.pending = append(d.pending, oracle.News(day, source.Alertmanager, alerts, alerted))
	}
	if len(evented) > 0 {
		d.pending = append(d.pending, oracle.News(day, source.CloudEvents, events, evented))
	}
}

// mangled is what becomes of a snapshot on its way: most arrive, some twice,
// some not, in part, cut off or empty.
func mangled(rng *rand.Rand, r *oracle.Report) []*oracle.Report {
	switch p := rng.IntN(100); {
	case p < 8:
		return nil
	case p < 14: // the page behind it is not there
		r.Text = strings.TrimSuffix(r.Text, "}") + `,"nextToken":"more"}`
		r.Complete = false
	case p < 20:
		r.Text, r.Broken, r.Complete = r.Text[:len(r.Text)/2], true, false
	case p < 25: // what a role that lost its rights is shown
		r.Text, r.Listed, r.Complete = `{"items":[]}`, nil, false
	case p < 32:
		again := *r
		return []*oracle.Report{r, &again}
	}
	return []*oracle.Report{r}
}

// trouble sets the faults of the day.
func (d *driver) trouble(day int) error {
	rng := d.stream("trouble", day)
	for _, f := range faultsOf(rng) {
		d.gitlab.Inject(f.Fault)
		d.tally["faults set"]++
		d.logf("fault %s on %s %s, %d times after %d", f.name, f.Method, f.Path, f.Times, f.After)
	}
	if rng.IntN(4) == 0 {
		d.gate.HoldCreate(1 + rng.IntN(20))
	}
	if rng.IntN(8) == 0 {
		d.gitlab.SetLimits(sandbox.Limits{TrimTexts: true, IssuesCreate: 20 + rng.IntN(50), AuthenticatedAPI: 100 + rng.IntN(200)})
		d.logf("GitLab's own limits are on")
	}
	return d.access(rng)
}

// access takes the bot's role away, or archives the project, or gives all back.
func (d *driver) access(rng *rand.Rand) error {
	member := fmt.Sprintf("/projects/acme%%2Fplatform/members/%d", d.bot)
	p := rng.IntN(100)
	if d.tally["role lost"] > d.tally["role given back"] {
		d.tally["role given back"]++
		return d.join("platform")
	}
	if d.tally["project archived"] > d.tally["project unarchived"] {
		d.tally["project unarchived"]++
		return d.admin("POST", "/projects/acme%2Fplatform/unarchive", nil, nil)
	}
	switch {
	case p < 5:
		d.tally["role lost"]++
		d.logf("the bot loses its role")
		return d.admin("DELETE", member, nil, nil)
	case p < 9:
		d.tally["project archived"]++
		d.logf("the project is archived")
		return d.admin("POST", "/projects/acme%2Fplatform/archive", nil, nil)
	}
	return nil
}

// processes runs cxm, a few times or several at once.
func (d *driver) processes(ctx context.Context, day int) {
	rng := d.stream("children", day)
	for launch := range 1 + rng.IntN(3) {
		together := 1
		if rng.IntN(3) == 0 {
			together = 2 + rng.IntN(2)
		}
		var group sync.WaitGroup
		reports := make([][]*oracle.Report, together)
		for _, r := range d.pending {
			to := (r.Scope + 1) % together
			reports[to] = append(reports[to], r)
		}
		for i := range together {
			o := d.order(rng, fmt.Sprintf("%d.%d.%d", day, launch, i))
			group.Go(func() { d.child(ctx, o, reports[i]) })
		}
		group.Wait()
		d.pending = slices.DeleteFunc(d.pending, func(r *oracle.Report) bool { return r.Delivered })
	}
}

// perMinute is how many requests a process may send, and where processes keep
// to the limit together, so few that they reach it together and not alone.
func (d *driver) perMinute() int {
	if d.Database == "" {
		return 3000
	}
	return 400
}

// order draws what one child is to do.
func (d *driver) order(rng *rand.Rand, name string) order {
	o := order{
		Name: name, DataDir: d.dir, Database: d.Database, Ahead: d.ahead, Apply: rng.IntN(8) > 0, Patience: 6 * time.Second,
		Limits: rest.Limits{Requests: d.perMinute(), Creates: d.perMinute() / 2, Notes: -1, Searches: -1}, Workers: 1 + rng.IntN(16),
	}
	o.Braked = rng.IntN(4) == 0
	o.Queue = rng.IntN(3) == 0
	if rng.IntN(100) < 65 {
		o.KillAt = int64(1 << rng.IntN(8))
		o.KillAt += rng.Int64N(o.KillAt)
	}
	if rng.IntN(6) == 0 {
		steps := []time.Duration{-3 * time.Hour, -time.Minute, -time.Second, time.Second, 10 * time.Minute, 26 * time.Hour}
		o.Step, o.StepAfter = steps[rng.IntN(len(steps))], rng.Int64N(200)
		d.tally["clock steps"]++
	}
	if rng.IntN(6) == 0 {
		o.Limits.Requests, o.Limits.Creates = 60, 15
	}
	return o
}

// child runs one process and takes in what it says.
func (d *driver) child(ctx context.Context, o order, reports []*oracle.Report) {
	d.mu.Lock()
	d.children[o.Name] = o
	for _, r := range reports {
		o.Deliveries = append(o.Deliveries, r.Delivery)
		r.Attempted(d.subjects)
	}
	d.mu.Unlock()
	said, trouble, err := launch(ctx, o)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tally["processes"]++
	d.heard(o, reports, said)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL && o.KillAt > 0 {
			d.tally["processes killed"]++
			err = nil
		}
	}
	if err != nil {
		d.fail("process %s ended badly: %v: %.2000s", o.Name, err, trouble)
	}
}

// launch runs this program again as a child.
func launch(ctx context.Context, o order) (said []string, trouble string, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	text, err := json.Marshal(o)
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, o.Patience+30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, childFlag)
	var out, bad bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), &out, &bad
	err = cmd.Run()
	lines := bufio.NewScanner(&out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	return said, bad.String(), err
}

// heard takes in what a child said.
func (d *driver) heard(o order, reports []*oracle.Report, said []string) {
	for _, line := range said {
		word, rest, _ := strings.Cut(line, " ")
		number, why, _ := strings.Cut(rest, " ")
		switch word {
		case saidIngested, saidRefused:
			if i, err := strconv.Atoi(number); err == nil && i < len(reports) {
				d.delivered(reports[i], word, why)
			}
		case saidDied:
			d.tally["killed "+rest]++
		case saidWorked:
			d.tally["children that worked the queue"]++
			if n, err := strconv.Atoi(number); err == nil {
				d.tally["jobs worked"] += n
			}
		case saidFailed:
			d.tally["applies that failed"]++
			d.logf("%s: %s", o.Name, rest)
		case saidApplied:
			var done outcome
			if err := json.Unmarshal([]byte(rest), &done); err != nil {
				d.fail("process %s said %q", o.Name, line)
			}
			d.last = done
			d.tally["applies"]++
			d.tally["creates in doubt adopted"] += done.Adopted
			d.tally["creates in doubt dropped"] += done.Dropped
			d.logf("%s: %s", o.Name, rest)
		}
	}
}

func (d *driver) delivered(r *oracle.Report, word, why string) {
	switch {
	case word == saidIngested && !r.Broken:
		r.Confirmed(d.subjects)
		d.tally["deliveries taken in"]++
	case word == saidRefused && r.Broken:
		r.Delivered = true
		d.tally["broken deliveries refused"]++
	case word == saidIngested:
		d.fail("a delivery that is cut off was taken in")
	case strings.Contains(why, "deadline exceeded") || strings.Contains(why, "interrupted") || strings.Contains(why, "context canceled"):
		d.tally["deliveries that ran out of time"]++
	default:
		d.fail("a delivery was refused: %s", why)
	}
}
