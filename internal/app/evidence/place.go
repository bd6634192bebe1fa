package evidence

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"cxm/internal/finding"
	"cxm/internal/rule/owner"
	"cxm/internal/rule/owner/terraform"
	"cxm/internal/store/declared"
)

// place is where the code is that declares a finding's resource, as far as its tags
// and the states say.
type place struct {
	owner.Place
	host   string // of the repository; empty: the integration's instance
	folder string // where the file is to be looked for; empty: it is known, or nobody knows
	block  string // "type.name" to look for
}

// locate finds out where the code is. Why says what is missing; empty: nothing is.
func (w *Witness) locate(ctx context.Context, f *finding.Finding, prefix string) (p place, why string, err error) {
	p.Place = owner.Yor(f.Tags, prefix)
	if p.Repository != "" && p.File != "" {
		return p, "", nil
	}
	state, why, err := w.declares(ctx, f)
	if err != nil || why != "" {
		return p, why, err
	}
	p, why = p.in(state, prefix)
	return p, why, nil
}

// declares is the state's resource that the finding is about. A name that states
// give to different code is nobody's.
func (w *Witness) declares(ctx context.Context, of *finding.Finding) (f declared.Found, why string, err error) {
	names := namesOf(of)
	all, err := w.find(ctx, names)
	if err != nil {
		return f, "", err
	}
	for _, name := range names {
		found := all[name]
		if len(found) == 0 {
			continue
		}
		if slices.ContainsFunc(found[1:], func(o declared.Found) bool { return !sameSpot(o, found[0]) }) {
			why = fmt.Sprintf("the states %s and %s have different code for %s", found[0].State.Name, found[1].State.Name, name)
			continue
		}
		return found[0], "", nil
	}
	if why == "" {
		why = "where its code is: neither tags of Yor nor a state of Terraform say it (`cxm code add` gives one)"
	}
	return f, why, nil
}

// find looks names up in the states, if there are any.
func (w *Witness) find(ctx context.Context, names []string) (map[string][]declared.Found, error) {
	now := w.clock()
	w.mu.Lock()
	none := now.Sub(w.stateless).Abs() < remembered
	w.mu.Unlock()
	if none {
		return nil, nil
	}
	states, err := w.kept.States(ctx)
	if err != nil {
		return nil, err
	}
	if len(states) > 0 {
		return w.kept.Find(ctx, names)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stateless = now
	return nil, nil
}

// namesOf are the names by which a state may know the resource, the surest first.
// What people call it is none: many resources are called "main".
func namesOf(f *finding.Finding) []string {
	var out []string
	for _, name := range append([]string{f.ResourceID, f.Canonical()}, f.ResourceAliases...) {
		if name = strings.ToLower(name); name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func sameSpot(a, b declared.Found) bool {
	return a.State.Host == b.State.Host && a.State.Repository == b.State.Repository && a.State.Folder == b.State.Folder && a.Spot.Address == b.Spot.Address
}

// in is the place with what a state says of it.
func (p place) in(f declared.Found, prefix string) (at place, why string) {
	known := owner.Declared(terraform.Resource{Address: f.Spot.Address, Tags: f.Spot.Tags}, prefix)
	p.Address = known.Address
	p.Repository = cmp.Or(p.Repository, known.Repository, f.State.Repository)
	p.File = cmp.Or(p.File, known.File)
	if !strings.EqualFold(p.Repository, f.State.Repository) {
		return p, ""
	}
	p.host = f.State.Host
	if p.File != "" {
		return p, ""
	}
	p.folder, why = folderOf(f)
	p.block = f.Spot.Type + "." + f.Spot.Label
	return p, why
}

// folderOf is the folder of the resource's module, from the root of the repository.
func folderOf(f declared.Found) (folder, why string) {
	module := f.Spot.Folder
	switch {
	case module == "" && f.Spot.Module == "":
		module = "."
	case module == "":
		return "", fmt.Sprintf("the file of %s: its state does not say in which folder %s is (`terraform show -json` of a plan does)", f.Spot.Address, f.Spot.Module)
	}
	folder = path.Join(f.State.Folder, module)
	if path.IsAbs(folder) || folder == ".." || strings.HasPrefix(folder, "../") {
		return "", fmt.Sprintf("the file of %s: its module is outside of %s", f.Spot.Address, f.State.Repository)
	}
	return folder, ""
}

// here is the path by which the integration's instance knows the repository; why
// says that it is elsewhere.
func (w *Witness) here(p place) (repository, why string) {
	if len(p.Repository) > longest || len(p.File) > longest || len(p.folder) > longest {
		return "", "CODEOWNERS and authors: the path of its code is longer than any in GitLab"
	}
	if p.host == "" {
		return strings.ToLower(p.Repository), ""
	}
	instance, err := url.Parse(w.in.URL)
	if err != nil || !strings.EqualFold(instance.Host, p.host) {
		return "", fmt.Sprintf("CODEOWNERS and authors of %s: it is on %s, and this integration can ask %s alone", p.Repository, p.host, strings.TrimPrefix(w.in.URL, "https://"))
	}
	root := strings.ToLower(strings.Trim(instance.Path, "/"))
	return strings.TrimPrefix(strings.ToLower(p.Repository), root+"/"), ""
}
