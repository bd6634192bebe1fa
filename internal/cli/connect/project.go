package connect

import (
	"context"
	"fmt"
	"strings"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
)

// chooseProject has a person choose a namespace, then a repository in it. Instead
// of either, the address of a project in the browser does as well.
func chooseProject(ctx context.Context, ask *shell.Asker, v *app.Visit) (string, error) {
	n, typed, err := chooseNamespace(ctx, ask, v)
	if err != nil || typed != "" {
		return typed, err
	}
	where := ""
	if n.Path != "" {
		where = " in " + n.Path
	}
	ask.Say("\nRepositories%s (choose where issues go by default):\n", where)
	c := shell.Choice[app.Place]{
		Ask: ask, What: "repository", Whole: aProject,
		Open: func(search string) *app.Pages[app.Place] { return v.Projects(n.Path, search) },
		Show: func(p app.Place) shell.Item { return shell.Item{Text: p.Path, Unfit: p.Unfit} },
	}
	p, typed, err := c.Choose(ctx)
	if err != nil || typed != "" {
		return typed, err
	}
	return fmt.Sprint(p.ID), nil
}

func chooseNamespace(ctx context.Context, ask *shell.Asker, v *app.Visit) (app.Namespace, string, error) {
	ask.Say("Namespaces:\n")
	c := shell.Choice[app.Namespace]{
		Ask: ask, What: "namespace", None: "all repositories that the account is a member of", Whole: aProject,
		Open: func(search string) *app.Pages[app.Namespace] { return v.Namespaces(search) },
		Show: func(n app.Namespace) shell.Item {
			if n.Own {
				return shell.Item{Text: n.Path + " (the account's own)"}
			}
			return shell.Item{Text: n.Path}
		},
	}
	return c.Choose(ctx)
}

// aProject says that what was typed is the whole path of a project, as an address
// is: "acme/platform" may be a group too, so a path alone is searched for.
func aProject(text string) bool { return strings.Contains(text, "://") }
