package remote

import (
	"context"
	"slices"
	"strings"
	"time"

	"cxm/internal/api"
	"cxm/internal/app/deciding"
	"cxm/internal/finding"
	"cxm/internal/store/decisions"
)

// FindingNamed is the finding whose key begins so.
func (s *Server) FindingNamed(ctx context.Context, asked string) (deciding.Decided, error) {
	begins := "v1:" + strings.TrimPrefix(strings.ToLower(strings.TrimSpace(asked)), "v1:")
	if begins == "v1:" {
		return deciding.Decided{}, &deciding.NotOneError{Asked: asked}
	}
	got, err := s.Explains.Explain(ctx, strings.TrimPrefix(begins, "v1:"), 0)
	if err != nil {
		return deciding.Decided{}, err
	}
	bad := &deciding.NotOneError{Asked: asked}
	for _, st := range got.Stands {
		key := finding.Key(st.Finding)
		if strings.HasPrefix(st.Finding, begins) && !slices.ContainsFunc(bad.Many, func(f finding.Finding) bool { return f.FindingKey == key }) {
			bad.Many = append(bad.Many, finding.Finding{FindingKey: key})
		}
	}
	if len(bad.Many) != 1 {
		bad.Many = bad.Many[:min(len(bad.Many), 4)]
		return deciding.Decided{}, bad
	}
	one, err := s.Findings.Finding(ctx, string(bad.Many[0].FindingKey))
	out := deciding.Decided{
		Finding:   finding.Finding{FindingKey: finding.Key(one.Key), Title: one.Title, ResourceID: known(one.Resource.ID)},
		Detection: finding.Detection(one.Detection), Decision: decisions.Decision{Decided: toDecided(known(one.Decided)), Standing: true},
	}
	if out.Decided.Decision == "" {
		out.Decided.Decision = finding.Undecided
	}
	return out, err
}

func toDecided(d api.Decided) finding.Decided {
	return finding.Decided{Decision: finding.Decision(d.Decision), Reason: known(d.Reason), By: d.By, At: moment(d.At), Until: moment(d.Until)}
}

// DecideFinding records what was decided, by who holds the token.
func (s *Server) DecideFinding(ctx context.Context, asked string, what finding.Decided) (deciding.Decided, error) {
	out, err := s.FindingNamed(ctx, asked)
	if err != nil {
		return out, err
	}
	body := api.NewFindingDecision{Decision: string(what.Decision), Reason: what.Reason}
	if !what.Until.IsZero() {
		body.Until = what.Until.UTC().Format(time.RFC3339)
	}
	made, err := s.Deciding.Decide(ctx, string(out.Finding.FindingKey), body)
	out.Decision = decisions.Decision{ID: made.ID, Decided: toDecided(made.Decided), Standing: made.Standing}
	return out, err
}

// FindingDecisions lists what was decided about a finding, the latest first. Before is 0.
func (s *Server) FindingDecisions(ctx context.Context, key finding.Key, _ int64, most int) ([]decisions.Decision, error) {
	got, err := all(most, func(at api.Slice) ([]api.FindingDecision, api.Cursor, error) {
		return s.Deciding.Of(ctx, string(key), at)
	})
	return each(got, func(d api.FindingDecision) decisions.Decision {
		return decisions.Decision{ID: d.ID, Decided: toDecided(d.Decided), Standing: d.Standing}
	}), err
}

// StandingDecisions lists what stands, all of it whatever most is: the API has cursors
// of its own. Behind the first page there is nothing.
func (s *Server) StandingDecisions(ctx context.Context, of finding.Decision, before int64, _ int) ([]decisions.Standing, error) {
	if before != 0 {
		return nil, nil
	}
	got, err := all(0, func(at api.Slice) ([]api.StandingDecision, api.Cursor, error) {
		return s.Deciding.Standing(ctx, api.StandingFilter{Decision: string(of)}, at)
	})
	return each(got, func(d api.StandingDecision) decisions.Standing {
		return decisions.Standing{
			Decision: decisions.Decision{ID: d.ID, Decided: toDecided(d.Decided), Standing: true},
			Finding:  finding.Finding{FindingKey: finding.Key(d.Finding), Title: d.Title}, Detection: finding.Detection(d.Detection),
		}
	}), err
}
