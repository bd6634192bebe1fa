package gitlab

import (
	"net/netip"
	"net/url"
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

// limits holds the buckets that requests are taken from.
type limits struct {
	account  *limit.Bucket // every request
	notes    *limit.Bucket
	searches *limit.Bucket

	perProject int
	mu         sync.Mutex
	creates    map[int64]*limit.Bucket
}

func newLimits(l Limits) *limits {
	return &limits{
		account:  limit.NewBucket("requests", l.Requests),
		notes:    limit.NewBucket("notes", l.Notes),
		searches: limit.NewBucket("searches", l.Searches),

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
		b = limit.NewBucket("issues created in one project", l.perProject)
		l.creates[id] = b
	}
	return b
}
