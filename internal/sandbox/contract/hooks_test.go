package contract_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
)

// webhooks drives the webhooks of a project and of a group.
func webhooks(c cast) {
	d := c.owner
	to := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer to.Close()
	settings := params{
		"url": to.URL, "name": "cxm", "description": "what happens to issues", "issues_events": true, "confidential_issues_events": true,
		"note_events": true, "emoji_events": true, "push_events": false, "enable_ssl_verification": true, "token": "a word",
		"signing_token": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "branch_filter_strategy": "wildcard",
		"custom_headers": []params{{"key": "X-Team", "value": "finops"}}, "url_variables": []params{{"key": "team", "value": "finops"}},
	}
	for _, place := range []string{c.projectPath, c.groupPath} {
		c.bot.one(403, get, place+"/hooks", nil)
		d.one(400, post, place+"/hooks", params{"name": "no address"})
		d.one(422, post, place+"/hooks", params{"url": "no address"})
		one := fmt.Sprintf("%s/hooks/%d", place, d.one(201, post, place+"/hooks", settings).int("id"))
		d.list(place + "/hooks?page=1&per_page=5")
		d.one(200, get, one, nil)
		d.one(200, put, one, params{"confidential_note_events": true})
		d.one(400, put, one, params{})
		d.one(201, post, one+"/test/issues_events", params{})
		d.one(422, post, one+"/test/pipeline_events", params{})
		logs := d.list(one + "/events?status=200,server_failure&per_page=20&page=1")
		if len(logs) != 1 || logs[0].str("response_status") != "200" {
			d.t.Fatalf("deliveries of %s: %v", one, logs)
		}
		d.one(201, post, fmt.Sprintf("%s/events/%d/resend", one, logs[0].int("id")), params{})
		d.one(404, post, one+"/events/0/resend", params{})
		d.call(204, del, one, nil)
		d.one(404, get, one, nil)
	}
}
