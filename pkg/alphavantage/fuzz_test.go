package alphavantage_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"papertrade/pkg/marketdata"
)

// kinds are the errors with which a vendor can fail.
var kinds = []error{
	marketdata.ErrUnknownTicker, marketdata.ErrThrottled, marketdata.ErrQuotaSpent, marketdata.ErrCredentials, marketdata.ErrNotEntitled,
	marketdata.ErrUnavailable, marketdata.ErrInvalidData,
}

// fuzzBody asks a vendor that answers with a body about M&M.BSE, and checks what is promised of every answer.
func fuzzBody(t *testing.T, capability, status int, body string) {
	client := answering(t, status, body)
	ticker := marketdata.MustParseTicker("M&M.BSE")
	answer, err := client.Ask(t.Context(), marketdata.Question{
		Capability: client.Capabilities()[capability], Tickers: []marketdata.Ticker{ticker}})
	for _, failure := range []error{err, answer.Missing[ticker]} {
		if failure == nil {
			continue
		}
		if !slices.ContainsFunc(kinds, func(kind error) bool { return errors.Is(failure, kind) }) || strings.Contains(failure.Error(), key) {
			t.Fatalf("the error is %v", failure)
		}
		if len(answer.Bars)+len(answer.Splits)+len(answer.Invalid) > 0 {
			t.Fatalf("%+v has the error %v", answer, failure)
		}
		return
	}
	if capability != splitTable && len(answer.Bars) == 0 {
		t.Fatalf("%+v has neither a bar nor an error", answer)
	}
	for _, bar := range answer.Bars {
		checkBar(t, ticker, bar)
	}
	for _, split := range answer.Splits {
		if split.Ticker != ticker || split.Session.IsZero() || !split.Factor.IsPositive() {
			t.Fatalf("the split is %+v", split)
		}
	}
	for _, bar := range answer.Invalid {
		if bar.Ticker != ticker || !errors.Is(bar.Err, marketdata.ErrInvalidData) {
			t.Fatalf("the invalid bar is %+v", bar)
		}
	}
	if !slices.IsSortedFunc(answer.Bars, func(a, b marketdata.Bar) int { return a.Session.Compare(b.Session) }) ||
		!slices.IsSortedFunc(answer.Splits, func(a, b marketdata.Split) int { return a.Session.Compare(b.Session) }) ||
		!slices.IsSortedFunc(answer.Invalid, func(a, b marketdata.InvalidBar) int { return a.Session.Compare(b.Session) }) {
		t.Fatalf("%+v is not in order", answer)
	}
}

func checkBar(t *testing.T, ticker marketdata.Ticker, bar marketdata.Bar) {
	if bar.Ticker != ticker || bar.Session.IsZero() || bar.Currency != "INR" || !bar.Close.IsPositive() || bar.Volume != nil && *bar.Volume < 0 {
		t.Fatalf("the bar is %+v", bar)
	}
	for _, value := range []decimal.NullDecimal{bar.Open, bar.High, bar.Low, bar.PreviousClose, bar.SplitCoefficient, bar.AdjustedClose} {
		if value.Valid && !value.Decimal.IsPositive() {
			t.Fatalf("the bar is %+v", bar)
		}
	}
}

func FuzzQuote(f *testing.F) {
	f.Add(quoteOf)
	f.Add(strings.ReplaceAll(quoteOf, "IBM", "m&m-bse"))
	f.Add(`{"Global Quote - DATA DELAYED BY 15 MINUTES": {"05. price": 1e3, "06. volume": 1.5e7, "07. latest trading day": "2026-11-20 16:00:00"}}`)
	f.Add(`{"Global Quote": {}}`)
	f.Fuzz(func(t *testing.T, body string) { fuzzBody(t, newest, http.StatusOK, body) })
}

func FuzzSeries(f *testing.F) {
	f.Add(seriesOf, true)
	f.Add(strings.ReplaceAll(seriesOf, "IBM", "M&M.BSE"), false)
	f.Add(`{"Time Series (Daily)": {"2026-11-20 16:00:00": {"4. close": "1", "5. adjusted close": 2, "8. split coefficient": "1.0"}, "x": 1, "2026-11-19": null}}`, true)
	f.Fuzz(func(t *testing.T, body string, cutOff bool) {
		capability := full
		if cutOff {
			capability = compact
		}
		fuzzBody(t, capability, http.StatusOK, body)
	})
}

func FuzzSplits(f *testing.F) {
	f.Add(`{"symbol": "M&M.BSE", "data": [{"effective_date": "2024-06-10", "split_factor": "10.0000"}, {"effective_date": "1999-05-27", "split_factor": 0.5}]}`)
	f.Add(`{"symbol": "IBM", "data": [1, null, {"effective_date": "None", "split_factor": "2"}, {"effective_date": "2024-06-10"}]}`)
	f.Fuzz(func(t *testing.T, body string) { fuzzBody(t, splitTable, http.StatusOK, body) })
}

func FuzzRefusal(f *testing.F) {
	f.Add("Note", "Our standard API call frequency is 5 calls per minute and 500 calls per day.", http.StatusOK)
	f.Add("Information", "We have detected your API key as "+key+" and our standard API rate limit is 25 requests per day.", http.StatusForbidden)
	f.Add("Error Message", "the parameter apikey is invalid or missing.", http.StatusUnauthorized)
	f.Add("Information", "<html>"+key, http.StatusServiceUnavailable)
	f.Fuzz(func(t *testing.T, field, text string, status int) {
		for _, body := range []string{text, `{"` + field + `": "` + text + `"}`} {
			fuzzBody(t, newest, status, body)
		}
	})
}
