package alphavantage

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/shopspring/decimal"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// quoteAnswer is the answer to GLOBAL_QUOTE. Each value is a string; prices have four decimals.
type quoteAnswer struct {
	Quote *struct {
		Symbol        string `json:"01. symbol"`
		Open          string `json:"02. open"`
		High          string `json:"03. high"`
		Low           string `json:"04. low"`
		Price         string `json:"05. price"`
		Volume        string `json:"06. volume"`
		LatestDay     string `json:"07. latest trading day"`
		PreviousClose string `json:"08. previous close"`
	} `json:"Global Quote"`
}

func parseQuote(ticker marketdata.Ticker, currency marketdata.Currency, body []byte) (marketdata.Bar, error) {
	var answer quoteAnswer
	if err := json.Unmarshal(body, &answer); err != nil || answer.Quote == nil {
		return marketdata.Bar{}, fmt.Errorf("%w: the answer is not a quote", marketdata.ErrUnavailable)
	}
	q := *answer.Quote
	if q.Symbol == "" && q.Price == "" && q.LatestDay == "" {
		return marketdata.Bar{}, fmt.Errorf("%w: Alpha Vantage has no quote of %s", marketdata.ErrUnknownTicker, ticker)
	}
	session, err := exchange.ParseDate(q.LatestDay)
	if err != nil {
		return marketdata.Bar{}, invalid("latest trading day", q.LatestDay)
	}
	optionalPrice := func(text string) decimal.NullDecimal { return priceIn(currency, text) }
	bar := marketdata.Bar{Ticker: ticker, Session: session, Currency: currency.Code()}
	price := optionalPrice(q.Price)
	if !price.Valid {
		return marketdata.Bar{}, invalid("price", q.Price)
	}
	bar.Close = price.Decimal
	bar.Open, bar.High, bar.Low = optionalPrice(q.Open), optionalPrice(q.High), optionalPrice(q.Low)
	bar.PreviousClose = optionalPrice(q.PreviousClose)
	bar.Volume = optionalVolume(q.Volume)
	return bar, nil
}

func invalid(field, value string) error {
	return fmt.Errorf("%w: %s is %q", marketdata.ErrInvalidData, field, oneLine(value))
}

// priceIn returns a price in whole units of the currency; not valid if text is not a number greater
// than zero: "None", "-", "" and "0" stand for no value in this vendor's answers.
func priceIn(currency marketdata.Currency, text string) decimal.NullDecimal {
	price := positive(text)
	if price.Valid {
		price.Decimal = currency.FromQuote(price.Decimal)
	}
	return price
}

// positive parses a number; it is not valid if text is not a number greater than zero.
func positive(text string) decimal.NullDecimal {
	if !plain(text) {
		return decimal.NullDecimal{}
	}
	d, err := decimal.NewFromString(text)
	if err != nil || !d.IsPositive() {
		return decimal.NullDecimal{}
	}
	return decimal.NewNullDecimal(d)
}

// plain rejects exponents and absurd lengths: a few bytes of exponent can stand for gigabytes of digits.
func plain(text string) bool {
	for _, r := range text {
		if (r < '0' || r > '9') && r != '.' {
			return false
		}
	}
	return len(text) <= 32
}

func optionalVolume(text string) *int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return nil
	}
	return &n
}
