package receive_test

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"cxm/internal/receive"
	"cxm/internal/source"
)

// TestPage: every request of docs/events.md is answered as the page says.
func TestPage(t *testing.T) {
	read, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	token, examples := receive.NewToken(), 0
	for rest := string(read); ; examples++ {
		_, after, found := strings.Cut(rest, "```http\n")
		if !found {
			break
		}
		text, end, _ := strings.Cut(after, "\n```")
		rest = end
		parts := strings.Split(text, "\n\n")
		if len(parts) != 3 {
			t.Fatalf("an example has %d parts, not headers, body and answer:\n%s", len(parts), text)
		}
		lines := strings.Split(parts[0], "\n")
		method, path, _ := strings.Cut(lines[0], " ")
		req := httptest.NewRequest(method, path, strings.NewReader(parts[1]))
		for _, line := range lines[1:] {
			name, value, _ := strings.Cut(line, ": ")
			req.Header.Set(name, strings.ReplaceAll(value, "TOKEN", token.Reveal()))
		}
		board := &receive.Board{}
		from := receive.Source{ID: 1, Name: "scanner", Type: source.CloudEvents, Enabled: true, Tokens: []receive.Hash{receive.HashOf(token)}}
		if name, hook := strings.CutPrefix(path, "/v1/hooks/"); hook {
			from.Name, from.Type = name, source.Alertmanager
		}
		board.Set([]receive.Source{from})
		w := httptest.NewRecorder()
		receive.New(receive.Config{Sources: board, Inbox: &inbox{seen: map[receive.Digest]bool{}}, Tally: board}).ServeHTTP(w, req)
		status, body, _ := strings.Cut(parts[2], " ")
		if got := strings.TrimSpace(w.Body.String()); status != strings.Fields(w.Result().Status)[0] || got != body {
			t.Errorf("%s:\nanswered %d %s\nthe page  %s %s", lines[0], w.Code, got, status, body)
		}
	}
	if examples < 6 {
		t.Errorf("%d examples were found", examples)
	}
}
