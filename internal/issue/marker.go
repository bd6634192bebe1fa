package issue

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"cxm/internal/rule"
)

// Marker says whose a block is. It counts only when its nonce is one that this
// installation issued for this very issue: a description copied by cloning,
// moving or quoting carries the text of a marker but not the right to it.
type Marker struct {
	Installation string        // which cxm wrote it: 16 hex digits
	Group        rule.GroupKey // what the issue is about
	Nonce        string        // which create it belongs to: 26 lower-case letters and digits
}

const endMarker = "<!-- cxm:end -->"

var beginMarker = regexp.MustCompile(`<!-- cxm:begin v1 i=([0-9a-f]{16}) g=([0-9a-f]{32}) n=([0-9a-z]{26}) -->`)

// String is the hidden line that opens the block. The nonce is one word for
// GitLab's search (alphanumeric, no punctuation inside).
func (m Marker) String() string {
	return fmt.Sprintf("<!-- cxm:begin v1 i=%s g=%s n=%s -->", m.Installation, strings.TrimPrefix(string(m.Group), "g1:"), m.Nonce)
}

// Block is a marked region found in a description.
type Block struct {
	Marker     Marker
	Start, End int    // byte offsets in the description, markers included
	Text       string // description[Start:End]
}

// Blocks finds the marked regions of a description, in order. People delete
// lines: a begin whose end is gone, or stands behind the next begin, marks no
// region, since nobody can say any more which of the text behind it is cxm's.
// So regions never overlap or lie in one another, and an end without a begin
// means nothing.
func Blocks(description string) []Block {
	var blocks []Block
	for _, at := range beginMarker.FindAllStringSubmatchIndex(description, -1) {
		rest := description[at[1]:]
		length := strings.Index(rest, endMarker)
		if next := beginMarker.FindStringIndex(rest); length < 0 || next != nil && next[0] < length {
			continue
		}
		end := at[1] + length + len(endMarker)
		blocks = append(blocks, Block{
			Marker: Marker{
				Installation: description[at[2]:at[3]],
				Group:        rule.GroupKey("g1:" + description[at[4]:at[5]]),
				Nonce:        description[at[6]:at[7]],
			},
			Start: at[0], End: end, Text: description[at[0]:end],
		})
	}
	return blocks
}

// Own finds the block that carries the nonce: the first, when people pasted it
// twice.
func Own(description, nonce string) (Block, bool) {
	for _, b := range Blocks(description) {
		if b.Marker.Nonce == nonce {
			return b, true
		}
	}
	return Block{}, false
}

// WithStatus is the block's text with another status; empty: without one.
func (b Block) WithStatus(status string) string {
	head, body, found := strings.Cut(b.Text, "\n\n")
	if !found {
		return b.Text
	}
	if line, rest, found := strings.Cut(body, "\n\n"); found && strings.HasPrefix(line, "**Status:** ") {
		body = rest
	}
	return head + "\n\n" + statusLine(status) + body
}

// ErrNoBlock says that the description does not carry the block any more.
var ErrNoBlock = errors.New("a person removed cxm's block from the description")

// Splice puts block in the place of the one that carries the nonce, and keeps
// every other byte. The error is ErrNoBlock.
func Splice(description, nonce, block string) (string, error) {
	own, ok := Own(description, nonce)
	if !ok {
		return "", ErrNoBlock
	}
	return description[:own.Start] + block + description[own.End:], nil
}
