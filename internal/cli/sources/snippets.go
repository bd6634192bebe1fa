package sources

import (
	"cmp"
	"io"
	"strings"

	"cxm/internal/app/sourcing"
	"cxm/internal/source"
)

// What to enter in a tool. docs/events.md shows the same, and its test compares.
const (
	alertmanagerSnippet = `Alertmanager (alertmanager.yml), with the token in a file that only it can read:

  receivers:
    - name: cxm
      webhook_configs:
        - url: URL/v1/hooks/NAME
          send_resolved: true
          max_alerts: 1000
          http_config:
            authorization:
              type: Bearer
              credentials_file: /etc/alertmanager/cxm-token

Grafana (Alerting, Contact points, Webhook):

  URL                                  URL/v1/hooks/NAME
  HTTP method                          POST
  Authorization header, scheme         Bearer
  Authorization header, credentials    the token

By hand, with the token in the environment:

  curl -sS -H "Authorization: Bearer $CXM_SOURCE_TOKEN" -H "Content-Type: application/json" \
    --data @webhook.json URL/v1/hooks/NAME
`
	eventsSnippet = `One event, with the token in the environment:

  curl -sS -H "Authorization: Bearer $CXM_SOURCE_TOKEN" -H "Content-Type: application/cloudevents+json" \
    --data '{"specversion":"1.0","id":"1","source":"/NAME","type":"com.example.disk.opened","subject":"disk-1","data":{"title":"Disk almost full","severity":"high"}}' \
    URL/v1/events

It is over with the same source and subject, another id, and the type com.example.disk.resolved.
`
	hookSnippet = `By hand, with the token in the environment:

  curl -sS -H "Authorization: Bearer $CXM_SOURCE_TOKEN" -H "Content-Type: application/json" \
    --data @findings.json URL/v1/hooks/NAME
`
)

// snippets says how a source is made to deliver. The token is no part of it: what is
// pasted into a shell stays in its history.
func snippets(w io.Writer, in sourcing.Source, address string) error {
	text := hookSnippet
	switch in.Type {
	case source.Alertmanager:
		text = alertmanagerSnippet
	case source.CloudEvents:
		text = eventsSnippet
	}
	address = strings.TrimRight(cmp.Or(address, "https://cxm.example.com"), "/")
	_, err := io.WriteString(w, strings.NewReplacer("URL/", address+"/", "NAME", in.Name).Replace(text))
	return err
}
