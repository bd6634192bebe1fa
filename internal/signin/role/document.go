package role

import (
	"fmt"
	"strings"
)

// Document is docs/roles.md.
func Document() string {
	var b strings.Builder
	b.WriteString(`# Roles, permissions and scopes

Made from the table that the program uses (` + "`internal/signin/role`" + `): change it there, and run
` + "`go test ./internal/signin/role -update`" + `.

A person has one role in each tenant where they work; a role in one tenant says nothing
about another. A **viewer** looks, a **member** works with cxm, an **admin** changes how it
works. The **installation** role sees to tenants and to people over all tenants, and to
nothing that is in a tenant: who also works in one has a role there too. The first
admin, who opens the set-up link, has both.

## Who may do what

| Permission | What it allows | viewer | member | admin | installation |
|---|---|---|---|---|---|
`)
	for _, l := range Table() {
		fmt.Fprintf(&b, "| `%s` | %s |", l.Permission, l.Means)
		for _, r := range Roles() {
			b.WriteString(mark(r.Covers(l.Least)))
		}
		b.WriteString("\n")
	}
	b.WriteString(`
## What an API token may be used for

A token has one or several scopes. It may do what one of its scopes allows, and only as
far as the role of its owner allows the same: a token never has more than its owner, and
loses what its owner loses. A token that belongs to the tenant itself has a role of its own.

| Permission |`)
	for _, s := range Scopes() {
		fmt.Fprintf(&b, " `%s` |", s)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(Scopes())) + "\n")
	for _, l := range Table() {
		fmt.Fprintf(&b, "| `%s` |", l.Permission)
		for _, s := range Scopes() {
			b.WriteString(mark(Only(s).has(l)))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func mark(yes bool) string {
	if yes {
		return " yes |"
	}
	return "  |"
}
