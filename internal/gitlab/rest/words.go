package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

const longest = 300 // characters of GitLab's words that are kept

var (
	titleTag   = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	tokenShape = regexp.MustCompile(`\bgl[a-z]{1,8}-[0-9A-Za-z_.\-]{12,}`)
)

// said is what a bad answer says, in one line. Empty: nothing.
func said(o outcome) string {
	if o.status == 0 {
		return ""
	}
	if o.status < 300 {
		return tidy("the answer is not what GitLab sends: "+text(o.err), o.token)
	}
	return tidy(words(o.body), o.token)
}

// words reads GitLab's error body. "message" and "error" may be a string, a
// list or an object of fields.
func words(body []byte) string {
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil {
		return plain(string(body))
	}
	var parts []string
	for _, key := range []string{"error", "error_description", "message"} {
		var value any
		if json.Unmarshal(top[key], &value) == nil {
			parts = append(parts, flat("", value))
		}
	}
	if scope := flat("", decoded(top["scope"])); scope != "" {
		parts = append(parts, "scopes that would do: "+scope)
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ": ")
}

func decoded(raw json.RawMessage) (value any) {
	_ = json.Unmarshal(raw, &value) // absent is nil
	return value
}

// jsonObject tells GitLab's application from whatever stands before it.
func jsonObject(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) && json.Valid(body)
}

// flat writes a value as words, an object as "field words" in the order of its
// fields; GitLab's "base" and "error" are no fields.
func flat(field string, value any) string {
	switch v := value.(type) {
	case string:
		if field == "" || field == "base" || field == "error" {
			return v
		}
		return field + " " + v
	case []any:
		var parts []string
		for _, each := range v {
			parts = append(parts, flat(field, each))
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		var parts []string
		for key, each := range v {
			parts = append(parts, flat(key, each))
		}
		slices.Sort(parts)
		return strings.Join(parts, "; ")
	}
	return ""
}

// plain is what a body that is no JSON says: a page's title, or the text.
func plain(body string) string {
	if title := titleTag.FindStringSubmatch(body); title != nil {
		return `an HTML page titled "` + html.UnescapeString(strings.TrimSpace(title[1])) + `"`
	}
	if strings.HasPrefix(strings.TrimSpace(body), "<") {
		return "an HTML page"
	}
	return body
}

// tidy makes one line of printable text out of it, without tokens, cut.
func tidy(s, token string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	s = scrub(strings.Join(strings.Fields(s), " "), token)
	if runes := []rune(s); len(runes) > longest {
		s = string(runes[:longest]) + "…"
	}
	return s
}

// scrub takes out the token, and whatever looks like one of GitLab's.
func scrub(s, token string) string {
	if token != "" {
		s = strings.ReplaceAll(s, token, "[token]")
	}
	return tokenShape.ReplaceAllString(s, "[token]")
}

// cleaned is err, or its words when they hold a token.
func cleaned(err error, token string) error {
	if err == nil {
		return nil
	}
	if clean := scrub(err.Error(), token); clean != err.Error() {
		return errors.New(clean)
	}
	return err
}

// place is the scheme and host of a Location, for people.
func place(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return "another address"
	}
	return tidy(u.Scheme+"://"+u.Host, "")
}
