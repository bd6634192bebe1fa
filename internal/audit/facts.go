package audit

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Facts are a small JSON object in its canonical form (RFC 8785). Empty: there
// are none.
type Facts string

const noFacts = Facts("{}")

// kept is how a line keeps facts.
func (f Facts) kept() Facts {
	if f == "" {
		return noFacts
	}
	return f
}

// Values are facts as Go knows them: texts, numbers without a fraction, yes or no,
// times, and lists of texts. Anything else says what fmt prints of it, which of a
// secret is "[redacted]".
type Values map[string]any

// Of writes facts down. What is empty is left out; what looks like a token, or
// stands under a name that secrets have, is masked.
func Of(values Values) Facts {
	out := map[string]any{}
	for name, v := range values {
		v = fact(v)
		if empty(v) {
			continue
		}
		if text, ok := v.(string); ok && secretName(name) && text != "" {
			v = masked
		}
		out[name] = v
	}
	if len(out) == 0 {
		return ""
	}
	text, err := canonical(out)
	if err != nil || len(text) > largestFacts {
		text = fmt.Appendf(nil, `{"left_out":"%d facts, which are too large"}`, len(out))
	}
	return Facts(text)
}

// Changed writes down what differs between two states, in each of them. Both are
// empty when nothing does.
func Changed(before, after Values) (was, is Facts) {
	before, after = maps.Clone(before), maps.Clone(after)
	for name, v := range before {
		if other, ok := after[name]; ok && reflect.DeepEqual(fact(v), fact(other)) {
			delete(before, name)
			delete(after, name)
		}
	}
	return Of(before), Of(after)
}

// fact is a value as facts hold it.
func fact(v any) any {
	switch v := v.(type) {
	case nil, bool:
		return v
	case int:
		return int64(v)
	case int64:
		return v
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return v.UTC().Format(layout)
	case []string:
		out := make([]any, 0, len(v))
		for _, each := range v[:min(len(v), longestList)] {
			out = append(out, clean(each, longestName))
		}
		return out
	}
	return clean(fmt.Sprint(v), longestName)
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	}
	return false
}

// canonical is JSON as RFC 8785 has it.
func canonical(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	value := jsontext.Value(text)
	err = value.Canonicalize()
	return value, err
}

// canonicalText says that facts are written as they must be.
func (f Facts) canonicalText() bool {
	value := jsontext.Value(slices.Clone([]byte(f)))
	return value.Kind() == '{' && value.Canonicalize() == nil && string(value) == string(f)
}

const masked = "[masked]"

// secretName says that a name is one that secrets stand under.
func secretName(name string) bool {
	return slices.Contains([]string{"password", "passwd", "secret", "token", "sealed", "private_key", "client_secret", "access_token", "refresh_token", "authorization"}, strings.ToLower(name))
}

// secrets are forms that tokens have, whosever they are: GitLab's, GitHub's,
// Slack's, AWS's, our own, JSON web tokens, private keys, what stands behind
// "Bearer" and in user:password@.
var secrets = regexp.MustCompile(`\bgl(?:pat|dt|rtr?|cbt|ptt|ft|imt|agent|soat|oas|ffct|wt)-[A-Za-z0-9_.=-]{16,}` +
	`|\bGR1348941[A-Za-z0-9_-]{16,}` +
	`|\b(?:gh[a-z]|github_pat)_[A-Za-z0-9_]{20,}` +
	`|\bxox[a-z]-[A-Za-z0-9-]{10,}` +
	`|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b` +
	`|\b(?:cxm[a-z]*_|hvs\.|whsec_)[A-Za-z0-9_+/=-]{20,}` +
	`|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?` +
	`|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?` +
	`|(?i:\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{12,})` +
	`|(?i:\b(?:password|passwd|secret|client_secret|private_token|access_token|refresh_token|api_key|token)=[^\s&"]+)` +
	`|://[^/\s@:]*:[^/\s@]+@`)

// Mask puts "[masked]" in the place of whatever looks like a token. What was only
// a user and a password in an address stays one.
func Mask(text string) string {
	return secrets.ReplaceAllStringFunc(text, func(found string) string {
		if strings.HasPrefix(found, "://") {
			return "://" + masked + "@"
		}
		return masked
	})
}
