package storetest

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

var thursday = friday.AddDays(-1)

// held returns a bar of friday that waits for a decision, with only what every bar has.
func held(symbol, amount string) history.HeldBar {
	return history.HeldBar{
		Bar: price(symbol, amount).Bar, Source: "alpha_vantage", FetchedAt: midnight,
		Why: "0.0153 times the close before", Decision: history.Waiting,
	}
}

// fullHeld returns held with everything that is kept of a held bar.
func fullHeld(symbol, amount string) history.HeldBar {
	bar := held(symbol, amount)
	bar.Open = decimal.NewNullDecimal(decimal.RequireFromString("19.0000"))
	bar.High = decimal.NewNullDecimal(decimal.RequireFromString("1234567890123456789012.123456789"))
	bar.Low = decimal.NewNullDecimal(decimal.RequireFromString("0.00000042"))
	bar.PreviousClose = decimal.NewNullDecimal(decimal.RequireFromString("191.7500"))
	bar.Volume = new(int64(math.MaxInt64))
	bar.Currency, bar.Source = "CAD", "another"
	bar.FetchedAt = midnight.Add(123456 * time.Microsecond)
	bar.Why = "1/100 of 'AAPL' — \"pence\"?"
	bar.Evidence = []string{`it's "quoted", and a \backslash`, "two\nlines\tand a tab", "<5 % & > −3 %", ""}
	bar.Decision, bar.DecidedAt = history.Accepted, midnight.Add(time.Hour+time.Microsecond)
	return bar
}

// equalHeld compares held bars to the last digit, and the zones of their times.
func equalHeld[T any](t *testing.T, got, want T) {
	t.Helper()
	diff := cmp.Diff(want, got,
		cmp.Comparer(func(a, b marketdata.Ticker) bool { return a == b }),
		cmp.Comparer(func(a, b decimal.Decimal) bool { return marketdata.FormatPrice(a) == marketdata.FormatPrice(b) }),
		cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.Location() == b.Location() }))
	if diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func wantHeld(t *testing.T, store Store, asked []marketdata.Ticker, want map[marketdata.Ticker][]history.HeldBar) {
	t.Helper()
	got, err := store.HeldBars(t.Context(), asked)
	noError(t, err)
	equalHeld(t, got, want)
}

func heldBars(t *testing.T, db Database) {
	store := db.Open(t)
	all := tickers("AAPL", "RELIANCE.BSE", "ZM")
	aapl, reliance, zm := all[0], all[1], all[2]
	wantHeld(t, store, nil, map[marketdata.Ticker][]history.HeldBar{})

	newest, before := fullHeld("AAPL", "1.9230"), held("AAPL", "192.30")
	before.Session = thursday
	before.Decision, before.DecidedAt = history.Rejected, midnight
	wide := held("RELIANCE.BSE", "0.00000001")
	elsewhere := fullHeld("ZM", "1.25")
	zone := time.FixedZone("", -5*60*60)
	elsewhere.FetchedAt, elsewhere.DecidedAt = elsewhere.FetchedAt.In(zone), elsewhere.DecidedAt.In(zone)
	elsewhere.Evidence = []string{}
	commitAll(t, store, refresh.Batch{Held: []history.HeldBar{newest, elsewhere, wide, before}})

	elsewhere.FetchedAt, elsewhere.DecidedAt, elsewhere.Evidence = newest.FetchedAt, newest.DecidedAt, nil
	want := map[marketdata.Ticker][]history.HeldBar{aapl: {before, newest}, reliance: {wide}, zm: {elsewhere}}
	wantHeld(t, store, nil, want)
	delete(want, zm)
	wantHeld(t, store, tickers("AAPL", "RELIANCE.BSE", "NVDA", "AAPL"), want)
	wantHeld(t, store, []marketdata.Ticker{}, map[marketdata.Ticker][]history.HeldBar{})
	equal(t, db.Texts(t, `select ticker from price_history`), nil)
}

// A held bar replaces all of the one of its ticker and session, and no other.
func heldBarIsReplaced(t *testing.T, db Database) {
	store := db.Open(t)
	aapl, zm := tickers("AAPL")[0], tickers("ZM")[0]
	other, before := fullHeld("ZM", "1.25"), fullHeld("AAPL", "2.50")
	before.Session = thursday
	commitAll(t, store, refresh.Batch{Held: []history.HeldBar{fullHeld("AAPL", "1.9230"), other, before}})
	for _, bar := range []history.HeldBar{held("AAPL", "192.30"), fullHeld("AAPL", "7.1")} {
		commitAll(t, store, refresh.Batch{Held: []history.HeldBar{bar}})
		wantHeld(t, store, nil, map[marketdata.Ticker][]history.HeldBar{aapl: {before, bar}, zm: {other}})
	}
}

func statesHaveHeldBars(t *testing.T, db Database) {
	store := db.Open(t)
	all := tickers("AAPL", "MSFT", "NVDA", "ZM")
	aapl, msft, nvda, zm := all[0], all[1], all[2], all[3]
	waiting := func(session exchange.Date) history.HeldBar {
		bar := fullHeld("AAPL", "1.9230")
		bar.Session, bar.Decision, bar.DecidedAt = session, history.Waiting, time.Time{}
		return bar
	}
	decided := func(symbol string, session exchange.Date, decision history.Decision) history.HeldBar {
		bar := fullHeld(symbol, "1.9230")
		bar.Session, bar.Decision = session, decision
		return bar
	}
	rejected := []history.HeldBar{
		decided("AAPL", thursday.AddDays(-2), history.Rejected), decided("MSFT", friday, history.Rejected),
	}
	commitAll(t, store, refresh.Batch{
		Prices: []refresh.Price{price("AAPL", "1.25"), price("MSFT", "1.25")},
		Held: []history.HeldBar{
			waiting(friday), waiting(thursday),
			decided("AAPL", thursday.AddDays(-1), history.Accepted), rejected[0],
			rejected[1], held("NVDA", "192.30"), decided("ZM", friday, history.Accepted),
		},
	})
	stored := refresh.State{LastSession: friday, FetchedAt: midnight, CheckedAt: midnight, AskedAt: midnight}
	withHeld, withRejected := stored, stored
	withHeld.Held, withRejected.Held = []history.HeldBar{rejected[0], waiting(thursday), waiting(friday)}, rejected[1:]
	want := map[marketdata.Ticker]refresh.State{
		aapl: withHeld, msft: withRejected, nvda: {Held: []history.HeldBar{held("NVDA", "192.30")}},
	}
	got, err := store.States(t.Context(), []marketdata.Ticker{aapl, msft, nvda, zm})
	noError(t, err)
	equalHeld(t, got, want)

	commitAll(t, store, refresh.Batch{Held: []history.HeldBar{decided("AAPL", thursday, history.Accepted)}})
	withHeld.Held = []history.HeldBar{rejected[0], waiting(friday)}
	got, err = store.States(t.Context(), []marketdata.Ticker{aapl})
	noError(t, err)
	equalHeld(t, got, map[marketdata.Ticker]refresh.State{aapl: withHeld})
}

// A bar that a person set is the bar of its session, however many rows are written after it.
func barsSetByPerson(t *testing.T, db Database) {
	store := db.Open(t)
	db.Exec(t, insertBars+`
		('AAPL', '1.25', 'USD', null, null, '2026-11-19 21:00:00', 'alpha_vantage', '1day', '2026-11-20 00:00:00', null),
		('AAPL', '2.25', 'USD', null, null, '2026-11-19 21:00:00', 'manual', '1day', '2026-11-20 01:00:00', null),
		('AAPL', '3.25', 'USD', null, null, '2026-11-19 00:00:00', 'zzz', '1day', '2026-11-20 00:00:00', '2026-11-20 02:00:00'),
		('AAPL', '4.25', 'USD', null, null, '2026-11-20 21:00:00', 'manual', '1day', '2026-11-21 00:00:00', null),
		('AAPL', '5.25', 'USD', null, null, '2026-11-20 00:00:00', 'manual', '1day', '2026-11-21 01:00:00', null),
		('AAPL', '6.25', 'USD', null, null, '2026-11-20 21:00:00', 'alpha_vantage', '1day', '2026-11-21 02:00:00', null),
		('AAPL', '7.25', 'USD', null, null, '2026-11-23 21:00:00', 'alpha_vantage', '1day', '2026-11-24 02:00:00', null)`)
	equal(t, closes(readBars(t, store, "AAPL", "", "")), []string{"2026-11-19 2.25", "2026-11-20 5.25", "2026-11-23 7.25"})
}

// A price can remove what a row has of open, high and low and its bar has not.
func batchClearsRange(t *testing.T, db Database) {
	store := db.Open(t)
	for _, symbol := range []string{"AAPL", "IBM", "MSFT", "ZM"} {
		noError(t, commit(t, store, fullPrice(symbol, "192.53")))
	}
	closeOnly, kept, openOnly, byRow := price("AAPL", "1.25"), price("IBM", "1.25"), fullPrice("MSFT", "2.5"), price("ZM", "1.25")
	openOnly.Bar.High, openOnly.Bar.Low = decimal.NullDecimal{}, decimal.NullDecimal{}
	byRow.Row, byRow.Timestamp = readBars(t, store, "ZM", "", "")[0].Row, midnight
	prices := []refresh.Price{closeOnly, kept, openOnly, byRow, fullPrice("NEW", "192.53")}
	for i := range prices {
		prices[i].ClearRange, prices[i].FetchedAt = true, midnight.Add(time.Hour)
	}
	prices[1].Keep = true
	noError(t, commit(t, store, prices...))
	const updated, full = "2026-11-21 00:00:00 2026-11-21 01:00:00", "o 19025USD h 19375USD l 18950USD"
	const closed = " 2026-11-20 21:00:00 alpha_vantage 1day p 125USD o 0- h 0- l 0- c 125USD v 48123456789 " + updated
	equal(t, db.Texts(t, storedRows), []string{
		"AAPL" + closed,
		"IBM 2026-11-20 21:00:00 alpha_vantage 1day p 19253USD " + full + " c 19253USD v 48123456789 2026-11-21 00:00:00 -",
		"MSFT 2026-11-20 21:00:00 alpha_vantage 1day p 250USD o 19025USD h 0- l 0- c 250USD v 48123456789 " + updated,
		"NEW 2026-11-20 21:00:00 alpha_vantage 1day p 19253USD " + full + " c 19253USD v 48123456789 2026-11-21 01:00:00 -",
		"ZM" + closed,
	})
}

// A price can give the row that it refers to its own source, unless another row has that source already.
func batchRelabelsRow(t *testing.T, db Database) {
	store := db.Open(t)
	other := price("MSFT", "3.75")
	other.Source = history.ManualSource
	noError(t, commit(t, store, price("AAPL", "1.25"), price("MSFT", "1.25"), price("ZM", "1.25")))
	rows := map[string]int64{}
	for _, symbol := range []string{"AAPL", "MSFT", "ZM"} {
		rows[symbol] = readBars(t, store, symbol, "", "")[0].Row
	}
	noError(t, commit(t, store, other))
	var prices []refresh.Price
	for _, symbol := range []string{"AAPL", "MSFT", "ZM"} {
		p := price(symbol, "2.5")
		p.Row, p.Source, p.Relabel, p.Timestamp = rows[symbol], history.ManualSource, symbol != "ZM", midnight
		prices = append(prices, p)
	}
	for range 2 { // the second time, the row has the source already
		noError(t, commit(t, store, prices...))
		equal(t, db.Texts(t, `
			select ticker || ' ' || source || ' ' || cast(round(price_amount * 100) as bigint)
			from price_history order by ticker, price_history.id`), []string{
			"AAPL manual 250", "MSFT alpha_vantage 250", "MSFT manual 375", "ZM alpha_vantage 250",
		})
	}
}
