package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// texts formats bars with all their digits, which comparing decimals would ignore.
func texts(bars []history.StoredBar) []string {
	optional := func(d decimal.NullDecimal) string {
		if !d.Valid {
			return "-"
		}
		return marketdata.FormatPrice(d.Decimal)
	}
	var all []string
	for _, b := range bars {
		volume := "-"
		if b.Volume != nil {
			volume = fmt.Sprint(*b.Volume)
		}
		all = append(all, strings.Join([]string{
			b.Ticker.String(), b.Session.String(), optional(b.Open), optional(b.High), optional(b.Low),
			marketdata.FormatPrice(b.Close), b.Currency, volume,
			b.Timestamp.Format(time.RFC3339Nano), b.Source, b.FetchedAt.Format(time.RFC3339Nano),
		}, " "))
	}
	return all
}

// closes returns the sessions and closes of bars.
func closes(bars []history.StoredBar) []string {
	var all []string
	for _, b := range bars {
		all = append(all, b.Session.String()+" "+marketdata.FormatPrice(b.Close))
	}
	return all
}

// readBars reads the bars of a ticker; a bound of "" is no bound.
func readBars(t *testing.T, store Store, symbol, from, to string) []history.StoredBar {
	t.Helper()
	var bounds [2]exchange.Date
	for i, text := range []string{from, to} {
		noError(t, bounds[i].UnmarshalText([]byte(text)))
	}
	found, err := store.Bars(t.Context(), tickers(symbol), bounds[0], bounds[1])
	noError(t, err)
	return found[tickers(symbol)[0]]
}

const insertBars = `insert into price_history
	(ticker, price_amount, price_currency, close_amount, close_currency, "timestamp", source, "interval", created_at, updated_at) values `

func bars(t *testing.T, db Database) {
	store := db.Open(t)
	newest, before := fullPrice("AAPL", "192.25"), price("AAPL", "191.75")
	before.Timestamp = before.Timestamp.AddDate(0, 0, -1)
	newest.FetchedAt = midnight.Add(1500 * time.Millisecond)
	realTime := price("IBM", "10.25")
	realTime.Interval = refresh.IntervalRealTime
	noError(t, commit(t, store, newest, before, price("MSFT", "1.25"), realTime))

	got, err := store.Bars(t.Context(), tickers("AAPL", "IBM", "NVDA", "MSFT", "AAPL"), exchange.Date{}, exchange.Date{})
	noError(t, err)
	equal(t, len(got), 2)
	full := "190.25 193.75 189.5"
	if db.Narrow {
		full = "190.25 193.75 189.50"
	}
	equal(t, texts(got[tickers("AAPL")[0]]), []string{
		"AAPL 2026-11-19 - - - 191.75 USD - 2026-11-19T21:00:00Z alpha_vantage 2026-11-21T00:00:00Z",
		"AAPL 2026-11-20 " + full + " 192.25 USD 48123456789 2026-11-20T21:00:00Z alpha_vantage 2026-11-21T00:00:01.5Z",
	})
	equal(t, texts(got[tickers("MSFT")[0]]), []string{
		"MSFT 2026-11-20 - - - 1.25 USD - 2026-11-20T21:00:00Z alpha_vantage 2026-11-21T00:00:00Z",
	})

	got, err = store.Bars(t.Context(), nil, exchange.Date{}, exchange.Date{})
	noError(t, err)
	equal(t, got, map[marketdata.Ticker][]history.StoredBar{})
}

func barsKeepDigits(t *testing.T, db Database) {
	store := db.Open(t)
	amounts := map[string]string{"AAPL": "192.5300", "IBM": "12345678901.25"}
	want := map[string]string{"AAPL": "192.53", "IBM": "12345678901.25"}
	if db.KeepsZeros {
		want["AAPL"] = "192.5300"
	}
	if !db.Narrow {
		amounts["DUST"], want["DUST"] = "0.00000042", "0.00000042"
	}
	for symbol, amount := range amounts {
		noError(t, commit(t, store, price(symbol, amount)))
		equal(t, closes(readBars(t, store, symbol, "", "")), []string{"2026-11-20 " + want[symbol]})
	}
}

// barsOfOneSession tests sessions with several rows, and rows without the columns that only papertrade writes.
func barsOfOneSession(t *testing.T, db Database) {
	store := db.Open(t)
	db.Exec(t, insertBars+`
		('AAPL', '1.25', 'USD', null, null, '2026-11-18 21:00:00', 'alpha_vantage', '1day', '2026-11-19 00:00:00', null),
		('AAPL', '2.25', 'USD', '2.75', 'CAD', '2026-11-19 21:00:00', 'alpha_vantage', '1day', '2026-11-20 00:00:00', '2026-11-20 03:00:00'),
		('AAPL', '3.25', 'USD', '3.75', null, '2026-11-19 21:00:00', 'another', '1day', '2026-11-20 02:00:00', null),
		('AAPL', '4.25', 'USD', '4.25', 'USD', '2026-11-20 21:00:00', 'alpha_vantage', '1day', '2026-11-21 02:00:00', null),
		('AAPL', '5.75', 'USD', '5.75', null, '2026-11-20 00:00:00', 'alpha_vantage', '1day', '2026-11-21 01:00:00', '2026-11-21 03:00:00'),
		('AAPL', '6.25', 'USD', null, null, '2026-11-23 21:00:00', 'another', '1day', '2026-11-24 00:00:00', null),
		('AAPL', '7.25', 'USD', null, null, '2026-11-23 21:00:00', 'alpha_vantage', '1day', '2026-11-24 00:00:00', null),
		('AAPL', '8.25', 'USD', null, null, '2026-11-23 21:00:00', 'alpha_vantage', '1hour', '2026-11-24 09:00:00', null),
		('AAPL', '9.25', 'USD', null, null, '2026-11-24 21:00:00', 'alpha_vantage', '1day', '2026-11-25 00:00:00', null),
		('AAPL', '9.75', 'USD', null, null, '2026-11-24 00:00:00', 'alpha_vantage', '1day', '2026-11-25 00:00:00', null)`)
	equal(t, texts(readBars(t, store, "AAPL", "", "")), []string{
		"AAPL 2026-11-18 - - - 1.25 USD - 2026-11-18T21:00:00Z alpha_vantage 2026-11-19T00:00:00Z",
		"AAPL 2026-11-19 - - - 2.75 CAD - 2026-11-19T21:00:00Z alpha_vantage 2026-11-20T03:00:00Z",
		"AAPL 2026-11-20 - - - 5.75 USD - 2026-11-20T00:00:00Z alpha_vantage 2026-11-21T03:00:00Z",
		"AAPL 2026-11-23 - - - 7.25 USD - 2026-11-23T21:00:00Z alpha_vantage 2026-11-24T00:00:00Z",
		"AAPL 2026-11-24 - - - 9.75 USD - 2026-11-24T00:00:00Z alpha_vantage 2026-11-25T00:00:00Z",
	})
}

// barsWithinBounds tests timestamps in the formats of several programs; a session is the date in UTC.
func barsWithinBounds(t *testing.T, db Database) {
	store := db.Open(t)
	row := func(amount, stamp string) string {
		return fmt.Sprintf(`('AAPL', '%s', 'USD', null, null, '%s', 'alpha_vantage', '1day', '2026-12-01 00:00:00', null)`, amount, stamp)
	}
	db.Exec(t, insertBars+strings.Join([]string{
		row("1.25", "2026-11-15T20:00:00-12:00"), // the 16th in UTC
		row("2.25", "2026-11-17T21:00:00"),
		row("3.25", "2026-11-18 21:00:00.000000"),
		row("4.25", "2026-11-19T00:00:00Z"),
		row("5.25", "2026-11-20 23:59:59.999"),
		row("6.25", "2026-11-24T09:00:00+14:00"), // the 23rd in UTC
		row("7.25", "2026-11-24"),
	}, ", "))
	all := []string{"2026-11-16 1.25", "2026-11-17 2.25", "2026-11-18 3.25", "2026-11-19 4.25", "2026-11-20 5.25", "2026-11-23 6.25", "2026-11-24 7.25"}
	for _, test := range []struct {
		from, to string
		want     []string
	}{
		{"", "", all},
		{"2026-11-16", "2026-11-24", all},
		{"2026-11-17", "", all[1:]},
		{"", "2026-11-23", all[:6]},
		{"2026-11-18", "2026-11-20", all[2:5]},
		{"2026-11-16", "2026-11-16", all[:1]},
		{"2026-11-19", "2026-11-19", all[3:4]},
		{"2026-11-23", "2026-11-23", all[5:6]},
		{"2026-11-21", "2026-11-22", nil},
		{"2026-11-25", "", nil},
		{"", "2026-11-15", nil},
	} {
		t.Run(test.from+" to "+test.to, func(t *testing.T) {
			equal(t, closes(readBars(t, store, "AAPL", test.from, test.to)), test.want)
		})
	}
}
