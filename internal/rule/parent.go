package rule

import "cxm/internal/finding"

// Child is a group that stands beneath a parent's: the parent's issue lists the
// issue of each.
type Child struct {
	Group   GroupKey
	Members []finding.Key        // of the parent's members, those that are in it; sorted, at least one
	Issues  map[int64]ChildIssue // that speaks for it, by the number of the integration; none: it was not made so far
}

// ChildIssue is an issue beneath a parent's, as it was last seen.
type ChildIssue struct {
	Project int64 // by its number
	IID     int64
	URL     string // as the tracker gave it; empty: not known
	Closed  bool
	Lost    bool // it could not be seen when it was last asked for
}

// Made is how many of the groups beneath have an issue in an integration, and
// which have none.
func (g Group) Made(integration int64) (made int, not []GroupKey) {
	for _, c := range g.Children {
		if _, ok := c.Issues[integration]; ok {
			made++
		} else {
			not = append(not, c.Group)
		}
	}
	return made, not
}

// Parent says that the group of the assignment stands over another one.
func (a Assignment) Parent() bool { return a.Child != "" }
