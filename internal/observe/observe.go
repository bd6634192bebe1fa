// Package observe hears from GitLab that something changed.
//
// What always holds: a delivery says only where to look; nothing of what it says
// about an issue is believed. It is authentic before anything of it is looked up
// or parsed, and one that is not touches no disk. It is durable, with the job
// that looks, before GitLab hears that it arrived; the same change has one
// effect, however often and through however many webhooks it is told. Losing
// every delivery costs time and nothing else: cxm looks regularly anyway.
package observe

import (
	"context"
	"time"

	"cxm/internal/credential"
)

// Hook is one webhook that may deliver.
type Hook struct {
	ID          int64
	Integration int64
	Account     int64 // GitLab's id of the account that cxm writes as
	Secret      credential.Secret
	Signing     bool // the secret signs deliveries; else GitLab sends it along
}

// Hooks finds the webhook at an endpoint, in memory: whoever may call has not
// proved anything yet.
type Hooks interface {
	Hook(endpoint string) (Hook, bool)
}

// Inbox keeps what was delivered.
type Inbox interface {
	// Accept makes the delivery durable together with the look that follows, and
	// says whether it was the first with any of its keys.
	Accept(ctx context.Context, hook Hook, d Delivery) (first bool, err error)
}

// Delivery is where to look, and what the delivery is known by.
type Delivery struct {
	Keys       []string
	ReceivedAt time.Time // on cxm's clock
	Project    int64     // GitLab's id
	IID        int64     // of the issue
	ChangedAt  time.Time // on GitLab's clock, at the latest; zero: it does not say
	Marked     bool      // the text carries a marker, or was not shown
}

// Outcome is what became of a request.
type Outcome string

// The outcomes.
const (
	Accepted Outcome = "accepted" // a look follows
	Repeated Outcome = "repeated" // the same change was told before
	Ignored  Outcome = "ignored"  // it is about nothing that cxm looks at
	Refused  Outcome = "refused"  // it is not authentic, or not readable
)

// Tally counts what became of the requests to a webhook. It is called by many
// goroutines at once and must not wait for anything.
type Tally interface {
	Count(hook int64, o Outcome, at time.Time)
}
