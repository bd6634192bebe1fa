package evidence

import (
	"slices"
	"strings"
	"time"

	"cxm/internal/rule/owner"
	"cxm/internal/rule/owner/codeowners"
)

// said is what GitLab said about a file or a folder.
type said struct {
	At      time.Time          `json:"at,omitzero"`      // when it last could say something; zero: never
	Owners  []codeowners.Match `json:"owners,omitempty"` // what CODEOWNERS says of the file
	Authors []owner.Author     `json:"authors,omitempty"`
	Blocks  map[string]block   `json:"blocks,omitempty"` // of the folder: "type.name" → where it is declared
	Remarks []string           `json:"remarks,omitempty"`
	Trouble string             `json:"trouble,omitempty"` // why it could not say when it was last asked
}

// block is where a resource is declared.
type block struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// known says that GitLab said something, now or before.
func (s said) known() bool { return !s.At.IsZero() }

// after is what counts once GitLab said something else than before, and whether it
// means another owner. What only moved, such as the number of somebody's commits or
// the line of a pattern, counts as it was, so that no issue is edited for it.
func after(was, now said) (counts said, changed bool) {
	if !now.known() { // it could not say: what it said before counts
		waited := !was.known() && was.Trouble == ""
		was.Trouble = now.Trouble
		return was, waited
	}
	if !was.known() {
		return now, true
	}
	if sameOwners(was.Owners, now.Owners) {
		now.Owners = was.Owners
	} else {
		changed = true
	}
	if sameAuthors(was.Authors, now.Authors) {
		now.Authors = was.Authors
	} else {
		changed = true
	}
	if !sameBlocks(was.Blocks, now.Blocks) {
		changed = true
	}
	return now, changed
}

// sameOwners says that two answers name the same owners for the same reason, the
// line of the file aside.
func sameOwners(a, b []codeowners.Match) bool {
	return slices.EqualFunc(a, b, func(x, y codeowners.Match) bool {
		return x.Section == y.Section && x.Optional == y.Optional && x.All == y.All && slices.Equal(x.Owners, y.Owners)
	})
}

// sameAuthors says that the first author is the same, and the first whom GitLab
// knows, and that each made most of the commits now as before: nobody else decides.
func sameAuthors(a, b []owner.Author) bool {
	known := func(x owner.Author) bool { return x.Username != "" }
	anybody := func(owner.Author) bool { return true }
	return sameAuthor(a, b, anybody) && sameAuthor(a, b, known)
}

func sameAuthor(a, b []owner.Author, who func(owner.Author) bool) bool {
	i, j := slices.IndexFunc(a, who), slices.IndexFunc(b, who)
	if i < 0 || j < 0 {
		return i == j
	}
	x, y := a[i], b[j]
	return x.Username == y.Username && strings.EqualFold(x.Email, y.Email) && x.Name == y.Name && (2*x.Commits > x.Of) == (2*y.Commits > y.Of)
}

// sameBlocks says that resources are in the same files, lines aside.
func sameBlocks(a, b map[string]block) bool {
	if len(a) != len(b) {
		return false
	}
	for name, x := range a {
		if y, there := b[name]; !there || x.File != y.File {
			return false
		}
	}
	return true
}
