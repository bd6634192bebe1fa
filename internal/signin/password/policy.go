package password

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"cxm/internal/credential"
)

// How long a password is, in characters and in bytes.
const (
	Shortest = 12
	Longest  = 1024
)

//go:embed common.txt
var files embed.FS

// common are the most used passwords, folded.
var common = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	text, err := files.ReadFile("common.txt")
	if err != nil {
		panic("the list of common passwords is not in the program: " + err.Error()) // it is embedded
	}
	for line := range strings.Lines(string(text)) {
		if word := fold(line); word != "" && !strings.HasPrefix(line, "#") {
			out[word] = true
		}
	}
	return out
})

// Check says why a password is too easy to guess for somebody; nil: it is not. about
// is what everybody knows of them: the address, the name. It asks for length, not
// for kinds of characters, as NIST SP 800-63B does.
func Check(secret credential.Secret, about ...string) error {
	text := norm.NFKC.String(secret.Reveal())
	switch n := utf8.RuneCountInString(text); {
	case !utf8.ValidString(text):
		return errors.New("the password is not valid UTF-8: type another one")
	case n < Shortest:
		return fmt.Errorf("the password has %d characters: choose one of at least %d, for example four words that do not belong together", n, Shortest)
	case len(text) > Longest:
		return fmt.Errorf("the password has %d bytes: choose one of at most %d", len(text), Longest)
	case repeats(text) || runs(text):
		return errors.New("the password repeats or counts through a few characters: choose one that nobody guesses")
	}
	return guessable(text, about)
}

// guessable says that a password is known, or says who somebody is.
func guessable(text string, about []string) error {
	word := fold(text)
	bare := strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) })
	if common()[word] || common()[bare] || common()[plain(word)] {
		return errors.New("the password is one of the most used ones: choose another")
	}
	for _, each := range about {
		for _, known := range names(each) {
			if word == known || bare == known {
				return errors.New("the password is your own name or address: choose another")
			}
		}
	}
	return nil
}

// names are the forms in which an address or a name is used as a password.
func names(text string) []string {
	local, domain, _ := strings.Cut(text, "@")
	all := []string{fold(text), fold(local), fold(domain), fold(local) + fold(local)}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// fold is a password as people vary it: without case, spaces and the marks between
// words.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("-_.", r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
}

// plain takes back the signs that stand for letters.
func plain(word string) string {
	return strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i").Replace(word)
}

// repeats says that a few characters, at most four, are repeated to the end.
func repeats(text string) bool {
	all := []rune(fold(text))
	for period := 1; period <= 4 && period < len(all); period++ {
		same := true
		for i := period; i < len(all) && same; i++ {
			same = all[i] == all[i-period]
		}
		if same {
			return true
		}
	}
	return len(all) < 2
}

// runs says that the characters follow one another, up or down, in the alphabet, in
// the digits or on a keyboard.
func runs(text string) bool {
	word := fold(text)
	for _, row := range []string{"abcdefghijklmnopqrstuvwxyz", "0123456789", "qwertyuiopasdfghjklzxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "qwertzuiopasdfghjklyxcvbnm", "azertyuiopqsdfghjklmwxcvbn"} {
		around := strings.Repeat(row, len(word)/len(row)+2)
		if strings.Contains(around, word) || strings.Contains(around, reversed(word)) {
			return true
		}
	}
	return false
}

func reversed(text string) string {
	all := []rune(text)
	slices.Reverse(all)
	return string(all)
}
