package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"papertrade/internal/config"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// addToWatchlist makes changes to the watchlist, warns of tickers of which nothing is known, and prints the rows that they concern.
func addToWatchlist(ctx context.Context, inv *invocation, changes iter.Seq[refresh.WatchlistChange]) error {
	db, err := openPatiently(ctx, inv, func(ctx context.Context, c *config.Config) (store, error) {
		return openStore(ctx, c, newUnlessExpected)
	})
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
	inv.warnOfUnknown(changes, known) // now, so that a long list of them is not held while a long list is added
	if err := db.AddToWatchlist(ctx, changes, inv.now()); err != nil {
		return err
	}
	return printAdded(ctx, inv, db, changes)
}

// maxPrinted is how many rows people see of those that a command has changed: of a longer list they want to know that it is there.
const maxPrinted = 1000

// printAdded prints the rows of tickers as they are now, or how many they are.
func printAdded(ctx context.Context, inv *invocation, db store, changes iter.Seq[refresh.WatchlistChange]) error {
	if !inv.wantsResult() {
		return nil
	}
	if n := length(changes); n > maxPrinted && inv.format == "" {
		return inv.print(result{text: []section{{
			summary: fmt.Sprintf("%d tickers are on the watchlist now: 'papertrade watchlist' lists them.", n),
		}}})
	}
	var symbols []string
	for change := range changes {
		symbols = append(symbols, change.Ticker.String())
	}
	return printChanged(ctx, inv, db, symbols)
}

func length[T any](all iter.Seq[T]) (n int) {
	for range all {
		n++
	}
	return n
}

func tickersOf(changes iter.Seq[refresh.WatchlistChange]) iter.Seq[marketdata.Ticker] {
	return func(yield func(marketdata.Ticker) bool) {
		for change := range changes {
			if !yield(change.Ticker) {
				return
			}
		}
	}
}

// maxWarnings is how many tickers that resemble no other have a warning each: a list of hundreds that is imported has one.
const maxWarnings = 5

// maxNamed is how many tickers one warning names.
const maxNamed = 100

// maxComparisons keeps a list that no hand has typed from taking minutes in search of slips of the hand.
const maxComparisons = 10_000_000

// warnOfUnknown says which of the tickers that are to be added are not among the known symbols, and which of these was probably meant.
func (inv *invocation) warnOfUnknown(changes iter.Seq[refresh.WatchlistChange], known []string) {
	known = normalizeSymbols(known)
	unknown := unknownSymbols(changes, known)
	candidates := known
	if length(unknown)*len(known) > maxComparisons {
		candidates = nil
	}
	var others []string // the first of them
	n := 0
	for symbol := range unknown {
		if similar := similarSymbol(symbol, candidates); similar != "" {
			inv.log.Warn().Msgf("%s: nothing is known of it yet; did you mean %s?", symbol, similar)
			continue
		}
		n++
		if len(others) < maxNamed {
			others = append(others, symbol)
		}
	}
	if n > maxWarnings {
		inv.log.Warn().Strs("tickers", others).Msgf("nothing is known of %d tickers yet", n)
		return
	}
	for _, symbol := range others {
		inv.log.Warn().Msgf("%s: nothing is known of it yet", symbol)
	}
}

// normalizeSymbols returns symbols as tickers are written, in their order, each once. It changes what it is given: there can be
// many.
func normalizeSymbols(symbols []string) []string {
	for i, symbol := range symbols {
		symbols[i] = normalizeSymbol(symbol)
	}
	slices.Sort(symbols)
	return slices.Compact(symbols)
}

// unknownSymbols returns the tickers of changes that are not among the known symbols, which are sorted.
func unknownSymbols(changes iter.Seq[refresh.WatchlistChange], known []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for change := range changes {
			symbol := change.Ticker.String()
			if _, isKnown := slices.BinarySearch(known, symbol); !isKnown && !yield(symbol) {
				return
			}
		}
	}
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
