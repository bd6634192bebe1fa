// Package rest sends requests to one GitLab as one account. What is asked of
// GitLab is in the packages beside it; how a request leaves, waits, is tried
// again and what its failure means is here.
//
// What always holds: a request that writes leaves at most once per call, unless
// GitLab proved with a 429 or a 401 that it was not carried out; a lost or garbled answer
// to a write is issue.Doubtful, never success and never "try again"; limits are
// kept before GitLab has to say so; the token goes to the instance alone, and
// into no error, log or Sent; every error is an *issue.Trouble.
package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	api "gitlab.com/gitlab-org/api/client-go/v2"

	"cxm/internal/gitlab/limit"
	"cxm/internal/integration"
)

// timeout bounds one request, from its connection to the last byte of its
// answer. GitLab gives up on its own requests after 60 seconds.
const timeout = 90 * time.Second

// Options is what a Client needs.
type Options struct {
	URL       string            // of the instance, as integration.ParseURL returns it; may have a relative root
	Token     func() string     // read for every request, so that a rotated token is used at once; needed
	Refused   Renew             // asked when GitLab answers 401; nil: nobody has another token
	Transport http.RoundTripper // how requests travel; nil: NewTransport()
	Limits    Limits            // a zero field takes DefaultLimits' value for the instance
	Ledger    limit.Ledger      // keeps the limits together with the account's other processes; nil: there are none
	Account   int64             // GitLab's id of the account the token belongs to; 0: not known yet, and Ledger is not used
	Clock     func() time.Time  // stands in for GitLab's where an answer has no Date; nil: time.Now. Waits are in real time
	UserAgent string            // empty: "cxm"
	ReadOnly  bool              // refuses whatever is not a GET before it is sent: the dry run
	Logger    *slog.Logger      // one line per request at debug level, waits at warn; nil: discards
	Observe   func(Sent)        // called after every request, by many goroutines at once; nil: nobody watches
}

// Sent is one request that went out, or that was refused on its way.
type Sent struct {
	Method   string
	Route    string // GitLab's route with its parameters unfilled: "/projects/:id/issues"
	Status   int    // of the answer; 0: there was none
	Duration time.Duration
	Context  context.Context // of the call, for whoever traces it; nil: it has none
	Instance string          // host and port
	Account  int64           // Options.Account
	Left     int             // requests that GitLab's limit still allows; -1: it does not say
}

// Renew is asked what to do about a token that GitLab refused, and may wait for
// another process that is changing it. True: Options.Token gives another one now,
// and the request is sent again, since a 401 proves that it was not carried
// out.
type Renew func(ctx context.Context, refused string) bool

// Client is one account on one GitLab instance. It is safe for many goroutines.
type Client struct {
	api      *api.Client
	base     *url.URL
	clock    func() time.Time
	log      *slog.Logger
	readOnly bool
	renew    Renew
	limits   *limits
	outage   *outage
}

// New makes a client. It sends nothing; the error names the option that is
// wrong.
func New(o Options) (*Client, error) {
	text, err := integration.ParseURL(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Token == nil {
		return nil, errors.New("gitlab: Options.Token is missing: give a function that returns the token")
	}
	base, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("gitlab: reading the instance URL: %w", err)
	}
	o = o.filled()
	c := &Client{base: base, clock: o.Clock, log: o.Logger, readOnly: o.ReadOnly, renew: o.Refused}
	c.limits = newLimits(o.Limits.or(DefaultLimits(text)), o.sharing(text))
	c.outage = &outage{host: base.Host}
	c.api, err = api.NewAuthSourceClient(bearer{o.Token},
		api.WithBaseURL(text),
		api.WithHTTPClient(c.httpClient(o)),
		api.WithUserAgent(o.UserAgent),
		api.WithoutRetries(),
		api.WithCustomRetryMax(0),
		api.WithCustomLimiter(unlimited{}),
		api.WithURLWarningLogger(o.Logger),
	)
	if err != nil {
		return nil, fmt.Errorf("gitlab: making the API client: %w", err)
	}
	return c, nil
}

// API is client-go's client, for the Sending of a Call: nothing is sent with it
// in any other way.
func (c *Client) API() *api.Client { return c.api }

// Base is the address of the instance, as integration.ParseURL gives it.
func (c *Client) Base() string { return c.base.String() }

// Host is the instance's name for people, with its port.
func (c *Client) Host() string { return c.base.Host }

// Now is the time on the clock that stands in for GitLab's.
func (c *Client) Now() time.Time { return c.clock() }

// Creates is the bucket of the issues created in a project.
func (c *Client) Creates(project int64) *limit.Bucket { return c.limits.project(project) }

// Notes is the bucket of the account's comments.
func (c *Client) Notes() *limit.Bucket { return c.limits.notes }

// Searches is the bucket of the account's lists with search=.
func (c *Client) Searches() *limit.Bucket { return c.limits.searches }

func (o Options) filled() Options {
	if o.Transport == nil {
		o.Transport = NewTransport()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.UserAgent == "" {
		o.UserAgent = "cxm"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(Sent) {}
	}
	if o.Refused == nil {
		o.Refused = func(context.Context, string) bool { return false }
	}
	return o
}

func (c *Client) httpClient(o Options) *http.Client {
	return &http.Client{
		Transport: &guard{
			next: o.Transport, base: c.base, readOnly: o.ReadOnly,
			log: o.Logger, observe: o.Observe, account: o.Account, most: answerLimit,
		},
		CheckRedirect: redirects(c.base),
		Timeout:       timeout,
	}
}
