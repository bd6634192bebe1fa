package gallery

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"cxm/internal/web/fixture"
)

// TestGallery opens every page from the list, and sends a form.
func TestGallery(t *testing.T) {
	pages, err := New(slog.New(slog.NewTextHandler(t.Output(), nil)), 0)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(pages)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	list := text(t, client, server.URL+"/")
	for _, p := range fixture.All() {
		if !strings.Contains(list, `href="`+p.Path()+`"`) {
			t.Errorf("%s is not in the list", p.Path())
		}
		if got := text(t, client, server.URL+p.Path()); !strings.Contains(got, "</html>") {
			t.Errorf("%s is not whole", p.Path())
		}
	}
	if got := text(t, client, server.URL+"/dev/pages/findings/many?theme=dark"); !strings.Contains(got, `data-theme="dark"`) {
		t.Error("a colour scheme cannot be asked for")
	}
	answer, err := client.PostForm(server.URL+"/signin", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(said), "The form was sent to /signin") {
		t.Errorf("a form is answered with %.200s, %v", said, err)
	}
}

func text(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	answer, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, answer.Status, err)
	}
	return string(got)
}
