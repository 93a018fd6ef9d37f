package refresh_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// What becomes of a bad bar does not depend on what brought it, nor on where it is stored.
func TestBadBars(t *testing.T) {
	price := func(text string) decimal.NullDecimal { return decimal.NewNullDecimal(decimal.RequireFromString(text)) }
	for _, tt := range []struct {
		name     string
		distort  func(*marketdata.Bar)
		kind     string // of the error; "" if the price is stored
		hasRange bool   // its open, high and low are stored
	}{
		{"a good one", func(b *marketdata.Bar) { b.Open, b.High, b.Low = price("99"), price("101"), price("98") }, "", true},
		{"a high below the low", func(b *marketdata.Bar) { b.Open, b.High, b.Low = price("99"), price("98"), price("101") }, "", false},
		{"a close above the high", func(b *marketdata.Bar) { b.Open, b.High, b.Low = price("99"), price("99.5"), price("98") }, "", false},
		{"an open below the low", func(b *marketdata.Bar) { b.Open, b.High, b.Low = price("97"), price("101"), price("98") }, "", false},
		{"a day that is not a session", func(b *marketdata.Bar) { b.Session = day(2026, time.November, 15) }, "invalid_data", false},
		{"the Saturday after", func(b *marketdata.Bar) { b.Session = day(2026, time.November, 21) }, "invalid_data", false},
		{"next year", func(b *marketdata.Bar) { b.Session = day(2027, time.November, 19) }, "invalid_data", false},
		{"another symbol", func(b *marketdata.Bar) { b.Ticker = marketdata.MustParseTicker("MSFT") }, "invalid_data", false},
		{"the year 1", func(b *marketdata.Bar) { b.Session = day(1, time.January, 6) }, "invalid_data", false},
	} {
		for _, capability := range []marketdata.Capability{quotes, series, wholeMarket} {
			for _, kind := range storeKinds {
				t.Run(tt.name+"/"+capability.Name+"/"+kind, func(t *testing.T) {
					j, vendor := newFakeJob(mustOpenStore(t, kind, newDatabase(t, kind)), capability, quota.Limit{Calls: 100})
					vendor.universe = []marketdata.Ticker{marketdata.MustParseTicker("NVDA")}
					vendor.distort = func(a marketdata.Answer) marketdata.Answer {
						for i := range a.Bars {
							tt.distort(&a.Bars[i])
						}
						return a
					}
					report, err := run(t.Context(), t, j, refresh.Options{Tickers: vendor.universe})
					if err != nil {
						t.Fatal(err)
					}
					row, bars := report.Tickers[0], stored(t, j, "NVDA")
					if tt.kind != "" {
						if row.Status != refresh.OutcomeFailed || row.Error.Kind != tt.kind || len(bars) != 0 {
							t.Fatalf("%+v, %+v, %v; want %s, and nothing stored", row, row.Error, bars, tt.kind)
						}
						return
					}
					if row.Status != refresh.OutcomeRefreshed || len(bars) != 1 || !bars[0].Close.Equal(decimal.NewFromInt(100)) {
						t.Fatalf("%+v, %+v, %v; want its close stored", row, row.Error, bars)
					}
					if got := bars[0].Open.Valid || bars[0].High.Valid || bars[0].Low.Valid; got != tt.hasRange {
						t.Errorf("%+v: with open, high or low: %t, want %t", bars[0], got, tt.hasRange)
					}
				})
			}
		}
	}
}

// A row whose bar is fetched again, and contradicts itself then, keeps nothing that contradicts the new close.
func TestARepairedBarClearsTheRangeOfItsRow(t *testing.T) {
	for _, kind := range storeKinds {
		t.Run(kind, func(t *testing.T) {
			quotes := marketdata.Capability{Kind: marketdata.Quotes, Name: "quotes", MaxTickers: 1}
			j, vendor := newFakeJob(mustOpenStore(t, kind, newDatabase(t, kind)), quotes, quota.Limit{Calls: 100})
			low, high := "98", "101"
			vendor.distort = func(a marketdata.Answer) marketdata.Answer {
				a.Bars[0].Low = decimal.NewNullDecimal(decimal.RequireFromString(low))
				a.Bars[0].High = decimal.NewNullDecimal(decimal.RequireFromString(high))
				return a
			}
			for _, force := range []bool{false, true} {
				options := refresh.Options{Tickers: []marketdata.Ticker{marketdata.MustParseTicker("NVDA")}, Force: force}
				if _, err := run(t.Context(), t, j, options); err != nil {
					t.Fatal(err)
				}
				bars := stored(t, j, "NVDA")
				if len(bars) != 1 || bars[0].Low.Valid == force || bars[0].High.Valid == force {
					t.Fatalf("forced: %t: %+v", force, bars)
				}
				low, high = high, low
			}
		})
	}
}

func day(year int, month time.Month, d int) exchange.Date {
	return exchange.Date{Year: year, Month: month, Day: d}
}
