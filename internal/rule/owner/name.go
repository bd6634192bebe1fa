package owner

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const longestName = 100 // letters of a name

var (
	handleForm = regexp.MustCompile(`^@[0-9A-Za-z_][0-9A-Za-z_.\-]*(/[0-9A-Za-z_][0-9A-Za-z_.\-]*)*$`)

	// addressForm finds addresses as they are written to be read by machines, and
	// disguised is how people and tools write the @ when it is not allowed.
	addressForm = regexp.MustCompile(`[^\s<>()\[\]",;:|]+@[^\s<>()\[\]",;:|]+`)
	disguised   = regexp.MustCompile(`(?i)%40|&#0*64;|&#x0*40;|&commat;|\s*@\s+|\s*[(\[{<]\s*at\s*[)\]}>]\s*|[\x{ff20}\x{fe6b}]`)
	spelled     = regexp.MustCompile(`(?i)[a-z0-9][ _\-]at[ _\-][a-z0-9\-]+([ ]?\.[ ]?|[ _\-](dot[ _\-])?)(com|org|net|io|dev|de|uk|eu|fr|nl|ch|us|gov|edu|info|co|ai|cloud|app|internal|local|corp)\b`)
)

// HoldsAddress says whether a text holds an e-mail address, or what may be one:
// any @ that something stands before and behind, plain, encoded or spelled out.
// Handles, scopes of packages and versions of files are none.
func HoldsAddress(text string) bool {
	text = plain(text)
	for i, c := range text {
		if c != '@' {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+1:])
		if i > 0 && i+1 < len(text) && !boundary(before) && !unicode.IsSpace(after) {
			return true
		}
	}
	return spelled.MatchString(text)
}

// boundary says that what follows is no address because of what is before it: a
// space, a slash, or an opening bracket.
func boundary(c rune) bool { return unicode.IsSpace(c) || strings.ContainsRune("/([{,;=:|", c) }

// plain writes every @ as one, and takes away what cannot be seen.
func plain(text string) string {
	text = disguised.ReplaceAllString(text, "@")
	return strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Cf, c) || unicode.Is(unicode.Mn, c) || c == unicode.ReplacementChar {
			return -1
		}
		return c
	}, text)
}

// shown is foreign text for a reason: one line, cut, and without addresses.
func shown(text string) string {
	if HoldsAddress(text) {
		return "(an e-mail address)"
	}
	text = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, " "))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > longestName {
		text = string(runes[:longestName]) + "…"
	}
	return text
}

// named is an owner's name with what it is.
type named struct {
	name string
	kind Kind
}

// read takes a text for a name. It does not, when it could be none of an owner's.
func read(text string) (named, bool) {
	text = strings.TrimSpace(text)
	if text == "" || !utf8.ValidString(text) || utf8.RuneCountInString(text) > longestName || HoldsAddress(text) {
		return named{}, false
	}
	if strings.HasPrefix(text, "@") {
		if !handleForm.MatchString(text) {
			return named{}, false
		}
		if strings.Contains(text, "/") {
			return named{text, Group}, true
		}
		return named{text, Handle}, true
	}
	letters := false
	for _, c := range text {
		if !unicode.IsPrint(c) || strings.ContainsRune("@<>`|\\", c) {
			return named{}, false
		}
		letters = letters || unicode.IsLetter(c) || unicode.IsDigit(c)
	}
	return named{text, Team}, letters
}

// people maps what people are called elsewhere to what they are called here.
type people map[string]string

func names(given map[string]string) people {
	out := people{}
	for key, name := range given {
		out[folded(key)] = name
	}
	return out
}

func folded(text string) string { return strings.ToLower(strings.TrimSpace(plain(text))) }

// find is whom the settings map a text to, as a whole or by an address in it.
func (p people) find(text string) (named, bool) {
	if name, ok := p[folded(text)]; ok {
		return read(name)
	}
	for _, address := range addressForm.FindAllString(plain(text), 8) {
		if name, ok := p[folded(strings.Trim(address, "'."))]; ok {
			return read(name)
		}
	}
	return named{}, false
}

// said is one name that a text may hold, and how it is told.
type said struct {
	named
	mapped bool
}

// in reads the names that a tag's value holds, which may be several; why says what
// none could be made of, and is empty when there was nothing to read.
func (p people) in(value string) (found []said, why string) {
	if n, ok := p.find(value); ok {
		return []said{{n, true}}, ""
	}
	if HoldsAddress(value) {
		return nil, "an e-mail address is not copied into issues; the settings can map it to a name"
	}
	for part := range strings.FieldsFuncSeq(value, func(c rune) bool { return c == ',' || c == ';' || c == '|' }) {
		part = strings.TrimSpace(part)
		if len(found) >= 5 || nothing(part) {
			continue
		}
		n, mapped := p.find(part)
		ok := mapped
		if !ok {
			n, ok = read(part)
		}
		if !ok {
			why = "it is no name of an owner"
			continue
		}
		found = append(found, said{n, mapped})
	}
	if len(found) > 0 {
		why = ""
	}
	return found, why
}

// nothing says that a tag was filled in to say that there is nothing to say.
func nothing(value string) bool {
	switch strings.ToLower(value) {
	case "", "-", "--", "n/a", "na", "none", "null", "nil", "unknown", "unset", "undefined", "tbd", "todo", "?", "default":
		return true
	}
	return false
}

// fits says whether a text is what a pattern stands for, letter case aside.
func fits(pattern, text string) bool {
	p, t := []rune(strings.ToLower(strings.TrimSpace(pattern))), []rune(strings.ToLower(text))
	i, j, back, from := 0, 0, -1, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			back, from = i+1, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i, j = i+1, j+1
		case back >= 0:
			from++
			i, j = back, from
		default:
			return false
		}
	}
	return strings.Trim(string(p[i:]), "*") == "" && len(p) > 0
}
