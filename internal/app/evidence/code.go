package evidence

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"

	"cxm/internal/rule/owner"
	"cxm/internal/rule/owner/terraform"
	"cxm/internal/store/db"
	"cxm/internal/store/declared"
)

// MostOfState is the largest state that is read, in bytes.
const MostOfState = terraform.Most

// Code is a state of Terraform that an admin gave, as it is kept.
type Code = declared.State

// GivenCode is what an admin says of a state of Terraform.
type GivenCode struct {
	Name       string // optional: the repository with the folder
	Repository string // as people paste it: its path, or its address in the browser or for git
	Folder     string // of the root module, from the root of the repository; optional: that itself
	By         string
}

// AddedCode is what was kept of a state.
type AddedCode struct {
	Code
	Unnamed int // resources that no name finds: they have none, or share it with others
}

// AddCode reads a state, or what `terraform show -json` prints of a state or a plan,
// and keeps of it where resources are declared, in place of what was kept under the
// name before. Errors never hold anything of the state.
func (a *Asker) AddCode(ctx context.Context, g GivenCode, text []byte) (AddedCode, error) {
	c, err := g.read()
	if err != nil {
		return AddedCode{}, err
	}
	state, err := terraform.Parse(text)
	if err != nil {
		return AddedCode{}, err
	}
	entries := entriesOf(state)
	c.Resources, c.At = len(entries), a.Clock().UTC()
	out := AddedCode{Code: c, Unnamed: len(state.Resources) - len(entries)}
	if len(entries) == 0 {
		return out, errors.New("the state names no resource of a cloud, and nothing was kept: give a state after `terraform apply`, or what `terraform show -json` prints of it")
	}
	return out, a.kept.Put(ctx, c, entries)
}

// Codes lists the states that were given, by name.
func (a *Asker) Codes(ctx context.Context) ([]Code, error) { return a.kept.States(ctx) }

// RemoveCode forgets a state.
func (a *Asker) RemoveCode(ctx context.Context, name string) error {
	err := a.kept.Remove(ctx, name)
	if errors.Is(err, db.ErrNotFound) {
		return fmt.Errorf("there is no state called %.100q: see `cxm code list`", name)
	}
	return err
}

// entriesOf are the resources of a state that a name finds.
func entriesOf(state *terraform.State) []declared.Entry {
	var out []declared.Entry
	for _, r := range state.Resources {
		e := declared.Entry{Spot: declared.Spot{Address: r.Address, Type: r.Type, Label: r.Name, Module: r.Module, Folder: r.Folder, Tags: r.Tags}}
		for _, id := range r.IDs {
			name := strings.ToLower(id)
			if found, ok := state.Find(id); ok && found.Address == r.Address && !slices.Contains(e.Names, name) {
				e.Names = append(e.Names, name)
			}
		}
		if len(e.Names) > 0 {
			out = append(out, e)
		}
	}
	return out
}

// read is what was said, as it is kept.
func (g GivenCode) read() (c Code, err error) {
	if c.Host, c.Repository, err = repositoryOf(g.Repository); err != nil {
		return c, err
	}
	if c.Folder, err = cleanFolder(g.Folder); err != nil {
		return c, err
	}
	c.By = g.By
	if c.Name = strings.TrimSpace(g.Name); c.Name == "" {
		c.Name = path.Join(c.Repository, c.Folder)
	}
	if len(c.Name) > 200 || strings.ContainsFunc(c.Name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return c, fmt.Errorf("--name %.40q: use up to 200 letters, digits and signs on one line", c.Name)
	}
	return c, nil
}

// cleanFolder is a folder of a repository as git would write it.
func cleanFolder(text string) (string, error) {
	folder := path.Clean(strings.ReplaceAll(strings.TrimSpace(text), `\`, "/"))
	if path.IsAbs(folder) || folder == ".." || strings.HasPrefix(folder, "../") || len(folder) > 1024 {
		return "", fmt.Errorf("--folder %.100q: give the folder of the root module from the root of the repository, such as envs/prod", text)
	}
	return folder, nil
}

// repositoryOf takes what people paste apart into the host, empty for none, and the
// path of a repository.
func repositoryOf(text string) (host, repository string, err error) {
	wrong := fmt.Errorf("--repository %.100q: give its path with the group, such as acme/infra, or its address", shownAddress(text))
	rest := strings.TrimSpace(text)
	if before, after, scp := strings.Cut(rest, ":"); scp && !strings.Contains(rest, "://") && strings.Contains(before, "@") { // git@host:path
		host, rest = before[strings.LastIndex(before, "@")+1:], after
	} else if strings.Contains(rest, "://") {
		u, bad := url.Parse(rest)
		if bad != nil || u.Host == "" {
			return "", "", wrong
		}
		if host = u.Host; u.Scheme != "https" && u.Scheme != "http" {
			host = u.Hostname() // the port is that of git's own protocols
		}
		rest = u.Path
	}
	rest, _, _ = strings.Cut(rest, "/-/")
	rest = strings.TrimSuffix(strings.Trim(rest, "/"), ".git")
	if p := owner.Yor(map[string]string{"git_org": path.Dir(rest), "git_repo": path.Base(rest)}, ""); p.Repository != rest {
		return "", "", wrong
	}
	return strings.ToLower(host), rest, nil
}

// shownAddress is an address without the password that may be in it.
func shownAddress(text string) string {
	if at := strings.LastIndex(text, "@"); at >= 0 {
		return "…" + text[at:]
	}
	return text
}
