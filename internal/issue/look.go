package issue

import (
	"slices"

	"cxm/internal/issue/template"
)

// Look is how a rule has the issues of its groups look. The zero value is the
// built-in look.
type Look struct {
	Template  *template.Template // of title and text; nil: the built-in text
	Labels    []string           // besides cxm's own; set and taken back like those
	Owner     Owner              // zero: what the tags say
	Team      string             // whose issue it is, for people; empty: not said
	Rule      string             // the rule's name, for the template; empty: the group's
	Checklist bool               // a line for each resource of the group, for people to tick
	Parent    *Parent            // a line for each issue beneath the group, instead of the template; nil: it is no parent's
}

// Owner is who an issue is for, and why. The zero value is nobody. What stands
// here is shown: whoever fills it leaves out what is not to be copied into an
// issue, such as addresses.
type Owner struct {
	Name       string
	Why        string   // a phrase: "from the tag team"
	Confidence string   // in words: "high"; empty: not said
	Others     []string // who else was likely
}

func (o Owner) zero() bool {
	return o.Name == "" && o.Why == "" && o.Confidence == "" && len(o.Others) == 0
}

// labelled is the labels of an issue: cxm's own and those of the look, sorted.
func (l Look) labelled(own []string) []string {
	if len(l.Labels) == 0 {
		return own
	}
	out := slices.Concat(own, l.Labels)
	slices.Sort(out)
	return slices.Compact(out)
}

// writeTo adds what is particular to the look to a digest: nothing for the zero
// one. The text of the template is part of it, so a changed template updates each
// issue once. Who else may own a thing and the name of the rule are not: they
// move without anything to act on.
func (l Look) writeTo(w *factHash) {
	if l.Template == nil && len(l.Labels) == 0 && l.Owner.zero() && l.Team == "" && !l.Checklist && l.Parent == nil {
		return
	}
	w.text("look")
	w.flag(&l.Checklist)
	w.text(l.Team, l.Owner.Name, l.Owner.Why, l.Owner.Confidence)
	w.text(l.Labels...)
	if l.Template != nil {
		w.text("template", l.Template.Digest())
	}
}

// writeTags adds the tags of a claim that the template names: people act on what
// it shows of them.
func (l Look) writeTags(w *factHash, tags map[string]string) {
	if l.Template == nil {
		return
	}
	for _, name := range l.Template.Tags() {
		w.text(name)
		w.words(template.Tag(tags, name), 1)
	}
}
