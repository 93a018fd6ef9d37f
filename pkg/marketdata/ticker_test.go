package marketdata_test

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"papertrade/pkg/marketdata"
)

func TestParseTicker(t *testing.T) {
	for text, want := range map[string]string{
		"AAPL": "AAPL", " aapl ": "AAPL", "BRK.B": "BRK.B", "bf-b": "BF-B",
		"TSCO.LON": "TSCO.LON", "600104.SHH": "600104.SHH", "RELIANCE.BSE": "RELIANCE.BSE",
		"M&M.BSE": "M&M.BSE", "l&tfh.bse": "L&TFH.BSE",
	} {
		got, err := marketdata.ParseTicker(text)
		if err != nil || got.String() != want {
			t.Errorf("ParseTicker(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "  ", "$$$", "A B", ".A", "A.", "A..B", "&A", "A&", "A&&B", "A&.B", "&", "A+B", "A;B", "ÄPL", strings.Repeat("A", 40)} {
		if got, err := marketdata.ParseTicker(text); err == nil {
			t.Errorf("ParseTicker(%q) = %q, want an error", text, got)
		}
	}
}

func TestFormatPriceKeepsEveryDigit(t *testing.T) {
	for _, text := range []string{"192.5300", "0.0042", "7", "1000000.10"} {
		if got := marketdata.FormatPrice(decimal.RequireFromString(text)); got != text {
			t.Errorf("FormatPrice(%s) = %s", text, got)
		}
	}
}
