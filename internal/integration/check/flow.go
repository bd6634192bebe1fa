package check

import (
	"fmt"
	"strings"
	"time"

	"cxm/internal/issue"
)

func flowChecks() []Check {
	return []Check{
		{"access.kept", Flow, Flowing, "Does the account still have the access it had?", []Outcome{Failed, OK, NotChecked}, judgeKept},
		{"access.review", Flow, Flowing, "Was the access looked over lately?", []Outcome{Warning, OK, NotChecked}, judgeReview},
		{"events.configured", Flow, Flowing, "Do sources deliver events?", []Outcome{Warning, OK, NotChecked}, judgeEvents},
		{"events.complete", Flow, Flowing, "Do they deliver all they should?", []Outcome{Warning, OK, NotChecked}, judgeComplete},
		{"events.waiting", Flow, Flowing, "Is what they delivered taken in?", []Outcome{Warning, OK, NotChecked}, judgeWaiting},
		{"rules.routes", Flow, Flowing, "Can issues go where the rules send them?", []Outcome{Failed, OK, NotChecked}, judgeRoutes},
		{"issues.errors", Flow, Flowing, "Did the last run end without errors?", []Outcome{Failed, Warning, OK, NotChecked}, judgeErrors},
	}
}

// judgeKept tells access that was lost from access that never was.
func judgeKept(e *Evidence) Verdict {
	since := "It worked on " + day(e.Before.VerifiedAt) + " and does not now: "
	switch {
	case !e.Before.Connected:
		return skip("cxm is not connected yet")
	case e.Adrift() != "":
		return skip(e.Adrift())
	case e.User.Is(issue.Unauthorized) && e.dead() == "":
		return fail(e.User.String(), since+"the token, or "+e.account()+" itself, was removed", "If the account is gone, create a new service account at "+e.serviceAccounts()).then(e.reconnect())
	case e.User.Is(issue.Unauthorized):
		return fail(e.User.String(), since+"the token is "+e.dead(), "Create a new token at "+e.tokenPage()).then(e.reconnect())
	case e.User.Is(issue.Forbidden):
		return fail(e.User.String(), since+"the account was blocked or deactivated", "Have an administrator activate it at "+e.page("/admin/users"))
	case e.Find.Is(issue.NotFound):
		return fail(e.Find.String(), since+e.account()+" was taken out of the project, or the project was deleted", "Add it again at "+e.Base+"/"+e.Before.Project+"/-/project_members with the role Maintainer; cxm then goes on by itself")
	case e.Find.OK():
		return ok("verified on "+day(e.Before.VerifiedAt)+", and again now", "")
	}
	return skip("GitLab did not answer the question")
}

// quarter is how often access is looked over.
const quarter = 92 * 24 * time.Hour

func judgeReview(e *Evidence) Verdict {
	last := e.Before.ReviewedAt
	switch {
	case !e.Before.Connected:
		return skip("cxm is not connected yet")
	case last.IsZero() && e.Now.Sub(e.Before.Since) > quarter:
		return warn("never", "Nobody has looked over what the account reaches since it was connected on "+day(e.Before.Since), "").then(do(ReviewAccess))
	case last.IsZero():
		return ok("connected on "+day(e.Before.Since), "A review is due every quarter")
	case e.Now.Sub(last) > quarter:
		return warn("last on "+day(last), "What the account reaches was looked over more than a quarter ago", "").then(do(ReviewAccess))
	}
	return ok("last on "+day(last), "")
}

// quiet is how long a source may be silent before it is told. Most deliver once
// a day.
const quiet = 7 * 24 * time.Hour

func judgeEvents(e *Evidence) Verdict {
	if !e.Flow.Known {
		return skip("cxm is not connected yet")
	}
	if len(e.Flow.Sources) == 0 {
		return warn("no source has delivered anything", "Without events there are no issues", "").then(do(Deliver))
	}
	var silent, heard []string
	for _, s := range e.Flow.Sources {
		if e.Now.Sub(s.At) > quiet {
			silent = append(silent, fmt.Sprintf("%s (%s)", s.Name, day(s.At)))
		} else {
			heard = append(heard, s.Name)
		}
	}
	if len(silent) > 0 {
		return warn("silent since: "+strings.Join(silent, ", "), "A source has not delivered for more than a week: what it reports is not known any more, and nothing of it is created or closed", "").then(do(Redeliver))
	}
	return ok(names(heard), "")
}

func judgeComplete(e *Evidence) Verdict {
	switch {
	case !e.Flow.Known:
		return skip("cxm is not connected yet")
	case len(e.Flow.Sources) == 0:
		return skip("no source has delivered anything")
	}
	for _, s := range e.Flow.Sources {
		at := s.Name + ", scope " + s.Scope + ", " + s.At.UTC().Format(time.RFC3339)
		last := "never complete"
		if !s.CompleteAt.IsZero() {
			last = "last complete on " + day(s.CompleteAt)
		}
		switch {
		case !s.Complete:
			return warn(at+": "+last, "Its last delivery was not complete ("+strings.Join(s.Reasons, "; ")+"): new findings count, but none is taken for gone", "Mend the export, then take it in again")
		case s.Skipped > 0:
			return warn(at+": "+count(s.Skipped, "record")+" left out", "Records of the last delivery could not be used", "").then(about(Inspect, s.Name))
		}
	}
	return ok(count(len(e.Flow.Sources), "source")+" complete", "")
}

func judgeWaiting(e *Evidence) Verdict {
	switch f := e.Flow; {
	case !f.Known:
		return skip("cxm is not connected yet")
	case f.Refused > 0:
		return warn(fmt.Sprintf("refused: %d", f.Refused), "What was accepted cannot be taken in", "").then(do(InspectKept))
	case f.Waiting > 0:
		return warn(fmt.Sprintf("waiting: %d", f.Waiting), "Deliveries were accepted and are not taken in yet", "").then(do(TakeIn))
	}
	return ok("", "")
}

// judgeRoutes tells of projects and integrations that rules name, and that cannot be
// used any more: what goes there is held.
func judgeRoutes(e *Evidence) Verdict {
	f := e.Flow
	switch {
	case !f.Known:
		return skip("cxm is not connected yet")
	case !f.Ruled:
		return skip("the built-in rules hold, and name no project")
	case len(f.Astray) > 0:
		return fail(strings.Join(f.Astray, "; "), "The rules send issues where they cannot go: none is made there, and nothing is sent elsewhere by guess", "").then(do(Reroute))
	}
	return ok("every project that the rules name can be used", "Projects that are made of tags are shown by the next plan")
}

func judgeErrors(e *Evidence) Verdict {
	f := e.Flow
	switch {
	case !f.Known:
		return skip("cxm is not connected yet")
	case len(f.Broken) > 0:
		return fail(strings.Join(f.Broken, "; "), "What failed again and again is left alone for a while", "Mend what the words name; cxm tries again by itself")
	case f.Failed > 0:
		return warn(fmt.Sprintf("run %d: %s failed", f.LastRun, count(f.Failed, "step")), "The last run had errors", "").then(about(ShowRun, fmt.Sprint(f.LastRun)))
	case len(f.Held) > 0:
		return warn(fmt.Sprintf("run %d waits", f.Held[0]), "A brake holds a run until a person has looked at it", "").then(about(ApproveRun, fmt.Sprint(f.Held[0])))
	case f.InDoubt > 0:
		return warn(count(f.InDoubt, "create")+" in doubt", "GitLab's answer to a create was lost", "Nothing has to be done: cxm looks for it at the next run")
	case f.Unseen > 0:
		return warn(count(f.Unseen, "issue")+" not shown by GitLab", "Issues that cxm made were deleted or are hidden from its account", "").then(do(ShowStatus))
	case f.LastRun == 0:
		return skip("there was no run yet")
	}
	return ok(fmt.Sprintf("run %d", f.LastRun), "")
}
