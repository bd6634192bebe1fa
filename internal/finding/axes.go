package finding

import (
	"fmt"
	"time"
)

// State is four independent axes. What people see as "status" is derived from
// them by Status and nowhere else.
type State struct {
	Detection Detection
	Decision  Decision
	Work      Work
	Savings   Savings
}

// Detection is what the source says now.
type Detection string

// The detections. Unknown is a failed scan, out of scope, or a lost
// permission: it never closes anything.
const (
	Present Detection = "present"
	Absent  Detection = "absent"
	Unknown Detection = "unknown"
)

// Decision is what people said about the finding.
type Decision string

// The decisions.
const (
	Undecided Decision = "undecided"
	Accepted  Decision = "accepted"
	Snoozed   Decision = "snoozed"   // until a time
	Exception Decision = "exception" // with a reason and an expiry
)

// Work is how far the work on it has come.
type Work string

// The states of work.
const (
	NoWork           Work = "none"
	IssueOpen        Work = "issue open"
	MergeRequestOpen Work = "merge request open"
	Merged           Work = "merged"
	ClosedByPerson   Work = "closed by a person"
)

// Savings is how far the promised saving has become real.
type Savings string

// The states of savings.
const (
	Estimated    Savings = "estimated"
	Measuring    Savings = "measuring"
	Realised     Savings = "realised"
	Partly       Savings = "partly"
	Regressed    Savings = "regressed"
	Inconclusive Savings = "inconclusive"
)

// Status is the one word people see, derived from the four axes.
func (s State) Status() string {
	switch {
	case s.Savings == Realised || s.Savings == Partly || s.Savings == Regressed:
		return string(s.Savings)
	case s.Detection == Absent:
		return "gone"
	case s.Decision == Snoozed || s.Decision == Exception:
		return string(s.Decision)
	case s.Detection == Unknown:
		return "unknown"
	case s.Work != NoWork && s.Work != "":
		return string(s.Work)
	case s.Decision == Accepted:
		return "accepted"
	}
	return "new"
}

// Sighting is what is remembered of a finding between two pulls of its scope.
type Sighting struct {
	Detection Detection
	Absences  int       // consecutive complete snapshots without it
	Digest    Digest    // of what it last said
	Since     time.Time // when Detection took its value; zero: not known, or as it was
}

// Miss is the sighting after a snapshot that did not contain the finding, and
// why. Only a complete snapshot counts, and absence is proved after proof of
// them in a row (at least 1). An empty snapshot proves nothing: see Provable.
func (s Sighting) Miss(complete bool, proof int, now time.Time) (Sighting, string) {
	switch {
	case s.Detection == Absent:
		return s, "already absent"
	case !complete:
		return s, "the snapshot is not complete, so absence says nothing"
	}
	s.Absences++
	if s.Absences < max(proof, 1) {
		return s, fmt.Sprintf("missing from %d of %d complete snapshots in a row", s.Absences, proof)
	}
	s.Detection, s.Since = Absent, now
	return s, fmt.Sprintf("missing from %d complete snapshots in a row", s.Absences)
}

// Provable says whether absence in a snapshot may count, and if not, why.
// An empty list is what a failing or unauthorised source most often answers.
func Provable(complete bool, findings int) (bool, string) {
	switch {
	case !complete:
		return false, "the snapshot is not complete"
	case findings == 0:
		return false, "the snapshot is empty, which a source that lost its rights answers too"
	}
	return true, "the snapshot is complete"
}

// Pull is one delivery of findings from a source.
type Pull struct {
	ID         int64
	Source     string // the source type, such as "aws-cost-optimization-hub"
	Scope      string // the part of the world it covers
	ReceivedAt time.Time
	Complete   bool
	Reasons    []string // why it is not complete, or why absence was not counted
	Files      []string
	New        int
	Changed    int
	Unchanged  int
	Absent     int // proved absent by this pull, explicitly or by absence
	Missing    int // missing, but not proved absent yet
	Skipped    int
}
