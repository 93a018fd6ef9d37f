package alphavantage

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// timeSeries is the answer to TIME_SERIES_DAILY and TIME_SERIES_DAILY_ADJUSTED, by trading days. Each
// value is a string.
type timeSeries struct {
	Days map[string]struct {
		Open             string `json:"1. open"`
		High             string `json:"2. high"`
		Low              string `json:"3. low"`
		Close            string `json:"4. close"`
		Volume           string `json:"5. volume"`
		AdjustedClose    string `json:"5. adjusted close"`
		AdjustedVolume   string `json:"6. volume"` // that of the adjusted series
		SplitCoefficient string `json:"8. split coefficient"`
	} `json:"Time Series (Daily)"`
}

// parseSeries reads all bars. Of those that cannot be right only the newest is an error.
func parseSeries(ticker marketdata.Ticker, currency marketdata.Currency, body []byte, extent marketdata.Extent) (marketdata.Series, error) {
	var answer timeSeries
	if err := json.Unmarshal(body, &answer); err != nil || answer.Days == nil {
		return marketdata.Series{}, fmt.Errorf("%w: the answer is not a daily series", marketdata.ErrUnavailable)
	}
	if len(answer.Days) == 0 {
		return marketdata.Series{}, fmt.Errorf("%w: Alpha Vantage has no series of %s", marketdata.ErrUnknownTicker, ticker)
	}
	days := slices.Sorted(maps.Keys(answer.Days))
	bars := make([]marketdata.Bar, 0, len(days))
	for i, text := range days {
		day := answer.Days[text]
		session, err := exchange.ParseDate(text)
		if err != nil {
			return marketdata.Series{}, invalid("trading day", text)
		}
		price := priceIn(currency, day.Close)
		switch {
		case price.Valid:
			bars = append(bars, marketdata.Bar{
				Ticker: ticker, Session: session, Currency: currency.Code(), Close: price.Decimal,
				Open: priceIn(currency, day.Open), High: priceIn(currency, day.High), Low: priceIn(currency, day.Low),
				Volume:           optionalVolume(cmp.Or(day.Volume, day.AdjustedVolume)),
				SplitCoefficient: positive(day.SplitCoefficient),
				AdjustedClose:    priceIn(currency, day.AdjustedClose),
			})
		case i == len(days)-1:
			return marketdata.Series{}, invalid("close of "+text, day.Close)
		}
	}
	return marketdata.Series{Bars: bars, Complete: extent == marketdata.Full || len(days) < marketdata.CompactSessions}, nil
}
