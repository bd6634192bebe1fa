// Package receive takes what sources deliver over HTTP: CloudEvents 1.0 in all modes
// of its HTTP binding, and the webhooks of tools whose formats cxm reads.
//
// What always holds: nothing is read of a request that does not prove who sends it;
// bodies, requests at once and time are bounded; what is answered with a 2xx is
// stored, and what is refused says where it is wrong and how to mend it; no token is
// part of an answer or of the log.
package receive

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"time"

	"cxm/internal/source"
)

// Source is a place that may deliver.
type Source struct {
	ID      int64
	Name    string // the last part of its address
	Type    source.Type
	Options source.Options // how what it delivers is read
	Tokens  []Hash         // of the tokens that prove it; two while one takes the other's place
	Enabled bool
	Rate    int // events or bodies a second; 0: DefaultRate
}

// Hash is what is known of a token.
type Hash [sha256.Size]byte

// Sources knows who may deliver. It is asked for every request, so it answers from
// memory.
type Sources interface {
	// Named is a source of that name: which, where several tenants have one, does
	// not matter, since it proves nothing.
	Named(name string) (Source, bool)
	// Bearing is the source that the token proves.
	Bearing(token Hash) (Source, bool)
}

// Digest is what an event is known by.
type Digest [16]byte

// Event is one event, or the body of one webhook.
type Event struct {
	Digest Digest // the zero value: nothing tells whether it is a repeat
	Text   []byte // as internal/source reads it
}

// Delivery is what one request delivered.
type Delivery struct {
	Source     Source
	Events     []Event
	ReceivedAt time.Time
}

// Outcome is what became of a delivery.
type Outcome struct {
	ID       int64 // by which cxm knows the delivery; 0: there was nothing new in it
	Repeated int   // events that were accepted before
	Gone     bool  // the source may not deliver any more: nothing was kept
}

// Inbox keeps deliveries.
type Inbox interface {
	// Accept stores deliveries in their order, all or none; once it returns they are
	// durable. The outcomes are in the order of the deliveries.
	Accept(ctx context.Context, in []Delivery) ([]Outcome, error)
}

// Count is what is counted of one request.
type Count struct{ Accepted, Events, Repeated, Refused int64 }

// Tally counts what became of requests.
type Tally interface {
	// Count adds to what is counted of a source; at is zero for a request that did not
	// prove who sent it.
	Count(source int64, c Count, at time.Time)
}

// Config is what a Receiver needs.
type Config struct {
	Sources Sources
	Inbox   Inbox
	Tally   Tally
	Full    func() bool      // so much waits to be taken in that nothing more is accepted; optional: never
	Clock   func() time.Time // optional: time.Now
	Logger  *slog.Logger     // hears of what cannot be kept; optional: nobody does

	EventBytes  int64 // of a body of events, inflated; optional: 1 MiB
	HookBytes   int64 // of a webhook's body, inflated; optional: 16 MiB
	MostAtOnce  int   // requests; optional: 1024
	LargeAtOnce int   // requests with a body of more than 64 KiB; optional: 8
}

// DefaultRate is how many events or webhooks a second one source may deliver, unless
// it says otherwise. For a moment it may be twice as many.
const DefaultRate = 5000

func (c *Config) fill() {
	if c.Full == nil {
		c.Full = func() bool { return false }
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	orElse(&c.EventBytes, 1<<20)
	orElse(&c.HookBytes, 16<<20)
	orElse(&c.MostAtOnce, 1024)
	orElse(&c.LargeAtOnce, 8)
}

func orElse[T int | int64](value *T, otherwise T) {
	if *value <= 0 {
		*value = otherwise
	}
}

// Patterns are where a Receiver is to be mounted, for http.ServeMux.
func Patterns() []string {
	return []string{"POST /v1/events", "OPTIONS /v1/events", "POST /v1/hooks/{source}", "OPTIONS /v1/hooks/{source}"}
}

// Receiver is the http.Handler behind Patterns. It is safe for concurrent use.
//
// It answers 202 when a delivery is stored, and 200 when all that is in it was stored
// before; 400 for a body that is not what it should be, 401 when the request does not
// prove a source (which source there is costs and tells nothing), 403 for a source
// that may not deliver this, 408 for a body that is too slow, 413 and 415 for one that
// is too large or of another type, 429 for more than the source may deliver, and 503
// when it could not be stored, or so much waits that nothing more is taken: then the
// sender is to come again.
type Receiver struct {
	Config
	mux    *http.ServeMux
	gather *gatherer
	rates  *rates
	slots  chan struct{}
	large  chan struct{}
}

// New makes a receiver.
func New(c Config) *Receiver {
	c.fill()
	r := &Receiver{
		Config: c, mux: http.NewServeMux(), gather: newGatherer(c.Inbox), rates: &rates{},
		slots: make(chan struct{}, c.MostAtOnce), large: make(chan struct{}, c.LargeAtOnce),
	}
	r.mux.HandleFunc("POST /v1/events", func(w http.ResponseWriter, req *http.Request) { r.serve(w, req, "") })
	r.mux.HandleFunc("POST /v1/hooks/{source}", func(w http.ResponseWriter, req *http.Request) { r.serve(w, req, req.PathValue("source")) })
	r.mux.HandleFunc("OPTIONS /v1/events", r.shake)
	r.mux.HandleFunc("OPTIONS /v1/hooks/{source}", r.shake)
	return r
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.mux.ServeHTTP(w, req) }

// slowest is how long a body may take to arrive, and how long it may take to be
// stored.
const slowest = 10 * time.Second

// serve takes one request; hook is the source that its path names, "" for events.
func (r *Receiver) serve(w http.ResponseWriter, req *http.Request, hook string) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	default:
		(&fault{status: http.StatusServiceUnavailable, detail: "too many requests at once: send it again in a moment", after: 1}).answer(w)
		return
	}
	now := r.Clock()
	from, why := r.prove(req, hook)
	if why == nil {
		why = r.take(w, req, from, now)
	} else {
		now = time.Time{}
	}
	if why == nil {
		return
	}
	if from.ID != 0 {
		r.Tally.Count(from.ID, Count{Refused: 1}, now)
	}
	why.answer(w)
}

// take is for a request that proved its source.
func (r *Receiver) take(w http.ResponseWriter, req *http.Request, from Source, now time.Time) *fault {
	limit := r.HookBytes
	if from.Type == source.CloudEvents {
		limit = r.EventBytes
	}
	switch {
	case !from.Enabled:
		return disabled()
	case r.Full():
		return &fault{status: http.StatusServiceUnavailable, after: 10, detail: "so much waits to be taken in that cxm accepts nothing more for now: send it again later"}
	}
	if wait := r.rates.take(from, 1, now); wait > 0 {
		return tooMany(wait)
	}
	mode, why := modeOf(req.Header, from.Type)
	if why != nil {
		return why
	}
	body, why := r.body(w, req, limit)
	if why != nil {
		return why
	}
	events, why := mode.events(req.Header, body, from)
	if why != nil {
		return why
	}
	if wait := r.rates.take(from, len(events)-1, now); wait > 0 {
		return tooMany(wait)
	}
	return r.keep(w, req, Delivery{Source: from, Events: events, ReceivedAt: now})
}

// keep stores a delivery and answers.
func (r *Receiver) keep(w http.ResponseWriter, req *http.Request, d Delivery) *fault {
	// A caller that hangs up does not take back what is about to be kept.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(req.Context()), slowest)
	defer cancel()
	var out Outcome
	if len(d.Events) > 0 {
		var err error
		if out, err = r.gather.accept(ctx, d); err != nil {
			r.Logger.Error("a delivery could not be kept; its sender was told to send it again", "source", d.Source.Name, "error", err)
			return &fault{status: http.StatusServiceUnavailable, after: 5, detail: "cxm could not keep the delivery, its log says why: send it again"}
		}
	}
	if out.Gone {
		return disabled()
	}
	c := Count{Repeated: int64(out.Repeated), Events: int64(len(d.Events) - out.Repeated)}
	if out.ID != 0 {
		c.Accepted = 1
	}
	r.Tally.Count(d.Source.ID, c, d.ReceivedAt)
	done(w, out, len(d.Events))
	return nil
}

func disabled() *fault {
	return &fault{status: http.StatusForbidden, detail: "this source is disabled: whoever looks after cxm lets it deliver again with `cxm source enable`"}
}

// shake answers the handshake of the webhook specification of CloudEvents
// (https://github.com/cloudevents/spec, HTTP 1.1 Web Hooks, 4): everybody may ask to
// deliver, since a delivery proves itself.
func (r *Receiver) shake(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Allow", "POST, OPTIONS")
	if origin := req.Header.Get("WebHook-Request-Origin"); origin != "" {
		w.Header().Set("WebHook-Allowed-Origin", origin)
		w.Header().Set("WebHook-Allowed-Rate", allowedRate(req.Header.Get("WebHook-Request-Rate")))
	}
	w.WriteHeader(http.StatusOK)
}
