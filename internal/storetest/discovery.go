package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func mentionsOfWatchlist(t *testing.T, db Database) {
	store := db.Open(t)
	db.Exec(t, `delete from ticker_watchlist`)
	db.Exec(t, `insert into ticker_watchlist (ticker, priority, refresh_interval_seconds, is_active, created_at, updated_at) values
		('MSFT', 100, 300, true, '2026-01-01', '2026-01-01'),
		(' aapl ', 100, 300, true, '2026-01-01', '2026-01-01'),
		('$$$', 5, 300, true, '2026-01-01', '2026-01-01'),
		('META', 1, 300, false, '2026-01-01', '2026-01-01')`)
	got, err := store.Mentions(t.Context(), refresh.DiscoveryQuery{Sources: []refresh.Source{refresh.SourceWatchlist}})
	noError(t, err)
	equal(t, got, []refresh.Mention{
		{Source: refresh.SourceWatchlist, Symbol: "$$$", Priority: 5},
		{Source: refresh.SourceWatchlist, Symbol: " aapl ", Priority: 100},
		{Source: refresh.SourceWatchlist, Symbol: "MSFT", Priority: 100},
	})
}

// trade is a row of transactions; an empty ticker is NULL.
type trade struct {
	kind, ticker, quantity, at string
	portfolio                  int
}

func (db Database) insertTrades(t *testing.T, trades ...trade) {
	t.Helper()
	for i, trade := range trades {
		ticker := "null"
		if trade.ticker != "" {
			ticker = "'" + trade.ticker + "'"
		}
		db.Exec(t, fmt.Sprintf(`insert into transactions
			(id, portfolio_id, transaction_type, "timestamp", cash_change_amount, cash_change_currency, ticker, quantity, created_at)
			values ('00000000-0000-0000-0000-%012d', '00000000-0000-0000-0000-%012d', '%s', '%s', 1, 'USD', %s, %s, '2026-01-01 00:00:00')`,
			i+1, trade.portfolio, trade.kind, trade.at, ticker, trade.quantity))
	}
}

func mentionsOfTransactions(t *testing.T, db Database) {
	store := db.Open(t)
	db.insertTrades(t,
		trade{"BUY", "EARLY", "1", "2026-10-21 23:59:59.000000", 1},
		trade{"BUY", "FIRST", "1", "2026-10-22 00:00:00.000000", 1},
		trade{"BUY", "LAST", "1", "2026-11-21 00:00:00.000000", 1},
		trade{"BUY", "LATE", "1", "2026-11-21 00:00:01.000000", 1},
		trade{"BUY", " ibm", "1", "2026-11-01 12:00:00.000000", 1},
		trade{"BUY", "IBM", "1", "2026-11-02 12:00:00.125000", 1},
		trade{"BUY", "IBM", "1", "2026-11-02 12:00:00.250000", 1},
		trade{"BUY", "IBM", "1", "2026-11-02 12:00:00.125000", 1},
		trade{"SELL", "IBM", "1", "2026-11-01 12:00:00.000000", 2},
		trade{"DEPOSIT", "", "null", "2026-11-03 12:00:00.000000", 1},
	)
	// The same instants in another zone are the same window.
	zone := time.FixedZone("", -7*60*60)
	got, err := store.Mentions(t.Context(), refresh.DiscoveryQuery{
		Sources: []refresh.Source{refresh.SourceTransactions},
		From:    midnight.AddDate(0, 0, -30).In(zone), To: midnight.In(zone),
	})
	noError(t, err)
	mention := func(symbol string, at time.Time) refresh.Mention {
		return refresh.Mention{Source: refresh.SourceTransactions, Symbol: symbol, LastTradedAt: at}
	}
	equal(t, got, []refresh.Mention{
		mention(" ibm", time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)),
		mention("FIRST", time.Date(2026, 10, 22, 0, 0, 0, 0, time.UTC)),
		mention("IBM", time.Date(2026, 11, 2, 12, 0, 0, 250_000_000, time.UTC)),
		mention("LAST", midnight),
	})
}

func mentionsOfHoldings(t *testing.T, db Database) {
	store := db.Open(t)
	const at = "2020-01-02 15:00:00.000000"
	db.insertTrades(t,
		trade{"BUY", "HELD", "10", at, 1}, trade{"SELL", "HELD", "4.5", at, 1},
		trade{"BUY", "SOLD", "10", at, 1}, trade{"SELL", "sold", "10", at, 1},
		// 0.1 + 0.2 - 0.3 is not zero among floats.
		trade{"BUY", "DUST", "0.1", at, 1}, trade{"BUY", "DUST", "0.2", at, 1}, trade{"SELL", "DUST", "0.3", at, 1},
		trade{"BUY", "TINY", "0.0001", at, 1},
		// What one portfolio sold short does not hide what another holds.
		trade{"SELL", "BOTH", "7", at, 1}, trade{"BUY", "BOTH", "5", at, 2}, trade{"BUY", " both", "1", at, 3},
		trade{"DEPOSIT", "CASH", "5", at, 1}, trade{"DEPOSIT", "", "null", at, 1},
		trade{"BUY", "LAST", "1", "2026-11-21 00:00:00.000000", 1},
		trade{"BUY", "LATE", "1", "2026-11-21 00:00:01.000000", 1},
	)
	got, err := store.Mentions(t.Context(), refresh.DiscoveryQuery{
		Sources: []refresh.Source{refresh.SourceHoldings}, From: midnight.AddDate(0, 0, -30), To: midnight})
	noError(t, err)
	var want []refresh.Mention
	for _, symbol := range []string{"BOTH", "HELD", "LAST", "TINY"} {
		want = append(want, refresh.Mention{Source: refresh.SourceHoldings, Symbol: symbol})
	}
	equal(t, got, want)
}

func mentionsOfSeveralSources(t *testing.T, db Database) {
	store := db.Open(t)
	db.Exec(t, `delete from ticker_watchlist where ticker <> 'TSLA'`)
	db.insertTrades(t, trade{"BUY", "IBM", "1", "2026-11-20 12:00:00.000000", 1})
	query := refresh.DiscoveryQuery{
		Sources: []refresh.Source{refresh.SourceTransactions, refresh.SourceWatchlist, refresh.SourceHoldings},
		From:    midnight.AddDate(0, 0, -30), To: midnight,
	}
	got, err := store.Mentions(t.Context(), query)
	noError(t, err)
	equal(t, got, []refresh.Mention{
		{Source: refresh.SourceTransactions, Symbol: "IBM", LastTradedAt: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)},
		{Source: refresh.SourceWatchlist, Symbol: "TSLA", Priority: 90},
		{Source: refresh.SourceHoldings, Symbol: "IBM"},
	})

	query.Sources = []refresh.Source{refresh.SourceArgument}
	if _, err := store.Mentions(t.Context(), query); err == nil || !strings.Contains(err.Error(), `"argument"`) {
		t.Errorf("error %v, want one that names the source", err)
	}
}

func knownSymbols(t *testing.T, db Database) {
	store := db.Open(t)
	db.Exec(t, `delete from ticker_watchlist where ticker not in ('AAPL', 'META')`)
	db.Exec(t, `update ticker_watchlist set is_active = false where ticker = 'META'`)
	db.insertTrades(t,
		trade{"BUY", " ibm", "1", "2020-01-02 15:00:00.000000", 1},
		trade{"SELL", "AAPL", "1", "2020-01-02 15:00:00.000000", 1},
		trade{"DEPOSIT", "", "null", "2020-01-02 15:00:00.000000", 1},
	)
	noError(t, commit(t, store, price("BRK.B", "1.25"), price("AAPL", "1.25"), price("TSLA", "1.25")))
	got, err := store.KnownSymbols(t.Context())
	noError(t, err)
	slices.Sort(got)
	equal(t, got, []string{" ibm", "AAPL", "BRK.B", "META", "TSLA"})

	db.Exec(t, `delete from price_history`)
	got, err = store.KnownSymbols(t.Context())
	noError(t, err)
	slices.Sort(got)
	equal(t, got, []string{" ibm", "AAPL", "META"})
}

func states(t *testing.T, db Database) {
	store := db.Open(t)
	const columns = `insert into price_history (ticker, price_amount, price_currency, "timestamp", source, "interval", created_at, updated_at) values `
	// 21:00 in UTC is the next day where these tests and their servers run.
	db.Exec(t, columns+`
		('AAPL', '1.25', 'USD', '2026-11-19 21:00:00.000000', 'alpha_vantage', '1day', '2026-11-20 05:00:00', null),
		('AAPL', '1.25', 'USD', '2026-11-20 21:00:00.000000', 'alpha_vantage', '1day', '2026-11-21 01:00:00', '2026-11-21 02:00:00'),
		('AAPL', '1.25', 'USD', '2026-11-20 21:00:00.000000', 'another', '1day', '2026-11-21 01:30:00', null),
		('AAPL', '1.25', 'USD', '2026-11-23 15:00:00.000000', 'alpha_vantage', 'real-time', '2026-11-23 15:00:00', null),
		('MSFT', '1.25', 'USD', '2026-11-18 21:00:00.000000', 'alpha_vantage', '1day', '2026-11-19 01:00:00', null),
		('MSFT', '1.25', 'USD', '2026-11-18 00:00:00.000000', 'another', '1day', '2026-11-19 09:00:00', null),
		('MSFT', '1.25', 'USD', '2026-11-17 21:00:00.000000', 'alpha_vantage', '1day', '2026-11-19 10:00:00', null),
		('TSLA', '1.25', 'USD', '2026-11-23 15:00:00.000000', 'alpha_vantage', 'real-time', '2026-11-23 15:00:00', null)`)
	db.Exec(t, `insert into papertrade_ticker_states (ticker, checked_at) values
		('MSFT', '2026-11-21 03:00:00.000000'), ('NVDA', '2026-11-21 04:00:00.000000')`)

	got, err := store.States(t.Context(), tickers("AAPL", "MSFT", "NVDA", "TSLA", "META"))
	noError(t, err)
	at := func(hour int) time.Time { return time.Date(2026, 11, 21, hour, 0, 0, 0, time.UTC) }
	all := tickers("AAPL", "MSFT", "NVDA")
	equal(t, got, map[marketdata.Ticker]refresh.State{
		all[0]: {LastSession: exchange.Date{Year: 2026, Month: 11, Day: 20}, Incomplete: true, FetchedAt: at(2)},
		all[1]: {LastSession: exchange.Date{Year: 2026, Month: 11, Day: 18}, Incomplete: true, FetchedAt: at(-47), CheckedAt: at(3)},
		all[2]: {CheckedAt: at(4)},
	})

	got, err = store.States(t.Context(), nil)
	noError(t, err)
	equal(t, got, map[marketdata.Ticker]refresh.State{})
}

func statesOfManyTickers(t *testing.T, db Database) {
	store := db.Open(t)
	var all []marketdata.Ticker
	for i := range 1000 {
		all = append(all, marketdata.MustParseTicker(fmt.Sprintf("T%d", i)))
	}
	noError(t, commit(t, store, price("T0", "1.25"), price("T999", "1.25")))
	got, err := store.States(t.Context(), all)
	noError(t, err)
	known := refresh.State{LastSession: friday, FetchedAt: midnight, CheckedAt: midnight, AskedAt: midnight}
	equal(t, got, map[marketdata.Ticker]refresh.State{all[0]: known, all[999]: known})
}

// The application's tables are known by that of its migrations, and by the form of the prices: this program makes all the others
// too.
func tablesOfApplication(t *testing.T, db Database) {
	store := db.Open(t)
	hasApplication := func() bool {
		found, err := store.HasApplication(t.Context())
		noError(t, err)
		return found
	}
	inItsForm := hasApplication()
	db.Exec(t, `drop table if exists alembic_version`)
	equal(t, hasApplication(), inItsForm)
	db.Exec(t, `create table alembic_version (version_num varchar(32) not null)`)
	equal(t, hasApplication(), true)
}
