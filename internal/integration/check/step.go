package check

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mend is the next step for people: what is to be done elsewhere in words, and what is
// to be done in cxm as a Step. The zero value says that nothing is to be done.
type Mend struct {
	Text string // of itself a sentence without its end; empty: there is only the step
	Step Step   // the zero value: there is only the text
}

// Words are the mend in the words of a surface: say has those of its steps, as a clause
// that begins with a verb.
func (m Mend) Words(say func(Step) string) string {
	switch {
	case m.Step.Kind == "":
		return m.Text
	case m.Text == "":
		return begin(say(m.Step))
	}
	return m.Text + " and " + say(m.Step)
}

// begin is a clause as a sentence begins.
func begin(clause string) string {
	first, size := utf8.DecodeRuneInString(clause)
	return string(unicode.ToUpper(first)) + clause[size:]
}

// Step is what is to be done in cxm itself. It has no words, since a command names a
// flag where a page has a field.
type Step struct {
	Kind StepKind
	URL  string // of the instance; of ReplaceToken alone
	Of   string // what it is about, as its kind says; may be empty
}

// StepKind is one thing that people can do in cxm.
type StepKind string

// The steps.
const (
	EnterToken   StepKind = "enter-token"   // there is none yet
	ReplaceToken StepKind = "replace-token" // Of: the project
	TrustCA      StepKind = "trust-ca"
	SignInProxy  StepKind = "sign-in-proxy" // Of: host and port
	CheckProxy   StepKind = "check-proxy"
	NameProject  StepKind = "name-project" // Of: its path
	NameOwners   StepKind = "name-owners"
	ReviewAccess StepKind = "review-access"
	Deliver      StepKind = "deliver"
	Redeliver    StepKind = "redeliver"
	Inspect      StepKind = "inspect" // Of: the source
	InspectKept  StepKind = "inspect-kept"
	TakeIn       StepKind = "take-in"
	Reroute      StepKind = "reroute"
	ShowRun      StepKind = "show-run"    // Of: its number
	ApproveRun   StepKind = "approve-run" // Of: its number
	ShowStatus   StepKind = "show-status"
)

// Steps lists every kind of step.
func Steps() []StepKind {
	return []StepKind{
		EnterToken, ReplaceToken, TrustCA, SignInProxy, CheckProxy, NameProject, NameOwners, ReviewAccess, Deliver, Redeliver, Inspect, InspectKept, TakeIn,
		Reroute, ShowRun, ApproveRun, ShowStatus,
	}
}

// Command is a step in the words of the command line. A kind that it does not know has
// none.
func Command(s Step) string {
	of := func(otherwise string) string {
		if s.Of == "" {
			return otherwise
		}
		return s.Of
	}
	return map[StepKind]string{
		EnterToken:   "give --token-file FILE, set CXM_GITLAB_TOKEN, or write it to standard input",
		ReplaceToken: "run `cxm connect gitlab --url " + s.URL + " --token-file FILE --project " + of("group/project") + "`",
		TrustCA:      "give it with --ca-file FILE",
		SignInProxy:  "put user name and password into HTTPS_PROXY, as in http://user:password@" + of("proxy.example.com:3128"),
		CheckProxy:   "check HTTPS_PROXY, or name the instance in NO_PROXY if it can be reached without",
		NameProject:  "give --project " + of("group/project, or the project's number"),
		NameOwners:   "write down who looks after the account: `cxm access owners set team@example.com`",
		ReviewAccess: "look at `cxm access show` and at this report, and say that you did with `cxm access review`",
		Deliver:      "take in what your sources report: `cxm ingest --source TYPE FILE`",
		Redeliver:    "look at the job that runs `cxm ingest` for it",
		Inspect:      "run `cxm inspect --source " + of("TYPE") + " FILE`, which says which and why",
		InspectKept:  "look for its cause in the log; `cxm inspect` with the same file says it too",
		TakeIn:       "start `cxm serve`, or take them in with `cxm run`",
		Reroute:      "give cxm's account the role Maintainer in that project, or name another one and run `cxm rules apply`; what was held then goes on by itself",
		ShowRun:      "look at `cxm runs " + s.Of + "`, which shows each with GitLab's words",
		ApproveRun:   "look at `cxm runs " + s.Of + "`; `cxm approve " + s.Of + "` lets it go",
		ShowStatus:   "see `cxm status`; check the account's role",
	}[s.Kind]
}

// then adds what is to be done in cxm.
func (v Verdict) then(s Step) Verdict {
	v.Mend.Step = s
	return v
}

// do is a step about nothing in particular.
func do(kind StepKind) Step { return Step{Kind: kind} }

// about is a step about something.
func about(kind StepKind, of string) Step { return Step{Kind: kind, Of: strings.TrimSpace(of)} }
