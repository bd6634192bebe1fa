// Command chaos lets everything go wrong at once, and then compares what a
// sandbox GitLab has recorded with what must be: findings that change over
// simulated days, people who edit, close, reopen, move and clone issues, faults
// on every route, processes that are killed at any point of the code, clocks
// that jump.
//
// What always holds: what must be is derived from what the sources said and
// people did, never from cxm's own decisions. Every choice comes from one seed:
// a run with the same seed, days and subjects makes the same choices. Which
// process comes first is up to the machine, so that a failure that hangs on it
// may need several runs of its seed to show again.
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
	"time"

	"cxm/internal/store/pgtest"
)

// childFlag makes this program a child that carries out the order on its
// standard input.
const childFlag = "-child"

func main() {
	if len(os.Args) == 2 && os.Args[1] == childFlag {
		if err := child(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "chaos:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// errWrong says that the comparison failed.
var errWrong = errors.New("cxm broke a promise: run the same seed again to see it again")

func command(ctx context.Context, args []string, w io.Writer) error {
	o := options{Log: io.Discard}
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.Uint64Var(&o.Seed, "seed", rand.Uint64(), "where every choice comes from")
	flags.IntVar(&o.Days, "days", 40, "simulated days of trouble")
	flags.IntVar(&o.Subjects, "subjects", 2500, "things that findings are about")
	flags.DurationVar(&o.Limit, "limit", 4*time.Minute, "days that have not begun by then are left out")
	postgres := flags.Bool("postgres", false, "run on a PostgreSQL server of its own, started for this")
	flags.StringVar(&o.Keep, "keep", "", "a new data directory that is kept; one that is removed when empty")
	log := flags.Bool("v", false, "tell what happens, as it happens")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *log {
		o.Log = os.Stderr
	}
	if *postgres {
		return onPostgres(ctx, o, w)
	}
	return play(ctx, o, w)
}

// onPostgres plays on an empty database of a server that is started for it.
func onPostgres(ctx context.Context, o options, w io.Writer) error {
	server, err := pgtest.Start()
	if err != nil {
		return err
	}
	name, err := server.Create()
	if err == nil {
		o.Database = server.URL(name)
		err = play(ctx, o, w)
	}
	return errors.Join(err, server.Close())
}

// play runs, prints, and fails when something is not as it must be.
func play(ctx context.Context, o options, w io.Writer) error {
	fmt.Fprintf(w, "seed %d, %d subjects, %d days\n", o.Seed, o.Subjects, o.Days)
	v, err := run(ctx, o)
	if err != nil {
		return err
	}
	if err := v.print(w); err != nil {
		return err
	}
	if len(v.Wrong) > 0 {
		return errWrong
	}
	return nil
}
