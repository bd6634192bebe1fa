package page_test

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/sandbox/page"
)

var update = flag.Bool("update", false, "write the golden pages anew")

type known map[page.Reference]page.Target

func (k known) Resolve(r page.Reference) (page.Target, bool) {
	t, ok := k[r]
	return t, ok
}

func resolver() known {
	return known{
		{page.KindIssue, "", "3"}:               {URL: "/acme/platform/-/work_items/3", Title: "Stop idle database", Closed: true},
		{page.KindIssue, "acme/shop", "1"}:      {URL: "/acme/shop/-/work_items/1", Title: "Right-size shop-web"},
		{page.KindMergeRequest, "", "2"}:        {URL: "/acme/platform/-/merge_requests/2", Title: "Resize volume"},
		{page.KindUser, "", "engineer"}:         {URL: "/engineer", Title: "Engineer"},
		{page.KindUser, "", "all"}:              {URL: "/acme/platform", Title: "All members"},
		{page.KindLabel, "", "cost::confirmed"}: {URL: "/acme/platform?label_name=cost%3A%3Aconfirmed", Color: "#0b6b3a"},
		{page.KindLabel, "", "7"}:               {URL: "/x", Title: "by id", Color: "#000000"},
		{page.KindLabel, "", "needs an owner"}:  {URL: "/acme/platform?label_name=needs+an+owner", Color: "#f0ad4e"},
	}
}

const description = `Delete the volume **vol-0a1b2c3d**: nothing has been attached to it for 41 days.

| Fact | Value |
| :--- | ---: |
| Resource | ` + "`vol-0a1b2c3d`" + ` |
| Account | 111122223333 |
| Region | eu-west-1 |
| Estimated saving per month | **43.08 USD** |
| Estimated saving per year | 516.96 USD |
| Restart needed | no |

> [!warning] Take a snapshot first
> The volume was last written on 2 January. Ask @engineer, see #3 and acme/shop#1, or !2.

- [x] nobody claims it
- [ ] snapshot taken
- [ ] volume deleted

<details>
<summary>How to do it</summary>

` + "```sh\naws ec2 create-snapshot --volume-id vol-0a1b2c3d\naws ec2 delete-volume --volume-id vol-0a1b2c3d # @engineer #3\n```" + `

</details>

<!-- a hidden line -->
<sub>Written by cxm. ~"cost::confirmed" ~"needs an owner"</sub>
`

func issue() page.IssueView {
	at := func(day, hour int) time.Time { return time.Date(2026, 1, day, hour, 4, 5, 0, time.UTC) }
	engineer := page.User{Username: "engineer", Name: "Engineer"}
	bot := page.User{Username: "cxm-bot", Name: "cxm", Bot: true}
	return page.IssueView{
		Project: page.ProjectItem{Path: "acme/platform", Name: "Platform", Visibility: "private", Opened: 4, Closed: 1},
		IssueItem: page.IssueItem{
			IID: 12, Title: "Delete unattached volume vol-0a1b2c3d (43.08 USD a month)", State: "opened", Confidential: true,
			Author: bot, Assignees: []page.User{engineer}, CreatedAt: at(2, 3), UpdatedAt: at(5, 6), Comments: 2, Tasks: 3, Done: 1,
			Labels: []page.Label{
				{Name: "cost::confirmed", Color: "#0b6b3a", URL: "/acme/platform?label_name=cost%3A%3Aconfirmed"},
				{Name: "needs an owner", Color: "#f0ad4e", Description: "Nobody has taken it"}, {Name: "aws", Color: "#5b4bb7"},
			},
			DueDate: "2026-02-01",
		},
		Description: description,
		Links:       []page.Link{{Type: "relates_to", Reference: "#3", Title: "Stop idle database", URL: "/acme/platform/-/work_items/3", Closed: true}},
		Activity: []page.Activity{
			{ID: 1, Author: bot, At: at(2, 3), System: true, Body: "added ~\"cost::confirmed\" label"},
			{ID: 2, Author: engineer, At: at(3, 9), Body: "Is this the one from the load test? @all"},
			{ID: 3, Author: bot, At: at(4, 9), Edited: true, Body: "The saving changed from 41.10 to **43.08 USD** a month.\n\n```\nprice list of 4 January\n```"},
			{ID: 4, Author: engineer, At: at(4, 10), System: true, Body: "assigned to @engineer"},
			{ID: 5, Author: engineer, At: at(5, 6), Internal: true, Body: "> keep it until Friday\n\nDone then."},
		},
		Resolver: resolver(), Now: at(5, 8),
	}
}

func project() page.ProjectView {
	v := issue()
	second := v.IssueItem
	second.IID, second.Title, second.State, second.ClosedAt = 3, "Stop idle database \"orders\" <in staging> & its replica", "closed", v.Now
	second.Labels, second.Assignees, second.Confidential, second.Comments = nil, nil, false, 1
	v.Labels[0].Open = 1
	return page.ProjectView{
		Project: v.Project, State: "all", Search: "volume", Issues: []page.IssueItem{v.IssueItem, second}, Labels: v.Labels,
		Hooks: []page.Hook{
			{
				Of: "project", Name: "cxm", URL: "https://cxm.example.com/hooks/<1>", Events: []string{"issues", "note"}, Status: "temporarily disabled",
				Calls: []page.HookCall{{Event: "Issue Hook", Status: "internal error", At: v.Now}, {Event: "Note Hook", Status: "200", OK: true, At: v.Now}},
			},
			{Of: "acme", URL: "https://cxm.example.com/hooks/2", Events: []string{"issues"}, Status: "executable"},
		},
		Page: 2, Pages: 3, Readme: "# Platform\n\nWhat runs *underneath*.\n", Now: v.Now,
	}
}

func TestPages(t *testing.T) {
	for name, render := range map[string]func(io.Writer) error{
		"home": func(w io.Writer) error {
			shop := page.ProjectItem{Path: "acme/shop", Description: "The <shop>", Visibility: "public", Archived: true}
			return page.Home(w, page.HomeView{URL: "http://127.0.0.1:8929", Version: "19.3.0-ee", Projects: []page.ProjectItem{project().Project, shop}})
		},
		"home-empty": func(w io.Writer) error { return page.Home(w, page.HomeView{}) },
		"project":    func(w io.Writer) error { return page.Project(w, project()) },
		"project-empty": func(w io.Writer) error {
			return page.Project(w, page.ProjectView{Project: page.ProjectItem{Path: "acme/new", Visibility: "private"}})
		},
		"issue": func(w io.Writer) error { return page.Issue(w, issue()) },
		"issue-bare": func(w io.Writer) error {
			v := issue()
			v.State, v.ClosedAt, v.ClosedBy, v.MovedTo, v.MovedToURL = "closed", v.Now, &v.Author, "acme/shop#1", "/acme/shop/-/work_items/1"
			v.Description, v.Activity, v.Links, v.Labels, v.Assignees, v.DueDate, v.Locked, v.Now = "", nil, nil, nil, nil, "", true, time.Time{}
			return page.Issue(w, v)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := render(&out); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), "cxm sandbox") {
				t.Error("the page does not say what it is")
			}
			golden(t, filepath.Join("testdata", name+".html"), out.Bytes())
		})
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; go test -update accepts it):\n%s", file, diff)
	}
}
