package receive

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"cxm/internal/finding"
	"cxm/internal/source"
)

// mode is how a request carries what it delivers.
type mode int

const (
	hooked     mode = iota // a tool's own format
	structured             // one event in JSON
	batched                // a list of events in JSON
	binary                 // one event, its attributes in headers
)

// The media types of CloudEvents in JSON.
const (
	oneEvent   = "application/cloudevents+json"
	manyEvents = "application/cloudevents-batch+json"
)

// modeOf tells the mode of a request by its headers.
func modeOf(h http.Header, t source.Type) (mode, *fault) {
	media, charset, why := mediaOf(h)
	switch {
	case why != nil:
		return 0, why
	case charset != "" && charset != "utf-8" && charset != "us-ascii" && isText(media):
		return 0, wrongType(fmt.Sprintf("the charset %.40q is not read: send UTF-8", charset))
	case t != source.CloudEvents:
		if media == "application/json" || strings.HasSuffix(media, "+json") || media == "text/csv" && t.Delivery() == source.Snapshots {
			return hooked, nil
		}
		return 0, wrongType(fmt.Sprintf("%.80q is not what %s sends: send application/json", media, t))
	case media == oneEvent:
		return structured, nil
	case media == manyEvents:
		return batched, nil
	case strings.HasPrefix(media, "application/cloudevents"):
		return 0, wrongType(fmt.Sprintf("CloudEvents are read in JSON, not as %.80q: send %s or %s", media, oneEvent, manyEvents))
	case h.Get("Ce-Specversion") != "":
		return binary, nil
	}
	return 0, wrongType(fmt.Sprintf("this is no CloudEvent: send %s, or %s, or give the attributes in ce-… headers (ce-specversion, ce-id, ce-source, ce-type)", oneEvent, manyEvents))
}

func mediaOf(h http.Header) (media, charset string, why *fault) {
	types := h.Values("Content-Type")
	if len(types) == 0 {
		return "", "", nil
	}
	media, params, err := mime.ParseMediaType(types[0])
	if err != nil || len(types) > 1 {
		return "", "", wrongType("the Content-Type cannot be read: write it like application/json; charset=utf-8")
	}
	return media, strings.ToLower(params["charset"]), nil
}

// isText says whether the charset of a media type means something for cxm.
func isText(media string) bool {
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "json")
}

// events is what a body delivers, checked with the reader that takes it in later: what
// it refuses is refused now, as long as the sender listens.
func (m mode) events(h http.Header, body []byte, from Source) ([]Event, *fault) {
	switch m {
	case hooked:
		return one(h, body, from)
	case binary:
		text, why := assemble(h, body)
		if why != nil {
			return nil, why
		}
		if why := check(text, from); why != nil {
			return nil, inHeader(why)
		}
		return split(text)
	}
	if why := shape(body, m); why != nil {
		return nil, why
	}
	if m == batched && isEmptyList(body) {
		return nil, nil
	}
	if why := check(body, from); why != nil {
		return nil, why
	}
	return split(body)
}

// one is a webhook's body, which is known by the key that its sender gives it.
func one(h http.Header, body []byte, from Source) ([]Event, *fault) {
	if isJSON(body) {
		if depth(body) > deepest {
			return nil, tooDeep()
		}
	}
	if why := check(body, from); why != nil {
		return nil, why
	}
	e := Event{Text: body}
	for _, name := range []string{"Idempotency-Key", "Webhook-Id"} {
		if key := h.Get(name); key != "" {
			e.Digest = digest("key", key)
			break
		}
	}
	return []Event{e}, nil
}

// digest is what an event is known by.
func digest(parts ...string) Digest {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x1f")))
	return Digest(sum[:len(Digest{})])
}

// check reads a body as it is read later, and forgets what it says.
func check(body []byte, from Source) *fault {
	_, err := source.Read(from.Type, []source.Input{{Name: "the body", Reader: bytes.NewReader(body)}}, from.Options, func(*finding.Finding) error { return nil })
	if err != nil {
		return unread(err)
	}
	return nil
}

// deepest is how deep JSON may nest. No source nests a tenth of it.
const deepest = 100

func tooDeep() *fault {
	return malformed(fmt.Sprintf("the JSON nests deeper than %d: no source does", deepest))
}

// shape refuses JSON that is not one value of the kind that the mode wants.
func shape(body []byte, m mode) *fault {
	want, name := byte('{'), "one object, the event"
	if m == batched {
		want, name = '[', "one list of events"
	}
	text := bytes.TrimLeft(body, " \t\r\n")
	switch {
	case len(text) == 0:
		return malformed("the body is empty: it must be " + name)
	case text[0] != want:
		return malformed("the body must be " + name + ": set the Content-Type that fits it")
	case depth(text) > deepest:
		return tooDeep()
	}
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true))
	if _, err := d.ReadValue(); err != nil {
		return notJSON(err)
	}
	if d.PeekKind() != jsontext.KindInvalid || len(bytes.TrimLeft(text[d.InputOffset():], " \t\r\n")) > 0 {
		return malformed("something follows behind the body's value: it must be " + name)
	}
	return nil
}

func notJSON(err error) *fault {
	if at, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return &fault{status: http.StatusBadRequest, pointer: string(at.JSONPointer), detail: fmt.Sprintf("the body is not JSON at byte %d: %v: send JSON in UTF-8", at.ByteOffset, at.Err)}
	}
	return malformed("the body is not JSON: send JSON in UTF-8")
}

func isEmptyList(body []byte) bool {
	text := bytes.TrimSpace(body)
	return len(text) >= 2 && text[0] == '[' && len(bytes.TrimSpace(text[1:len(text)-1])) == 0
}

func isJSON(body []byte) bool {
	text := bytes.TrimLeft(body, " \t\r\n")
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

// depth is how deep the brackets of a JSON text nest, without looking whether it is
// JSON.
func depth(text []byte) int {
	now, most, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			most = max(most, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return most
}

// split takes events apart that a reader has read. (source, id) is one event, however
// often it comes (CloudEvents 1.0, 3.1.1).
func split(body []byte) ([]Event, *fault) {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	if d.PeekKind() == '[' {
		if _, err := d.ReadToken(); err != nil {
			return nil, notJSON(err)
		}
	}
	var out []Event
	for d.PeekKind() == '{' {
		text, err := d.ReadValue()
		if err != nil {
			return nil, notJSON(err)
		}
		text = text.Clone()
		if err := text.Compact(); err != nil {
			return nil, notJSON(err)
		}
		source, id, err := identity(text)
		if err != nil {
			return nil, notJSON(err)
		}
		out = append(out, Event{Text: text, Digest: digest(source, id)})
	}
	return out, nil
}

// identity is the attributes by which an event is known.
func identity(event []byte) (source, id string, err error) {
	d := jsontext.NewDecoder(bytes.NewReader(event))
	if _, err := d.ReadToken(); err != nil {
		return "", "", err
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return "", "", err
		}
		to := map[string]*string{"source": &source, "id": &id}[name.String()]
		if to == nil {
			err = d.SkipValue()
		} else {
			var value jsontext.Token
			value, err = d.ReadToken()
			*to = value.String()
		}
		if err != nil {
			return "", "", err
		}
	}
	return source, id, nil
}
