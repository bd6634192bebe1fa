package rulebook

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/rule/rulebook/pattern"
)

// Place is where the issue of a group belongs.
type Place struct {
	Integration string // name or number; empty: the default one
	Project     int64  // by its number; 0: by Path, or with neither the integration's own
	Path        string
	Fallback    bool   // the route could not be filled in
	Reason      string // for people
}

// Place says where the issue of a group goes: the rule's route, filled in from the
// group's lead; a digest of what waits goes where it waits. The error says that the group has no member.
func (r *Rule) Place(g rule.Group) (Place, error) {
	if len(g.Members) == 0 {
		return Place{}, errors.New("the group has no finding, so no route can be filled in: look at the group again")
	}
	if b, ok := g.Backlog(); ok {
		return Place{Project: b.Project, Reason: "it tells of what waits in this project"}, nil
	}
	lead := g.Lead()
	p := Place{Integration: r.Route.Integration}
	if r.Route.Project.Empty() {
		p.Reason = "the integration's own project"
		return p, nil
	}
	why := p.fill(r.Route.Project, &lead.Finding)
	if why == nil {
		p.Reason = fmt.Sprintf("rule %s sends it there", r.Name)
		return p, nil
	}
	p.Fallback = true
	p.Reason = fmt.Sprintf("rule %s cannot fill in %s: %s", r.Name, r.Route.Project, why)
	switch {
	case r.Route.Fallback.Empty():
		p.Reason += "; so it goes to the integration's own project"
	case p.fill(r.Route.Fallback, &lead.Finding) != nil:
		p.Reason += "; nor the fallback, so it goes to the integration's own project"
	default:
		p.Reason += "; so it goes to the fallback"
	}
	return p, nil
}

// fill sets the project, unless the pattern cannot be filled in.
func (p *Place) fill(from pattern.Pattern, f *finding.Finding) error {
	text, err := from.Path(f)
	if err != nil {
		return err
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		p.Project = n
	} else {
		p.Path = text
	}
	return nil
}

// LabelsOf are the labels that the rule adds to the issue of a group or of a
// parent's, sorted, and
// why those that could not be filled in are left out. The group has at least one member.
func (r *Rule) LabelsOf(g rule.Group) (labels, left []string) {
	lead := g.Lead()
	all := r.Labels
	if g.Parent && r.Parent != nil {
		all = r.Parent.Labels
	}
	for _, each := range all {
		text, err := each.Fill(&lead.Finding)
		if err == nil {
			text = strings.TrimSpace(text)
			err = validLabel(text)
		}
		if err != nil {
			left = append(left, fmt.Sprintf("label %s is left out: %s", each, err))
			continue
		}
		labels = append(labels, text)
	}
	slices.Sort(labels)
	return slices.Compact(labels), left
}

// OwnerOf is the owner that the rule names for a group; empty: the chain of the
// ownership settings says.
func (r *Rule) OwnerOf(g rule.Group) string {
	lead := g.Lead()
	text, err := r.Owner.Fill(&lead.Finding)
	if err != nil {
		return ""
	}
	return text
}

const maxLabel = 255 // characters, as GitLab has it

// validLabel says what is wrong with a label.
func validLabel(text string) error {
	scope, value, scoped := cutScope(text)
	switch {
	case strings.TrimSpace(text) == "":
		return errors.New("a label is empty: give it a name")
	case strings.ContainsAny(text, ",\n\r\t\x00"):
		return fmt.Errorf("%.60q has a comma or a line break, where GitLab divides labels: write one label per entry", text)
	case len([]rune(text)) > maxLabel:
		return fmt.Errorf("a label has %d characters: at most %d are possible", len([]rune(text)), maxLabel)
	case scoped && (strings.TrimSpace(scope) == "" || strings.TrimSpace(value) == ""):
		return fmt.Errorf("%.60q is half a scoped label: write it like team::payments", text)
	case text == "cxm" || strings.HasPrefix(text, "cxm::"):
		return fmt.Errorf("%.60q is one of cxm's own labels: use another name", text)
	}
	return nil
}

// cutScope divides a scoped label at its last ::, as GitLab does.
func cutScope(text string) (scope, value string, scoped bool) {
	i := strings.LastIndex(text, "::")
	if i < 0 {
		return "", text, false
	}
	return text[:i], text[i+2:], true
}
