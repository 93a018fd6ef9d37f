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
		AdjustedVolume   string `json:"6. volume"` // in the adjusted series
		SplitCoefficient string `json:"8. split coefficient"`
	} `json:"Time Series (Daily)"`
}

// parseSeries reads all bars, ascending. It skips bars that cannot be right, unless it is the newest, which
// is an error. A series of maxSessions days may be cut off; with 0 it never is.
func parseSeries(ticker marketdata.Ticker, currency marketdata.Currency, body []byte, maxSessions int) (marketdata.Answer, error) {
	var series timeSeries
	var answer marketdata.Answer
	if err := json.Unmarshal(body, &series); err != nil || series.Days == nil {
		return answer, fmt.Errorf("%w: the answer is not a daily series", marketdata.ErrUnavailable)
	}
	if len(series.Days) == 0 {
		return answer, fmt.Errorf("%w: Alpha Vantage has no series of %s", marketdata.ErrUnknownTicker, ticker)
	}
	days := slices.Sorted(maps.Keys(series.Days))
	answer.Complete = maxSessions == 0 || len(days) < maxSessions
	for i, text := range days {
		day := series.Days[text]
		session, err := exchange.ParseDate(text)
		if err != nil {
			return answer, invalid("trading day", text)
		}
		if i == 0 && !answer.Complete {
			answer.Since = session
		}
		price := priceIn(currency, day.Close)
		switch {
		case price.Valid:
			answer.Bars = append(answer.Bars, marketdata.Bar{
				Ticker: ticker, Session: session, Currency: currency.Code(), Close: price.Decimal,
				Open: priceIn(currency, day.Open), High: priceIn(currency, day.High), Low: priceIn(currency, day.Low),
				Volume:           optionalVolume(cmp.Or(day.Volume, day.AdjustedVolume)),
				SplitCoefficient: positive(day.SplitCoefficient),
				AdjustedClose:    priceIn(currency, day.AdjustedClose),
			})
		case i == len(days)-1:
			return answer, invalid("close of "+text, day.Close)
		}
	}
	return answer, nil
}
