package alphavantage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// text is a value of an answer as it was sent, without white space around it. The vendor writes strings; numbers
// are read from their text, so that they stay exact. It is "" for null.
type text string

// UnmarshalJSON accepts any value: one that is neither a string nor a number is no price and no day.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	*t = text(strings.TrimSpace(s))
	return nil
}

// trimBOM removes a byte-order mark, which proxies and Windows servers put before an answer.
func trimBOM(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }

// section decodes the value of the first key that begins with prefix: "Global Quote" is also
// "Global Quote - DATA DELAYED BY 15 MINUTES".
func section(body []byte, prefix string, into any) error {
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("%w: the answer is not a JSON object", marketdata.ErrInvalidData)
	}
	for _, key := range slices.Sorted(maps.Keys(answer)) {
		if strings.HasPrefix(key, prefix) && json.Unmarshal(answer[key], into) == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: the answer has no %q", marketdata.ErrInvalidData, prefix)
}

// checkSymbol refuses an answer about another ticker than the one that was asked for. An answer without a symbol is
// taken to be about that one.
func checkSymbol(ticker marketdata.Ticker, symbol text) error {
	if symbol == "" || normalizeSymbol(string(symbol)) == normalizeSymbol(ticker.String()) {
		return nil
	}
	return fmt.Errorf("%w: the answer is about %q", marketdata.ErrInvalidData, oneLine(string(symbol)))
}

// normalizeSymbol returns what two ways to write one symbol have in common: the vendor takes BRK-B for BRK.B.
func normalizeSymbol(symbol string) string {
	return strings.ReplaceAll(strings.ToUpper(symbol), "-", ".")
}

func invalid(field string, value text) error {
	return fmt.Errorf("%w: %s is %q", marketdata.ErrInvalidData, field, oneLine(string(value)))
}

// parseSession reads a day, which can have a time after it: "2026-11-20 16:00:00".
func parseSession(t text) (exchange.Date, error) {
	const length = len("2026-11-20")
	day := strings.TrimSpace(string(t))
	if len(day) > length && (day[length] < '0' || day[length] > '9') {
		day = day[:length]
	}
	return exchange.ParseDate(day)
}

// maxDigits is the maximum number of digits of a number, before and after its point: a few bytes of exponent can
// stand for gigabytes of them.
const maxDigits = 40

// number parses a number, which can have an exponent.
func number(t text) (decimal.Decimal, bool) {
	if len(t) > 2*maxDigits {
		return decimal.Decimal{}, false
	}
	d, err := decimal.NewFromString(string(t))
	if err != nil || d.Exponent() < -maxDigits || d.Exponent() > maxDigits ||
		d.NumDigits()+int(max(0, d.Exponent())) > maxDigits {
		return decimal.Decimal{}, false
	}
	if d.Exponent() > 0 {
		d = decimal.NewFromBigInt(d.BigInt(), 0)
	}
	return d, true
}

// positive parses a number; it is not valid if t is not a number greater than zero.
func positive(t text) decimal.NullDecimal {
	d, ok := number(t)
	if !ok || !d.IsPositive() {
		return decimal.NullDecimal{}
	}
	return decimal.NewNullDecimal(d)
}

// priceIn returns a price in whole units of the currency; not valid if t is not a number greater than zero: "None",
// "-", "" and "0" stand for no value in this vendor's answers.
func priceIn(currency marketdata.Currency, t text) decimal.NullDecimal {
	price := positive(t)
	if price.Valid {
		price.Decimal = currency.FromQuote(price.Decimal)
	}
	return price
}

// optionalVolume returns a number of shares; nil if t is not one. Fractions of a share, which some venues trade, are
// rounded to whole ones, halves up.
func optionalVolume(t text) *int64 {
	d, ok := number(t)
	if !ok || d.IsNegative() {
		return nil
	}
	shares := d.Round(0)
	if shares.GreaterThan(decimal.NewFromInt(math.MaxInt64)) {
		return nil
	}
	n := shares.IntPart()
	return &n
}
