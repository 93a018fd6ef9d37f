package alphavantage_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"papertrade/internal/fakevantage"
	"papertrade/pkg/alphavantage"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

const key = "SECRET&KEY/123"

// counting is a Limiter that lets every call through, and counts those that reached the vendor.
type counting struct{ reached int }

func (c *counting) Wait(context.Context, int) (func(bool), error) {
	var once sync.Once
	return func(reached bool) {
		once.Do(func() {
			if reached {
				c.reached++
			}
		})
	}, nil
}

// midnight is the start of Saturday, November 21, 2026, in UTC: the session before is complete.
func midnight() time.Time { return time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC) }

func dial(t *testing.T, o fakevantage.Options) (*fakevantage.Server, *alphavantage.Client) {
	t.Helper()
	return dialFor(t, o, 300*time.Millisecond)
}

func dialFor(t *testing.T, o fakevantage.Options, timeout time.Duration) (*fakevantage.Server, *alphavantage.Client) {
	t.Helper()
	return dialWith(t, o, alphavantage.Options{Timeout: timeout})
}

// dialWith makes a client with these options, and sets those that depend on the server.
func dialWith(t *testing.T, o fakevantage.Options, with alphavantage.Options) (*fakevantage.Server, *alphavantage.Client) {
	t.Helper()
	o.Now = midnight
	vendor := fakevantage.New(o)
	server := httptest.NewServer(vendor)
	t.Cleanup(server.Close)
	with.Key, with.BaseURL, with.HTTP, with.Limiter = key, server.URL, server.Client(), &counting{}
	client, err := alphavantage.New(with)
	if err != nil {
		t.Fatal(err)
	}
	return vendor, client
}

// The capabilities, in their order.
const (
	newest = iota
	compact
	full
	splitTable
)

// ask asks about one ticker; the error is that of the call or of the ticker.
func ask(t *testing.T, c *alphavantage.Client, capability int, symbol string) (marketdata.Answer, error) {
	t.Helper()
	ticker := marketdata.MustParseTicker(symbol)
	answer, err := c.Ask(t.Context(), marketdata.Question{
		Capability: c.Capabilities()[capability], Tickers: []marketdata.Ticker{ticker}})
	if err == nil {
		err = answer.Missing[ticker]
	}
	return answer, err
}

func quote(t *testing.T, c *alphavantage.Client, symbol string) (marketdata.Bar, error) {
	t.Helper()
	answer, err := ask(t, c, newest, symbol)
	if err != nil {
		return marketdata.Bar{}, err
	}
	return answer.Bars[0], nil
}

func TestQuote(t *testing.T) {
	vendor, client := dial(t, fakevantage.Options{})
	session := exchange.Date{Year: 2026, Month: time.November, Day: 20}
	for symbol, currency := range map[string]string{"AAPL": "USD", "BRK.B": "USD", "SHOP.TRT": "CAD", "MBG.DEX": "EUR"} {
		got, err := quote(t, client, symbol)
		if err != nil {
			t.Fatal(err)
		}
		bar, _ := vendor.Bar(symbol, session)
		price := func(text string) decimal.NullDecimal {
			return decimal.NewNullDecimal(decimal.RequireFromString(text))
		}
		want := marketdata.Bar{
			Ticker: marketdata.MustParseTicker(symbol), Session: session, Currency: currency,
			Open: price(bar.Open), High: price(bar.High), Low: price(bar.Low), Close: price(bar.Close).Decimal,
			Volume: &bar.Volume, PreviousClose: got.PreviousClose,
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(marketdata.Ticker{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", symbol, diff)
		}
		if !got.PreviousClose.Valid {
			t.Errorf("%s has no previous close", symbol)
		}
	}
}

// Pence stored as pounds are a hundred times too high.
func TestLondonQuotesArePence(t *testing.T) {
	vendor, client := dial(t, fakevantage.Options{})
	vendor.FixPrice("TSCO.LON", "412.3000")
	got, err := quote(t, client, "TSCO.LON")
	if err != nil {
		t.Fatal(err)
	}
	if text := marketdata.FormatPrice(got.Close); got.Currency != "GBP" || text != "4.123000" {
		t.Errorf("%s %s, want 4.123000 GBP", text, got.Currency)
	}
}

func TestRefusalsAreDistinguished(t *testing.T) {
	for outcome, want := range map[fakevantage.Outcome]error{
		fakevantage.Throttled:     marketdata.ErrThrottled,
		fakevantage.QuotaSpent:    marketdata.ErrQuotaSpent,
		fakevantage.Credentials:   marketdata.ErrCredentials,
		fakevantage.Premium:       marketdata.ErrNotEntitled,
		fakevantage.Unknown:       marketdata.ErrUnknownTicker,
		fakevantage.NonePrice:     marketdata.ErrInvalidData,
		fakevantage.DashPrice:     marketdata.ErrInvalidData,
		fakevantage.EmptyPrice:    marketdata.ErrInvalidData,
		fakevantage.ZeroPrice:     marketdata.ErrInvalidData,
		fakevantage.NegativePrice: marketdata.ErrInvalidData,
		fakevantage.MissingPrice:  marketdata.ErrInvalidData,
		fakevantage.ServerError:   marketdata.ErrUnavailable,
		fakevantage.Unavailable:   marketdata.ErrUnavailable,
		fakevantage.CutConnection: marketdata.ErrUnavailable,
		fakevantage.TruncatedJSON: marketdata.ErrUnavailable,
		fakevantage.HTMLBody:      marketdata.ErrUnavailable,
		fakevantage.Forbidden:     marketdata.ErrUnavailable,
		fakevantage.EmptyObject:   marketdata.ErrInvalidData,
		fakevantage.NoFunction:    marketdata.ErrInvalidData,
		fakevantage.HugeBody:      marketdata.ErrUnavailable,
		fakevantage.Redirect:      marketdata.ErrUnavailable,
		fakevantage.Hang:          marketdata.ErrUnavailable,
	} {
		t.Run(string(outcome), func(t *testing.T) {
			for _, style := range []fakevantage.Style{fakevantage.StyleFree, fakevantage.StyleNote, fakevantage.StylePaid} {
				vendor, client := dial(t, fakevantage.Options{Style: style})
				vendor.Fault("MSFT", outcome, 1)
				_, err := quote(t, client, "MSFT")
				if !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", style, err, want)
				}
				if err != nil && (strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "apikey=")) {
					t.Errorf("the key is in %q", err)
				}
				if calls := len(vendor.Arrivals()); calls != 1 {
					t.Errorf("%d calls, want 1", calls)
				}
			}
		})
	}
}

func TestOnlyThePriceIsNeeded(t *testing.T) {
	vendor, client := dial(t, fakevantage.Options{})
	vendor.Fault("MSFT", fakevantage.PriceOnly, 1)
	got, err := quote(t, client, "MSFT")
	if err != nil || got.Open.Valid || got.High.Valid || got.Low.Valid || got.Volume != nil || !got.Close.IsPositive() {
		t.Errorf("%+v, %v; want a close and nothing else", got, err)
	}
}

func TestThrottledTellsWhenToAskAgain(t *testing.T) {
	for _, tt := range []struct {
		options fakevantage.Options
		want    time.Duration
	}{
		{fakevantage.Options{RetryAfter: 7 * time.Second}, 7 * time.Second},
		{fakevantage.Options{Style: fakevantage.StyleFree}, time.Second},
		{fakevantage.Options{Style: fakevantage.StyleNote}, time.Minute},
	} {
		vendor, client := dial(t, tt.options)
		vendor.Fault("MSFT", fakevantage.Throttled, 1)
		_, err := quote(t, client, "MSFT")
		var throttled *marketdata.ThrottledError
		if !errors.As(err, &throttled) || throttled.RetryAfter != tt.want {
			t.Errorf("%+v, want a ThrottledError of %v", throttled, tt.want)
		}
	}
}

func TestNoConnectionHidesTheKey(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	limiter := &counting{}
	client, err := alphavantage.New(alphavantage.Options{Key: key, BaseURL: server.URL, Limiter: limiter})
	if err != nil {
		t.Fatal(err)
	}
	_, err = quote(t, client, "AAPL")
	if limiter.reached != 0 {
		t.Errorf("%d calls counted: none left the machine", limiter.reached)
	}
	if !errors.Is(err, marketdata.ErrUnavailable) || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("%v, want an ErrUnavailable without the key", err)
	}
}

// A key of digits that the vendor writes in the place of a price is no price.
func TestKeyIsNoPrice(t *testing.T) {
	const digits = "1234567890123456"
	for _, price := range []string{`"` + digits + `"`, digits, digits + ".00", `"\u0031234567890123456"`, `"` + digits + `.0"`} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"Global Quote": {"01. symbol": "AAPL", "05. price": %s, "07. latest trading day": "2026-11-20"}}`, price)
		}))
		client, err := alphavantage.New(alphavantage.Options{Key: digits, BaseURL: server.URL, Limiter: &counting{}})
		if err != nil {
			t.Fatal(err)
		}
		bar, err := quote(t, client, "AAPL")
		server.Close()
		if err == nil || strings.Contains(err.Error(), digits) {
			t.Errorf("%s: %v, %v, want an error without the key", price, bar.Close, err)
		}
	}
}

func TestSeries(t *testing.T) {
	vendor, client := dialFor(t, fakevantage.Options{Entitled: true}, 30*time.Second)
	for capability, sessions := range map[int]int{compact: 100, full: 5000} {
		answer, err := ask(t, client, capability, "TSCO.LON")
		got := answer.Bars
		if err != nil || len(got) < sessions || answer.Since.IsZero() != (capability == full) || answer.Complete != (capability == full) {
			t.Fatalf("%d bars since %s, %v; want %d", len(got), answer.Since, err, sessions)
		}
		if capability == compact && answer.Since != got[0].Session {
			t.Errorf("it speaks for sessions since %s, and has them since %s", answer.Since, got[0].Session)
		}
		for i, bar := range got[len(got)-2:] {
			want, ok := vendor.Bar("TSCO.LON", bar.Session)
			pence, _ := decimal.NewFromString(want.Close)
			if !ok || !bar.Close.Equal(pence.Shift(-2)) || bar.Currency != "GBP" || *bar.Volume != want.Volume || !bar.Open.Valid {
				t.Errorf("%+v, want %+v", bar, want)
			}
			if session := (exchange.Date{Year: 2026, Month: time.November, Day: 19 + i}); bar.Session != session {
				t.Errorf("session %s, want %s", bar.Session, session)
			}
		}
	}
}

// A listing of fewer sessions than a compact series has is complete, and only a full one reports splits.
func TestSeriesReportsTheFirstSessionAndSplits(t *testing.T) {
	vendor, client := dialFor(t, fakevantage.Options{Entitled: true}, 30*time.Second)
	split := exchange.Date{Year: 2026, Month: time.November, Day: 12}
	vendor.List("NEW", exchange.Date{Year: 2026, Month: time.November, Day: 2})
	vendor.Split("NEW", fakevantage.Split{Session: split, New: 3, Old: 2})
	for capability, want := range map[int]string{compact: "", full: "1.5"} {
		answer, err := ask(t, client, capability, "NEW")
		if err != nil || !answer.Complete || !answer.Since.IsZero() || len(answer.Bars) != 15 {
			t.Fatalf("%d bars since %s, %v; want 15, complete", len(answer.Bars), answer.Since, err)
		}
		for _, bar := range answer.Bars {
			wanted := want
			if want != "" && bar.Session != split {
				wanted = "1"
			}
			if got := bar.SplitCoefficient; got.Valid != (wanted != "") || got.Valid && got.Decimal.String() != wanted {
				t.Errorf("%s: coefficient %+v, want %q", bar.Session, got, wanted)
			}
		}
	}
}

func TestSeriesRefusals(t *testing.T) {
	vendor, client := dialFor(t, fakevantage.Options{Unknown: []string{"GONE"}}, 30*time.Second)
	vendor.List("MSFT", exchange.Date{Year: 2026, Month: time.November, Day: 20})
	vendor.Fault("MSFT", fakevantage.NonePrice, 1) // of the only bar
	vendor.Fault("IBM", fakevantage.TruncatedJSON, 1)
	vendor.Fault("AAPL", fakevantage.HugeBody, 1)
	for symbol, want := range map[string]error{
		"GONE": marketdata.ErrUnknownTicker, "MSFT": marketdata.ErrInvalidData, "IBM": marketdata.ErrUnavailable, "AAPL": marketdata.ErrUnavailable,
	} {
		if answer, err := ask(t, client, compact, symbol); !errors.Is(err, want) {
			t.Errorf("%s: %d bars, %v; want %v", symbol, len(answer.Bars), err, want)
		}
	}
	if _, err := ask(t, client, full, "ZM"); !errors.Is(err, marketdata.ErrNotEntitled) {
		t.Errorf("%v, want an ErrNotEntitled", err)
	}
}

// A question that the client cannot ask makes no call.
func TestQuestionsOutsideOfTheCapabilities(t *testing.T) {
	vendor, client := dial(t, fakevantage.Options{})
	ibm := marketdata.MustParseTicker("IBM")
	for _, question := range []marketdata.Question{
		{Capability: client.Capabilities()[newest]},
		{Capability: client.Capabilities()[newest], Tickers: []marketdata.Ticker{ibm, ibm}},
		{Capability: marketdata.Capability{Kind: marketdata.MarketDay, Name: "MARKET"}, Tickers: []marketdata.Ticker{ibm}},
	} {
		if answer, err := client.Ask(t.Context(), question); err == nil || len(vendor.Arrivals()) > 0 {
			t.Errorf("%+v: %+v, %v after %d calls", question, answer, err, len(vendor.Arrivals()))
		}
	}
}
