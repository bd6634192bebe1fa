package rulebook

import (
	"slices"

	"cxm/internal/rule/rulebook/form"
	"cxm/internal/rule/rulebook/pattern"
)

// check looks at what is wrong only together: names, references, order.
func (s *sheet) check(k Known) {
	if s.later != nil {
		s.later()
	}
	for i := range s.rules {
		w := &s.rules[i]
		w.Labels = merged(s.defaults.own, w.own)
		s.checkScoped(w.node.Under("labels"), w.own)
		s.checkParent(w)
		s.checkReferences(w, k)
	}
	if len(s.rules) == 0 {
		only := s.defaults
		s.checkReferences(&only, k)
	}
	s.checkNames()
	s.checkOrder()
	s.link()
	s.checkCases()
}

// checkScoped finds two labels of one scope, of which GitLab keeps one.
func (s *sheet) checkScoped(at *form.Node, labels []pattern.Pattern) {
	seen := map[string]string{}
	for _, label := range labels {
		scope, _, scoped := cutScope(label.String())
		if other, twice := seen[scope]; scoped && twice {
			at.Wrong("keep one of them", "%s and %s have one scope, and an issue has one label of it", other, label)
		}
		seen[scope] = label.String()
	}
}

func (s *sheet) checkReferences(w *written, k Known) {
	if w.node == nil {
		w.node = s.defaults.node
	}
	at := func(field string) *form.Node {
		if node := w.node.Under(field); node != w.node || s.defaults.node == nil {
			return node
		}
		return s.defaults.node.Under(field)
	}
	names := make([]string, len(s.budgets))
	for i, b := range s.budgets {
		names[i] = b.Name
	}
	for _, name := range w.Budget {
		if !slices.Contains(names, name) {
			unknown(at("budget"), "budget", "budgets", name, names)
		}
	}
	if w.Template == "" {
		return
	}
	names = slices.Clone(k.Templates)
	for _, t := range s.templates {
		names = append(names, t.Name)
	}
	if !slices.Contains(names, w.Template) {
		unknown(at("template"), "template", "templates", w.Template, names)
	}
}

// unknown notes a name that stands for nothing.
func unknown(n *form.Node, what, section, name string, names []string) {
	names = slices.Compact(slices.DeleteFunc(slices.Sorted(slices.Values(names)), func(name string) bool { return name == "" }))
	mend := "add it under " + section
	if near := form.Near(name, names); near != "" {
		mend = "did you mean " + near + "?"
	} else if len(names) > 0 {
		mend += ", or use " + form.Or(names)
	}
	n.Wrong(mend, "there is no %s %.60q", what, name)
}

func (s *sheet) checkNames() {
	lines := map[string]int{}
	for i := range s.rules {
		w := &s.rules[i]
		if line, twice := lines[w.Name]; twice && w.Name != "" {
			w.node.Under("name").Wrong("give each rule a name of its own", "there is a rule %.60q already, on line %d", w.Name, line)
			continue
		}
		lines[w.Name] = w.Line
	}
}

// checkOrder finds rules that are never asked, and rules that say two things.
func (s *sheet) checkOrder() {
	before := ""
	for i := range s.rules {
		w := &s.rules[i]
		if before != "" && !slices.Contains(w.Events, Digest) { // which only rules that name it take
			w.node.Wrong("move it above that rule, or let that rule continue", "is never asked: rule %.60q above matches everything", before)
			return
		}
		if w.Ignore != "" && w.Continue {
			w.node.Under("continue").Wrong("remove one of them", "a rule that ignores findings ends there")
		}
		if w.When == "" && len(w.Events) == 0 && !w.Continue {
			before = w.Name
		}
	}
}
