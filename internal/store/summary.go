package store

import (
	"context"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store/db"
	"cxm/internal/store/value"
)

// Summary is what there is, in numbers.
type Summary struct {
	Issues   []IssueCount   // ordered by phase and state; none without a count
	Findings []FindingCount // ordered by kind and detection; none without a count
	Savings  money.Totals   // per month, of present findings; claims of one group count once (rule.Group.Savings)
	Unknown  int            // groups with present cost findings whose saving is unknown
	Pulls    []finding.Pull // the last of each source and scope, ordered by these
	LastRun  plan.Run       // ID 0: there was none
}

// IssueCount is how many tracked issues there are of one sort.
type IssueCount struct {
	Phase issue.Phase
	State issue.State // empty: never seen
	Count int
}

// FindingCount is how many findings there are of one sort.
type FindingCount struct {
	Kind      finding.Kind
	Detection finding.Detection
	Count     int
}

// Summary counts what there is, all at one moment.
func (s *Store) Summary(ctx context.Context) (Summary, error) {
	sum := Summary{Savings: money.Totals{}}
	err := s.query(ctx, "summing up", func(q *db.Queries) error {
		for _, part := range []func(context.Context, *db.Queries, *Summary) error{s.sumIssues, s.sumFindings, s.sumSavings, s.sumPulls, s.sumRuns} {
			if err := part(ctx, q, &sum); err != nil {
				return err
			}
		}
		return nil
	})
	return sum, err
}

func (s *Store) sumIssues(ctx context.Context, q *db.Queries, sum *Summary) error {
	rows, err := q.CountIssues(ctx, s.tenant)
	for _, r := range rows {
		sum.Issues = append(sum.Issues, IssueCount{issue.Phase(r.Phase), issue.State(r.State), int(r.Number)})
	}
	return err
}

func (s *Store) sumFindings(ctx context.Context, q *db.Queries, sum *Summary) error {
	rows, err := q.CountFindings(ctx, s.tenant)
	for _, r := range rows {
		sum.Findings = append(sum.Findings, FindingCount{finding.Kind(r.Kind), finding.Detection(r.Detection), int(r.Number)})
	}
	return err
}

// sumSavings adds up group by group, exactly: SQL would sum floats or need a
// type that SQLite lacks. In a group several claims about one resource count once,
// and those about several resources are added up: only groups of more than one
// claim are read whole.
func (s *Store) sumSavings(ctx context.Context, q *db.Queries, sum *Summary) error {
	rows, err := q.Claims(ctx, s.tenant)
	if err != nil {
		return err
	}
	shared, err := s.shared(ctx, q)
	if err != nil {
		return err
	}
	for len(rows) > 0 {
		key := rows[0].GroupKey
		g := rule.Group{Members: shared[key]}
		for ; len(rows) > 0 && rows[0].GroupKey == key; rows = rows[1:] {
			if shared[key] != nil {
				continue
			}
			m, err := claim(rows[0])
			if err != nil {
				return err
			}
			g.Members = append(g.Members, m)
		}
		totals, _ := g.Totals()
		for currency, amount := range totals {
			sum.Savings.Add(money.Known(amount), currency)
		}
		if len(totals) == 0 {
			sum.Unknown++
		}
	}
	return nil
}

// shared are the claims of groups that have more than one.
func (s *Store) shared(ctx context.Context, q *db.Queries) (map[string][]rule.Member, error) {
	rows, err := q.SharedClaims(ctx, s.tenant)
	out := map[string][]rule.Member{}
	for _, r := range rows {
		m := rule.Member{Sighting: finding.Sighting{Detection: finding.Present}}
		if err := db.Decode(r.Body, &m.Finding, "body of a finding in group", r.GroupKey); err != nil {
			return nil, err
		}
		out[r.GroupKey] = append(out[r.GroupKey], m)
	}
	return out, err
}

func claim(r db.ClaimsRow) (rule.Member, error) {
	m := rule.Member{Sighting: finding.Sighting{Detection: finding.Present}}
	m.Finding.BillingCurrency = r.Currency
	if !r.Savings.Valid {
		return m, nil
	}
	exact, err := decimal.NewFromString(r.Savings.String)
	m.Finding.EstimatedMonthlySavings = money.Known(exact)
	return m, err
}

// LastPulls are the last of each source and scope, ordered by these.
func (s *Store) LastPulls(ctx context.Context) ([]finding.Pull, error) {
	var sum Summary
	err := s.query(ctx, "reading the last deliveries", func(q *db.Queries) error { return s.sumPulls(ctx, q, &sum) })
	return sum.Pulls, err
}

func (s *Store) sumPulls(ctx context.Context, q *db.Queries, sum *Summary) error {
	rows, err := q.LastPulls(ctx, s.tenant)
	if err != nil {
		return err
	}
	for _, r := range rows {
		p, err := value.Pull(r)
		if err != nil {
			return err
		}
		sum.Pulls = append(sum.Pulls, p)
	}
	return nil
}

func (s *Store) sumRuns(ctx context.Context, q *db.Queries, sum *Summary) error {
	rows, err := q.LastRuns(ctx, s.tenant, 1)
	for _, r := range rows {
		sum.LastRun = value.Run(r)
	}
	return err
}
