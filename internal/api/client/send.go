package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cxm/internal/api/door"
)

// Wait waits, until ctx ends.
type Wait func(ctx context.Context, d time.Duration) error

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

const (
	mostTries = 4
	mostWait  = time.Minute
	mostBytes = 64 << 20 // of an answer
)

// request is one to the API.
type request struct {
	method, path string
	query        url.Values
	body         any    // nil: none
	match        string // If-Match; empty: none
	slow         bool   // GitLab is asked on the way
}

// reply is an answer that says yes.
type reply struct {
	header http.Header
	body   []byte
}

// RefusedError is an answer that says no: a problem of the API's.
type RefusedError struct {
	door.Problem
	Request string // X-Request-ID of the answer
}

// Error is the detail, and under it each place that says more.
func (e *RefusedError) Error() string {
	var out strings.Builder
	out.WriteString(e.Detail)
	for _, p := range e.Errors {
		if !strings.Contains(e.Detail, p.Message) {
			out.WriteString("\n  " + p.Location + ": " + p.Message)
		}
	}
	if e.Status >= http.StatusInternalServerError && e.Request != "" {
		out.WriteString(" (request " + e.Request + ")")
	}
	return out.String()
}

// Status is the status of a refusal; 0: err is none.
func Status(err error) int {
	if r, ok := errors.AsType[*RefusedError](err); ok {
		return r.Status
	}
	return 0
}

// send asks until there is an answer, within the time that there is for it.
func (c *Client) send(ctx context.Context, r request) (reply, error) {
	limit := c.options.Timeout
	if r.slow {
		limit = c.options.Slow
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return reply{}, fmt.Errorf("writing the request: %w", err)
		}
	}
	key := ""
	if r.method == http.MethodPost {
		key = rand.Text()
	}
	for try := 1; ; try++ {
		answer, err := c.once(ctx, r, body, key)
		pause, again := c.again(r, try, answer, err)
		if again {
			if waited := c.options.Wait(ctx, pause); waited == nil {
				drop(answer)
				continue
			}
		}
		if err != nil {
			return reply{}, c.away(err)
		}
		return read(answer)
	}
}

// once sends a request once.
func (c *Client) once(ctx context.Context, r request, body []byte, key string) (*http.Response, error) {
	var text io.Reader
	if body != nil {
		text = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base.String()+r.path, text)
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = r.query.Encode()
	req.Header.Set("Authorization", "Bearer "+c.options.Token.Reveal())
	req.Header.Set("Accept", "application/json, "+door.ProblemType)
	req.Header.Set("User-Agent", c.options.Agent)
	for name, value := range map[string]string{door.TenantHeader: c.options.Tenant, "Idempotency-Key": key, "If-Match": r.match} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.http.Do(req)
}

// again says whether a request is sent again, and after how long: a question, or what
// has a key, when the server is too busy, restarts, or its answer was lost. What cxm
// itself answers about GitLab (502) is told at once.
func (c *Client) again(r request, try int, answer *http.Response, err error) (time.Duration, bool) {
	if r.method != http.MethodGet && r.method != http.MethodPost {
		return 0, false
	}
	pause := time.Duration(1<<min(try, 6)) * 250 * time.Millisecond
	if err != nil {
		return pause, try < mostTries && cut(err)
	}
	after, said := retryAfter(answer.Header)
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		if problem(answer) && !said {
			return 0, false
		}
	case http.StatusConflict: // what was sent before under this key is under way
		return max(after, time.Second), said && try > 1
	default:
		return 0, false
	}
	if said {
		pause = after
	}
	return pause, try < mostTries && pause <= mostWait
}

// cut says that a connection broke after it stood: nobody knows whether the request
// arrived.
func cut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || isReset(err)
}

func retryAfter(h http.Header) (time.Duration, bool) {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 3600)) * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0), true
	}
	return 0, false
}

func drop(answer *http.Response) {
	if answer != nil {
		_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be used again
		_ = answer.Body.Close()
	}
}

func problem(answer *http.Response) bool {
	kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	return err == nil && kind == door.ProblemType
}

// read is what was answered, or why not.
func read(answer *http.Response) (reply, error) {
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostBytes+1))
	switch {
	case err != nil:
		return reply{}, fmt.Errorf("the answer of the server broke off: run the same again: %w", err)
	case len(body) > mostBytes:
		return reply{}, errors.New("the answer of the server is larger than 64 MiB, and no answer of cxm is: look at what --server names")
	case answer.StatusCode >= 400:
		return reply{}, refused(answer, body)
	}
	return reply{answer.Header, body}, nil
}

// refused is the error of an answer that says no.
func refused(answer *http.Response, body []byte) error {
	out := &RefusedError{Request: answer.Header.Get("X-Request-ID")}
	if problem(answer) && json.Unmarshal(body, &out.Problem) == nil && out.Detail != "" {
		out.Status = answer.StatusCode
		return out
	}
	if answer.StatusCode == http.StatusBadGateway || answer.StatusCode == http.StatusServiceUnavailable || answer.StatusCode == http.StatusGatewayTimeout {
		return fmt.Errorf("what stands before cxm answers %s: see whether `cxm serve` runs there, then run the same again", answer.Status)
	}
	return fmt.Errorf("%s answers %s, and not as cxm does: see whether --server names a `cxm serve` of this version", answer.Request.URL.Host, answer.Status)
}

// away says why there is no answer.
func (c *Client) away(err error) error {
	if astray, ok := errors.AsType[*AstrayError](err); ok {
		return astray
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	next := "see whether the address is right and `cxm serve --listen` runs there"
	if name := certificate(err); name != "" {
		next = name
	}
	if errors.Is(err, context.DeadlineExceeded) {
		next = "what was begun goes on there: `cxm runs` and `cxm status` say how far it has come"
	}
	return fmt.Errorf("the server %s does not answer: %w: %s", c.base, err, next)
}

// ask sends a request and reads the answer as a T.
func ask[T any](ctx context.Context, c *Client, r request) (T, http.Header, error) {
	var out T
	got, err := c.send(ctx, r)
	if err != nil {
		return out, nil, err
	}
	if len(got.body) == 0 {
		return out, got.header, nil
	}
	if err := json.Unmarshal(got.body, &out); err != nil {
		return out, got.header, fmt.Errorf("%s does not answer as cxm does (%s %s): see whether --server names a `cxm serve` of this version: %w", c.base.Host, r.method, r.path, err)
	}
	return out, got.header, nil
}
