package alphavantage_test

import (
	"testing"

	"papertrade/internal/fakevantage"
	"papertrade/pkg/alphavantage"
	"papertrade/pkg/marketdata"
)

func currencies(t *testing.T, codes map[string]string) marketdata.Currencies {
	t.Helper()
	parsed := marketdata.Currencies{}
	for name, code := range codes {
		currency, err := marketdata.ParseCurrency(code)
		if err != nil {
			t.Fatal(err)
		}
		parsed[name] = currency
	}
	return parsed
}

// Currencies override the defaults, and decide the amount and currency that are stored.
func TestCurrencies(t *testing.T) {
	const quoted = "123.4567"
	tests := []struct {
		symbol          string
		override        map[string]string
		price, currency string
	}{
		{"AAPL", nil, "123.4567", "USD"},
		{"TSCO.LON", nil, "1.234567", "GBP"},
		{"RELIANCE.BSE", nil, "123.4567", "INR"},
		{"600104.SHH", nil, "123.4567", "CNY"},
		{"0700.HKG", nil, "123.4567", "HKD"},
		{"0700.HKG", map[string]string{".HKG": "HKD"}, "123.4567", "HKD"},
		{"NPN.JSE", map[string]string{".JSE": "ZAC"}, "1.234567", "ZAR"},
		{"TEVA.TLV", map[string]string{".TLV": "ILA"}, "1.234567", "ILS"},
		{"TSCO.LON", map[string]string{".LON": "GBP"}, "123.4567", "GBP"},
		{"TSCO.LON", map[string]string{".LON": "EUR", "AZN.LON": "USD"}, "123.4567", "EUR"},
		{"AZN.LON", map[string]string{".LON": "EUR", "AZN.LON": "USD"}, "123.4567", "USD"},
		{"AZN.LON", map[string]string{".HKG": "HKD"}, "1.234567", "GBP"},
		{"AAPL", map[string]string{"AAPL": "EUR"}, "123.4567", "EUR"},
		{"BRK.B", map[string]string{".B": "CAD", "BRK": "EUR"}, "123.4567", "CAD"},
		{"A.B.LON", map[string]string{".B": "CAD", ".B.LON": "CAD"}, "1.234567", "GBP"}, // the suffix follows the last dot
	}
	for _, tt := range tests {
		vendor, client := dialWith(t, fakevantage.Options{}, alphavantage.Options{Currencies: currencies(t, tt.override)})
		vendor.FixPrice(tt.symbol, quoted)
		check := func(what string, bar marketdata.Bar) {
			t.Helper()
			if got := marketdata.FormatPrice(bar.Close); got != tt.price || bar.Currency != tt.currency {
				t.Errorf("%s of %s with %v: %s %s, want %s %s", what, tt.symbol, tt.override, got, bar.Currency, tt.price, tt.currency)
			}
			if !bar.Open.Decimal.Equal(bar.Close) || !bar.High.Decimal.Equal(bar.Close) || !bar.Low.Decimal.Equal(bar.Close) {
				t.Errorf("%s of %s with %v: %+v is in two currencies", what, tt.symbol, tt.override, bar)
			}
		}
		bar, err := quote(t, client, tt.symbol)
		if err != nil {
			t.Fatal(err)
		}
		check("quote", bar)
		if !bar.PreviousClose.Decimal.Equal(bar.Close) {
			t.Errorf("previous close of %s with %v: %s, want %s", tt.symbol, tt.override, bar.PreviousClose.Decimal, bar.Close)
		}
		series, err := ask(t, client, compact, tt.symbol)
		if err != nil {
			t.Fatal(err)
		}
		check("series", series.Bars[0])
	}
}
