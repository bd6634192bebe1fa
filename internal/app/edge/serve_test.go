package edge_test

import (
	"context"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/edge"
)

// TestServed: the program serves the API beside what takes deliveries; who asks and
// which request it was is in the audit log.
func TestServed(t *testing.T) {
	b := newBed(t, "")
	mounts, err := edge.Mounts(b.App)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	at, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- b.App.Serve(ctx, app.WorkOptions{Every: time.Hour, More: mounts, Front: app.Front{Listen: "127.0.0.1:0", Listening: func(a net.Addr) { at <- "http://" + a.String() }}}, 20*time.Second)
	}()
	b.url = <-at
	b.do(200, "GET", "/v1/status", nil)
	b.do(201, "POST", "/v1/sources", map[string]any{"name": "alerts", "type": "alertmanager"}, "X-Request-ID: request-of-this-test")
	g := b.do(200, "GET", "/v1/audit?action=source", nil)
	if !strings.Contains(string(g.body), `"request":"request-of-this-test"`) || !strings.Contains(string(g.body), "of admin@example.com") {
		t.Errorf("%s", g.body)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestDocs: the page shows every operation, asks for nothing from elsewhere, and
// needs no script; whoever comes may read it.
func TestDocs(t *testing.T) {
	b := newBed(t, "")
	g := b.ask("", "GET", "/v1/docs", nil)
	if g.status != 200 || !strings.Contains(g.header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'self'") {
		t.Fatalf("%d, %v", g.status, g.header)
	}
	page := string(g.body)
	for _, op := range operations(t) {
		if !strings.Contains(page, `id="op-`+op.id+`"`) {
			t.Errorf("it does not show %s", op.id)
		}
	}
	if found := regexp.MustCompile(`(?i)<script|<style|style=|\son\w+=|(href|src)="(https?:)?//`).FindString(page); found != "" {
		t.Errorf("it has %s", found)
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(`id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("%s is there twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !ids[m[1]] {
			t.Errorf("nothing is %s", m[1])
		}
	}
	if strings.Count(page, "<h1>") != 1 || b.ask("", "GET", "/v1/docs/style.css", nil).status != 200 {
		t.Error("it has not one heading, or no style")
	}
	served := b.ask("", "GET", "/v1/openapi.json", nil)
	if served.status != 200 || !strings.Contains(string(served.body), `"openapi": "3.1.0"`) {
		t.Errorf("%d %.100s", served.status, served.body)
	}
}
