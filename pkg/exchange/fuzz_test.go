package exchange_test

import (
	"strings"
	"testing"

	"papertrade/pkg/exchange"
)

// maxError is what an error about a text may take, however long the text is.
const maxError = 300

func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"2026-11-20", "0000-01-01", "9999-12-31", "2024-02-29", "2026-02-29", "", "2026-11-20T00:00:00Z", "20261120", strings.Repeat("2", 5000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		date, err := exchange.ParseDate(s)
		if err != nil {
			if len(err.Error()) > maxError {
				t.Fatalf("the error about %d bytes has %d", len(s), len(err.Error()))
			}
			return
		}
		var read exchange.Date
		text, _ := date.MarshalText()
		if err := read.UnmarshalText(text); err != nil || read != date || date.String() != s {
			t.Fatalf("%q is %s, which is read as %s, %v", s, date, read, err)
		}
	})
}

func FuzzForSymbol(f *testing.F) {
	for _, s := range []string{"AAPL", "BRK.B", "TSCO.LON", "600104.SHH", "M&M.BSE", "", ".", "X.", ".LON"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, symbol string) {
		if calendar, _ := exchange.ForSymbol(symbol); calendar == nil {
			t.Fatalf("%q has no calendar", symbol)
		}
	})
}
