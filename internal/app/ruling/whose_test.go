package ruling_test

import (
	"testing"

	"cxm/internal/app/ruling"
	"cxm/internal/finding"
)

// Rules that ask nobody leave it to the finding's tags; those that do go by their
// chain alone.
func TestWhose(t *testing.T) {
	chain, err := ruling.Compile("rules.yaml", []byte(`
version: 1
ownership:
  chain:
    - {source: accounts, owners: {"123456789012": payments}}
rules:
  - name: all
`))
	if err != nil {
		t.Fatal(err)
	}
	builtin := ruling.Builtin()
	for name, c := range map[string]struct {
		rules   *ruling.Compiled
		account string
		tags    map[string]string
		want    string
	}{
		"a team":                {builtin, "", map[string]string{"Team": "shop"}, "shop"},
		"no tags":               {builtin, "", nil, ""},
		"another tag":           {builtin, "", map[string]string{"env": "shop"}, ""},
		"an address":            {builtin, "", map[string]string{"owner": "engineer@example.com"}, ""},
		"a chain that knows":    {chain, "123456789012", map[string]string{"team": "shop"}, "payments"},
		"a chain that does not": {chain, "210987654321", map[string]string{"team": "shop"}, ""},
	} {
		f := finding.Finding{Kind: finding.Cost, SubAccountID: c.account, Tags: c.tags}
		rule := c.rules.Assign(&f)[0].Rule
		if got := c.rules.Whose()(rule, f); got != c.want {
			t.Errorf("%s: it is %q's, want %q", name, got, c.want)
		}
	}
}
