package setup

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
)

// perPage is the most that GitLab gives at once.
const perPage = 100

// pages bounds a list that has no end.
const pages = 200

// paging is a page of a list.
type paging struct {
	Page    int    `url:"page"`
	PerPage int    `url:"per_page"`
	State   string `url:"state,omitempty"`
	User    int64  `url:"user_id,omitempty"`
}

// list reads all pages of a list, or until enough says so.
func list[T any](ctx context.Context, c *Client, r rest.Request, path string, p paging, whole func(T) bool, enough func(T) bool) ([]T, error) {
	var out []T
	for p.Page, p.PerPage = 1, perPage; p.Page <= pages; p.Page++ {
		got, _, err := rest.Call(ctx, c.Client, r, rest.Ask[[]T](c.Client, http.MethodGet, path, p), func(l []T) bool {
			for _, each := range l {
				if !whole(each) {
					return false
				}
			}
			return l != nil
		})
		if err != nil {
			return nil, err
		}
		for _, each := range got {
			out = append(out, each)
			if enough(each) {
				return out, nil
			}
		}
		if len(got) < perPage {
			return out, nil
		}
	}
	return nil, rest.Unfit(r.Doing, "the list has more than %d entries", pages*perPage)
}

// Account finds the service account of a home by its user name, in any letter
// case; nil: there is none. others is how many there are besides, at least. The
// error is ErrNoServiceAccounts where there are none to be had.
func (c *Client) Account(ctx context.Context, h Home, username string) (found *User, others int, err error) {
	r := rest.Request{Doing: "looking for the service account " + username + " in " + h.Named(), Method: http.MethodGet, Route: h.route()}
	is := func(u *User) bool { return strings.EqualFold(u.Username, username) }
	all, err := list(ctx, c, r, h.path(), paging{}, wholeUser, is)
	if err != nil {
		return nil, 0, c.refused(err, h)
	}
	if n := len(all); n > 0 && is(all[n-1]) {
		return all[n-1], n - 1, nil
	}
	return nil, len(all), nil
}

// CreateAccount makes a service account. others is how many there are, as Account
// tells; it tells apart a tier without any and one whose number is reached.
func (c *Client) CreateAccount(ctx context.Context, h Home, name, username string, others int) (*User, error) {
	r := rest.Request{Doing: "creating the service account " + username + " in " + h.Named(), Method: http.MethodPost, Route: h.route()}
	u, _, err := rest.Call(ctx, c.Client, r, rest.Ask[*User](c.Client, r.Method, h.path(), map[string]string{"name": name, "username": username}), wholeUser)
	if err == nil {
		return u, nil
	}
	var t *issue.Trouble
	if errors.As(err, &t) && spent(t) {
		if others == 0 {
			return nil, without(err, "The subscription of "+h.Named()+" has no service accounts")
		}
		return nil, mended(err, cause{t.Status, "", fmt.Sprintf("%s has as many service accounts as its subscription allows (%d or more): delete one that nobody uses under %s, or use one of them with --username", h.Named(), others, h.Page(c.Base()))})
	}
	return nil, c.refused(err, h)
}

// spent says that GitLab allows no further service account, or none at all.
func spent(t *issue.Trouble) bool {
	said := strings.ToLower(t.Said)
	return strings.Contains(said, "service account creation limit") || strings.Contains(said, "no_seats") || strings.Contains(said, "active subscription")
}

// refused gives the troubles of service accounts their mends.
func (c *Client) refused(err error, h Home) error {
	var t *issue.Trouble
	if !errors.As(err, &t) {
		return err
	}
	said := strings.ToLower(t.Said)
	switch {
	case t.Status == http.StatusNotFound && !strings.Contains(said, "group") && !strings.Contains(said, "project"):
		return without(err, "This GitLab knows no service accounts of "+plural(h.Level)+" (groups and instances have them since 16.1, groups below others and projects since 18.11)")
	case t.Status == http.StatusForbidden && !strings.Contains(said, "insufficient") && !strings.Contains(said, "block"):
		return without(err, c.denied(h))
	}
	return mended(err,
		cause{http.StatusForbidden, "insufficient", "The Owner's token lacks the scope api: make one that has it"},
		cause{http.StatusBadRequest, "email has already been taken", "An account has that address already: choose another user name with --username"},
		cause{http.StatusBadRequest, "username has already been taken", "Somebody else has that user name, perhaps a service account of another group: choose another one with --username"},
		cause{http.StatusBadRequest, "username", "Choose another user name with --username: letters, digits, and - _ . between them"},
		cause{http.StatusConflict, "taken", "Somebody else has that user name: choose another one with --username"},
	)
}

func plural(l Level) string {
	if l == Instance {
		return "the instance"
	}
	return string(l) + "s"
}

// denied is why whoever has the role may still not.
func (c *Client) denied(h Home) string {
	switch {
	case h.Level == Instance:
		return "It takes the token of an administrator, with the scopes api and, where admin mode is on, admin_mode; on GitLab.com there is none: use --level group"
	case c.Host() == "gitlab.com":
		return "Either the subscription has no service accounts, or, in a trial, the top-level Owner has not verified their identity yet"
	}
	return "Either the tier has no service accounts (before GitLab 18.10 the free one has none), or an administrator keeps them to administrators: it is allowed under Settings > General > Account and limit in " + c.Base() + "/admin/application_settings/general"
}
