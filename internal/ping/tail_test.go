package ping_test

import (
	"fmt"
	"strings"
	"testing"

	"papertrade/internal/ping"
)

func TestTailKeepsTheLastLines(t *testing.T) {
	var tail ping.Tail
	if got := tail.String(); got != "" {
		t.Errorf("%q, want nothing", got)
	}
	for i := range 100_000 {
		fmt.Fprintf(&tail, "line %d\n", i)
		if i == 1 && tail.String() != "line 0\nline 1\n" {
			t.Errorf("%q, want all", tail.String())
		}
	}
	got := tail.String()
	if len(got) > ping.MaxLog || len(got) < ping.MaxLog-len("line 99999\n") {
		t.Errorf("%d bytes", len(got))
	}
	first, _, _ := strings.Cut(got, "\n")
	if !strings.HasPrefix(first, "line ") || !strings.HasSuffix(got, "\nline 99998\nline 99999\n") {
		t.Errorf("from %q to %q", first, got[len(got)-30:])
	}
}

func TestTailOfOneLongLine(t *testing.T) {
	var tail ping.Tail
	fmt.Fprint(&tail, strings.Repeat("x", 3*ping.MaxLog), "y\n")
	if got := tail.String(); len(got) != ping.MaxLog || !strings.HasSuffix(got, "xy\n") {
		t.Errorf("%d bytes that end with %q", len(got), got[len(got)-5:])
	}
}
