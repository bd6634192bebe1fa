package place

import (
	"sort"
	"strings"
	"time"

	"cxm/internal/sandbox/world/refuse"
)

// Project is one project.
type Project struct {
	ID, NamespaceID int64
	Name, Path      string
	Description     *string
	Visibility      Visibility
	DefaultBranch   string // "" while the repository is empty
	Topics          []string
	Archived        bool
	IssuesAccess    string // "enabled", "private" (members only) or "disabled"
	CreatorID       int64
	CreatedAt       time.Time
	UpdatedAt       time.Time
	LastActivityAt  time.Time
	DeletionOn      *time.Time // pending deletion on this day; nil: not
	Members         Members
	HasReadme       bool
}

// Writable says whether the project still takes changes: neither archived nor
// pending deletion.
func (p *Project) Writable() bool { return !p.Archived && p.DeletionOn == nil }

// IssuesEnabled says whether the project has issues at all.
func (p *Project) IssuesEnabled() bool { return p.IssuesAccess != "disabled" }

// AddProject makes a project in a namespace. creatorID becomes its Owner unless
// the namespace already gives that role.
func (t *Tree) AddProject(in *Namespace, creatorID int64, p Project) (*Project, error) {
	if strings.TrimSpace(p.Name) == "" {
		p.Name = p.Path
	}
	if p.Path == "" {
		p.Path = Slug(p.Name)
	}
	if err := checkPath(p.Path); err != nil {
		return nil, err
	}
	if t.takenIn(in.ID, p.Path) {
		return nil, &refuse.Refusal{Kind: refuse.Invalid, Fields: []refuse.Field{
			{Name: "project_namespace.name", Messages: []string{"has already been taken"}},
			{Name: "name", Messages: []string{"has already been taken"}},
			{Name: "path", Messages: []string{"has already been taken"}},
		}}
	}
	return t.place(in, creatorID, p), nil
}

func (t *Tree) place(in *Namespace, creatorID int64, p Project) *Project {
	t.pID++
	now := t.clock()
	p.ID, p.NamespaceID, p.CreatorID, p.Members = t.pID, in.ID, creatorID, Members{}
	p.CreatedAt, p.UpdatedAt, p.LastActivityAt = now, now, now
	if p.Visibility == "" {
		p.Visibility = Private
	}
	if p.IssuesAccess == "" {
		p.IssuesAccess = "enabled"
	}
	made := &p
	t.projects[p.ID] = made
	t.paths[strings.ToLower(t.ProjectPath(made))] = p.ID
	delete(t.redirects, strings.ToLower(t.ProjectPath(made)))
	if t.inherited(in, creatorID) < Owner {
		p.Members[creatorID] = &Member{UserID: creatorID, Role: Owner, CreatedAt: now, CreatedBy: creatorID}
	}
	return made
}

// Slug makes a path of a name, as GitLab's Gitlab::Slug does for plain names.
func Slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.TrimSpace(name)) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '.', r == '-':
			b.WriteRune(r)
		default:
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-.")
}

// Project gives the project with an id, or nil.
func (t *Tree) Project(id int64) *Project { return t.projects[id] }

// Projects gives every project that keep accepts, by id.
func (t *Tree) Projects(keep func(*Project) bool) []*Project {
	var out []*Project
	for _, p := range t.projects {
		if keep(p) {
			out = append(out, p)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// ProjectAt gives the project at a full path in any case; moved says that the
// path is one the project used to have.
func (t *Tree) ProjectAt(full string) (p *Project, moved bool) {
	key := strings.ToLower(full)
	if p := t.projects[t.paths[key]]; p != nil {
		return p, false
	}
	p = t.projects[t.redirects[key]]
	return p, p != nil
}

// ProjectPath gives "group/sub/project".
func (t *Tree) ProjectPath(p *Project) string {
	return t.FullPath(t.namespaces[p.NamespaceID]) + "/" + p.Path
}

// ProjectName gives "Group / Sub / Project".
func (t *Tree) ProjectName(p *Project) string {
	return t.FullName(t.namespaces[p.NamespaceID]) + " / " + p.Name
}

// RenameProject gives a project another path and keeps a redirect from the old one.
func (t *Tree) RenameProject(p *Project, path string) error {
	if err := checkPath(path); err != nil {
		return err
	}
	if !strings.EqualFold(p.Path, path) && t.takenIn(p.NamespaceID, path) {
		return refuse.Invalidly("path", "has already been taken")
	}
	t.rehome(func() { p.Path = path })
	return nil
}

// Transfer moves a project to another namespace and keeps a redirect.
func (t *Tree) Transfer(p *Project, to *Namespace) error {
	if p.NamespaceID == to.ID {
		return refuse.BadAs("Project is already in this namespace.")
	}
	if t.takenIn(to.ID, p.Path) {
		return refuse.BadAs("Project with same name or path in target namespace already exists")
	}
	t.rehome(func() { p.NamespaceID = to.ID })
	return nil
}

// DeleteProject removes a project and every path that led to it.
func (t *Tree) DeleteProject(p *Project) {
	delete(t.projects, p.ID)
	for _, index := range []map[string]int64{t.paths, t.redirects} {
		for path, id := range index {
			if id == p.ID {
				delete(index, path)
			}
		}
	}
}

// Touched notes activity in a project.
func (t *Tree) Touched(p *Project) { p.LastActivityAt = t.clock() }
