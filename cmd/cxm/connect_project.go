package main

import (
	"context"
	"fmt"
	"strings"

	"cxm/internal/app"
)

// chooseProject has a person choose a namespace, then a repository in it. Instead
// of either, the address of a project in the browser does as well.
func chooseProject(ctx context.Context, ask *asker, v *app.Visit) (string, error) {
	n, typed, err := chooseNamespace(ctx, ask, v)
	if err != nil || typed != "" {
		return typed, err
	}
	where := ""
	if n.Path != "" {
		where = " in " + n.Path
	}
	fmt.Fprintf(ask.out, "\nRepositories%s (choose where issues go by default):\n", where)
	c := choice[app.Place]{
		ask: ask, what: "repository", whole: aProject,
		open: func(search string) *app.Pages[app.Place] { return v.Projects(n.Path, search) },
		show: func(p app.Place) item { return item{p.Path, p.Unfit} },
	}
	p, typed, err := c.choose(ctx)
	if err != nil || typed != "" {
		return typed, err
	}
	return fmt.Sprint(p.ID), nil
}

func chooseNamespace(ctx context.Context, ask *asker, v *app.Visit) (app.Namespace, string, error) {
	fmt.Fprintln(ask.out, "Namespaces:")
	c := choice[app.Namespace]{
		ask: ask, what: "namespace", none: "all repositories that the account is a member of", whole: aProject,
		open: func(search string) *app.Pages[app.Namespace] { return v.Namespaces(search) },
		show: func(n app.Namespace) item {
			if n.Own {
				return item{text: n.Path + " (the account's own)"}
			}
			return item{text: n.Path}
		},
	}
	return c.choose(ctx)
}

// aProject says that what was typed is the whole path of a project, as an address
// is: "acme/platform" may be a group too, so a path alone is searched for.
func aProject(text string) bool { return strings.Contains(text, "://") }
