package hook

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestBlockLocalWhenCalled: an address that passed when the hook was made, and
// leads to this machine when it is called, is refused then.
func TestBlockLocalWhenCalled(t *testing.T) {
	called := false
	to := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer to.Close()
	d := NewDesk(Options{Clock: time.Now, Workers: 1, Timeout: time.Minute, BlockLocal: true})
	defer d.Close()
	h, err := d.Add(Owner{ProjectID: 1}, Hook{URL: "https://cxm.example.com", VerifyTLS: true})
	if err != nil {
		t.Fatal(err)
	}
	d.hooks[h.ID].URL = to.URL // as if the name led here
	if _, err := d.Test(t.Context(), h.ID, Message{Kind: Issue, Body: []byte("{}")}); err == nil || !strings.Contains(err.Error(), "not allowed") || called {
		t.Errorf("error %v, called %v", err, called)
	}
}
