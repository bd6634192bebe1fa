package web

import (
	"net/url"
	"slices"
	"strings"

	"cxm/internal/sandbox/hook"
	"cxm/internal/sandbox/page"
	"cxm/internal/sandbox/world/place"
)

// lastCalls is how many deliveries the page lists of each webhook.
const lastCalls = 5

// hooks shows a project's webhooks and those of the groups above it.
func (s *Site) hooks(p *place.Project) []page.Hook {
	var out []page.Hook
	for _, h := range s.desk.Hooks(hook.Owner{ProjectID: p.ID}) {
		out = append(out, s.hook(h, "project"))
	}
	for _, n := range s.w.Places.Lineage(s.w.Places.Namespace(p.NamespaceID)) {
		for _, h := range s.desk.Hooks(hook.Owner{GroupID: n.ID}) {
			out = append(out, s.hook(h, s.w.Places.FullPath(n)))
		}
	}
	return out
}

func (s *Site) hook(h hook.Hook, of string) page.Hook {
	out := page.Hook{Of: of, Name: h.Name, URL: masked(h.URL), Status: strings.ReplaceAll(s.desk.Status(h), "_", " ")}
	for event, on := range h.Events {
		if on {
			out.Events = append(out.Events, strings.ReplaceAll(strings.TrimSuffix(event, "_events"), "_", " "))
		}
	}
	slices.Sort(out.Events)
	logs := s.desk.Logs(h.ID)
	for _, l := range logs[:min(lastCalls, len(logs))] {
		out.Calls = append(out.Calls, page.HookCall{Event: l.Kind.Event(), Status: l.Status, OK: l.OK(), At: l.At})
	}
	return out
}

// masked leaves out of an address what may be a secret.
func masked(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "an address that cannot be shown"
	}
	u.User = nil
	return u.String()
}
