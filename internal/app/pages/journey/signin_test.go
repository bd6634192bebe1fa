package journey

import "testing"

// TestSetUpAndSignIn: the first start's link makes the first admin, works once, and
// afterwards the password does; signed out, nothing is shown.
func TestSetUpAndSignIn(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.setUp()
	b.see("Connect GitLab")
	b.click(adminName + " default")
	b.click("Sign out")
	b.at("/signin")
	b.visit("/findings")
	b.at("/signin?next=%2Ffindings")
	b.fill("E-mail address", adminAddress)
	b.fill("Password", "not the right one")
	b.click("Sign in")
	b.see("is not right")
	b.fill("Password", adminPassword)
	b.click("Sign in")
	b.at("/findings")
	b.see("Nothing was delivered yet")
	b.quiet()
}
