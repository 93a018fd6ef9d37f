package refresh

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func activeTickers(symbols ...string) ([]ActiveTicker, []marketdata.Ticker) {
	var active []ActiveTicker
	var tickers []marketdata.Ticker
	for _, symbol := range symbols {
		ticker := marketdata.MustParseTicker(symbol)
		active, tickers = append(active, ActiveTicker{Ticker: ticker}), append(tickers, ticker)
	}
	return active, tickers
}

func TestUnknownCalendars(t *testing.T) {
	active, tickers := activeTickers("AAPL", "BRK.B", "NPN.JSE", "TCS.BSE", "TSCO.LON", "VOD.L", "SOL.JSE")
	want := []CalendarUnknown{
		{".JSE", []marketdata.Ticker{tickers[2], tickers[6]}},
		{".L", []marketdata.Ticker{tickers[5]}},
	}
	if diff := cmp.Diff(want, unknownCalendars(active), cmp.AllowUnexported(marketdata.Ticker{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEndingCalendars(t *testing.T) {
	active, tickers := activeTickers("AAPL", "NPN.JSE", "TCS.BSE", "TSCO.LON", "0700.HKG", "INFY.NSE")
	end := exchange.Date{Year: 2028, Month: time.December, Day: 31}
	ending := []CalendarEnding{
		{"XBOM", end, []marketdata.Ticker{tickers[2], tickers[5]}},
		{"XHKG", end, []marketdata.Ticker{tickers[4]}},
	}
	for _, tt := range []struct {
		at   string
		want []CalendarEnding
	}{
		{"2026-11-25T00:00:00Z", nil},
		{"2028-10-31T23:59:59Z", nil},
		{"2028-11-01T00:30:00+01:00", nil},
		{"2028-11-01T00:00:00Z", ending},
		{"2028-12-31T12:00:00Z", ending},
		{"2030-01-01T00:00:00Z", ending},
	} {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, endingCalendars(active, at), cmp.AllowUnexported(marketdata.Ticker{})); diff != "" {
			t.Errorf("at %s (-want +got):\n%s", tt.at, diff)
		}
	}
}
