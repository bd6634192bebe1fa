package catalog

import (
	"regexp"
	"slices"
	"sort"
	"strings"

	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/refuse"
)

// DefaultColor is the colour of a label that was made by naming it.
const DefaultColor = "#6699cc"

var hexColor = regexp.MustCompile(`^#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$`)

// namedColor holds the CSS colour names people use most; GitLab stores their code.
func namedColor(name string) string {
	return map[string]string{
		"red": "#ff0000", "green": "#008000", "blue": "#0000ff", "yellow": "#ffff00", "orange": "#ffa500",
		"purple": "#800080", "black": "#000000", "white": "#ffffff", "gray": "#808080", "grey": "#808080",
		"brown": "#a52a2a", "pink": "#ffc0cb", "cyan": "#00ffff", "magenta": "#ff00ff", "lime": "#00ff00",
		"teal": "#008080", "navy": "#000080", "maroon": "#800000", "olive": "#808000", "silver": "#c0c0c0",
	}[strings.ToLower(name)]
}

// NormalColor gives a colour as "#rrggbb", or "" for what is none.
func NormalColor(color string) string {
	if named := namedColor(color); named != "" {
		return named
	}
	if !hexColor.MatchString(color) {
		return ""
	}
	if len(color) == 4 {
		r, g, b := color[1:2], color[2:3], color[3:4]
		return "#" + r + r + g + g + b + b
	}
	return color
}

// TextColor gives the colour that reads well on another, as GitLab chooses it.
func TextColor(color string) string {
	if len(color) != 7 {
		return "#FFFFFF"
	}
	light := 0
	for i := 1; i < 7; i += 2 {
		light += unhex(color[i])*16 + unhex(color[i+1])
	}
	if light > 500 {
		return "#1F1E24"
	}
	return "#FFFFFF"
}

func unhex(c byte) int {
	return strings.IndexByte("0123456789abcdef", strings.ToLower(string(c))[0])
}

// Home is where labels live: a project or a group.
type Home struct {
	Project *place.Project
	Group   *place.Namespace
}

func (h Home) owns(l *Label) bool {
	if h.Project != nil {
		return l.ProjectID == h.Project.ID
	}
	return l.GroupID == h.Group.ID
}

// groups gives the groups whose labels a home can use: its own line upward.
func (c *Catalog) groups(h Home) []int64 {
	n := h.Group
	if h.Project != nil {
		n = c.places.Namespace(h.Project.NamespaceID)
	}
	var out []int64
	for _, up := range c.places.Lineage(n) {
		out = append(out, up.ID)
	}
	return out
}

// Labels gives a home's labels, with its ancestor groups' when asked, by title.
func (c *Catalog) Labels(h Home, ancestors bool) []*Label {
	groups := c.groups(h)
	var out []*Label
	for _, l := range c.labels {
		if h.owns(l) || ancestors && l.GroupID != 0 && slices.Contains(groups, l.GroupID) {
			out = append(out, l)
		}
	}
	sortLabels(out)
	return out
}

func sortLabels(labels []*Label) {
	sort.Slice(labels, func(i, j int) bool {
		if a, b := labels[i].Title, labels[j].Title; a != b {
			return a < b
		}
		return labels[i].ID < labels[j].ID
	})
}

// LabelNamed gives the label with an exact title that a home can use, its own
// before its ancestors', or nil.
func (c *Catalog) LabelNamed(h Home, title string) *Label {
	var found *Label
	for _, l := range c.labels {
		if l.Title != title {
			continue
		}
		if h.owns(l) {
			return l
		}
		if l.GroupID != 0 && slices.Contains(c.groups(h), l.GroupID) {
			found = l
		}
	}
	return found
}

// LabelByID gives the label with an id if a home can use it, or nil.
func (c *Catalog) LabelByID(h Home, id int64) *Label {
	l := c.labels[id]
	if l == nil || !h.owns(l) && !slices.Contains(c.groups(h), l.GroupID) {
		return nil
	}
	return l
}

// Label gives the label with an id, or nil.
func (c *Catalog) Label(id int64) *Label { return c.labels[id] }

// AddLabel makes a label. A title that the home can use already is a Conflict.
func (c *Catalog) AddLabel(h Home, l Label) (*Label, error) {
	l.Title = strings.TrimSpace(l.Title)
	if c.LabelNamed(h, l.Title) != nil {
		return nil, refuse.Conflicting("Label already exists")
	}
	if err := checkLabel(&l); err != nil {
		return nil, err
	}
	return c.putLabel(h, l), nil
}

func checkLabel(l *Label) error {
	switch {
	case l.Title == "":
		return refuse.Invalidly("title", "can't be blank")
	case len([]rune(l.Title)) > 255:
		return refuse.Invalidly("title", "is too long (maximum is 255 characters)")
	case strings.Contains(l.Title, ","):
		return refuse.Invalidly("title", "is invalid")
	}
	color := NormalColor(l.Color)
	if color == "" {
		return refuse.Invalidly("color", "must be a valid color code")
	}
	l.Color = color
	return nil
}

func (c *Catalog) putLabel(h Home, l Label) *Label {
	c.labelID++
	l.ID, l.CreatedAt, l.UpdatedAt, l.subscribers = c.labelID, c.now(), c.now(), map[int64]bool{}
	if h.Project != nil {
		l.ProjectID = h.Project.ID
	} else {
		l.GroupID = h.Group.ID
	}
	c.labels[l.ID] = &l
	return &l
}

// ChangeLabel applies a change to a label if the result is valid.
func (c *Catalog) ChangeLabel(h Home, l *Label, change func(*Label)) error {
	next := *l
	change(&next)
	next.Title = strings.TrimSpace(next.Title)
	if next.Title != l.Title && c.LabelNamed(h, next.Title) != nil {
		return refuse.Invalidly("title", "has already been taken")
	}
	if err := checkLabel(&next); err != nil {
		return err
	}
	next.UpdatedAt = c.now()
	*l = next
	return nil
}

// DeleteLabel removes a label; whoever holds its id then finds none.
func (c *Catalog) DeleteLabel(l *Label) { delete(c.labels, l.ID) }

// Subscribe turns a user's subscription to a label on or off; false says that
// it was so already.
func (l *Label) Subscribe(userID int64, on bool) bool {
	if l.subscribers[userID] == on {
		return false
	}
	l.subscribers[userID] = on
	return true
}

// Subscribed says whether a user follows the label.
func (l *Label) Subscribed(userID int64) bool { return l.subscribers[userID] }

// Sorted gives the labels with these ids by title, without those that are gone.
func (c *Catalog) Sorted(ids []int64) []*Label {
	out := make([]*Label, 0, len(ids))
	for _, id := range ids {
		if l := c.labels[id]; l != nil {
			out = append(out, l)
		}
	}
	sortLabels(out)
	return out
}

// Scope gives the key of a scoped label, "" for a plain one.
func Scope(title string) string {
	at := strings.LastIndex(title, "::")
	if at <= 0 || at+2 == len(title) {
		return ""
	}
	return title[:at]
}

// Resolve turns titles into label ids. Unknown ones are made when create is
// set, otherwise dropped; commas have been split by the caller.
func (c *Catalog) Resolve(h Home, titles []string, create bool) []int64 {
	var ids []int64
	for _, title := range titles {
		title = strings.TrimSpace(title)
		if title == "" {
			continue
		}
		l := c.LabelNamed(h, title)
		if l == nil && create && len([]rune(title)) <= 255 {
			l = c.putLabel(h, Label{Title: title, Color: DefaultColor})
		}
		if l != nil && !slices.Contains(ids, l.ID) {
			ids = append(ids, l.ID)
		}
	}
	return ids
}

// Exclusive keeps, of the labels that share a scope, the one given last. The
// added ones count as later than the kept ones.
func (c *Catalog) Exclusive(ids []int64) []int64 {
	last := map[string]int64{}
	for _, id := range ids {
		if key := c.ScopeOf(id); key != "" {
			last[key] = id
		}
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool {
		key := c.ScopeOf(id)
		return key != "" && last[key] != id
	})
}

// ScopeOf gives the key of the label with an id, "" for a plain or missing one.
func (c *Catalog) ScopeOf(id int64) string {
	if l := c.labels[id]; l != nil {
		return Scope(l.Title)
	}
	return ""
}

// CanLabel says whether a user may make and change labels and milestones of a home.
func (c *Catalog) CanLabel(u *people.User, h Home) bool {
	if h.Project != nil {
		return c.places.Role(u, h.Project) >= place.Planner && h.Project.Writable()
	}
	return c.places.RoleIn(u, h.Group) >= place.Planner
}
