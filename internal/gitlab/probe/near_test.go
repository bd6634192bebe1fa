package probe

import "testing"

func TestNear(t *testing.T) {
	seen := []string{"acme/platform", "acme/shop", "acme/platform-tools", "other/platform", "Acme/Sub/Billing"}
	for wanted, want := range map[string]string{
		"acme/plattform":    "acme/platform",
		"acme/Platfrm":      "acme/platform",
		"amce/platform":     "acme/platform",
		"platform":          "acme/platform",
		"acme/sub/bilings":  "Acme/Sub/Billing",
		"acme/shpo":         "acme/shop",
		"nothing/like-that": "",
		"":                  "",
	} {
		got := near(wanted, seen)
		if first := append(got, "")[0]; first != want || len(got) > 3 {
			t.Errorf("near %q: %q, want %q", wanted, got, want)
		}
	}
}
