// Package text matches search words against texts the way GitLab's PostgreSQL
// full-text search does, near enough for a sandbox: every word must begin some
// word of the text, in any order, quoted phrases must stand as they are, and
// the text inside HTML tags and comments counts.
//
// Words are folded to lower case and cut to a common stem; unlike the English
// dictionary of PostgreSQL the stemmer knows regular endings only.
package text

import (
	"slices"
	"strings"
	"unicode"
)

// Document is a text ready to be searched.
type Document struct {
	words []string // in the order of the text
	plain string   // lower-case text, for scripts other than Latin
}

// limit is how much of a text is indexed.
const limit = 1 << 20

// Index makes texts searchable.
func Index(texts ...string) Document {
	all := strings.Join(texts, "\n")
	if len(all) > limit {
		all = all[:limit]
	}
	return Document{words: words(all), plain: strings.ToLower(all)}
}

// words cuts a text into folded stems; all but letters and digits divides.
func words(s string) []string {
	fields := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	for i, w := range fields {
		fields[i] = stem(w)
	}
	return fields
}

// stem cuts the regular English endings off words that have no digits.
func stem(w string) string {
	if len(w) < 4 || strings.ContainsFunc(w, func(r rune) bool { return r < 'a' || r > 'z' }) {
		return w
	}
	for _, ending := range []string{"ingly", "edly", "ings", "ing", "ies", "ed", "es", "s", "e", "y"} {
		if base, ok := strings.CutSuffix(w, ending); ok && len(base) >= 3 {
			return base
		}
	}
	return w
}

// Match says whether the documents together hold every term of a query. A
// query with other than Latin letters is looked for as it stands, from three
// letters on.
func Match(query string, docs ...Document) bool {
	query = strings.TrimSpace(query)
	if !latin(query) {
		return slices.ContainsFunc(docs, func(d Document) bool { return d.holds(query) })
	}
	for _, term := range terms(query) {
		if !slices.ContainsFunc(docs, func(d Document) bool { return d.has(term) }) {
			return false
		}
	}
	return true
}

func (d Document) holds(query string) bool {
	return len([]rune(query)) < 3 || strings.Contains(d.plain, strings.ToLower(query))
}

func latin(s string) bool {
	for _, r := range s {
		if unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) {
			return false
		}
	}
	return true
}

// terms divides a query into runs of words that must follow one another: each
// single word is a run of its own, a quoted phrase is one run.
func terms(query string) [][]string {
	var out [][]string
	for i, part := range strings.Split(query, `"`) {
		found := words(part)
		if i%2 == 1 {
			out = append(out, found)
			continue
		}
		for _, w := range found {
			out = append(out, []string{w})
		}
	}
	return out
}

// has says whether the words of a term begin words of the document that
// follow one another.
func (d Document) has(term []string) bool {
	if len(term) == 0 {
		return true
	}
	for i := 0; i+len(term) <= len(d.words); i++ {
		if runs(d.words[i:], term) {
			return true
		}
	}
	return false
}

func runs(at, term []string) bool {
	for i, w := range term {
		if !strings.HasPrefix(at[i], w) {
			return false
		}
	}
	return true
}
