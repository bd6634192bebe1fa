package codeowners

import (
	"strings"
	"unicode/utf8"
)

// globstar is the part of a pattern that stands for any number of folders.
const globstar = "**"

// normal is a pattern as GitLab compares it, by the parts between its slashes: one
// that does not begin with a slash is at home in every folder, one that ends in
// one means all beneath it.
func normal(pattern string) []string {
	switch {
	case pattern == "*":
		return []string{globstar, "*"}
	case strings.HasPrefix(pattern, "/"):
		pattern = pattern[1:]
	default:
		pattern = globstar + "/" + pattern
	}
	if strings.HasSuffix(pattern, "/") || pattern == "" {
		pattern += globstar + "/*"
	}
	return strings.Split(strings.ReplaceAll(pattern, `\/`, "/"), "/")
}

// everything says that a pattern is for every file.
func everything(pattern string) bool {
	switch pattern {
	case "*", "/", "**", "**/*", "/**/*", "**/", "/**/":
		return true
	}
	return false
}

// matches compares a pattern with a path, part by part, as Ruby's File.fnmatch
// does with FNM_PATHNAME and FNM_DOTMATCH. It goes back to the last globstar alone,
// which is enough, and keeps the work to the product of their lengths.
func matches(glob, path []string) bool {
	g, p, back, from := 0, 0, -1, 0
	for p < len(path) {
		switch {
		case g < len(glob)-1 && glob[g] == globstar:
			back, from = g, p
			g++
		case g < len(glob) && fits(glob[g], path[p]):
			g++
			p++
		case back >= 0:
			from++
			g, p = back+1, from
		default:
			return false
		}
	}
	return g == len(glob)
}

// fits compares one part of a pattern with one of a path: *, ?, [set] and \ are
// what they are in a shell.
func fits(glob, name string) bool {
	g, n, back, from := 0, 0, -1, 0
	for n < len(name) {
		if g < len(glob) && glob[g] == '*' {
			g++
			back, from = g, n
			continue
		}
		if dg, dn := one(glob[g:], name[n:]); dn > 0 {
			g, n = g+dg, n+dn
			continue
		}
		if back < 0 {
			return false
		}
		_, width := utf8.DecodeRuneInString(name[from:])
		from += width
		g, n = back, from
	}
	return strings.Trim(glob[g:], "*") == ""
}

// one compares the first sign of a pattern with the first letter of a name, and
// says how long both are; zero: they differ.
func one(glob, name string) (dg, dn int) {
	if glob == "" {
		return 0, 0
	}
	letter, width := utf8.DecodeRuneInString(name)
	switch glob[0] {
	case '?':
		return 1, width
	case '[':
		in, end := set(glob, letter)
		if !in {
			return 0, 0
		}
		return end, width
	case '\\':
		if len(glob) > 1 {
			glob, dg = glob[1:], 1
		}
	}
	sign, size := utf8.DecodeRuneInString(glob)
	if sign != letter || size != width {
		return 0, 0
	}
	return dg + size, width
}

// set says whether a letter is in the [set] that a pattern begins with, and where
// the set ends. One that does not end holds nothing.
func set(glob string, letter rune) (in bool, end int) {
	i, not := 1, false
	if i < len(glob) && (glob[i] == '!' || glob[i] == '^') {
		i, not = i+1, true
	}
	for i < len(glob) && glob[i] != ']' {
		low, next := sign(glob, i)
		high := low
		if i = next; i+1 < len(glob) && glob[i] == '-' && glob[i+1] != ']' {
			high, i = sign(glob, i+1)
		}
		in = in || low <= letter && letter <= high
	}
	if i >= len(glob) {
		return false, 0
	}
	return in != not, i + 1
}

// sign is the letter of a set at i, with where the next one is.
func sign(glob string, i int) (rune, int) {
	if glob[i] == '\\' && i+1 < len(glob) {
		i++
	}
	r, width := utf8.DecodeRuneInString(glob[i:])
	return r, i + width
}
