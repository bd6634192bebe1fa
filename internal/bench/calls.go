package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"cxm/internal/app"
	"cxm/internal/gitlab/rest"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
	"cxm/internal/source"
)

// bed is a sandbox GitLab with a connected cxm.
type bed struct {
	tally
	app   *app.App
	stop  func() // ends the sandbox
	dir   string
	url   string // of the sandbox
	admin string // a token of the sandbox's administrator
}

// tally counts calls to GitLab.
type tally struct {
	step     atomic.Int64 // calls about single issues
	standing atomic.Int64 // calls a run makes however many findings there are
}

// project is where the issues go.
const project = "acme/platform"

// brakesOff lets a run do what a first run does.
func brakesOff() *plan.Brakes { return &plan.Brakes{CloseShare: 100, Admit: true} }

// newBed starts a sandbox that takes its time for every answer, and connects a cxm
// to it.
func newBed(ctx context.Context, latency time.Duration, change ...func(*app.Config)) (*bed, error) {
	url, admin, stop, err := startSandbox(ctx, latency)
	if err != nil {
		return nil, err
	}
	b := &bed{stop: stop, url: url, admin: admin}
	if b.dir, err = os.MkdirTemp("", "cxm-bench-"); err != nil {
		return nil, err
	}
	c := app.Config{DataDir: b.dir, Observe: b.count, Brakes: brakesOff()}
	for _, f := range change {
		f(&c)
	}
	if b.app, err = app.Open(ctx, c); err != nil {
		return nil, err
	}
	token, err := app.CleanToken(admin)
	if err != nil {
		return nil, err
	}
	_, err = b.app.ConnectGitLab(ctx, app.Connect{URL: url, Token: token, Project: project})
	return b, err
}

func (b *bed) close() {
	b.stop()
	_ = errors.Join(b.app.Close(), os.RemoveAll(b.dir)) // a scratch folder
}

func (t *tally) count(c rest.Sent) {
	if c.Method == http.MethodGet && strings.HasSuffix(c.Route, "/issues") {
		t.standing.Add(1)
		return
	}
	t.step.Add(1)
}

// item is one opportunity in Cost Optimization Hub's format.
func item(i int, savings float64) map[string]any {
	id := fmt.Sprintf("vol-%017x", i)
	return map[string]any{
		"recommendationId": fmt.Sprintf("rotating-%d-%d", i, int(savings)), "accountId": "123456789012", "region": "eu-west-1",
		"resourceId": id, "resourceArn": "arn:aws:ec2:eu-west-1:123456789012:volume/" + id,
		"currentResourceType": "EbsVolume", "recommendedResourceType": "EbsVolume", "actionType": "Upgrade",
		"currencyCode": "USD", "estimatedMonthlySavings": savings, "estimatedSavingsPercentage": 20.0, "estimatedMonthlyCost": savings * 4,
		"currentResourceSummary": "gp2", "recommendedResourceSummary": "gp3", "implementationEffort": "VeryLow",
		"restartNeeded": false, "rollbackPossible": true, "lastRefreshTimestamp": "2026-03-02T03:12:45+00:00",
		"recommendationLookbackPeriodInDays": 14, "source": "ComputeOptimizer",
		"tags": []map[string]string{{"key": "team", "value": "platform"}, {"key": "environment", "value": "production"}},
	}
}

func snapshot(from, to int, savings float64) []byte {
	items := make([]any, 0, to-from)
	for i := from; i < to; i++ {
		items = append(items, item(i, savings))
	}
	text, _ := json.Marshal(map[string]any{"items": items})
	return text
}

// ingest takes a snapshot in.
func (b *bed) ingest(ctx context.Context, text io.Reader) error {
	_, _, err := b.app.Ingest(ctx, app.Delivery{Type: source.CostOptimizationHub, Inputs: []source.Input{{Name: "bench", Reader: text}}})
	return err
}

// pass takes a snapshot in, times over, and applies; it returns the calls about
// single issues and the standing ones.
func (b *bed) pass(ctx context.Context, text []byte, times int) (step, standing int64, report reconcile.Report, err error) {
	for range times {
		if err = b.ingest(ctx, bytes.NewReader(text)); err != nil {
			return 0, 0, report, err
		}
	}
	b.step.Store(0)
	b.standing.Store(0)
	_, report, err = b.app.Apply(ctx, 0, func(app.Planned) (bool, error) { return true, nil }, nil)
	if err == nil && !report.Whole() {
		err = fmt.Errorf("the apply was not whole: %+v", report)
	}
	return b.step.Load(), b.standing.Load(), report, err
}

// callsPerFinding drives findings through their life. One more finding, that
// never changes, keeps the snapshots from being empty.
func callsPerFinding(ctx context.Context) ([]figure, error) {
	const n = 100
	b, err := newBed(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer b.close()
	if _, _, _, err := b.pass(ctx, snapshot(n, n+1, 5), 1); err != nil {
		return nil, err
	}
	var figures []figure
	for _, life := range []struct {
		name  string
		text  []byte
		times int
		bound float64
	}{
		{"create", snapshot(0, n+1, 5), 1, 1},
		{"unchanged", snapshot(0, n+1, 5), 1, 0},
		{"update", snapshot(0, n+1, 50), 1, 1},
		{"resolve", snapshot(n, n+1, 50), 2, 1},
		{"recurrence", snapshot(0, n+1, 50), 1, 1},
	} {
		step, standing, _, err := b.pass(ctx, life.text, life.times)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", life.name, err)
		}
		if life.name == "update" {
			step-- // the finding that keeps the snapshots from being empty
		}
		figures = append(figures, exact("calls per finding: "+life.name, float64(step)/n, "calls", life.bound),
			told("listings per run while doing so: "+life.name, float64(standing), "calls"))
	}
	return figures, nil
}

// rounds is how often the wall time is measured; the least is told, since what
// else the machine does can only add to it.
const rounds = 8

// wallOfCreates compares the time of creates with the floor that latency sets.
func wallOfCreates(ctx context.Context) ([]figure, error) {
	const n, latency, inFlight = 1000, 20 * time.Millisecond, 16
	b, err := newBed(ctx, latency)
	if err != nil {
		return nil, err
	}
	defer b.close()
	if _, _, _, err := b.pass(ctx, snapshot(0, inFlight, 5), 1); err != nil { // warms connections up
		return nil, err
	}
	least := time.Duration(math.MaxInt64)
	for i := 1; i <= rounds; i++ {
		took, err := b.creates(ctx, snapshot(0, inFlight+i*n, 5), n)
		if err != nil {
			return nil, err
		}
		least = min(least, took)
	}
	return []figure{
		atMost("1,000 creates at 20 ms, 16 in flight: wall / floor", round(float64(least)/float64(n*latency/inFlight)), "times", 1.15),
	}, nil
}

// creates times the creates of what is new in a snapshot.
func (b *bed) creates(ctx context.Context, text []byte, n int) (time.Duration, error) {
	if err := b.ingest(ctx, bytes.NewReader(text)); err != nil {
		return 0, err
	}
	var begin time.Time
	_, report, err := b.app.Apply(ctx, 0, func(app.Planned) (bool, error) { begin = time.Now(); return true, nil }, nil)
	if err == nil && report.Run.Done != n {
		err = fmt.Errorf("%d of %d creates done", report.Run.Done, n)
	}
	return time.Since(begin), err
}

func round(f float64) float64 { return float64(int64(f*1000+0.5)) / 1000 }
