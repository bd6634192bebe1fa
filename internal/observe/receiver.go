package observe

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"cxm/internal/credential"
)

// Route is where GitLab delivers, for http.ServeMux.
const Route = "POST /v1/hooks/gitlab/{hook}"

// Path is the part of a webhook's address before its endpoint.
const Path = "/v1/hooks/gitlab/"

// What a request may take. GitLab gives a receiver ten seconds.
const (
	most    = 8 << 20 // bytes of a body: an issue with a description of GitLab's megabyte fits several times
	few     = 64 << 10
	large   = 8 // requests at once with a body of more than few bytes
	slowest = 8 * time.Second
)

// Config is what a Receiver needs.
type Config struct {
	Hooks  Hooks
	Inbox  Inbox
	Tally  Tally
	Clock  func() time.Time // optional: time.Now
	Logger *slog.Logger     // hears of what cannot be kept; optional: nobody does
}

// Receiver takes deliveries of GitLab's webhooks. It is safe for concurrent use.
//
// It answers 202 when a look follows, 200 when none is needed, 400 when the body
// is not JSON, 401 when the delivery is not authentic or nobody knows the
// endpoint (which cost the same and look the same: an endpoint that answered
// otherwise would tell strangers which ones there are), 413 and 415 for a body
// that is too large or no JSON by its type, 408 for one that is too slow, and 503
// when it could not be kept, so that GitLab counts it as failed.
type Receiver struct {
	Config
	nobody credential.Secret // of endpoints that there are not
	large  chan struct{}
}

// NewReceiver makes a receiver.
func NewReceiver(c Config) *Receiver {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Receiver{Config: c, nobody: credential.NewSecret("whsec_" + rand.Text()[:24]), large: make(chan struct{}, large)}
}

// ServeHTTP implements http.Handler behind Route.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		answer(w, http.StatusUnsupportedMediaType, "deliveries are JSON: see that nothing between GitLab and cxm changes the Content-Type")
		return
	}
	now := r.Clock()
	hook, known := r.Hooks.Hook(req.PathValue("hook"))
	if !known {
		hook = Hook{Secret: r.nobody, Signing: req.Header.Get("webhook-signature") != ""}
	}
	body, err := []byte(nil), errForged
	if promises(hook, req.Header, now) {
		body, err = r.body(w, req)
	}
	if err == nil && (!keeps(hook, req.Header, body) || !known) {
		err = errForged
	}
	if err != nil {
		if known {
			r.Tally.Count(hook.ID, Refused, time.Time{})
		}
		refuse(w, err)
		return
	}
	r.take(w, req, hook, body, now)
}

// take is for an authentic delivery.
func (r *Receiver) take(w http.ResponseWriter, req *http.Request, hook Hook, body []byte, now time.Time) {
	d, about, err := read(body, req.Header, hook.Account)
	switch {
	case err != nil:
		r.Tally.Count(hook.ID, Refused, now)
		answer(w, http.StatusBadRequest, err.Error()+": take the custom webhook template off this webhook in GitLab")
		return
	case !about:
		r.done(w, hook, Ignored, now)
		return
	}
	d.ReceivedAt = now
	// A caller that hangs up does not take back what is about to be kept.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(req.Context()), slowest)
	defer cancel()
	first, err := r.Inbox.Accept(ctx, hook, d)
	switch {
	case err != nil:
		r.Logger.Error("a webhook could not be kept; the next look finds what changed", "webhook", hook.ID, "error", err)
		answer(w, http.StatusServiceUnavailable, "cxm could not keep the delivery: its log says why; nothing is lost, the next look finds what changed")
	case first:
		r.done(w, hook, Accepted, now)
	default:
		r.done(w, hook, Repeated, now)
	}
}

func (r *Receiver) done(w http.ResponseWriter, hook Hook, o Outcome, now time.Time) {
	r.Tally.Count(hook.ID, o, now)
	status := http.StatusOK
	if o == Accepted {
		status = http.StatusAccepted
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"result":"`+string(o)+`"}`+"\n") // a caller that is gone needs no answer
}

var (
	errForged = errors.New("the delivery is not authentic")
	errLarge  = errors.New("the body is too large")
	errBusy   = errors.New("too many large bodies at once")
)

// body reads the body within bounds of size and time. Large ones wait for a place,
// so that nobody fills the memory.
func (r *Receiver) body(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	if req.ContentLength > most {
		return nil, errLarge
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(slowest)) // where it cannot be set the server's own holds
	from := http.MaxBytesReader(w, req.Body, most)
	var body bytes.Buffer
	_, err := io.CopyN(&body, from, few)
	if errors.Is(err, io.EOF) {
		return body.Bytes(), nil
	}
	if err == nil {
		select {
		case r.large <- struct{}{}:
			defer func() { <-r.large }()
		default:
			return nil, errBusy
		}
		_, err = body.ReadFrom(from)
	}
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, errLarge
	}
	return body.Bytes(), err
}

// refuse answers a request of which nothing was looked at.
func refuse(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, errForged):
		answer(w, http.StatusUnauthorized, "no webhook of cxm fits this address and signature: run `cxm webhook add` again with the same --url, which renews both; if it was right before, compare the clocks of cxm and GitLab")
	case errors.Is(err, errLarge):
		answer(w, http.StatusRequestEntityTooLarge, "the body is larger than 8 MiB: cxm finds the change by its regular look")
	case errors.Is(err, errBusy):
		answer(w, http.StatusTooManyRequests, "too many large bodies at once: cxm finds the change by its regular look")
	default:
		answer(w, http.StatusRequestTimeout, "the body did not arrive in time: cxm finds the change by its regular look")
	}
}

// answer says what is wrong, as RFC 9457 has it.
func answer(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	text, err := json.Marshal(map[string]any{"status": status, "title": http.StatusText(status), "detail": detail})
	if err != nil {
		status = http.StatusInternalServerError // a text and a number always marshal
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a caller that is gone needs no answer
}
