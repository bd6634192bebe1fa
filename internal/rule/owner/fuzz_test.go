package owner_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"cxm/internal/rule/owner"
	"cxm/internal/rule/owner/codeowners"
)

// Whatever tags, files and commits say, the owner and the reasons are one line of
// printable text each, of a bounded length, and without what could be an address.
func FuzzDecide(f *testing.F) {
	for _, address := range addresses() {
		f.Add(address, "payments", "infra/db.tf")
	}
	f.Add("@acme/x; y | z", "@@x", "../x")
	address := regexp.MustCompile(`(?i)[\pL\pN._+\-]@[\pL\pN]|%40|&#64;`)
	f.Fuzz(func(t *testing.T, value, name, file string) {
		d := owner.New(owner.Settings{
			Chain:  append(owner.DefaultChain(), owner.Link{Source: owner.Map, Owners: []owner.Mapping{{"*", name}}}, owner.Link{Source: owner.Default, Owner: value}),
			People: map[string]string{name: value},
		})
		got := d.Decide(owner.Evidence{
			Resource: []string{value}, Tags: map[string]string{"team": value, "owner": name, name: value},
			Place:      owner.Place{Repository: name, File: file, Modifier: value},
			CodeOwners: []codeowners.Match{{Section: value, Line: 1, Owners: []codeowners.Owner{{Kind: codeowners.Handle, Name: name}, {Kind: codeowners.Email, Name: value}}}},
			Authors:    []owner.Author{{Name: value, Email: value, Commits: 1, Of: 1}, {Username: name, Name: name, Commits: 1, Of: 1}},
		})
		texts := append([]string{got.Name, got.Why}, got.Unused...)
		for _, c := range got.Others {
			texts = append(texts, c.Name, c.Why)
		}
		for _, text := range texts {
			if address.MatchString(text) || len(text) > 4000 || strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) && c != ' ' }) {
				t.Errorf("%q comes of %q, %q, %q", text, value, name, file)
			}
		}
		if (got.Name == "") != (got.Confidence == 0) || got.Confidence > 99 {
			t.Errorf("%+v", got)
		}
	})
}
