package plan

import (
	"strings"

	"cxm/internal/issue"
)

// maxDescription is how many bytes GitLab takes by default
// (docs.gitlab.com/api/issues).
const maxDescription = 1 << 20

// fitted is the description with cxm's block in it. Where people left no room for
// the block, one line says so in its place; where there is no room for that either,
// or people ticked lines of a list in it, the description stays as it is (ok is
// false), and the title, the labels and the state are still kept true.
func (d *decider) fitted(t *issue.Tracked, own issue.Block, status string) (text string, ok bool) {
	own.Marker.Group = d.Group.Key // it may have been another group's
	whole := d.Want.Ticked(own.Text)
	text, err := issue.Splice(t.Observed.Description, t.Nonce, whole.Block(own.Marker, status))
	if err == nil && len(text) > maxDescription && issue.Unticked(own.Text) == own.Text {
		whole.Body = issue.Crowded
		text, err = issue.Splice(t.Observed.Description, t.Nonce, whole.Block(own.Marker, status))
	}
	return text, err == nil && text != t.Observed.Description && len(text) <= maxDescription
}

// crowded says that the block tells of the lack of room: there may be some by now.
func crowded(block string) bool { return strings.Contains(block, issue.Crowded) }
