package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"cxm/internal/api/door"
	"cxm/internal/signin/role"
)

// Rules are those in force. Errors about texts are *door.Problem.
type Rules interface {
	Rules(context.Context) (Revision, error)
	// Apply puts rules in force that were made from a revision.
	Apply(context.Context, RulesChange) (Revision, error)
	Validate(ctx context.Context, text string) (Validation, error)
	Preview(ctx context.Context, integration int64, text string) (Preview, error)
}

// Revisions are the rules as they were.
type Revisions interface {
	Revisions(ctx context.Context, most int) ([]Revision, error)
	Revision(ctx context.Context, number int64) (Revision, error)
	Rollback(ctx context.Context, number int64, c RulesChange) (Revision, error)
}

// RulesChange is what somebody wants to have in force.
type RulesChange struct {
	Text, Author, Note string
	Expected           int64 // the revision that it was made from
}

// Revision is the rules as they were at one time.
type Revision struct {
	Number int64      `json:"number" doc:"0: none were ever applied, and the built-in ones hold."`
	Text   *string    `json:"text" doc:"The rules file, as YAML. Null: the built-in ones, or this is a list."`
	Digest *string    `json:"digest" doc:"SHA-256 of the text, in hex digits."`
	Author *string    `json:"author"`
	Note   *string    `json:"note"`
	At     *time.Time `json:"at"`
	Of     *int64     `json:"of" doc:"The revision whose text it is again."`
}

// Validation says what is wrong with rules.
type Validation struct {
	Valid    bool          `json:"valid"`
	Problems []RuleProblem `json:"problems"`
	Tests    int           `json:"tests" doc:"That the file holds."`
	Failures []TestFailure `json:"failures" doc:"Of its tests."`
}

// RuleProblem is one thing that is wrong with a rules file.
type RuleProblem struct {
	Line    int     `json:"line"`
	Column  int     `json:"column"`
	Field   *string `json:"field" doc:"Such as rules[2].route.project. Null: the file as a whole."`
	Message string  `json:"message"`
	Mend    *string `json:"mend"`
}

// TestFailure is a test of a rules file that fails.
type TestFailure struct {
	Test    string `json:"test"`
	Message string `json:"message"`
}

// Preview is what other rules would do, compared with those in force.
type Preview struct {
	Integration int64          `json:"integration_id"`
	Projects    []PreviewTotal `json:"projects"`
	Steps       []Step         `json:"steps" doc:"Where the two differ, under the other rules; the first 1000."`
	More        int            `json:"more" doc:"How many steps are not shown."`
	Gone        []Step         `json:"gone" doc:"Steps that the rules in force would take, and the other ones not; the first 1000."`
	Waits       int            `json:"waits" doc:"New issues that a budget holds back."`
}

// PreviewTotal is the same for one project.
type PreviewTotal struct {
	Project string         `json:"project"`
	Counts  map[string]int `json:"counts" doc:"Steps by verb."`
	Savings []Money        `json:"savings" doc:"Per month, of new issues."`
}

// RulesText is a rules file.
type RulesText struct {
	Text string `json:"text" minLength:"1" maxLength:"1000000" doc:"The rules file, as YAML (docs/rules.md)."`
}

// PutRules puts rules in force.
type PutRules struct {
	RulesText
	Note string `json:"note,omitempty" maxLength:"2000" doc:"Why, for people."`
}

// PreviewRules asks what other rules would do.
type PreviewRules struct {
	RulesText
	Integration int64 `json:"integration_id,omitempty" minimum:"0" doc:"0: the only one there is."`
}

// Note is why somebody does something.
type Note struct {
	Note string `json:"note,omitempty" maxLength:"2000" doc:"Why, for people."`
}

type tagged[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

func ruled(r Revision) *tagged[Revision] { return &tagged[Revision]{RulesTag(r.Number), r} }

// RulesTag is the ETag of a revision of the rules, as If-Match has it.
func RulesTag(number int64) string { return fmt.Sprintf(`"rules-%d"`, number) }

// sawRules is the revision that somebody saw, by the ETag of its GET.
func sawRules(ctx context.Context, t *Tenant, sent string) (int64, error) {
	if sent == "" {
		return 0, errNoMatch()
	}
	now, err := t.Rules.Rules(ctx)
	if err != nil {
		return 0, err
	}
	if !door.Holds([]string{sent}, RulesTag(now.Number)) {
		return 0, &door.Problem{Status: http.StatusPreconditionFailed, Detail: fmt.Sprintf("revision %d is in force by now: GET /v1/rules again, put your change into it, and send its ETag in If-Match", now.Number), Errors: ifMatch()}
	}
	return now.Number, nil
}

// Matching says which version somebody saw.
type Matching struct {
	IfMatch string `header:"If-Match" maxLength:"200" doc:"The ETag of the last GET: nothing is changed if somebody changed it since (412)."`
}

func addRules(a *API) {
	add(a, operation{id: "rules", at: "GET /v1/rules", tag: "rules", summary: "The rules in force", details: "The ETag is that of the revision.", needs: role.Read},
		func(ctx context.Context, t *Tenant, _ *struct{}) (*tagged[Revision], error) {
			out, err := t.Rules.Rules(ctx)
			return ruled(out), err
		})
	add(a, operation{id: "put-rules", at: "PUT /v1/rules", tag: "rules", summary: "Put rules in force", needs: role.RulesWrite,
		details: "They are checked, their tests run, and their projects looked up in GitLab. The next run brings the issues in line."},
		func(ctx context.Context, t *Tenant, in *struct {
			Matching
			Body PutRules
		}) (*tagged[Revision], error) {
			saw, err := sawRules(ctx, t, in.IfMatch)
			if err != nil {
				return nil, err
			}
			out, err := t.Rules.Apply(ctx, RulesChange{Text: in.Body.Text, Author: door.From(ctx).Who.Label(), Note: in.Body.Note, Expected: saw})
			return ruled(out), err
		})
	add(a, operation{id: "validate-rules", at: "POST /v1/rules/validate", tag: "rules", summary: "Check rules", details: "Nothing is changed, and GitLab is not asked.", needs: role.Plan},
		func(ctx context.Context, t *Tenant, in *struct{ Body RulesText }) (*one[Validation], error) {
			out, err := t.Rules.Validate(ctx, in.Body.Text)
			return &one[Validation]{out}, err
		})
	add(a, operation{id: "preview-rules", at: "POST /v1/rules/preview", tag: "rules", summary: "What other rules would do", details: "Compared with those in force. It looks at GitLab, and writes nothing.", needs: role.Plan},
		func(ctx context.Context, t *Tenant, in *struct{ Body PreviewRules }) (*one[Preview], error) {
			out, err := t.Rules.Preview(ctx, in.Body.Integration, in.Body.Text)
			return &one[Preview]{out}, err
		})
}

// ByNumber names one thing by its number.
type ByNumber struct {
	Number int64 `path:"number" minimum:"1"`
}

func addRevisions(a *API) {
	add(a, operation{id: "revisions", at: "GET /v1/rules/revisions", tag: "rules", summary: "The last revisions of the rules, the latest first", details: "Without their texts.", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *struct {
			Limit int `query:"limit" minimum:"1" maximum:"500" default:"50"`
		}) (*listed[Revision], error) {
			out, err := t.Revisions.Revisions(ctx, in.Limit)
			return whole(out), err
		})
	add(a, operation{id: "revision", at: "GET /v1/rules/revisions/{number}", tag: "rules", summary: "One revision of the rules", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *ByNumber) (*tagged[Revision], error) {
			out, err := t.Revisions.Revision(ctx, in.Number)
			return ruled(out), err
		})
	add(a, operation{id: "rollback-rules", at: "POST /v1/rules/revisions/{number}/rollback", tag: "rules", summary: "Put an earlier revision in force again", needs: role.RulesWrite,
		details: "As a new one. If-Match is the ETag of GET /v1/rules."},
		func(ctx context.Context, t *Tenant, in *struct {
			ByNumber
			Matching
			Body Note
		}) (*tagged[Revision], error) {
			saw, err := sawRules(ctx, t, in.IfMatch)
			if err != nil {
				return nil, err
			}
			out, err := t.Revisions.Rollback(ctx, in.Number, RulesChange{Author: door.From(ctx).Who.Label(), Note: in.Body.Note, Expected: saw})
			return ruled(out), err
		})
}
