package alphavantage

import (
	"fmt"

	"papertrade/pkg/marketdata"
)

// quoteFields are the answer to GLOBAL_QUOTE. Prices have four decimals.
type quoteFields struct {
	Symbol        text `json:"01. symbol"`
	Open          text `json:"02. open"`
	High          text `json:"03. high"`
	Low           text `json:"04. low"`
	Price         text `json:"05. price"`
	Volume        text `json:"06. volume"`
	LatestDay     text `json:"07. latest trading day"`
	PreviousClose text `json:"08. previous close"`
}

// parseQuote reads the newest bar. Only its day and its price have to be right: any other value that is not right is
// left out.
func parseQuote(ticker marketdata.Ticker, currency marketdata.Currency, body []byte) (marketdata.Bar, error) {
	var q quoteFields
	if err := section(body, "Global Quote", &q); err != nil {
		return marketdata.Bar{}, err
	}
	if err := checkSymbol(ticker, q.Symbol); err != nil {
		return marketdata.Bar{}, err
	}
	if q.Symbol == "" && q.Price == "" && q.LatestDay == "" {
		return marketdata.Bar{}, fmt.Errorf("%w: Alpha Vantage has no quote of %s", marketdata.ErrUnknownTicker, ticker)
	}
	session, err := parseSession(q.LatestDay)
	if err != nil {
		return marketdata.Bar{}, invalid("latest trading day", q.LatestDay)
	}
	price := priceIn(currency, q.Price)
	if !price.Valid {
		return marketdata.Bar{}, invalid("price", q.Price)
	}
	return marketdata.Bar{
		Ticker: ticker, Session: session, Currency: currency.Code(), Close: price.Decimal,
		Open: priceIn(currency, q.Open), High: priceIn(currency, q.High), Low: priceIn(currency, q.Low),
		Volume: optionalVolume(q.Volume), PreviousClose: priceIn(currency, q.PreviousClose),
	}, nil
}
