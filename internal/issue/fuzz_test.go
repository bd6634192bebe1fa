package issue_test

import (
	"strings"
	"testing"

	"cxm/internal/finding"
	"cxm/internal/issue"
)

// FuzzEscapes holds every way of writing untrusted text to the law.
func FuzzEscapes(f *testing.F) {
	for _, fragment := range fragments {
		f.Add(fragment)
	}
	f.Add(strings.Join(fragments, ""))
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			t.Skip("longer texts are cut; see TestHugeGroups")
		}
		checkEscapes(t, text)
		if title := strings.TrimSpace(issue.TitleText(text)); title != "" {
			checkText(t, title)
		}
	})
}

// FuzzRender holds whole issues to it.
func FuzzRender(f *testing.F) {
	for i := range fragments {
		f.Add(fragments[i], fragments[len(fragments)-1-i], strings.Join(fragments[max(0, i-5):i], ""), uint8(i))
	}
	f.Add("0", "0", "0", uint8(1)) // "0." opened a list
	f.Fuzz(func(t *testing.T, title, id, text string, kind uint8) {
		if len(title)+len(id)+len(text) > 4<<10 {
			t.Skip("longer texts are cut; see TestHugeGroups")
		}
		m := disk("a")
		m.Finding.Title, m.Finding.Description, m.Finding.ResourceID, m.Finding.ResourceName = title, text, id, text
		m.Finding.Tags, m.Finding.Remediation, m.Finding.SourceSystem = map[string]string{"owner": text, title: id}, id+"\n"+text, title
		m.Finding.SourceURL, m.Finding.References = "", []string{"x" + text}
		m.Finding.Kind = []finding.Kind{finding.Cost, finding.System, finding.Custom}[kind%3]
		checkIssue(t, group(m))
	})
}

func BenchmarkRender(b *testing.B) {
	g := group(disk("a"))
	b.ReportAllocs()
	for b.Loop() {
		issue.Render(g)
	}
}

func BenchmarkFence(b *testing.B) {
	text := strings.Repeat("@all\n/close\n```\n", 1<<16)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		issue.Fence(text)
	}
}
