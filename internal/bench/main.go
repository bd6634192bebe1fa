// Command bench measures what cxm promises about speed, as ratios within one
// run: calls per finding against the sandbox GitLab, the wall time of creates
// against the floor that latency sets, and the cost of a re-sync in which
// nothing changed against that of decoding the same bytes.
//
// What always holds: every figure is measured, none is a timed test, and the
// bounds are those of the design. It prints a table and writes
// build/bench.json. The exit code is 1 when a bound does not hold. Arguments
// name the parts to measure: calls, creates, resync.
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
)

// figure is one measured value.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Bound float64 `json:"bound"` // at most; 0 with an empty Unit of bound: none
	Holds bool    `json:"holds"`
}

// exact is a figure that must be the bound.
func exact(name string, value float64, unit string, bound float64) figure {
	return figure{name, value, unit, bound, value == bound}
}

// atMost is a figure that must not pass the bound.
func atMost(name string, value float64, unit string, bound float64) figure {
	return figure{name, value, unit, bound, value <= bound}
}

// told is a figure without a bound: its bound is its value.
func told(name string, value float64, unit string) figure {
	return figure{name, value, unit, value, true}
}

func main() {
	ctx := context.Background()
	if len(os.Args) == 3 && os.Args[1] == "-sandbox" {
		if err := sandboxChild(os.Args[2], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 4 && os.Args[1] == "-resync" {
		if err := resyncChild(ctx, os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	figures, err := measure(ctx, os.Args[1:])
	if err == nil {
		err = report(os.Stdout, figures)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	for _, f := range figures {
		if !f.Holds {
			os.Exit(1)
		}
	}
}

// part is one group of figures.
type part struct {
	name string
	run  func(context.Context) ([]figure, error)
}

// measure runs the parts that are named, all when none is.
func measure(ctx context.Context, names []string) ([]figure, error) {
	var all []figure
	for _, p := range []part{{"calls", callsPerFinding}, {"creates", wallOfCreates}, {"resync", resync}} {
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
		fmt.Fprintf(t, "%s\t%s %s\t%s\t%v\n", f.Name, number(f.Value), f.Unit, number(f.Bound), f.Holds)
	}
	if err := t.Flush(); err != nil {
		return err
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
