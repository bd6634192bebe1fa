// Command bench measures what cxm promises about speed, as ratios within one
// run: calls per finding against the sandbox GitLab, the wall time of creates
// against the floor that latency sets, the queue against plain rows, the caps,
// one plan worked by several processes, and the cost of a re-sync in which
// nothing changed against that of decoding the same bytes.
//
// What always holds: every figure is measured, none is a timed test, and the
// bounds are those of the design. It prints a table and writes
// build/bench.json. The exit code is 1 when a bound does not hold. Arguments
// name the parts to measure: calls, creates, queue, caps, shared, events, rules,
// resync, million, pages.
// What needs PostgreSQL is left out where its server is not installed, and the
// table says so.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"text/tabwriter"

	"cxm/internal/app"
)

// figure is one measured value.
type figure struct {
	Name  string   `json:"name"`
	Value float64  `json:"value"`
	Unit  string   `json:"unit"`
	Bound *float64 `json:"bound,omitempty"` // at most, or exactly; nil: none
	Holds bool     `json:"holds"`
	Note  string   `json:"note,omitempty"` // why nothing was measured; empty: it was
}

// exact is a figure that must be the bound.
func exact(name string, value float64, unit string, bound float64) figure {
	return figure{Name: name, Value: value, Unit: unit, Bound: &bound, Holds: value == bound}
}

// atMost is a figure that must not pass the bound.
func atMost(name string, value float64, unit string, bound float64) figure {
	return figure{Name: name, Value: value, Unit: unit, Bound: &bound, Holds: value <= bound}
}

// told is a figure without a bound.
func told(name string, value float64, unit string) figure {
	return figure{Name: name, Value: value, Unit: unit, Holds: true}
}

// absent stands for figures that this machine cannot measure.
func absent(name string, why error) figure {
	return figure{Name: name, Holds: true, Note: "not measured: " + why.Error()}
}

func main() {
	ctx := context.Background()
	app.SpareMemory() // as cxm does
	if is, err := child(ctx, os.Args[1:]); is {
		exitOn(err)
		return
	}
	figures, err := measure(ctx, os.Args[1:])
	if err == nil {
		err = report(os.Stdout, figures)
	}
	exitOn(err)
	for _, f := range figures {
		if !f.Holds {
			os.Exit(1)
		}
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// child does what the bench starts itself again for, and says whether that is
// what the arguments ask for.
func child(ctx context.Context, args []string) (is bool, err error) {
	switch {
	case len(args) == 2 && args[0] == "-sandbox":
		return true, sandboxChild(args[1], os.Stdin, os.Stdout)
	case len(args) == 5 && args[0] == "-resync":
		return true, resyncChild(ctx, args[1:])
	case len(args) == 1 && args[0] == workFlag:
		return true, workChild(ctx, os.Stdin, os.Stdout)
	}
	return false, nil
}

// part is one group of figures.
type part struct {
	name string
	run  func(context.Context) ([]figure, error)
}

func parts() []part {
	return []part{
		{"calls", callsPerFinding},
		{"creates", wallOfCreates},
		{"queue", queueThroughput},
		{"caps", caps},
		{"shared", sharedWork},
		{"events", events},
		{"rules", rules},
		{"resync", resync},
		{"million", million},
		{"pages", sitePages},
	}
}

// measure runs the parts that are named, all when none is.
func measure(ctx context.Context, names []string) ([]figure, error) {
	known := parts()
	for _, name := range names {
		if !slices.ContainsFunc(known, func(p part) bool { return p.name == name }) {
			return nil, fmt.Errorf("there is no part %q: name some of calls, creates, queue, caps, shared, events, rules, resync, million, pages, or none for all", name)
		}
	}
	var all []figure
	for _, p := range known {
		if len(names) > 0 && !slices.Contains(names, p.name) {
			continue
		}
		figures, err := p.run(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		all = append(all, figures...)
	}
	return all, nil
}

// report prints the table and writes the file.
func report(w io.Writer, figures []figure) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "what\tmeasured\tbound\tholds")
	for _, f := range figures {
		if f.Note != "" {
			continue
		}
		bound, holds := "", ""
		if f.Bound != nil {
			bound, holds = number(*f.Bound), fmt.Sprint(f.Holds)
		}
		fmt.Fprintf(t, "%s\t%s %s\t%s\t%s\n", f.Name, number(f.Value), f.Unit, bound, holds)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, f := range figures {
		if f.Note != "" {
			fmt.Fprintf(w, "%s: %s\n", f.Name, f.Note)
		}
	}
	text, err := json.MarshalIndent(figures, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll("build", 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join("build", "bench.json"), append(text, '\n'), 0o644)
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
