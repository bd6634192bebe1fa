package check

import (
	"strings"
	"unicode"
)

// Form is what a token looks like, without the token.
type Form struct {
	Given  bool
	Fault  string // what cannot be in a token; empty: nothing
	Mend   string // empty: it has to be entered at all
	Prefix string // GitLab's, such as "glpat-"; empty: none that is known
	Kind   string // what GitLab makes such tokens for; empty: not known by its prefix
	Fits   bool   // tokens of this kind can act as an account in the API
}

// Unfit says that nothing can be sent with it.
func (f Form) Unfit() bool { return !f.Given || f.Fault != "" }

// longestToken is far beyond any token and far below what a wrong file holds.
const longestToken = 2048

// kind is one of GitLab's kinds of token (docs.gitlab.com/security/tokens).
type kind struct {
	prefix, name string
	fits         bool
}

func kinds() []kind {
	return []kind{
		{"glpat-", "personal access token", true},
		{"gldt-", "deploy token", false},
		{"glcbt-", "CI/CD job token", false},
		{"glrtr-", "runner registration token", false},
		{"glrt-", "runner authentication token", false},
		{"glft-", "feed token", false},
		{"glptt-", "pipeline trigger token", false},
		{"gloas-", "OAuth application's secret", false},
		{"glsoat-", "SCIM token", false},
		{"glimt-", "incoming mail token", false},
		{"glagent-", "token of an agent for Kubernetes", false},
		{"glffct-", "feature flags client's token", false},
		{"glwt-", "workspace token", false},
		{"GR1348941", "runner registration token", false},
		{"ghp_", "GitHub token", false},
		{"github_pat_", "GitHub token", false},
	}
}

// ParseForm looks at a token as it was pasted or kept in a file. One line end
// behind it does no harm. What it returns holds nothing of the token.
func ParseForm(text string) Form {
	text = strings.TrimRight(strings.TrimPrefix(text, "\ufeff"), "\r\n")
	f := Form{Given: text != ""}
	f.Fault, f.Mend = fault(text)
	if f.Fault != "" {
		return f
	}
	for _, k := range kinds() {
		// An administrator can put a prefix of the instance before GitLab's own.
		if strings.HasPrefix(text, k.prefix) || k.fits && strings.Contains(text, "-"+k.prefix) {
			f.Prefix, f.Kind, f.Fits = k.prefix, k.name, k.fits
			return f
		}
	}
	return f
}

func fault(text string) (what, mend string) {
	const again = "Paste the token again, alone"
	trimmed := strings.TrimSpace(text)
	quotes := "\"'`\u201c\u201d\u2018\u2019"
	switch {
	case text == "":
		return "there is no token", ""
	case trimmed == "":
		return "it is nothing but white space", again
	case len(text) > longestToken:
		return "it is longer than any token", "Look whether it is the right file"
	case hasScheme(trimmed):
		return `it begins with "Bearer" or the name of a header, which belongs to a request and not to the token`, "Leave out everything before the token"
	case strings.ContainsAny(trimmed, "\r\n"):
		return "it has several lines", "Keep the token alone on one line"
	case strings.ContainsFunc(trimmed, unicode.IsSpace):
		return "there is white space inside it", again + ": it may have been broken over two lines"
	case trimmed != text:
		return "there is white space before or behind it", again + ", without spaces around it"
	case strings.ContainsAny(text, quotes):
		return "there are quotes in or around it", "Paste it without quotes"
	case strings.ContainsFunc(text, func(r rune) bool { return r < '!' || r > '~' }):
		return "it has a character that no token has", "Copy it again from GitLab's page"
	case strings.Trim(text, "*\u2022.x") == "" || strings.Contains(text, "[redacted]"):
		return "it is a placeholder", "Copy the token itself: GitLab shows it once, when it is made"
	}
	return "", ""
}

// hasScheme says that a header or its scheme was pasted with the token.
func hasScheme(text string) bool {
	lower := strings.ToLower(text)
	for _, each := range []string{"bearer ", "bearer:", "basic ", "token ", "private-token:", "authorization:", "private_token="} {
		if strings.HasPrefix(lower, each) {
			return true
		}
	}
	return false
}
