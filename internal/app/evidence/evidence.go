// Package evidence finds out what code says of whose a finding is: where the code is
// that declares its resource, whom CODEOWNERS of that file names, and who changed it
// of late.
//
// What always holds: GitLab is only read, with the integration's own token; what it
// said is remembered, and counts until it says otherwise of who it is, so that an
// owner does not change because nobody asked or because GitLab refused; no trouble
// with code fails a plan; what is asked in a while is bounded, and the rest is asked
// later; of a Terraform state nothing is kept but names and places in code.
package evidence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cxm/internal/app/tokencare"
	"cxm/internal/gitlab"
	"cxm/internal/integration"
	"cxm/internal/store/declared"
)

// Asker finds out about the code of all integrations of one data directory. It is
// safe for concurrent use.
type Asker struct {
	*tokencare.Keeper
	kept *declared.Store

	mu sync.Mutex
	of map[int64]*Witness // by integration; guarded by mu
}

// New makes the one asker of a process.
func New(k *tokencare.Keeper) *Asker {
	return &Asker{Keeper: k, kept: declared.New(k.DB.Base(), k.Tenant), of: map[int64]*Witness{}}
}

// Witness answers for an integration, through a client of its account. One process
// has one for each, whose bounds hold over all plans together.
func (a *Asker) Witness(in integration.Integration, client *gitlab.Client) *Witness {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.of[in.ID]
	if w == nil || w.in.URL != in.URL {
		w = newWitness(in, a.kept, a.Clock)
		a.of[in.ID] = w
	}
	w.by(client)
	return w
}

// RefreshCode asks what is due of all integrations. The trouble of one keeps no
// other; one whose token is held waits.
func (a *Asker) RefreshCode(ctx context.Context) error {
	all, err := a.Store.Integrations(ctx)
	if err != nil {
		return fmt.Errorf("reading the integrations: %w", err)
	}
	var trouble error
	for _, in := range all {
		if err := a.RefreshCodeOf(ctx, in); !tokencare.IsHeld(err) {
			trouble = errors.Join(trouble, err)
		}
	}
	return trouble
}

// RefreshCodeOf asks what is due of one integration. The error is a
// *tokencare.HeldError when its token cannot be used.
func (a *Asker) RefreshCodeOf(ctx context.Context, in integration.Integration) error {
	a.mu.Lock()
	w := a.of[in.ID]
	a.mu.Unlock()
	if w == nil || w.in.URL != in.URL {
		client, err := a.Open(ctx, in, true)
		if err != nil {
			return err
		}
		w = a.Witness(in, client)
	} else if err := a.StillHeld(ctx, in); err != nil {
		return err
	}
	return w.Refresh(ctx)
}

const (
	// window is how long the bound on calls holds: a plan that begins within it has
	// what the one before left.
	window = 10 * time.Minute
	// calls is how many are sent to GitLab in a window, about: who was asked about is
	// asked to the end.
	calls = 500

	fresh  = 7 * 24 * time.Hour   // how long what GitLab said counts unasked
	again  = 6 * time.Hour        // when GitLab is asked again that could not say
	unused = 180 * 24 * time.Hour // after which what nobody wants to know is forgotten
	week   = 7 * 24 * time.Hour   // how exactly it is known when somebody did

	remembered = 2 * time.Second // how long the database is not read again: other processes learn too
	opened     = time.Hour       // how long a project and its newest commit are not asked again
	refused    = 10 * time.Minute
	pause      = time.Minute // in which nothing is asked after GitLab could not be reached
	most       = 20_000      // subjects that a process remembers
	longest    = 500         // bytes of a path that GitLab is asked about
)
