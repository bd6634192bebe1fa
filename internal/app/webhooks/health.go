package webhooks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cxm/internal/gitlab/hook"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
	"cxm/internal/store/hooks"
)

// CheckWebhooks asks GitLab how the webhooks do, and has it test those that it
// switched off: success switches them on again.
func (m *Minder) CheckWebhooks(ctx context.Context) error {
	all, err := m.Hooks.Hooks(ctx)
	for _, h := range all {
		_, client, open := m.hook(ctx, h.ID)
		if open == nil {
			_, open = m.checkHook(ctx, client, h, true)
		}
		if open != nil && !errors.Is(open, hooks.ErrNotFound) { // somebody removed it meanwhile
			err = errors.Join(err, fmt.Errorf("checking webhook %d: %w", h.ID, open))
		}
	}
	return err
}

// checkHook stores how one webhook does, and tells once of what is wrong with it.
// With heal one that is switched off is tested.
func (m *Minder) checkHook(ctx context.Context, c *hook.Client, h hooks.Hook, heal bool) (hooks.Hook, error) {
	got, err := hook.Hook{}, error(nil)
	if h.GitLabID != 0 {
		got, err = c.Read(ctx, targetOf(h), h.GitLabID)
	}
	var failed error
	if err == nil && heal && off(got) {
		if failed = c.Test(ctx, targetOf(h), h.GitLabID); failed == nil {
			got, err = c.Read(ctx, targetOf(h), h.GitLabID)
		}
	}
	switch {
	case err == nil:
		h = m.judge(h, got)
	case rest.Is(err, issue.NotFound):
		h.Alert, h.Trouble = "", "GitLab does not have it any more, or hides it from the account: run `cxm webhook add` with the same --url, or `cxm webhook remove` if it is not wanted"
	case rest.Is(err, issue.Forbidden):
		h.Alert, h.Trouble = "", err.Error()
	default:
		return h, err // GitLab is away: nothing is known of the webhook
	}
	if failed != nil && h.Trouble != "" {
		h.Trouble += ". The test failed: " + failed.Error()
	}
	h.CheckedAt = m.Clock().UTC()
	if err := m.Hooks.Check(ctx, h); err != nil || h.Trouble == "" {
		return h, err
	}
	first, err := m.Hooks.Tell(ctx, h.ID)
	if first {
		m.Logger.Warn("a webhook does not work; cxm looks regularly until it does", "webhook", h.ID, "target", h.Target, "trouble", h.Trouble)
	}
	return h, err
}

// off says that GitLab delivers nothing through the webhook.
func off(h hook.Hook) bool { return h.AlertStatus != "" && h.AlertStatus != hook.Executable }

// judge says how a webhook does, as GitLab shows it.
func (m *Minder) judge(h hooks.Hook, got hook.Hook) hooks.Hook {
	h.Alert, h.AlertUntil, h.Trouble, h.CheckedAt = got.AlertStatus, time.Time{}, "", m.Clock().UTC()
	if got.DisabledUntil != nil {
		h.AlertUntil = got.DisabledUntil.UTC()
	}
	mend := fmt.Sprintf("see that GitLab reaches %s, then run `cxm webhook test %d`, which switches it on again", h.Base, h.ID)
	switch {
	case got.ID == 0:
		h.Trouble = "GitLab never said that it made it: run `cxm webhook add` again with the same --url"
	case got.URL != newWebhook(h).URL:
		h.Trouble = "somebody changed its address in GitLab: run `cxm webhook add` again"
	case got.AlertStatus == hook.TemporarilyDisabled && !h.AlertUntil.IsZero():
		h.Trouble = fmt.Sprintf("GitLab delivers nothing until %s, since deliveries failed: %s", h.AlertUntil.Format(time.RFC3339), mend)
	case off(got):
		h.Trouble = "GitLab switched it off, since deliveries failed: " + mend
	}
	return h
}
