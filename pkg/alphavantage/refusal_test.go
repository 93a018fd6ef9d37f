package alphavantage_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/pkg/alphavantage"
	"papertrade/pkg/marketdata"
)

// The sentences in which the vendor refuses, as its clients have recorded them.
func TestPhrasesOfRefusals(t *testing.T) {
	const plans = " Please subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to instantly remove all daily rate limits."
	for text, want := range map[string]error{
		"Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute and 500 calls per day.": marketdata.ErrThrottled,
		"Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly (1 request per second). You may subscribe to any of the premium plans " +
			"to lift the free key rate limit (25 requests per day), raise the per-second burst limit, and instantly unlock all premium endpoints": marketdata.ErrThrottled,
		"Burst pattern detected. Please consider spreading out your API requests more evenly.":                                                                    marketdata.ErrThrottled,
		"Minute-level rate limit exceed. Please stay under the number of API requests per minute for your premium subscription plan.":                             marketdata.ErrThrottled,
		"Thank you for using Alpha Vantage! Please visit https://www.alphavantage.co/premium/ if you would like to have a higher API call volume.":                marketdata.ErrThrottled,
		"Please contact premium@alphavantage.co if you are targeting a higher API call volume.":                                                                   marketdata.ErrThrottled,
		"Please visit https://www.alphavantage.co/premium/ if you would like to target a higher API call frequency.":                                              marketdata.ErrThrottled,
		"Please contact support@alphavantage.co if you are targeting a higher API request volume.":                                                                marketdata.ErrThrottled,
		"Please consider optimizing your API call frequency.":                                                                                                     marketdata.ErrThrottled,
		"Please consider optimizing your API call frequency of premium calls":                                                                                     marketdata.ErrThrottled,
		"Our standard API rate limit is reached.":                                                                                                                 marketdata.ErrThrottled,
		"Our standard API rate limit is reached." + plans:                                                                                                         marketdata.ErrThrottled,
		"our standard  API rate\nlimit is reached":                                                                                                                marketdata.ErrThrottled,
		"We have detected your API key as KEY and our standard API rate limit is 25 requests per day." + plans:                                                    marketdata.ErrQuotaSpent,
		"Our standard API rate limit is 500 calls per day. Please visit https://www.alphavantage.co/premium/ if you would like to have a higher API call volume.": marketdata.ErrQuotaSpent,
		"the parameter apikey is invalid or missing. Please claim your free API key on (https://www.alphavantage.co/support/#api-key).":                           marketdata.ErrCredentials,
		"The **demo** API key is for demo purposes only. Please claim your free API key":                                                                          marketdata.ErrCredentials,
		"Thank you for using Alpha Vantage! This is a premium endpoint. You may subscribe to any of the premium plans":                                            marketdata.ErrNotEntitled,
		"Thank you for using Alpha Vantage! The outputsize=full parameter value is a premium feature for the TIME_SERIES_DAILY endpoint.":                         marketdata.ErrNotEntitled,
		"Invalid API call. Please retry or visit the documentation (https://www.alphavantage.co/documentation/) for GLOBAL_QUOTE.":                                marketdata.ErrUnknownTicker,
		"This API function (GLOBAL_QUOTES) does not exist.":                                                                                                       marketdata.ErrInvalidData,
		"A sentence that nobody has seen yet.":                                                                                                                    marketdata.ErrUnavailable,
	} {
		for _, field := range []string{"Note", "Information", "Error Message"} {
			body, err := json.Marshal(map[string]string{field: strings.Replace(text, "KEY", key, 1)})
			if err != nil {
				t.Fatal(err)
			}
			for _, capability := range []int{newest, compact, splitTable} {
				_, err = ofBody(t, capability, "IBM", string(body))
				if !errors.Is(err, want) || strings.Contains(err.Error(), key) {
					t.Errorf("%s: %s: %v, want %v", field, text, err, want)
				}
			}
		}
	}
}

// Whatever the vendor writes, and wherever: errors have neither the key in them nor what steers a terminal.
func TestErrorsAreSafe(t *testing.T) {
	for name, written := range map[string]string{
		"as it is": key, "small letters": strings.ToLower(key), "query": url.QueryEscape(key), "small query": "secret%26key%2f123",
		"HTML": "SECRET&amp;KEY&#47;123", "NUL within": "SECRET\x00&KEY/123", "escape after": key + "\x1b[31m\u202e",
		"not UTF-8 around": "\xff" + key + "\xc3",
	} {
		text, err := json.Marshal(written)
		if err != nil {
			t.Fatal(err)
		}
		bodies := map[int][]string{
			newest: {
				`{"Information": KEY}`, `{"Note": "requests per day", "Information": KEY}`, `{"Error Message": KEY}`,
				strings.Replace(quoteOf, `"192.5300"`, "KEY", 1), strings.Replace(quoteOf, `"01. symbol": "IBM"`, `"01. symbol": KEY`, 1),
				strings.Replace(quoteOf, `"2026-11-20"`, "KEY", 1), `{"Global Quote": KEY}`,
			},
			compact: {`{"Time Series (Daily)": {"2026-11-20": {"4. close": KEY}}}`, `{"Time Series (Daily)": {KEY: {"4. close": "1"}}}`,
				`{"Time Series (Daily)": {"2026-11-20": {"4. close": "1"}, "2026-11-19": {"4. close": KEY}}}`},
			splitTable: {`{"symbol": "IBM", "data": [{"effective_date": KEY, "split_factor": "2"}]}`,
				`{"symbol": "IBM", "data": [{"effective_date": "2026-11-20", "split_factor": KEY}]}`},
		}
		for capability, templates := range bodies {
			for _, template := range templates {
				body := strings.ReplaceAll(template, "KEY", string(text))
				answer, err := ofBody(t, capability, "IBM", body)
				errs := []error{err}
				for _, missing := range answer.Missing {
					errs = append(errs, missing)
				}
				for _, invalid := range answer.Invalid {
					errs = append(errs, invalid.Err)
				}
				shown := fmt.Sprint(errs)
				if shown == "[<nil>]" {
					t.Errorf("%s: %s: no error", name, template)
				}
				low := strings.ToLower(html.UnescapeString(shown))
				if strings.Contains(low, "secret") || strings.Contains(low, "123") || strings.ContainsAny(shown, "\x00\x1b\u202e") {
					t.Errorf("%s: %s: %q", name, template, shown)
				}
			}
		}
	}
}

// A throttling notice names the window to wait for, if it does.
func TestTheWindowOfAThrottlingNotice(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"more sparingly (1 request per second)": time.Second, "5 calls per minute": time.Minute,
		"Minute-level rate limit exceed": time.Minute, "Our standard API rate limit is reached": 0, "higher API call volume": 0,
	} {
		_, err := ofBody(t, newest, "IBM", `{"Information": "`+text+`"}`)
		var throttled *marketdata.ThrottledError
		if !errors.As(err, &throttled) || throttled.RetryAfter != want {
			t.Errorf("%s: %v after %+v, want %s", text, err, throttled, want)
		}
	}
}

// A notice about the limits names some of them.
func TestTheLimitsThatANoticeNames(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string][]marketdata.RateLimit{
		"our standard API rate limit is 25 requests per day.":                                             {{Calls: 25, Per: day}},
		"5 calls per minute and 500 calls per day":                                                        {{Calls: 5, Per: time.Minute}, {Calls: 500, Per: day}},
		"more sparingly (1 request per second) … to lift the free key rate limit (25 requests per day)":   {{Calls: 1, Per: time.Second}, {Calls: 25, Per: day}},
		"Burst pattern detected … across a 1-minute window and query no more than 5 requests per second.": {{Calls: 5, Per: time.Second}},
		"The API rate limit is reached: 1,200 API requests\nper minute":                                   {{Calls: 1200, Per: time.Minute}},
		"25 requests per day, and 20 calls a day, or 30 free API calls/day; 60 calls per hour":            {{Calls: 20, Per: day}, {Calls: 60, Per: time.Hour}},
		"0 requests per day":                                        nil,
		"99999999999999999999 requests per day":                     nil,
		"x25 requests per day and 1.5e3 calls per daylight":         nil,
		"to remove all daily rate limits; requests per day":         nil,
		"Minute-level rate limit exceed. requests per minute":       nil,
		"Please consider optimizing your API call frequency":        nil,
		"25 requests are what we count of your calls per day":       nil,
		"2025-12-01: more than 24 hours ago you made calls per day": nil,
	} {
		body, err := json.Marshal(map[string]string{"Information": text})
		if err != nil {
			t.Fatal(err)
		}
		_, err = ofBody(t, newest, "IBM", string(body))
		var throttled *marketdata.ThrottledError
		var spent *marketdata.QuotaSpentError
		var got []marketdata.RateLimit
		switch {
		case errors.As(err, &throttled):
			got = throttled.Limits
		case errors.As(err, &spent):
			got = spent.Limits
		default:
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

// The vendor refuses a key with 200 and JSON. A page with 401 or 403 is that of a firewall, and says nothing of the key.
func TestForbidden(t *testing.T) {
	const between = "something between you and the vendor answered"
	for _, tt := range []struct {
		body string
		want error
		says string
	}{
		{"<html><body>Blocked by the firewall</body></html>", marketdata.ErrUnavailable, between},
		{"", marketdata.ErrUnavailable, between},
		{"Forbidden\n", marketdata.ErrUnavailable, between},
		{`{"error": "access denied"}`, marketdata.ErrUnavailable, between},
		{`{}`, marketdata.ErrUnavailable, between},
		{`["denied"]`, marketdata.ErrUnavailable, between},
		{`"denied"`, marketdata.ErrUnavailable, between},
		{quoteOf, marketdata.ErrUnavailable, between},
		{`{"Error Message": "the parameter apikey is invalid or missing."}`, marketdata.ErrCredentials, "apikey is invalid"},
		{"\xef\xbb\xbf" + `{"Error Message": "the parameter apikey is invalid or missing."}`, marketdata.ErrCredentials, "apikey is invalid"},
		{`{"Error Message": "Your key was revoked."}`, marketdata.ErrCredentials, "Your key was revoked."},
		{`{"Information": "This is a premium endpoint."}`, marketdata.ErrNotEntitled, "premium endpoint"},
		{`{"Note": "5 calls per minute"}`, marketdata.ErrThrottled, "5 calls per minute"},
	} {
		for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
			_, err := ask(t, answering(t, status, tt.body), newest, "IBM")
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%d %s: %v, want %v: %s", status, tt.body, err, tt.want, tt.says)
			}
		}
	}
}

func TestOtherStatuses(t *testing.T) {
	for status, want := range map[int]error{
		http.StatusTooManyRequests: marketdata.ErrThrottled, http.StatusNotFound: marketdata.ErrUnavailable,
		http.StatusProxyAuthRequired: marketdata.ErrUnavailable, http.StatusBadGateway: marketdata.ErrUnavailable,
	} {
		if _, err := ask(t, answering(t, status, quoteOf), newest, "IBM"); !errors.Is(err, want) {
			t.Errorf("%d: %v, want %v", status, err, want)
		}
	}
}

// A Retry-After of any size is a time to wait of no more than a day, and never none because a number has overflowed.
func TestRetryAfterOfAnySize(t *testing.T) {
	const day = 24 * time.Hour
	for header, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-1": 0, "-99999999999999999999": 0, "1e9": 0, "0": 0, "90": 90 * time.Second,
		"86401": day, "9223372037": day, "18446744074": day, "9223372036854775807": day, strings.Repeat("9", 1000): day,
		"Fri, 31 Dec 9999 23:59:59 GMT": day, "Thu, 01 Jan 1970 00:00:00 GMT": 0,
	} {
		client, err := alphavantage.New(alphavantage.Options{
			Key: key, Limiter: &counting{},
			HTTP: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {header}}, Body: http.NoBody,
				}, nil
			})},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = ask(t, client, newest, "IBM")
		var throttled *marketdata.ThrottledError
		if !errors.As(err, &throttled) || throttled.RetryAfter != want {
			t.Errorf("%s: %v, %+v, want %v", header, err, throttled, want)
		}
	}
}
