package care

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/integration/access"
)

func printReviews(out io.Writer, all []app.AccessReview) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "Nobody has reviewed the access yet: run `cxm access review`.")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, r := range all {
		fmt.Fprintf(w, "%d\t%s\t%s\t%d groups, %d projects, %d remarks\t%s\n", r.ID, r.At.Format(time.RFC3339), shell.OneLine(r.By), len(r.Reach.Groups), len(r.Reach.Projects), len(r.Remarks), shell.OneLine(r.Note))
	}
	return w.Flush()
}

func printAccess(out io.Writer, a app.Access) error {
	in := a.Integration
	fmt.Fprintf(out, "%s in %s\n", in.Account.Username, in.URL)
	printReach(out, a.Reach, a.Remarks)
	if len(a.Owners) > 0 {
		fmt.Fprintf(out, "Looked after by %s.\n", strings.Join(a.Owners, ", "))
	}
	last := "never reviewed"
	if !a.Reviewed.IsZero() {
		last = "last reviewed on " + a.Reviewed.Format(time.DateOnly)
	}
	_, err := fmt.Fprintf(out, "Access %s; the next review is due on %s.\n", last, a.Due.Format(time.DateOnly))
	return err
}

// printed is how many places are printed to a person; JSON has them all.
const printed = 50

func printReach(out io.Writer, r access.Reach, remarks []access.Remark) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	places := append(append([]access.Place{}, r.Groups...), r.Projects...)
	for i, p := range places {
		if i == printed {
			break
		}
		kind := "project"
		if p.Group {
			kind = "group"
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", kind, shell.OneLine(p.Path), p.Role)
	}
	w.Flush() //nolint:errcheck // a full disk shows itself with what follows
	if more := len(places) - printed; more > 0 {
		fmt.Fprintf(out, "  and %d more (--output json has them all)\n", more)
	}
	for _, m := range remarks {
		about := ""
		if m.Place != "" {
			about = shell.OneLine(m.Place) + ": "
		}
		fmt.Fprintf(out, "%s: %s%s.\n", strings.ToUpper(string(m.Severity[:1]))+string(m.Severity[1:]), about, shell.OneLine(m.Text))
	}
	if len(remarks) == 0 {
		fmt.Fprintln(out, "It reaches what cxm needs, and nothing else.")
	}
}

// accessDocument is what `cxm access show --output json` prints.
type accessDocument struct {
	Integration int64           `json:"integration"`
	URL         string          `json:"url"`
	Reach       access.Reach    `json:"reach"`
	Remarks     []access.Remark `json:"remarks"`
	Owners      []string        `json:"owners"`
	Reviewed    *time.Time      `json:"reviewed_at"` // null: never
	Due         time.Time       `json:"review_due_at"`
}

func accessJSON(a app.Access) accessDocument {
	out := accessDocument{
		Integration: a.Integration.ID, URL: a.Integration.URL, Reach: listed(a.Reach), Remarks: append([]access.Remark{}, a.Remarks...),
		Owners: append([]string{}, a.Owners...), Due: a.Due,
	}
	if !a.Reviewed.IsZero() {
		out.Reviewed = &a.Reviewed
	}
	return out
}

// listed has lists that are empty rather than absent.
func listed(r access.Reach) access.Reach {
	r.Groups, r.Projects = append([]access.Place{}, r.Groups...), append([]access.Place{}, r.Projects...)
	return r
}

// reviewDocument is one review as --output json prints it.
type reviewDocument struct {
	ID          int64           `json:"id"`
	Integration int64           `json:"integration"`
	At          time.Time       `json:"at"`
	By          string          `json:"by"`
	Note        string          `json:"note"`
	Reach       access.Reach    `json:"reach"`
	Remarks     []access.Remark `json:"remarks"`
}

func reviewJSON(r app.AccessReview) reviewDocument {
	return reviewDocument{r.ID, r.Integration, r.At, r.By, r.Note, listed(r.Reach), append([]access.Remark{}, r.Remarks...)}
}

// DueJSON is a review that is due, as --output json prints it.
type DueJSON struct {
	Integration int64     `json:"integration"`
	Since       time.Time `json:"since"`
}
