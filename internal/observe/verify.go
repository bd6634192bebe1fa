package observe

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Freshness is how far the time of a signed delivery may be from cxm's clock:
// five minutes, as Standard Webhooks recommends, and ten by which the clocks of
// cxm and GitLab may differ. What is sent again within it is known by its id.
const Freshness = 15 * time.Minute

// tokenHeader carries the secret of webhooks that do not sign: GitLab before 19.0.
const tokenHeader = "X-Gitlab-Token"

// promises says whether the headers alone let a delivery be authentic: what fails
// here need not be read. A secret that is sent along is proof already.
func promises(hook Hook, h http.Header, now time.Time) bool {
	if !hook.Signing {
		return same(hook.Secret.Reveal(), h.Get(tokenHeader))
	}
	return h.Get(standardwebhooks.HeaderWebhookSignature) != "" && h.Get(standardwebhooks.HeaderWebhookID) != "" && fresh(h, now)
}

// keeps says whether the body is what its sender signed.
func keeps(hook Hook, h http.Header, body []byte) bool {
	if !hook.Signing {
		return true
	}
	w, err := standardwebhooks.NewWebhook(hook.Secret.Reveal())
	return err == nil && w.VerifyIgnoringTimestamp(body, h) == nil
}

func fresh(h http.Header, now time.Time) bool {
	seconds, err := strconv.ParseInt(h.Get(standardwebhooks.HeaderWebhookTimestamp), 10, 64)
	if err != nil {
		return false
	}
	sent := time.Unix(seconds, 0)
	return !sent.Before(now.Add(-Freshness)) && !sent.After(now.Add(Freshness))
}

// same compares two texts in a time that tells nothing of either.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
