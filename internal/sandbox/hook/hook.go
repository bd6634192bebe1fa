// Package hook keeps the sandbox's webhooks and delivers what happens to them,
// as GitLab does: in the background, by a few workers, signed, each delivery
// once and never again by itself, with a history, and with hooks that keep
// failing switched off. Tests can hold deliveries back, release them in an
// order of their own, repeat them and lose them.
//
// It knows no issues: what a delivery says is made elsewhere (package payload).
// A Desk has a lock of its own, which is never held during a call, so that a
// receiver may ask the sandbox while it is told something.
package hook

import (
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Owner is the project or group a hook belongs to; one of them is 0.
type Owner struct{ ProjectID, GroupID int64 }

// limit is how many hooks an owner may have.
func (o Owner) limit() (int, string) {
	if o.GroupID != 0 {
		return 50, "group"
	}
	return 100, "project"
}

// Kind is what a delivery is about.
type Kind string

// The kinds that the sandbox sends.
const (
	Issue             Kind = "issue"
	ConfidentialIssue Kind = "confidential_issue"
	Note              Kind = "note"
	ConfidentialNote  Kind = "confidential_note"
	Emoji             Kind = "emoji"
)

// Flag is the setting of the hooks that want deliveries of the kind.
func (k Kind) Flag() string {
	if k == Issue || k == ConfidentialIssue {
		return string(k) + "s_events"
	}
	return string(k) + "_events"
}

// Trigger is the kind as the history of a hook names it: "issue_hooks".
func (k Kind) Trigger() string { return string(k) + "_hooks" }

// Event is the value of X-Gitlab-Event: "Confidential Issue Hook".
func (k Kind) Event() string {
	words := strings.Split(string(k)+"_hook", "_")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}

// Events are the names of the event settings that projects' and groups' hooks
// share, in GitLab's order.
func Events() []string {
	return []string{
		"push_events", "tag_push_events", "merge_requests_events", "issues_events", "confidential_issues_events", "note_events",
		"confidential_note_events", "pipeline_events", "wiki_page_events", "deployment_events", "feature_flag_events", "job_events",
		"releases_events", "milestone_events", "emoji_events", "resource_access_token_events", "vulnerability_events",
	}
}

// Pair is a URL variable or a header. Its value is never shown.
type Pair struct{ Key, Value string }

// Hook is one webhook.
type Hook struct {
	ID                int64
	Owner             Owner
	URL               string // may hold {variables}
	Name, Description string
	Events            map[string]bool // setting → wanted
	VerifyTLS         bool
	Token             string // sent as X-Gitlab-Token; "": none
	SigningToken      string // "whsec_…"; "": deliveries are not signed
	BranchFilter      *string
	BranchStrategy    string // "wildcard", "regex" or "all_branches"
	Template          string // "": the payload as it is
	Variables         []Pair
	Headers           []Pair
	CreatedAt         time.Time
	Failures          int       // in a row
	DisabledUntil     time.Time // zero: not disabled, or for good
}

// Fault is a hook that GitLab does not take. Field "url" and "custom_headers"
// have answers of their own; "base" is about the hook as a whole.
type Fault struct{ Field, Message string }

// Error gives the field and what is wrong with it.
func (f *Fault) Error() string {
	if f.Field == "base" {
		return f.Message
	}
	name := strings.ReplaceAll(f.Field, "_", " ")
	return strings.ToUpper(name[:1]) + name[1:] + " " + f.Message
}

// Draft is a hook as it is before anything was said about it.
func Draft() Hook {
	return Hook{Events: map[string]bool{"push_events": true}, VerifyTLS: true, BranchStrategy: "wildcard"}
}

var (
	signingToken = regexp.MustCompile(`^whsec_[A-Za-z0-9+/]{43}=$`)
	variable     = regexp.MustCompile(`\{([A-Za-z]+[0-9]*(?:[._-][A-Za-z0-9]+)*)\}`)
)

// check holds a hook to what GitLab takes.
func (h *Hook) check(blockLocal bool) error {
	switch {
	case !goodURL(h.URL, h.Variables, blockLocal):
		return &Fault{"url", "is invalid"}
	case strings.Contains(h.Token, "\n"):
		return &Fault{"token", "is invalid"}
	case h.SigningToken != "" && !signingToken.MatchString(h.SigningToken):
		return &Fault{"signing_token", "is invalid"}
	case len(h.Template) > 4096:
		return &Fault{"custom_webhook_template", "is too long (maximum is 4096 characters)"}
	case len(h.Headers) > 20:
		return &Fault{"custom_headers", "must be a valid json schema"}
	}
	return nil
}

func goodURL(raw string, variables []Pair, blockLocal bool) bool {
	whole, err := fill(raw, variables)
	if err != nil {
		return false
	}
	u, err := url.Parse(whole)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return false
	}
	return !blockLocal || !localName(u.Hostname())
}

// localName says whether a host is this machine or of a private network by its
// name alone; names that lead there are refused when they are called.
func localName(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && localAddress(ip)
}

func localAddress(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || ip.IsMulticast()
}

// fill puts variables into a URL; one that is missing is an error.
func fill(raw string, variables []Pair) (string, error) {
	var missing error
	out := variable.ReplaceAllStringFunc(raw, func(ref string) string {
		for _, v := range variables {
			if v.Key == strings.Trim(ref, "{}") {
				return v.Value
			}
		}
		missing = Refusal("Invalid URL template. Missing key " + strings.Trim(ref, "{}"))
		return ref
	})
	return out, missing
}

// moved forgets what was meant for another address: what the change did not
// set anew of token, signing token, variables and headers.
func (h *Hook) moved(from Hook) {
	if h.URL == from.URL {
		return
	}
	if h.Token == from.Token {
		h.Token = ""
	}
	if h.SigningToken == from.SigningToken {
		h.SigningToken = ""
	}
	if slices.Equal(h.Variables, from.Variables) {
		h.Variables = nil
	}
	h.Headers = nil
}

func (h *Hook) clone() Hook {
	out := *h
	out.Events, out.Variables, out.Headers = maps.Clone(h.Events), slices.Clone(h.Variables), slices.Clone(h.Headers)
	return out
}

// The states of a hook.
const (
	Executable          = "executable"
	TemporarilyDisabled = "temporarily_disabled"
	Disabled            = "disabled"
)

// The failures in a row after which a hook rests, and after which it stays off.
const (
	patience = 3
	lastTry  = 39
)

// status says whether a hook is delivered to.
func (h *Hook) status(now time.Time) string {
	switch {
	case h.Failures > lastTry:
		return Disabled
	case h.Failures > patience && !h.DisabledUntil.Before(now):
		return TemporarilyDisabled
	}
	return Executable
}

// failed counts a failure: after the fourth in a row the hook rests a minute,
// then twice as long each time, at most a day; after the fortieth for good.
func (h *Hook) failed(now time.Time) {
	if h.status(now) != Executable {
		return
	}
	if rest := h.Failures - patience; rest >= 0 {
		h.DisabledUntil = now.Add(min(time.Minute<<min(rest, 11), 24*time.Hour))
	}
	h.Failures++
}

func (h *Hook) succeeded() { h.Failures, h.DisabledUntil = 0, time.Time{} }
