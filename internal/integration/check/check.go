// Package check is what can be wrong with a connection to GitLab: one list of
// checks, what evidence each one looks at, and what that means. It asks nobody
// itself; internal/gitlab/probe collects the evidence.
//
// What always holds: a result is a pure function of the evidence and comes with
// its cause and its mend; what could not be found out is "not checked" with the
// reason, never "ok"; one fault fails one check (and access.kept, where it worked
// before), those that depend on it are not checked; no text holds the token.
package check

import (
	"slices"
	"strings"
)

// Outcome is how a check ended.
type Outcome string

// The outcomes.
const (
	OK         Outcome = "ok"
	Warning    Outcome = "warning"     // it works, but not well or not for long
	Failed     Outcome = "failed"      // cxm cannot do its work until it is mended
	NotChecked Outcome = "not checked" // Result.Cause says why
)

// Stage is how far the collecting of evidence has come. A check is judged once
// its stage is done.
type Stage int

// The stages, in the order in which evidence is collected.
const (
	Given    Stage = iota + 1 // what was typed: URL and token, nothing is asked
	Reached                   // the way to the instance, and what answers there
	Known                     // the account, the token, the instance's version
	Placed                    // the project and what may be done in it
	Flowing                   // what the database knows: sources, earlier verification, troubles
	lastDone = Flowing
)

// Group is what a check is about, for people.
type Group string

// The groups, in the order in which they are shown.
const (
	Instance Group = "Instance"
	Token    Group = "Token"
	Account  Group = "Account"
	Project  Group = "Project"
	Flow     Group = "Flow"
)

// Groups lists the groups in their order.
func Groups() []Group { return []Group{Instance, Token, Account, Project, Flow} }

// Check is one question about a connection.
type Check struct {
	Name  string // stable: "token.scopes"
	Group Group
	Stage Stage
	Asks  string    // the question, for people
	Can   []Outcome // those it can end with once its stage is done, the gravest first

	judge func(*Evidence) Verdict
}

// Verdict is what the evidence means for one check.
type Verdict struct {
	Outcome  Outcome
	Evidence string // the call, its status and GitLab's words, or the fact; empty: none
	Cause    string // in plain words; for NotChecked why not
	Mend     Mend   // the next step
}

// Result is a check with its verdict.
type Result struct {
	Check
	Verdict
}

// Checks lists every check in the order in which they are shown, group by group.
func Checks() []Check {
	return slices.Concat(instanceChecks(), tokenChecks(), accountChecks(), projectChecks(), flowChecks())
}

// Run judges all checks. Those whose evidence was not collected are not checked.
func Run(e *Evidence) []Result {
	var out []Result
	for _, c := range Checks() {
		out = append(out, c.on(e))
	}
	return out
}

// At judges the checks of one stage, in their order.
func At(s Stage, e *Evidence) []Result {
	var out []Result
	for _, c := range Checks() {
		if c.Stage == s {
			out = append(out, c.on(e))
		}
	}
	return out
}

// Stages lists the stages in their order.
func Stages() []Stage {
	var out []Stage
	for s := Given; s <= lastDone; s++ {
		out = append(out, s)
	}
	return out
}

func (c Check) on(e *Evidence) Result {
	if e.Done < c.Stage {
		return Result{c, skip("the test ended before it came to this")}
	}
	return Result{c, c.judge(e)}
}

// Worst is the gravest outcome among results: Failed, Warning, OK or, when
// nothing was checked, NotChecked.
func Worst(results []Result) Outcome {
	for _, o := range []Outcome{Failed, Warning, OK} {
		if slices.ContainsFunc(results, func(r Result) bool { return r.Outcome == o }) {
			return o
		}
	}
	return NotChecked
}

func ok(evidence, cause string) Verdict { return Verdict{OK, evidence, cause, Mend{}} }

func warn(evidence, cause, mend string) Verdict {
	return Verdict{Warning, evidence, cause, Mend{Text: mend}}
}

func fail(evidence, cause, mend string) Verdict {
	return Verdict{Failed, evidence, cause, Mend{Text: mend}}
}

func skip(why string) Verdict { return Verdict{Outcome: NotChecked, Cause: why} }

// unasked is the verdict of a check whose call went wrong for a reason that says
// nothing about what it asks.
func unasked(c Call) Verdict {
	if !c.Sent {
		return skip("nobody asked GitLab")
	}
	return Verdict{Outcome: NotChecked, Evidence: c.String(), Cause: "GitLab did not answer the question"}
}

// names joins words for people: "a", "a and b", "a, b and c".
func names(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}
