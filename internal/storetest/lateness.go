package storetest

import (
	"slices"
	"testing"
	"time"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// What answers lacked is kept until the next one, and forgotten when the ticker is added to the watchlist again.
func lateness(t *testing.T, db Database) {
	store := db.Open(t)
	aapl := tickers("AAPL")[0]
	state := func() refresh.State {
		t.Helper()
		states, err := store.States(t.Context(), []marketdata.Ticker{aapl})
		noError(t, err)
		return states[aapl]
	}
	for _, late := range []refresh.Lateness{
		{Session: friday, Sessions: 3, Checks: 2, Repeats: 1}, {Session: friday, Sessions: 3, Checks: 3, Repeats: 5}, {},
		{Session: thursday, Sessions: 1, Checks: 1, Repeats: 1},
	} {
		commitAll(t, store, refresh.Batch{Late: []refresh.TickerLateness{{Ticker: aapl, Lateness: late}}})
		if got := state().Late; got != late {
			t.Errorf("%+v, want %+v", got, late)
		}
	}
	noError(t, store.AddToWatchlist(t.Context(), slices.Values([]refresh.WatchlistChange{{Ticker: aapl}}), midnight))
	if got := state().Late; got != (refresh.Lateness{}) {
		t.Errorf("%+v after it was added to the watchlist", got)
	}
}

// When a ticker was first seen active is written down once, until it is added to the watchlist again, unless it turns out to
// have been earlier: a clock was wrong.
func firstActive(t *testing.T, db Database) {
	store := db.Open(t)
	all := tickers("AAPL", "ZM")
	noError(t, store.NoteActive(t.Context(), all[:1], midnight.AddDate(1, 0, 0)))
	noError(t, store.NoteActive(t.Context(), all[:1], midnight))
	noError(t, store.NoteActive(t.Context(), all, midnight.Add(time.Hour)))
	noError(t, store.NoteActive(t.Context(), nil, midnight.Add(2*time.Hour)))
	states, err := store.States(t.Context(), all)
	noError(t, err)
	for i, want := range []time.Time{midnight, midnight.Add(time.Hour)} {
		if got := states[all[i]].FirstActiveAt; !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s: %s, want %s", all[i], got, want)
		}
	}
	noError(t, store.AddToWatchlist(t.Context(), slices.Values([]refresh.WatchlistChange{{Ticker: all[0]}}), midnight))
	states, err = store.States(t.Context(), all)
	noError(t, err)
	equal(t, []bool{states[all[0]].FirstActiveAt.IsZero(), states[all[1]].FirstActiveAt.IsZero()}, []bool{true, false})
}
