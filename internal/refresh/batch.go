package refresh

import (
	"slices"
	"time"

	"papertrade/pkg/marketdata"
)

// Refreshed is a ticker that counts as refreshed since a time.
type Refreshed struct {
	Ticker marketdata.Ticker
	At     time.Time
}

// Refreshed returns the tickers that count as refreshed, in the order of the batch's prices and each once: those
// with a price that was not refused and is not a backfill. stored is what became of each price.
func (b Batch) Refreshed(stored []StoredPrice) []Refreshed {
	var refreshed []Refreshed
	seen := map[marketdata.Ticker]bool{}
	for i, price := range b.Prices {
		ticker := price.Bar.Ticker
		if price.Backfill || stored[i].Err != nil || seen[ticker] {
			continue
		}
		seen[ticker] = true
		refreshed = append(refreshed, Refreshed{Ticker: ticker, At: price.FetchedAt})
	}
	return refreshed
}

// AllFailures returns the batch's failures, and one for each price that was refused and is not a backfill. stored is
// what became of each price.
func (b Batch) AllFailures(stored []StoredPrice) []Failure {
	failures := slices.Clone(b.Failures)
	for i, price := range b.Prices {
		if !price.Backfill && stored[i].Err != nil {
			failures = append(failures, Failure{Ticker: price.Bar.Ticker, AskedAt: price.FetchedAt})
		}
	}
	return failures
}
