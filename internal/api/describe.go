package api

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"cxm/internal/api/door"
	"cxm/internal/signin/role"
)

const about = `What cxm knows and does, with the same rights as the pages and the command line. docs/api.md tells of tokens, paging, idempotency and errors, with examples.

Every request carries an API token ("Authorization: Bearer TOKEN"). It is about the tenant of the token. Unknown is null, and never 0; money is a decimal text with its currency, per month unless a name says otherwise; times are RFC 3339 in UTC. Every refusal is a problem of RFC 9457, whose detail ends in the next step and whose errors name what is wrong, and where.`

// Document is the OpenAPI document, as it is served and kept in docs/openapi.json.
func (a *API) Document() ([]byte, error) {
	raw, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "\t"); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// describe adds to the document what all operations have in common.
func describe(d *huma.OpenAPI) {
	d.Tags = []*huma.Tag{
		{Name: "who", Description: "Who asks."}, {Name: "status", Description: "How cxm is."}, {Name: "findings", Description: "What sources said."},
		{Name: "issues", Description: "What cxm made of it in GitLab, and what people decided."}, {Name: "runs", Description: "Plans, runs and the journal."},
		{Name: "rules", Description: "Which findings become issues."}, {Name: "attention", Description: "Budgets and campaigns."},
		{Name: "integrations", Description: "Connections to GitLab."}, {Name: "credentials", Description: "The tokens that cxm acts with."},
		{Name: "reviews", Description: "What cxm's accounts reach."}, {Name: "sources", Description: "Where findings come from."},
		{Name: "people", Description: "People, API tokens and sessions."}, {Name: "audit", Description: "Who changed what."},
	}
	for _, s := range d.Components.Schemas.Map() {
		solid(s)
	}
	d.Components.Headers = map[string]*huma.Header{"ETag": text("The validator of what is there.")}
	for name, means := range limits() {
		d.Components.Headers[name] = text(means)
	}
	for _, item := range d.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil {
				complete(op)
			}
		}
	}
}

// solid says that lists are never null.
func solid(s *huma.Schema) {
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	for _, p := range s.Properties {
		solid(p)
	}
}

// complete adds what the door does with an operation.
func complete(op *huma.Operation) {
	route, _ := op.Metadata[routeKey].(door.Route)
	op.Extensions = map[string]any{}
	if route.Needs != "" {
		op.Extensions["x-cxm-permission"] = string(route.Needs)
		op.Description = joined(op.Description, "It takes the permission "+string(route.Needs)+" ("+means(route.Needs)+").")
	}
	header(op, door.TenantHeader, "The tenant, where who asks works in several.")
	if op.Method == http.MethodPost {
		header(op, "Idempotency-Key", "A word of your own: a request that is sent again with it is carried out once, and answered the same for 24 hours.")
	}
	if op.Method == http.MethodGet {
		header(op, "If-None-Match", "The ETag of an earlier answer: if nothing changed, the answer is 304 without a body.")
		op.Responses["304"] = &huma.Response{Description: "Nothing changed.", Headers: map[string]*huma.Param{"ETag": same("ETag")}}
	}
	for status, r := range op.Responses {
		if r.Headers == nil {
			r.Headers = map[string]*huma.Param{}
		}
		if op.Method == http.MethodGet && status == "200" {
			r.Headers["ETag"] = same("ETag")
		}
		for name := range limits() {
			r.Headers[name] = same(name)
		}
	}
}

// limits are the headers that say how often one may ask.
func limits() map[string]string {
	return map[string]string{"RateLimit-Limit": "Requests a minute.", "RateLimit-Remaining": "Requests that are left.", "RateLimit-Reset": "Seconds until all of them are back."}
}

func same(header string) *huma.Param { return &huma.Param{Ref: "#/components/headers/" + header} }

func joined(one, other string) string {
	if one == "" {
		return other
	}
	return one + " " + other
}

// means is a permission in words.
func means(p role.Permission) string {
	for _, line := range role.Table() {
		if line.Permission == p {
			return line.Means
		}
	}
	return ""
}

func header(op *huma.Operation, name, doc string) {
	op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "header", Description: doc, Schema: &huma.Schema{Type: huma.TypeString}})
}

func text(doc string) *huma.Param {
	return &huma.Param{Description: doc, Schema: &huma.Schema{Type: huma.TypeString}}
}
