package hook

import (
	"context"
	"slices"
	"strconv"
	"time"
)

// Log is one call of a receiver, as a hook's history shows it: without secrets.
type Log struct {
	ID, HookID, DeliveryID int64
	Key                    string // webhook-id
	URL                    string // with its {variables}
	Kind                   Kind
	RequestHeaders         map[string]string
	Data                   []byte // JSON; nil when it could not be made
	ResponseHeaders        map[string]string
	ResponseBody           string
	Status                 string // "200"; "internal error" when there was no answer
	Fault                  string // why there was none
	Duration               time.Duration
	At                     time.Time
}

// OK says whether the call counts as a success: 2xx and 3xx.
func (l Log) OK() bool { return l.class() == 2 || l.class() == 3 }

// class is the first digit of the status, 0 when there was no answer.
func (l Log) class() int {
	code, err := strconv.Atoi(l.Status)
	if err != nil {
		return 0
	}
	return code / 100
}

// Within says whether the call is of a class of statuses: "successful",
// "client_failure", "server_failure" (no answer counts), or a code itself.
func (l Log) Within(status string) bool {
	switch status {
	case "successful":
		return l.class() == 2
	case "client_failure":
		return l.class() == 4
	case "server_failure":
		return l.class() == 5 || l.class() == 0
	}
	return l.Status == status
}

// history is how long the API shows calls.
const history = 7 * 24 * time.Hour

// Logs gives the calls of a hook in the last seven days, newest first.
func (d *Desk) Logs(hookID int64) []Log {
	d.mu.Lock()
	defer d.mu.Unlock()
	since := d.now().Add(-history)
	var out []Log
	for _, l := range slices.Backward(d.logs) {
		if l.HookID == hookID && !l.At.Before(since) {
			out = append(out, *l)
		}
	}
	return out
}

// Log gives a call of a hook, however old.
func (d *Desk) Log(hookID, id int64) (Log, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.logs {
		if l.HookID == hookID && l.ID == id {
			return *l, true
		}
	}
	return Log{}, false
}

// Test calls a hook with a message, if it is switched off too; a success
// switches it on again. The error is a Refusal when nobody answered.
func (d *Desk) Test(ctx context.Context, hookID int64, m Message) (Log, error) {
	d.mu.Lock()
	h := d.hooks[hookID]
	if h == nil {
		d.mu.Unlock()
		return Log{}, Refusal("Hook deleted")
	}
	one := d.file(h, m)
	d.mu.Unlock()
	return d.carryNow(ctx, one, true)
}

// Resend makes a call again with its webhook-id. It is a Refusal when the hook
// is switched off or has another address by now, and when nobody answered.
func (d *Desk) Resend(ctx context.Context, l Log) (Log, error) {
	one, err := d.again(l)
	if err != nil {
		return Log{}, err
	}
	return d.carryNow(ctx, one, false)
}

// again makes the delivery of a call anew.
func (d *Desk) again(l Log) (*Delivery, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.hooks[l.HookID]
	if h == nil || h.URL != l.URL {
		return nil, Refusal("The hook URL has changed, and this log entry cannot be retried")
	}
	one := d.file(h, Message{Kind: l.Kind, Body: l.Data, Instance: l.RequestHeaders["X-Gitlab-Instance"]})
	one.WebhookID = l.Key
	return one, nil
}
