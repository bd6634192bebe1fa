package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"cxm/internal/api/door"
	"cxm/internal/signin/role"
)

const routeKey = "route"

// operation is what the document and the door know of one.
type operation struct {
	id      string
	at      string // method and path
	tag     string
	summary string
	details string
	needs   role.Permission // empty: whoever is known may
	status  int             // of success; 0: 200
	once    bool            // the answer shows a secret once
	over    bool            // it is about the installation, and no tenant
	stream  []string        // the media types in one of which the answer is written as it comes; nil: it is JSON, and whole
}

// add adds an operation that is about a tenant.
func add[I, O any](a *API, o operation, serve func(context.Context, *Tenant, *I) (*O, error)) {
	method, path := split(o.at)
	op := huma.Operation{
		OperationID: o.id, Method: method, Path: path, Summary: o.summary, Description: o.details, Tags: []string{o.tag}, DefaultStatus: o.status,
		MaxBodyBytes: door.MostBytes, BodyReadTimeout: -1, RejectUnknownQueryParameters: true,
		Metadata: map[string]any{routeKey: door.Route{Needs: o.needs, Once: o.once, Over: o.over, Stream: o.stream != nil}},
	}
	if o.stream != nil {
		op.Responses = streamed(o.stream)
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		t, err := a.tenant(ctx, o.over)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		out, err := serve(ctx, t, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

// streamed describes an answer that is text.
func streamed(types []string) map[string]*huma.Response {
	content := map[string]*huma.MediaType{}
	for _, t := range types {
		content[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return map[string]*huma.Response{"200": {Description: "OK", Content: content}}
}

// tenant is the one that a request is about; nil: it is about none.
func (a *API) tenant(ctx context.Context, over bool) (*Tenant, error) {
	if over {
		return nil, nil
	}
	t, err := a.options.Tenants.Tenant(ctx, door.From(ctx).Tenant)
	if err == nil && t == nil {
		err = &door.Problem{Status: http.StatusNotFound, Detail: "this tenant was disabled just now: ask an admin of the installation"}
	}
	return t, err
}

func split(at string) (method, path string) {
	for i := range at {
		if at[i] == ' ' {
			return at[:i], at[i+1:]
		}
	}
	return "", at
}

// problem is an error as it is answered. One that is none of the API's own is a
// fault within cxm: it is logged, and not told.
func (a *API) problem(ctx context.Context, err error) error {
	p, ok := errors.AsType[*door.Problem](err)
	if !ok {
		p = door.Broken(err)
	}
	if p.Err != nil && ctx.Err() == nil {
		a.options.Logger.ErrorContext(ctx, "a request failed", "error", p.Err)
	}
	return p
}

// config is how huma reads and writes: JSON alone, and nothing of its own.
func config() huma.Config {
	text := huma.Format{Marshal: write, Unmarshal: json.Unmarshal}
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0", Info: &huma.Info{Title: "cxm", Version: "1", Description: about},
			Components: &huma.Components{Schemas: registry, SecuritySchemes: map[string]*huma.SecurityScheme{
				"token": {Type: "http", Scheme: "bearer", Description: "An API token of cxm: `cxm api-token create` makes one."},
			}},
			Security: []map[string][]string{{"token": {}}},
		},
		Formats:       map[string]huma.Format{"application/json": text, "json": text},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{plain},
	}
}

// write writes JSON as it is: what is no HTML is not escaped for it.
func write(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// plain makes a problem of what huma finds wrong with a request: without the values
// that were sent, which may be secret, and with the next step.
func plain(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := &door.Problem{Status: m.Status, Detail: m.Detail}
	for _, e := range m.Errors {
		p.Errors = append(p.Errors, door.Place{Message: e.Message, Location: e.Location})
	}
	switch {
	case m.Status >= http.StatusInternalServerError:
		p = door.Broken(errors.New(m.Detail))
	case m.Detail == "validation failed":
		p.Detail = "the request is not as it should be: mend what errors names (/v1/docs says what is asked for)"
	}
	return p, nil
}

// encoded is a value as it is answered.
func encoded(v any) ([]byte, error) {
	var b bytes.Buffer
	err := write(&b, v)
	return b.Bytes(), err
}

// unchanged compares what somebody wants to change with what they saw of it: the ETag
// of its GET in If-Match.
func unchanged(sent string, now any) error {
	if sent == "" {
		return errNoMatch()
	}
	text, err := encoded(now)
	if err != nil {
		return err
	}
	if !door.Holds([]string{sent}, door.Tag(text)) {
		return &door.Problem{Status: http.StatusPreconditionFailed, Detail: "somebody changed it since you read it: GET it again, look, and send its new ETag in If-Match", Errors: ifMatch()}
	}
	return nil
}

func errNoMatch() error {
	return &door.Problem{Status: http.StatusPreconditionRequired, Detail: "say which version you saw: send the ETag of its GET in the header If-Match", Errors: ifMatch()}
}

func ifMatch() []door.Place {
	return []door.Place{{Message: "the ETag of the last GET is asked for", Location: "header.If-Match"}}
}
