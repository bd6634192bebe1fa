package page

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
)

// counted is a number of things in words: "1 finding", "12,000 findings".
func counted(n int, one, many string) string {
	number, _, _ := strings.Cut(money.Show(decimal.NewFromInt(int64(n)), ""), ".")
	if n == 1 {
		return number + " " + one
	}
	return number + " " + many
}

// left is how long it is from now to then in words, whole days rounded down.
func left(now, then time.Time) string {
	switch gap := then.Sub(now); {
	case gap <= 0:
		return "expired"
	case gap < 24*time.Hour:
		return "less than a day left"
	default:
		return counted(int(gap/(24*time.Hour)), "day left", "days left")
	}
}

// first is text, or what to say where there is none.
func first(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// capital is text as a sentence begins.
func capital(text string) string {
	if text == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}
