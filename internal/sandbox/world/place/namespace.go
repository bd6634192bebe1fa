package place

import (
	"regexp"
	"sort"
	"strings"
	"time"

	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/refuse"
)

// Namespace is a group or a user's personal namespace; both share their ids.
type Namespace struct {
	ID, ParentID int64 // ParentID 0: top level
	UserID       int64 // the owner of a personal namespace; 0 for a group
	Name, Path   string
	Description  string
	Visibility   Visibility
	CreatedAt    time.Time
	Plan         Plan // of a top-level namespace
	Archived     bool
	DeletionOn   *time.Time // marked for deletion on this day; nil: not
	Members      Members

	RequireServiceExpiry bool // "Require expiration dates for service accounts"
}

// Group says whether the namespace is a group.
func (n *Namespace) Group() bool { return n.UserID == 0 }

// Tree is every namespace and project of the instance.
type Tree struct {
	clock      func() time.Time
	namespaces map[int64]*Namespace
	projects   map[int64]*Project
	redirects  map[string]int64 // lower-case old full path → project id
	paths      map[string]int64 // lower-case full path → project id
	plan       Plan
	nsID, pID  int64
}

// NewTree makes an empty tree. plan is the tier that new top-level namespaces get.
func NewTree(clock func() time.Time, plan Plan) *Tree {
	return &Tree{
		clock: clock, namespaces: map[int64]*Namespace{}, projects: map[int64]*Project{},
		redirects: map[string]int64{}, paths: map[string]int64{}, plan: plan,
	}
}

var validPath = regexp.MustCompile(`^[a-zA-Z0-9_.][a-zA-Z0-9_.-]*$`)

const badPath = "can contain only letters, digits, '_', '-' and '.'. Cannot start with '-', end in '.git' or end in '.atom'"

func checkPath(path string) error {
	if path == "" {
		return refuse.Invalidly("path", "can't be blank")
	}
	if !validPath.MatchString(path) || strings.HasSuffix(path, ".git") || strings.HasSuffix(path, ".atom") {
		return refuse.Invalidly("path", badPath)
	}
	return nil
}

// AddPersonal gives a user their personal namespace.
func (t *Tree) AddPersonal(u *people.User) *Namespace {
	n := t.addNamespace(&Namespace{UserID: u.ID, Name: u.Name, Path: u.Username, Visibility: Public})
	u.NamespaceID = n.ID
	return n
}

func (t *Tree) addNamespace(n *Namespace) *Namespace {
	t.nsID++
	n.ID, n.CreatedAt, n.Members, n.Plan = t.nsID, t.clock(), Members{}, t.plan
	n.RequireServiceExpiry = true
	t.namespaces[n.ID] = n
	return n
}

// AddGroup makes a group under parent (nil: top level) owned by its creator.
func (t *Tree) AddGroup(by *people.User, parent *Namespace, n Namespace) (*Namespace, error) {
	if strings.TrimSpace(n.Name) == "" {
		return nil, refuse.Invalidly("name", "can't be blank")
	}
	if err := checkPath(n.Path); err != nil {
		return nil, err
	}
	if parent != nil {
		n.ParentID = parent.ID
	}
	if t.takenIn(n.ParentID, n.Path) {
		return nil, refuse.BadAs("Failed to save group {:path=>[\"has already been taken\"]}")
	}
	if n.Visibility == "" {
		n.Visibility = Private
	}
	made := t.addNamespace(&n)
	made.Members[by.ID] = &Member{UserID: by.ID, Role: Owner, CreatedAt: made.CreatedAt, CreatedBy: by.ID}
	return made, nil
}

// takenIn says whether a path is used under a parent, by a group or a project.
func (t *Tree) takenIn(parentID int64, path string) bool {
	for _, n := range t.namespaces {
		if n.ParentID == parentID && strings.EqualFold(n.Path, path) {
			return true
		}
	}
	for _, p := range t.projects {
		if p.NamespaceID == parentID && strings.EqualFold(p.Path, path) {
			return true
		}
	}
	return false
}

// Namespace gives the namespace with an id, or nil.
func (t *Tree) Namespace(id int64) *Namespace { return t.namespaces[id] }

// Namespaces gives every namespace that keep accepts, by id.
func (t *Tree) Namespaces(keep func(*Namespace) bool) []*Namespace {
	var out []*Namespace
	for _, n := range t.namespaces {
		if keep(n) {
			out = append(out, n)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// ByPath gives the namespace at a full path: exact case first, then any case.
// Old paths of groups lead nowhere.
func (t *Tree) ByPath(full string) *Namespace {
	var folded *Namespace
	for _, n := range t.namespaces {
		switch path := t.FullPath(n); {
		case path == full:
			return n
		case strings.EqualFold(path, full):
			folded = n
		}
	}
	return folded
}

// FullPath gives "top/sub/leaf".
func (t *Tree) FullPath(n *Namespace) string {
	if n.ParentID == 0 {
		return n.Path
	}
	return t.FullPath(t.namespaces[n.ParentID]) + "/" + n.Path
}

// FullName gives "Top / Sub / Leaf".
func (t *Tree) FullName(n *Namespace) string {
	if n.ParentID == 0 {
		return n.Name
	}
	return t.FullName(t.namespaces[n.ParentID]) + " / " + n.Name
}

// Lineage gives a namespace and its ancestors, nearest first.
func (t *Tree) Lineage(n *Namespace) []*Namespace {
	var out []*Namespace
	for ; n != nil; n = t.namespaces[n.ParentID] {
		out = append(out, n)
	}
	return out
}

// Within says whether n is root or lies under it.
func (t *Tree) Within(n, root *Namespace) bool {
	for ; n != nil; n = t.namespaces[n.ParentID] {
		if n == root {
			return true
		}
	}
	return false
}

// PlanOf gives the tier of a namespace: its top-level ancestor's.
func (t *Tree) PlanOf(n *Namespace) Plan {
	line := t.Lineage(n)
	return line[len(line)-1].Plan
}

// RenameGroup gives a group another path; its projects keep redirects from
// their old paths, the group itself does not.
func (t *Tree) RenameGroup(n *Namespace, path string) error {
	if err := checkPath(path); err != nil {
		return err
	}
	if !strings.EqualFold(n.Path, path) && t.takenIn(n.ParentID, path) {
		return refuse.Invalidly("path", "has already been taken")
	}
	t.rehome(func() { n.Path = path })
	return nil
}

// rehome applies a change of paths and keeps a redirect from each old one.
func (t *Tree) rehome(change func()) {
	before := map[int64]string{}
	for id, p := range t.projects {
		before[id] = t.ProjectPath(p)
	}
	change()
	t.paths = make(map[string]int64, len(t.projects))
	for id, p := range t.projects {
		now := t.ProjectPath(p)
		t.paths[strings.ToLower(now)] = id
		delete(t.redirects, strings.ToLower(now))
		if old := before[id]; old != now && !strings.EqualFold(old, now) {
			t.redirects[strings.ToLower(old)] = id
		}
	}
}

// DeleteGroup removes a group with all that lies under it, and gives the
// projects that went with it.
func (t *Tree) DeleteGroup(n *Namespace) []*Project {
	var gone []*Project
	for _, p := range t.Projects(func(p *Project) bool { return t.Within(t.namespaces[p.NamespaceID], n) }) {
		t.DeleteProject(p)
		gone = append(gone, p)
	}
	for _, sub := range t.Namespaces(func(s *Namespace) bool { return t.Within(s, n) }) {
		delete(t.namespaces, sub.ID)
	}
	return gone
}
