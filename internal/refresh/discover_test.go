package refresh

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func TestMergeMentions(t *testing.T) {
	traded := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	active, skipped := Discovery{}.mergeMentions([]Mention{
		{Source: SourceTransactions, Symbol: " aapl ", LastTradedAt: traded.Add(-time.Hour)},
		{Source: SourceTransactions, Symbol: "AAPL", LastTradedAt: traded},
		{Source: SourceTransactions, Symbol: "$$$"},
		{Source: SourceTransactions, Symbol: ""},
		{Source: SourceWatchlist, Symbol: "AAPL", Priority: 7},
		{Source: SourceWatchlist, Symbol: "BRK.B", Priority: 90},
		{Source: SourceWatchlist, Symbol: "ZERO", Priority: 0},
		{Source: SourceWatchlist, Symbol: "zero", Priority: 50},
		{Source: SourceWatchlist, Symbol: "LESS", Priority: -3},
		{Source: SourceHoldings, Symbol: "BF-B"},
		{Source: SourceWatchlist, Symbol: "ab$"},
		{Source: SourceTransactions, Symbol: "ab$ "},
		{Source: SourceHoldings, Symbol: "AB$"},
	})
	want := []ActiveTicker{
		{Ticker: marketdata.MustParseTicker("AAPL"), Sources: []Source{SourceWatchlist, SourceTransactions}, Priority: 7, LastTradedAt: traded},
		{Ticker: marketdata.MustParseTicker("BRK.B"), Sources: []Source{SourceWatchlist}, Priority: 90},
		{Ticker: marketdata.MustParseTicker("ZERO"), Sources: []Source{SourceWatchlist}, Priority: FirstPriority},
		{Ticker: marketdata.MustParseTicker("LESS"), Sources: []Source{SourceWatchlist}, Priority: FirstPriority},
		{Ticker: marketdata.MustParseTicker("BF-B"), Sources: []Source{SourceHoldings}, Priority: DefaultPriority},
	}
	if diff := cmp.Diff(want, active, cmp.AllowUnexported(marketdata.Ticker{})); diff != "" {
		t.Errorf("active (-want +got):\n%s", diff)
	}
	var rows []SkippedRow
	for _, row := range skipped {
		rows = append(rows, SkippedRow{Source: row.Source, Symbol: row.Symbol})
	}
	wantRows := []SkippedRow{
		{Source: SourceTransactions, Symbol: "$$$"}, {Source: SourceTransactions, Symbol: ""},
		{Source: SourceWatchlist, Symbol: "ab$"}, {Source: SourceTransactions, Symbol: "ab$ "},
	}
	if diff := cmp.Diff(wantRows, rows); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
}

// The predecessor lost this order in a set.
func TestSortForRun(t *testing.T) {
	day := exchange.Date{Year: 2026, Month: time.November, Day: 19}
	ticker := func(symbol string, priority int, last exchange.Date) ActiveTicker {
		return ActiveTicker{Ticker: marketdata.MustParseTicker(symbol), Priority: priority, State: State{LastSession: last}}
	}
	active := []ActiveTicker{
		ticker("B", 100, day), ticker("NEW", 100, exchange.Date{}), ticker("A", 100, day),
		ticker("OLD", 100, day.AddDays(-1)), ticker("Z", 1, day.AddDays(1)),
	}
	sortForRun(active)
	var got []string
	for _, a := range active {
		got = append(got, a.Ticker.String())
	}
	if diff := cmp.Diff([]string{"Z", "NEW", "OLD", "A", "B"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
