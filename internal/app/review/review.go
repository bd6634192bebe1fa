// Package review reviews what the accounts of integrations reach in GitLab: what
// that is, whether cxm needs it, who looks after them, and when to look again.
//
// What always holds: GitLab is only read.
package review

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"cxm/internal/app/tokencare"
	"cxm/internal/finding"
	"cxm/internal/gitlab"
	"cxm/internal/gitlab/setup"
	"cxm/internal/integration"
	"cxm/internal/integration/access"
	"cxm/internal/reconcile"
	"cxm/internal/source"
	"cxm/internal/store/reviews"
)

// Reviewer reviews the access of one data directory. It is safe for concurrent use.
type Reviewer struct{ *tokencare.Keeper }

// New makes one that asks GitLab with the tokens that k keeps.
func New(k *tokencare.Keeper) *Reviewer { return &Reviewer{k} }

// Access is what an integration's account reaches now, compared with what cxm
// needs.
type Access struct {
	Integration integration.Integration
	Reach       access.Reach
	Remarks     []access.Remark
	Owners      []string  // addresses of those who look after the account
	Due         time.Time // when the next review is to be made
	Reviewed    time.Time // when the last one was; zero: never
}

// Access asks GitLab what the account of an integration reaches.
func (r *Reviewer) Access(ctx context.Context, id int64) (Access, error) {
	in, err := r.Integration(ctx, id)
	if err != nil {
		return Access{}, err
	}
	client, err := r.Open(ctx, in, true)
	if err != nil {
		return Access{}, err
	}
	reach, err := reached(ctx, client)
	if err != nil {
		return Access{}, fmt.Errorf("asking what %s reaches: %w", in.Account.Username, err)
	}
	need, err := r.need(ctx, in)
	if err != nil {
		return Access{}, err
	}
	out := Access{Integration: in, Reach: reach, Remarks: access.Judge(reach, need)}
	if out.Owners, err = r.Reviews().Owners(ctx, in.ID); err != nil {
		return out, err
	}
	if len(out.Owners) == 0 {
		out.Remarks = append(out.Remarks, access.Remark{Severity: access.Warning, Text: "nobody is recorded who looks after the account: run `cxm access owners set team@example.com`"})
	}
	out.Due, out.Reviewed, err = r.reviewDue(ctx, in)
	return out, err
}

// reached asks with the account's own token.
func reached(ctx context.Context, client *gitlab.Client) (access.Reach, error) {
	c := setup.New(client.Client)
	self, err := c.Self(ctx)
	if err != nil {
		return access.Reach{}, err
	}
	who, err := client.Identify(ctx)
	if err != nil {
		return access.Reach{}, err
	}
	out := access.Reach{Account: self.Username, Admin: self.Admin}
	if who.Token != nil {
		out.Scopes = who.Token.Scopes
	}
	if out.Groups, out.Projects, err = c.Reach(ctx); err != nil {
		return out, err
	}
	return out, errors.Join(c.FillRoles(ctx, self.ID, out.Groups), c.FillRoles(ctx, self.ID, out.Projects))
}

// need is where the account of an integration works: in its project, where issues
// of cxm are beside, and in the projects of other integrations that act as the
// same account.
func (r *Reviewer) need(ctx context.Context, in integration.Integration) (access.Need, error) {
	out := access.Need{Projects: []access.Place{{ID: in.Project.ID, Path: in.Project.Path, WebURL: in.Project.WebURL}}}
	all, err := r.Store.Integrations(ctx)
	if err != nil {
		return out, fmt.Errorf("reading the integrations: %w", err)
	}
	for _, other := range all {
		if other.URL != in.URL || other.Account.ID != in.Account.ID {
			continue
		}
		projects, err := r.Store.Projects(ctx, other.ID)
		if err != nil {
			return out, fmt.Errorf("reading where issues are: %w", err)
		}
		out.Also = append(append(out.Also, projects...), other.Project.ID)
	}
	return out, nil
}

// reviewDue is when the next review of an integration is due, and when the last
// one was made.
func (r *Reviewer) reviewDue(ctx context.Context, in integration.Integration) (due, last time.Time, err error) {
	made, err := r.Reviews().Reviews(ctx, in.ID, 1)
	if err != nil {
		return due, last, err
	}
	if len(made) > 0 {
		last = made[0].At
	}
	return access.Due(in.CreatedAt, last), last, nil
}

// ReviewAccess asks GitLab what the account reaches, and records that somebody
// looked at it.
func (r *Reviewer) ReviewAccess(ctx context.Context, id int64, by, note string) (reviews.Review, error) {
	now, err := r.Access(ctx, id)
	if err != nil {
		return reviews.Review{}, err
	}
	made, err := r.Reviews().Add(ctx, reviews.Review{
		Integration: now.Integration.ID, At: r.Clock().UTC(), By: by, Note: note, Reach: now.Reach, Remarks: now.Remarks,
	})
	if err != nil {
		return made, err
	}
	return made, r.remindOf(ctx, now.Integration)
}

// AccessReviews lists the reviews of an integration, the latest first.
func (r *Reviewer) AccessReviews(ctx context.Context, id int64, most int) ([]reviews.Review, error) {
	in, err := r.Integration(ctx, id)
	if err != nil {
		return nil, err
	}
	return r.Reviews().Reviews(ctx, in.ID, most)
}

// AccessOwners lists who looks after the account of an integration.
func (r *Reviewer) AccessOwners(ctx context.Context, id int64) ([]string, error) {
	in, err := r.Integration(ctx, id)
	if err != nil {
		return nil, err
	}
	return r.Reviews().Owners(ctx, in.ID)
}

// SetAccessOwners records who looks after the account of an integration: the
// addresses of teams. It says what is weak about them; none at all: nobody does.
func (r *Reviewer) SetAccessOwners(ctx context.Context, id int64, addresses []string) (owners, weak []string, err error) {
	in, err := r.Integration(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	for _, text := range addresses {
		address, why, err := access.ParseOwner(text)
		if err != nil {
			return nil, nil, err
		}
		if owners = append(owners, address); why != "" {
			weak = append(weak, why)
		}
	}
	slices.Sort(owners)
	owners = slices.Compact(owners)
	return owners, weak, r.Reviews().SetOwners(ctx, in.ID, owners, r.Clock().UTC())
}

// Due is a review that is due.
type Due struct {
	Integration integration.Integration
	Since       time.Time
}

// DueReviews lists the reviews that are due. It asks nothing of GitLab.
func (r *Reviewer) DueReviews(ctx context.Context) ([]Due, error) {
	all, err := r.Store.Integrations(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the integrations: %w", err)
	}
	var out []Due
	for _, in := range all {
		due, _, err := r.reviewDue(ctx, in)
		if err != nil {
			return nil, err
		}
		if !r.Clock().Before(due) {
			out = append(out, Due{in, due})
		}
	}
	return out, nil
}

// RemindReviews reminds of the reviews that are due, each once.
func (r *Reviewer) RemindReviews(ctx context.Context) error {
	all, err := r.Store.Integrations(ctx)
	if err != nil {
		return fmt.Errorf("reading the integrations: %w", err)
	}
	for _, in := range all {
		err = errors.Join(err, r.remindOf(ctx, in))
	}
	return err
}

// remindOf reminds of a review that is due, in the log and by a finding, or takes
// the finding back when it was made. The finding comes first, so that whoever goes
// on after a crash takes it in again rather than not at all.
func (r *Reviewer) remindOf(ctx context.Context, in integration.Integration) error {
	due, _, err := r.reviewDue(ctx, in)
	if err != nil {
		return err
	}
	reminded, err := r.Reviews().Reminded(ctx, in.ID)
	if err != nil {
		return err
	}
	switch open := !r.Clock().Before(due); {
	case open && reminded.Before(due):
		if err := r.flagReview(ctx, in, due, "observed"); err != nil {
			return err
		}
		first, err := r.Reviews().Remind(ctx, in.ID, due)
		if first {
			r.Logger.Warn("a review of what cxm may do in GitLab is due", "integration", in.ID, "url", in.URL, "account", in.Account.Username,
				"since", due.Format(time.DateOnly), "mend", reviewMend(in))
		}
		return err
	case !open && !reminded.IsZero():
		if err := r.flagReview(ctx, in, reminded, "resolved"); err != nil {
			return err
		}
		return r.Reviews().Forget(ctx, in.ID, reminded)
	}
	return nil
}

func reviewMend(in integration.Integration) string {
	return fmt.Sprintf("look at it with `cxm access show --integration %d`, then run `cxm access review --integration %d`", in.ID, in.ID)
}

// reviewRule names what cxm itself reports about reviews.
const reviewRule = "cxm.access.review"

// flagReview takes in the finding that a review is due, or was made; it goes the
// way of every finding.
func (r *Reviewer) flagReview(ctx context.Context, in integration.Integration, due time.Time, how string) error {
	installation, err := r.Store.Installation(ctx)
	if err != nil {
		return err
	}
	now := r.Clock().UTC()
	event, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": fmt.Sprintf("%s-%d-%s-%s", reviewRule, in.ID, due.Format(time.DateOnly), how),
		"source": "/cxm/" + installation, "type": "cxm.access.finding." + how + ".v1",
		"subject": fmt.Sprintf("integration-%d", in.ID), "time": now.Format(time.RFC3339Nano),
		"data": map[string]any{
			"Kind": finding.System, "FindingClass": finding.SystemAlert, "SourceSystem": "cxm", "SourceRuleId": reviewRule,
			"Title": fmt.Sprintf("Review what %s may do in GitLab", in.Account.Username),
			"Description": fmt.Sprintf("cxm acts in %s as %s. Since %s it is time to look again at which groups and projects that account reaches, with which role, and whether cxm still needs it. cxm closes this issue when the review is recorded.",
				in.URL, in.Account.Username, due.Format(time.DateOnly)),
			"Remediation": reviewMend(in), "SeverityId": finding.Low, "ResourceId": fmt.Sprintf("cxm/%s/integration/%d", installation, in.ID),
		},
	})
	if err != nil {
		return err
	}
	d := reconcile.Delivery{Type: source.CloudEvents, Scope: fmt.Sprintf("cxm-access-%d", in.ID), Inputs: []source.Input{{Name: "cxm", Reader: bytes.NewReader(event)}}}
	if _, _, err := r.Ingest(ctx, d); err != nil {
		return fmt.Errorf("taking in that a review is due: %w", err)
	}
	return nil
}
