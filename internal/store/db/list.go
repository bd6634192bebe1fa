package db

import (
	"slices"
	"strconv"
	"strings"
)

// MostListed is how many values one statement may list.
const MostListed = 256

// Padded repeats the last value until there are as many as one of few lengths, so
// that statements which list values have few texts: each is prepared once and kept.
// For lists in which a repeated value changes nothing; of at most MostListed.
func Padded[T any](values []T) []T {
	lengths := [...]int{1, 4, 16, 64, MostListed}
	for _, n := range lengths {
		if len(values) > 0 && len(values) <= n {
			return append(slices.Clip(values), slices.Repeat(values[len(values)-1:], n-len(values))...)
		}
	}
	return values
}

// Parameters is "$first,$first+1,…", n of them.
func Parameters(first, n int) string {
	var out strings.Builder
	for i := range n {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("$" + strconv.Itoa(first+i))
	}
	return out.String()
}
