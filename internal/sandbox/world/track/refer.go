package track

import (
	"strconv"
	"strings"
)

// Refer finds the issue that "#12", "group/project#12" or an issue's URL names.
func (t *Tracker) Refer(from int64, ref string) *Issue {
	ref = strings.TrimSpace(ref)
	for _, middle := range []string{"/-/issues/", "/-/work_items/"} {
		if at := strings.Index(ref, middle); at >= 0 {
			path, iid := ref[:at], ref[at+len(middle):]
			if scheme := strings.Index(path, "://"); scheme >= 0 {
				_, path, _ = strings.Cut(path[scheme+3:], "/")
			}
			ref = path + "#" + iid
		}
	}
	path, number, ok := strings.Cut(ref, "#")
	iid, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil {
		return nil
	}
	if path != "" {
		p, _ := t.places.ProjectAt(path)
		if p == nil {
			return nil
		}
		from = p.ID
	}
	return t.ByIID(from, iid)
}
