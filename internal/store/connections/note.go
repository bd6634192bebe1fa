package connections

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"cxm/internal/audit"
	"cxm/internal/integration"
)

// Object is an integration as the audit log names it.
func Object(id int64, name string) audit.Object {
	return audit.Object{Kind: "integration", ID: strconv.FormatInt(id, 10), Name: name}
}

// noteReach adds to the audit log how an instance is reached from now on.
// Certificates are named by their digest.
func noteReach(ctx context.Context, url string, before, after integration.Network) error {
	was, is := audit.Changed(network(before), network(after))
	if was == is {
		audit.Quiet(ctx)
		return nil
	}
	return audit.Note(ctx, audit.Line{Action: "instance.reach_changed", Object: audit.Object{Kind: "instance", ID: url, Name: url}, Before: was, After: is})
}

func network(n integration.Network) audit.Values {
	out := audit.Values{"proxy": n.Proxy}
	if n.CA != "" {
		sum := sha256.Sum256([]byte(n.CA))
		out["ca_sha256"] = hex.EncodeToString(sum[:])
	}
	return out
}

// noteDefaults adds to the audit log what issues are given from now on, and that
// an integration is connected again that was not since.
func noteDefaults(ctx context.Context, id int64, before, after integration.Defaults, since time.Time) error {
	was, is := audit.Changed(defaults(before), defaults(after))
	line := audit.Line{Action: "integration.edited", Object: Object(id, ""), Before: was, After: is}
	switch {
	case !since.IsZero():
		line.Action = "integration.reconnected"
	case was == is:
		audit.Quiet(ctx)
		return nil
	}
	return audit.Note(ctx, line)
}

func defaults(d integration.Defaults) audit.Values {
	return audit.Values{"labels": d.Labels, "assignee": d.Assignee, "confidential": d.Confidential}
}
