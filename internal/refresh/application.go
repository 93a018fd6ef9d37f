package refresh

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"papertrade/pkg/marketdata"
)

// UnreadableError is why the web application beside us cannot read a ticker, or a price of one. It then fails to read the
// whole list that has it.
type UnreadableError struct{ reason string }

func (e *UnreadableError) Error() string { return "the application cannot read " + e.reason }

// maxReadableTicker is how many letters a ticker of the application has at most.
const maxReadableTicker = 5

// CheckReadable returns an *UnreadableError if the application cannot read a ticker.
func CheckReadable(ticker marketdata.Ticker) error {
	symbol := ticker.String()
	isLetter := func(r rune) bool { return r >= 'A' && r <= 'Z' }
	if len(symbol) <= maxReadableTicker && !strings.ContainsFunc(symbol, func(r rune) bool { return !isLetter(r) }) {
		return nil
	}
	return &UnreadableError{fmt.Sprintf("the ticker %s, nor any list with it: its tickers are one to %d letters, A to Z",
		symbol, maxReadableTicker)}
}

var (
	// readableCurrencies are those that the application knows.
	readableCurrencies = []string{"USD", "EUR", "GBP", "CAD", "JPY", "AUD"}
	// readableDigits is how many decimals its amounts have.
	readableDigits int32 = 2
)

// checkReadableBar returns an *UnreadableError if the application cannot read a bar.
func checkReadableBar(bar marketdata.Bar) error {
	if !slices.Contains(readableCurrencies, bar.Currency) {
		return &UnreadableError{fmt.Sprintf("prices in %s: it knows %s", bar.Currency, strings.Join(readableCurrencies, ", "))}
	}
	for _, amount := range []decimal.NullDecimal{decimal.NewNullDecimal(bar.Close), bar.Open, bar.High, bar.Low} {
		if amount.Valid && !amount.Decimal.Round(readableDigits).IsPositive() {
			return &UnreadableError{fmt.Sprintf("the price %s of %s: with its %d decimals it would be %s",
				marketdata.FormatPrice(amount.Decimal), bar.Session, readableDigits, amount.Decimal.StringFixed(readableDigits))}
		}
	}
	return nil
}

// parse reads the symbol of a row. The error is why its ticker is left out.
func (d Discovery) parse(symbol string) (marketdata.Ticker, error) {
	ticker, err := marketdata.ParseTicker(symbol)
	if err == nil && d.ReadableOnly {
		err = CheckReadable(ticker)
	}
	return ticker, err
}

// dropUnreadable fails a ticker for prices that the application cannot read, and does not store them.
func (v *verdict) dropUnreadable() {
	var reason error
	v.prices = slices.DeleteFunc(v.prices, func(p Price) bool {
		err := checkReadableBar(p.Bar)
		reason = cmp.Or(err, reason)
		return err != nil
	})
	if reason == nil {
		return
	}
	v.isUnsettled = false
	if v.err == nil {
		v.failures = append(v.failures, Failure{Ticker: v.Ticker, AskedAt: v.began})
		v.fail(fmt.Errorf("fetch %s: %w: %w", v.Ticker, marketdata.ErrInvalidData, reason))
	}
}
