package refresh

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/pkg/marketdata"
)

// Rows that name the same ticker are one entry, as urgent and as early as the first of them.
func TestMergeEntries(t *testing.T) {
	noon, two := instant(20, 12), instant(20, 14)
	entry := func(symbol string, priority int, next time.Time) intradayEntry {
		return intradayEntry{
			ActiveTicker: ActiveTicker{Ticker: marketdata.MustParseTicker(symbol), Sources: []Source{SourceWatchlist}, Priority: priority},
			next:         next,
		}
	}
	for _, tt := range []struct {
		name    string
		list    []WatchlistEntry
		want    []intradayEntry
		skipped []string
	}{
		{"two spellings", []WatchlistEntry{{Symbol: "AAPL", Priority: 100, NextRefreshAt: noon}, {Symbol: " aapl ", Priority: 7, NextRefreshAt: two}},
			[]intradayEntry{entry("AAPL", 7, noon)}, nil},
		{"one of which was never refreshed", []WatchlistEntry{{Symbol: "brk.b", Priority: 7, NextRefreshAt: noon}, {Symbol: "BRK.B", Priority: 8}},
			[]intradayEntry{entry("BRK.B", 7, time.Time{})}, nil},
		{"below the first priority", []WatchlistEntry{{Symbol: "A", Priority: 1}, {Symbol: "C", Priority: 2}, {Symbol: "Z", Priority: 0, NextRefreshAt: noon}, {Symbol: "B", Priority: -3}},
			[]intradayEntry{entry("A", 1, time.Time{}), entry("B", 1, time.Time{}), entry("Z", 1, noon), entry("C", 2, time.Time{})}, nil},
		{"two that are not tickers", []WatchlistEntry{{Symbol: "$$$"}, {Symbol: "A", Priority: 150}, {Symbol: ""}},
			[]intradayEntry{entry("A", 150, time.Time{})}, []string{"$$$", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, rows := Discovery{}.mergeEntries(tt.list)
			var skipped []string
			for _, row := range rows {
				skipped = append(skipped, row.Symbol)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(marketdata.Ticker{}, intradayEntry{})); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.skipped, skipped); diff != "" {
				t.Errorf("skipped (-want +got):\n%s", diff)
			}
		})
	}
}
