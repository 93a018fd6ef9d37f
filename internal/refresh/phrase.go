package refresh

import "fmt"

func countSessions(n int) string { return countOf(n, "session") }

func countOf(n int, noun string) string { return fmt.Sprintf("%d %s%s", n, noun, verb(n, "", "s")) }

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func outOfReach(sessions int) string {
	return countSessions(sessions) + " out of reach: the key's plan has no full series"
}
