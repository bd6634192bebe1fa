package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/sourcing"
	"cxm/internal/source"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// How many events are sent, by how many at once, and how many a second when they are
// paced.
const (
	eventsSent  = 10_000
	eventsAtOne = 32
	eventsPace  = 1000
	eventsPaced = 5 * time.Second
)

// events measures what comes in over HTTP, on both databases: the clients are on the
// same processors as cxm.
func events(ctx context.Context) ([]figure, error) {
	all, err := eventsOn(ctx, "events, SQLite: ", "")
	if err != nil {
		return nil, err
	}
	more, err := onPostgres("events, PostgreSQL", func(url string) ([]figure, error) { return eventsOn(ctx, "events, PostgreSQL: ", url) })
	return append(all, more...), err
}

// hall is a cxm that takes events.
type hall struct {
	app    *app.App
	url    string
	token  string
	client *http.Client
	next   atomic.Int64 // number of the last event
}

func eventsOn(ctx context.Context, name, url string) ([]figure, error) {
	dir, err := os.MkdirTemp("", "cxm-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) // a scratch folder
	a, err := app.Open(ctx, app.Config{DataDir: dir, Database: url})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	raw, err := rawInserts(ctx, a)
	if err != nil {
		return nil, err
	}
	h, stop, err := openHall(ctx, a)
	if err != nil {
		return nil, err
	}
	defer stop()
	figures, err := h.flood(ctx, name, raw)
	if err != nil {
		return nil, err
	}
	drained, err := h.drain(ctx, name)
	if err != nil {
		return nil, err
	}
	paced, err := h.paced(ctx, name)
	return append(append(figures, drained...), paced...), err
}

// openHall lets cxm listen for events of one source.
func openHall(ctx context.Context, a *app.App) (*hall, func(), error) {
	_, token, err := a.AddSource(ctx, sourcing.Request{Name: "bench", Type: source.CloudEvents, Rate: 1_000_000})
	if err != nil {
		return nil, nil, err
	}
	r, err := a.Reception(ctx)
	if err != nil {
		return nil, nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	server := &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
	running, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { r.Run(running) })
	all.Go(func() { _ = server.Serve(listener) }) // it ends when it is closed
	h := &hall{
		app: a, url: "http://" + listener.Addr().String() + "/v1/events", token: token.Reveal(),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}},
	}
	return h, func() { _ = server.Close(); cancel(); all.Wait() }, nil
}

// eventText is event number n as a scanner would send it.
func eventText(n int64) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"https://scanner.example.com/production","type":"com.example.disk.opened","subject":"disk-%d","time":"2026-03-01T10:00:00Z","datacontenttype":"application/json",`+
		`"data":{"title":"Disk %d is almost full","severity":"high","description":"Less than five percent are left on the disk of this machine, and it fills at two percent an hour. The runbook says what may be deleted and whom to ask.","url":"https://scanner.example.com/findings/%d"}}`, n, n%5000, n%5000, n)
}

// rawInserts is how many rows of the same bytes are stored a second, each durable
// before the next of its writer, with nothing around it.
func rawInserts(ctx context.Context, a *app.App) (perSecond float64, err error) {
	if err := rawWrite(ctx, a, "create table bench_events (body text)"); err != nil {
		return 0, err
	}
	begun := time.Now()
	err = atOnce(eventsAtOne, eventsSent, func(n int64) error {
		return rawWrite(ctx, a, "insert into bench_events (body) values ($1)", string(eventText(n)))
	})
	perSecond = eventsSent / time.Since(begun).Seconds()
	return perSecond, errors.Join(err, rawWrite(ctx, a, "drop table bench_events"))
}

func rawWrite(ctx context.Context, a *app.App, text string, args ...any) error {
	return a.DB.Base().Write(ctx, database.Change{Do: func(ctx context.Context, tx db.DBTX) error {
		_, err := tx.ExecContext(ctx, text, args...)
		return err
	}})
}

// atOnce calls f with every number up to n, on so many goroutines.
func atOnce(goroutines int, n int64, f func(int64) error) error {
	var next atomic.Int64
	var all sync.WaitGroup
	failed := make(chan error, goroutines)
	for range goroutines {
		all.Go(func() {
			for i := next.Add(1); i <= n; i = next.Add(1) {
				if err := f(i); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(failed)
	return <-failed
}

// send sends one event that is new, and says how long the answer took.
func (h *hall) send(ctx context.Context) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(eventText(h.next.Add(1))))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	req.Header.Set("Content-Type", "application/cloudevents+json")
	begun := time.Now()
	resp, err := h.client.Do(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	took := time.Since(begun)
	if err = errors.Join(err, resp.Body.Close()); err == nil && resp.StatusCode != http.StatusAccepted {
		err = fmt.Errorf("an event was answered with %s", resp.Status)
	}
	return took, err
}

// waits is how long requests took.
type waits struct {
	mu  sync.Mutex
	all []time.Duration
}

func (w *waits) add(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, d)
}

// figures are the middle and the hundredth that took longest, in milliseconds.
func (w *waits) figures(name string) []figure {
	slices.Sort(w.all)
	at := func(share float64) float64 {
		return round(w.all[int(share*float64(len(w.all)-1))].Seconds() * 1000)
	}
	return []figure{told(name+", p50", at(0.5), "ms"), told(name+", p99", at(0.99), "ms")}
}

// flood sends events as fast as they are answered.
func (h *hall) flood(ctx context.Context, name string, raw float64) ([]figure, error) {
	var took waits
	begun := time.Now()
	err := atOnce(eventsAtOne, eventsSent, func(int64) error {
		d, err := h.send(ctx)
		took.add(d)
		return err
	})
	if err != nil {
		return nil, err
	}
	accepted := eventsSent / time.Since(begun).Seconds()
	return append([]figure{
		told(name+"raw inserts of the same bytes / accepted over HTTP", round(raw/accepted), "times"),
		told(name+"raw inserts of the same bytes", whole(raw), "per second"),
		told(name+"accepted over HTTP, one event a request, 32 clients", whole(accepted), "per second"),
	}, took.figures(name+"answered, 32 clients")...), nil
}

// drain takes in what the flood left.
func (h *hall) drain(ctx context.Context, name string) ([]figure, error) {
	before, _, err := h.app.Store.Deliveries(ctx)
	if err != nil || before != eventsSent {
		return nil, fmt.Errorf("%d deliveries wait, not %d: %w", before, eventsSent, err)
	}
	begun := time.Now()
	if err := h.app.TakeIn(ctx, source.CloudEvents, "bench"); err != nil {
		return nil, err
	}
	took := time.Since(begun)
	left, refused, err := h.app.Store.Deliveries(ctx)
	return []figure{
		told(name+"taken in", whole(eventsSent/took.Seconds()), "per second"),
		exact(name+"left or refused", float64(left+refused), "deliveries", 0),
	}, err
}

// paced sends a thousand events a second while the queue takes them in.
func (h *hall) paced(ctx context.Context, name string) ([]figure, error) {
	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- h.app.Serve(working, app.WorkOptions{Every: time.Hour}, time.Minute) }()
	var took waits
	var all sync.WaitGroup
	var failed atomic.Pointer[error]
	tick := time.NewTicker(time.Second / eventsPace)
	defer tick.Stop()
	begun := time.Now()
	for time.Since(begun) < eventsPaced {
		<-tick.C
		all.Go(func() {
			d, err := h.send(ctx)
			if err != nil {
				failed.Store(&err)
			}
			took.add(d)
		})
	}
	all.Wait()
	left, _, err := h.app.Store.Deliveries(ctx)
	stop()
	if err = errors.Join(err, <-ended); err != nil {
		return nil, err
	}
	if first := failed.Load(); first != nil {
		return nil, *first
	}
	rate := float64(len(took.all)) / eventsPaced.Seconds()
	return append([]figure{
		told(name+"sent while they are taken in", whole(rate), "per second"), told(name+"waiting when the last was answered", float64(left), "deliveries"),
	}, took.figures(name+"answered while they are taken in")...), nil
}
