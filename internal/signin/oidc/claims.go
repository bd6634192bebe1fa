package oidc

import "fmt"

// claims are what a provider says of somebody.
type claims map[string]any

// text is a claim that is a text; else empty.
func (c claims) text(name string) string {
	s, _ := c[name].(string)
	return s
}

// yes says that a claim is true. Some providers write it as a text.
func (c claims) yes(name string) bool { return c[name] == true || c[name] == "true" }

// name is what people are called.
func (c claims) name() string {
	for _, each := range []string{"name", "preferred_username", "email"} {
		if s := c.text(each); s != "" {
			return s
		}
	}
	return ""
}

// groups reads the claim with the groups: a list of texts, or one text. What is not
// there is no group.
func (c claims) groups(name string) ([]string, error) {
	switch v := c[name].(type) {
	case nil:
		if elsewhere, ok := c["_claim_names"].(map[string]any); ok && elsewhere[name] != nil {
			return nil, fmt.Errorf("%w (you are in more groups than it names: have an admin let it send only those assigned to cxm, see docs/signin.md)", ErrProof)
		}
		return nil, nil
	case string:
		return []string{v}, nil
	case []any:
		if len(v) > mostGroups {
			return nil, fmt.Errorf("%w (it names %d groups, more than %d)", ErrProof, len(v), mostGroups)
		}
		var out []string
		for _, each := range v {
			s, ok := each.(string)
			if !ok {
				return nil, fmt.Errorf("%w (the claim %s is no list of names)", ErrProof, name)
			}
			out = append(out, s)
		}
		return out, nil
	}
	return nil, fmt.Errorf("%w (the claim %s is no list of names)", ErrProof, name)
}
