package linking_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"testing"

	"cxm/internal/sandbox"
)

// TestReach changes how the instance is reached: only a way by which the account is found
// is kept, and what does not lead there is named by the check that sees it.
func TestReach(t *testing.T) {
	t.Parallel()
	b := connected(t)
	hits := 0
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) { hits++ }})
	defer proxy.Close()
	path := integration + "/reach"
	b.want(b.get(integration), 200, "Certificate and proxy", "through http")
	b.want(b.get(path), 200, "Test and save", "")
	b.want(b.send(path, "ca_file", "", "proxy", ""), 200, "Nothing was changed: it is reached so already", "")

	b.want(b.send(path, "ca_file", "not PEM", "proxy", "ftp://proxy"), 422, "has the scheme ftp", "--ca-file")
	b.want(b.send(path, "ca_file", "not PEM", "proxy", ""), 422, "no certificate", "--ca-file")
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	b.want(b.send(path, "ca_file", "", "proxy", gone.URL), 422, "The proxy does not answer", "HTTPS_PROXY, or name")
	b.want(b.get(integration), 200, "", "through http")

	b.want(b.send(path, "ca_file", "", "proxy", proxy.URL), 200, "through "+proxy.URL, "")
	if hits == 0 {
		t.Error("nothing was asked by that proxy")
	}
	b.want(b.get(path), 200, "Test and save", "")
	b.want(b.send(path, "ca_file", "", "proxy", gone.URL), 422, "The proxy does not answer", "")
	b.want(b.get(integration), 200, "through "+proxy.URL, "")
	b.want(b.send(path, "ca_file", "", "proxy", ""), 200, "answered as before", "through http")

	b.want(b.send(path, "ca_file", "", "proxy", proxy.URL), 200, "through "+proxy.URL, "")
	proxy.Close() // what was before says nothing about the way that is tested
	b.GitLab.Inject(sandbox.Fault{Method: http.MethodGet, Path: "/api/v4/*", Status: 401, Body: `{"message":"401 Unauthorized"}`, Times: 50})
	b.want(b.send(path, "ca_file", "", "proxy", ""), 422, "Not done yet", "The proxy does not answer")
}
