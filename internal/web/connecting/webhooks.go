package connecting

import (
	"context"
	"strings"

	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

func (a *area) webhooks(to *site.Area) {
	v := one("Add a webhook for %s", role.IntegrationsWrite, "change webhooks")
	a.both(to, "/webhooks", v, func(x about, _ *ui.Shell) (page.Page, error) { return hooking(x, a.origin(x.req), ""), nil }, a.addHook)
	v.Title = "Remove a webhook of %s"
	a.both(to, "/webhooks/{hook}", v, func(x about, _ *ui.Shell) (page.Page, error) { return unhooking(x, "") }, a.removeHook)
}

func hooking(x about, address, trouble string) page.Confirm {
	w := HookWant{URL: address, Group: x.req.PostFormValue("group"), Insecure: x.req.PostFormValue("insecure") != ""}
	return NewHook(x.id, x.in.Project.Path, w, trouble)
}

// NewHook asks for what adds a webhook to an integration.
func NewHook(id int64, project string, w HookWant, trouble string) page.Confirm {
	groups := []ui.Option{{Text: "This repository alone"}}
	parts := strings.Split(project, "/")
	for i := len(parts) - 1; i > 0; i-- {
		group := strings.Join(parts[:i], "/")
		groups = append(groups, ui.Option{Value: group, Text: "All of the group " + group, Selected: group == w.Group})
	}
	return page.Confirm{
		What: []string{
			"GitLab tells cxm at once when people change issues, instead of cxm looking on a schedule.",
			"cxm makes the webhook with its own token, which takes the role Maintainer (of a group: Owner), and checks it from then on.",
			"What GitLab sends is proved by a secret, and only says where to look.",
		},
		Form: ui.Form{ID: "webhook", Action: at(id) + "/webhooks", Submit: "Add the webhook", Cancel: at(id), Error: trouble, Fields: []ui.Field{
			{Name: "url", Label: "Address of cxm, as GitLab reaches it", Type: "url", Value: w.URL, Required: true, Autocomplete: "off"},
			{Name: "group", Label: "Listens to", Type: "select", Options: groups},
			{Name: "insecure", Label: "Allow an address without TLS", Type: "checkbox", Checked: w.Insecure, Hint: "Whoever is on the way can then read which issues change."},
		}},
	}
}

func (a *area) addHook(x about, _ *ui.Shell) (site.Answer, error) {
	w := HookWant{URL: strings.TrimSpace(x.req.PostFormValue("url")), Group: x.req.PostFormValue("group"), Insecure: x.req.PostFormValue("insecure") != ""}
	target, err := a.Hooks.AddWebhook(context.WithoutCancel(x.req.Context()), x.g, x.id, w)
	return ended(x, err, "GitLab tells cxm from now on what changes in "+target+".", func(trouble string) page.Page { return hooking(x, w.URL, trouble) })
}

// hook is the webhook that an address is about.
func hook(x about) (n int64, target string, err error) {
	all, err := x.g.API.Integrations.Webhooks(x.req.Context())
	if err != nil {
		return 0, "", err
	}
	n = Number(x.req.PathValue("hook"))
	for _, h := range all {
		if h.ID == n && h.Integration == x.id {
			return n, h.Target, nil
		}
	}
	return 0, "", site.ErrMissing
}

func unhooking(x about, trouble string) (page.Page, error) {
	_, target, err := hook(x)
	return NewUnhook(x.id, x.req.URL.Path, target, trouble), err
}

// NewUnhook asks before a webhook is deleted.
func NewUnhook(id int64, here, target, trouble string) page.Confirm {
	return page.Confirm{
		What: []string{"The webhook of " + target + " is deleted in GitLab, and forgotten here.", "cxm goes on looking at GitLab on its schedule."},
		Form: ui.Form{ID: "unhook", Action: here, Submit: "Remove the webhook", Danger: true, Cancel: at(id), Error: trouble},
	}
}

func (a *area) removeHook(x about, _ *ui.Shell) (site.Answer, error) {
	n, target, err := hook(x)
	if err != nil {
		return site.Answer{}, err
	}
	err = a.Hooks.RemoveWebhook(context.WithoutCancel(x.req.Context()), x.g, x.id, n)
	if text, ok := refused(err); ok {
		p, err := unhooking(x, text)
		return site.Answer{Page: p}, err
	}
	return site.Answer{To: at(x.id), Notice: ui.Notice{Text: "The webhook of " + target + " is removed.", Tone: ui.Good}}, err
}
