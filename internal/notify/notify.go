// Package notify tells an address of the operator's, by a webhook, what a person
// should know about cxm itself: a token that expires, access that is lost.
//
// What always holds: a delivery is signed as Standard Webhooks says, and carries
// the same id whenever it is sent again; it never holds a secret; a redirect is
// not followed.
package notify

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// patience is how long an address may take to answer.
const patience = 10 * time.Second

// Event is what is told. It is sent as a CloudEvent in JSON, in structured mode,
// with Text beside the attributes: what chat systems show of a webhook.
type Event struct {
	ID      string    // the same whenever it is sent again
	Type    string    // such as "cxm.token.expiring.v1"
	Source  string    // of the CloudEvent: "/cxm/" and the installation
	Subject string    // what it is about, such as "integration-1"
	Time    time.Time // when it happened
	Text    string    // one sentence for people, which ends in what to do
	Data    any       // the same for machines; nil: nothing more
}

// body is the event as it is sent.
func (e Event) body() ([]byte, error) {
	return json.Marshal(map[string]any{
		"specversion": "1.0", "id": e.ID, "type": e.Type, "source": e.Source, "subject": e.Subject,
		"time": e.Time.UTC().Format(time.RFC3339), "datacontenttype": "application/json", "text": e.Text, "data": e.Data,
	})
}

// Sender sends to one address.
type Sender struct {
	url    string
	hook   *standardwebhooks.Webhook // nil: without a signature
	client *http.Client
	clock  func() time.Time
}

// New checks the address and the secret. The secret is "whsec_" and base64, as
// Standard Webhooks writes it; empty: deliveries are not signed. The transport may
// be nil.
func New(address, secret string, transport http.RoundTripper, clock func() time.Time) (*Sender, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, errors.New("the address for notices is not a URL that begins with https:// or http://: set CXM_NOTIFY_URL to where your chat or alerting system takes webhooks")
	}
	s := &Sender{url: address, clock: clock, client: &http.Client{
		Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if secret == "" {
		return s, nil
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(raw) < 24 || len(raw) > 64 {
		return nil, errors.New("the secret for notices is not one of Standard Webhooks: CXM_NOTIFY_SECRET is whsec_ and 24 to 64 bytes in base64, such as `printf whsec_; openssl rand -base64 32` prints")
	}
	s.hook, err = standardwebhooks.NewWebhookRaw(raw)
	return s, err
}

// Host names where notices go, without what may be secret in a path.
func (s *Sender) Host() string {
	u, err := url.Parse(s.url)
	if err != nil {
		return ""
	}
	return u.Host
}

// RefusedError says that the address does not take the notice, and will not when
// it is sent again.
type RefusedError struct{ Status int }

// Error says what to look at.
func (r *RefusedError) Error() string {
	return fmt.Sprintf("the address for notices answered %d %s: see whether CXM_NOTIFY_URL is right, then run `cxm notify test`", r.Status, http.StatusText(r.Status))
}

// Send sends the event once. A *RefusedError will be the same next time; anything
// else may pass. No error holds the address, whose path is often a secret.
func (s *Sender) Send(ctx context.Context, e Event) error {
	body, err := e.body()
	if err != nil {
		return fmt.Errorf("writing the notice %s: %w", e.Type, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address for notices cannot be used: set CXM_NOTIFY_URL to another")
	}
	req.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	req.Header.Set("User-Agent", "cxm")
	if err := s.sign(req.Header, e.ID, body); err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		if inner := (*url.Error)(nil); errors.As(err, &inner) {
			err = inner.Err
		}
		return fmt.Errorf("the address for notices at %s cannot be reached: %w", s.Host(), err)
	}
	defer func() { _ = resp.Body.Close() }() // what it answers is of no use
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return judge(resp.StatusCode)
}

// sign adds the headers of Standard Webhooks.
func (s *Sender) sign(h http.Header, id string, body []byte) error {
	now := s.clock()
	h.Set(standardwebhooks.HeaderWebhookID, id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	if s.hook == nil {
		return nil
	}
	signature, err := s.hook.Sign(id, now, body)
	if err != nil {
		return fmt.Errorf("signing the notice %s: %w", id, err)
	}
	h.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return nil
}

// judge says what an answer means: too many, too slow and failures may pass.
func judge(status int) error {
	switch {
	case status/100 == 2:
		return nil
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusConflict, status >= 500:
		return fmt.Errorf("the address for notices answered %d %s: cxm tries again by itself", status, http.StatusText(status))
	}
	return &RefusedError{Status: status}
}
