package probe

import (
	"cmp"
	"slices"
	"strings"
)

// near lists at most three of the paths that a person most likely meant by
// wanted, the closest first: by the letters that differ over the whole path, or
// in its last part alone when that is nearly the same.
func near(wanted string, paths []string) []string {
	type ranked struct {
		path string
		far  int
	}
	var found []ranked
	want := strings.ToLower(strings.Trim(wanted, "/"))
	for _, path := range paths {
		have := strings.ToLower(path)
		whole, last := distance(want, have), distance(name(want), name(have))
		if whole <= max(2, len(want)/4) || last <= max(1, len(name(want))/5) {
			found = append(found, ranked{path, whole + 2*last})
		}
	}
	slices.SortFunc(found, func(a, b ranked) int { return cmp.Or(cmp.Compare(a.far, b.far), cmp.Compare(a.path, b.path)) })
	var out []string
	for _, each := range found[:min(len(found), 3)] {
		out = append(out, each.path)
	}
	return out
}

func name(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// longestPath bounds the work: GitLab's own paths are not longer.
const longestPath = 512

// distance is Levenshtein's: how many letters are to be put in, taken out or
// changed to make b of a.
func distance(a, b string) int {
	x, y := []rune(a[:min(len(a), longestPath)]), []rune(b[:min(len(b), longestPath)])
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(y)]
}
