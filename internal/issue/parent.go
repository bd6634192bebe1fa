package issue

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"cxm/internal/finding"
	"cxm/internal/issue/inert"
	"cxm/internal/money"
	"cxm/internal/rule"
)

// Parent is what an issue that lists others has to know of where it is.
type Parent struct {
	Integration int64  // whose issues it lists
	Instance    string // the address that those of its issues begin with
	Project     int64  // where it is, or goes; 0: not known, so that every reference names its project
}

// beneath is what a line of a parent's issue says besides what a checklist's does.
type beneath struct {
	ref    string // to the issue; empty: it was not made so far
	closed bool
	lost   bool
	aside  bool // people set aside all that is left of it
}

// children are the lines of a parent's issue, in the order of a checklist: what is
// done is what is closed, and what is gone before its issue was made.
func (p *Parent) children(g rule.Group) []item {
	members := make(map[finding.Key]*rule.Member, len(g.Members))
	for i := range g.Members {
		members[g.Members[i].Finding.FindingKey] = &g.Members[i]
	}
	aside := shelf(g)
	out := make([]item, 0, len(g.Children))
	for _, c := range g.Children {
		var in []*rule.Member
		for _, key := range c.Members {
			if m := cmp.Or(members[key], aside[key]); m != nil {
				in = append(in, m)
			}
		}
		if len(in) == 0 {
			continue
		}
		set := shelved(in, aside)
		if !set {
			in = slices.DeleteFunc(in, func(m *rule.Member) bool { return aside[m.Finding.FindingKey] != nil })
		}
		i := newItem("child "+string(c.Group), in)
		i.child = &beneath{}
		if made, ok := c.Issues[p.Integration]; ok {
			i.child = &beneath{ref: p.reference(made), closed: made.Closed, lost: made.Lost}
			i.gone = made.Closed || made.Lost && i.gone
		}
		if i.child.aside = set; set {
			i.savings, i.currency = money.Unknown(), "" // it is in no sum
		}
		if set && i.child.ref == "" {
			continue // no issue is made of it
		}
		out = append(out, i)
	}
	sortItems(out)
	return out
}

// projectPath is what a project's path is made of (docs.gitlab.com/user/reserved_names).
var projectPath = regexp.MustCompile(`^[\w.][\w.-]*(/[\w.][\w.-]*)+$`)

// reference is an issue as GitLab shows it with its title and its state. It is
// made of numbers that cxm stored, and of the path in the issue's address.
func (p *Parent) reference(i rule.ChildIssue) string {
	if i.Project == p.Project {
		return fmt.Sprintf("#%d+", i.IID)
	}
	rest, ours := strings.CutPrefix(i.URL, strings.TrimSuffix(p.Instance, "/")+"/")
	path, _, found := strings.Cut(rest, "/-/")
	if !ours || !found || !projectPath.MatchString(path) {
		return fmt.Sprintf("issue %d of project %d", i.IID, i.Project)
	}
	return fmt.Sprintf("%s#%d+", path, i.IID)
}

// issueLine is what a parent's issue says of one beneath it.
func (i item) issueLine() string {
	what := i.child.ref
	if what == "" {
		if what = inert.Inline(i.say(func(f *finding.Finding) string { return f.Title }), maxWhat); what == "" {
			what = "untitled"
		}
	}
	switch {
	case i.gone && i.child.closed:
		return "- [x] " + goneWords + what + goneWords + " closed `" + i.key + "`\n"
	case i.gone:
		return "- [x] " + goneWords + what + goneWords + " gone `" + i.key + "`\n"
	case i.child.aside:
		return "- [ ] " + what + ", set aside `" + i.key + "`\n"
	case i.child.lost:
		what += " (cannot be seen now)"
	case i.child.ref == "":
		what += ", not made yet"
	}
	return "- [ ] " + what + i.worth() + " `" + i.key + "`\n"
}

// done is how many lines are.
func (v view) done() int {
	if gone := slices.IndexFunc(v.list, func(i item) bool { return i.gone }); gone >= 0 {
		return len(v.list) - gone
	}
	return 0
}

// waiting is how many issues beneath a parent's are still to be made.
func (v view) waiting() int {
	n := 0
	for _, i := range v.list {
		if !i.gone && i.child.ref == "" {
			n++
		}
	}
	return n
}

// ours is whose all of it is by its tags; empty: that differs, or nobody is named.
func (v view) ours() string {
	name := ""
	for i := range v.claims {
		owner, _ := ownerOf(v.claims[i].Finding.Tags)
		if owner == "" || i > 0 && owner != name {
			return ""
		}
		name = owner
	}
	return name
}

// parentTitle is the title of an issue that lists others: "Upgrade EbsVolume
// resources of payments: 1 of 3 issues done – saves 57.08 USD/month".
func (v view) parentTitle() string {
	things := "resources"
	if kind, _ := inert.Cut(inert.Prose(v.lead.ResourceType), 40); kind != "" && v.alike() {
		things = kind + " resources"
	}
	text := "Things to do"
	switch {
	case v.alike() && inert.Prose(v.lead.ActionType) != "":
		text = inert.Prose(v.lead.ActionType) + " " + things
	case v.alike() && inert.Prose(v.lead.SourceRuleID) != "":
		text = inert.Prose(v.lead.SourceRuleID) + ": " + things
	case v.lead.Kind == finding.Cost:
		text = "Savings on " + things
	}
	if team := inert.Prose(cmp.Or(v.as.Team, v.ours())); team != "" {
		text += " of " + team
	}
	suffix := fmt.Sprintf(": %d of %s done", v.done(), counted(len(v.list), "issue", "issues"))
	if saved := v.saved(); saved != "" {
		suffix += " – saves " + saved + "/month"
	}
	return ellipsis(inert.Title(text), maxTitle-utf8.RuneCountInString(suffix)) + suffix
}

// writeParent writes the body of an issue that lists others, but for what stands
// under all issues.
func (v view) writeParent(b *strings.Builder, room int) {
	if v.gone {
		b.WriteString("**Gone.** No source reports any of this any more, so there is nothing left to do.")
	} else {
		fmt.Fprintf(b, "Each line below is an issue of its own: %s, of which %d %s done.", counted(len(v.list), "issue", "issues"), v.done(), isOrAre(v.done()))
		if n := v.waiting(); n > 0 {
			fmt.Fprintf(b, " %d %s not made yet.", n, isOrAre(n))
		}
		v.writeWorth(b)
	}
	b.WriteString("\n\n" + factsHead)
	row := rows{b}
	row.add("Team", inlineFact(v.as.Team))
	row.add("Owner", v.owner())
	row.add("Issues", fmt.Sprintf("%d, %d done", len(v.list), v.done()))
	v.addSaving(row)
	row.add("Severity", v.severityShown())
	row.add("Reported by", v.reporters())
	b.WriteString("\n### To do\n\n" + v.checklist(room))
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// parentFacts adds what a parent's issue says to a digest: which issues it lists
// and what became of each. What these say themselves is their own.
func (v view) parentFacts(w *factHash) {
	list := slices.SortedFunc(slices.Values(v.list), func(a, b item) int { return strings.Compare(a.key, b.key) })
	w.text("parent")
	for _, i := range list {
		w.text(i.key, i.child.ref)
		w.flag(&i.gone)
		w.flag(&i.child.lost)
		if i.child.aside {
			w.text("aside")
		}
		if i.child.ref == "" {
			w.words(i.say(func(f *finding.Finding) string { return f.Title }), 1)
		}
	}
}

// worth is what a line says of the money.
func (i item) worth() string {
	switch {
	case i.savings.Valid:
		return ", saves " + money.Show(i.savings.Decimal, i.currency) + " a month"
	case i.members[0].Finding.Kind == finding.Cost:
		return ", saving not known"
	}
	return ""
}
