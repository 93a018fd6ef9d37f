package refresh

import (
	"errors"
	"testing"

	"github.com/shopspring/decimal"

	"papertrade/pkg/marketdata"
)

func TestCheckReadable(t *testing.T) {
	for symbol, want := range map[string]bool{
		"A": true, "AAPL": true, "GOOGL": true, "GOOGLE": false, "BRK.B": false, "BF-B": false, "M&M": false, "T1": false, "600104": false,
	} {
		err := CheckReadable(marketdata.MustParseTicker(symbol))
		if (err == nil) != want || err != nil && !errors.As(err, new(*UnreadableError)) {
			t.Errorf("%s: %v, want readable %t", symbol, err, want)
		}
	}
}

func TestCheckReadableBar(t *testing.T) {
	amount := func(s string) decimal.NullDecimal {
		if s == "" {
			return decimal.NullDecimal{}
		}
		return decimal.NewNullDecimal(decimal.RequireFromString(s))
	}
	const reason = "the application cannot read the price "
	for _, test := range []struct {
		currency, open, high, low, close string
		want                             string // "" if it can
	}{
		{"USD", "", "", "", "192.5312", ""},
		{"EUR", "1", "2", "1", "1.5", ""},
		{"AUD", "0.01", "0.01", "0.005", "0.01", ""},
		{"USD", "", "", "", "0.0049", reason + "0.0049 of 2026-11-20: with its 2 decimals it would be 0.00"},
		{"USD", "0.01", "0.01", "0.004", "0.01", reason + "0.004 of 2026-11-20: with its 2 decimals it would be 0.00"},
		{"INR", "", "", "", "1", "the application cannot read prices in INR: it knows USD, EUR, GBP, CAD, JPY, AUD"},
		{"GBX", "", "", "", "1", "the application cannot read prices in GBX: it knows USD, EUR, GBP, CAD, JPY, AUD"},
	} {
		bar := marketdata.Bar{
			Session: date(20), Currency: test.currency, Open: amount(test.open), High: amount(test.high), Low: amount(test.low), Close: amount(test.close).Decimal,
		}
		got := ""
		if err := checkReadableBar(bar); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%+v: %q, want %q", test, got, test.want)
		}
	}
}

// What is left out of discovery is left out of everything that reads rows, and a task that asks for it fails.
func TestReadableOnly(t *testing.T) {
	for only, want := range map[bool][4]int{false: {2, 0, 2, 0}, true: {1, 1, 1, 1}} {
		d := Discovery{ReadableOnly: only}
		active, skipped := d.mergeMentions([]Mention{{Source: SourceHoldings, Symbol: "BRK.B"}, {Source: SourceHoldings, Symbol: "AAPL"}})
		entries, skippedRows := d.mergeEntries([]WatchlistEntry{{Symbol: "BRK.B"}, {Symbol: " aapl"}})
		if got := [4]int{len(active), len(skipped), len(entries), len(skippedRows)}; got != want {
			t.Errorf("only readable ones %t: %v, want %v", only, got, want)
		}
		tasks := []Task{{ID: "1", Symbol: "BRK.B", From: "2026-11-02", To: "2026-11-13"}, {ID: "2", Symbol: "AAPL", From: "2026-11-02", To: "2026-11-13"}}
		requests, rejected := d.taskRequests(tasks, instant(21, 0))
		if got := [4]int{len(requests), len(rejected), len(requests), len(rejected)}; got != want {
			t.Errorf("only readable ones %t: %d tickers of tasks, %d rejected", only, len(requests), len(rejected))
		}
	}
}

// The prices that can be read are stored, and the ticker has failed all the same.
func TestDropUnreadable(t *testing.T) {
	price := func(currency string) Price {
		return Price{Bar: marketdata.Bar{Session: date(20), Currency: currency, Close: decimal.New(1, 0)}}
	}
	aapl := &Item{Want: Want{ActiveTicker: ActiveTicker{Ticker: marketdata.MustParseTicker("AAPL")}}}
	v := verdict{Item: aapl, began: instant(21, 0), prices: []Price{price("USD"), price("INR"), price("USD")}, isUnsettled: true}
	v.dropUnreadable()
	if len(v.prices) != 2 || v.row.Status != OutcomeFailed || v.row.Error.Kind != "invalid_data" || len(v.failures) != 1 || v.isUnsettled {
		t.Errorf("%+v", v)
	}
	v = verdict{Item: aapl, prices: []Price{price("USD")}, isUnsettled: true}
	v.dropUnreadable()
	if len(v.prices) != 1 || v.err != nil || len(v.failures) != 0 || !v.isUnsettled {
		t.Errorf("%+v", v)
	}
}
