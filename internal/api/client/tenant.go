package client

import (
	"context"
	"encoding"
	"fmt"
	"net/http"
	"net/url"
	"reflect"

	"cxm/internal/api"
)

// Tenant is what the server offers of the tenant that is asked about.
func (c *Client) Tenant() *api.Tenant {
	f, j, r := findings{c}, journal{c}, ruled{c}
	i := integrations{c}
	return &api.Tenant{
		Status: status{c}, Findings: f, Deciding: deciding{c}, Issues: issues{c}, Journal: j, Runs: runs{c}, Rejections: runs{c}, Rules: r, Revisions: r, Suggestions: suggestions{c}, Attention: attention{c},
		Integrations: i, Changes: i, Credentials: credentials{c}, Access: accesses{c}, Owners: accesses{c}, Hooks: hooks{c}, Past: i, Explains: f,
		Sources: sources{c}, Deliveries: deliveries{c}, Audit: audits{c}, Exports: audits{c},
	}
}

// Me is who asks.
func (c *Client) Me(ctx context.Context) (api.Me, error) {
	out, _, err := ask[api.Me](ctx, c, request{method: http.MethodGet, path: "/v1/me"})
	return out, err
}

func get[T any](ctx context.Context, c *Client, path string, query ...any) (T, error) {
	out, _, err := ask[T](ctx, c, request{method: http.MethodGet, path: path, query: asked(query...)})
	return out, err
}

func post[T any](ctx context.Context, c *Client, path string, body any) (T, error) {
	out, _, err := ask[T](ctx, c, request{method: http.MethodPost, path: path, body: body})
	return out, err
}

// work is post where GitLab is asked, or a run is waited for.
func work[T any](ctx context.Context, c *Client, path string, body any) (T, error) {
	out, _, err := ask[T](ctx, c, request{method: http.MethodPost, path: path, body: body, slow: true})
	return out, err
}

func remove(ctx context.Context, c *Client, path string) error {
	_, err := c.send(ctx, request{method: http.MethodDelete, path: path, slow: true})
	return err
}

// patch changes what is at a path, as it is now.
func patch[T any](ctx context.Context, c *Client, path string, body any) (T, error) {
	_, header, err := ask[T](ctx, c, request{method: http.MethodGet, path: path})
	if err != nil {
		var none T
		return none, err
	}
	out, _, err := ask[T](ctx, c, request{method: http.MethodPatch, path: path, body: body, match: header.Get("ETag"), slow: true})
	return out, err
}

// listing is which page of a list is asked for. The server's cursor stands in Key.
type listing struct {
	Limit  int    `query:"limit"`
	Cursor string `query:"cursor"`
}

// page is one page of a list.
func page[T any](ctx context.Context, c *Client, path string, filter any, s api.Slice) ([]T, api.Cursor, error) {
	got, err := get[api.Page[T]](ctx, c, path, filter, listing{s.Size, s.After.Key})
	if err != nil || got.Next == nil {
		return got.Items, api.Cursor{}, err
	}
	return got.Items, api.Cursor{Key: *got.Next}, nil
}

// list is a list that comes whole.
func list[T any](ctx context.Context, c *Client, path string, filter any) ([]T, error) {
	got, err := get[api.Page[T]](ctx, c, path, filter)
	return got.Items, err
}

// asked writes the fields of structs into a query, by the names that the API reads
// them by. What is zero is left out.
func asked(all ...any) url.Values {
	out := url.Values{}
	for _, each := range all {
		if each == nil {
			continue
		}
		v := reflect.ValueOf(each)
		for i := range v.NumField() {
			name := v.Type().Field(i).Tag.Get("query")
			if f := v.Field(i); name != "" && !f.IsZero() {
				out.Set(name, text(f))
			}
		}
	}
	return out
}

func text(v reflect.Value) string {
	if m, ok := reflect.TypeAssert[encoding.TextMarshaler](v); ok {
		if raw, err := m.MarshalText(); err == nil {
			return string(raw)
		}
	}
	return fmt.Sprint(v.Interface())
}

// at writes a path with what names a thing in it.
func at(format string, parts ...any) string {
	for i, p := range parts {
		if text, ok := p.(string); ok {
			parts[i] = url.PathEscape(text)
		}
	}
	return fmt.Sprintf(format, parts...)
}
