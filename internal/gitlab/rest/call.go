package rest

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	api "gitlab.com/gitlab-org/api/client-go/v2"

	"cxm/internal/gitlab/limit"
	"cxm/internal/issue"
)

// retries is how often a read is tried again. A write never is.
const retries = 3

// renewals is how often a request is sent with yet another token.
const renewals = 5

// patience is the longest wait a 503 may ask for before a read is given up.
const patience = 30 * time.Second

// Request is one kind of call, with what it needs to be told apart.
type Request struct {
	Doing  string        // for people: "creating an issue in project 7"
	Method string        // of HTTP
	Route  string        // GitLab's, unfilled: "/projects/:id/issues"
	Bucket *limit.Bucket // taken from beside the account's; nil: none
	Turn   int           // of those that wait for the same limits the lowest goes first
	Before func() error  // called once the limits let the request go; an error stops it; nil: nothing to do
	After  func()        // called when an answer begins that is good or says to wait; nil: nothing to do
}

// Sending is client-go's method for a request, with its arguments in place.
type Sending[T any] func(...api.RequestOptionFunc) (T, *api.Response, error)

// Answer is what came beside the value of a call that went well.
type Answer struct {
	Status int
	Header http.Header
	Took   time.Duration
}

// errGarbled says that the answer is JSON, but not what was asked for.
var errGarbled = errors.New("fields are missing that GitLab always sends")

// Call sends a request and brings back its answer, or an *issue.Trouble. It
// waits for the limits; after a 429, which proves that nothing was carried out,
// it waits and sends again for as long as the context lives; after a 401 it sends
// again when there is another token (Renew); a read is tried again when the instance stumbles, and nothing is sent while it is known to be
// down. Whole says whether an answer is what was asked for.
func Call[T any](ctx context.Context, c *Client, r Request, send Sending[T], whole func(T) bool) (T, Answer, error) {
	turn, down := c.outage.enter(r, time.Now())
	if down != nil {
		var none T
		return none, Answer{}, down
	}
	var last *issue.Trouble
	for stumbles, renewed := 0, 0; ; {
		answer, x, t := attempt(ctx, c, r, send, whole, last)
		if t == nil {
			turn.leave(ctx, x, nil)
			return answer, Answer{Status: x.status, Header: x.header, Took: x.took}, nil
		}
		switch {
		case ctx.Err() != nil:
		case x.status == http.StatusTooManyRequests:
			turn.leave(ctx, x, t)
			last = t
			continue
		case x.status == http.StatusUnauthorized && renewed < renewals:
			turn.leave(ctx, x, t)
			if renewed++; c.renew(ctx, x.token) {
				continue
			}
		case r.stumbled(t, x) && stumbles < retries && turn.again() && pause(ctx, max(backoff(stumbles), t.After)):
			stumbles++
			continue
		}
		turn.leave(ctx, x, t)
		var none T
		return none, Answer{}, t
	}
}

// stumbled says that a read may well succeed when it is tried again: the
// instance failed or was cut off, but did not answer with something else.
func (r Request) stumbled(t *issue.Trouble, x *exchange) bool {
	return r.Method == http.MethodGet && t.Kind == issue.Unavailable && t.After <= patience &&
		(x.status == 0 || x.status >= 500 || errors.Is(t.Err, io.ErrUnexpectedEOF))
}

// attempt waits for the limits and sends once. Last is the trouble of the time
// before, which is the better answer when the context does not reach far enough
// to wait for another.
func attempt[T any](ctx context.Context, c *Client, r Request, send Sending[T], whole func(T) bool, last *issue.Trouble) (T, *exchange, *issue.Trouble) {
	x := &exchange{route: r.Route, after: r.After}
	var none T
	taken, err := c.admit(ctx, r)
	if err != nil {
		return none, x, notAdmitted(r, err, last)
	}
	if r.Before != nil && !c.readOnly {
		if err := r.Before(); err != nil {
			c.settle(ctx, r, taken, x, nil)
			return none, x, &issue.Trouble{Kind: issue.Unsent, Doing: r.Doing, Err: err, Mend: "Nothing was sent: put right what is said, and try again"}
		}
	}
	answer, _, err := send(api.WithContext(x.watch(ctx)))
	if err == nil && !whole(answer) {
		err = errGarbled
	}
	var t *issue.Trouble
	if err != nil {
		t = classify(c.outcome(r, x, err))
	}
	c.settle(ctx, r, taken, x, t)
	if t != nil {
		return none, x, t
	}
	return answer, x, nil
}

func (c *Client) outcome(r Request, x *exchange, err error) outcome {
	if bad := (*api.ErrorResponse)(nil); errors.As(err, &bad) {
		err = errGarbled // it holds the request with the token, and the status says it all
	}
	return outcome{
		doing: r.Doing, method: r.Method, status: x.status, header: x.header, body: x.body,
		err: err, left: x.left(err), token: x.token, now: c.clock(),
	}
}

// notAdmitted is the trouble of a request that its limits held back.
func notAdmitted(r Request, err error, last *issue.Trouble) *issue.Trouble {
	var late *limit.LateError
	if !errors.As(err, &late) {
		return &issue.Trouble{Kind: issue.Unsent, Doing: r.Doing, Err: err, Mend: "It was given up before it was sent: trying again is safe"}
	}
	if last != nil {
		last.After = late.Wait
		return last
	}
	return &issue.Trouble{Kind: issue.Limited, Doing: r.Doing, Err: late, After: late.Wait, Mend: "cxm keeps to its limits: try again later, or raise them if the instance allows more"}
}

// taken says of which buckets a request is the probe.
type taken struct{ own, account bool }

// admit takes the request from its own bucket, then from the account's. All
// callers keep that order, so that probes never wait for each other.
func (c *Client) admit(ctx context.Context, r Request) (t taken, err error) {
	if r.Method != http.MethodGet && c.readOnly {
		return t, ctx.Err()
	}
	if r.Bucket != nil {
		if t.own, err = r.Bucket.Take(ctx, r.Turn); err != nil {
			return t, err
		}
	}
	if t.account, err = c.limits.account.Take(ctx, r.Turn); err != nil && r.Bucket != nil {
		c.tell(ctx, r, r.Bucket, t.own, limit.Silence, 0)
	}
	return t, err
}

// settle tells the buckets how the request went. GitLab's outer limit counts
// every request; it answers in plain text, or in an administrator's own words,
// and says in its headers that nothing is left. The limits of single endpoints
// answer in JSON.
func (c *Client) settle(ctx context.Context, r Request, t taken, x *exchange, trouble *issue.Trouble) {
	own, account := spoken(x), spoken(x)
	after := time.Duration(0)
	if x.status == http.StatusTooManyRequests {
		if after = trouble.After; after == 0 {
			after = limit.RestOfWindow(limit.Dated(x.header, c.clock()))
		}
		own, account = limit.Limited, limit.Fine
		if r.Bucket == nil || !jsonObject(x.body) || limit.Exhausted(x.header) {
			own, account = limit.Fine, limit.Limited
		}
		c.log.Warn("gitlab says to wait", "route", r.Route, "wait", after, "told", trouble.After != 0)
	}
	if r.Bucket != nil {
		c.tell(ctx, r, r.Bucket, t.own, own, after)
	}
	c.tell(ctx, r, c.limits.account, t.account, account, after)
	c.limits.account.Heed(x.header)
}

// tell settles with one bucket. Whoever does not hear of it finds out alone.
func (c *Client) tell(ctx context.Context, r Request, b *limit.Bucket, probe bool, v limit.Verdict, after time.Duration) {
	if err := b.Settle(ctx, probe, v, after); err != nil {
		c.log.Warn("other processes were not told about a limit", "route", r.Route, "error", err)
	}
}

func spoken(x *exchange) limit.Verdict {
	if x.status == 0 {
		return limit.Silence
	}
	return limit.Fine
}

// backoff is the wait before a read is tried again: half a second, doubled each
// time, half of it left to chance.
func backoff(attempt int) time.Duration {
	whole := 500 * time.Millisecond << attempt
	return whole/2 + time.Duration(rand.Int64N(int64(whole/2)))
}

// pause waits for d; false when the context ends before.
func pause(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Garbled is the trouble of an answer to r that turned out, only after Call
// took it for whole, not to be what GitLab sends.
func (c *Client) Garbled(r Request, a Answer) *issue.Trouble {
	x := &exchange{route: r.Route, status: a.Status, header: a.Header}
	return classify(c.outcome(r, x, errGarbled))
}

// Ask is a Sending for routes that client-go knows otherwise, or not: options
// become the query of a GET and the body of anything else; nil: there are none.
func Ask[T any](c *Client, method, path string, options any) Sending[T] {
	return func(o ...api.RequestOptionFunc) (answer T, resp *api.Response, err error) {
		req, err := c.api.NewRequest(method, path, options, o)
		if err != nil {
			return answer, nil, err
		}
		resp, err = c.api.Do(req, &answer)
		return answer, resp, err
	}
}
