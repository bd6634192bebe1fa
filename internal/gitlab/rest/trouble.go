package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"cxm/internal/gitlab/limit"
	"cxm/internal/issue"
)

// lockWait is how long GitLab's locks on an issue are given to go.
const lockWait = 2 * time.Second

// outcome is all that is known of a request that did not go well.
type outcome struct {
	doing  string
	method string
	status int // 0: no answer
	header http.Header
	body   []byte // of a bad answer
	err    error  // nil when the status says it all
	left   bool   // the request may have left this machine
	token  string // kept out of every text
	now    time.Time
}

func (o outcome) writes() bool { return o.method != http.MethodGet }

// classify says what a failed request means for cxm:
//
//	no answer   never left this machine                 unsent
//	            left, and it writes                     in doubt
//	            left, and it reads                      unavailable
//	2xx         garbled, and it writes                  in doubt
//	            garbled, and it reads                   unavailable
//	3xx         a redirect that is not followed         moved
//	400 409 422 GitLab's words                          invalid
//	409         resource lock on POST                   in doubt (GitLab may raise it after the commit)
//	            resource lock on others                 limited, for a moment
//	401         unknown, expired, revoked               unauthorized
//	403         scope, account, role                    forbidden
//	404         absent or hidden                        not found
//	405         the words of a moved project            moved
//	            other words: something in between       invalid
//	407         a proxy wants a sign-in                 unsent
//	408 5xx     and it writes                           in doubt
//	            and it reads                            unavailable
//	429                                                 limited
//	others                                              invalid
func classify(o outcome) *issue.Trouble {
	t := &issue.Trouble{Doing: o.doing, Status: o.status, Said: said(o), Err: cleaned(o.err, o.token)}
	switch {
	case o.status == 0:
		silent(o, t)
	case o.status < 300:
		garbled(o, t)
	default:
		t.Err = nil
		answered(o, t)
	}
	return t
}

// answered classifies an answer that says no.
func answered(o outcome, t *issue.Trouble) {
	switch o.status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
		refused(o, t)
	case http.StatusUnauthorized:
		t.Kind, t.Mend = issue.Unauthorized, unauthorized(t.Said)
	case http.StatusForbidden:
		t.Kind, t.Mend = issue.Forbidden, forbidden(o, t.Said)
	case http.StatusNotFound:
		t.Kind, t.Mend = issue.NotFound, notFound(o)
	case http.StatusMethodNotAllowed:
		notAllowed(t)
	case http.StatusProxyAuthRequired:
		t.Kind, t.Mend = issue.Unsent, "The proxy asks for a sign-in: put the user name and password into HTTPS_PROXY"
	case http.StatusRequestTimeout:
		doubt(o, t)
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong:
		t.Kind, t.Mend = issue.Invalid, "GitLab or a proxy before it refuses the size: shorten what is sent, or raise the limit there"
	case http.StatusTooManyRequests:
		t.Kind, t.After = issue.Limited, limit.RetryAfter(o.header, o.now)
		t.Mend = "cxm waits and goes on by itself; lower its limits if this happens often"
	default:
		others(o, t)
	}
}

func others(o outcome, t *issue.Trouble) {
	switch {
	case o.status >= 500:
		doubt(o, t)
		t.After = limit.RetryAfter(o.header, o.now)
	case o.status < 400:
		t.Kind = issue.Moved
		t.Mend = "GitLab answers from " + place(o.header.Get("Location")) + ": set the instance URL to the address it has now, or the project to its new path"
	default:
		t.Kind, t.Mend = issue.Invalid, "See the words above; the same request will fail again"
	}
}

// doubt is for whatever GitLab may or may not have carried out.
func doubt(o outcome, t *issue.Trouble) {
	if o.writes() {
		t.Kind, t.Mend = issue.Doubtful, "It may have been carried out: cxm looks before it tries again"
		return
	}
	t.Kind, t.Mend = issue.Unavailable, "Try again later; if it stays, look at the instance's own health"
}

// silent classifies a request without an answer.
func silent(o outcome, t *issue.Trouble) {
	switch {
	case errors.Is(o.err, errNoToken):
		t.Kind, t.Mend = issue.Unauthorized, "Run `cxm connect gitlab` with a token"
	case errors.Is(o.err, errBadToken):
		t.Kind, t.Mend = issue.Unauthorized, "Paste the token again, without spaces or line breaks"
	case errors.Is(o.err, ErrReadOnly):
		t.Kind, t.Mend = issue.Unsent, "Use `cxm apply` to write"
	case o.left:
		doubt(o, t)
	default:
		t.Kind, t.Mend = issue.Unsent, unreachable(o.err)
	}
}

// unreachable names the cause of a connection that never came to be.
func unreachable(err error) string {
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var refused interface {
		error
		Mend() string
	}
	switch {
	case errors.As(err, &refused): // whoever dials would not (dial.RefusedError)
		return refused.Mend()
	case errors.As(err, &dns):
		return "Check the host name in the instance URL, and that this machine can resolve it"
	case errors.As(err, &unknown):
		return "The certificate comes from an authority that this machine does not know: give its root certificate with --ca-file, or add it to the system's store"
	case errors.As(err, &name), errors.As(err, &invalid):
		return "The instance's certificate does not fit: check the host name in the instance URL and the certificate's dates"
	case errors.As(err, &record), strings.Contains(text(err), "HTTP response to HTTPS client"):
		return "The port does not speak TLS: check the port, or use http:// if the instance has no TLS"
	case strings.Contains(text(err), "proxyconnect"):
		return "The proxy did not answer: check HTTPS_PROXY and NO_PROXY"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "It was given up before it was sent: trying again is safe"
	}
	return "Check that the instance is up and that the port and any firewall let this machine through"
}

// garbled classifies a good status with an answer that is none.
func garbled(o outcome, t *issue.Trouble) {
	doubt(o, t)
	switch {
	case errors.Is(o.err, io.ErrUnexpectedEOF), errors.Is(o.err, errTooLarge):
	case !strings.Contains(o.header.Get("Content-Type"), "json"):
		t.Mend += "; the answer does not look like GitLab's API: check the instance URL and any proxy or sign-in page before it"
	}
}

// refused classifies 400, 409 and 422.
func refused(o outcome, t *issue.Trouble) {
	words := strings.ToLower(t.Said + string(o.body))
	switch {
	case strings.Contains(words, "resource lock") && o.method == http.MethodPost:
		doubt(o, t)
	case strings.Contains(words, "resource lock"):
		t.Kind, t.After, t.Mend = issue.Limited, lockWait, "Somebody else was writing to it: cxm reads it again and goes on by itself"
	case strings.Contains(words, "captcha"), strings.Contains(words, "recognized as spam"):
		t.Kind, t.Mend = issue.Invalid, "GitLab's spam check stopped it: ask an administrator to allow the account"
	default:
		t.Kind, t.Mend = issue.Invalid, "Change what GitLab names; the same request will fail again"
	}
}

func unauthorized(words string) string {
	lower := strings.ToLower(words)
	switch {
	case strings.Contains(lower, "expired"):
		return "The token has expired: create a new one and run `cxm connect gitlab` again"
	case strings.Contains(lower, "revoked"):
		return "The token was revoked: find out why, create a new one and run `cxm connect gitlab` again"
	case strings.Contains(lower, "impersonation"):
		return "The instance does not accept impersonation tokens: use a personal access token of a service account"
	case strings.Contains(lower, "dpop"):
		return "The account demands DPoP for its tokens, which cxm does not offer: switch it off for this account"
	}
	return "GitLab does not know the token: check that it was pasted whole and belongs to this instance, or create a new one"
}

func forbidden(o outcome, words string) string {
	lower := strings.ToLower(words + string(o.body))
	switch {
	case strings.Contains(lower, "insufficient_granular_scope"):
		return "The instance demands a fine-grained token: create one with the permissions named, and run `cxm connect gitlab` again"
	case strings.Contains(lower, "insufficient_scope"):
		return "The token lacks a scope: create one with the scope api and run `cxm connect gitlab` again"
	case strings.Contains(lower, "blocked"), strings.Contains(lower, "deactivated"), strings.Contains(lower, "pending approval"):
		return "Ask an administrator to unblock or activate the account"
	case strings.Contains(lower, "terms"), strings.Contains(lower, "confirm"), strings.Contains(lower, "password"):
		return "Sign in as the account once and do what GitLab asks, or ask an administrator"
	case !strings.Contains(o.header.Get("Content-Type"), "json"):
		return "The answer is not GitLab's: ask whoever runs the firewall or proxy before it"
	}
	return "Check that the account has at least the Planner or Reporter role in the project, that issues are enabled and that the project is not archived"
}

func notFound(o outcome) string {
	switch body := string(o.body); {
	case strings.Contains(body, `"error":"404 Not Found"`), !strings.Contains(o.header.Get("Content-Type"), "json"):
		return "This address has no GitLab API: check the instance URL, above all a relative root such as /gitlab"
	}
	return "It is absent, or hidden from the account: check the spelling, and that the account is a member"
}

func notAllowed(t *issue.Trouble) {
	if strings.Contains(strings.ToLower(t.Said), "moved project") {
		t.Kind, t.Mend = issue.Moved, "The project has a new path: use its numeric id"
		return
	}
	t.Kind, t.Mend = issue.Invalid, "Something before GitLab may refuse the method: check the proxy"
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Unfit is a trouble that cxm finds before it sends anything.
func Unfit(doing, format string, args ...any) *issue.Trouble {
	return &issue.Trouble{Kind: issue.Invalid, Doing: doing, Said: fmt.Sprintf(format, args...)}
}

// Is says whether err is an *issue.Trouble of one of these kinds.
func Is(err error, kinds ...issue.TroubleKind) bool {
	var t *issue.Trouble
	return errors.As(err, &t) && slices.Contains(kinds, t.Kind)
}
