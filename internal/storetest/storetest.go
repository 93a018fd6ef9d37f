// Package storetest specifies what every store must do, as one suite of tests that each store runs on each
// kind of database that it supports.
package storetest

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// Store is the interface that every store implements.
type Store interface {
	refresh.Store
	refresh.PruneStore
	quota.Ledger
	AddToWatchlist(ctx context.Context, changes iter.Seq[refresh.WatchlistChange], at time.Time) error
	RemoveFromWatchlist(ctx context.Context, symbols []string, at time.Time) (missing []string, err error)
	KnownSymbols(ctx context.Context) ([]string, error)
	HasApplication(ctx context.Context) (bool, error)
	Runs(ctx context.Context, q refresh.RunQuery) ([]refresh.RunRecord, error)
	Locked(ctx context.Context, job string) (*refresh.Holder, error)
	Close() error
}

// Database is a new database whose tables are up to date, with ways to access it without the store.
type Database struct {
	// Open opens the database once more; the store is closed with the test.
	Open func(t *testing.T) Store
	// Exec runs a statement that is valid in every SQL dialect, with timestamps in UTC.
	Exec func(t *testing.T, statement string)
	// Texts reads a single column of text.
	Texts func(t *testing.T, query string) []string
	// KeepsZeros means that a price keeps its trailing zeros.
	KeepsZeros bool
	// Narrow means that prices have two decimals and tickers ten characters, and that more is refused.
	Narrow bool
	// SharesTasks means that several processes may process the application's tasks at the same time.
	SharesTasks bool
}

// Run tests a store. Each test has a database of its own, from create. The program and the server
// should run in a time zone that is far from UTC.
func Run(t *testing.T, create func(t *testing.T) Database) {
	tests := []struct {
		name string
		test func(t *testing.T, db Database)
	}{
		{"mentions of the watchlist", mentionsOfWatchlist},
		{"mentions of transactions", mentionsOfTransactions},
		{"mentions of holdings", mentionsOfHoldings},
		{"mentions of several sources", mentionsOfSeveralSources},
		{"known symbols", knownSymbols},
		{"tables of the application", tablesOfApplication},
		{"states", states},
		{"states of many tickers", statesOfManyTickers},
		{"bars", bars},
		{"bars keep every digit", barsKeepDigits},
		{"bars of one session", barsOfOneSession},
		{"bars within bounds", barsWithinBounds},
		{"bars that a person set", barsSetByPerson},
		{"incomplete bars", incompleteBars},
		{"incomplete bar beside another", incompleteBarBesideAnother},
		{"batch", batch},
		{"batch keeps every digit", batchKeepsDigits},
		{"batch wipes nothing", batchWipesNothing},
		{"batch without a refused row", batchWithoutRefusedRow},
		{"batch refused for its width", batchRefusedForWidth},
		{"batch marks the watchlist", batchMarksWatchlist},
		{"batch is all or nothing", batchIsAllOrNothing},
		{"batch of no run", batchOfNoRun},
		{"batch keeps failures", batchKeepsFailures},
		{"batch of a backfill", batchOfBackfill},
		{"batch updates a row that is known", batchUpdatesRow},
		{"batch clears a range", batchClearsRange},
		{"batch relabels a row", batchRelabelsRow},
		{"batch keeps findings", batchKeepsFindings},
		{"held bars", heldBars},
		{"held bar is replaced", heldBarIsReplaced},
		{"states have held bars", statesHaveHeldBars},
		{"lateness", lateness},
		{"when a ticker was first active", firstActive},
		{"tasks", tasks},
		{"tasks in capitals", tasksInCapitals},
		{"tasks that are excepted", tasksThatAreExcepted},
		{"tasks of few tickers", tasksOfFewTickers},
		{"tasks of a later clock", tasksOfLaterClock},
		{"tasks of several processes", tasksOfSeveralProcesses},
		{"commits of several processes", commitsOfSeveralProcesses},
		{"ledger knows of entitlement", ledgerKnowsEntitlement},
		{"ledger", ledger},
		{"ledger of several accounts", ledgerOfSeveralAccounts},
		{"ledger takes turns", ledgerTakesTurns},
		{"runs", runs},
		{"all is written again", writtenAgain},
		{"dead runs", deadRuns},
		{"dead runs of a later clock", deadRunsOfLaterClock},
		{"runs of the application", runsOfApplication},
		{"last run", lastRun},
		{"newest runs", newestRuns},
		{"lock", lock},
		{"table is missing", tableMissing},
		{"run is refused", runRefused},
		{"bugs are not errors of the database", bugs},
		{"prune", prune},
		{"prune keeps", pruneKeeps},
		{"prune of whole sessions", pruneWholeSessions},
		{"prune takes turns", pruneTakesTurns},
		{"prune of a block", pruneBlock},
		{"prune of runs", pruneRuns},
		{"prune of some runs", pruneSomeRuns},
		{"prune of held bars", pruneHeld},
		{"watchlist", watchlist},
		{"first watchlist", firstWatchlist},
		{"watchlist with dirty rows", watchlistWithDirtyRows},
		{"watchlist of a removed ticker", watchlistOfRemovedTicker},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.test(t, create(t)) })
	}
}

// midnight is when the runs of these tests start.
var midnight = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

func tickers(symbols ...string) []marketdata.Ticker {
	var all []marketdata.Ticker
	for _, symbol := range symbols {
		all = append(all, marketdata.MustParseTicker(symbol))
	}
	return all
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T any](t *testing.T, got, want T) {
	t.Helper()
	sameTicker := cmp.Comparer(func(a, b marketdata.Ticker) bool { return a == b })
	if diff := cmp.Diff(want, got, sameTicker); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
