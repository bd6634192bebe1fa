package breaker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cxm/internal/issue"
)

// Instance is the target that every call is about: the tracker, and the account
// that cxm has there.
const Instance = "the instance"

const projectPrefix = "project "

// Project is the target of calls about one project as a whole: creates and looks.
func Project(id int64) string { return fmt.Sprintf("%s%d", projectPrefix, id) }

// Issues is the target of calls about single issues that exist in a project.
// They are told apart from those about the project: one issue that is gone says
// nothing about the next create.
func Issues(project int64) string { return fmt.Sprintf("issues of project %d", project) }

func isProject(target string) bool { return strings.HasPrefix(target, projectPrefix) }

// Call is what a call to the tracker is about. The zero value is about no
// project: who the account is, a search everywhere.
type Call struct {
	Project int64 // 0: none
	Issue   bool  // about one issue of the project that exists, not about the project
}

// about lists the targets whose breakers a call must pass.
func (c Call) about() []string {
	switch {
	case c.Project == 0:
		return []string{Instance}
	case c.Issue:
		return []string{Instance, Issues(c.Project)}
	}
	return []string{Instance, Project(c.Project)}
}

// blamed lists the targets that a trouble counts against: the account for a
// token that is refused, the instance where it cannot be reached, the call's own
// target for what was answered, and both where nobody knows which of them it is.
func (c Call) blamed(kind issue.TroubleKind) []string {
	all := c.about()
	switch kind {
	case issue.Unauthorized, issue.Unsent:
		return all[:1]
	case issue.Doubtful, issue.Unavailable:
		return all
	}
	return all[len(all)-1:]
}

// Set is the breakers of one integration, in no particular order. Targets and
// classes that are not in it are closed.
type Set []Breaker

// Allow says whether a call may go out at now. Probes are the breakers that it
// is the probe of, as they are to be stored before it goes: whoever fails to
// store one of them (another process was faster) does not call. The reason is
// for people; empty when all is well.
func (s Set) Allow(c Call, now time.Time) (ok bool, probes []Breaker, reason string) {
	about := c.about()
	for _, b := range s {
		if !slices.Contains(about, b.Target) {
			continue
		}
		ok, probe, why := b.Allow(now)
		if !ok {
			return false, nil, why
		}
		if probe {
			probes, reason = append(probes, b.Probing(now)), why
		}
	}
	return true, probes, reason
}

// After is the set after a call ended with t; nil: the tracker did as it was
// asked. Changed are the breakers that are to be stored; notices are those of
// them that have just opened, of each of which a person is to be told. What cxm
// itself stopped (an error of its own store, a person who gave up) is no trouble
// of the tracker's and is not for After.
func (s Set) After(c Call, t *issue.Trouble, now time.Time) (after Set, changed, notices []Breaker) {
	after = slices.Clone(s)
	if t != nil {
		after = after.with(c.blamed(t.Kind), t.Kind)
	}
	echo := t != nil && s.echo(c, t.Kind, now)
	for i, b := range after {
		if !slices.Contains(c.about(), b.Target) || echo && b.Target == Instance {
			continue
		}
		next, notice := b.After(t, now)
		if after[i] = next; next != b {
			changed = append(changed, next)
		}
		if notice {
			notices = append(notices, next)
		}
	}
	return after, changed, notices
}

// with is the set with closed breakers where it has none.
func (s Set) with(targets []string, class issue.TroubleKind) Set {
	for _, target := range targets {
		if !slices.ContainsFunc(s, func(b Breaker) bool { return b.Target == target && b.Class == class }) {
			s = append(s, Breaker{Target: target, Class: class})
		}
	}
	return s
}

// echo says that a trouble comes from a call that was under way when the breaker
// of its own project opened. It tells nothing new of the instance.
func (s Set) echo(c Call, class issue.TroubleKind, now time.Time) bool {
	blamed := c.blamed(class)
	return len(blamed) > 1 && slices.ContainsFunc(s, func(b Breaker) bool {
		return b.Target == blamed[1] && b.Class == class && b.Open() && b.ProbeUntil.IsZero() && !b.due(now)
	})
}
