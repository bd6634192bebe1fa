package desk_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/role"
)

// The first start makes one link, which makes one admin, once.
func TestSetUp(t *testing.T) {
	both(t, func(b *bed) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var made []credential.Secret
		for range 8 {
			wg.Go(func() {
				value, ok, _, err := b.FirstStart(context.WithoutCancel(b.Context()))
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				if ok {
					made = append(made, value)
				}
			})
		}
		wg.Wait()
		if len(made) != 1 {
			t.Fatalf("eight replicas that start at once made %d links", len(made))
		}
		if _, ok, open, err := b.FirstStart(b.Context()); ok || !open || err != nil {
			t.Errorf("a restart: made %v, open %v, %v", ok, open, err)
		}
		if _, err := b.SetUp(b.Context(), made[0], "platform-admin@example.com", "Admin", secret("short"), here()); err == nil {
			t.Error("a short password is good enough")
		}
		results := make(chan error, 4)
		for range 4 {
			wg.Go(func() {
				_, err := b.SetUp(context.WithoutCancel(b.Context()), made[0], "platform-admin@example.com", "Admin", secret(good), here())
				results <- err
			})
		}
		wg.Wait()
		close(results)
		done := 0
		for err := range results {
			if err == nil {
				done++
			} else if !errors.Is(err, signin.ErrLink) {
				t.Error(err)
			}
		}
		b.same("set up by one of four", 1, done)
		if _, err := b.SetUp(b.Context(), made[0], "engineer@example.com", "Engineer", secret(good), here()); !errors.Is(err, signin.ErrLink) || !strings.Contains(err.Error(), "used already") {
			t.Errorf("a second use: %v", err)
		}
		_, who := b.enter("platform-admin@example.com", good)
		for _, c := range []struct {
			tenant string
			asked  role.Permission
		}{{"default", role.PeopleWrite}, {"", role.TenantsWrite}} {
			if ok, why := who.May(c.tenant, c.asked); !ok {
				t.Error(why)
			}
		}
		if _, err := b.SetupLink(b.Context(), operator(), false); !errors.Is(err, signin.ErrSetUp) {
			t.Errorf("a link although there is an admin: %v", err)
		}
		if _, err := b.SetupLink(b.Context(), who, true); err == nil {
			t.Error("somebody who is no operator makes a link to set up")
		}
		if _, ok, open, err := b.FirstStart(b.Context()); ok || open || err != nil {
			t.Errorf("a start with an admin makes a link: %v, %v, %v", ok, open, err)
		}
	})
}

// Whoever operates the machine gets in again when no admin can be reached; earlier
// links end by that.
func TestSetUpAgain(t *testing.T) {
	both(t, func(b *bed) {
		who := b.admin()
		first, err := b.SetupLink(b.Context(), operator(), true)
		b.ok(err)
		second, err := b.SetupLink(b.Context(), operator(), true)
		b.ok(err)
		if _, _, err := b.Link(b.Context(), signin.LinkSetup, first); !errors.Is(err, signin.ErrLink) {
			t.Errorf("the link before: %v", err)
		}
		if _, _, err := b.Link(b.Context(), signin.LinkReset, second); !errors.Is(err, signin.ErrLink) {
			t.Errorf("for another purpose: %v", err)
		}
		opened, err := b.SetUp(b.Context(), second, "PLATFORM-admin@example.com", "Admin", secret(other), here())
		b.ok(err)
		b.same("the same person", who.Person.ID, opened.Person.ID)
		if _, err := b.SignIn(b.Context(), "platform-admin@example.com", secret(good), here()); !errors.Is(err, signin.ErrWrong) {
			t.Errorf("the old password: %v", err)
		}
		third, err := b.SetupLink(b.Context(), operator(), true)
		b.ok(err)
		b.forward(24 * time.Hour)
		if _, err := b.SetUp(b.Context(), third, "x@example.com", "X", secret(other), here()); !errors.Is(err, signin.ErrLink) || !strings.Contains(err.Error(), "expired") {
			t.Errorf("a day later: %v", err)
		}
	})
}

func TestResetLink(t *testing.T) {
	both(t, func(b *bed) {
		admin := b.admin()
		p := b.join("engineer@example.com", "default", role.Member)
		opened, _ := b.enter("engineer@example.com", good)
		first, _, err := b.ResetLink(b.Context(), admin, p.ID)
		b.ok(err)
		value, _, err := b.ResetLink(b.Context(), admin, p.ID)
		b.ok(err)
		if _, err := b.Reset(b.Context(), first, secret(other), here()); !errors.Is(err, signin.ErrLink) {
			t.Errorf("the link before: %v", err)
		}
		if _, err := b.Reset(b.Context(), value, secret("engineer@example.com"), here()); err == nil || errors.Is(err, signin.ErrLink) {
			t.Errorf("one's own address is good enough: %v", err)
		}
		if _, err := b.Reset(b.Context(), value, secret(other), here()); err != nil {
			t.Error(err)
		}
		if _, err := b.Reset(b.Context(), value, secret(good), here()); !errors.Is(err, signin.ErrLink) {
			t.Errorf("a second use: %v", err)
		}
		if _, err := b.Authenticate(b.Context(), opened.Value); !errors.Is(err, signin.ErrNotKnown) {
			t.Errorf("the session of before: %v", err)
		}
		b.enter("engineer@example.com", other)
		late, _, err := b.ResetLink(b.Context(), admin, p.ID)
		b.ok(err)
		b.forward(time.Hour)
		for _, v := range []credential.Secret{late, secret("cxml_made-up"), signin.Mint(signin.ValueLink), {}} {
			if _, err := b.Reset(b.Context(), v, secret(good), here()); !errors.Is(err, signin.ErrLink) {
				t.Errorf("%v", err)
			}
		}
	})
}

func TestAPITokens(t *testing.T) {
	both(t, func(b *bed) {
		p := b.join("engineer@example.com", "default", role.Member)
		_, who := b.enter("engineer@example.com", good)
		value, made, err := b.MintToken(b.Context(), who, desk.Asked{Tenant: "default", Person: p.ID, Name: "laptop", Scopes: []role.Scope{role.ScopeAdmin}})
		b.ok(err)
		if !strings.HasPrefix(value.Reveal(), "cxm_") || made.Hint != value.Reveal()[:8] || !made.EndsAt.Equal(b.now.AddDate(0, 0, 90)) {
			t.Errorf("%+v", made)
		}
		got, err := b.Authenticate(b.Context(), value)
		b.ok(err)
		for asked, want := range map[role.Permission]bool{role.Read: true, role.Apply: true, role.PeopleWrite: false} {
			if ok, why := got.May("default", asked); ok != want {
				t.Errorf("%s: %v %s", asked, ok, why)
			}
		}
		b.ok(ignore(b.SetRole(b.Context(), operator(), p.ID, "default", role.Viewer)))
		got, err = b.Authenticate(b.Context(), value)
		b.ok(err)
		if ok, _ := got.May("default", role.Apply); ok {
			t.Error("a token keeps what its owner lost")
		}
		if ok, _ := got.May("other", role.Read); ok {
			t.Error("a token counts in another tenant")
		}
		b.ok(ignore(b.Disable(b.Context(), operator(), p.ID, true)))
		if _, err := b.Authenticate(b.Context(), value); !errors.Is(err, signin.ErrNotKnown) {
			t.Errorf("of somebody who is disabled: %v", err)
		}
		b.ok(ignore(b.Disable(b.Context(), operator(), p.ID, false)))
		tenants, its, err := b.MintToken(b.Context(), operator(), desk.Asked{Tenant: "default", Role: role.Member, Name: "pipeline", Scopes: []role.Scope{role.ScopeIngest}, Days: 365})
		b.ok(err)
		for range 3 { // used
			b.ok(ignore(b.Authenticate(b.Context(), tenants)))
			b.forward(25 * time.Minute)
		}
		all, err := b.Tokens(b.Context(), operator(), "default", 0, 10)
		b.ok(err)
		b.same("listed", 2, len(all))
		b.same("last used, within an hour", b.clock().Add(-75*time.Minute), all[1].UsedAt)
		b.same("of another tenant", 0, func() int { l, err := b.Tokens(b.Context(), operator(), "other", 0, 10); b.ok(err); return len(l) }())
		if _, err := b.RevokeToken(b.Context(), operator(), "other", its.ID); !errors.Is(err, signin.ErrNotKnown) {
			t.Errorf("from another tenant: %v", err)
		}
		b.ok(ignore(b.RevokeToken(b.Context(), operator(), "default", its.ID)))
		if _, err := b.Authenticate(b.Context(), tenants); !errors.Is(err, signin.ErrNotKnown) || !strings.Contains(err.Error(), "revoked") {
			t.Errorf("revoked: %v", err)
		}
		b.forward(90 * 24 * time.Hour)
		if _, err := b.Authenticate(b.Context(), value); !errors.Is(err, signin.ErrNotKnown) || !strings.Contains(err.Error(), "expired") {
			t.Errorf("expired: %v", err)
		}
		text := value.Reveal()
		for _, v := range []string{"", "cxm_", text[:len(text)-1], text[:10] + "x" + text[11:], text + "x", strings.Replace(text, "cxm_", "cxmw_", 1), signin.Mint(signin.ValueToken).Reveal()} {
			if _, err := b.Authenticate(b.Context(), secret(v)); !errors.Is(err, signin.ErrNotKnown) {
				t.Errorf("%.12s…: %v", v, err)
			}
		}
		for _, a := range []desk.Asked{
			{Tenant: "default", Role: role.Member, Name: "x", Scopes: []role.Scope{"read"}, Days: 366}, {Tenant: "default", Role: role.Member, Name: "x", Scopes: []role.Scope{"read"}, Days: -1},
			{Tenant: "default", Role: role.Member, Name: " ", Scopes: []role.Scope{"read"}}, {Tenant: "default", Role: role.Member, Name: "x"}, {Tenant: "default", Name: "x", Scopes: []role.Scope{"read"}},
			{Tenant: "other", Person: p.ID, Name: "x", Scopes: []role.Scope{"read"}}, {Tenant: "default", Role: role.Installation, Name: "x", Scopes: []role.Scope{"installation"}},
		} {
			if _, _, err := b.MintToken(b.Context(), operator(), a); err == nil {
				t.Errorf("%+v is made", a)
			}
		}
	})
}

// Nobody gets by the people they look after into what they do not look after.
func TestNobodyClimbs(t *testing.T) {
	both(t, func(b *bed) {
		root := b.admin()
		b.join("tenant-admin@example.com", "acme", role.Admin)
		_, admin := b.enter("tenant-admin@example.com", good)
		mine := b.join("engineer@example.com", "acme", role.Member)
		shared := b.join("shared@example.com", "acme", role.Member)
		b.ok(ignore(b.SetRole(b.Context(), operator(), shared.ID, "other", role.Viewer)))
		_, member := b.enter("engineer@example.com", good)
		short, _, err := b.MintToken(b.Context(), admin, desk.Asked{Tenant: "acme", Person: admin.Person.ID, Name: "short", Scopes: []role.Scope{role.ScopeAdmin}, Days: 2})
		b.ok(err)
		token, err := b.Authenticate(b.Context(), short)
		b.ok(err)
		ctx := b.Context()
		for name, err := range map[string]error{
			"a link for the installation's admin":       third(b.ResetLink(ctx, admin, root.Person.ID)),
			"a link for somebody who works elsewhere":   third(b.ResetLink(ctx, admin, shared.ID)),
			"disabling somebody who works elsewhere":    ignore(b.Disable(ctx, admin, shared.ID, true)),
			"a password for the installation's admin":   b.SetPassword(ctx, admin, root.Person.ID, secret(other)),
			"sessions of the installation's admin":      ignore(b.Sessions(ctx, admin, root.Person.ID)),
			"ending those of the installation's admin":  b.EndSession(ctx, admin, root.Person.ID, 0),
			"a role in another tenant":                  ignore(b.SetRole(ctx, admin, mine.ID, "other", role.Viewer)),
			"the installation for oneself":              ignore(b.SetInstallation(ctx, admin, admin.Person.ID, true)),
			"people of another tenant":                  ignore(b.List(ctx, admin, "other", 0, 10)),
			"people of the installation":                ignore(b.List(ctx, admin, "", 0, 10)),
			"somebody else's API token":                 third(b.MintToken(ctx, admin, desk.Asked{Tenant: "acme", Person: shared.ID, Name: "x", Scopes: []role.Scope{"read"}})),
			"a token of the tenant, by a member":        third(b.MintToken(ctx, member, desk.Asked{Tenant: "acme", Role: role.Viewer, Name: "x", Scopes: []role.Scope{"read"}})),
			"a token that outlives the one it is from":  third(b.MintToken(ctx, token, desk.Asked{Tenant: "acme", Person: admin.Person.ID, Name: "x", Scopes: []role.Scope{"read"}, Days: 3})),
			"more scopes than the token has":            third(b.MintToken(ctx, token, desk.Asked{Tenant: "acme", Person: admin.Person.ID, Name: "x", Scopes: []role.Scope{"installation"}, Days: 1})),
			"another tenant with a token":               third(b.MintToken(ctx, token, desk.Asked{Tenant: "other", Person: admin.Person.ID, Name: "x", Scopes: []role.Scope{"read"}, Days: 1})),
			"adding somebody, by a member":              third(b.Add(ctx, member, desk.Newcomer{Email: "x@example.com", Tenant: "acme", Role: role.Viewer})),
			"adding a member, by the installation":      third(b.Add(ctx, root, desk.Newcomer{Email: "x@example.com", Tenant: "acme", Role: role.Member})),
			"reading what is in a tenant, by nobody":    refusal(signin.Who{}.May("acme", role.Read)),
			"reading what is in a tenant, by the other": refusal(root.May("acme", role.Read)),
			"a password with an API token":              b.ChangePassword(ctx, token, secret(good), secret(other)),
			"revoking somebody else's token":            ignore(b.RevokeToken(ctx, member, "acme", token.Token.ID)),
		} {
			if err == nil {
				t.Errorf("%s is allowed", name)
			} else if !errors.As(err, new(signin.Refused)) && !errors.Is(err, signin.ErrNotKnown) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, err := range map[string]error{
			"a link for their own people":             third(b.ResetLink(ctx, admin, mine.ID)),
			"naming a tenant's admin":                 third(b.Add(ctx, root, desk.Newcomer{Email: "new@example.com", Tenant: "new", Role: role.Admin})),
			"a token of the tenant":                   third(b.MintToken(ctx, admin, desk.Asked{Tenant: "acme", Role: role.Admin, Name: "x", Scopes: []role.Scope{"read"}})),
			"a link for anybody, by the installation": third(b.ResetLink(ctx, root, shared.ID)),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func third[A, B any](_ A, _ B, err error) error { return err }

func refusal(ok bool, why string) error {
	if ok {
		return nil
	}
	return signin.Refused(why)
}

// Of two admins who remove each other at once one stays.
func TestLastAdmin(t *testing.T) {
	both(t, func(b *bed) {
		one := b.admin().Person
		two := b.join("second@example.com", "default", role.Admin)
		for range 5 {
			b.ok(ignore(b.SetInstallation(b.Context(), operator(), one.ID, true)))
			b.ok(ignore(b.SetInstallation(b.Context(), operator(), two.ID, true)))
			b.ok(ignore(b.Disable(b.Context(), operator(), two.ID, false)))
			var wg sync.WaitGroup
			var errs [2]error
			wg.Go(func() {
				errs[0] = ignore(b.SetInstallation(context.WithoutCancel(b.Context()), operator(), one.ID, false))
			})
			wg.Go(func() { errs[1] = ignore(b.Disable(context.WithoutCancel(b.Context()), operator(), two.ID, true)) })
			wg.Wait()
			if errors.Is(errs[0], signin.ErrLastAdmin) == errors.Is(errs[1], signin.ErrLastAdmin) {
				t.Fatalf("both or none: %v", errs)
			}
		}
	})
}

// A tenant keeps its last admin, also of two who go at once; who works elsewhere, is
// disabled, or is no admin is nobody who stays.
func TestLastAdminOfTenant(t *testing.T) {
	both(t, func(b *bed) {
		ctx := context.WithoutCancel(b.Context())
		one, two := b.join("first@example.com", "default", role.Admin), b.join("second@example.com", "default", role.Admin)
		b.join("member@example.com", "default", role.Member)
		b.join("elsewhere@example.com", "acme", role.Admin)
		set := func(id int64, r role.Role) error { return ignore(b.SetRole(ctx, operator(), id, "default", r)) }
		disable := func(id int64, yes bool) error { return ignore(b.Disable(ctx, operator(), id, yes)) }
		last := func(what string, err error) {
			b.Helper()
			is := (*signin.LastAdminError)(nil)
			if !errors.Is(err, signin.ErrLastAdmin) || !errors.As(err, &is) || is.Tenant != "default" {
				b.Errorf("%s: %v", what, err)
			}
		}
		gone := b.join("gone@example.com", "default", role.Admin)
		b.ok(disable(gone.ID, true))
		b.ok(set(two.ID, role.Member))
		last("to member", set(one.ID, role.Member))
		last("to none", set(one.ID, ""))
		last("disabled", disable(one.ID, true))
		last("named anew", third(b.Add(ctx, operator(), desk.Newcomer{Email: "first@example.com", Tenant: "default", Role: role.Viewer})))
		b.ok(set(one.ID, role.Admin))
		b.ok(set(two.ID, ""))
		b.ok(set(gone.ID, "")) // they were none that counts
		for round := range 6 {
			b.ok(errors.Join(set(one.ID, role.Admin), set(two.ID, role.Admin), disable(two.ID, false)))
			var wg sync.WaitGroup
			var errs [2]error
			wg.Go(func() { errs[0] = set(one.ID, role.Member) })
			wg.Go(func() {
				if round%2 == 0 {
					errs[1] = set(two.ID, "")
				} else {
					errs[1] = disable(two.ID, true)
				}
			})
			wg.Wait()
			if errors.Is(errs[0], signin.ErrLastAdmin) == errors.Is(errs[1], signin.ErrLastAdmin) {
				b.Fatalf("both or none: %v", errs)
			}
			left := 0
			all, err := b.Store.List(ctx, "default", 0, 10)
			b.ok(err)
			for _, p := range all {
				if p.DisabledAt.IsZero() && slices.Contains(p.Roles("default"), role.Admin) {
					left++
				}
			}
			if left != 1 {
				b.Fatalf("%d admins are left", left)
			}
		}
		// What a provider's groups give counts, and goes as they say.
		b.ok(errors.Join(disable(two.ID, false), set(one.ID, role.Admin), set(two.ID, "")))
		grouped, err := b.SignInAs(ctx, identity("1", "grouped@example.com", true, in("default", role.Admin)), here())
		b.ok(err)
		b.ok(set(one.ID, role.Viewer))
		b.ok(set(grouped.Person.ID, role.Viewer)) // they stay an admin by their group
		last("disabled", disable(grouped.Person.ID, true))
		b.ok(ignore(b.SignInAs(ctx, identity("1", "grouped@example.com", true, in("default", role.Viewer)), here())))
	})
}

func identity(sub, email string, verified bool, grants ...signin.Grant) signin.Identity {
	for i := range grants {
		grants[i].Origin = "https://id.example.com"
	}
	return signin.Identity{Provider: "sso", Issuer: "https://id.example.com", Subject: sub, Email: email, Verified: verified, Name: "Engineer", Grants: grants}
}

func in(tenant string, r role.Role) signin.Grant { return signin.Grant{Tenant: tenant, Role: r} }

// Who comes by a provider is who the provider says, with the roles of their groups
// now.
func TestSignInAs(t *testing.T) {
	both(t, func(b *bed) {
		enter := func(id signin.Identity) (desk.Opened, error) { return b.SignInAs(b.Context(), id, here()) }
		if _, err := enter(identity("1", "engineer@example.com", true)); !errors.Is(err, signin.ErrNoGroup) {
			t.Errorf("without a group: %v", err)
		}
		if all, err := b.Store.List(b.Context(), "", 0, 10); err != nil || len(all) != 0 {
			t.Errorf("somebody without a group is kept: %v, %v", all, err)
		}
		first, err := enter(identity("1", "engineer@example.com", true, in("default", role.Member), in("other", role.Viewer)))
		b.ok(err)
		again, err := enter(identity("1", "engineer@example.com", true, in("other", role.Viewer), in("default", role.Member)))
		b.ok(err)
		b.same("the same person", first.Person.ID, again.Person.ID)
		if _, err := b.Authenticate(b.Context(), first.Value); err != nil {
			t.Errorf("the same groups ended a session: %v", err)
		}
		lower, err := enter(identity("1", "moved@example.com", true, in("default", role.Viewer)))
		b.ok(err)
		b.same("the same person", first.Person.ID, lower.Person.ID)
		b.same("roles now", "default viewer", lower.Person.Tenants()[0]+" "+string(lower.Person.Roles("default")[0]))
		b.same("address now", "moved@example.com", lower.Person.Email)
		if _, err := b.Authenticate(b.Context(), again.Value); !errors.Is(err, signin.ErrNotKnown) {
			t.Errorf("a session with the roles of before: %v", err)
		}
		if _, err := enter(identity("1", "moved@example.com", true)); !errors.Is(err, signin.ErrNoGroup) {
			t.Errorf("out of all groups: %v", err)
		}
		b.same("roles after that", 0, len(b.person(first.Person.ID).Grants))
		if _, err := b.Authenticate(b.Context(), lower.Value); !errors.Is(err, signin.ErrNotKnown) {
			t.Errorf("a session of somebody out of all groups: %v", err)
		}
		b.ok(ignore(enter(identity("1", "moved@example.com", true, in("default", role.Viewer)))))
		b.ok(ignore(b.Disable(b.Context(), operator(), first.Person.ID, true)))
		if _, err := enter(identity("1", "moved@example.com", true, in("default", role.Viewer))); !errors.Is(err, signin.ErrWrong) {
			t.Errorf("disabled: %v", err)
		}
	})
}

// An address opens somebody's account only when the provider vouches for it, and one
// that it does not vouch for is kept for nobody.
func TestLinking(t *testing.T) {
	both(t, func(b *bed) {
		p := b.join("engineer@example.com", "default", role.Admin)
		if _, err := b.SignInAs(b.Context(), identity("evil", "Engineer@example.com", false, in("default", role.Viewer)), here()); !errors.Is(err, signin.ErrUnverified) {
			t.Errorf("an address that nobody vouches for: %v", err)
		}
		linked, err := b.SignInAs(b.Context(), identity("good", "Engineer@example.com", true, in("default", role.Viewer)), here())
		b.ok(err)
		b.same("linked", p.ID, linked.Person.ID)
		b.same("the higher role counts", []role.Role{role.Admin}, linked.Person.Roles("default"))
		b.enter("engineer@example.com", good) // the password goes on
		if !has(b.actions(), signin.IdentityLinked) {
			t.Error("nobody is told that an identity was linked")
		}
		squat, err := b.SignInAs(b.Context(), identity("squat", "boss@example.com", false, in("default", role.Viewer)), here())
		b.ok(err)
		b.same("address that nobody vouches for", "", squat.Person.Email)
		boss, err := b.SignInAs(b.Context(), identity("boss", "boss@example.com", true, in("default", role.Viewer)), here())
		b.ok(err)
		if boss.Person.ID == squat.Person.ID {
			t.Error("who came first with the address of another is that other")
		}
	})
}

// Who comes for the first time several times at once is one person.
func TestFirstComesOnce(t *testing.T) {
	both(t, func(b *bed) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := b.SignInAs(context.WithoutCancel(b.Context()), identity("1", "engineer@example.com", true, in("default", role.Member)), here()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		all, err := b.Store.List(b.Context(), "default", 0, 10)
		b.ok(err)
		b.same("people", 1, len(all))
	})
}
