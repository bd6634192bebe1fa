package door

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
)

// Bounds of a body.
const (
	MostBytes = 1 << 20
	deepest   = 32
)

// read reads the body within its bounds, and puts it back for whoever serves the
// request: whole, JSON, and each key of an object once.
func read(w http.ResponseWriter, req *http.Request) ([]byte, *Problem) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, MostBytes))
	if err != nil {
		return nil, unreceived(err)
	}
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if len(body) == 0 {
		req.Body = http.NoBody
		return nil, nil
	}
	if why := typed(req.Header); why != nil {
		return nil, why
	}
	if !utf8.Valid(body) {
		return nil, unreadable("body", "the body is not UTF-8: send it so")
	}
	s := scanner{json.NewDecoder(bytes.NewReader(body))}
	s.UseNumber() // numbers of any size are for the schema to refuse
	return body, s.all()
}

func unreceived(err error) *Problem {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &Problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("the body has more than %d bytes: send less at once", MostBytes)}
	}
	return unreadable("body", "the body did not arrive whole: send it again")
}

// typed refuses what is not JSON by what its headers say.
func typed(h http.Header) *Problem {
	refused := func(header, detail string) *Problem {
		return &Problem{Status: http.StatusUnsupportedMediaType, Detail: detail, Errors: []Place{{Message: detail, Location: "header." + header}}}
	}
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return refused("Content-Encoding", "a body that is encoded is not read here: send it as it is")
	}
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return refused("Content-Type", "send the body as JSON, with the header \"Content-Type: application/json\"")
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return refused("Content-Type", "JSON is UTF-8: send it so, and leave the charset out")
	}
	return nil
}

func unreadable(location, detail string) *Problem {
	return &Problem{Status: http.StatusBadRequest, Detail: detail, Errors: []Place{{Message: detail, Location: location}}}
}

// scanner goes through a text of JSON once.
type scanner struct{ *json.Decoder }

// all says what is wrong with the text; nil: nothing is.
func (s scanner) all() *Problem {
	if why := s.value("body", 0); why != nil {
		return why
	}
	if _, err := s.Token(); !errors.Is(err, io.EOF) {
		return unreadable("body", "there is more behind the end of the JSON: send one value")
	}
	return nil
}

// value goes through one value, which stands somewhere.
func (s scanner) value(at string, depth int) *Problem {
	token, err := s.Token()
	if err != nil {
		return s.malformed(at, err)
	}
	open, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	if depth++; depth > deepest {
		return unreadable(at, fmt.Sprintf("the JSON is nested more than %d deep: nothing that is asked for is", deepest))
	}
	keys := map[string]bool{}
	for i := 0; s.More(); i++ {
		under := fmt.Sprintf("%s[%d]", at, i)
		if open == '{' {
			name, why := s.key(at, keys)
			if why != nil {
				return why
			}
			under = at + "." + name
		}
		if why := s.value(under, depth); why != nil {
			return why
		}
	}
	if _, err := s.Token(); err != nil {
		return s.malformed(at, err)
	}
	return nil
}

// key is the name of the next member of an object.
func (s scanner) key(at string, keys map[string]bool) (string, *Problem) {
	token, err := s.Token()
	if err != nil {
		return "", s.malformed(at, err)
	}
	name := fmt.Sprint(token) // of an object it is a string
	if keys[name] {
		return "", unreadable(fmt.Sprintf("%s.%.80s", at, name), fmt.Sprintf("the key %.80q is there twice: say which one is meant", name))
	}
	keys[name] = true
	return name, nil
}

func (s scanner) malformed(at string, err error) *Problem {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return unreadable(at, "the JSON ends early: send it whole")
	}
	return unreadable(at, fmt.Sprintf("this is no JSON, near byte %d: mend it", s.InputOffset()))
}
