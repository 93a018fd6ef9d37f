package config

import (
	"fmt"
	"strings"
)

// Nearest is that of the known names which was probably meant by a wrong one; "" where none is like it.
func Nearest(wrong string, known []string) string { return nearest(wrong, known, "") }

// nearest compares what follows the prefix, which the names may have.
func nearest(wrong string, known []string, prefix string) string {
	wrong = strings.TrimPrefix(wrong, prefix)
	best, bestDistance := "", len(wrong)/3+2
	for _, name := range known {
		if d := distance(wrong, strings.TrimPrefix(name, prefix)); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best
}

// suggest says which of the known names was probably meant by a wrong one, or else lists those that
// begin with the prefix.
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

// distance is the number of bytes to insert, delete or replace to make b of a.
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
