package issue_test

import (
	"strings"
	"testing"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/issue/inert/inerttest"
)

// FuzzRender holds whole issues to it.
func FuzzRender(f *testing.F) {
	fragments := inerttest.Fragments()
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
