package page

import "cxm/internal/integration/check"

// ReachButton leads from an integration to how its instance is reached.
const ReachButton = "Certificate and proxy"

// Mended is the next step of a check as a page words it: what is to be done in cxm is
// named by the button or the field for it. integration is the one that was tested; 0:
// one in the making.
func Mended(m check.Mend, integration int64) string {
	words := making
	if integration != 0 {
		words = kept
	}
	return m.Words(words)
}

// making words the steps of a connection in the making: it begins with a form.
func making(s check.Step) string {
	switch s.Kind {
	case check.EnterToken, check.ReplaceToken:
		return "enter the token in the form, as Personal Access Token"
	case check.TrustCA:
		return "enter it in the form, as Certificate of a private authority"
	case check.CheckProxy:
		return "look at the Proxy in the form; where that is empty, what counts is HTTPS_PROXY and NO_PROXY where cxm is started"
	}
	return stored(s)
}

// kept words the steps of an integration: its page has a button for each.
func kept(s check.Step) string {
	switch s.Kind {
	case check.EnterToken, check.ReplaceToken:
		return "give cxm the token with Replace, below Token"
	case check.TrustCA:
		return "enter it with " + ReachButton
	case check.CheckProxy:
		return "enter another one with " + ReachButton + "; where none is entered, what counts is HTTPS_PROXY and NO_PROXY where cxm is started"
	}
	return stored(s)
}

// stored words the steps that are the same in both.
func stored(s check.Step) string {
	switch s.Kind {
	case check.SignInProxy:
		return "leave the proxy empty here, and have HTTPS_PROXY set where cxm is started, with user name and password: cxm keeps none"
	case check.NameProject:
		return "choose " + first(s.Of, "it by its group and name") + " as Repository"
	case check.NameOwners:
		return "write down who looks after the account, with Who looks after it"
	case check.ReviewAccess:
		return "look at what the account reaches, and record that you did, with Review the access"
	case check.Deliver:
		return "add a source at Settings > Sources, and have it deliver"
	case check.Redeliver:
		return "look at what delivers for it, and at Settings > Sources"
	case check.Inspect:
		return "look at the deliveries of " + first(s.Of, "the source") + " at Settings > Sources, and mend its export"
	case check.InspectKept:
		return "look at the deliveries at Settings > Sources, which say why"
	case check.TakeIn:
		return "wait a moment: cxm takes them in by itself, and Settings > Status says what waits"
	case check.Reroute:
		return "give cxm's account the role Maintainer in that project, or name another one at Events and rules; what was held then goes on by itself"
	case check.ShowRun:
		return "look at run " + s.Of + " at Plans and runs, which shows each with GitLab's words"
	case check.ApproveRun:
		return "look at run " + s.Of + " at Plans and runs, and approve or reject it there"
	case check.ShowStatus:
		return "look at them at Issues; check the account's role"
	}
	return ""
}
