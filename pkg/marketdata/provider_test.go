package marketdata_test

import (
	"testing"
	"time"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func TestCost(t *testing.T) {
	for _, tt := range []struct{ perTicker, tickers, want int }{{0, 1, 1}, {0, 100, 1}, {1, 8, 8}, {2, 3, 6}, {1, 0, 1}} {
		question := marketdata.Question{
			Capability: marketdata.Capability{CreditsPerTicker: tt.perTicker}, Tickers: make([]marketdata.Ticker, tt.tickers)}
		if got := question.Cost(); got != tt.want {
			t.Errorf("%d tickers at %d cost %d, want %d", tt.tickers, tt.perTicker, got, tt.want)
		}
	}
}

// A session under way is the newest one of a series.
func TestNewestSessions(t *testing.T) {
	reach := marketdata.NewestSessions(3)
	for _, tt := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2026, 11, 20, 20, 59, 0, 0, time.UTC), "2026-11-18"},
		{time.Date(2026, 11, 20, 21, 0, 0, 0, time.UTC), "2026-11-18"},
		{time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), "2026-11-18"},
		{time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC), "2026-11-19"},
		{time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC), "2026-11-23"},
	} {
		if got := reach(exchange.XNYS, tt.at).String(); got != tt.want {
			t.Errorf("at %s: %s, want %s", tt.at, got, tt.want)
		}
	}
	if oldest := (marketdata.Capability{}).OldestSession(exchange.XNYS, time.Now()); !oldest.IsZero() {
		t.Errorf("without a bound: %s", oldest)
	}
	if oldest := (marketdata.Capability{Reach: reach}).OldestSession(exchange.XNYS, time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)); oldest.String() != "2026-11-18" {
		t.Errorf("with a bound: %s", oldest)
	}
}

func TestSuffixAndCalendar(t *testing.T) {
	for symbol, want := range map[string]struct {
		suffix   string
		calendar *exchange.Exchange
		known    bool
	}{
		"AAPL": {"", exchange.XNYS, true}, "BRK.B": {".B", exchange.XNYS, true}, "TSCO.LON": {".LON", exchange.XLON, true},
		"SHOP.TRT": {".TRT", exchange.XTSE, true}, "GPV.TRV": {".TRV", exchange.XTSE, true}, "MBG.DEX": {".DEX", exchange.XETR, true},
		"0700.HKG": {".HKG", exchange.XHKG, true}, "VOD.L": {".L", exchange.Weekdays, false}, "NPN.JSE": {".JSE", exchange.Weekdays, false}, "A.B.LON": {".LON", exchange.XLON, true},
	} {
		ticker := marketdata.MustParseTicker(symbol)
		if ticker.Suffix() != want.suffix || ticker.Calendar() != want.calendar || ticker.HasCalendar() != want.known {
			t.Errorf("%s: %q, %s, %t", symbol, ticker.Suffix(), ticker.Calendar().MIC(), ticker.HasCalendar())
		}
	}
}
