package hook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What is kept of an answer.
const (
	maxBody        = 8 << 10
	maxHeaders     = 50
	maxHeaderBytes = 1 << 10
)

// internalError is the status of a call that had no answer.
const internalError = "internal error"

// newClient makes the client that calls receivers. It follows no redirects and
// keeps no connections.
func (d *Desk) newClient(verify bool) *http.Client {
	dialer := &net.Dialer{Timeout: d.opts.Timeout}
	if d.opts.BlockLocal {
		dialer.Control = publicOnly
	}
	return &http.Client{
		Timeout:       d.opts.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: !verify}, //nolint:gosec // the hook's own setting, as in GitLab
		},
	}
}

// publicOnly refuses to connect with this machine or a private network.
func publicOnly(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if localAddress(at.Addr()) {
		return Refusal("URL is blocked: Requests to the local network are not allowed")
	}
	return nil
}

// call makes one delivery. Its log has no id yet.
func (d *Desk) call(ctx context.Context, h Hook, one *Delivery) Log {
	l := Log{HookID: h.ID, DeliveryID: one.ID, Key: one.WebhookID, URL: h.URL, Kind: one.message.Kind, At: d.now()}
	began := time.Now()
	if err := d.exchange(ctx, h, one, &l); err != nil {
		l.Status, l.Fault = internalError, err.Error()
	}
	l.Duration = time.Since(began)
	return l
}

// exchange sends a delivery and reads the answer into its log.
func (d *Desk) exchange(ctx context.Context, h Hook, one *Delivery, l *Log) error {
	body, err := render(h.Template, one.Body)
	if err != nil {
		return err
	}
	l.Data = body
	to, err := fill(h.URL, h.Variables)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	d.head(req, h, one, body)
	l.RequestHeaders = redacted(req.Header, h)
	res, err := d.client[h.VerifyTLS].Do(req)
	if err != nil {
		return plain(err)
	}
	defer res.Body.Close()
	l.Status, l.ResponseHeaders = strconv.Itoa(res.StatusCode), shown(res.Header)
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	l.ResponseBody = strings.ToValidUTF8(string(answer), "\uFFFD")
	return plain(err)
}

// plain leaves out of an error the address, which may hold secrets.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// head sets the headers of a delivery; a hook's own ones override none of
// GitLab's.
func (d *Desk) head(req *http.Request, h Hook, one *Delivery, body []byte) {
	for _, p := range h.Headers {
		req.Header.Set(p.Key, p.Value)
	}
	at := strconv.FormatInt(d.opts.Clock().Unix(), 10)
	for name, value := range map[string]string{
		"Content-Type": "application/json", "User-Agent": d.opts.Agent,
		"X-Gitlab-Event": one.Event, "X-Gitlab-Instance": one.message.Instance,
		"X-Gitlab-Webhook-UUID": uuid(), "X-Gitlab-Event-UUID": one.message.Chain,
		"Idempotency-Key": one.WebhookID, "webhook-id": one.WebhookID, "webhook-timestamp": at,
	} {
		req.Header.Set(name, value)
	}
	req.Header.Del("X-Gitlab-Token")
	if h.Token != "" {
		req.Header.Set("X-Gitlab-Token", h.Token)
	}
	req.Header.Del("webhook-signature")
	if h.SigningToken != "" {
		req.Header.Set("webhook-signature", Sign(h.SigningToken, one.WebhookID, at, body))
	}
}

// Sign gives the value of webhook-signature (Standard Webhooks): a keyed hash
// of id, time and body. A token that is none signs with an empty key.
func Sign(token, id, timestamp string, body []byte) string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(token, "whsec_"))
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// redacted gives the headers as the history shows them.
func redacted(sent http.Header, h Hook) map[string]string {
	out := map[string]string{}
	for name := range sent {
		out[name] = sent.Get(name)
	}
	for _, p := range h.Headers {
		if name := http.CanonicalHeaderKey(p.Key); out[name] == p.Value {
			out[name] = "[REDACTED]"
		}
	}
	if out["X-Gitlab-Token"] != "" {
		out["X-Gitlab-Token"] = "[REDACTED]"
	}
	return out
}

func shown(got http.Header) map[string]string {
	out := map[string]string{}
	for name, values := range got {
		if len(out) == maxHeaders {
			break
		}
		value := strings.Join(values, ", ")
		out[name] = strings.ToValidUTF8(value[:min(len(value), maxHeaderBytes)], "\uFFFD")
	}
	return out
}

// render puts a payload into a template, whose {{a.b}} name values of it. What
// results must be JSON.
func render(template string, payload []byte) ([]byte, error) {
	if template == "" {
		return payload, nil
	}
	var values map[string]any
	if err := json.Unmarshal(payload, &values); err != nil {
		return nil, fmt.Errorf("read the payload: %w", err)
	}
	var b strings.Builder
	for rest := template; ; {
		text, after, found := strings.Cut(rest, "{{")
		name, tail, closed := strings.Cut(after, "}}")
		if !found || !closed {
			b.WriteString(rest)
			break
		}
		b.WriteString(text + inText(dig(values, strings.Split(name, "."))))
		rest = tail
	}
	if !json.Valid([]byte(b.String())) {
		return nil, Refusal("Error while parsing rendered custom webhook template: the result is not JSON")
	}
	return []byte(b.String()), nil
}

func dig(values map[string]any, path []string) any {
	value := values[path[0]]
	inner, ok := value.(map[string]any)
	if len(path) == 1 || !ok {
		return value
	}
	return dig(inner, path[1:])
}

// inText writes a value as JSON, a text without its quotes.
func inText(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	if _, isText := value.(string); isText {
		return string(raw[1 : len(raw)-1])
	}
	return string(raw)
}
