package gitlab_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	api "gitlab.com/gitlab-org/api/client-go/v2"

	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
)

// The token is in no error, log line or Call, even when the server or something
// before it says it back in every place it can.
func TestTheTokenIsNeverShown(t *testing.T) {
	token := newToken()
	echo := func(format string) string { return fmt.Sprintf(format, token) }
	for name, h := range map[string]http.HandlerFunc{
		"message": func(w http.ResponseWriter, _ *http.Request) {
			send(w, 400, "application/json", echo(`{"message":"bad %s"}`))
		},
		"fields": func(w http.ResponseWriter, _ *http.Request) {
			send(w, 422, "application/json", echo(`{"message":{"%s":["x"]}}`))
		},
		"page":        func(w http.ResponseWriter, _ *http.Request) { send(w, 502, "text/html", echo("<title>%s</title>")) },
		"text":        func(w http.ResponseWriter, _ *http.Request) { send(w, 401, "text/plain", echo("who is %s?")) },
		"interleaved": func(w http.ResponseWriter, _ *http.Request) { send(w, 403, "text/plain", token[:8]+"\x00"+token[8:]) },
		"a time": func(w http.ResponseWriter, _ *http.Request) {
			send(w, 200, "application/json", echo(`{"id":1,"created_at":"%s"}`))
		},
		"no json": func(w http.ResponseWriter, _ *http.Request) { send(w, 200, "application/json", token) },
		"redirect": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", echo("https://other.example.com/%s?t=")+token)
			w.WriteHeader(http.StatusFound)
		},
		"header": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", token)
			w.Header().Set("Link", echo("<%s>; rel"))
			send(w, 206, "application/json", echo(`{"x":"%s"}`))
		},
		"partial": func(w http.ResponseWriter, _ *http.Request) { send(w, 206, "application/json", `{"x":1}`) },
		"cut":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seen, told := recorded(t, token, h)
				if !told {
					t.Fatal("the server never saw the token, so the test proves nothing")
				}
				if len(seen) < 1000 || !strings.Contains(seen, "/projects/:id/issues") {
					t.Fatalf("too little was recorded to prove anything:\n%s", seen)
				}
				if strings.Contains(seen, token) {
					t.Errorf("the token is in:\n%s", seen)
				}
			})
		})
	}
}

// recorded is everything the client shows of calls of every kind, and whether
// the server saw the token.
func recorded(t *testing.T, token string, h http.HandlerFunc) (text string, told bool) {
	var seen bytes.Buffer
	c := within(t, func(w http.ResponseWriter, r *http.Request) {
		told = told || strings.Contains(fmt.Sprint(r.Header), token)
		h(w, r)
	}, func(o *rest.Options) {
		o.Token = func() string { return token }
		o.Logger = slog.New(slog.NewTextHandler(&seen, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.Observe = func(call rest.Sent) { fmt.Fprintf(&seen, "%+v\n", call) }
	})
	for _, write := range writes() {
		show(&seen, write.do(t.Context(), c))
	}
	_, err := c.Project(t.Context(), "acme/platform")
	show(&seen, err)
	_, err = c.Identify(t.Context())
	show(&seen, err)
	fmt.Fprintf(&seen, "%v %+v %#v", c, c, c)
	return seen.String(), told
}

// show writes an error in every way it can be written.
// client-go's own error holds the request, and with it the token, for whoever
// prints deep enough.
func show(w io.Writer, err error) {
	if deep := (*api.ErrorResponse)(nil); errors.As(err, &deep) {
		fmt.Fprint(w, deep.Response.Request.Header)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		asJSON, _ := json.Marshal(e) // what cannot be written so cannot leak so
		fmt.Fprintf(w, "%v\n%+v\n%#v\n%s\n", e, e, e, asJSON)
	}
}

// A panic of client-go's own must not come from what a server sends.
func TestABrokenLinkHeader(t *testing.T) {
	for _, link := range []string{"<x>; rel", "x;", ";;;,;", "<https://gitlab.example.com?a=1,2>; rel; x=1", strings.Repeat("<a>;b,", 1000)} {
		c := within(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", link)
			send(w, http.StatusOK, "application/json", "[]")
		})
		if _, err := c.Look(t.Context(), 7, someday); err != nil {
			t.Errorf("%.60q: %v", link, err)
		}
	}
}

// The token goes to the instance and nowhere else, whatever it answers.
func TestTheTokenStaysWithTheInstance(t *testing.T) {
	var elsewhere counter
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		elsewhere.add(r.Method)
		send(w, http.StatusOK, "application/json", `{"id":9,"path_with_namespace":"evil/project"}`)
	})
	for _, code := range []int{301, 302, 303, 307, 308} {
		var here counter
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			here.add(r.Method)
			http.Redirect(w, r, other+r.URL.Path, code)
		})
		c := client(t, url)
		_, err := c.Project(t.Context(), "acme/platform")
		if trouble := wantKind(t, err, issue.Moved); !strings.Contains(trouble.Mend, other) {
			t.Errorf("%d: %v does not name the place", code, err)
		}
		for _, write := range writes() {
			wantKind(t, write.do(t.Context(), c), issue.Moved)
		}
		if here.of(http.MethodGet) != 1 || here.of(http.MethodPost) != 3 || here.of(http.MethodPut) != 1 {
			t.Errorf("%d: the instance saw %v", code, here.n)
		}
	}
	if len(elsewhere.n) != 0 {
		t.Errorf("another host saw %v", elsewhere.n)
	}
}

// A write is never redirected, not even to the same host: a 302 would turn it
// into a read, a 307 would repeat it.
func TestAWriteIsNotRedirected(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		var seen counter
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			seen.add(r.Method)
			if strings.HasPrefix(r.URL.Path, "/elsewhere") {
				sendIssue(w, http.StatusOK, 1)
				return
			}
			http.Redirect(w, r, "/elsewhere"+r.URL.Path, code)
		})
		for _, write := range writes() {
			wantKind(t, write.do(t.Context(), client(t, url)), issue.Moved)
		}
		if seen.of(http.MethodGet) != 0 || seen.of(http.MethodPost) != 3 || seen.of(http.MethodPut) != 1 {
			t.Errorf("%d: the server saw %v", code, seen.n)
		}
	}
}

// A rotated token is used by the very next request, also by the one that is
// sent again.
func TestARotatedTokenIsUsedAtOnce(t *testing.T) {
	var mu sync.Mutex
	token, seen := newToken(), []string(nil)
	c := within(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Header.Get("Authorization"))
		token = newToken()
		if len(seen) == 1 {
			send(w, http.StatusBadGateway, "text/html", "<html>")
			return
		}
		sendIssue(w, http.StatusOK, 1)
	}, func(o *rest.Options) {
		o.Token = func() string { mu.Lock(); defer mu.Unlock(); return token }
	})
	if _, err := c.One(t.Context(), 7, 1); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 2 || seen[0] == seen[1] || !strings.HasPrefix(seen[1], "Bearer glpat-") {
		t.Errorf("%d requests, with the same token: %t", len(seen), seen[0] == seen[len(seen)-1])
	}
}

// Without a token that could be one, nothing is sent.
func TestNoToken(t *testing.T) {
	for _, token := range []string{"", " ", "glpat-x\n", "a b", "é"} {
		var seen counter
		c := within(t, func(w http.ResponseWriter, r *http.Request) { seen.add(r.Method) },
			func(o *rest.Options) { o.Token = func() string { return token } })
		_, err := c.Identify(t.Context())
		wantKind(t, err, issue.Unauthorized)
		if len(seen.n) != 0 {
			t.Errorf("%q: sent %v", token, seen.n)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	token := func() string { return "x" }
	for _, o := range []rest.Options{
		{Token: token}, {URL: "gitlab.example.com"}, {URL: "ftp://x", Token: token}, {URL: "https://u:p@x", Token: token},
	} {
		if _, err := rest.New(o); err == nil || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%+v: %v", o.URL, err)
		}
	}
}
