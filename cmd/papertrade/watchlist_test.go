package main

import (
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
	if diff := cmp.Diff([]string{"KO", "APPL"}, unknownSymbols(changes, known)); diff != "" {
		t.Errorf("unknown (-want +got):\n%s", diff)
	}
}
