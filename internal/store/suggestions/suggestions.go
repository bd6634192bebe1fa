// Package suggestions keeps what people made of the issues that cxm gave an owner
// and a project, and what an admin said to the suggestions that follow from it.
//
// What always holds: every row and every query carries the tenant; a suggestion
// keeps its number; what an admin said is kept with who, when and why.
package suggestions

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"cxm/internal/audit"
	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/rule"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// Store is one tenant's part.
type Store struct {
	base   *database.DB
	tenant string
}

// New is the part of the database that belongs to a tenant.
func New(base *database.DB, tenant string) *Store { return &Store{base: base, tenant: tenant} }

// Judged is an issue that people corrected, or kept as it was. Of the issue that
// is filled in which tells so, and without its description.
type Judged struct {
	Issue issue.Tracked
	Lead  finding.Finding // of its group
	At    time.Time       // GitLab's clock
}

// page is how many issues are read at a time.
const page = 500

// Judged lists the issues of a verdict, the latest first, at most so many. An issue
// whose findings are all in other groups by now is not there, and neither is one of
// a rule that an earlier rule continued to.
func (s *Store) Judged(ctx context.Context, v issue.Verdict, most int) ([]Judged, error) {
	var out []Judged
	next := db.JudgedIssuesParams{Tenant: s.tenant, Judged: string(v), Before: db.Time{Time: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}}
	for len(out) < most {
		next.Page = int32(min(page, most-len(out)))
		var rows []db.JudgedIssuesRow
		err := s.read(ctx, "reading what people made of issues", func(q *db.Queries) error {
			var err error
			rows, err = q.JudgedIssues(ctx, next)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			j, err := toJudged(r)
			if err != nil {
				return nil, err
			}
			out = append(out, j)
			next.Before, next.ID = r.JudgedAt, r.ID
		}
		if len(rows) < int(next.Page) {
			break
		}
	}
	return out, nil
}

func toJudged(r db.JudgedIssuesRow) (Judged, error) {
	j := Judged{At: r.JudgedAt.Time, Issue: issue.Tracked{
		ID: r.ID, Integration: r.IntegrationID, Group: rule.GroupKey(r.GroupKey), Phase: issue.Phase(r.Phase),
		Routed: r.RoutedID, Override: issue.State(r.OverrideState),
	}}
	if err := db.Decode(r.Observed, &j.Issue.Observed, "observed state of issue row", r.ID); err != nil {
		return j, err
	}
	j.Issue.Observed.Description = ""
	if err := db.Decode(r.Gave, &j.Issue.Gave, "what was given to issue row", r.ID); err != nil {
		return j, err
	}
	return j, db.Decode(r.Body, &j.Lead, "body of the finding of issue row", r.ID)
}

// Answer is what an admin said to a suggestion.
type Answer string

// The answers. The empty one is none.
const (
	Accepted  Answer = "accepted"
	Dismissed Answer = "dismissed"
)

// Suggestion is what corrections spoke for once.
type Suggestion struct {
	Number   int64
	Identity string // of what it says
	Says     string // for people
	Answer   Answer
	Seen     int // how many issues spoke for it when it was answered
	Reason   string
	Author   string
	At       time.Time // when it was answered; zero: it was not
	Revision int64     // of the rules that accepting it made; 0: none
}

// Number gives numbers to suggestions, of which Identity and Says are set, and
// returns them as they are kept, in their order.
func (s *Store) Number(ctx context.Context, wanted []Suggestion) ([]Suggestion, error) {
	known, err := s.All(ctx)
	if out, whole := pick(known, wanted); err != nil || whole {
		return out, err
	}
	var out []Suggestion
	err = s.write(ctx, "suggestions", "giving suggestions a number", func(ctx context.Context, q *db.Queries) error {
		for range 5 { // somebody else may take the same numbers
			kept, err := all(ctx, q, s.tenant)
			if err != nil {
				return err
			}
			var whole bool
			if out, whole = pick(kept, wanted); whole {
				return nil
			}
			if err := s.add(ctx, q, kept, wanted); err != nil {
				return err
			}
		}
		return fmt.Errorf("others give numbers to suggestions at the same time: try again")
	})
	return out, err
}

// add keeps those of the wanted that are not kept yet.
func (s *Store) add(ctx context.Context, q *db.Queries, kept, wanted []Suggestion) error {
	last := int64(0)
	if len(kept) > 0 {
		last = kept[len(kept)-1].Number
	}
	for _, w := range wanted {
		if slices.ContainsFunc(kept, func(k Suggestion) bool { return k.Identity == w.Identity }) {
			continue
		}
		last++
		if err := q.AddSuggestion(ctx, db.AddSuggestionParams{Tenant: s.tenant, Number: last, Identity: w.Identity, Says: w.Says}); err != nil {
			return err
		}
	}
	return nil
}

// pick is the kept ones of the wanted; whole: all of them are kept.
func pick(kept, wanted []Suggestion) (out []Suggestion, whole bool) {
	by := map[string]Suggestion{}
	for _, k := range kept {
		by[k.Identity] = k
	}
	for _, w := range wanted {
		k, ok := by[w.Identity]
		if !ok {
			return nil, false
		}
		out = append(out, k)
	}
	return out, true
}

// All lists every suggestion that was ever made, by number.
func (s *Store) All(ctx context.Context) ([]Suggestion, error) {
	var out []Suggestion
	err := s.read(ctx, "reading the suggestions", func(q *db.Queries) error {
		var err error
		out, err = all(ctx, q, s.tenant)
		return err
	})
	return out, err
}

func all(ctx context.Context, q *db.Queries, tenant string) ([]Suggestion, error) {
	rows, err := q.Suggestions(ctx, tenant)
	var out []Suggestion
	for _, r := range rows {
		out = append(out, Suggestion{
			Number: r.Number, Identity: r.Identity, Says: r.Says, Answer: Answer(r.Answer), Seen: int(r.Seen),
			Reason: r.Reason, Author: r.Author, At: r.DecidedAt.Time, Revision: r.Revision,
		})
	}
	return out, err
}

// Say keeps what an admin said to the suggestion of a number; the last word
// counts. Says is for the audit log. The error is db.ErrNotFound.
func (s *Store) Say(ctx context.Context, a Suggestion) error {
	return s.write(ctx, "suggestion", fmt.Sprintf("keeping what was said to suggestion %d", a.Number), func(ctx context.Context, q *db.Queries) error {
		rows, err := q.AnswerSuggestion(ctx, db.AnswerSuggestionParams{
			Tenant: s.tenant, Number: a.Number, Answer: string(a.Answer), Seen: int64(a.Seen), Reason: a.Reason, Author: a.Author,
			DecidedAt: db.Time{Time: a.At}, Revision: a.Revision,
		})
		if err == nil && rows == 0 {
			err = db.ErrNotFound
		}
		if err != nil {
			return err
		}
		return noteAnswer(ctx, a)
	})
}

// noteAnswer adds to the audit log what was said.
func noteAnswer(ctx context.Context, a Suggestion) error {
	after := audit.Values{"seen": a.Seen, "author": a.Author}
	if a.Revision != 0 {
		after["revision"] = a.Revision
	}
	return audit.Note(ctx, audit.Line{
		Action: "suggestion." + string(a.Answer), Object: audit.Object{Kind: "suggestion", ID: strconv.FormatInt(a.Number, 10), Name: a.Says},
		Why: a.Reason, After: audit.Of(after),
	})
}

func (s *Store) read(ctx context.Context, doing string, f func(*db.Queries) error) error {
	return wrap(doing, s.base.Read(ctx, func(tx db.DBTX) error { return f(db.New(tx)) }))
}

func (s *Store) write(ctx context.Context, point, doing string, f func(context.Context, *db.Queries) error) error {
	return wrap(doing, s.base.Write(ctx, database.Change{Point: point, Tenant: s.tenant, Do: func(ctx context.Context, tx db.DBTX) error {
		return f(ctx, db.New(tx))
	}}))
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
