package apptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// ProjectRoute is that of the project acme/platform.
	ProjectRoute = "/api/v4/projects/acme%2Fplatform"
	// IssuesRoute is where cxm writes: it uses numeric project ids.
	IssuesRoute = "/api/v4/projects/*/issues"
)

// Admin calls GitLab as its administrator and returns the answer's object.
func (b *Bed) Admin(method, path string, body any) map[string]any {
	b.Helper()
	status, got := b.Call(method, path, body)
	if status >= 300 {
		b.Fatalf("%s %s answered %d: %s", method, path, status, got)
	}
	var out map[string]any
	if len(got) > 0 && got[0] == '{' {
		if err := json.Unmarshal(got, &out); err != nil {
			b.Fatal(err)
		}
	}
	return out
}

// Call calls GitLab as its administrator.
func (b *Bed) Call(method, path string, body any) (status int, answer []byte) {
	b.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.Context(), method, b.URL+path, bytes.NewReader(sent))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("PRIVATE-TOKEN", b.GitLab.AdminToken())
	resp, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, err = io.ReadAll(resp.Body); err != nil {
		b.Fatal(err)
	}
	return resp.StatusCode, answer
}

// List reads a list as the administrator.
func (b *Bed) List(path string, into any) {
	b.Helper()
	if status, got := b.Call(http.MethodGet, path, nil); status != http.StatusOK || json.Unmarshal(got, into) != nil {
		b.Fatalf("%s answered %d: %s", path, status, got)
	}
}

// ServiceAccount makes one in the group acme, a maintainer of acme/platform, and a
// token of its; also of other projects.
func (b *Bed) ServiceAccount(name string, also ...string) (token string) {
	b.Helper()
	account := b.Admin(http.MethodPost, "/api/v4/groups/acme/service_accounts", map[string]any{"username": name})
	b.Admin(http.MethodPost, ProjectRoute+"/members", map[string]any{"user_id": account["id"], "access_level": 40})
	for _, project := range also {
		b.Admin(http.MethodPost, "/api/v4/projects/"+project+"/members", map[string]any{"user_id": account["id"], "access_level": 40})
	}
	made := b.Admin(http.MethodPost, fmt.Sprintf("/api/v4/groups/acme/service_accounts/%v/personal_access_tokens", account["id"]),
		map[string]any{"name": "cxm", "scopes": []string{"api"}, "expires_at": b.Clock.Now().AddDate(0, 0, 90).Format(time.DateOnly)})
	return b.token(made)
}

// TokenFor makes another token for a service account of the group acme.
func (b *Bed) TokenFor(account int64) string {
	b.Helper()
	return b.token(b.Admin(http.MethodPost, fmt.Sprintf("/api/v4/groups/acme/service_accounts/%d/personal_access_tokens", account), map[string]any{"name": "again", "scopes": []string{"api"}}))
}

func (b *Bed) token(made map[string]any) string {
	b.Helper()
	token, ok := made["token"].(string)
	if !ok {
		b.Fatalf("GitLab made %v, and no token", made)
	}
	return token
}

// UserID is the id of a user.
func (b *Bed) UserID(username string) int64 {
	b.Helper()
	var found []struct{ ID int64 }
	b.List("/api/v4/users?username="+username, &found)
	if len(found) != 1 {
		b.Fatalf("%d users are called %s", len(found), username)
	}
	return found[0].ID
}

// Issue is an issue as GitLab shows it.
type Issue struct {
	ID          int64    `json:"id"`
	IID         int64    `json:"iid"`
	ProjectID   int64    `json:"project_id"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	State       string   `json:"state"`
	Labels      []string `json:"labels"`
}

// Issues lists the first hundred issues of a project, the oldest first.
func (b *Bed) Issues(project string) (out []Issue) {
	b.Helper()
	return b.IssuesPage(project, 1)
}

// IssuesPage is one page of them.
func (b *Bed) IssuesPage(project string, page int) (out []Issue) {
	b.Helper()
	b.List(fmt.Sprintf("/api/v4/projects/%s/issues?per_page=100&order_by=created_at&sort=asc&page=%d", project, page), &out)
	return out
}

// About is the issue about a disk.
func (b *Bed) About(n int) Issue {
	b.Helper()
	for _, i := range b.Issues("acme%2Fplatform") {
		if strings.Contains(i.Description, fmt.Sprintf("vol-%017x", n)) {
			return i
		}
	}
	b.Fatalf("no issue is about disk %d", n)
	return Issue{}
}

// Edit changes an issue as a person.
func (b *Bed) Edit(iid int64, body map[string]any) {
	b.Helper()
	b.Clock.Forward(time.Second)
	b.Admin(http.MethodPut, fmt.Sprintf("%s/issues/%d", ProjectRoute, iid), body)
}

// Disk is one opportunity about one disk, in Cost Optimization Hub's format.
func Disk(n int, savings string) string {
	return fmt.Sprintf(`{"accountId":"123456789012","region":"eu-west-1","resourceId":"vol-%017x","resourceArn":"arn:aws:ec2:eu-west-1:123456789012:volume/vol-%017x",
		"currentResourceType":"EbsVolume","recommendedResourceType":"EbsVolume","actionType":"Upgrade","currencyCode":"USD","estimatedMonthlySavings":%s,
		"currentResourceSummary":"gp2","recommendedResourceSummary":"gp3","recommendationId":"rotates","implementationEffort":"Low"}`, n, n, savings)
}

// Disks are opportunities about the disks from one to before another.
func Disks(from, to int) (out []string) {
	for i := from; i < to; i++ {
		out = append(out, Disk(i, "10"))
	}
	return out
}

// Snapshot is an export of Cost Optimization Hub.
func Snapshot(items ...string) string { return `{"items":[` + strings.Join(items, ",") + `]}` }
