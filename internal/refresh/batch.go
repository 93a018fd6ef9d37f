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

// Refreshed returns the tickers that count as refreshed, in the order of the batch's prices and each once: those whose newest
// price was not refused and is not a backfill. stored is what became of each price.
func (b Batch) Refreshed(stored []StoredPrice) []Refreshed {
	newest := map[marketdata.Ticker]int{}
	for i, price := range b.Prices {
		ticker := price.Bar.Ticker
		if j, found := newest[ticker]; !price.Backfill && (!found || !price.Timestamp.Before(b.Prices[j].Timestamp)) {
			newest[ticker] = i
		}
	}
	var refreshed []Refreshed
	for i, price := range b.Prices {
		if j, found := newest[price.Bar.Ticker]; found && i == j && stored[i].Err == nil {
			refreshed = append(refreshed, Refreshed{Ticker: price.Bar.Ticker, At: price.FetchedAt})
		}
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
