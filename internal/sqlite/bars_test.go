package sqlite_test

import (
	"testing"

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
