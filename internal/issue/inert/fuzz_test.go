package inert_test

import (
	"strings"
	"testing"

	"cxm/internal/issue/inert"
	"cxm/internal/issue/inert/inerttest"
)

// FuzzEscapes holds every way of writing untrusted text to the law.
func FuzzEscapes(f *testing.F) {
	fragments := inerttest.Fragments()
	for _, fragment := range fragments {
		f.Add(fragment)
	}
	f.Add(strings.Join(fragments, ""))
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			t.Skip("longer texts are cut; see TestFence")
		}
		checkEscapes(t, text)
		if title := strings.TrimSpace(inert.Title(text)); title != "" {
			inerttest.CheckText(t, title)
		}
	})
}

func BenchmarkFence(b *testing.B) {
	text := strings.Repeat("@all\n/close\n```\n", 1<<16)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		inert.Fence(text, inert.MaxFenced)
	}
}
