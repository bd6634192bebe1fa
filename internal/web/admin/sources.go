package admin

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/api"
	"cxm/internal/money"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

const (
	sourcesAt    = "/settings/sources"
	addSourceAt  = "/settings/add-source" // a source may have any name
	deliveriesAt = "/settings/deliveries"
)

func (a *area) sources(views map[string]site.View, forms map[string]site.Form) {
	list := site.View{
		At: page.AtSources, Title: "Sources", Lead: "The places that may deliver findings and events, and how what they deliver fares.",
		What: "The sources", May: "see the sources", Needs: role.Read, Make: a.listSources,
	}
	views[sourcesAt] = list
	one := under(list, sourcesAt, "Source")
	one.What, one.Make = "This source", a.oneSource
	views[sourcesAt+"/{name}"] = one
	change := one
	change.Needs, change.May = role.SourcesWrite, "change sources"
	add := change
	add.Title, add.What, add.Make = "Add a source", "The sources", func(*http.Request, site.Guest, *ui.Shell) (page.Page, error) { return NewAdding(a.Products, nil), nil }
	asked(views, forms, addSourceAt, add, a.addSource)
	forms[sourcesAt+"/{name}/enable"] = site.Form{View: change, Do: a.enableSource}
	turn, stop, end := change, change, change
	turn.Make, stop.Make, end.Make = a.confirmSource("Rotate the token of", NewTurn), a.confirmSource("Disable", NewStop), a.confirmSource("Remove", NewRemove)
	asked(views, forms, sourcesAt+"/{name}/rotate", turn, a.rotateSource)
	asked(views, forms, sourcesAt+"/{name}/disable", stop, a.disableSource)
	asked(views, forms, sourcesAt+"/{name}/remove", end, a.removeSource)
	drop := change
	drop.Title, drop.What, drop.Make = "Discard a delivery", "This delivery", a.askDiscard
	asked(views, forms, deliveriesAt+"/{id}/discard", drop, a.discard)
}

// Sources is the list of sources, and how what they deliver fares.
type Sources struct {
	Table   ui.Table
	Scopes  ui.Table
	Refused []RefusedDelivery
	More    bool // there may be more refused deliveries than are shown
	Empty   *ui.Empty
}

// Template is the template's name.
func (Sources) Template() string { return "admin-sources" }

// RefusedDelivery is a delivery that was accepted and could not be taken in.
type RefusedDelivery struct {
	Of, Why string
	At      time.Time
	Discard *ui.Action
}

// mostRefused is how many refused deliveries are shown.
const mostRefused = 20

// NewSources is the page.
func NewSources(all []api.Source, scopes []api.Scope, refused []api.RefusedDelivery, may bool) Sources {
	p := Sources{More: len(refused) >= mostRefused}
	p.Table = ui.Table{Caption: "Sources that deliver over HTTP", Columns: []ui.Column{
		{Label: "Source"}, {Label: "Type"}, {Label: "State"}, {Label: "Last delivery"}, {Label: "Accepted", Number: true}, {Label: "Refused", Number: true},
	}}
	for _, s := range all {
		p.Table.Rows = append(p.Table.Rows, []ui.Cell{
			{Text: s.Name, URL: sourceAt(s.Name), Sub: "scope " + s.Scope}, {Text: s.Type}, {Badges: []ui.Badge{switched(s)}},
			moment(s.UsedAt, "never"), {Text: grouped(s.Accepted)}, {Text: grouped(s.Refused)},
		})
	}
	p.Scopes = ui.Table{Caption: "What was delivered last", Columns: []ui.Column{{Label: "Scope"}, {Label: "Health"}, {Label: "Last delivery"}, {Label: "Last complete snapshot"}}}
	for _, s := range scopes {
		p.Scopes.Rows = append(p.Scopes.Rows, fares(s))
	}
	for _, d := range refused {
		r := RefusedDelivery{Of: fmt.Sprintf("Delivery %d of %s, scope %s", d.ID, d.Source, d.Scope), Why: d.Why, At: value(d.ReceivedAt)}
		if may {
			r.Discard = &ui.Action{Text: fmt.Sprintf("Discard %d", d.ID), URL: fmt.Sprintf("%s/%d/discard", deliveriesAt, d.ID), Dialog: true}
		}
		p.Refused = append(p.Refused, r)
	}
	if len(all)+len(scopes)+len(refused) == 0 {
		p.Empty = noSources(may)
	}
	return p
}

func noSources(may bool) *ui.Empty {
	e := &ui.Empty{
		Title: "Nothing delivers yet",
		Text:  "A source is a place that may deliver over HTTP, with a token of its own. A file can be taken in without one: cxm ingest --source aws-cost-optimization-hub FILE.",
	}
	if may {
		e.Action = &ui.Action{Text: "Add a source", URL: addSourceAt, Kind: "primary"}
	}
	return e
}

func sourceAt(name string) string { return sourcesAt + "/" + url.PathEscape(name) }

func switched(s api.Source) ui.Badge {
	if s.Enabled {
		return ui.Badge{Text: "enabled", Tone: ui.Good}
	}
	return ui.Badge{Text: "disabled", Tone: ui.Warn}
}

// grouped is a number with its thousands grouped.
func grouped(n int64) string {
	number, _, _ := strings.Cut(money.Show(decimal.NewFromInt(n), ""), ".")
	return number
}

// fares is a row about a scope.
func fares(s api.Scope) []ui.Cell {
	tone := map[string]ui.Tone{"ok": ui.Good, "refused": ui.Bad, "incomplete": ui.Warn, "silent": ui.Warn}[s.Health]
	row := []ui.Cell{{Text: s.Source, Sub: "scope " + s.Scope}, {Badges: []ui.Badge{{Text: s.Health, Tone: cmp.Or(tone, ui.Neutral)}}, Sub: value(s.Why)}, {Text: "never"}, {Text: "none of those kept"}}
	if len(s.Pulls) > 0 {
		row[2] = moment(s.Pulls[0].At, "not known")
		if !s.Pulls[0].Complete {
			row[2].Sub = "not complete: " + first(strings.Join(s.Pulls[0].Reasons, "; "), "the source does not say why")
		}
	}
	if i := slices.IndexFunc(s.Pulls, func(p api.ScopePull) bool { return p.Complete }); i >= 0 {
		row[3] = moment(s.Pulls[i].At, "not known")
	}
	return row
}

func (a *area) listSources(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	all, err := g.API.Sources.Sources(r.Context())
	if err != nil {
		return nil, err
	}
	scopes, err := g.API.Deliveries.Scopes(r.Context())
	if err != nil {
		return nil, err
	}
	refused, err := g.API.Deliveries.Refused(r.Context(), mostRefused)
	may := g.May(role.SourcesWrite)
	p := NewSources(all, scopes, refused, may)
	if may && p.Empty == nil {
		shell.Actions = []ui.Action{{Text: "Add a source", URL: addSourceAt, Kind: "primary"}}
	}
	return p, err
}

func sourceForm(types []ui.Option) ui.Form {
	return ui.Form{ID: "source", Action: addSourceAt, Submit: "Add the source", Cancel: sourcesAt, Fields: []ui.Field{
		{Name: "name", Label: "Name", Required: true, Autocomplete: "off", Hint: "The last part of its address: lower-case letters, digits, -, _ and dots."},
		{Name: "type", Label: "Type", Type: "select", Required: true, Options: types, Hint: "The format that it delivers."},
		{Name: "scope", Label: "Scope", Autocomplete: "off", Hint: "The part of the world that its findings belong to. Empty: its name."},
		{Name: "currency", Label: "Currency", Autocomplete: "off", Hint: "Of amounts that come without one, such as EUR. Empty: USD."},
		{Name: "instance", Label: "Instance", Autocomplete: "off", Hint: "What names the tool, where what it delivers does not."},
		{Name: "rate", Label: "Events a second", Autocomplete: "off", Hint: "So many it may deliver. Empty: 5,000."},
		{Name: "include_all", Label: "Its listing is made with --include-all-recommendations", Type: "checkbox", Hint: "Of AWS Cost Optimization Hub alone."},
	}}
}

// NewAdding is the page that asks for a source, with what is wrong with its fields.
func NewAdding(types []ui.Option, faults map[string]string) Sheet {
	f := sourceForm(types)
	for i := range f.Fields {
		f.Fields[i].Error = faults[f.Fields[i].Name]
	}
	return adding(f)
}

func adding(f ui.Form) Sheet {
	return Sheet{Form: f, Note: "It is known by a token of its own, which it sends as a Bearer token, or with its name as user and password. You are shown the token once, with what to enter in the tool."}
}

func (a *area) addSource(r *http.Request, g site.Guest, shell *ui.Shell) (site.Answer, error) {
	form := typed(sourceForm(a.Products), r)
	want := api.AddSource{
		Name: r.PostFormValue("name"), Type: r.PostFormValue("type"), Scope: strings.TrimSpace(r.PostFormValue("scope")),
		Currency: strings.TrimSpace(r.PostFormValue("currency")), Instance: strings.TrimSpace(r.PostFormValue("instance")), All: r.PostFormValue("include_all") != "",
	}
	if text := r.PostFormValue("rate"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			form.Fields[5].Error = "this is no number of events a second: write a whole number above 0, or nothing"
		}
		want.Rate = n
	}
	if want.Name == "" {
		form.Fields[0].Error = "it is missing"
	}
	if len(want.Scope) > 200 {
		form.Fields[2].Error = "it has more than 200 characters: choose a shorter one"
	}
	if form.Wrong() {
		return site.Answer{Page: adding(form)}, nil
	}
	made, secret, err := g.API.Sources.Add(r.Context(), want)
	if err != nil {
		return again(form, err, func(f ui.Form) page.Page { return adding(f) })
	}
	shell.Title = made.Name
	return shown(NewDelivering(a.at(r), made, secret.Reveal(), "The source is added", "")), nil
}

// NewDelivering shows the token of a source, and how it is made to deliver. More is
// what else there is to know of the token.
func NewDelivering(server string, s api.Source, secret, said, more string) Made {
	out := Made{
		Said: said, Warn: "This token is shown this once: enter it in the tool. What cxm keeps is a hash.",
		Value: ui.Code{ID: "value", Label: "Token of the source", Text: secret},
		Facts: []ui.Fact{{Name: "Delivers to", Text: server + s.Path}, {Name: "Type", Text: s.Type}, {Name: "Scope", Text: s.Scope}},
		Try:   append([]ui.Code{{ID: "read", Label: "Have the token in the environment, which no history keeps: paste it when the command waits", Text: "read -rs CXM_SOURCE_TOKEN && export CXM_SOURCE_TOKEN"}}, tries(server, s)...),
		Back:  ui.Link{Text: "Go on to the source", URL: sourceAt(s.Name)},
	}
	if more != "" {
		out.Facts = append(out.Facts, ui.Fact{Name: "The token before", Text: more})
	}
	return out
}

// tries say how a source delivers. The token is no part of it: what is pasted into a
// shell stays in its history.
func tries(server string, s api.Source) []ui.Code {
	send := func(kind, data string) string {
		return fmt.Sprintf("curl -sS -H \"Authorization: Bearer $CXM_SOURCE_TOKEN\" -H \"Content-Type: %s\" \\\n  --data %s %s", kind, data, server+s.Path)
	}
	switch s.Type {
	case "alertmanager":
		return []ui.Code{
			{ID: "try", Label: "Try it: an alert that is resolved already, which makes no issue", Text: send("application/json", `'{"version":"4","externalURL":"https://alerts.example.com","alerts":[{"status":"resolved","labels":{"alertname":"TryCxm","instance":"try"},"annotations":{"summary":"A try"},"startsAt":"2026-01-01T00:00:00Z","endsAt":"2026-01-01T00:01:00Z","fingerprint":"0000000000000000"}]}'`)},
			{ID: "alertmanager", Label: "Alertmanager (alertmanager.yml), with the token in a file that only it can read", Text: "receivers:\n  - name: cxm\n    webhook_configs:\n      - url: " + server + s.Path + "\n        send_resolved: true\n        max_alerts: 1000\n        http_config:\n          authorization:\n            type: Bearer\n            credentials_file: /etc/alertmanager/cxm-token"},
		}
	case "cloudevents":
		return []ui.Code{{ID: "try", Label: "Try it: an event of something that is over already, which makes no issue", Text: send("application/cloudevents+json", `'{"specversion":"1.0","id":"try-1","source":"/`+s.Name+`","type":"com.example.try.resolved","subject":"try","data":{"title":"A try"}}'`)}}
	}
	return []ui.Code{{ID: "try", Label: "Deliver a file", Text: send("application/json", "@findings.json")}}
}

// OneSource is one source.
type OneSource struct {
	Facts   []ui.Fact
	Counts  []ui.Fact
	Try     []ui.Code
	Actions []Deed
}

// Template is the template's name.
func (OneSource) Template() string { return "admin-source" }

// NewSource is the page of a source. Its token is not in it.
func NewSource(server string, s api.Source, may bool) OneSource {
	badge := switched(s)
	rate := "what cxm allows: 5,000"
	if s.Rate != nil {
		rate = grouped(*s.Rate)
	}
	p := OneSource{
		Facts: []ui.Fact{
			{Name: "State", Badge: &badge}, {Name: "Type", Text: s.Type}, {Name: "Scope", Text: s.Scope}, {Name: "Delivers to", Text: server + s.Path},
			{Name: "Sign-in", Text: "its token", Detail: "as Authorization: Bearer, or with its name as user and password"},
			{Name: "Currency", Text: first(value(s.Currency), "USD"), Detail: "of amounts that come without one"},
			{Name: "Instance", Text: first(value(s.Instance), "what it says of itself")}, {Name: "Events a second", Text: rate}, when("Token made", value(s.TokenAt), "not known"), when("Added", value(s.CreatedAt), "not known"),
		},
		Counts: []ui.Fact{
			when("Last delivery", value(s.UsedAt), "it has not delivered yet"), {Name: "Deliveries accepted", Text: grouped(s.Accepted), Detail: grouped(s.Events) + " events"},
			{Name: "Events repeated", Text: grouped(s.Repeated), Detail: "had been delivered before, and had no effect"},
			{Name: "Requests refused", Text: grouped(s.Refused), Detail: "not authentic, not readable, or too many"},
		},
		Try: tries(server, s),
	}
	if s.Former != nil {
		p.Facts = append(p.Facts, ui.Fact{Name: "Token before it", Time: *s.Former, Detail: "until then it works too"})
	}
	if may {
		p.Actions = care(s)
	}
	return p
}

// care is what can be done with a source.
func care(s api.Source) []Deed {
	base := sourceAt(s.Name)
	out := []Deed{{"Gives it another token. The one before works on for a while.", ui.Action{Text: "Rotate the token", URL: base + "/rotate", Dialog: true}}}
	if s.Enabled {
		out = append(out, Deed{"Refuses what it delivers, and keeps everything else.", ui.Action{Text: "Disable", URL: base + "/disable", Dialog: true}})
	} else {
		out = append(out, Deed{"It may deliver again, with the token that it has.", ui.Action{Text: "Enable", URL: base + "/enable", Post: true}})
	}
	return append(out, Deed{"Forgets the source and its token. What it delivered stays.", ui.Action{Text: "Remove", URL: base + "/remove", Kind: "danger", Dialog: true}})
}

// source is the one that an address names.
func (a *area) source(r *http.Request, g site.Guest) (api.Source, error) {
	all, err := g.API.Sources.Sources(r.Context())
	if err != nil {
		return api.Source{}, err
	}
	i := slices.IndexFunc(all, func(s api.Source) bool { return s.Name == r.PathValue("name") })
	if i < 0 {
		return api.Source{}, site.ErrMissing
	}
	return all[i], nil
}

func (a *area) oneSource(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	s, err := a.source(r, g)
	if err != nil {
		return nil, err
	}
	shell.Title = s.Name
	return NewSource(a.at(r), s, g.May(role.SourcesWrite)), nil
}

func (a *area) confirmSource(title string, ask func(api.Source) page.Confirm) func(*http.Request, site.Guest, *ui.Shell) (page.Page, error) {
	return func(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
		s, err := a.source(r, g)
		if err != nil {
			return nil, err
		}
		shell.Title, shell.Trail = title+" "+s.Name, append(slices.Clone(shell.Trail), ui.Link{Text: s.Name, URL: sourceAt(s.Name)})
		return ask(s), nil
	}
}

// NewStop asks before a source may not deliver any more.
func NewStop(s api.Source) page.Confirm {
	return page.Confirm{
		What: []string{"What it delivers is refused from now on, and the tool that delivers sees why.", "Its findings and their issues stay as they are: nothing is closed since nothing comes.", "It can be enabled again at any time, with the same token."},
		Form: ui.Form{ID: "disable", Action: sourceAt(s.Name) + "/disable", Submit: "Disable", Danger: true, Cancel: sourceAt(s.Name)},
	}
}

// overlap is how long the token before may work on.
type overlap struct {
	text  string
	hours int
}

func overlaps() []overlap {
	return []overlap{{"a day", 24}, {"an hour", 1}, {"a week", 7 * 24}, {"not at all: it leaked", 0}}
}

// NewTurn asks before a source gets another token, and how long the one before works on.
func NewTurn(s api.Source) page.Confirm {
	f := ui.Form{ID: "rotate", Action: sourceAt(s.Name) + "/rotate", Submit: "Rotate the token", Cancel: sourceAt(s.Name)}
	choice := ui.Field{Name: "overlap", Label: "The token before works on for", Type: "select", Required: true}
	for i, o := range overlaps() {
		choice.Options = append(choice.Options, ui.Option{Value: strconv.Itoa(o.hours), Text: o.text, Selected: i == 0})
	}
	f.Fields = []ui.Field{choice}
	return page.Confirm{
		What: []string{"The source gets another token, which you are shown once.", "The token that it has works on for as long as you choose, so that nothing is lost while the tool is given the other."},
		Form: f,
	}
}

// NewRemove asks before a source is forgotten.
func NewRemove(s api.Source) page.Confirm {
	return page.Confirm{
		What: []string{"Its token does not work any more, and what it delivers is refused.", "Its findings and their issues stay as they are.", "A source that is added with the same type and scope takes them over."},
		Form: ui.Form{ID: "remove", Action: sourceAt(s.Name) + "/remove", Submit: "Remove", Danger: true, Cancel: sourceAt(s.Name)},
	}
}

func (a *area) rotateSource(r *http.Request, g site.Guest, shell *ui.Shell) (site.Answer, error) {
	s, err := a.source(r, g)
	if err != nil {
		return site.Answer{}, err
	}
	again := NewTurn(s)
	shell.Title = "Rotate the token of " + s.Name
	i := slices.IndexFunc(overlaps(), func(o overlap) bool { return strconv.Itoa(o.hours) == r.PostFormValue("overlap") })
	if i < 0 {
		again.Form.Fields[0].Error = "choose how long the token before works on"
		return site.Answer{Page: again}, nil
	}
	chosen := overlaps()[i]
	made, secret, err := g.API.Sources.Rotate(r.Context(), s.Name, time.Duration(chosen.hours)*time.Hour)
	if err != nil {
		return site.Answer{}, err
	}
	more := "does not work any more"
	if chosen.hours > 0 {
		more = "works on for " + chosen.text
	}
	shell.Title = s.Name
	return shown(NewDelivering(a.at(r), made, secret.Reveal(), "The source has another token", more)), nil
}

func (a *area) enableSource(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	s, err := a.source(r, g)
	if err == nil {
		err = g.API.Sources.Enable(r.Context(), s.Name, true)
	}
	return good(sourceAt(s.Name), "The source "+s.Name+" may deliver."), err
}

func (a *area) disableSource(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	s, err := a.source(r, g)
	if err == nil {
		err = g.API.Sources.Enable(r.Context(), s.Name, false)
	}
	return good(sourceAt(s.Name), "The source "+s.Name+" may not deliver any more."), err
}

func (a *area) removeSource(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	s, err := a.source(r, g)
	if err == nil {
		err = g.API.Sources.Remove(r.Context(), s.Name)
	}
	return good(sourcesAt, "The source "+s.Name+" is gone, and its token with it. Its findings stay."), err
}

// NewDiscard asks before a delivery is forgotten.
func NewDiscard(id int64) page.Confirm {
	return page.Confirm{
		What: []string{"cxm forgets what was delivered, and why it could not be taken in.", "It cannot be taken in afterwards: have the source deliver it again, once it is mended.", "What the source delivered before stays as it is."},
		Form: ui.Form{ID: "discard", Action: fmt.Sprintf("%s/%d/discard", deliveriesAt, id), Submit: "Discard", Danger: true, Cancel: sourcesAt},
	}
}

// most is how many refused deliveries are looked through for one.
const most = 500

func (a *area) delivery(r *http.Request, g site.Guest) (int64, error) {
	all, err := g.API.Deliveries.Refused(r.Context(), most)
	if err != nil {
		return 0, err
	}
	id := number(r.PathValue("id"))
	if !slices.ContainsFunc(all, func(d api.RefusedDelivery) bool { return d.ID == id }) {
		return 0, site.ErrMissing
	}
	return id, nil
}

func (a *area) askDiscard(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	id, err := a.delivery(r, g)
	if err != nil {
		return nil, err
	}
	shell.Title = fmt.Sprintf("Discard delivery %d", id)
	return NewDiscard(id), nil
}

func (a *area) discard(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	id, err := a.delivery(r, g)
	if err == nil {
		err = g.API.Deliveries.Discard(r.Context(), id)
	}
	return good(sourcesAt, fmt.Sprintf("Delivery %d is forgotten.", id)), err
}
