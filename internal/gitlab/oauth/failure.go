package oauth

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"cxm/internal/gitlab/dial"
	"cxm/internal/issue"
)

// Fault is what a failure means for the code or the tokens.
type Fault string

// The faults.
const (
	Denied    Fault = "access_denied"   // the person, or the instance for them, said no
	BadGrant  Fault = "invalid_grant"   // the code or refresh token is used up, expired, revoked or another application's
	BadClient Fault = "invalid_client"  // the instance does not know the application, or not with this secret
	Refused   Fault = "refused"         // all else that GitLab said: the same will fail again
	NotGitLab Fault = "not a GitLab"    // what answered is none, or another one than was named
	Limited   Fault = "limited"         // 429: wait
	Unsent    Fault = "unsent"          // it never left: trying again is safe
	Doubtful  Fault = "perhaps used up" // it left, and no answer is known: a refresh token may be used up
)

// Failure is a request of OAuth that did not go well.
type Failure struct {
	Fault   Fault
	Trouble issue.Trouble
}

// Error says what was being done, what happened and what to do.
func (f *Failure) Error() string { return f.Trouble.Error() }

// Unwrap is the trouble.
func (f *Failure) Unwrap() error { return &f.Trouble }

// Is says whether err is a failure with one of the faults.
func Is(err error, faults ...Fault) bool {
	f, ok := errors.AsType[*Failure](err)
	return ok && slices.Contains(faults, f.Fault)
}

// request is what is known of a request before it is sent.
type request struct {
	doing   string
	retry   string   // the next step when it has to be done anew
	secrets []string // kept out of every text
	begin   func() error
}

// failure classifies what became of a request:
//
//	begin refused it                          unsent, with begin's error
//	no answer, never left                     unsent
//	no answer, left; 5xx; 2xx and garbled     perhaps used up
//	3xx                                       not a GitLab (moved)
//	400 401 403 with OAuth's words            by the words
//	429                                       limited
//	any other words                           not a GitLab
func (r request) failure(x *exchange, err error) error {
	f := &Failure{Trouble: issue.Trouble{Doing: r.doing, Status: x.status}}
	if x.status == 0 {
		r.unanswered(f, x, err)
		return f
	}
	words := read(x.body)
	f.Trouble.Said = r.tidy(words.text())
	switch {
	case x.status == http.StatusTooManyRequests:
		f.say(Limited, issue.Limited, "Wait, and try again")
		f.Trouble.After = after(x.header)
	case x.status >= 500 || x.status < 300:
		r.doubt(f, x)
	case x.status < 400:
		f.say(NotGitLab, issue.Moved, "Give the instance's own address: this one leads to "+place(x.header.Get("Location")))
	case words.Error == "":
		f.say(NotGitLab, issue.NotFound, "This address has no GitLab with OAuth: check the instance URL, above all a relative root such as /gitlab, and any sign-in page or proxy before it")
	default:
		f.Fault, f.Trouble.Kind, f.Trouble.Mend = r.byWords(words.Error)
	}
	return f
}

func (f *Failure) say(fault Fault, kind issue.TroubleKind, mend string) {
	f.Fault, f.Trouble.Kind, f.Trouble.Mend = fault, kind, mend
}

func (r request) unanswered(f *Failure, x *exchange, err error) {
	if x.held != nil {
		f.say(Unsent, issue.Unsent, "")
		f.Trouble.Err = x.held
		return
	}
	f.Trouble.Said = r.tidy(cause(err).Error())
	if x.left() {
		f.say(Doubtful, issue.Doubtful, "GitLab may have carried it out: if it does not work from here on, "+r.retry)
		return
	}
	f.say(Unsent, issue.Unsent, "Check that the instance is up and that this machine reaches it, then try again")
	if refused, ok := errors.AsType[*dial.RefusedError](err); ok {
		f.Trouble.Mend = refused.Mend()
	}
}

// cause leaves out what net/http says of the request, which has its address.
func cause(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func (r request) doubt(f *Failure, x *exchange) {
	f.say(Doubtful, issue.Doubtful, "GitLab may have carried it out: if it does not work from here on, "+r.retry)
	if x.status >= 300 {
		return
	}
	f.Trouble.Said = "the answer is not what GitLab sends" // its body may hold tokens
	if !strings.Contains(x.header.Get("Content-Type"), "json") {
		f.Trouble.Mend += "; the answer does not look like GitLab's: check the instance URL and any sign-in page or proxy before it"
	}
}

// byWords classifies OAuth's errors (RFC 6749, section 5.2).
func (r request) byWords(name string) (Fault, issue.TroubleKind, string) {
	switch name {
	case "invalid_grant":
		return BadGrant, issue.Unauthorized, "The authorization is used up, expired or was revoked in GitLab: " + r.retry
	case "invalid_client", "unauthorized_client":
		return BadClient, issue.Invalid, "GitLab does not know the application, or not with this secret: check the Application ID and the secret on the application's page in GitLab; a confidential application needs its secret"
	case "access_denied":
		return Denied, issue.Forbidden, "Agree on GitLab's page, or ask who administers the instance why it does not let you: " + r.retry
	case "invalid_scope":
		return Refused, issue.Invalid, "Tick the scope api of the application in GitLab, and " + r.retry
	case "invalid_redirect_uri":
		return Refused, issue.Invalid, "Register the redirect URI that cxm names, to the letter, on the application's page in GitLab, and " + r.retry
	}
	return Refused, issue.Invalid, "Change what GitLab names; the same request will fail again"
}

// Returned reads what came back with the person: the error of the page, if there
// is one. redirect is where they were sent back to.
func Returned(query url.Values, host string) error {
	name := query.Get("error")
	if name == "" {
		return nil
	}
	r := request{doing: "asking " + host + " for an authorization", retry: "run the command again"}
	f := &Failure{Trouble: issue.Trouble{Doing: r.doing, Said: r.tidy(words{name, query.Get("error_description")}.text())}}
	f.Fault, f.Trouble.Kind, f.Trouble.Mend = r.byWords(name)
	return f
}

// words are OAuth's error, or GitLab's own.
type words struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func read(body []byte) words {
	var w words
	if json.Unmarshal(body, &w) != nil {
		return words{}
	}
	return w
}

func (w words) text() string {
	return strings.TrimSuffix(w.Error+": "+w.Description, ": ")
}

// longest is how much of GitLab's words is kept, in characters.
const longest = 300

// tidy makes one line of printable text out of it, without secrets, cut.
func (r request) tidy(text string) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) {
			return ' '
		}
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, "\ufffd"))
	for _, secret := range r.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[secret]")
			text = strings.ReplaceAll(text, url.QueryEscape(secret), "[secret]")
		}
	}
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "…"
	}
	return text
}

// place is the scheme and host of a Location, for people.
func place(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return "another address"
	}
	return request{}.tidy(u.Scheme + "://" + u.Host)
}

func after(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
