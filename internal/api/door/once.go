package door

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Claim is a key that somebody chose for a request.
type Claim struct {
	Tenant, Holder, Key string
	Digest              string // of the request
	At                  time.Time
}

// Reply is what a request was answered.
type Reply struct {
	Digest   string // of the request
	Status   int    // 0: it is under way
	Location string
	Body     []byte
}

// Memory keeps what requests were answered. Begin takes a key, or says what is known
// of the request that has it; it counts as lost after until. End keeps an answer
// until a time; Drop frees the key.
type Memory interface {
	Begin(ctx context.Context, c Claim, until time.Time) (known Reply, first bool, err error)
	End(ctx context.Context, c Claim, r Reply, until time.Time) error
	Drop(ctx context.Context, c Claim) error
}

// How long an answer is kept, and how long a request counts as under way that never
// ended, since its process died.
const (
	kept     = 24 * time.Hour
	underWay = 15 * time.Minute
)

// once is a request that is carried out once.
type once struct {
	claim Claim
	known Reply // what it was answered before; Status 0: nothing
}

// begin takes the key of a request that has one; nil: it has none.
func (d *Door) begin(r Route, g Guest, body []byte, req *http.Request) (*once, *Problem) {
	key := req.Header.Values("Idempotency-Key")
	if r.Method != http.MethodPost || len(key) == 0 || r.Open {
		return nil, nil
	}
	at := []Place{{Message: "see what the key was used for", Location: "header.Idempotency-Key"}}
	if len(key) > 1 || key[0] == "" || len(key[0]) > 255 || strings.ContainsFunc(key[0], func(r rune) bool { return r < '!' || r > '~' }) {
		return nil, &Problem{Status: http.StatusBadRequest, Detail: "the Idempotency-Key is to be one word of up to 255 visible ASCII characters: a UUID is a good one", Errors: at}
	}
	o := &once{claim: Claim{Tenant: g.Tenant, Holder: holder(g.Who), Key: key[0], Digest: digest(req, body), At: d.Clock().UTC()}}
	known, first, err := d.Memory.Begin(req.Context(), o.claim, o.claim.At.Add(underWay))
	switch {
	case err != nil:
		return nil, Broken(err)
	case first:
		return o, nil
	case known.Digest != o.claim.Digest:
		return nil, &Problem{Status: http.StatusUnprocessableEntity, Detail: "this Idempotency-Key was used for another request within 24 hours: choose another one", Errors: at}
	case known.Status == 0:
		return nil, &Problem{Status: http.StatusConflict, After: 2, Detail: "the request with this Idempotency-Key is under way: send it again later to see its answer", Errors: at}
	}
	o.known = known
	return o, nil
}

// digest is what requests are the same by.
func digest(req *http.Request, body []byte) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %q\n%s", req.Method, req.URL.RequestURI(), req.Header.Values("If-Match"), body))
	return hex.EncodeToString(sum[:])
}

// end keeps the answer of a request that did something, and frees the key of one that
// did nothing, so that it may be tried again. An answer that cannot be kept is given
// all the same: its key is free when it counts as lost.
func (d *Door) end(o *once, r Route, a *answer, req *http.Request) {
	if o == nil {
		return
	}
	ctx := context.WithoutCancel(req.Context())
	var err error
	if a.status >= http.StatusBadRequest {
		err = d.Memory.Drop(ctx, o.claim)
	} else {
		reply := Reply{Digest: o.claim.Digest, Status: max(a.status, http.StatusOK), Location: a.header.Get("Location"), Body: a.body.Bytes()}
		if r.Once {
			reply.Body = hidden(reply.Body)
		}
		err = d.Memory.End(ctx, o.claim, reply, d.Clock().UTC().Add(kept))
	}
	if err != nil {
		d.Logger.ErrorContext(ctx, "the answer to a request with an Idempotency-Key could not be kept", "error", err)
	}
}

// hidden is an answer without the secret in it, which is shown once.
func hidden(body []byte) []byte {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil || members == nil {
		return nil
	}
	members["value"], members["shown_before"] = json.RawMessage("null"), json.RawMessage("true")
	out, err := json.Marshal(members)
	if err != nil {
		return nil
	}
	return append(out, '\n')
}
