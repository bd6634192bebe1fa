package issue

import (
	"strings"

	"cxm/internal/issue/inert"
)

// The sizes. GitLab's own limit is 1,048,576 bytes for the whole description
// (docs.gitlab.com/api/issues); people's text needs room beside the block.
const (
	maxBlock  = 200_000          // bytes of a block
	maxStatus = 2_000            // bytes of its status
	maxBody   = maxBlock - 4_000 // bytes of its body, so that status and markers fit
	maxTitle  = 255              // characters (Unicode code points), as GitLab counts
)

// Crowded is the body of a block that people's text left no room for.
const Crowded = "There is no room left in this description for what cxm has to say. Shorten the text around this block, and cxm writes it here again."

// Block is what stands in the description between the markers, them included:
// the status in one line, then the body. Status is a sentence of cxm's own and
// quotes nothing of a finding; empty leaves the line out.
func (d Desired) Block(m Marker, status string) string {
	var b strings.Builder
	b.Grow(len(d.Body) + len(status) + 200)
	b.WriteString(m.String())
	b.WriteString("\n\n")
	b.WriteString(statusLine(status))
	b.WriteString(d.Body)
	b.WriteString("\n\n" + endMarker)
	return b.String()
}

// statusLine is the line of the status with the empty one behind it; empty: none.
func statusLine(status string) string {
	status, _ = inert.CutBytes(strings.Join(strings.Fields(status), " "), maxStatus)
	if status == "" {
		return ""
	}
	return "**Status:** " + strings.ReplaceAll(status, "<!--", "&lt;!--") + "\n\n"
}

// Compose is the whole new issue: its description is the block alone.
func Compose(d Desired, m Marker, status string) Draft {
	return Draft{Title: d.Title, Description: d.Block(m, status), Labels: d.Labels, Given: d.Given}
}
