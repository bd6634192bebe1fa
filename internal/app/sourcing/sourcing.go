// Package sourcing looks after the places that may deliver over HTTP: it adds and
// removes them, gives them tokens, takes what they deliver, and takes in what waits.
//
// What always holds: a token is shown once, to whoever made it, and kept as a hash; a
// source delivers into a scope of its own, and no other source changes what is in it;
// what cannot be taken in is kept with the reason.
package sourcing

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"cxm/internal/app/core"
	"cxm/internal/credential"
	"cxm/internal/money"
	"cxm/internal/receive"
	"cxm/internal/source"
	"cxm/internal/store/sources"
)

// Sourcer looks after the sources of one data directory. It is safe for concurrent
// use.
type Sourcer struct {
	*core.Core
	mu    sync.Mutex
	again map[place]bool // what is being taken in, and whether to look once more; guarded by mu
}

// New makes one.
func New(c *core.Core) *Sourcer { return &Sourcer{Core: c, again: map[place]bool{}} }

// Request is what a source is to be.
type Request struct {
	Name    string
	Type    source.Type
	Scope   string         // it delivers into; empty: its name
	Options source.Options // Currency, Instance and IncludeAll count
	Rate    int            // events or webhooks a second; 0: receive.DefaultRate
}

// Source is a configured source as people see it.
type Source struct {
	sources.Source
	Type    source.Type
	Options source.Options
}

// Path is where a source delivers, behind the address of cxm.
func (s Source) Path() string {
	if s.Type == source.CloudEvents {
		return "/v1/events"
	}
	return "/v1/hooks/" + s.Name
}

// longestName keeps addresses and lines readable.
const longestName = 64

// ParseName checks the name of a source, which is the last part of its address.
func ParseName(name string) error {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	switch {
	case name == "" || len(name) > longestName || strings.Trim(name, letters+"-_.") != "" || !strings.Contains(letters, name[:1]):
		return fmt.Errorf("%.80q is no name for a source: use up to %d lower-case letters, digits, -, _ and ., with a letter or digit first", name, longestName)
	case name == "gitlab":
		return errors.New(`a source cannot be named "gitlab", since GitLab's own webhooks go there (see cxm webhook): choose another name`)
	}
	return nil
}

// AddSource makes a source, and its token, which is shown this once. The error is
// sources.ErrTaken when another has its name or scope.
func (s *Sourcer) AddSource(ctx context.Context, r Request) (Source, credential.Secret, error) {
	if err := r.check(); err != nil {
		return Source{}, credential.Secret{}, err
	}
	token, now := receive.NewToken(), s.Clock().UTC()
	hash := receive.HashOf(token)
	options, err := json.Marshal(r.Options)
	if err != nil {
		return Source{}, credential.Secret{}, fmt.Errorf("keeping how to read source %q: %w", r.Name, err)
	}
	kept, err := s.Configured.Add(ctx, sources.Source{
		Name: r.Name, Type: string(r.Type), Scope: cmp.Or(r.Scope, r.Name), Options: string(options), Rate: int64(r.Rate),
		Token: hash[:], TokenAt: now, CreatedAt: now,
	})
	if err != nil {
		return Source{}, credential.Secret{}, err
	}
	made, err := read(kept)
	return made, token, err
}

// mostRate is more than one source can deliver anyhow.
const mostRate = 1_000_000

func (r *Request) check() error {
	if err := ParseName(r.Name); err != nil {
		return err
	}
	if _, err := source.ParseType(string(r.Type)); err != nil {
		return err
	}
	if r.Rate < 0 || r.Rate > mostRate {
		return fmt.Errorf("a rate of %d: give a number of events a second from 1 to %d, or 0 for %d", r.Rate, mostRate, receive.DefaultRate)
	}
	r.Options = source.Options{Currency: r.Options.Currency, Instance: r.Options.Instance, IncludeAll: r.Options.IncludeAll}
	if r.Options.Currency == "" {
		return nil
	}
	var err error
	r.Options.Currency, err = money.ParseCurrency(r.Options.Currency)
	return err
}

func read(kept sources.Source) (Source, error) {
	out := Source{Source: kept, Type: source.Type(kept.Type)}
	if err := json.Unmarshal([]byte(kept.Options), &out.Options); err != nil {
		return out, fmt.Errorf("reading how source %q is to be read: %w: remove it and add it again", kept.Name, err)
	}
	return out, nil
}

// ConfiguredSources lists the sources by name.
func (s *Sourcer) ConfiguredSources(ctx context.Context) ([]Source, error) {
	all, err := s.Configured.Sources(ctx)
	var out []Source
	for _, kept := range all {
		one, wrong := read(kept)
		out, err = append(out, one), errors.Join(err, wrong)
	}
	return out, err
}

// ConfiguredSource is the source of that name. The error is
// sources.ErrNotFound.
func (s *Sourcer) ConfiguredSource(ctx context.Context, name string) (Source, error) {
	kept, err := s.Configured.Source(ctx, name)
	if err != nil {
		return Source{}, err
	}
	return read(kept)
}

// RotateSource gives a source another token, which is shown this once. The one that
// it has works for as long as overlap beside it; 0: not any more. The error is
// sources.ErrNotFound.
func (s *Sourcer) RotateSource(ctx context.Context, name string, overlap time.Duration) (Source, credential.Secret, error) {
	if overlap < 0 {
		return Source{}, credential.Secret{}, fmt.Errorf("an overlap of %s: give how long the token before goes on working, such as 24h, or 0", overlap)
	}
	token, now := receive.NewToken(), s.Clock().UTC()
	hash := receive.HashOf(token)
	if err := s.Configured.Rotate(ctx, name, hash[:], now, now.Add(overlap)); err != nil {
		return Source{}, credential.Secret{}, err
	}
	in, err := s.ConfiguredSource(ctx, name)
	return in, token, err
}

// EnableSource lets a source deliver, or not. The error is
// sources.ErrNotFound.
func (s *Sourcer) EnableSource(ctx context.Context, name string, enabled bool) error {
	return s.Configured.Enable(ctx, name, enabled)
}

// RemoveSource forgets a source. What it delivered stays, and a source that is added
// with its type and scope takes it over. The error is
// sources.ErrNotFound.
func (s *Sourcer) RemoveSource(ctx context.Context, name string) error {
	return s.Configured.Remove(ctx, name)
}

// RefusedDeliveries lists the latest deliveries that could not be taken in, with the
// reason of each.
func (s *Sourcer) RefusedDeliveries(ctx context.Context, most int) ([]sources.Refused, error) {
	return s.Configured.Refused(ctx, most)
}

// DiscardDelivery forgets a delivery that could not be taken in. The error says when
// there is none.
func (s *Sourcer) DiscardDelivery(ctx context.Context, id int64) error {
	return s.Configured.Discard(ctx, id)
}
