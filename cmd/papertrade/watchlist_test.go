package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

func TestSimilarSymbol(t *testing.T) {
	known := normalizeSymbols([]string{"TSLA", " aapl", "AMZN", "GOOGL", "META", "MSFT", "T", "IBM", "BRK.B", "TSCO.LON", "VOD.LON", "AAPL"})
	for added, want := range map[string]string{
		"APPL": "AAPL", "AAP": "AAPL", "AAPLE": "AAPL", "MSTF": "MSFT", "GOGL": "GOOGL", "IBN": "IBM",
		"BRKB": "BRK.B", "BRK-B": "BRK.B", "BRK": "BRK.B", "TSCO": "TSCO.LON", "TSCO.L": "TSCO.LON", "TSCO.LONX": "TSCO.LON",
		"KO": "", "V": "", "AMD": "", "AZN.LON": "", "NFLX": "", "TS": "", "GOGLO": "",
	} {
		if got := similarSymbol(added, known); got != want {
			t.Errorf("%s: %q, want %q", added, got, want)
		}
	}
	if got := similarSymbol("AAPL", nil); got != "" {
		t.Errorf("%q, want none where nothing is known", got)
	}
	var changes []refresh.WatchlistChange
	for _, symbol := range []string{"AAPL", "KO", "T", "BRK.B", "APPL"} {
		changes = append(changes, refresh.WatchlistChange{Ticker: marketdata.MustParseTicker(symbol)})
	}
	if diff := cmp.Diff([]string{"KO", "APPL"}, slices.Collect(unknownSymbols(slices.Values(changes), known))); diff != "" {
		t.Errorf("unknown (-want +got):\n%s", diff)
	}
}

// A list of a million tickers is held in 40 MB: what a change takes by itself, and its place in a slice, would be twice that.
func TestLongListIsPacked(t *testing.T) {
	const n, maxBytes = 200_000, 40
	var content strings.Builder
	for i := range n {
		fmt.Fprintf(&content, "T%07d,%d\n", i, i%100+1)
	}
	inUse := func() int {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int(stats.HeapAlloc)
	}
	before := inUse()
	changes, err := parseWatchlist("list.csv", strings.NewReader(content.String()))
	if err != nil {
		t.Fatal(err)
	}
	if took := (inUse() - before) / n; took > maxBytes {
		t.Errorf("%d bytes per ticker, want %d at most", took, maxBytes)
	}
	i := 0
	for change := range changes.all() {
		if change.Ticker.String() != fmt.Sprintf("T%07d", i) || *change.Priority != i%100+1 {
			t.Fatalf("change %d is %v", i, change)
		}
		i++
	}
	if i != n {
		t.Errorf("%d changes, want %d", i, n)
	}
}
