package text_test

import (
	"testing"

	"cxm/internal/sandbox/world/text"
)

func TestMatch(t *testing.T) {
	title, body := text.Index("Resize idle instances"), text.Index("<!-- cxm: f9k2x7q1 -->\nThe disk <b>vol-0abc</b> of Größe 5, приветствие")
	for query, want := range map[string]bool{
		"f9k2x7q1":           true,
		"f9k2":               true, // by its beginning
		"k2x7q1":             false,
		"instance":           true, // by its stem
		"resizing":           true,
		"idle vol":           true, // words from both
		"idle nothing":       false,
		`"idle instances"`:   true,
		`"instances idle"`:   false,
		`"resize instances"`: false,
		"vol-0abc":           true,
		"größe":              true,
		"привет":             true, // not Latin: as it stands
		"ветств":             true,
		"пр":                 true, // shorter than three: no condition
		"приветствую":        false,
		"":                   true,
	} {
		if got := text.Match(query, title, body); got != want {
			t.Errorf("%q found: %v, want %v", query, got, want)
		}
	}
}
