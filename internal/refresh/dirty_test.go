package refresh_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/fakevantage"
	"papertrade/internal/refresh"
)

// Rows of the watchlist that name one ticker, or none, and priorities below the first one, fare the same in each kind of
// run.
func TestADirtyWatchlist(t *testing.T) {
	for _, tt := range []struct {
		kind refresh.Kind
		at   time.Time
	}{
		{refresh.Scheduled, midnight()},
		{refresh.Intraday, time.Date(2026, 11, 20, 19, 0, 0, 0, time.UTC)},
	} {
		synctest.Test(t, func(t *testing.T) {
			now := func() time.Time { return tt.at }
			vendor := fakevantage.New(fakevantage.Options{Now: now})
			j := fast(t, vendor)
			j.Now = now
			j.Discovery.Sources = []refresh.Source{refresh.SourceWatchlist, refresh.SourceTransactions, refresh.SourceHoldings}
			execSQL(t, j, `delete from ticker_watchlist where ticker not in ('AAPL', 'TSLA', 'META')`)
			execSQL(t, j, `insert into ticker_watchlist (ticker, priority) values (' aapl', 0), ('META ', 1), ('$$$', 5)`)
			execSQL(t, j, `insert into transactions
				(id, portfolio_id, transaction_type, "timestamp", cash_change_amount, cash_change_currency, ticker, quantity, created_at)
				values ('1', 'p', 'BUY', '2026-11-19 12:00:00', 1, 'USD', 'ab$', 1, '2026-11-19 12:00:00')`)
			var skipped []string
			j.Observe = func(e refresh.Event) {
				if row, is := e.(refresh.RowSkipped); is {
					skipped = append(skipped, fmt.Sprintf("%s %s", row.Source, row.Symbol))
				}
			}
			report, err := run(t.Context(), t, j, refresh.Options{Kind: tt.kind})
			if want := (refresh.Counts{Active: 3, Planned: 3, Refreshed: 3}); err != nil || report.Counts != want {
				t.Errorf("%+v, %v; want %+v", report.Counts, err, want)
			}
			var asked []string
			for _, a := range vendor.Arrivals() {
				asked = append(asked, a.Symbols...)
			}
			if diff := cmp.Diff([]string{"AAPL", "META", "TSLA"}, asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			slices.Sort(skipped)
			if diff := cmp.Diff([]string{"transactions ab$", "watchlist $$$"}, skipped); diff != "" {
				t.Errorf("skipped (-want +got):\n%s", diff)
			}
			// Each row has its own interval.
			if left := texts(t, j, `select count(*) from ticker_watchlist where ticker <> '$$$' and next_refresh_at is null`); left[0] != "0" {
				t.Errorf("%s rows were not refreshed", left[0])
			}
		})
	}
}
