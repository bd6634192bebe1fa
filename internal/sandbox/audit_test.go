package sandbox_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	api "gitlab.com/gitlab-org/api/client-go/v2"

	"cxm/internal/sandbox"
)

func TestAuditEvents(t *testing.T) {
	_, admin := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	made := admin.api(201, "POST", "/groups/acme/service_accounts", `{"username":"cxm","name":"cxm"}`)
	bot := made.num("id")
	tokens := fmt.Sprintf("/groups/acme/service_accounts/%d/personal_access_tokens", bot)
	first := admin.api(201, "POST", tokens, `{"name":"work","scopes":["api","self_rotate"]}`)
	second := admin.as(first.str("token")).api(200, "POST", "/personal_access_tokens/self/rotate", "{}")
	admin.api(201, "POST", "/groups/acme/members", fmt.Sprintf(`{"user_id":%d,"access_level":30}`, bot))
	admin.api(409, "POST", "/groups/acme/members", fmt.Sprintf(`{"user_id":%d,"access_level":30}`, bot))
	admin.api(200, "PUT", fmt.Sprintf("/groups/acme/members/%d", bot), `{"access_level":40}`)
	admin.api(204, "DELETE", fmt.Sprintf("/groups/acme/members/%d", bot), "")
	admin.api(200, "PUT", "/projects/acme%2Fshop", `{"name":"Store","path":"store"}`)
	admin.api(201, "POST", "/projects/acme%2Fstore/archive", "")
	admin.api(201, "POST", "/projects/acme%2Fstore/unarchive", "")
	sub := admin.api(201, "POST", "/groups", fmt.Sprintf(`{"name":"sub","path":"sub","parent_id":%d}`, admin.api(200, "GET", "/groups/acme", "").num("id")))
	admin.api(200, "PUT", "/projects/acme%2Fstore/transfer", fmt.Sprintf(`{"namespace":%d}`, sub.num("id")))
	admin.api(204, "DELETE", tokens+"/"+fmt.Sprint(second.num("id")), "")

	gl, err := api.NewClient(admin.token, api.WithBaseURL(admin.url), api.WithoutRetries())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	opt := &api.ListAuditEventsOptions{ListOptions: api.ListOptions{PerPage: 2, Pagination: "keyset", OrderBy: "id", Sort: "desc"}}
	all, err := api.ScanAndCollect(func(p api.PaginationOptionFunc) ([]*api.AuditEvent, *api.Response, error) {
		return gl.AuditEvents.ListInstanceAuditEvents(opt, p)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		d := e.Details
		got = append([]string{strings.TrimSpace(strings.Join([]string{e.EventName, e.EntityType, d.EntityPath, d.TargetDetails, d.As, d.From, d.To}, " "))}, got...)
		if e.AuthorID == 0 || d.AuthorName == "" || d.IPAddress == "" || e.CreatedAt == nil {
			t.Errorf("%+v", e)
		}
	}
	want := []string{
		"user_created User cxm cxm",
		"personal_access_token_created User root cxm",
		"personal_access_token_rotated User cxm cxm",
		"member_created Group acme cxm Default role: Developer",
		"member_updated Group acme cxm  Default role: Developer Default role: Maintainer",
		"member_destroyed Group acme cxm",
		"project_name_updated Project acme/store acme/store  Acme / Shop Acme / Store",
		"project_path_updated Project acme/store acme/store  acme/shop acme/store",
		"project_archived Project acme/store acme/store",
		"project_unarchived Project acme/store acme/store",
		"project_namespace_updated Project acme/sub/store acme/sub/store  acme/store acme/sub/store",
		"personal_access_token_revoked User root cxm",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	one, _, err := gl.AuditEvents.GetInstanceAuditEvent(all[0].ID)
	if err != nil || one.EventName != all[0].EventName {
		t.Errorf("one: %v, %v", one, err)
	}
	group, _, err := gl.AuditEvents.ListGroupAuditEvents("acme", nil)
	if err != nil || len(group) != 3 || group[0].EventName != "member_destroyed" {
		t.Errorf("group: %v, %v", group, err)
	}
	project, _, err := gl.AuditEvents.ListProjectAuditEvents("acme/sub/store", nil)
	if err != nil || len(project) != 5 {
		t.Errorf("project: %v, %v", project, err)
	}
}

func TestAuditEventsAreForWhoMaySeeThem(t *testing.T) {
	_, admin := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	engineer := admin.api(200, "GET", "/users?username=engineer", "").num("0.id")
	tok := admin.api(201, "POST", fmt.Sprintf("/users/%d/personal_access_tokens", engineer), `{"name":"t","scopes":["api"]}`)
	dev := admin.as(tok.str("token"))
	admin.api(201, "POST", "/groups/acme/members", fmt.Sprintf(`{"user_id":%d,"access_level":20}`, admin.api(201, "POST", "/service_accounts", `{}`).num("id")))
	if r := dev.api(200, "GET", "/groups/acme/audit_events", ""); r.Body != "[]" {
		t.Errorf("a Developer sees what others did: %s", r.Body)
	}
	dev.api(403, "GET", "/audit_events", "")
	admin.api(400, "GET", "/audit_events?entity_id=1", "")
	admin.api(400, "GET", "/audit_events?pagination=keyset&cursor=x", "")
	admin.api(404, "GET", "/audit_events/99", "")
	admin.api(200, "PUT", "/namespaces/acme", `{"plan":"free"}`)
	admin.api(403, "GET", "/groups/acme/audit_events", "")
	_, ce := serve(t, sandbox.Options{Edition: "ce"})
	ce.api(404, "GET", "/audit_events", "")
}
