package connecting

import (
	"context"
	"errors"
	"strings"
	"time"

	"cxm/internal/api"
	"cxm/internal/integration/check"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// Reach asks how the instance of an integration is to be reached.
type Reach struct {
	What  []string
	Form  ui.Form
	Wrong []ui.Check // why it cannot be reached in the way that was typed
}

// Template is the template's name.
func (Reach) Template() string { return "connecting-reach" }

// ReachData is what the page is made from.
type ReachData struct {
	ID      int64
	URL     string
	Way     Way // as it is, or as it was typed
	Faults  map[string]string
	Trouble string         // why it was not kept
	Tested  []check.Result // of the way that was typed
}

// NewReach is the page.
func NewReach(d ReachData) Reach {
	form := ui.Form{ID: "reach", Action: at(d.ID) + "/reach", Submit: "Test and save", Cancel: at(d.ID), Error: d.Trouble, Fields: []ui.Field{
		{Name: "ca_file", Label: "Certificate of a private authority", Type: "textarea", Value: d.Way.CA, Autocomplete: "off", Error: d.Faults["ca_file"], Hint: "PEM, when the instance's certificate is signed by an authority of your own. Empty: only the authorities that the machine knows."},
		{Name: "proxy", Label: "Proxy", Value: d.Way.Proxy, Autocomplete: "off", Error: d.Faults["proxy"], Hint: "As in http://proxy.example.com:3128. Empty: as HTTPS_PROXY and NO_PROXY say where cxm is started; none: no proxy in any case."},
	}}
	p := Reach{Form: form, What: []string{
		"cxm asks " + d.URL + " in this way whose the token is, and for the repository. Only if both are as they were it is kept; else nothing is changed.",
		"It holds for everything that is connected at this address.",
	}}
	for _, outcome := range []check.Outcome{check.Failed, check.Warning} {
		for _, r := range d.Tested {
			if r.Outcome == outcome && r.Group == check.Instance {
				p.Wrong = append(p.Wrong, Testing{}.Shown(r))
			}
		}
	}
	return p
}

// tested bounds the test of a way, and that of why it does not lead there.
const tested = 25 * time.Second

func (a *area) ways(to *site.Area) {
	a.both(to, "/reach", one("How %s is reached", role.IntegrationsWrite, "change integrations"), showReach, a.reach)
}

func reachOf(x about) ReachData {
	d := ReachData{ID: x.id, URL: x.in.URL}
	if x.in.CA != nil {
		d.Way.CA = *x.in.CA
	}
	if x.in.Proxy != nil {
		d.Way.Proxy = *x.in.Proxy
	}
	return d
}

func showReach(x about, _ *ui.Shell) (page.Page, error) { return NewReach(reachOf(x)), nil }

// reach keeps another way once the account was found by it.
func (a *area) reach(x about, _ *ui.Shell) (site.Answer, error) {
	d := reachOf(x)
	was := d.Way
	text := func(name string) string {
		return strings.TrimSpace(strings.ReplaceAll(x.req.PostFormValue(name), "\r\n", "\n"))
	}
	d.Way = Way{CA: text("ca_file"), Proxy: text("proxy")}
	var e api.EditIntegration
	if d.Way.CA != strings.TrimSpace(was.CA) {
		e.CA = &d.Way.CA
	}
	if d.Way.Proxy != was.Proxy {
		e.Proxy = &d.Way.Proxy
	}
	if e == (api.EditIntegration{}) {
		return site.Answer{To: at(x.id), Notice: ui.Notice{Text: "Nothing was changed: it is reached so already.", Tone: ui.Info}}, nil
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(x.req.Context()), tested)
	defer stop()
	_, err := x.g.API.Changes.Edit(ctx, x.id, e)
	if why, ok := refused(err); ok {
		return a.unreached(x, d, why)
	}
	return site.Answer{To: at(x.id), Notice: ui.Notice{Text: "Changed: GitLab was reached in this way, and answered as before.", Tone: ui.Good}}, err
}

// unreached is the form again, with what the checks say about the way that was typed;
// why is what stands there when they find nothing.
func (a *area) unreached(x about, d ReachData, why string) (site.Answer, error) {
	ctx, stop := context.WithTimeout(x.req.Context(), tested)
	defer stop()
	all, err := a.Ways.Reached(ctx, x.g, x.id, d.Way)
	f, faulty := errors.AsType[*Fault](err)
	switch {
	case faulty:
		d.Faults = f.Fields
		return site.Answer{Page: NewReach(d)}, nil
	case err != nil && ctx.Err() == nil:
		return site.Answer{}, err
	}
	d.Tested, d.Trouble = all, why
	if wrong := NewReach(d).Wrong; len(wrong) > 0 && wrong[0].Outcome == string(check.Failed) {
		d.Trouble = "Nothing was changed: GitLab is not reached in this way. The test says why."
	}
	return site.Answer{Page: NewReach(d)}, nil
}
