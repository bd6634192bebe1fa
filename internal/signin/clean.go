package signin

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Longest are bounds of what people are called, in bytes.
const (
	longestEmail = 254
	longestName  = 200
	longestAgent = 300
)

// EmailKey is an address as it is compared: without case, one form for one letter.
func EmailKey(email string) string { return strings.ToLower(norm.NFC.String(strings.TrimSpace(email))) }

// CleanEmail reads an address as people type it.
func CleanEmail(text string) (string, error) {
	text = norm.NFC.String(strings.TrimSpace(text))
	if text == "" {
		return "", errors.New("the e-mail address is missing: write it like engineer@example.com")
	}
	a, err := mail.ParseAddress(text)
	if err != nil || a.Name != "" || a.Address != text || len(text) > longestEmail || strings.ContainsFunc(text, unfit) {
		return "", fmt.Errorf("%.80q is no e-mail address: write it like engineer@example.com", text)
	}
	return text, nil
}

// CleanName reads the name of a person or a token.
func CleanName(text string) (string, error) {
	text = norm.NFC.String(strings.TrimSpace(text))
	switch {
	case text == "":
		return "", fmt.Errorf("the name is empty: give one")
	case len(text) > longestName:
		return "", fmt.Errorf("the name has %d bytes: give one of at most %d", len(text), longestName)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unfit):
		return "", fmt.Errorf("the name %.80q has characters that cannot be seen: leave them out", text)
	}
	return text, nil
}

// unfit says that a character is not seen, or changes how others are.
func unfit(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError
}

// CleanAgent is what a browser says of itself, fit to be shown.
func CleanAgent(text string) string {
	text = strings.Map(func(r rune) rune {
		if unfit(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	for len(text) > longestAgent {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
