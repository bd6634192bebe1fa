package code

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
)

const (
	perPage = 100 // GitLab's largest
	pages   = 10  // of a folder that are read
)

type treeQuery struct {
	Path    string `url:"path,omitempty"`
	Ref     string `url:"ref"`
	PerPage int    `url:"per_page"`
	Page    int    `url:"page,omitempty"`
}

type treeJSON struct {
	Type string `json:"type"`
	Path string `json:"path"`
}

func wholeTree(list []*treeJSON) bool {
	return list != nil && !slices.ContainsFunc(list, func(e *treeJSON) bool { return e == nil || e.Path == "" })
}

// Folder lists the files of a folder, without those beneath, by their paths from the
// root of the repository, and says with how many calls. Path "." is the root. False:
// there is no such folder. One of more than 1,000 entries is issue.Invalid.
func (r *Repository) Folder(ctx context.Context, path string) (files []string, there bool, calls int, err error) {
	if path == "." {
		path = ""
	}
	q := rest.Request{Doing: fmt.Sprintf("listing %.200q of project %d", path, r.project), Method: http.MethodGet, Route: "/projects/:id/repository/tree"}
	where := fmt.Sprintf("projects/%d/repository/tree", r.project)
	for page := 1; page <= pages; page++ {
		calls++
		list, _, err := rest.Call(ctx, r.client.rest, q, rest.Ask[[]*treeJSON](r.client.rest, q.Method, where, treeQuery{Path: path, Ref: r.head, PerPage: perPage, Page: page}), wholeTree)
		if rest.Is(err, issue.NotFound) && !ofProject(err) {
			return nil, false, calls, nil
		}
		if err != nil {
			return nil, false, calls, err
		}
		for _, e := range list {
			if e.Type == "blob" {
				files = append(files, e.Path)
			}
		}
		if len(list) < perPage {
			return files, len(files) > 0 || len(list) > 0, calls, nil
		}
	}
	return nil, false, calls, rest.Unfit(q.Doing, "it holds more than %d entries", pages*perPage)
}
