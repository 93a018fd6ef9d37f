package marketdata_test

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"papertrade/pkg/marketdata"
)

// maxError is what an error about a text may take, however long the text is.
const maxError = 400

func FuzzParseTicker(f *testing.F) {
	for _, s := range []string{"AAPL", " brk.b\t", "BF-B", "600104.SHH", "M&M.BSE", "", ".", "A..B", "ÅÄÖ", "ı", "ſ", strings.Repeat("A", 21), strings.Repeat(" ", 5000), "!" + strings.Repeat(" ", 5000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ticker, err := marketdata.ParseTicker(s)
		if err != nil {
			if len(err.Error()) > maxError {
				t.Fatalf("the error about %d bytes has %d", len(s), len(err.Error()))
			}
			return
		}
		symbol := ticker.String()
		if again, err := marketdata.ParseTicker(symbol); again != ticker || err != nil {
			t.Fatalf("%q is %q, which is %q, %v", s, symbol, again, err)
		}
		if len(symbol) == 0 || len(symbol) > marketdata.MaxTickerLength || strings.Trim(symbol, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-&") != "" {
			t.Fatalf("%q is %q", s, symbol)
		}
		if !strings.HasSuffix(symbol, ticker.Suffix()) || ticker.Calendar() == nil {
			t.Fatalf("%q has the suffix %q and the calendar %v", symbol, ticker.Suffix(), ticker.Calendar())
		}
	})
}

func FuzzParseCurrency(f *testing.F) {
	for _, s := range []string{"USD", "GBX", "GBp", "", "USD EUR", "D A", " USD"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, code string) {
		currency, err := marketdata.ParseCurrency(code)
		if err != nil {
			if len(err.Error()) > maxError {
				t.Fatalf("the error about %d bytes has %d", len(code), len(err.Error()))
			}
			return
		}
		stored, err := marketdata.ParseCurrency(currency.Code())
		if currency.String() != code || len(code) != 3 || err != nil || stored.String() != stored.Code() {
			t.Fatalf("%q is %q, stored in %q, %v", code, currency, stored, err)
		}
	})
}

// A price is written with all its digits, and read as the same one.
func FuzzFormatPrice(f *testing.F) {
	for _, s := range []string{"192.5300", "0.0042", "1e3", "1.5e-7", "-0.00", "00.1", "99999999999999999999.9999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		price, err := decimal.NewFromString(s)
		if err != nil || price.Exponent() > 1000 || price.Exponent() < -1000 { // whoever reads one bounds it
			return
		}
		text := marketdata.FormatPrice(price)
		read, err := decimal.NewFromString(text)
		if err != nil || !read.Equal(price) || strings.ContainsAny(text, "eE") || marketdata.FormatPrice(read) != text {
			t.Fatalf("%q is written %q, which is read as %s, %v", s, text, read, err)
		}
	})
}
