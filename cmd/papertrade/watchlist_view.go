package main

import (
	"strconv"
	"time"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

type watchlistEntry struct {
	Ticker                 string    `json:"ticker"`
	Priority               int       `json:"priority"`
	RefreshIntervalSeconds int64     `json:"refresh_interval_seconds"`
	IsActive               bool      `json:"is_active"`
	LastRefreshAt          time.Time `json:"last_refresh_at,omitzero"`
	NextRefreshAt          time.Time `json:"next_refresh_at,omitzero"`
}

func watchlistView(entries []refresh.WatchlistEntry) result {
	list := []watchlistEntry{}
	t := table{columns: []string{"ticker", "priority", "refresh_interval_seconds", "is_active", "last_refresh_at", "next_refresh_at"}}
	var plain []string
	for _, e := range entries {
		seconds := int64(e.RefreshInterval.Seconds())
		list = append(list, watchlistEntry{e.Symbol, e.Priority, seconds, e.IsActive, e.LastRefreshAt, e.NextRefreshAt})
		t.rows = append(t.rows, []string{
			e.Symbol, strconv.Itoa(e.Priority), strconv.FormatInt(seconds, 10), strconv.FormatBool(e.IsActive),
			formatTime(e.LastRefreshAt), formatTime(e.NextRefreshAt),
		})
		plain = append(plain, e.Symbol)
	}
	text := section{table: t}
	if len(list) == 0 {
		text.summary = "The watchlist is empty: add tickers with 'papertrade watchlist add TICKER…'."
	}
	return result{json: list, csv: t, plain: plain, text: []section{text}}
}

// exportView is CSV that watchlist import reads; skipped are the rows that it would refuse.
func exportView(entries []refresh.WatchlistEntry) (view result, skipped []refresh.SkippedRow) {
	view.csv.columns = []string{"ticker", "priority"}
	for _, e := range entries {
		ticker, err := marketdata.ParseTicker(e.Symbol)
		if err != nil {
			skipped = append(skipped, refresh.SkippedRow{Source: refresh.SourceWatchlist, Symbol: e.Symbol, Err: err})
			continue
		}
		view.csv.rows = append(view.csv.rows, []string{ticker.String(), strconv.Itoa(e.Priority)})
	}
	return view, skipped
}
