// Command load sends events to the real program, as sources do, and compares what it
// answered for with what it knows afterwards: under a steady rate, killed in the
// middle of it, restored from a backup that was made meanwhile, and as two replicas
// behind a proxy that are restarted one after the other.
//
// What always holds: cxm is a process of its own with a directory of its own, and is
// reached at the loopback interface alone; every event has an id that nothing else
// has, so that one that is lost, or counts twice, is found; nothing but that, and a
// request that fails where none should, makes the exit code 1: how fast it was is told,
// not judged.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"text/tabwriter"
	"time"

	"cxm/internal/store/pgtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// errWrong says that the comparison failed.
var errWrong = errors.New("cxm broke a promise")

// patience is how long a part may take beside its sending.
const patience = 2 * time.Minute

func command(ctx context.Context, args []string, w io.Writer) error {
	o := options{kills: 3}
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	seconds := flags.Int("seconds", 5, "how long each part sends, about")
	flags.Float64Var(&o.rate, "rate", 300, "requests a second")
	flags.IntVar(&o.clients, "clients", 32, "clients that send them, each over one connection")
	flags.Uint64Var(&o.seed, "seed", rand.Uint64(), "where the moments of kills and the size of events come from")
	flags.StringVar(&o.program.path, "program", "", "the cxm to send to (default: one that is built from this module)")
	postgres := flags.Bool("postgres", false, "run all parts on a PostgreSQL server of its own, not the rolling restart alone")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *seconds < 1 || o.rate < 1 || o.clients < 1 || o.clients > 250 {
		return errors.New("-seconds, -rate and -clients must be 1 at least, and -clients 250 at most, since cxm takes no more connections of one address than 256")
	}
	o.third = int(float64(*seconds) * o.rate / 3)
	dir, err := os.MkdirTemp("", "cxm-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // a scratch folder
	o.scratch = dir
	if o.program.path == "" {
		if o.program, err = build(ctx, dir); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "seed %d, %.0f requests a second by %d clients, one in %d a batch of %d events\n", o.seed, o.rate, o.clients, batchEvery, batchOf)
	return play(ctx, &o, *postgres, w)
}

// play runs all parts, prints the table, and fails when something is not as it must
// be.
func play(ctx context.Context, o *options, postgres bool, w io.Writer) error {
	server, err := pgtest.Start()
	switch {
	case err == nil:
		defer server.Close()
	case postgres || !errors.Is(err, pgtest.ErrAbsent):
		return err
	}
	parts := []part{{"steady", steady}, {"kill -9", killed}, {"backup", restored}}
	if postgres {
		o.postgres = server
	}
	rows, err := o.measure(ctx, w, parts)
	if err == nil && server != nil {
		o.postgres = server
		var more []row
		more, err = o.measure(ctx, w, []part{{"rolling restart", rolling}})
		rows = append(rows, more...)
	}
	if err := errors.Join(table(w, rows), err); err != nil {
		return err
	}
	if server == nil {
		fmt.Fprintln(w, "rolling restart: not run:", pgtest.ErrAbsent)
	}
	return judged(w, rows)
}

// measure runs parts one after the other.
func (o *options) measure(ctx context.Context, w io.Writer, parts []part) ([]row, error) {
	var rows []row
	for _, p := range parts {
		began := time.Now()
		r, err := o.one(ctx, p)
		fmt.Fprintf(w, "%s: took %s\n", r.part, time.Since(began).Round(time.Second))
		if err != nil {
			return rows, fmt.Errorf("%s: %w", p.name, err)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// one runs one part. What is left of it ends with it.
func (o *options) one(ctx context.Context, p part) (row, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience+time.Duration(5*float64(o.third)/o.rate*float64(time.Second)), errors.New("it takes too long"))
	defer cancel()
	r, err := p.run(ctx, o)
	if o.postgres != nil {
		r.part += ", PostgreSQL"
	} else {
		r.part += ", SQLite"
	}
	return r, err
}

// table prints what was measured.
func table(w io.Writer, rows []row) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "part\taccepted\tlost\tdoubled\tfailed\trepeated\tp50\tp99\tp50 / idle\tmemory\t")
	for _, r := range rows {
		memory := "-"
		if r.peak > 0 {
			memory = fmt.Sprintf("%d MB", r.peak>>20)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%.1f\t%s\t%s\n", r.part, r.verdict.accepted, len(r.verdict.lost), r.verdict.doubled, r.failed, r.repeated,
			shown(r.p50), shown(r.p99), r.p50.Seconds()/r.idle.Seconds(), memory, r.note)
	}
	return t.Flush()
}

func shown(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

// judged lists what is not as it must be.
func judged(w io.Writer, rows []row) error {
	var err error
	for _, r := range rows {
		for _, why := range r.wrong {
			fmt.Fprintf(w, "%s: %s\n", r.part, why)
			err = errWrong
		}
	}
	return err
}
