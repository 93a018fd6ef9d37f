package marketdata_test

import (
	"testing"

	"papertrade/pkg/marketdata"
)

func TestParseCurrency(t *testing.T) {
	for _, code := range []string{"USD", "EUR", "JPY", "ZWG", "GBP", "GBX", "ZAC", "ILA"} {
		if got, err := marketdata.ParseCurrency(code); err != nil || got.String() != code {
			t.Errorf("ParseCurrency(%q) = %q, %v", code, got, err)
		}
	}
	// GBp is what others call GBX: read as GBP, its quotes would be a hundred times too high.
	for _, code := range []string{"", " ", "GBp", "usd", "USX", "XYZ", "US", "USDT", "AED AFN", "$", "USD "} {
		if got, err := marketdata.ParseCurrency(code); err == nil {
			t.Errorf("ParseCurrency(%q) = %q, want an error", code, got)
		}
	}
	_, err := marketdata.ParseCurrency("GBp")
	if want := `"GBp" is not a currency: write a code of ISO 4217, or GBX, ZAC or ILA`; err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestDefaultCurrencies(t *testing.T) {
	want := map[string]string{
		".LON": "GBX", ".TRT": "CAD", ".TRV": "CAD",
		".DEX": "EUR", ".FRK": "EUR", ".PAR": "EUR", ".AMS": "EUR", ".MIL": "EUR",
		".BSE": "INR", ".NSE": "INR", ".SHH": "CNY", ".SHZ": "CNY", ".HKG": "HKD", ".TYO": "JPY",
		".AX": "AUD", ".SAO": "BRL",
	}
	got := marketdata.DefaultCurrencies()
	for suffix, code := range want {
		if got[suffix].String() != code {
			t.Errorf("%s is in %s, want %s", suffix, got[suffix], code)
		}
	}
	if len(got) != len(want) {
		t.Errorf("DefaultCurrencies() = %v, want %v", got, want)
	}
	for suffix := range got {
		if ticker := marketdata.MustParseTicker("X" + suffix); !ticker.HasCalendar() {
			t.Errorf("%s has a currency, but no calendar", suffix)
		}
	}
}
