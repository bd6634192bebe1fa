package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"cxm/internal/sandbox"
)

// send makes a request by hand: what no helper of ours has put right.
func send(t *testing.T, method, url string, header map[string]string, body string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

// TestClientsWireForms sends issue work as five clients write it.
func TestClientsWireForms(t *testing.T) {
	const form, js = "application/x-www-form-urlencoded", "application/json"
	for _, tc := range []struct {
		client, method, path, auth, kind, body string
		status                                 int
		holds                                  string
	}{
		{"python-gitlab creates", "POST", "/projects/acme%2Fplatform/issues", "PRIVATE-TOKEN", js, `{"title": "a", "labels": ["x", "y"], "assignee_ids": [], "confidential": false}`, 201, `"labels":["x","y"]`},
		{"python-gitlab lists", "GET", "/projects/1/issues?state=opened&labels=x&in=title&page=1&per_page=20", "PRIVATE-TOKEN", "", "", 200, `"title":"a"`},
		{"python-gitlab's booleans", "GET", "/projects/1/repository/tree?recursive=True&ref=main", "PRIVATE-TOKEN", "", "", 200, `"README.md"`},
		{"python-gitlab rotates", "GET", "/personal_access_tokens/self", "Bearer", "", "", 200, `"active":true`},
		{"glab creates", "POST", "/projects/acme%2Fplatform/issues", "Bearer", js, `{"title":"b","description":"text","labels":"x,z","assignee_ids":[1]}`, 201, `"labels":["x","z"]`},
		{"glab lists", "GET", "/projects/acme%2Fplatform/issues?in=title%2Cdescription&page=1&per_page=30&search=b&state=opened&order_by=created_at&sort=desc", "PRIVATE-TOKEN", "", "", 200, `"title":"b"`},
		{"glab reads the project", "GET", "/projects/acme%2Fplatform?license=true&with_custom_attributes=true", "PRIVATE-TOKEN", "", "", 200, `"path_with_namespace":"acme/platform"`},
		{"ruby creates", "POST", "/projects/acme%2Fplatform/issues", "PRIVATE-TOKEN", form, "title=c&description=two+words%0D%0Amore&assignee_ids[]=1&labels=x", 201, `"description":"two words\r\nmore"`},
		{"ruby clears", "PUT", "/projects/1/issues/3", "PRIVATE-TOKEN", form, "labels=&state_event=close", 200, `"labels":[]`},
		{"ruby's nesting", "GET", "/projects/1/issues?not[labels][]=x&not[labels][]=z&state=all", "PRIVATE-TOKEN", "", "", 200, `"title":"c"`},
		{"terraform creates", "POST", "/projects/1/issues", "PRIVATE-TOKEN", js, `{"title":"d","description":"","labels":"","due_date":"","confidential":false}`, 201, `"due_date":null`},
		{"terraform reopens what is open", "PUT", "/projects/1/issues/4", "PRIVATE-TOKEN", js, `{"state_event":"reopen"}`, 200, `"state":"opened"`},
		{"terraform's token without a day", "POST", "/users/1/personal_access_tokens", "PRIVATE-TOKEN", js, `{"name":"t","scopes":["api"],"expires_at":""}`, 201, `"token":"glpat-`},
		{"gitbeaker's labels", "GET", "/projects/1/issues?labels[]=x&labels[]=y", "PRIVATE-TOKEN", "", "", 200, `"title":"a"`},
		{"gitbeaker rotates", "GET", "/personal_access_tokens?userId=1&per_page=100", "PRIVATE-TOKEN", js, `{}`, 200, `"scopes"`},
		{"Renovate lists", "GET", "/projects/acme%2Fplatform/issues?per_page=100&scope=created_by_me&state=opened", "PRIVATE-TOKEN", "", "", 200, `"title":"d"`},
		{"Basic, any name", "GET", "/user", "Basic", "", "", 200, `"username":"root"`},
		{"query token", "GET", "/user?private_token=TOKEN", "", "", "", 200, `"username":"root"`},
		{"another content type", "POST", "/projects/1/issues", "PRIVATE-TOKEN", "text/xml", "<title>x</title>", 415, `not supported`},
	} {
		t.Run(tc.client, func(t *testing.T) {
			c := formsServer(t)
			header := map[string]string{}
			if tc.kind != "" {
				header["Content-Type"] = tc.kind
			}
			authorise(header, tc.auth, c.token)
			status, body, _ := send(t, tc.method, c.url+"/api/v4"+strings.ReplaceAll(tc.path, "TOKEN", c.token), header, tc.body)
			if status != tc.status || !strings.Contains(body, tc.holds) {
				t.Errorf("answer %d, want %d with %s: %s", status, tc.status, tc.holds, body)
			}
		})
	}
}

// formsServer is a sandbox with the four issues a, b, c and d.
func formsServer(t *testing.T) client {
	t.Helper()
	_, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	for _, i := range []struct{ title, labels string }{{"a", "x,y"}, {"b", "x,z"}, {"c", ""}, {"d", ""}} {
		b, err := json.Marshal(map[string]string{"title": i.title, "labels": i.labels})
		if err != nil {
			t.Fatal(err)
		}
		c.api(201, "POST", "/projects/1/issues", string(b))
	}
	return c
}

func authorise(header map[string]string, how, token string) {
	switch how {
	case "PRIVATE-TOKEN":
		header["PRIVATE-TOKEN"] = token
	case "Bearer":
		header["Authorization"] = "Bearer " + token
	case "Basic":
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth("oauth2", token)
		header["Authorization"] = r.Header.Get("Authorization")
	}
}

func TestMultipartForm(t *testing.T) {
	_, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, kv := range [][2]string{{"title", "from a form"}, {"labels[]", "x"}, {"labels[]", "y"}} {
		if err := w.WriteField(kv[0], kv[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	status, body, _ := send(t, "POST", c.url+issuesPath, map[string]string{"PRIVATE-TOKEN": c.token, "Content-Type": w.FormDataContentType()}, b.String())
	if status != 201 || !strings.Contains(body, `"labels":["x","y"]`) {
		t.Errorf("%d %s", status, body)
	}
}

// TestKeysetPagesFollowLinks walks issues by Link headers, as python-gitlab
// and gitbeaker do, in every order the keyset allows, while nothing changes.
func TestKeysetPagesFollowLinks(t *testing.T) {
	_, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	for _, title := range []string{"b", "a", "c", "a", "e", "d", "a"} {
		c.api(201, "POST", "/projects/1/issues", `{"title":"`+title+`"}`)
	}
	c.api(200, "PUT", "/projects/1/issues/3", `{"due_date":"2026-05-01"}`)
	next := regexp.MustCompile(`<([^>]+)>; rel="next"`)
	for _, order := range []string{"created_at", "updated_at", "title", "due_date", "weight", "relative_position"} {
		for _, sort := range []string{"asc", "desc"} {
			seen := map[int]bool{}
			url := c.url + issuesPath + "?pagination=keyset&per_page=2&order_by=" + order + "&sort=" + sort
			for pages := 0; url != "" && pages < 9; pages++ {
				r := c.do("GET", url, "")
				var found []struct{ IID int }
				if err := json.Unmarshal([]byte(r.Body), &found); err != nil {
					t.Fatal(err, r.Body)
				}
				for _, f := range found {
					if seen[f.IID] {
						t.Errorf("%s %s: issue %d came twice", order, sort, f.IID)
					}
					seen[f.IID] = true
				}
				url = ""
				if m := next.FindStringSubmatch(r.Header.Get("Link")); m != nil {
					url = m[1]
				}
			}
			if len(seen) != 7 {
				t.Errorf("%s %s: %d issues of 7", order, sort, len(seen))
			}
		}
	}
}
