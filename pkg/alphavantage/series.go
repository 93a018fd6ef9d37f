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

// dayFields are a day of TIME_SERIES_DAILY or TIME_SERIES_DAILY_ADJUSTED.
type dayFields struct {
	Open             text `json:"1. open"`
	High             text `json:"2. high"`
	Low              text `json:"3. low"`
	Close            text `json:"4. close"`
	Volume           text `json:"5. volume"`
	AdjustedClose    text `json:"5. adjusted close"`
	AdjustedVolume   text `json:"6. volume"` // in the adjusted series
	SplitCoefficient text `json:"8. split coefficient"`
}

// parseSeries reads all bars, ascending, and reports those whose day or close cannot be right. It is an error if there
// is no other bar. A series of maxSessions days may be cut off; with 0 it never is.
func parseSeries(ticker marketdata.Ticker, currency marketdata.Currency, body []byte, maxSessions int) (marketdata.Answer, error) {
	var days map[string]json.RawMessage
	if err := section(body, "Time Series (Daily)", &days); err != nil {
		return marketdata.Answer{}, err
	}
	if err := checkSymbol(ticker, seriesSymbol(body)); err != nil {
		return marketdata.Answer{}, err
	}
	if len(days) == 0 {
		return marketdata.Answer{}, fmt.Errorf("%w: Alpha Vantage has no series of %s", marketdata.ErrUnknownTicker, ticker)
	}
	answer := marketdata.Answer{Complete: maxSessions == 0 || len(days) < maxSessions}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		bar, err := parseDay(currency, day, days[day])
		bar.Ticker = ticker
		if err != nil {
			answer.Invalid = append(answer.Invalid, marketdata.InvalidBar{Ticker: ticker, Session: bar.Session, Err: err})
			continue
		}
		answer.Bars = append(answer.Bars, bar)
	}
	slices.SortStableFunc(answer.Bars, func(a, b marketdata.Bar) int { return a.Session.Compare(b.Session) })
	slices.SortStableFunc(answer.Invalid, func(a, b marketdata.InvalidBar) int { return a.Session.Compare(b.Session) })
	if len(answer.Bars) == 0 {
		return marketdata.Answer{}, answer.Invalid[len(answer.Invalid)-1].Err
	}
	if !answer.Complete {
		answer.Since = oldest(answer)
	}
	return answer, nil
}

// oldest returns the oldest session that an answer has a bar of, even one that cannot be right.
func oldest(answer marketdata.Answer) exchange.Date {
	first := answer.Bars[0].Session
	for _, bar := range answer.Invalid {
		if !bar.Session.IsZero() && bar.Session.Before(first) {
			return bar.Session
		}
	}
	return first
}

// seriesSymbol returns what a series says that it is about; "" if it does not say.
func seriesSymbol(body []byte) text {
	var about struct {
		Symbol text `json:"2. Symbol"`
	}
	if section(body, "Meta Data", &about) != nil {
		return ""
	}
	return about.Symbol
}

// parseDay reads the bar of one day. Only its close has to be right: any other value that is not right is left out.
// If the bar cannot be right it has its session at most.
func parseDay(currency marketdata.Currency, day string, raw json.RawMessage) (marketdata.Bar, error) {
	session, err := parseSession(text(day))
	if err != nil {
		return marketdata.Bar{}, invalid("trading day", text(day))
	}
	var fields dayFields
	if err := json.Unmarshal(raw, &fields); err != nil {
		return marketdata.Bar{Session: session}, invalid("bar of "+session.String(), text(raw))
	}
	price := priceIn(currency, fields.Close)
	if !price.Valid {
		return marketdata.Bar{Session: session}, invalid("close of "+session.String(), fields.Close)
	}
	return marketdata.Bar{
		Session: session, Currency: currency.Code(), Close: price.Decimal,
		Open: priceIn(currency, fields.Open), High: priceIn(currency, fields.High), Low: priceIn(currency, fields.Low),
		Volume:           optionalVolume(cmp.Or(fields.Volume, fields.AdjustedVolume)),
		SplitCoefficient: positive(fields.SplitCoefficient),
		AdjustedClose:    priceIn(currency, fields.AdjustedClose),
	}, nil
}
