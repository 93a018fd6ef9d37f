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
	only, err := readableOnly(ctx, inv.config, db)
	if err == nil && only {
		err = refuseUnreadable(tickersOf(changes))
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
	if !inv.wantsResult() {
		return nil
	}
	return printChanged(ctx, inv, db, changedSymbols(changes))
}

func tickersOf(changes []refresh.WatchlistChange) (tickers []marketdata.Ticker) {
	for _, change := range changes {
		tickers = append(tickers, change.Ticker)
	}
	return tickers
}

func changedSymbols(changes []refresh.WatchlistChange) (symbols []string) {
	for _, change := range changes {
		symbols = append(symbols, change.Ticker.String())
	}
	return symbols
}

// maxWarnings is how many tickers that resemble no other have a warning each: a list of hundreds that is imported has one.
const maxWarnings = 5

// maxNamed is how many tickers one warning names.
const maxNamed = 100

// maxComparisons keeps a list that no hand has typed from taking minutes in search of slips of the hand.
const maxComparisons = 10_000_000

// warnOfUnknown says which of the tickers that were added are not among the known symbols, and which of these was probably meant.
func (inv *invocation) warnOfUnknown(changes []refresh.WatchlistChange, known []string) {
	known = normalizeSymbols(known)
	unknown := unknownSymbols(changes, known)
	if len(unknown)*len(known) > maxComparisons {
		known = nil
	}
	var others []string
	for _, symbol := range unknown {
		if similar := similarSymbol(symbol, known); similar != "" {
			inv.log.Warn().Msgf("%s: nothing is known of it yet; did you mean %s?", symbol, similar)
		} else {
			others = append(others, symbol)
		}
	}
	if len(others) > maxWarnings {
		inv.log.Warn().Strs("tickers", others[:min(len(others), maxNamed)]).Msgf("nothing is known of %d tickers yet", len(others))
		return
	}
	for _, symbol := range others {
		inv.log.Warn().Msgf("%s: nothing is known of it yet", symbol)
	}
}

// normalizeSymbols returns symbols as tickers are written, in their order, each once.
func normalizeSymbols(symbols []string) []string {
	all := make([]string, len(symbols))
	for i, symbol := range symbols {
		all[i] = normalizeSymbol(symbol)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// unknownSymbols returns the tickers of changes that are not among the known symbols, which are sorted.
func unknownSymbols(changes []refresh.WatchlistChange, known []string) (unknown []string) {
	for _, change := range changes {
		if _, isKnown := slices.BinarySearch(known, change.Ticker.String()); !isKnown {
			unknown = append(unknown, change.Ticker.String())
		}
	}
	return unknown
}

// similarSymbol returns the first of the known symbols that was probably meant by another one; "" if there is none.
func similarSymbol(symbol string, known []string) string {
	for _, candidate := range known {
		if isSlip(symbol, candidate) {
			return candidate
		}
	}
	return ""
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
	asked := make(map[string]bool, len(symbols))
	for _, symbol := range symbols {
		asked[symbol] = true
	}
	changed := slices.DeleteFunc(entries, func(e refresh.WatchlistEntry) bool { return !asked[normalizeSymbol(e.Symbol)] })
	return inv.print(watchlistView(changed))
}
