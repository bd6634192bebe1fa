package recent

import (
	"net/http"
	"testing"
	"time"

	"cxm/internal/gitlab/rest"
)

func TestCalls(t *testing.T) {
	now := time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC)
	c := New(func() time.Time { return now })
	if got := c.Of("gitlab.example.com", 7); got.Left != -1 || len(got.Calls) != 0 {
		t.Errorf("before any call: %+v", got)
	}
	for i := range 30 {
		c.Heard(rest.Sent{Method: "GET", Route: "/user", Status: 200 + i, Instance: "gitlab.example.com", Account: 7, Left: 100 - i})
	}
	c.Heard(rest.Sent{Instance: "gitlab.example.com", Account: 8, Left: -1})
	now = now.Add(time.Minute)
	c.Heard(rest.Sent{Method: http.MethodPut, Instance: "gitlab.example.com", Account: 7, Left: -1})
	got := c.Of("gitlab.example.com", 7)
	if len(got.Calls) != perAccount || got.Calls[0].Method != http.MethodPut || got.Calls[1].Status != 229 || got.Left != 71 || !got.At.Before(now) {
		t.Errorf("%+v", got)
	}
	for i := range int64(2 * accounts) {
		c.Heard(rest.Sent{Instance: "gitlab.example.com", Account: i, Left: -1})
	}
	if len(c.of) > accounts {
		t.Errorf("%d accounts are remembered", len(c.of))
	}
}
