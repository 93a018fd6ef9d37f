package sqlite_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func TestBarsLeaveOutStampsThatAreNoTimes(t *testing.T) {
	path := applicationDatabase(t)
	store := openStore(t, path)
	run(t, path, `insert into price_history (ticker, price_amount, price_currency, "timestamp", source, "interval") values
		('AAPL', 1.25, 'USD', '2026-11-20 21:00:00', 'a', '1day'), ('AAPL', 2.25, 'USD', '2026-11-soon', 'a', '1day'),
		('AAPL', 3.25, 'USD', 'soon', 'a', '1day'), ('AAPL', 4.25, 'USD', '', 'a', '1day'), ('MSFT', 5.25, 'USD', 20261120, 'a', '1day')`)
	aapl, msft := marketdata.MustParseTicker("AAPL"), marketdata.MustParseTicker("MSFT")
	got, err := store.Bars(t.Context(), []marketdata.Ticker{aapl, msft}, exchange.Date{}, exchange.Date{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || len(got[aapl]) != 1 || got[aapl][0].Close.String() != "1.25" {
		t.Errorf("%+v, want AAPL's bar of 1.25 alone", got)
	}
}

// A price of a session has one row, however another program has written its time.
func TestBarsOfOtherWritersAreUpdated(t *testing.T) {
	path := applicationDatabase(t)
	store := openStore(t, path)
	run(t, path, `insert into price_history (ticker, price_amount, price_currency, close_amount, "timestamp", source, "interval") values
		('AAPL', 1, 'USD', 1, '2026-11-20T21:00:00Z', 'a', '1day'), ('AAPL', 1, 'USD', 1, '2026-11-20 21:00:00', 'b', '1day'),
		('IBM', 1, 'USD', 1, '2026-11-21T06:00:00+09:00', 'a', '1day'), ('KEPT', 1, 'USD', 1, '2026-11-20T21:00', 'a', '1day'),
		('TWICE', 1, 'USD', 1, '2026-11-20T21:00', 'a', '1day'), ('TWICE', 1, 'USD', 1, '2026-11-20 21:00:00.000000', 'a', '1day')`)
	var batch refresh.Batch
	for _, symbol := range []string{"AAPL", "IBM", "KEPT", "MSFT", "TWICE"} {
		batch.Prices = append(batch.Prices, refresh.Price{
			Bar:       marketdata.Bar{Ticker: marketdata.MustParseTicker(symbol), Close: decimal.NewFromInt(2), Currency: "USD"},
			Timestamp: time.Date(2026, 11, 20, 21, 0, 0, 0, time.UTC), Source: "a", Interval: refresh.IntervalDaily,
			FetchedAt: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), Keep: symbol == "KEPT",
		})
	}
	if _, err := store.CommitBatch(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	diff(t, texts(t, path, `select ticker || ' ' || "timestamp" || ' ' || source || ' ' || price_amount from price_history as p order by 1`), []string{
		"AAPL 2026-11-20 21:00:00 b 1", // of another source
		"AAPL 2026-11-20 21:00:00.000000 a 2",
		"IBM 2026-11-20 21:00:00.000000 a 2",
		"KEPT 2026-11-20 21:00:00.000000 a 1",
		"MSFT 2026-11-20 21:00:00.000000 a 2",
		"TWICE 2026-11-20 21:00:00.000000 a 2", // which were two already
		"TWICE 2026-11-20T21:00 a 1",
	})
}
