package app

import (
	"net/url"

	"cxm/internal/app/recent"
	"cxm/internal/gitlab/rest"
	"cxm/internal/integration"
)

// RecentCalls are the last calls of GitLab that this process made for an integration.
func (i *installation) RecentCalls(in integration.Integration) recent.Told {
	u, err := url.Parse(in.URL)
	if err != nil {
		return recent.Told{Left: -1}
	}
	return i.calls.Of(u.Host, in.Account.ID)
}

// remembered is what hears of calls to GitLab, and remembers the last ones; observe
// may be nil.
func remembered(calls *recent.Calls, observe func(rest.Sent)) func(rest.Sent) {
	return func(s rest.Sent) {
		calls.Heard(s)
		if observe != nil {
			observe(s)
		}
	}
}
