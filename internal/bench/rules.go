package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"cxm/internal/finding"
	"cxm/internal/rule/rulebook"
	"cxm/internal/source"
	"cxm/internal/store"
)

// manyRules is how many a large company has.
const manyRules = 200

// rules compares what it takes to ask 200 rules about 100,000 findings, of which
// most go past all of them, with what it takes to store the same findings.
func rules(ctx context.Context) ([]figure, error) {
	s, err := newScope(someFindings)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.write(0); err != nil {
		return nil, err
	}
	book, err := rulebook.Parse("rules.yaml", []byte(company(manyRules)))
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Options{Path: s.database()})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	stored, _, err := timed(func() error { _, err := pull(ctx, db.Tenant("default"), s.file()); return err })
	if err != nil {
		return nil, err
	}
	asked := time.Duration(0)
	f, err := os.Open(s.file())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_, err = source.Read(source.CostOptimizationHub, []source.Input{{Name: s.file(), Reader: f}}, source.Options{Now: time.Now()}, func(f *finding.Finding) error {
		began := time.Now()
		book.Assign(f)
		asked += time.Since(began)
		return nil
	})
	return []figure{
		atMost(fmt.Sprintf("%d rules over %d findings: asking / storing", manyRules, someFindings), asked.Seconds()/stored, "x", 2),
	}, err
}

// company is rules by team, account, source, amount and text.
func company(n int) string {
	var b strings.Builder
	b.WriteString("version: 1\nrules:\n")
	for i := range n {
		when := []string{
			`kind == "cost" && tag("team") == "team-%d"`,
			`account == "%012d" && severity >= HIGH`,
			`source == "source-%d" || (kind == "system" && region.startsWith("eu-"))`,
			`kind == "cost" && saves("5000 USD") && service in ["service-%d", "other"]`,
			`kind == "cost" && title.matches("^Event %d")`,
		}[i%5]
		fmt.Fprintf(&b, "  - {name: rule %d, when: '%s'}\n", i, fmt.Sprintf(when, i))
	}
	b.WriteString("  - {name: rest}\n")
	return b.String()
}
