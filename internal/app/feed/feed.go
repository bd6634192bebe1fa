// Package feed watches how sources deliver, and reports what fails as a finding of
// cxm's own: it becomes an issue, and is closed, like any other.
//
// What always holds: what a source said before stays as it is, however it fails;
// nothing is reported twice.
package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"cxm/internal/app/core"
	"cxm/internal/finding"
	"cxm/internal/notify"
	"cxm/internal/reconcile"
	"cxm/internal/source"
	"cxm/internal/store/scopes"
)

// looked is how many of a source's pulls tell how often it delivers.
const looked = 8

// own begins the scopes of what cxm reports about itself.
const own = "cxm-"

// failedRule names what cxm itself reports about sources.
const failedRule = "cxm.source.failed"

// Watcher watches the sources of one data directory. It is safe for concurrent use.
type Watcher struct{ *core.Core }

// New makes one.
func New(c *core.Core) *Watcher { return &Watcher{c} }

func (w *Watcher) scopes() *scopes.Store { return scopes.New(w.DB.Base(), w.Tenant) }

// WatchSources reports every source that fails, and takes back what does no more.
// The trouble of one keeps no other.
func (w *Watcher) WatchSources(ctx context.Context) error {
	all, err := w.scopes().Healths(ctx, looked)
	if err != nil {
		return err
	}
	for _, h := range all {
		err = errors.Join(err, w.report(ctx, h))
	}
	return err
}

// WatchSource does so for one source and scope.
func (w *Watcher) WatchSource(ctx context.Context, of, scope string) error {
	h, err := w.scopes().Health(ctx, of, scope, looked)
	if err != nil {
		return err
	}
	return w.report(ctx, h)
}

// report takes in that a source fails, or does no more, unless it was. The finding
// comes first, so that whoever goes on after a crash takes it in again rather than
// not at all.
func (w *Watcher) report(ctx context.Context, h scopes.Health) error {
	if strings.HasPrefix(h.Scope, own) || h.Waiting {
		return nil
	}
	now := Judge(h, w.Clock())
	if string(now.Kind) == h.Flagged {
		return nil
	}
	if err := w.flag(ctx, h, now); err != nil {
		return err
	}
	if err := w.scopes().Flag(ctx, h.Source, h.Scope, string(now.Kind)); err != nil {
		return err
	}
	if now.Kind != Fine {
		w.Logger.Warn("a source fails", "source", h.Source, "scope", h.Scope, "why", now.Why)
		w.tell(ctx, h, now)
	}
	return nil
}

// tell tells the operator's address.
func (w *Watcher) tell(ctx context.Context, h scopes.Health, now Verdict) {
	if w.Tell == nil {
		return
	}
	w.Tell(ctx, notify.Event{
		Type: "cxm.source.failed.v1", Subject: h.Source + "/" + h.Scope, Text: Title(h, now) + ": " + now.Why + ".",
		Data: map[string]any{"source": h.Source, "scope": h.Scope, "why": now.Why},
	})
}

// flag takes the finding in; it goes the way of every finding.
func (w *Watcher) flag(ctx context.Context, h scopes.Health, now Verdict) error {
	installation, err := w.Store.Installation(ctx)
	if err != nil {
		return err
	}
	how := "observed"
	if now.Kind == Fine {
		how = "resolved"
	}
	at := w.Clock().UTC()
	event, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": fmt.Sprintf("%s-%s-%s-%d", failedRule, h.Source, h.Scope, at.UnixMicro()),
		"source": "/cxm/" + installation, "type": "cxm.source.finding." + how + ".v1",
		"subject": h.Source + "/" + h.Scope, "time": at.Format(time.RFC3339Nano),
		"data": map[string]any{
			"Kind": finding.System, "FindingClass": finding.SystemAlert, "SourceSystem": "cxm", "SourceRuleId": failedRule,
			"Title": Title(h, now), "Description": told(now), "Remediation": now.mend(h), "SeverityId": finding.Medium,
			"ResourceId": fmt.Sprintf("cxm/%s/source/%s/%s", installation, h.Source, h.Scope),
		},
	})
	if err != nil {
		return fmt.Errorf("writing that a source fails: %w", err)
	}
	d := reconcile.Delivery{Type: source.CloudEvents, Scope: own + "source-" + h.Source + "-" + h.Scope, Inputs: []source.Input{{Name: "cxm", Reader: bytes.NewReader(event)}}}
	if _, _, err := w.Ingest(ctx, d); err != nil {
		return fmt.Errorf("taking in that a source fails: %w", err)
	}
	return nil
}
