package owner

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"cxm/internal/finding"
	"cxm/internal/rule/owner/codeowners"
	"cxm/internal/rule/owner/terraform"
)

// Evidence is what is known of a finding and of the code behind its resource. What
// is empty is not known.
type Evidence struct {
	Resource   []string // every spelling of the resource, and its name
	Accounts   []string // ids and names of its account, the closest first
	Tags       map[string]string
	Place      Place
	CodeOwners []codeowners.Match // what CODEOWNERS says of Place.File
	Authors    []Author           // who changed Place.File, whoever did most first
}

// Author is somebody who changed a file of late.
type Author struct {
	Username string    // of GitLab, without @; empty: not known there
	Name     string    // as the commits have it; shown when nothing better is known
	Email    string    // as the commits have it; never shown, but People may map it
	Commits  int       // of those that were looked at
	Of       int       // how many those were
	Last     time.Time // of the newest
}

// Of is what a finding itself says. Where its code is has to be found out.
func Of(f *finding.Finding) Evidence {
	return Evidence{
		Resource: present(append([]string{f.ResourceID, f.Canonical(), f.ResourceName}, f.ResourceAliases...)...),
		Accounts: present(f.SubAccountID, f.SubAccountName, f.BillingAccountID),
		Tags:     f.Tags,
	}
}

func present(texts ...string) []string {
	var out []string
	for _, text := range texts {
		if text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// Place is where the code is that declares a resource.
type Place struct {
	Repository string // with the group or organisation: "acme/infra"
	File       string // from the root of the repository, clean; empty: not known
	Line       int    // 0: not known
	Commit     string // hexadecimal: the last that changed the block
	Address    string // of Terraform: "module.db.aws_ebs_volume.data[0]"
	Trace      string // Yor's id of the block
	Modifier   string // who changed the block last, as Yor wrote it: never shown, but People may map it
}

var (
	hexadecimal = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
	traceForm   = regexp.MustCompile(`^[0-9A-Za-z\-]{1,64}$`)
	partForm    = regexp.MustCompile(`^[0-9A-Za-z_.\-]+(/[0-9A-Za-z_.\-]+)*$`)
)

// Yor reads the tags that Yor puts on what it finds in code (yor.io). Prefix is
// what it was told to put before their names. What is not what Yor writes is left
// out: a path that leaves the repository, or one that a cloud took the signs out of
// (Google's labels have neither dots nor slashes).
func Yor(tags map[string]string, prefix string) Place {
	given := func(name string) string { return strings.TrimSpace(tag(tags, prefix+name)) }
	p := Place{Modifier: given("git_last_modified_by")}
	if org, repo := given("git_org"), given("git_repo"); partForm.MatchString(org) && partForm.MatchString(repo) && !strings.Contains(org+"/"+repo, "..") {
		p.Repository = org + "/" + repo
	}
	if file := given("git_file"); strings.Contains(file, ".") && within(file) {
		p.File = file
	}
	if commit := strings.ToLower(given("git_commit")); hexadecimal.MatchString(commit) {
		p.Commit = commit
	}
	if trace := given("yor_trace"); traceForm.MatchString(trace) {
		p.Trace = trace
	}
	return p
}

// Declared is what Terraform knows of where a resource's code is: its address, and
// what Yor's tags in the state say.
func Declared(r terraform.Resource, prefix string) Place {
	p := Yor(r.Tags, prefix)
	p.Address = r.Address
	return p
}

// tag is the value of a tag, letter case of its name aside.
func tag(tags map[string]string, name string) string {
	if value, ok := tags[name]; ok {
		return value
	}
	key, found := "", ""
	for k, value := range tags {
		if strings.EqualFold(k, name) && (key == "" || k < key) {
			key, found = k, value
		}
	}
	return found
}

// within says that a path is one within a repository, as git would write it.
func within(file string) bool {
	return file != "" && len(file) <= 1024 && file == path.Clean(file) && !path.IsAbs(file) && file != "." &&
		file != ".." && !strings.HasPrefix(file, "../") && !strings.ContainsFunc(file, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' })
}

// finder asks the links of the chain.
type finder struct {
	names    people
	evidence Evidence
	unused   []string
}

// ask is whom a link knows, its own answer first.
func (f *finder) ask(l Link) []Candidate {
	switch l.Source {
	case Map:
		return f.mapped(l, f.evidence.Resource, SureMap, "the map of owners names %s")
	case Tags:
		return f.tagged(l)
	case Accounts:
		return f.mapped(l, f.evidence.Accounts, SureAccount, "it is in account %s")
	case Code:
		return f.coded(l)
	case CodeOwners:
		return f.codeOwners()
	case Authors:
		return f.authors()
	case Default:
		if n, ok := read(l.Owner); ok {
			return []Candidate{{n.name, n.kind, Default, "nothing surer is known, and this is who is asked then", SureDefault}}
		}
	}
	return nil
}

func (f *finder) leave(format string, args ...any) {
	if len(f.unused) < 10 {
		f.unused = append(f.unused, fmt.Sprintf(format, args...))
	}
}

// mapped is the first mapping that fits one of the texts.
func (f *finder) mapped(l Link, texts []string, sure int, why string) []Candidate {
	for _, m := range l.Owners {
		for _, text := range texts {
			if !fits(m.Pattern, text) {
				continue
			}
			n, ok := read(m.Owner)
			if !ok {
				f.leave("what the settings map %s to: it is no name of an owner", shown(m.Pattern))
				break
			}
			return []Candidate{{n.name, n.kind, l.Source, fmt.Sprintf(why, shown(text)), sure}}
		}
	}
	return nil
}

// tagged is who the tags name, in the order that the settings name the tags in.
func (f *finder) tagged(l Link) []Candidate {
	var out []Candidate
	for _, name := range l.Tags {
		value := tag(f.evidence.Tags, name)
		found, why := f.names.in(value)
		if why != "" {
			f.leave("the tag %s: %s", shown(name), why)
		}
		for _, s := range found {
			c := Candidate{s.name, s.kind, Tags, "tag " + shown(name) + "=" + shown(value) + " on the resource", SureTag - min(30, 10*len(out))}
			if s.mapped {
				c.Why = "tag " + shown(name) + " on the resource, which the settings map to " + s.name
			}
			out = append(out, c)
		}
	}
	return out
}

// coded is whom the settings name for the repository or the file, and who changed
// the block last.
func (f *finder) coded(l Link) []Candidate {
	p := f.evidence.Place
	var texts []string
	if p.Repository != "" {
		if p.File != "" {
			texts = append(texts, p.Repository+"/"+p.File)
		}
		texts = append(texts, p.Repository)
	}
	out := f.mapped(l, texts, SureRepository, "its code is in %s")
	if p.Modifier == "" {
		return out
	}
	if n, ok := f.names.find(p.Modifier); ok {
		return append(out, Candidate{n.name, n.kind, Code, "they changed its block in " + file(p) + " last, as Yor's tags say", SureModifier})
	}
	f.leave("who changed the code last, as Yor's tags say: an e-mail address is not copied into issues; the settings can map it to a name")
	return out
}

func file(p Place) string {
	if p.File == "" {
		return "its file"
	}
	return shown(p.File)
}

// codeOwners is whom CODEOWNERS names: sections with a pattern for the file before
// optional ones, and those before patterns for every file.
func (f *finder) codeOwners() []Candidate {
	var out []Candidate
	for _, m := range f.evidence.CodeOwners {
		sure := SureFile
		switch {
		case m.All:
			sure = SureEveryFile
		case m.Optional:
			sure = SureOptional
		}
		why := fmt.Sprintf("CODEOWNERS of %s line %d", file(f.evidence.Place), m.Line)
		if m.Section != "" {
			why += ", section [" + shown(m.Section) + "]"
		}
		n := 0
		for _, o := range m.Owners {
			if c, ok := f.codeOwner(o, why); ok {
				c.Confidence = sure - min(30, 10*n)
				out = append(out, c)
				n++
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Candidate) int { return b.Confidence - a.Confidence })
	return out
}

func (f *finder) codeOwner(o codeowners.Owner, why string) (Candidate, bool) {
	switch o.Kind {
	case codeowners.Role:
		f.leave("%s: a role (@@%s) is nobody by name", why, shown(o.Name))
		return Candidate{}, false
	case codeowners.Email:
		n, ok := f.names.find(o.Name)
		if !ok {
			f.leave("%s: an e-mail address is not copied into issues; the settings can map it to a name", why)
		}
		return Candidate{Name: n.name, Kind: n.kind, Source: CodeOwners, Why: why}, ok
	}
	n, ok := f.names.find("@" + o.Name)
	if !ok {
		n, ok = read("@" + o.Name)
	}
	return Candidate{Name: n.name, Kind: n.kind, Source: CodeOwners, Why: why}, ok
}

// authors are who changed the file of late.
func (f *finder) authors() []Candidate {
	var out []Candidate
	for _, a := range f.evidence.Authors {
		n, ok := f.author(a)
		if !ok {
			f.leave("an author of %s: neither GitLab nor the settings know a name for the e-mail address of the commits, and it is not copied into issues", file(f.evidence.Place))
			continue
		}
		sure := SureSome
		if 2*a.Commits > a.Of && n.kind != Person {
			sure = SureAuthor
		}
		why := fmt.Sprintf("%d of the newest %d commits to %s are theirs", a.Commits, a.Of, file(f.evidence.Place))
		out = append(out, Candidate{n.name, n.kind, Authors, why, sure})
	}
	return out
}

func (f *finder) author(a Author) (named, bool) {
	for _, text := range []string{a.Email, a.Name, a.Username} {
		if n, ok := f.names.find(text); ok && text != "" {
			return n, true
		}
	}
	if n, ok := read("@" + a.Username); ok {
		return n, true
	}
	n, ok := read(a.Name)
	return named{n.name, Person}, ok && n.kind == Team
}
