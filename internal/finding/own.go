package finding

import (
	"fmt"
	"strconv"
	"strings"
)

// OwnSystem is the SourceSystem of findings about cxm itself.
const OwnSystem = "cxm"

// BacklogRule is the SourceRuleID of the findings that tell of what waits for its
// turn in one project (see BacklogOf). No source but cxm may use it.
const BacklogRule = "cxm.backlog.digest"

// Backlog is what a finding of BacklogRule is about: what waits in one project of
// one integration.
type Backlog struct{ Integration, Project int64 }

// Resource is the ResourceID of its finding in an installation.
func (b Backlog) Resource(installation string) string {
	return fmt.Sprintf("cxm/%s/integration/%d/project/%d", installation, b.Integration, b.Project)
}

// Key is the key of its finding in an installation.
func (b Backlog) Key(installation string) Key {
	return NewKey("cxm", BacklogRule, installation, strconv.FormatInt(b.Integration, 10), strconv.FormatInt(b.Project, 10))
}

// BacklogOf says what a finding tells of the backlog of; not ok: it is about
// something else.
func BacklogOf(f *Finding) (b Backlog, ok bool) {
	if f.SourceRuleID != BacklogRule || f.SourceSystem != OwnSystem {
		return b, false
	}
	parts := strings.Split(f.ResourceID, "/")
	if len(parts) != 6 {
		return b, false
	}
	var bad, worse error
	b.Integration, bad = strconv.ParseInt(parts[3], 10, 64)
	b.Project, worse = strconv.ParseInt(parts[5], 10, 64)
	return b, bad == nil && worse == nil && b.Project > 0
}
