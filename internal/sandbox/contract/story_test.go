package contract_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// shorthand for the methods.
const (
	get, post, put, patch, del, head = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead
)

// cast are who and what the story is about.
type cast struct {
	admin, owner, bot driver
	// ownerID and botID are users; the rest is where things happen.
	ownerID, botID         int64
	group, project, second int64
	groupPath, projectPath string
	secondPath             string
}

// story drives every route.
func story(d driver) {
	c := people(d)
	places(&c)
	accounts(c)
	members(c)
	labels(c)
	milestones(c)
	issue := issues(c)
	notes(c, issue)
	around(c, issue)
	lists(c)
	webhooks(c)
	repository(c)
	applications(c)
	auditEvents(c)
	farewell(c)
}

// people makes the users and looks at the instance.
func people(d driver) cast {
	c := cast{admin: d}
	d.as("").one(404, get, "/", nil)
	d.as("").one(401, get, "/version", nil)
	d.one(200, get, "/version", nil)
	d.one(200, get, "/metadata", nil)
	d.held("user/admin.json", "/user")

	user := func(name string) (int64, driver) {
		u := d.one(201, post, "/users", params{"email": name + "@example.com", "name": name, "username": name, "force_random_password": true, "skip_confirmation": true})
		t := d.one(201, post, fmt.Sprintf("/users/%d/personal_access_tokens", u.int("id")), params{"name": "work", "scopes": []string{"api"}})
		return u.int("id"), d.as(t.str("token"))
	}
	c.ownerID, c.owner = user("platform-admin")
	c.botID, c.bot = user("bot")
	other, _ := user("engineer")
	one := fmt.Sprintf("/users/%d", other)
	d.one(400, post, "/users", params{"name": "nobody"})
	d.one(200, put, one, params{"name": "Engineer"})
	d.list("/users?per_page=2")
	c.owner.list("/users?username=bot")
	d.held("user/admin.json", one)
	c.owner.one(200, get, one, nil)
	c.owner.one(404, get, "/users/0", nil)
	c.owner.held("user/public.json", "/user")
	c.owner.one(403, post, "/users", params{})
	for _, verb := range []string{"block", "unblock", "ban", "unban", "deactivate", "activate"} {
		d.call(201, post, one+"/"+verb, nil)
	}
	d.call(204, del, one, nil)
	return c
}

// places makes groups and projects.
func places(c *cast) {
	g := c.admin.one(201, post, "/groups", params{"name": "acme", "path": "acme", "visibility": "private"})
	c.group, c.groupPath = g.int("id"), "/groups/acme"
	c.admin.one(201, post, "/groups/acme/members", params{"user_id": c.ownerID, "access_level": 50})
	sub := c.owner.one(201, post, "/groups", params{"name": "tools", "path": "tools", "parent_id": c.group})
	c.owner.one(200, get, "/groups/acme?with_projects=false", nil)
	c.bot.one(404, get, "/groups/acme", nil)
	c.owner.one(200, put, "/groups/acme", params{"description": "what we run"})
	c.owner.list("/groups?search=ac")
	c.owner.list("/groups/acme/subgroups")
	c.owner.list("/groups/acme/descendant_groups")
	c.owner.list("/namespaces")
	c.owner.one(200, get, "/namespaces/acme", nil)
	c.owner.one(200, get, "/namespaces/acme/exists", nil)
	c.admin.one(200, put, "/namespaces/acme", params{"plan": "premium"})

	p := c.owner.one(201, post, "/projects", params{"name": "platform", "namespace_id": c.group, "initialize_with_readme": true})
	c.project, c.projectPath = p.int("id"), "/projects/acme%2Fplatform"
	s := c.owner.one(201, post, "/projects", params{"name": "shop", "namespace_id": c.group, "issues_enabled": true})
	c.second, c.secondPath = s.int("id"), fmt.Sprintf("/projects/%d", s.int("id"))
	c.owner.one(400, post, "/projects", params{})
	c.owner.one(200, get, c.projectPath, nil)
	c.owner.one(200, get, "/projects/ACME%2FPlatform?license=true&with_custom_attributes=true", nil)
	c.bot.one(404, get, c.projectPath, nil)
	c.owner.one(200, put, c.projectPath, params{"description": "underneath"})
	c.owner.list("/projects?membership=true&order_by=id")
	c.owner.list("/projects?simple=true&pagination=keyset&order_by=id&per_page=1")
	c.owner.list("/groups/acme/projects?include_subgroups=true")
	c.owner.list(fmt.Sprintf("/users/%d/projects", c.ownerID))
	c.owner.one(201, post, c.secondPath+"/archive", nil)
	c.owner.one(201, post, c.secondPath+"/unarchive", nil)
	c.owner.one(200, put, c.secondPath+"/transfer", params{"namespace": sub.int("id")})
	c.owner.one(200, put, c.secondPath+"/transfer", params{"namespace": c.group})

	gone := c.owner.one(201, post, "/projects", params{"name": "gone", "namespace_id": c.group})
	path := fmt.Sprintf("/projects/%d", gone.int("id"))
	c.owner.call(202, del, path, nil)
	c.owner.one(201, post, path+"/restore", nil)
	c.owner.call(202, del, fmt.Sprintf("/groups/%d", sub.int("id")), nil)
}

// accounts makes service accounts and tokens at every level, and rotates.
func accounts(c cast) {
	made := c.admin.one(201, post, "/service_accounts", params{"name": "cxm"})
	c.admin.list("/service_accounts")
	c.admin.one(200, patch, fmt.Sprintf("/service_accounts/%d", made.int("id")), params{"name": "cxm bot"})
	serviceAccounts(c.owner, c.groupPath+"/service_accounts")
	one := c.owner.one(201, post, c.groupPath+"/service_accounts", nil)
	c.owner.one(200, get, fmt.Sprintf("%s/service_accounts/%d", c.groupPath, one.int("id")), nil)
	serviceAccounts(c.owner, c.projectPath+"/service_accounts")

	c.owner.one(200, get, "/personal_access_tokens/self", nil)
	c.owner.one(200, get, "/personal_access_tokens/self/associations", nil)
	c.owner.list("/personal_access_tokens?state=active")
	c.owner.one(201, post, "/user/personal_access_tokens", params{"name": "mine", "scopes": []string{"self_rotate"}})
	fresh := func() entity {
		return c.admin.one(201, post, fmt.Sprintf("/users/%d/personal_access_tokens", c.botID), params{"name": "more", "scopes": []string{"api", "self_rotate"}, "expires_at": "", "description": "why"})
	}
	at := func(t entity) string { return fmt.Sprintf("/personal_access_tokens/%d", t.int("id")) }
	first := fresh()
	c.admin.one(200, get, at(first), nil)
	c.owner.one(401, get, at(first), nil)
	second := c.admin.one(200, post, at(first)+"/rotate", params{})
	third := c.bot.as(second.str("token")).one(200, post, "/personal_access_tokens/self/rotate", params{})
	c.admin.call(204, del, at(third), nil)
	c.bot.as(fresh().str("token")).call(204, del, "/personal_access_tokens/self", nil)
}

func serviceAccounts(owner driver, path string) {
	made := owner.one(201, post, path, params{"name": "cxm", "username": "cxm-" + strings.NewReplacer("/", "-", "%", "-").Replace(path)})
	one := fmt.Sprintf("%s/%d", path, made.int("id"))
	owner.list(path + "?order_by=username&sort=asc")
	owner.one(200, patch, one, params{"name": "cxm bot"})
	tokens := one + "/personal_access_tokens"
	owner.one(400, post, tokens, params{"scopes": []string{"api"}})
	token := owner.one(201, post, tokens, params{"name": "work", "scopes": []string{"api", "self_rotate"}, "description": "why", "expires_at": nil})
	owner.list(tokens + "?state=active")
	next := owner.one(200, post, fmt.Sprintf("%s/%d/rotate", tokens, token.int("id")), params{})
	owner.call(204, del, fmt.Sprintf("%s/%d", tokens, next.int("id")), nil)
	owner.call(204, del, one, nil)
}

func members(c cast) {
	for _, path := range []string{c.groupPath + "/members", c.projectPath + "/members"} {
		c.owner.one(400, post, path, params{"access_level": 20})
		c.owner.one(404, get, fmt.Sprintf("%s/%d", path, c.botID), nil)
		c.owner.one(201, post, path, params{"user_id": c.botID, "access_level": 30})
		c.owner.one(409, post, path, params{"user_id": c.botID, "access_level": 30})
		c.owner.list(path)
		c.owner.list(path + "/all?per_page=100")
		c.owner.one(200, get, fmt.Sprintf("%s/%d", path, c.botID), nil)
		c.owner.one(200, get, fmt.Sprintf("%s/all/%d", path, c.botID), nil)
		c.owner.one(200, put, fmt.Sprintf("%s/%d", path, c.botID), params{"access_level": 40, "expires_at": "2099-01-01"})
		c.owner.call(204, del, fmt.Sprintf("%s/%d", path, c.botID), nil)
	}
	c.owner.one(201, post, c.projectPath+"/members", params{"username": "bot", "access_level": 30})
	c.owner.one(201, post, c.secondPath+"/members", params{"user_id": c.botID, "access_level": 30})
}

func labels(c cast) {
	for _, path := range []string{c.groupPath + "/labels", c.projectPath + "/labels"} {
		name := "cost-" + strings.Split(path, "/")[1]
		c.owner.one(201, post, path, params{"name": name, "color": "#0b6b3a", "description": "money"})
		c.owner.one(409, post, path, params{"name": name, "color": "#0b6b3a"})
		c.owner.one(400, post, path, params{"name": "x", "color": "no colour"})
		c.owner.list(path + "?with_counts=true")
		c.owner.one(200, get, path+"/"+name, nil)
		c.owner.one(200, put, path+"/"+name, params{"description": "a lot"})
		c.owner.one(201, post, path+"/"+name+"/subscribe", nil)
		c.owner.one(201, post, path+"/"+name+"/unsubscribe", nil)
		c.owner.one(201, post, path, params{"name": "old way", "color": "red"})
		c.owner.one(200, put, path, params{"name": "old way", "new_name": "old route"})
		c.owner.call(204, del, path+"?name=old+route", nil)
		c.owner.one(201, post, path, params{"name": "gone", "color": "#ff0000"})
		c.owner.call(204, del, path+"/gone", nil)
		c.owner.one(404, get, path+"/gone", nil)
	}
}

func milestones(c cast) {
	for _, path := range []string{c.groupPath + "/milestones", c.projectPath + "/milestones"} {
		m := c.owner.one(201, post, path, params{"title": "first quarter", "due_date": "2026-03-31", "start_date": "2026-01-01", "description": "soon"})
		one := fmt.Sprintf("%s/%d", path, m.int("id"))
		c.owner.list(path + "?state=active")
		c.owner.one(200, get, one, nil)
		c.owner.one(200, put, one, params{"state_event": "close"})
		c.owner.call(204, del, one, nil)
	}
}

// issues makes, changes and moves issues; it returns the path of one that stays.
func issues(c cast) string {
	path := c.projectPath + "/issues"
	m := c.owner.one(201, post, c.projectPath+"/milestones", params{"title": "next"})
	made := c.bot.one(201, post, path, params{
		"title": "Delete volume", "description": "- [x] a\n- [ ] b\n\n/weight 3", "labels": "cost,new one", "assignee_ids": []int64{c.ownerID},
		"due_date": "2026-02-01", "confidential": true, "milestone_id": m.int("id"), "issue_type": "issue",
	})
	one := fmt.Sprintf("%s/%d", path, made.int("iid"))
	c.bot.one(201, post, path, params{"title": "Look into the alert", "issue_type": "incident", "weight": 2, "assignee_ids": []int64{c.ownerID, c.botID}, "due_date": "2026-03-01"})
	c.bot.one(400, post, path, params{"title": "x", "issue_type": "wish"})
	c.bot.one(400, post, path, params{})
	c.bot.one(200, get, one, nil)
	c.bot.one(404, get, path+"/999", nil)
	c.bot.one(400, get, path+"/x", nil)
	c.bot.one(200, put, one, params{"title": "Delete the volume", "add_labels": "more", "remove_labels": []string{"new one"}, "state_event": "close"})
	c.bot.one(200, put, one, params{"state_event": "reopen", "labels": "", "assignee_ids": []int64{}, "milestone_id": 0, "confidential": false, "discussion_locked": false, "weight": 5})
	c.bot.one(400, put, one, params{})
	c.admin.one(200, get, fmt.Sprintf("/issues/%d", made.int("id")), nil)

	second := c.bot.one(201, post, path, params{"title": "Stop database", "created_at": "2026-01-01T00:00:00Z"})
	other := fmt.Sprintf("%s/%d", path, second.int("iid"))
	c.bot.one(200, put, one+"/reorder", params{"move_after_id": second.int("id")})
	c.bot.one(201, post, other+"/clone", params{"to_project_id": c.second, "with_notes": true})
	c.bot.one(201, post, other+"/move", params{"to_project_id": c.second})
	c.bot.one(200, get, other, nil)
	third := c.owner.one(201, post, path, params{"title": "gone"})
	c.bot.one(403, del, fmt.Sprintf("%s/%d", path, third.int("iid")), nil)
	c.owner.call(204, del, fmt.Sprintf("%s/%d", path, third.int("iid")), nil)
	return one
}

func notes(c cast, issue string) {
	made := c.bot.one(201, post, issue+"/notes", params{"body": "checked, @platform-admin"})
	one := fmt.Sprintf("%s/notes/%d", issue, made.int("id"))
	c.bot.one(400, post, issue+"/notes", params{})
	c.bot.call(202, post, issue+"/notes", params{"body": "/close"})
	c.bot.one(201, post, issue+"/notes", params{"body": "not for all", "internal": true})
	c.bot.one(200, get, one, nil)
	c.bot.one(404, get, issue+"/notes/0", nil)
	c.bot.one(200, put, one, params{"body": "checked again"})
	c.bot.list(issue + "/notes?sort=asc&order_by=updated_at&activity_filter=all_notes")
	awards(c.bot, one)
	c.bot.call(204, del, one, nil)

	thread := c.bot.one(201, post, issue+"/discussions", params{"body": "what of this?"})
	path := issue + "/discussions/" + thread.str("id")
	c.bot.list(issue + "/discussions?per_page=100")
	c.bot.one(200, get, path, nil)
	reply := c.bot.one(201, post, path+"/notes", params{"body": "all of it"})
	c.bot.list(path + "/notes")
	note := fmt.Sprintf("%s/notes/%d", path, reply.int("id"))
	c.bot.one(200, get, note, nil)
	c.bot.one(200, put, note, params{"body": "nearly all"})
	c.bot.call(204, del, note, nil)
}

func awards(who driver, on string) {
	made := who.one(201, post, on+"/award_emoji", params{"name": "thumbsup"})
	one := fmt.Sprintf("%s/award_emoji/%d", on, made.int("id"))
	who.one(404, post, on+"/award_emoji", params{"name": "thumbsup"})
	who.list(on + "/award_emoji")
	who.one(200, get, one, nil)
	who.call(204, del, one, nil)
}

// around is what hangs on an issue: links, time, subscriptions, events.
func around(c cast, issue string) {
	c.bot.one(201, post, issue+"/unsubscribe", nil)
	c.bot.one(201, post, issue+"/subscribe", nil)
	c.bot.one(304, post, issue+"/subscribe", nil)
	c.bot.one(201, post, issue+"/todo", nil)
	c.bot.list("/todos")
	c.bot.list(issue + "/participants")
	c.bot.list(issue + "/related_merge_requests")
	c.bot.list(issue + "/closed_by")
	c.bot.one(200, post, issue+"/time_estimate", params{"duration": "3h30m"})
	c.bot.one(201, post, issue+"/add_spent_time", params{"duration": "1h", "summary": "looked"})
	c.bot.one(200, get, issue+"/time_stats", nil)
	c.bot.one(200, post, issue+"/reset_time_estimate", nil)
	c.bot.one(200, post, issue+"/reset_spent_time", nil)
	awards(c.bot, issue)

	other := c.bot.one(201, post, c.projectPath+"/issues", params{"title": "Resize node"})
	link := c.bot.one(201, post, issue+"/links", params{"target_project_id": c.project, "target_issue_iid": other.int("iid"), "link_type": "blocks"})
	c.bot.one(409, post, issue+"/links", params{"target_project_id": c.project, "target_issue_iid": other.int("iid")})
	c.bot.list(issue + "/links")
	one := fmt.Sprintf("%s/links/%d", issue, link.int("id"))
	c.bot.one(200, get, one, nil)
	c.bot.one(200, del, one, nil)

	m := c.owner.one(201, post, c.projectPath+"/milestones", params{"title": "later"})
	c.bot.one(200, put, issue, params{"milestone_id": m.int("id")})
	for _, what := range []string{"state", "label", "milestone"} {
		path := issue + "/resource_" + what + "_events"
		all := c.bot.list(path)
		if len(all) == 0 {
			c.bot.t.Errorf("%s: no events", path)
			continue
		}
		c.bot.one(200, get, fmt.Sprintf("%s/%d", path, all[0].int("id")), nil)
	}
}

func lists(c cast) {
	filters := url.Values{
		"state": {"all"}, "labels": {"None"}, "scope": {"all"}, "in": {"title,description"}, "order_by": {"updated_at"}, "sort": {"asc"},
		"search": {"volume"}, "per_page": {"1"}, "page": {"1"}, "created_after": {"2020-01-01T00:00:00Z"}, "assignee_id": {"None"}, "iids[]": {"1", "2"},
	}.Encode()
	for _, path := range []string{"", c.groupPath, c.projectPath} {
		c.bot.as(c.owner.token).list(path + "/issues?" + filters)
		c.owner.one(200, get, path+"/issues_statistics?scope=all", nil)
	}
	c.bot.list("/issues?scope=created_by_me&state=opened&per_page=100")
	c.bot.list(c.projectPath + "/issues?pagination=keyset&order_by=created_at&per_page=1")
	c.bot.list(c.projectPath + "/issues?with_labels_details=true&not[labels]=cost&milestone=None")
	c.bot.one(400, get, c.projectPath+"/issues?state=open", nil)
}

func repository(c cast) {
	path := c.projectPath + "/repository"
	c.owner.list(path + "/branches?search=main")
	made := c.owner.one(201, post, path+"/branches", params{"branch": "work/1", "ref": "main"})
	c.owner.one(400, post, path+"/branches", params{"branch": "work/1", "ref": "main"})
	c.owner.one(200, get, path+"/branches/work%2F1", nil)
	c.owner.call(204, head, path+"/branches/main", nil)
	c.owner.list(path + "/tree?ref=main&recursive=true")
	c.owner.list(path + "/commits?ref_name=main")
	commit, _ := made["commit"].(map[string]any)
	c.owner.one(200, get, path+"/commits/"+entity(commit).str("id"), nil)
	c.owner.one(404, get, path+"/commits/"+entity(commit).str("id")+"/signature", nil)
	file := c.owner.one(200, get, path+"/files/README.md?ref=main", nil)
	if _, err := base64.StdEncoding.DecodeString(file.str("content")); err != nil || file.str("content") == "" {
		c.owner.t.Errorf("content of README.md: %q, %v", file.str("content"), err)
	}
	c.owner.call(200, head, path+"/files/README.md?ref=main", nil)
	c.owner.call(200, get, path+"/files/README.md/raw?ref=main", nil)
	c.owner.one(404, get, path+"/files/nothing?ref=main", nil)
	commits(c.owner, path+"/commits")
	c.owner.call(204, del, path+"/branches/work%2F1", nil)
}

// commits makes some, and asks who changed a file.
func commits(owner driver, path string) {
	work := params{"branch": "work/1", "commit_message": "Grow the disk", "actions": []params{
		{"action": "create", "file_path": "infra/db.tf", "content": "# db"}, {"action": "update", "file_path": "README.md", "content": "IyBJbmZyYQ==", "encoding": "base64"},
	}}
	first := owner.one(201, post, path, work)
	owner.one(400, post, path, work)
	owner.one(400, post, path, params{"branch": "work/1", "commit_message": "nothing"})
	owner.one(400, post, path, params{"branch": "nowhere", "commit_message": "x", "actions": []params{{"action": "create", "file_path": "a", "content": ""}}})
	owner.one(400, post, path, params{"branch": "work/1", "commit_message": "x", "actions": []params{{"action": "delete", "file_path": "infra/db.tf", "last_commit_id": strings.Repeat("0", 40)}}})
	owner.one(201, post, path, params{"branch": "work/2", "start_branch": "work/1", "commit_message": "Move it", "author_name": "Engineer", "author_email": "engineer@example.com",
		"actions": []params{{"action": "move", "previous_path": "infra/db.tf", "file_path": "infra/disk.tf"}}})
	owner.one(400, post, path, params{"branch": "work/1", "start_branch": "main", "commit_message": "x", "actions": []params{{"action": "delete", "file_path": "README.md"}}})
	if found := owner.list(path + "?ref_name=work%2F2&path=infra%2Fdisk.tf&per_page=20"); len(found) != 1 || found[0].str("author_email") != "engineer@example.com" {
		owner.t.Errorf("commits of infra/disk.tf: %v", found)
	}
	if found := owner.list(path + "?ref_name=work%2F1&path=infra"); len(found) != 1 || found[0].str("id") != first.str("id") {
		owner.t.Errorf("commits of infra: %v", found)
	}
}

// applications are the instance's, for OAuth.
func applications(c cast) {
	app := c.admin.one(201, post, "/applications", params{"name": "cxm", "redirect_uri": "http://127.0.0.1/callback", "scopes": "api", "confidential": false})
	c.owner.one(403, get, "/applications", nil)
	c.admin.list("/applications")
	one := fmt.Sprintf("/applications/%d", app.int("id"))
	c.admin.one(201, post, one+"/renew-secret", nil)
	c.admin.call(204, del, one, nil)
}

// auditEvents reads what the rest of the story left in the log.
func auditEvents(c cast) {
	for _, path := range []string{"", c.groupPath, c.projectPath} {
		path += "/audit_events"
		all := c.admin.list(path + "?pagination=keyset&per_page=5&created_after=2020-01-01T00:00:00Z")
		if len(all) == 0 {
			c.admin.t.Errorf("%s: no events", path)
			continue
		}
		c.admin.one(200, get, fmt.Sprintf("%s/%d", path, all[0].int("id")), nil)
	}
	c.admin.list("/audit_events?entity_type=Group")
}

// farewell takes away what the rest needed.
func farewell(c cast) {
	c.owner.call(202, del, c.secondPath, nil)
}
