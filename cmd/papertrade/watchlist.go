package main

import (
	"context"
	"slices"
	"strings"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// addToWatchlist makes changes to the watchlist, warns of tickers of which nothing is known, and prints the rows that they concern.
func addToWatchlist(ctx context.Context, inv *invocation, changes []refresh.WatchlistChange) error {
	db, err := openStore(ctx, inv.config, newUnlessExpected)
	if err != nil {
		return err
	}
	defer db.Close()
	var tickers []marketdata.Ticker
	var symbols []string
	for _, change := range changes {
		tickers, symbols = append(tickers, change.Ticker), append(symbols, change.Ticker.String())
	}
	only, err := readableOnly(ctx, inv.config, db)
	if err == nil && only {
		err = refuseUnreadable(tickers)
	}
	if err != nil {
		return err
	}
	known, err := db.KnownSymbols(ctx)
	if err != nil {
		return err
	}
	if err := db.AddToWatchlist(ctx, changes, inv.now()); err != nil {
		return err
	}
	inv.warnOfUnknown(changes, known)
	return printChanged(ctx, inv, db, symbols)
}

// maxWarnings is how many tickers that resemble no other have a warning each: a list of hundreds that is imported has one.
const maxWarnings = 5

// warnOfUnknown says which of the tickers that were added are not among the known symbols, and which of these was probably meant.
func (inv *invocation) warnOfUnknown(changes []refresh.WatchlistChange, known []string) {
	var others []string
	for _, change := range changes {
		similar, isKnown := similarSymbol(change.Ticker, known)
		switch {
		case isKnown:
		case similar == "":
			others = append(others, change.Ticker.String())
		default:
			inv.log.Warn().Msgf("%s: nothing is known of it yet; did you mean %s?", change.Ticker, similar)
		}
	}
	if len(others) > maxWarnings {
		inv.log.Warn().Strs("tickers", others).Msgf("nothing is known of %d tickers yet", len(others))
		return
	}
	for _, symbol := range others {
		inv.log.Warn().Msgf("%s: nothing is known of it yet", symbol)
	}
}

// similarSymbol reports whether a ticker is one of the known symbols, or else returns the first of these that was probably
// meant; "" if there is none.
func similarSymbol(ticker marketdata.Ticker, known []string) (similar string, isKnown bool) {
	for _, symbol := range slices.Sorted(slices.Values(known)) {
		symbol = normalizeSymbol(symbol)
		if symbol == ticker.String() {
			return "", true
		}
		if similar == "" && isSlip(ticker.String(), symbol) {
			similar = symbol
		}
	}
	return similar, false
}

// minSlip is the length from which on a symbol that is like another one is probably a slip: almost any two letters are a ticker.
const minSlip = 3

// isSlip reports whether two symbols differ by one character, which is missing, wrong or swapped with the next one, or by an
// exchange that one of them leaves out.
func isSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b) < minSlip {
		return false
	}
	if len(a) >= minSlip && strings.HasPrefix(b, a) && strings.Contains(b, ".") {
		return true
	}
	for a != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	isSwapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
	return len(b) <= 1 || isSwapped
}

// printChanged prints the rows of some symbols as they are now.
func printChanged(ctx context.Context, inv *invocation, db store, symbols []string) error {
	if !inv.wantsResult() || len(symbols) == 0 && inv.format == "" {
		return nil
	}
	entries, err := db.Watchlist(ctx, true)
	if err != nil {
		return err
	}
	changed := slices.DeleteFunc(entries, func(e refresh.WatchlistEntry) bool {
		return !slices.Contains(symbols, normalizeSymbol(e.Symbol))
	})
	return inv.print(watchlistView(changed))
}
