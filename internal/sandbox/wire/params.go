// Package wire speaks HTTP as GitLab's API does: it reads parameters from
// query, JSON, form and multipart bodies the way Rack and Grape do, holds them
// to an endpoint's declaration with Grape's words, and writes answers, errors
// and pages.
//
// What always holds: an answer of this package is either a JSON value with
// GitLab's content type or a plain text where GitLab sends one.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// Values are raw parameters: string, float64/json.Number, bool, nil,
// []any or map[string]any.
type Values map[string]any

// Read gathers the parameters of a request: the query first, then the body
// over it. The body's bytes have been read already.
func Read(r *http.Request, body []byte) (Values, error) {
	out := Values{}
	if err := out.form(r.URL.RawQuery); err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return out, nil
	}
	return out, out.body(r.Header.Get("Content-Type"), body)
}

func (v Values) body(contentType string, body []byte) error {
	kind, attrs, _ := mime.ParseMediaType(contentType)
	switch {
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		return v.json(body)
	case kind == "application/x-www-form-urlencoded":
		return v.form(string(body))
	case kind == "multipart/form-data":
		return v.multipart(body, attrs["boundary"])
	case kind == "":
		return v.form(string(body)) // Rack takes a body without a type for a form
	}
	return &Error{Status: http.StatusUnsupportedMediaType, Body: errorText(
		fmt.Sprintf("The provided content-type '%s' is not supported.", contentType))}
}

func (v Values) json(body []byte) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var got any
	err := d.Decode(&got)
	if err == nil && d.More() {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return &Error{Status: http.StatusBadRequest, Body: errorText("Problem:\n  message body does not match declared format\nResolution:\n" +
			"  when specifying application/json as content-type, you must pass valid application/json in the request's 'body' ")}
	}
	object, _ := got.(map[string]any) // null, as client-go sends it, is no parameters
	maps.Copy(v, object)
	return nil
}

func (v Values) multipart(body []byte, boundary string) error {
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return badForm(err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return badForm(err)
		}
		v.set(part.FormName(), string(content))
	}
}

func badForm(err error) error {
	return &Error{Status: http.StatusBadRequest, Body: errorText("invalid form: " + err.Error())}
}

// form adds "a=1&b[]=2&c[d]=3" in the order it is written in.
func (v Values) form(raw string) error {
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		key, value, found := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(key)
		if err != nil {
			return badForm(err)
		}
		text, err := url.QueryUnescape(value)
		if err != nil {
			return badForm(err)
		}
		if found {
			v.set(name, text)
		} else {
			v.set(name, nil)
		}
	}
	return nil
}

// set stores a value under a name with Rails' nesting: "a[]", "a[b]",
// "a[][b]", where a repeated key of the last begins the next element.
func (v Values) set(name string, value any) {
	first, rest := cutName(name)
	v[first] = nest(v[first], rest, value)
}

// cutName divides "a[b][]" into "a" and ["b", ""].
func cutName(name string) (string, []string) {
	at := strings.IndexByte(name, '[')
	if at <= 0 || !strings.HasSuffix(name, "]") {
		return name, nil
	}
	return name[:at], strings.Split(name[at+1:len(name)-1], "][")
}

func nest(have any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	if path[0] != "" {
		object, ok := have.(map[string]any)
		if !ok {
			object = map[string]any{}
		}
		object[path[0]] = nest(object[path[0]], path[1:], value)
		return object
	}
	list, _ := have.([]any)
	if len(path) == 1 {
		return append(list, value)
	}
	return nestList(list, path[1:], value)
}

// nestList puts a value into the last object of a list, or into a new one
// when that key is there already.
func nestList(list []any, path []string, value any) []any {
	if n := len(list); n > 0 {
		if last, ok := list[n-1].(map[string]any); ok && !holds(last, path) {
			list[n-1] = nest(last, path, value)
			return list
		}
	}
	return append(list, nest(nil, path, value))
}

func holds(object map[string]any, path []string) bool {
	have, ok := object[path[0]]
	if !ok || len(path) == 1 {
		return ok
	}
	inner, isObject := have.(map[string]any)
	return isObject && path[1] != "" && holds(inner, path[1:])
}
