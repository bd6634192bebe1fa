// Package owner says who a finding is for: who, why, how sure, and who else was
// likely.
//
// What always holds: a decision is a pure function of the settings and of what is
// known of the finding; it comes with its reason; no e-mail address that a tag, a
// commit or a file holds is in it, whatever its shape; the same input gives the
// same owner.
package owner

import (
	"fmt"
	"slices"
	"strings"
)

// Source is where an owner may be known from: one link of the chain.
type Source string

// The sources.
const (
	Map        Source = "map"        // the settings name the resource
	Tags       Source = "tags"       // a tag on the resource
	Accounts   Source = "accounts"   // the settings name its account or project
	Code       Source = "code"       // where the code that declares it is
	CodeOwners Source = "codeowners" // CODEOWNERS of the file that declares it
	Authors    Source = "authors"    // who changed that file last
	Default    Source = "default"    // whom the settings name for the rest
)

// Kind says what an owner's name is.
type Kind string

// The kinds of names.
const (
	Team   Kind = "team"   // a name that need not be known to GitLab
	Handle Kind = "handle" // @name: a user of GitLab, or a group at the top
	Group  Kind = "group"  // @group/subgroup of GitLab
	Person Kind = "person" // a name as commits have it, of nobody that GitLab could tell
)

// How sure a source is by itself, of 100. Another source that agrees adds Agreed,
// one that says otherwise takes away Contradicted, or Doubted when it is itself no
// more than a hint (below Strong).
const (
	SureMap        = 95 // people wrote it down for this resource
	SureTag        = 80
	SureFile       = 75 // CODEOWNERS has a pattern for the file
	SureRepository = 70 // the settings name the repository
	SureOptional   = 65 // CODEOWNERS has one in a section that need not approve
	SureAccount    = 60
	SureEveryFile  = 55 // CODEOWNERS has one for every file alone
	SureAuthor     = 50 // most of the newest commits are theirs
	SureModifier   = 45 // they changed the block last
	SureSome       = 35 // some of the newest commits are theirs, or nobody knows whose name it is
	SureDefault    = 30

	Agreed       = 8
	Contradicted = 15
	Doubted      = 5
	Strong       = 60
	surest       = 99 // nothing is certain

	// DefaultBar is how sure an owner has to be when the settings do not say.
	DefaultBar = 50
)

// Mapping gives what a pattern fits an owner. In a pattern * stands for anything,
// and ? for one letter; letter case is not looked at.
type Mapping struct {
	Pattern string
	Owner   string // a team, @user or @group/subgroup
}

// Link is one link of the chain.
type Link struct {
	Source Source
	// Owners are gone through in order, and the first that fits counts. Map: of the
	// resource's id, its other spellings and its name. Accounts: of the account's id
	// and name. Code: of the repository, or of a file in it ("acme/infra",
	// "acme/infra/db/*").
	Owners []Mapping
	Tags   []string // Tags: their names in order, letter case aside
	Prefix string   // Code: what Yor was told to put before its tags (--tag-prefix)
	Owner  string   // Default
}

// Settings are the chain, and what it needs to know. The zero value is a chain of
// the usual tags and of what the code says, see DefaultChain.
type Settings struct {
	Chain []Link // the first that knows an owner names it, the others make it more or less sure; empty: DefaultChain
	// People maps what tags, commits and files call people and teams to what they
	// are called here: e-mail address, user or team name → team, @user or
	// @group/subgroup. Letter case of the keys is not looked at.
	People map[string]string
	Bar    int // how sure an owner has to be, of 100; 0: DefaultBar; below 0: no triage at all
}

// DefaultChain is the chain of an installation without settings.
func DefaultChain() []Link {
	return []Link{{Source: Tags, Tags: []string{"team", "owner", "squad"}}, {Source: Code}, {Source: CodeOwners}, {Source: Authors}}
}

// Candidate is who a source says it is.
type Candidate struct {
	Name       string // with its @ when it is GitLab's
	Kind       Kind
	Source     Source
	Why        string // for people; foreign text in it is not made inert
	Confidence int    // of 100
}

// Owner is who a finding is for.
type Owner struct {
	Candidate             // no Name: nobody is known, and Why says what was looked at
	Others    []Candidate // who else was likely, the surest first; at most 5
	Unused    []string    // what was not made use of, and why
	Triage    bool        // not sure enough: somebody has to look
}

// Decider decides by settings. It is immutable, and safe for many goroutines.
type Decider struct {
	chain  []Link
	people people
	bar    int
}

// New makes a decider of settings, whatever Check says of them: what is wrong in them
// names nobody.
func New(s Settings) *Decider {
	d := &Decider{chain: s.Chain, people: names(s.People), bar: s.Bar}
	if len(d.chain) == 0 {
		d.chain = DefaultChain()
	}
	if d.bar == 0 {
		d.bar = DefaultBar
	}
	return d
}

// Decide says who a finding is for.
func (d *Decider) Decide(e Evidence) Owner {
	var answers []Candidate // of each link that has one
	var rest []Candidate
	looked := finder{names: d.people, evidence: e}
	for _, link := range d.chain {
		if found := looked.ask(link); len(found) > 0 {
			answers, rest = append(answers, found[0]), append(rest, found[1:]...)
		}
	}
	out := Owner{Unused: looked.unused, Triage: d.bar >= 0}
	if len(answers) == 0 {
		out.Why = nobody(d.chain)
		return out
	}
	out.Candidate = weighed(answers)
	out.Others = others(out.Candidate, slices.Concat(answers[1:], rest))
	out.Triage = out.Confidence < d.bar
	return out
}

func nobody(chain []Link) string {
	var asked []string
	for _, link := range chain {
		asked = append(asked, string(link.Source))
	}
	return "nothing says who owns it; asked were " + strings.Join(asked, ", ")
}

// weighed is the first answer, as sure as the others make it. A team that GitLab
// has a group of the same name for is that group.
func weighed(answers []Candidate) Candidate {
	first := answers[0]
	sum, agreed := first.Confidence, []string(nil)
	for _, other := range answers[1:] {
		switch {
		case other.Source == Default || first.Source == Default:
		case same(first, other):
			sum += Agreed
			agreed = append(agreed, other.Why)
			if first.Kind == Team && other.Kind != Team {
				first.Name, first.Kind = other.Name, other.Kind
			}
		case oneOf(other) && first.Kind != Handle:
			// One of a team may well change its files.
		case other.Confidence >= Strong:
			sum -= Contradicted
		default:
			sum -= Doubted
		}
	}
	first.Confidence = min(surest, max(1, sum))
	for _, why := range agreed {
		first.Why += "; the same by: " + why
	}
	return first
}

// oneOf says that a candidate is one person, who may belong to a team.
func oneOf(c Candidate) bool {
	return c.Source == Authors || c.Source == Code && c.Confidence == SureModifier
}

// same says that two names mean the same owner: the same but for letter case and
// the @, or, when one is a bare team, the last part of the other's path.
func same(a, b Candidate) bool {
	x, y := strings.ToLower(strings.TrimPrefix(a.Name, "@")), strings.ToLower(strings.TrimPrefix(b.Name, "@"))
	if x == y {
		return true
	}
	return (a.Kind == Team || b.Kind == Team) && last(x) == last(y) && (last(x) == x || last(y) == y)
}

func last(path string) string { return path[strings.LastIndex(path, "/")+1:] }

// others are the candidates that are not the owner, each once.
func others(owner Candidate, all []Candidate) []Candidate {
	slices.SortStableFunc(all, func(a, b Candidate) int { return b.Confidence - a.Confidence })
	var out []Candidate
	for _, c := range all {
		known := func(o Candidate) bool { return same(o, c) }
		if !known(owner) && !slices.ContainsFunc(out, known) && len(out) < 5 {
			out = append(out, c)
		}
	}
	return out
}

// Fault is what is wrong with the settings.
type Fault struct {
	Field   string // such as "chain[2].owners[0].owner"
	Message string // with the mend
}

// Check lists what is wrong with the settings, in their order.
func (s Settings) Check() []Fault {
	var out []Fault
	fault := func(field, format string, args ...any) { out = append(out, Fault{field, fmt.Sprintf(format, args...)}) }
	if s.Bar > 100 {
		fault("bar", "%d is more than 100, and then nobody is ever sure enough: use 0 to 100, or less than 0 for no triage", s.Bar)
	}
	seen := map[Source]bool{}
	for i, link := range s.Chain {
		field := fmt.Sprintf("chain[%d]", i)
		link.check(field, fault)
		if seen[link.Source] {
			fault(field+".source", "%q is in the chain twice: put what both say into one", link.Source)
		}
		if seen[link.Source] = true; link.Source == Default && i < len(s.Chain)-1 {
			fault(field+".source", "the default is not the last of the chain, so that what follows is never asked: put it last")
		}
	}
	keys := make([]string, 0, len(s.People))
	for key := range s.People {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		checkName(s.People[key], "people", fault)
	}
	return out
}

func (l Link) check(field string, fault func(field, format string, args ...any)) {
	switch l.Source {
	case Map, Accounts:
		if len(l.Owners) == 0 {
			fault(field+".owners", "there are none: give patterns with their owners")
		}
	case Tags:
		if len(l.Tags) == 0 {
			fault(field+".tags", "there are none: name the tags that hold an owner, such as team")
		}
	case Default:
		checkName(l.Owner, field+".owner", fault)
	case Code, CodeOwners, Authors:
	default:
		fault(field+".source", "%.40q is no source of owners: use map, tags, accounts, code, codeowners, authors or default", l.Source)
	}
	for i, m := range l.Owners {
		if strings.TrimSpace(m.Pattern) == "" {
			fault(fmt.Sprintf("%s.owners[%d].pattern", field, i), "it is empty, and fits nothing: use * for everything")
		}
		checkName(m.Owner, fmt.Sprintf("%s.owners[%d].owner", field, i), fault)
	}
}

func checkName(name, field string, fault func(field, format string, args ...any)) {
	if HoldsAddress(name) {
		fault(field, "it is an e-mail address, which is not copied into issues: use a team, @user or @group/subgroup")
		return
	}
	if _, ok := read(name); !ok {
		fault(field, "%.40q is no name of an owner: use a team, @user or @group/subgroup", name)
	}
}
