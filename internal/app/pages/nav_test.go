package pages

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"cxm/internal/signin/role"
)

var (
	navItem = regexp.MustCompile(`<li><a href="([^"]+)"( aria-current="page")?><svg class="icon"`)
	aside   = regexp.MustCompile(`(?s)<nav class="side".*?</nav>`)
	heading = regexp.MustCompile(`<h1>([^<]+)</h1>`)
	circle  = `<circle cx="10" cy="10" r="4"/>` // stands where there is no icon
)

// TestNavigation goes to every place of the navigation: it is there, it is where people
// then are, and nothing else is.
func TestNavigation(t *testing.T) {
	b := newBed(t, "")
	for r, atLeast := range map[role.Role]int{role.Admin: 11, role.Viewer: 9} {
		session := b.admits(b.App, string(r)+"@example.com", r)
		side := aside.FindString(b.get(session, "/settings/status").text)
		places := navItem.FindAllStringSubmatch(side, -1)
		if len(places) < atLeast || strings.Contains(side, circle) {
			t.Fatalf("as %s the navigation has %d places, want %d with an icon each: %s", r, len(places), atLeast, side)
		}
		titles := map[string]string{}
		for _, p := range places {
			got := b.get(session, p[1])
			title := heading.FindStringSubmatch(got.text)
			if got.status != http.StatusOK || title == nil {
				t.Errorf("as %s, %s: %d", r, p[1], got.status)
				continue
			}
			if other := titles[title[1]]; other != "" {
				t.Errorf("%s and %s are both called %q", other, p[1], title[1])
			}
			titles[title[1]] = p[1]
			for _, q := range navItem.FindAllStringSubmatch(aside.FindString(got.text), -1) {
				if here := q[2] != ""; here != (q[1] == p[1]) {
					t.Errorf("as %s at %s: %s is current: %t", r, p[1], q[1], here)
				}
			}
		}
	}
}
