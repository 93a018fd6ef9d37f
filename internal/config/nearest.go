package config

import (
	"fmt"
	"strings"
)

// Nearest returns the known name that was probably meant by a wrong one; "" if none is like it.
func Nearest(wrong string, known []string) string { return nearest(wrong, known, "") }

// nearest compares what follows the prefix, which the names may have.
func nearest(wrong string, known []string, prefix string) string {
	return within(len(strings.TrimPrefix(wrong, prefix))/3+1, wrong, known, prefix)
}

// nearestPart returns the known name that was probably meant by a part of a wrong one. A part is often a short word of
// its own, so it must be closer than a whole name.
func nearestPart(wrong string, known []string) string { return within(len(wrong)/3, wrong, known, "") }

// within returns the nearest of those known names that are not further from a wrong one than a limit.
func within(limit int, wrong string, known []string, prefix string) string {
	wrong = strings.TrimPrefix(wrong, prefix)
	best, bestDistance := "", limit+1
	for _, name := range known {
		if d := distance(wrong, strings.TrimPrefix(name, prefix)); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best
}

// suggest returns a hint: the known name that was probably meant by a wrong one, or else a list of those
// that begin with the prefix.
func suggest(wrong string, known []string, prefix string) string {
	if best := nearest(wrong, known, prefix); best != "" {
		return didYouMean(best)
	}
	var names []string
	for _, name := range known {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return "there are " + strings.Join(names, ", ")
}

func didYouMean(name string) string { return fmt.Sprintf("did you mean %s?", name) }

// distance returns how many bytes must be inserted, deleted or replaced to turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
