package rules

import (
	"fmt"
	"io"
	"strings"

	"cxm/internal/app/ruling"
	"cxm/internal/cli/shell"
)

// owned is whose a finding is, for programs.
type owned struct {
	Name       string   `json:"name,omitzero"` // empty: nobody is known
	Kind       string   `json:"kind,omitzero"`
	Source     string   `json:"source,omitzero"`
	Why        string   `json:"why"`
	Confidence int      `json:"confidence"`
	Triage     bool     `json:"triage"`
	Others     []other  `json:"others"`
	Unused     []string `json:"unused"`
}

type other struct {
	Name       string `json:"name"`
	Source     string `json:"source"`
	Why        string `json:"why"`
	Confidence int    `json:"confidence"`
}

// ownedJSON is nil where the rules do not ask whose things are.
func ownedJSON(o ruling.Owner) *owned {
	if o.Why == "" {
		return nil
	}
	out := &owned{
		Name: o.Name, Kind: string(o.Kind), Source: string(o.Source), Why: o.Why, Confidence: o.Confidence,
		Triage: o.Triage, Others: []other{}, Unused: append([]string{}, o.Unused...),
	}
	for _, c := range o.Others {
		out.Others = append(out.Others, other{Name: c.Name, Source: string(c.Source), Why: c.Why, Confidence: c.Confidence})
	}
	return out
}

// printOwner says whose a finding is, how sure that is, who else may be, and what was
// not made use of.
func printOwner(w io.Writer, o ruling.Owner) {
	switch {
	case o.Why == "":
		return
	case o.Name == "":
		fmt.Fprintf(w, "  Owner:   %s\n", shell.OneLine(o.Why))
	default:
		fmt.Fprintf(w, "  Owner:   %s, %d %% sure: %s\n", shell.OneLine(o.Name), o.Confidence, shell.OneLine(o.Why))
	}
	if o.Triage {
		fmt.Fprintln(w, "           That is not sure enough: where the rules name a project for triage, it goes there.")
	}
	var others []string
	for _, c := range o.Others {
		others = append(others, fmt.Sprintf("%s, %d %% (%s)", shell.OneLine(c.Name), c.Confidence, shell.OneLine(c.Why)))
	}
	if len(others) > 0 {
		fmt.Fprintf(w, "  Others:  %s\n", strings.Join(others, "; "))
	}
	for _, why := range o.Unused {
		fmt.Fprintf(w, "  Unused:  %s\n", shell.OneLine(why))
	}
}
