package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"papertrade/internal/refresh"
)

// A list that import takes holds each ticker once, and written anew it is the same list. What is wrong with another stands on
// a line of its own.
func FuzzParseWatchlist(f *testing.F) {
	for _, s := range []string{
		"AAPL\nMSFT,90\n", "\ufeffticker,priority\nAAPL,1\n\n# all\n", "AAPL,,\n", "\"AAPL\", \"9\"\n", "\"AAPL\n", "AAPL\naapl\n", "A,101", "A\x00", "=cmd",
		strings.Repeat("A", 5000), "ticker\n", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, content string) {
		changes, err := parseWatchlist("list.csv", strings.NewReader(content))
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if len(line) > 1000 {
					t.Fatalf("a line of the error has %d bytes", len(line))
				}
			}
			return
		}
		seen := map[string]bool{}
		var written strings.Builder
		for change := range changes.all() {
			if seen[change.Ticker.String()] || change.Priority != nil && (*change.Priority < refresh.FirstPriority || *change.Priority > refresh.LastPriority) {
				t.Fatalf("the changes are %+v", slices.Collect(changes.all()))
			}
			seen[change.Ticker.String()] = true
			written.WriteString(change.Ticker.String() + "," + (&priority{change.Priority}).String() + "\n")
		}
		again, err := parseWatchlist("list.csv", strings.NewReader(written.String()))
		if err != nil || again.len() != changes.len() {
			t.Fatalf("written anew of %q it is %q, %v", content, &written, err)
		}
	})
}

// The value of a flag is refused, or it is one whose text stands for it.
func FuzzFlags(f *testing.F) {
	for _, s := range []string{
		"2026-11-20", "2026-11-20T00:00:00+05:30", "0001-01-01", "30d", "260w", "1m", "100", "-1", "192.53", "0.000000000000000001", "1e9", "", "9223372036854775807",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, newFlag := range map[string]func() pflag.Value{
			"at": func() pflag.Value { return &instant{} }, "date": func() pflag.Value { return &date{} },
			"keep": func() pflag.Value { return &retention{} }, "priority": func() pflag.Value { return &priority{} },
			"price": func() pflag.Value { return &price{} }, "volume": func() pflag.Value { return &volume{} },
		} {
			flag, again := newFlag(), newFlag()
			if flag.Set(s) != nil {
				continue
			}
			if err := again.Set(flag.String()); err != nil || again.String() != flag.String() {
				t.Errorf("%s: %q is %q, which is %q, %v", name, s, flag, again, err)
			}
		}
	})
}
