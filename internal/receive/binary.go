package receive

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// The binary mode of the HTTP binding of CloudEvents
// (https://github.com/cloudevents/spec, HTTP Protocol Binding 1.0.2, 3.1).

// prefix is what the headers of attributes begin with.
const prefix = "Ce-"

// assemble makes the event in JSON that the headers and the body say.
func assemble(h http.Header, body []byte) ([]byte, *fault) {
	out := []byte("{")
	for _, header := range attributes(h) {
		name := strings.ToLower(header[len(prefix):])
		value, why := attribute(name, h[header])
		if why != nil {
			return nil, why
		}
		out = append(member(out, name), value...)
	}
	contentType := h.Get("Content-Type")
	if contentType != "" {
		quoted, err := jsontext.AppendQuote(nil, contentType)
		if err != nil {
			return nil, wrongType("the Content-Type is not UTF-8: write it like application/json")
		}
		out = append(member(out, "datacontenttype"), quoted...)
	}
	out, why := data(out, contentType, body)
	return append(out, '}'), why
}

// attributes lists the headers of attributes, in one order.
func attributes(h http.Header) []string {
	var out []string
	for name := range h {
		if strings.HasPrefix(name, prefix) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// member begins a member of the object.
func member(out []byte, name string) []byte {
	if len(out) > 1 {
		out = append(out, ',')
	}
	return append(strconv.AppendQuote(out, name), ':')
}

// attribute is the value of a header as JSON.
func attribute(name string, values []string) ([]byte, *fault) {
	header := "ce-" + name
	switch {
	case name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "":
		return nil, wrongHeader(header, "this is not an attribute: names are letters and digits")
	case name == "data" || name == "datacontenttype" || name == "database64":
		return nil, wrongHeader(header, "data is the body, and its type the Content-Type: leave this header out")
	case len(values) != 1:
		return nil, wrongHeader(header, "the header comes several times: keep one")
	}
	text, err := decoded(values[0])
	if err != nil {
		return nil, wrongHeader(header, err.Error())
	}
	quoted, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		return nil, wrongHeader(header, "the value is not UTF-8: write other characters as %XX")
	}
	return quoted, nil
}

// decoded undoes how the binding writes a value (3.1.3.2): in quotes perhaps, and then
// as %XX what is no printable character of ASCII.
func decoded(value string) (string, error) {
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
		value = unquoted(value[1 : n-1])
	}
	out := make([]byte, 0, len(value))
	for i := 0; i < len(value); i++ {
		c := value[i]
		if c == '%' && i+2 < len(value) {
			if n, err := strconv.ParseUint(value[i+1:i+3], 16, 8); err == nil {
				c, i = byte(n), i+2
			}
		}
		out = append(out, c)
	}
	if !utf8.Valid(out) {
		return "", fmt.Errorf("%.40q is not UTF-8: write other characters as %%XX", value)
	}
	return string(out), nil
}

// unquoted takes the backslashes away that quoting put there.
func unquoted(value string) string {
	var out strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+1 < len(value) {
			i++
		}
		out.WriteByte(value[i])
	}
	return out.String()
}

// data adds the body: as it is when it is JSON, else in base64.
func data(out []byte, contentType string, body []byte) ([]byte, *fault) {
	if len(body) == 0 {
		return out, nil
	}
	if !jsonType(contentType) {
		return strconv.AppendQuote(member(out, "data_base64"), base64.StdEncoding.EncodeToString(body)), nil
	}
	if depth(body) > deepest {
		return out, tooDeep()
	}
	text := jsontext.Value(body)
	if err := text.Compact(); err != nil { // in place: what is no JSON is refused
		return out, notJSON(err)
	}
	return append(member(out, "data"), text...), nil
}

// jsonType says whether a body of that type is JSON, as internal/source has it.
func jsonType(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	return media == "" || media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
}

// inHeader says of a fault in an event that its attributes came in headers.
func inHeader(why *fault) *fault {
	name, inner, _ := strings.Cut(strings.TrimPrefix(why.pointer, "/"), "/")
	why.line = 0
	switch {
	case name == "data" && inner != "":
		why.pointer = "/" + inner
	case name == "data" || name == "data_base64":
		why.pointer = ""
	case name == "datacontenttype":
		why.header, why.pointer = "content-type", ""
	case name != "":
		why.header, why.pointer = "ce-"+name, ""
	}
	return why
}
