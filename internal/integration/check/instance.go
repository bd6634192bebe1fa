package check

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

func instanceChecks() []Check {
	return []Check{
		{"instance.url", Instance, Given, "Is the instance URL an address?", []Outcome{Failed, Warning, OK}, judgeURL},
		{"instance.proxy", Instance, Reached, "Does the proxy answer?", []Outcome{Failed, OK, NotChecked}, judgeProxy},
		{"instance.dns", Instance, Reached, "Does the host name resolve?", []Outcome{Failed, OK, NotChecked}, judgeDNS},
		{"instance.tcp", Instance, Reached, "Does the port take connections?", []Outcome{Failed, OK, NotChecked}, judgeTCP},
		{"instance.tls", Instance, Reached, "Is the certificate good?", []Outcome{Failed, Warning, OK, NotChecked}, judgeTLS},
		{"instance.gitlab", Instance, Reached, "Is it GitLab that answers?", []Outcome{Failed, OK, NotChecked}, judgePage},
		{"instance.version", Instance, Known, "Is the version new enough?", []Outcome{Failed, Warning, OK, NotChecked}, judgeVersion},
		{"instance.clock", Instance, Known, "Do the clocks agree?", []Outcome{Warning, OK, NotChecked}, judgeClock},
		{"instance.limits", Instance, Known, "Do GitLab's rate limits leave room?", []Outcome{Warning, OK, NotChecked}, judgeLimits},
	}
}

func judgeURL(e *Evidence) Verdict {
	switch {
	case e.Base == "":
		return fail(e.URL, cmp.Or(e.URLTrouble, "There is no instance URL"), "Give the address that people open in a browser, such as gitlab.com or https://gitlab.example.com")
	case strings.HasPrefix(e.Base, "http://") && !e.Loopback:
		return warn(e.Base, "The connection is not encrypted: whoever is on the way can read the token", "Use https, and http only inside a network that you trust")
	}
	return ok(e.Base, "")
}

func judgeProxy(e *Evidence) Verdict {
	switch {
	case e.Base == "":
		return skip(e.Adrift())
	case e.Proxy.Address == "":
		return skip("no proxy is set for this instance")
	case !e.Proxy.Asked:
		return skip("nobody asked the proxy")
	case e.Page.Status == 407 || strings.Contains(e.Page.Words, "Proxy Authentication Required"):
		return fail(e.Proxy.Address+": 407", "The proxy asks for a sign-in", "").then(about(SignInProxy, host(e.Proxy.Address)))
	case e.Proxy.Fault != "":
		return fail(detail(e.Proxy.Address, e.Proxy.Words), "The proxy does not answer: "+string(e.Proxy.Fault), "").then(do(CheckProxy))
	}
	return ok(e.Proxy.Address, "")
}

func host(address string) string {
	_, rest, found := strings.Cut(address, "://")
	if !found {
		return address
	}
	return rest
}

// detail is a thing with what was said about it.
func detail(what, words string) string {
	if words == "" {
		return what
	}
	return what + ": " + words
}

// byProxy says that steps on the way to the instance are the proxy's.
func byProxy(e *Evidence) string {
	if e.Proxy.Address != "" {
		return "the proxy " + e.Proxy.Address + " does it"
	}
	return ""
}

func judgeDNS(e *Evidence) Verdict {
	switch {
	case e.Base == "":
		return skip(e.Adrift())
	case byProxy(e) != "":
		return skip(byProxy(e))
	case !e.DNS.Asked:
		return skip("the address is a number, or requests travel in a way of their own")
	case e.DNS.Fault == NoSuchHost:
		return fail(detail(e.DNS.Host, e.DNS.Words), "No name server knows the host "+e.DNS.Host, "Check its spelling in the instance URL, and that this machine is in the network where the name is known")
	case e.DNS.Fault != "":
		return fail(detail(e.DNS.Host, e.DNS.Words), "The name server did not say where "+e.DNS.Host+" is", "Check this machine's name servers (/etc/resolv.conf) and try again")
	}
	return ok(e.DNS.Host+" is "+names(e.DNS.Addresses[:min(3, len(e.DNS.Addresses))]), "")
}

func judgeTCP(e *Evidence) Verdict {
	switch {
	case e.Base == "":
		return skip(e.Adrift())
	case byProxy(e) != "":
		return skip(byProxy(e))
	case e.DNS.Fault != "":
		return skip("the host name does not resolve")
	case !e.TCP.Asked:
		return skip("requests travel in a way of their own")
	}
	at := detail(e.TCP.Address, e.TCP.Words)
	switch e.TCP.Fault {
	case "":
		return ok(e.TCP.Address, "")
	case Refused:
		return fail(at, "The host is there, but nothing listens at this port", "Check the port in the instance URL, and that GitLab is running")
	case NoAnswer:
		return fail(at, "Nothing answers: a firewall drops the connection, or the host is down", "Let this machine through the firewall to "+e.TCP.Address)
	case NotAllowed:
		return fail(at, "cxm keeps away from private, loopback and link-local addresses unless it is told that the instance is there", cmp.Or(e.TCP.Mend, "If the instance is really there, name it in CXM_ALLOW_PRIVATE"))
	}
	return fail(at, "There is no way from this machine to the host", "Check the network, the VPN and any firewall between the two")
}

// soon is how long before its end a certificate is told about.
const soon = 14 * 24 * time.Hour

func judgeTLS(e *Evidence) Verdict {
	switch {
	case e.Base == "":
		return skip(e.Adrift())
	case strings.HasPrefix(e.Base, "http://"):
		return skip("the instance URL says http")
	case e.TLS.Asked && e.TLS.Fault != "":
		return judgeCertificate(e)
	case e.DNS.Fault != "" || e.TCP.Fault != "" || e.Proxy.Fault != "":
		return skip("there is no connection")
	case !e.TLS.Asked:
		return skip("requests travel in a way of their own")
	case !e.TLS.NotAfter.IsZero() && e.TLS.NotAfter.Sub(e.Now) < soon:
		return warn(certificate(e.TLS), "The certificate ends on "+day(e.TLS.NotAfter)+": from then on cxm cannot connect", "Ask whoever runs the instance to renew it")
	}
	return ok(certificate(e.TLS), "")
}

func certificate(t TLS) string {
	parts := []string{t.Version}
	if t.Subject != "" {
		parts = append(parts, "for "+t.Subject)
	}
	if t.Issuer != "" {
		parts = append(parts, "by "+t.Issuer)
	}
	if !t.NotAfter.IsZero() {
		parts = append(parts, "until "+day(t.NotAfter))
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

// judgeCertificate names the fault of a handshake.
func judgeCertificate(e *Evidence) Verdict {
	t := e.TLS
	at := detail(certificate(t), t.Words)
	switch t.Fault {
	case Expired:
		return fail(at, "The certificate expired on "+day(t.NotAfter), "Ask whoever runs the instance to renew it; if it did not, check this machine's clock")
	case NotYetValid:
		return fail(at, "The certificate is good only from "+day(t.NotBefore)+" on", "Check this machine's clock")
	case WrongName:
		return fail(at, "The certificate is for "+names(t.Names[:min(4, len(t.Names))])+" and not for this host", "Use the host name of the certificate in the instance URL, or have the certificate made anew")
	case SelfSigned:
		return fail(at, "The certificate is self-signed: nobody vouches for it", "Get the certificate from whoever runs the instance").then(do(TrustCA))
	case UnknownCA:
		return fail(at, "The certificate comes from an authority that this machine does not know ("+t.Issuer+")", "Get the authority's root certificate from whoever runs the instance").then(do(TrustCA))
	case NoTLS:
		return fail(at, "The port does not speak TLS", "Check the port, or use http:// if the instance has no TLS")
	}
	return fail(at, "The TLS handshake failed", "Try `openssl s_client -connect "+e.TCP.Address+"` on this machine; a proxy may stand between")
}

func judgePage(e *Evidence) Verdict {
	p := e.Page
	switch {
	case e.Base == "":
		return skip(e.Adrift())
	case !p.Asked:
		return skip("there is no connection")
	case p.GitLab:
		return ok("GET /api/v4/version: "+strconv.Itoa(p.Status)+", as GitLab answers without a token", "")
	}
	return elsewhere(e)
}

// elsewhere says what it is that answers in GitLab's place.
func elsewhere(e *Evidence) Verdict {
	p := e.Page
	at := answered(p)
	check := "Open " + e.page("/api/v4/version") + " in a browser: GitLab says 401 Unauthorized there"
	switch {
	case p.Status == 0:
		return fail(at, "The connection broke off, or the answer took too long", "Try again; if it stays, look at the instance's own health")
	case p.Status >= 300 && p.Status < 400 && sameHost(p.Location, e.Base):
		return fail(at, "The instance answers at "+p.Location, "Use that as the instance URL")
	case p.Status >= 300 && p.Status < 400:
		return fail(at, "Another place answers for the instance, "+p.Location+": a sign-in page before it, or an address that moved", "Let cxm's machine pass the sign-in for /api/v4, or use the instance's new address")
	case p.Status >= 500:
		return fail(at, "The instance is there but does not work at the moment", "Look at its health ("+e.page("/-/health")+"), and try again later")
	case p.Status == 407:
		return fail(at, "The proxy asks for a sign-in", "").then(about(SignInProxy, host(e.Proxy.Address)))
	case p.Status == 404:
		return fail(at, "There is no GitLab API at this address: it is another product, or GitLab is below a path", "Give the whole address, with its path if it has one, as in https://example.com/gitlab. "+check)
	case p.Title != "" && signIn(p.Title):
		return fail(at, `A sign-in page titled "`+p.Title+`" answers in GitLab's place`, "Let cxm's machine pass that sign-in for /api/v4. "+check)
	case strings.Contains(p.Type, "html"):
		return fail(at, `A page titled "`+p.Title+`" answers in GitLab's place: a proxy, a firewall, or another product`, check)
	}
	return fail(at, "What answers is not GitLab's API", check)
}

func answered(p Page) string {
	text := "GET /api/v4/version: no answer"
	if p.Status != 0 {
		text = fmt.Sprintf("GET /api/v4/version: %d %s", p.Status, p.Type)
	}
	for _, more := range []string{p.Title, p.Message, p.Location, p.Words} {
		if more != "" {
			return strings.TrimSpace(text) + ", " + more
		}
	}
	return strings.TrimSpace(text)
}

func sameHost(location, base string) bool {
	plain := func(s string) string {
		name, _, _ := strings.Cut(host(s), "/")
		name, _, _ = strings.Cut(name, ":")
		return strings.ToLower(name)
	}
	return location != "" && plain(location) == plain(base)
}

func signIn(title string) bool {
	lower := strings.ToLower(title)
	for _, word := range []string{"sign in", "signin", "log in", "login", "sso", "single sign", "authenticat", "access denied"} {
		if strings.Contains(lower, word) {
			return true
		}
	}
	return false
}

// oldest is the first version with what cxm cannot do without: tokens that tell
// of themselves (15.5) and service accounts (16.1).
const oldestMajor, oldestMinor = 16, 1

// lacking is what cxm or its set-up goes without on versions before.
func lacking(major, minor int) []string {
	var out []string
	for _, f := range []struct {
		major, minor int
		what         string
	}{
		{17, 10, "tokens with the scope self_rotate alone cannot renew themselves (17.10)"},
		{18, 11, "service accounts need Premium or Ultimate, and a top-level group (18.11)"},
		{19, 1, "webhooks are not signed, they carry a secret in the clear (19.1)"},
	} {
		if major < f.major || major == f.major && minor < f.minor {
			out = append(out, f.what)
		}
	}
	return out
}

// release reads "19.3.0-ee" as 19 and 3.
func release(version string) (major, minor int, ok bool) {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return 0, 0, false
	}
	major, err := strconv.Atoi(parts[0])
	if err != nil {
		return 0, 0, false
	}
	minor, err = strconv.Atoi(parts[1])
	return major, minor, err == nil
}

func judgeVersion(e *Evidence) Verdict {
	if why := e.Barred(); why != "" {
		return skip(why)
	}
	major, minor, told := release(e.Version)
	lacks := lacking(major, minor)
	switch {
	case !e.Meta.OK():
		return unasked(e.Meta)
	case !told:
		return Verdict{Outcome: NotChecked, Evidence: e.Version, Cause: "the instance does not tell its version"}
	case major < oldestMajor || major == oldestMajor && minor < oldestMinor:
		return fail("GitLab "+e.Version, fmt.Sprintf("cxm needs GitLab %d.%d or later: before it there are no service accounts", oldestMajor, oldestMinor), "Upgrade the instance (https://docs.gitlab.com/update/)")
	case len(lacks) > 0:
		return warn("GitLab "+e.Version, "On this version "+strings.Join(lacks, "; "), "Upgrade the instance if you need that (https://docs.gitlab.com/update/)")
	}
	return ok("GitLab "+e.Version, "")
}

// apart is how far two clocks may be apart before it is told: signatures of
// webhooks are good for five minutes.
const apart = time.Minute

func judgeClock(e *Evidence) Verdict {
	if why := e.Adrift(); why != "" {
		return skip(why)
	}
	if e.Server.IsZero() {
		return skip("GitLab's answers carry no date")
	}
	ahead := e.Heard.Sub(e.Server)
	at := fmt.Sprintf("GitLab says %s, this machine %s", e.Server.UTC().Format(time.TimeOnly), e.Heard.UTC().Format(time.TimeOnly))
	if ahead.Abs() <= apart {
		return ok(at, "")
	}
	which := "behind"
	if ahead > 0 {
		which = "ahead of"
	}
	return warn(at, fmt.Sprintf("This machine's clock is %s %s GitLab's: signed webhooks are refused beyond five minutes, and expiry is told wrongly", ahead.Abs().Round(time.Second), which), "Set this machine's clock by NTP (`timedatectl set-ntp true`)")
}

func judgeLimits(e *Evidence) Verdict {
	l := e.Limits
	if why := e.Adrift(); why != "" {
		return skip(why)
	}
	at := fmt.Sprintf("%s: %d of %d requests a minute left", l.Name, l.Remaining, l.Limit)
	switch {
	case l.Waited && !l.Told:
		return warn("429", "GitLab said that it was asked too often", "cxm waits by itself; see who else uses this account")
	case !l.Told:
		return skip("the instance sends no RateLimit headers: it has no limits, or does not tell them")
	case l.Limit > 0 && l.Limit < l.Wants:
		return warn(at, fmt.Sprintf("The instance allows %d requests a minute, cxm would send up to %d: work takes longer than it could", l.Limit, l.Wants), "Nothing has to be done; an administrator can raise it at "+e.page("/admin/application_settings/network"))
	case l.Waited || l.Remaining*10 < l.Limit:
		return warn(at, "The account is close to its limit: something else uses it", "Give cxm an account of its own")
	}
	return ok(at, "")
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
