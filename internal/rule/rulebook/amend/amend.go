// Package amend adds to a rules file: an owner, an account's owner, a rule in front
// of another; and changes the most usual things that it says.
//
// What always holds: every byte of the file stays, in its order, comments and all, but
// for the value that is changed; something is put in between them, and what is read
// from the file then is what was read before with the change, and nothing else; where
// that cannot be had, the error says what to add by hand.
package amend

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Amended is a rules file with an addition.
type Amended struct {
	Text []byte
	Adds string // what was added, as YAML that could stand alone; for people
}

// ByHandError says that a file cannot be added to without writing it anew.
type ByHandError struct {
	Why  string
	Adds string // what would be added
}

// Error says what to do.
func (e *ByHandError) Error() string {
	return e.Why + "; put it in by hand and run `cxm rules apply`:\n" + strings.TrimRight(e.Adds, "\n")
}

// pair is a key with its value, in the order of a file.
func pair(key string, value any) yaml.MapItem { return yaml.MapItem{Key: key, Value: value} }

// Person adds under ownership.people what somebody is called, and who that is.
// Where the file has no chain, one that asks the tags is added, too: without a chain
// nobody is asked.
func Person(text []byte, tags []string, called, owner string) (Amended, error) {
	entry := yaml.MapSlice{pair(called, owner)}
	a, err := begin(text)
	if err != nil {
		return Amended{}, err
	}
	a.chained(tags)
	a.step(func(d *draft) {
		own, _ := d.root.at("ownership")
		people, there := own.below.at("people")
		if there {
			d.into(people, pair(called, owner))
			return
		}
		d.into(own, pair("people", entry))
	}, func(tree yaml.MapSlice) yaml.MapSlice {
		return under(tree, "ownership", func(o yaml.MapSlice) yaml.MapSlice {
			return under(o, "people", func(p yaml.MapSlice) yaml.MapSlice { return slices.Insert(p, 0, entry[0]) })
		})
	})
	a.adds("ownership", "people", entry)
	return a.done()
}

// Account adds whose an account is: to the link of accounts in the chain, before
// what is in it, or with a link of its own behind those of the map and the tags.
func Account(text []byte, tags []string, account, owner string) (Amended, error) {
	entry := yaml.MapSlice{pair(account, owner)}
	link := yaml.MapSlice{pair("source", "accounts"), pair("owners", entry)}
	a, err := begin(text)
	if err != nil {
		return Amended{}, err
	}
	a.chained(tags)
	at, there := place(a.tree)
	a.step(func(d *draft) {
		own, _ := d.root.at("ownership")
		chain, _ := own.below.at("chain")
		if there {
			owners, _ := chain.item(at).at("owners")
			d.into(owners, pair(account, owner))
			return
		}
		d.before(chain, at, link)
	}, func(tree yaml.MapSlice) yaml.MapSlice {
		return under(tree, "ownership", func(o yaml.MapSlice) yaml.MapSlice {
			return links(o, func(all []any) []any {
				if !there {
					return slices.Insert(all, at, any(link))
				}
				first, _ := all[at].(yaml.MapSlice)
				all[at] = under(first, "owners", func(p yaml.MapSlice) yaml.MapSlice { return slices.Insert(p, 0, entry[0]) })
				return all
			})
		})
	})
	a.adds("ownership", "chain", []any{link})
	return a.done()
}

// place is the link of accounts in the chain, or where one belongs.
func place(tree yaml.MapSlice) (at int, there bool) {
	own, _ := value(tree, "ownership").(yaml.MapSlice)
	all, _ := value(own, "chain").([]any)
	for i, each := range all {
		link, _ := each.(yaml.MapSlice)
		switch value(link, "source") {
		case "accounts":
			return i, true
		case "map", "tags":
			at = i + 1
		}
	}
	return at, false
}

// Route is a rule that sends some of another rule's findings elsewhere.
type Route struct {
	Rule        string // whose; in a file without rules, what its only one is called
	Name        string
	Description string
	When        string // of its findings
	Project     string // a path or a number
}

// Routed adds rules, each in front of the one that it takes findings from, and
// like that in everything else.
func Routed(text []byte, routes []Route) (Amended, error) {
	a, err := begin(text)
	if err != nil {
		return Amended{}, err
	}
	var added []any
	for _, r := range routes {
		all, there := value(a.tree, "rules").([]any)
		if !there {
			rules := []any{r.like(nil), yaml.MapSlice{pair("name", r.Rule)}}
			added = append(added, rules...)
			a.step(func(d *draft) { d.top(pair("rules", rules)) },
				func(tree yaml.MapSlice) yaml.MapSlice { return append(tree, pair("rules", rules)) })
			continue
		}
		at := slices.IndexFunc(all, func(each any) bool { m, _ := each.(yaml.MapSlice); return value(m, "name") == r.Rule })
		if at < 0 {
			return Amended{}, fmt.Errorf("there is no rule %.80q in the file: apply its latest version first", r.Rule)
		}
		model, _ := all[at].(yaml.MapSlice)
		made := r.like(model)
		added = append(added, made)
		a.step(func(d *draft) {
			rules, _ := d.root.at("rules")
			d.before(rules, at, made)
		}, func(tree yaml.MapSlice) yaml.MapSlice {
			return within(tree, "rules", func(all []any) []any { return slices.Insert(all, at, any(made)) })
		})
	}
	a.shown = append(a.shown, pair("rules", added))
	return a.done()
}

// like is the rule that r makes of a model.
func (r Route) like(model yaml.MapSlice) yaml.MapSlice {
	when := r.When
	if old, _ := value(model, "when").(string); strings.TrimSpace(old) != "" {
		when = "(" + strings.TrimSpace(old) + ") && (" + r.When + ")"
	}
	route := yaml.MapSlice{pair("project", r.Project)}
	if old, ok := value(model, "route").(yaml.MapSlice); ok {
		for _, each := range old {
			if each.Key != "project" && each.Key != "fallback" {
				route = append(route, each)
			}
		}
	}
	out := yaml.MapSlice{pair("name", r.Name), pair("description", r.Description), pair("when", when), pair("route", route)}
	for _, each := range model {
		if value(out, fmt.Sprint(each.Key)) == nil {
			out = append(out, each)
		}
	}
	return out
}

// amending is a file that is being added to.
type amending struct {
	text  string
	tree  yaml.MapSlice // what is read from it
	shown yaml.MapSlice // what was added
	why   string        // it cannot be added to; empty: it can
}

func begin(text []byte) (*amending, error) {
	tree, err := decoded(string(text))
	if err != nil {
		return nil, fmt.Errorf("reading the rules to add to: %w", err)
	}
	return &amending{text: string(text), tree: tree}, nil
}

// chained sees to it that there is a chain.
func (a *amending) chained(tags []string) {
	own, _ := value(a.tree, "ownership").(yaml.MapSlice)
	if value(own, "chain") != nil {
		return
	}
	list := make([]any, len(tags))
	for i, each := range tags {
		list[i] = each
	}
	chain := []any{yaml.MapSlice{pair("source", "tags"), pair("tags", list)}}
	a.step(func(d *draft) {
		if own, there := d.root.at("ownership"); there {
			d.into(own, pair("chain", chain))
			return
		}
		d.top(pair("ownership", yaml.MapSlice{pair("chain", chain)}))
	}, func(tree yaml.MapSlice) yaml.MapSlice {
		if own == nil {
			return append(tree, pair("ownership", yaml.MapSlice{pair("chain", chain)}))
		}
		return under(tree, "ownership", func(o yaml.MapSlice) yaml.MapSlice { return append(o, pair("chain", chain)) })
	})
	a.adds("ownership", "chain", chain)
}

// adds notes what was added under a key of a key at the top.
func (a *amending) adds(top, key string, what any) {
	a.shown = under(a.shown, top, func(o yaml.MapSlice) yaml.MapSlice {
		if list, ok := what.([]any); ok {
			return within(o, key, func(all []any) []any { return append(all, list...) })
		}
		return append(o, pair(key, what))
	})
}

// step puts something into the text, and into what is read from it: both have to
// come to the same.
func (a *amending) step(write func(*draft), say func(yaml.MapSlice) yaml.MapSlice) {
	want := say(copied(a.tree))
	if a.tree = want; a.why != "" {
		return
	}
	defer func() { // a library that fails on a file nobody thought of
		if failed := recover(); failed != nil {
			a.why = "the file is written in a way that cannot be added to"
		}
	}()
	d, err := newDraft(a.text)
	if err == nil {
		write(d)
		err = d.failed
	}
	if err != nil {
		a.why = err.Error()
		return
	}
	got, err := decoded(d.text)
	if err != nil || !reflect.DeepEqual(sorted(got), sorted(want)) {
		a.why = "the file is written in a way that cannot be added to"
		return
	}
	a.text = d.text
}

func (a *amending) done() (Amended, error) {
	var lines []string
	for _, each := range a.shown {
		lines = append(lines, block(each, 0)...)
	}
	shown := strings.Join(lines, "\n") + "\n"
	if a.why != "" {
		return Amended{}, &ByHandError{Why: a.why, Adds: shown}
	}
	return Amended{Text: []byte(a.text), Adds: shown}, nil
}
