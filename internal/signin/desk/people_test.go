package desk_test

import (
	"errors"
	"strings"
	"testing"

	"cxm/internal/signin"
	"cxm/internal/signin/role"
)

// TestRename: people name themselves and nobody else; who is let in by a provider alone
// is called as it says, at every sign-in.
func TestRename(t *testing.T) {
	both(t, func(b *bed) {
		p := b.join("engineer@example.com", "default", role.Member)
		other := b.join("other@example.com", "default", role.Member)
		_, who := b.enter("engineer@example.com", good)
		b.actions()
		b.ok(b.Rename(b.Context(), who, " Ada "))
		b.same("the name", "Ada", b.person(p.ID).Name)
		b.same("the address", "engineer@example.com", b.person(p.ID).Email)
		b.same("another's name", other.Name, b.person(other.ID).Name)
		b.same("told", "person.changed", strings.Join(b.actions(), " "))
		if _, err := b.SignIn(b.Context(), "engineer@example.com", secret(good), here()); err != nil {
			t.Errorf("renaming keeps people out: %v", err)
		}
		if err := b.Rename(b.Context(), who, "\u200b"); err == nil {
			t.Error("a name that cannot be seen is taken")
		}
		if err := b.Rename(b.Context(), operator(), "Nobody"); !errors.As(err, new(signin.Refused)) {
			t.Errorf("who is not signed in: %v", err)
		}
		in, err := b.SignInAs(b.Context(), identity("1", "sso@example.com", true, in("default", role.Member)), here())
		b.ok(err)
		by, err := b.Authenticate(b.Context(), in.Value)
		b.ok(err)
		if err := b.Rename(b.Context(), by, "Ada"); !errors.As(err, new(signin.Refused)) {
			t.Errorf("who a provider names: %v", err)
		}
	})
}
