package main

import (
	"testing"

	"papertrade/pkg/marketdata"
)

func TestSimilarSymbol(t *testing.T) {
	known := []string{"TSLA", " aapl", "AMZN", "GOOGL", "META", "MSFT", "T", "IBM", "BRK.B", "TSCO.LON", "VOD.LON"}
	for added, want := range map[string]string{
		"APPL": "AAPL", "AAP": "AAPL", "AAPLE": "AAPL", "MSTF": "MSFT", "GOGL": "GOOGL", "IBN": "IBM",
		"BRKB": "BRK.B", "BRK-B": "BRK.B", "BRK": "BRK.B", "TSCO": "TSCO.LON", "TSCO.L": "TSCO.LON", "TSCO.LONX": "TSCO.LON",
		"KO": "", "V": "", "AMD": "", "AZN.LON": "", "NFLX": "", "TS": "", "GOGLO": "",
	} {
		if got, isKnown := similarSymbol(marketdata.MustParseTicker(added), known); got != want || isKnown {
			t.Errorf("%s: %q, known %t; want %q and unknown", added, got, isKnown, want)
		}
	}
	for _, symbol := range []string{"AAPL", "T", "BRK.B"} {
		if got, isKnown := similarSymbol(marketdata.MustParseTicker(symbol), known); got != "" || !isKnown {
			t.Errorf("%s: %q, known %t; want it known", symbol, got, isKnown)
		}
	}
	if got, isKnown := similarSymbol(marketdata.MustParseTicker("AAPL"), nil); got != "" || isKnown {
		t.Errorf("%q, known %t; want it unknown where nothing is known", got, isKnown)
	}
}
