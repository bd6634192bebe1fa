package inert

import (
	"net/url"
	"strings"
)

// maxURL is the longest address that becomes a link.
const maxURL = 1_000

// Link shows an address a finding gave. Where it is safe to follow it becomes a
// link whose text is the address itself; else it stands in a code span. Only
// http and https addresses become links, and none that GitLab may take for one
// of its own objects: it would show that object's title instead and leave a
// note about this issue there (link_reference_pattern of GitLab's models).
// Files and wiki pages, where runbooks are kept, have no such notes. "%{…}" is
// a placeholder to GitLab even in an address.
func Link(address string) string {
	target, ok := followable(address)
	if !ok {
		return Code(address)
	}
	return "[" + Code(address) + "](<" + target + ">)"
}

// LinkAs is Link with words of their own in the place of the address; table says
// that it stands in a table. Where the address is not safe to follow, it stands
// behind the words in a code span. Without words it is Link, without an address
// the words alone.
func LinkAs(words, address string, table bool) string {
	shown := Inline(words, MaxLine)
	target, ok := followable(address)
	code := Code
	if table {
		code = func(text string) string { return Cell(text, MaxLine) }
	}
	switch {
	case shown == "" && ok:
		return "[" + code(address) + "](<" + target + ">)"
	case ok:
		return "[" + shown + "](<" + target + ">)"
	case shown == "" || strings.TrimSpace(address) == "":
		return shown + code(address)
	}
	return shown + " " + code(address)
}

// followable is the address as it is written between angle brackets.
func followable(address string) (string, bool) {
	if len(address) > maxURL || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || hidden(r) || visible(r) != r }) {
		return "", false
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || expands(address, u) {
		return "", false
	}
	var b strings.Builder
	b.Grow(len(address) + 16)
	for i := range len(address) {
		switch c := address[i]; {
		case c == '&':
			b.WriteString("&amp;")
		case c > '~' || strings.IndexByte("<>\\`{}|^\"", c) >= 0:
			b.WriteByte('%')
			b.WriteByte("0123456789ABCDEF"[c>>4])
			b.WriteByte("0123456789ABCDEF"[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

// expands says that GitLab may take an address for one of its own objects. The
// host is not known here, so the form of the path decides.
func expands(address string, u *url.URL) bool {
	if strings.Contains(address, "%") {
		if whole, err := url.PathUnescape(address); err != nil || strings.Contains(whole, "%{") {
			return true
		}
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		switch part {
		case "issues", "work_items", "merge_requests", "commit", "compare", "epics", "milestones", "snippets",
			"alert_management", "vulnerabilities", "iterations", "cadences", "feature_flags":
			return true
		}
	}
	return false
}
