package issue

import (
	"cxm/internal/issue/backlog"
	"cxm/internal/rule"
)

// waiting is what the finding of a group says of what waits in a project; nil: it
// is about something else, or cannot be read and is shown as any other.
func waiting(g rule.Group) *backlog.List {
	if _, ok := g.Backlog(); !ok {
		return nil
	}
	list, err := backlog.Decode(g.Members[0].Finding.Description)
	if err != nil {
		return nil
	}
	return &list
}
