package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
)

// TestServeListens: the listener says that it is up, refuses strangers, and ends
// with the rest; an address that is taken is an error at once.
func TestServeListens(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	address := b.Listening()
	for path, want := range map[string]int{"/healthz": 200, "/v1/hooks/gitlab/nobody": 405, "/other": 404} {
		got, err := http.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		got.Body.Close()
		if got.StatusCode != want {
			t.Errorf("%s answers %d, want %d", path, got.StatusCode, want)
		}
	}
	got, err := http.Post(address+"/v1/hooks/gitlab/nobody", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	got.Body.Close()
	if got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stranger is answered %d", got.StatusCode)
	}
	err = b.open(t.TempDir()).Serve(b.Context(), app.WorkOptions{Front: app.Front{Listen: strings.TrimPrefix(address, "http://")}}, time.Second)
	if err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("an address that is taken: %v", err)
	}
}
