package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"cxm/internal/gitlab/limit"
)

// Limits is how much a client asks for at most, in any 60 seconds. Zero takes
// the default, below zero is no limit.
type Limits struct {
	Requests int // by this client, of all kinds
	Creates  int // of issues, per project
	Notes    int // by the account, over all projects
	Searches int // by the account, of lists with search=
}

// DefaultLimits fits what is known of the instance (docs.gitlab.com,
// user/gitlab_com and administration/settings/rate_limits):
//
//	                    requests  creates  notes  searches
//	gitlab.com                80      200     60        10   80 stays below the announced burst of the Free plan, 100
//	a loopback address         -        -      -         -   a sandbox
//	any other                600      300    300        30   GitLab's defaults; requests are unlimited by default there
func DefaultLimits(base string) Limits {
	u, err := url.Parse(base)
	switch {
	case err == nil && strings.EqualFold(u.Hostname(), "gitlab.com"):
		return Limits{Requests: 80, Creates: 200, Notes: 60, Searches: 10}
	case err == nil && loopback(u.Hostname()):
		return Limits{Requests: -1, Creates: -1, Notes: -1, Searches: -1}
	}
	return Limits{Requests: 600, Creates: 300, Notes: 300, Searches: 30}
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

// or fills the zero fields from d.
func (l Limits) or(d Limits) Limits {
	pick := func(a, b int) int {
		if a != 0 {
			return a
		}
		return b
	}
	return Limits{
		Requests: pick(l.Requests, d.Requests), Creates: pick(l.Creates, d.Creates),
		Notes: pick(l.Notes, d.Notes), Searches: pick(l.Searches, d.Searches),
	}
}

// sharing makes buckets: of this process alone, or those that all processes of
// one account on one instance share.
type sharing struct {
	ledger limit.Ledger // nil: alone
	whose  string
}

func (o Options) sharing(base string) sharing {
	if o.Account == 0 {
		return sharing{}
	}
	return sharing{ledger: o.Ledger, whose: strings.ToLower(base) + "\n" + strconv.FormatInt(o.Account, 10)}
}

// bucket makes the bucket of one limit; project 0: of the whole account.
func (s sharing) bucket(what string, perMinute int, project int64) *limit.Bucket {
	if s.ledger == nil {
		return limit.NewBucket(what, perMinute)
	}
	return limit.NewShared(what, perMinute, s.ledger, s.name(what, project))
}

// name is one of a bucket in the ledger: the same in every process of the
// account, and hashed, since tenants may share the ledger and it is nobody's
// business who has which account where.
func (s sharing) name(what string, project int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d", s.whose, what, project))
	return hex.EncodeToString(sum[:16])
}

// limits holds the buckets that requests are taken from.
type limits struct {
	account  *limit.Bucket // every request
	notes    *limit.Bucket
	searches *limit.Bucket

	sharing    sharing
	perProject int
	mu         sync.Mutex
	creates    map[int64]*limit.Bucket
}

func newLimits(l Limits, s sharing) *limits {
	return &limits{
		account:  s.bucket("requests", l.Requests, 0),
		notes:    s.bucket("notes", l.Notes, 0),
		searches: s.bucket("searches", l.Searches, 0),

		sharing:    s,
		perProject: l.Creates,
		creates:    map[int64]*limit.Bucket{},
	}
}

// project is the bucket of the issues created in one project.
func (l *limits) project(id int64) *limit.Bucket {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.creates[id]
	if b == nil {
		b = l.sharing.bucket("issues created in one project", l.perProject, id)
		l.creates[id] = b
	}
	return b
}
