package check

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"cxm/internal/issue"
)

func tokenChecks() []Check {
	return []Check{
		{"token.form", Token, Given, "Was the token pasted whole and alone?", []Outcome{Failed, OK}, judgeForm},
		{"token.kind", Token, Given, "Is it the right kind of token?", []Outcome{Failed, OK, NotChecked}, judgeKind},
		{"token.storage", Token, Given, "Is the token kept where only its owner reads it?", []Outcome{Warning, OK, NotChecked}, judgeStorage},
		{"token.accepted", Token, Known, "Does GitLab know the token?", []Outcome{Failed, OK, NotChecked}, judgeAccepted},
		{"token.revoked", Token, Known, "Is it still good, not revoked?", []Outcome{Failed, OK, NotChecked}, judgeRevoked},
		{"token.expiry", Token, Known, "When does it expire?", []Outcome{Failed, Warning, OK, NotChecked}, judgeExpiry},
		{"token.age", Token, Known, "Was it renewed lately?", []Outcome{Warning, OK, NotChecked}, judgeAge},
		{"token.scopes", Token, Known, "Has it the scopes it needs?", []Outcome{Failed, Warning, OK, NotChecked}, judgeScopes},
		{"token.excess", Token, Known, "Has it no scopes beyond them?", []Outcome{Warning, OK, NotChecked}, judgeExcess},
		{"token.rotation", Token, Known, "Can it renew itself?", []Outcome{Warning, OK, NotChecked}, judgeRotation},
		{"token.granular", Token, Placed, "Does the instance take this sort of token?", []Outcome{Failed, Warning, OK, NotChecked}, judgeGranular},
		{"token.use", Token, Known, "Is it used from where you expect?", []Outcome{Warning, OK, NotChecked}, judgeUse},
	}
}

func judgeForm(e *Evidence) Verdict {
	if e.Form.Unfit() {
		v := fail("", "The token cannot be right: "+cmp.Or(e.Form.Fault, "there is none"), e.Form.Mend)
		if e.Form.Mend == "" {
			v = v.then(do(EnterToken))
		}
		return v
	}
	return ok("", "")
}

func judgeKind(e *Evidence) Verdict {
	f := e.Form
	switch {
	case f.Unfit():
		return skip("the token cannot be sent as it is")
	case f.Kind == "":
		return ok("", "It has no prefix that GitLab uses by itself: the instance may have one of its own")
	case !f.Fits && !e.User.OK():
		return fail("it begins with "+f.Prefix, "This is a "+f.Kind+": such tokens cannot create issues", "Create a personal access token of the service account at "+e.kindPage()+", with the scope api")
	}
	return ok("a "+f.Kind, "")
}

// kindPage is where tokens are made, before anything of the account is known.
func (e *Evidence) kindPage() string {
	if e.Base == "" {
		return "Preferences > Access tokens"
	}
	return e.tokenPage()
}

func judgeStorage(e *Evidence) Verdict {
	switch s := e.Storage; {
	case s.Others:
		return warn(s.File, "Other users of this machine can read the file with the token", "`chmod 600 "+s.File+"`, and delete the file once cxm is connected: it keeps the token sealed")
	case s.File != "":
		return ok(s.File, "Only its owner reads it; cxm keeps a sealed copy once it is connected, so the file can go")
	case s.Sealed:
		return ok("sealed in cxm's database", "")
	}
	return skip("it came by the environment or standard input")
}

// dead says why GitLab refuses the token for good; empty: it does not say so.
func (e *Evidence) dead() string {
	if !e.User.Is(issue.Unauthorized) {
		return ""
	}
	for _, word := range []string{"expired", "revoked"} {
		if strings.Contains(e.User.Said(), word) {
			return word
		}
	}
	return ""
}

// answered says why a question about the token has no answer; empty: it has.
func (e *Evidence) unheard() string {
	switch why := e.Adrift(); {
	case why != "":
		return why
	case e.Form.Unfit():
		return "the token cannot be sent as it is"
	case !e.User.Sent:
		return "nobody asked GitLab"
	}
	return ""
}

func judgeAccepted(e *Evidence) Verdict {
	if why := e.unheard(); why != "" {
		return skip(why)
	}
	at := e.User.String()
	switch {
	case e.User.OK():
		return ok(at, "It belongs to "+e.Who.Username)
	case e.dead() != "":
		return ok(at, "GitLab knows it, but it is "+e.dead())
	case e.User.Is(issue.Unauthorized) && strings.Contains(e.User.Said(), "impersonation"):
		return fail(at, "It is an impersonation token, and the instance has switched those off", "Create a personal access token instead at "+e.tokenPage())
	case e.User.Is(issue.Unauthorized) && strings.Contains(e.User.Said(), "dpop"):
		return fail(at, "The account demands proof of possession (DPoP) for its tokens, which cxm does not send", "Switch that off for the account at "+e.page("/-/user_settings/personal_access_tokens"))
	case e.User.Is(issue.Unauthorized):
		return fail(at, "GitLab does not know this token: it is not whole, belongs to another instance, or was deleted together with its account", "Copy it again, or create a new one at "+e.tokenPage()).then(e.reconnect())
	case e.User.Is(issue.Forbidden):
		return ok(at, "GitLab knows it")
	}
	return unasked(e.User)
}

func judgeRevoked(e *Evidence) Verdict {
	if why := e.unheard(); why != "" {
		return skip(why)
	}
	switch {
	case e.dead() == "revoked":
		return fail(e.User.String(), "The token was revoked: by a person, by a rotation, or because it was found in public", "Create a new one at "+e.tokenPage()).then(e.reconnect())
	case e.User.Is(issue.Unauthorized) && e.dead() == "":
		return skip("GitLab does not say what is wrong with the token")
	case e.dead() != "" || !e.User.OK() && !e.User.Is(issue.Forbidden):
		return skip("GitLab did not say")
	}
	return ok("", "")
}

// Warned is how many days before its end a token is told about.
const Warned = 30

func judgeExpiry(e *Evidence) Verdict {
	mend := "Create a new one at " + e.tokenPage()
	ends := e.PAT.ExpiresAt
	switch why := e.unheard(); {
	case why != "":
		return skip(why)
	case e.dead() == "expired":
		return fail(e.User.String(), "The token has expired"+onDay(e.Before.ExpiresAt), mend).then(e.reconnect())
	case e.User.Is(issue.Unauthorized) && !e.Before.ExpiresAt.IsZero() && !e.Now.Before(e.Before.ExpiresAt):
		return fail(e.User.String(), "The token has expired"+onDay(e.Before.ExpiresAt), mend).then(e.reconnect())
	case !e.User.OK():
		return skip(e.Barred())
	case !e.Self.OK():
		return e.selfless()
	case ends.IsZero():
		return warn("expires_at: never", "The token never expires: if it leaks, it is good for ever", "Give it an end, and renew it before: GitLab proposes 365 days at most")
	}
	days := int(math.Ceil(ends.Sub(e.Now).Hours() / 24)) // as `cxm token status` counts them
	at := "expires on " + day(ends)
	if days <= Warned {
		return warn(at, fmt.Sprintf("It ends in %s; from that day on no issue is created or closed", count(max(days, 0), "day")), "Renew it before: create a new one at "+e.tokenPage()).then(e.reconnect())
	}
	return ok(at, fmt.Sprintf("in %d days", days))
}

func onDay(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " on " + day(t)
}

// count is a number with its word.
func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// selfless says why the token tells nothing of itself.
func (e *Evidence) selfless() Verdict {
	if e.Self.Is(issue.Invalid) {
		return Verdict{Outcome: NotChecked, Evidence: e.Self.String(), Cause: "it is not a personal access token, so GitLab tells nothing of it"}
	}
	return unasked(e.Self)
}

// told says why nothing is known of the token itself; nil: it is.
func (e *Evidence) untold() *Verdict {
	v := Verdict{}
	switch why := e.Barred(); {
	case why != "":
		v = skip(why)
	case !e.Self.OK():
		v = e.selfless()
	default:
		return nil
	}
	return &v
}

// renewed is how often a token is renewed by good custom.
const renewed = 90 * 24 * time.Hour

func judgeAge(e *Evidence) Verdict {
	if v := e.untold(); v != nil {
		return *v
	}
	if e.PAT.CreatedAt.IsZero() {
		return skip("GitLab does not say when the token was made")
	}
	at := "made on " + day(e.PAT.CreatedAt)
	if e.Now.Sub(e.PAT.CreatedAt) > renewed {
		return warn(at, "The token is older than 90 days", "Renew it: create a new one at "+e.tokenPage()).then(e.reconnect())
	}
	return ok(at, "")
}

// Needed are the scopes that the guide asks for, with what each is for.
func needed() map[string]string {
	return map[string]string{
		"read_user": "reading its own profile", "read_repository": "reading code over Git", "write_repository": "changes in code over Git",
	}
}

func judgeScopes(e *Evidence) Verdict {
	has := e.PAT.Scopes
	switch {
	case e.Adrift() == "" && e.User.Sent && strings.Contains(e.User.Said(), "insufficient_scope"):
		return fail(e.User.String(), "The token lacks the scope api", "Create one with the scope api at "+e.tokenPage()).then(e.reconnect())
	case e.untold() != nil:
		return *e.untold()
	case e.PAT.Granular:
		return skip("a fine-grained token has permissions in place of scopes")
	}
	at := "has " + names(has)
	if !slices.Contains(has, "api") {
		return fail(at, "The token lacks the scope api: without it nothing can be created or changed", "Scopes cannot be added later: create a token with api at "+e.tokenPage()).then(e.reconnect())
	}
	var lacks []string
	for _, scope := range []string{"read_repository", "write_repository"} { // api covers read_user
		if !slices.Contains(has, scope) {
			lacks = append(lacks, scope+" ("+needed()[scope]+")")
		}
	}
	if len(lacks) > 0 {
		return warn(at, "Issues work. Fixes in code will want "+names(lacks), "Choose those scopes too when you next renew the token, unless cxm shall only keep issues")
	}
	return ok(at, "")
}

func judgeExcess(e *Evidence) Verdict {
	if v := e.untold(); v != nil {
		return *v
	}
	useful := []string{"api", "read_api", "read_user", "read_repository", "write_repository", "self_rotate", "granular"}
	var more, grave []string
	for _, scope := range e.PAT.Scopes {
		switch {
		case scope == "sudo" || scope == "admin_mode":
			grave = append(grave, scope)
		case !slices.Contains(useful, scope):
			more = append(more, scope)
		}
	}
	mend := "Create a token without at " + e.tokenPage()
	switch {
	case len(grave) > 0:
		return warn("has "+names(grave), "With this token anybody could act as any user of the instance; cxm needs nothing of that", mend)
	case len(more) > 0:
		return warn("has "+names(more), "cxm does not use these scopes: what a token can do, a thief of it can do too", mend)
	}
	return ok("", "")
}

func judgeRotation(e *Evidence) Verdict {
	if v := e.untold(); v != nil {
		return *v
	}
	switch {
	case e.PAT.Granular:
		return warn("a fine-grained token", "It renews itself only if it was given that permission, which GitLab does not tell", "Look at its permissions at "+e.tokenPage())
	case slices.Contains(e.PAT.Scopes, "self_rotate"), slices.Contains(e.PAT.Scopes, "api"):
		return ok("has "+names(slices.DeleteFunc(slices.Clone(e.PAT.Scopes), func(s string) bool { return s != "self_rotate" && s != "api" })), "")
	}
	return warn("has "+names(e.PAT.Scopes), "The token cannot renew itself: a person has to, before it expires", "Choose self_rotate too when you next create one")
}

// calls lists every call that was made with the token.
func (e *Evidence) calls() []Call {
	return []Call{e.User, e.Self, e.Meta, e.Reach, e.Find, e.Member, e.Group, e.Dry, e.Hooked, e.People}
}

func judgeGranular(e *Evidence) Verdict {
	for _, c := range e.calls() {
		if c.Sent && strings.Contains(c.Said(), "insufficient_granular_scope") {
			if e.PAT.Granular {
				return fail(c.String(), "The fine-grained token lacks a permission that GitLab names", "Create one with the permissions named at "+e.tokenPage()).then(e.reconnect())
			}
			return fail(c.String(), "The instance or group takes only fine-grained tokens", "Create a fine-grained token at "+e.page("/-/user_settings/personal_access_tokens")+" with the permissions GitLab names,").then(e.reconnect())
		}
	}
	switch why := e.Barred(); {
	case why != "":
		return skip(why)
	case e.PAT.Granular:
		return warn("a fine-grained token", "GitLab does not list its permissions here: whether they are enough shows only when they are used", "See the other checks, and its page "+e.tokenPage())
	}
	return ok("", "")
}

func judgeUse(e *Evidence) Verdict {
	if v := e.untold(); v != nil {
		return *v
	}
	if len(e.PAT.Addresses) == 0 {
		return skip("GitLab keeps no addresses of this token")
	}
	at := "used from " + names(e.PAT.Addresses)
	if len(e.PAT.Addresses) > 2 {
		return warn(at, "The token was used from several addresses: each should be a machine of cxm's", "Look the others up in GitLab's audit events; if one is strange, revoke the token at once at "+e.tokenPage())
	}
	return ok(at, "")
}
