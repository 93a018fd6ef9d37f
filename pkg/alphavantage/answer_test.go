package alphavantage_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"papertrade/pkg/alphavantage"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering returns a client whose every call is answered with a status and a body.
func answering(t testing.TB, status int, body string) *alphavantage.Client {
	t.Helper()
	client, err := alphavantage.New(alphavantage.Options{
		Key: key, Limiter: &counting{},
		HTTP: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body))}, nil
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// ofBody asks a vendor that answers with body about a ticker.
func ofBody(t *testing.T, capability int, symbol, body string) (marketdata.Answer, error) {
	t.Helper()
	return ask(t, answering(t, http.StatusOK, body), capability, symbol)
}

func day(month time.Month, d int) exchange.Date {
	return exchange.Date{Year: 2026, Month: month, Day: d}
}

func price(text string) decimal.NullDecimal {
	return decimal.NewNullDecimal(decimal.RequireFromString(text))
}

func shares(n int64) *int64 { return &n }

// sameAnswer compares the amounts of decimals, and errors by their text.
var sameAnswer = cmp.Options{
	cmp.AllowUnexported(marketdata.Ticker{}),
	cmp.Comparer(func(a, b decimal.Decimal) bool { return a.Equal(b) }),
	cmp.Comparer(func(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) }),
}

const quoteOf = `{"Global Quote": {"01. symbol": "IBM", "02. open": "190.1000", "03. high": "193.0000", "04. low": "189.5000",
	"05. price": "192.5300", "06. volume": "3456789", "07. latest trading day": "2026-11-20", "08. previous close": "191.0000"}}`

// What else the vendor sends is read as the same quote.
func TestFormsOfAQuote(t *testing.T) {
	want := marketdata.Bar{
		Ticker: marketdata.MustParseTicker("IBM"), Session: day(time.November, 20), Currency: "USD",
		Open: price("190.1"), High: price("193"), Low: price("189.5"), Close: price("192.53").Decimal,
		Volume: shares(3456789), PreviousClose: price("191"),
	}
	replace := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(quoteOf) }
	for name, body := range map[string]string{
		"as documented":                quoteOf,
		"delayed":                      replace("Global Quote", "Global Quote - DATA DELAYED BY 15 MINUTES"),
		"realtime":                     replace("Global Quote", "Global Quote (realtime)"),
		"with a time":                  replace("2026-11-20", "2026-11-20 16:00:00"),
		"with a time as in RFC 3339":   replace("2026-11-20", "2026-11-20T16:00:00-05:00"),
		"with a time after a comma":    replace("2026-11-20", "2026-11-20, 16:00"),
		"a byte-order mark":            "\xef\xbb\xbf" + quoteOf,
		"numbers":                      replace(`"192.5300"`, "192.53", `"3456789"`, "3456789", `"190.1000"`, "190.1", `"193.0000"`, "193"),
		"numbers with an exponent":     replace(`"192.5300"`, "1.9253e2", `"193.0000"`, "1.93E+2", `"189.5000"`, "1895e-1"),
		"space":                        replace(`"192.5300"`, `" 192.5300 "`, `"2026-11-20"`, `"\t2026-11-20\n"`, `"3456789"`, `"3456789 "`, `"IBM"`, `" IBM "`),
		"a no-break space":             replace(`"192.5300"`, "\"\u00a0192.5300\u00a0\""),
		"a volume with decimals":       replace("3456789", "3456789.0000"),
		"a volume with an exponent":    replace("3456789", "3.456789e6"),
		"a volume with a fraction":     replace("3456789", "3456788.5"),
		"a volume as a float":          replace(`"3456789"`, "3.4567889999E6"),
		"the symbol in lower case":     replace("IBM", "ibm"),
		"without a symbol":             replace(`"01. symbol": "IBM", `, ""),
		"an empty symbol":              replace("IBM", ""),
		"fields that nobody expects":   replace(`"01. symbol"`, `"00. venue": {"id": [1, null]}, "01. symbol"`),
		"a second section beside it":   replace(`{"Global Quote"`, `{"Meta": "x", "Global Quote"`),
		"more digits than a float has": replace(`"192.5300"`, "192.53000000000000000000"),
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := ofBody(t, newest, "IBM", body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(marketdata.Answer{Bars: []marketdata.Bar{want}}, answer, sameAnswer); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A number is read from its text: a float would change the last digits of this one.
func TestNumbersAreExact(t *testing.T) {
	const exact = "98765432109876.12345678"
	answer, err := ofBody(t, newest, "IBM", strings.NewReplacer(`"192.5300"`, exact, `"3456789"`, "9007199254740993").Replace(quoteOf))
	if err != nil {
		t.Fatal(err)
	}
	if bar := answer.Bars[0]; marketdata.FormatPrice(bar.Close) != exact || *bar.Volume != 9007199254740993 {
		t.Errorf("%s and %d shares", bar.Close, *bar.Volume)
	}
}

// A value that is not right is left out of a quote, whose price and day are all that is needed.
func TestPartsOfAQuoteThatAreNotRight(t *testing.T) {
	for _, wrong := range []string{
		`"None"`, `"-"`, `""`, `"0.0000"`, `"-1.0000"`, "null", "0", "-3", "true", "{}", `["1"]`, `"1,234.5"`, `"NaN"`, `"Inf"`, `"0x10"`,
		`"1e999999999"`, "1e41", "1e-41", `"` + strings.Repeat("9", 1000) + `"`,
	} {
		replaced := strings.NewReplacer(`"190.1000"`, wrong, `"193.0000"`, wrong, `"189.5000"`, wrong, `"191.0000"`, wrong).Replace(quoteOf)
		answer, err := ofBody(t, newest, "IBM", replaced)
		if err != nil {
			t.Errorf("%s: %v", wrong, err)
			continue
		}
		want := marketdata.Bar{
			Ticker: marketdata.MustParseTicker("IBM"), Session: day(time.November, 20), Currency: "USD",
			Close: price("192.53").Decimal, Volume: shares(3456789),
		}
		if diff := cmp.Diff(marketdata.Answer{Bars: []marketdata.Bar{want}}, answer, sameAnswer); diff != "" {
			t.Errorf("%s (-want +got):\n%s", wrong, diff)
		}
		if _, err := ofBody(t, newest, "IBM", strings.Replace(quoteOf, `"192.5300"`, wrong, 1)); !errors.Is(err, marketdata.ErrInvalidData) {
			t.Errorf("a price of %s: %v, want an ErrInvalidData", wrong, err)
		}
	}
	for _, wrong := range []string{`"None"`, `"-"`, `""`, "null", "-1", `"-0.5"`, "1e30", "9223372036854775808", "true", `"1e999999999"`} {
		answer, err := ofBody(t, newest, "IBM", strings.Replace(quoteOf, `"3456789"`, wrong, 1))
		if err != nil || answer.Bars[0].Volume != nil {
			t.Errorf("a volume of %s: %+v, %v", wrong, answer, err)
		}
	}
	for _, wrong := range []string{`""`, `"None"`, "null", `"2026-11-31"`, `"20.11.2026"`, "20261120", `"2026-11-201"`, `"2026-11"`} {
		if _, err := ofBody(t, newest, "IBM", strings.Replace(quoteOf, `"2026-11-20"`, wrong, 1)); !errors.Is(err, marketdata.ErrInvalidData) {
			t.Errorf("a day of %s: %v, want an ErrInvalidData", wrong, err)
		}
	}
}

// Values that contradict each other are the caller's to judge.
func TestAContradictionIsNotJudged(t *testing.T) {
	answer, err := ofBody(t, newest, "IBM", strings.NewReplacer("193.0000", "1.0000", "189.5000", "999.0000").Replace(quoteOf))
	if err != nil || !answer.Bars[0].High.Decimal.Equal(decimal.NewFromInt(1)) || !answer.Bars[0].Low.Decimal.Equal(decimal.NewFromInt(999)) {
		t.Errorf("%+v, %v", answer, err)
	}
}

const seriesOf = `{"Meta Data": {"1. Information": "Daily Prices", "2. Symbol": "IBM", "3. Last Refreshed": "2026-11-20"},
	"Time Series (Daily)": {
		"2026-11-20": {"1. open": "4", "2. high": "4", "3. low": "4", "4. close": "4.0000", "5. volume": "40"},
		"2026-11-19": {"1. open": "3", "2. high": "3", "3. low": "3", "4. close": "3.0000", "5. volume": "30"},
		"2026-11-18": {"1. open": "2", "2. high": "2", "3. low": "2", "4. close": "2.0000", "5. volume": "20"}}}`

// flatBar returns a bar of seriesOf.
func flatBar(session exchange.Date, level int64) marketdata.Bar {
	value := decimal.NewNullDecimal(decimal.NewFromInt(level))
	return marketdata.Bar{
		Ticker: marketdata.MustParseTicker("IBM"), Session: session, Currency: "USD", Volume: shares(10 * level),
		Open: value, High: value, Low: value, Close: value.Decimal,
	}
}

func TestFormsOfASeries(t *testing.T) {
	want := marketdata.Answer{
		Bars:     []marketdata.Bar{flatBar(day(time.November, 18), 2), flatBar(day(time.November, 19), 3), flatBar(day(time.November, 20), 4)},
		Complete: true,
	}
	replace := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(seriesOf) }
	for name, body := range map[string]string{
		"as documented":             seriesOf,
		"with times":                replace(`-18":`, `-18 16:00:00":`, `-19":`, `-19T00:00:00Z":`, `-20":`, `-20 15:59:59":`),
		"space around a day":        replace(`"2026-11-18":`, `"2026-11-18 ":`, `"2026-11-20":`, `" 2026-11-20":`),
		"a byte-order mark":         "\xef\xbb\xbf" + seriesOf,
		"numbers":                   replace(`"4.0000"`, "4", `"40"`, "40", `"3.0000"`, "3.00", `"30"`, "3e1"),
		"volumes with decimals":     replace(`"40"`, `"40.0"`, `"30"`, `"3.0E+01"`, `"20"`, `"19.5"`),
		"without meta data":         replace("Meta Data", "About"),
		"meta data of another type": replace(`{"1. Information": "Daily Prices", "2. Symbol": "IBM", "3. Last Refreshed": "2026-11-20"}`, `"none"`),
		"without a symbol":          replace("2. Symbol", "2. Ticker"),
		"the symbol in lower case":  replace("IBM", "ibm"),
		"a delayed series":          replace("Time Series (Daily)", "Time Series (Daily) - DATA DELAYED BY 15 MINUTES"),
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := ofBody(t, compact, "IBM", body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, answer, sameAnswer); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A bad bar of a series costs itself alone, wherever it is.
func TestABadBarCostsItself(t *testing.T) {
	all := []marketdata.Bar{flatBar(day(time.November, 18), 2), flatBar(day(time.November, 19), 3), flatBar(day(time.November, 20), 4)}
	for _, wrong := range []string{`"None"`, `"-"`, `""`, `"0.0000"`, `"-1.0000"`, "null", "{}", "1e99"} {
		for i, level := range []string{`"2.0000"`, `"3.0000"`, `"4.0000"`} {
			answer, err := ofBody(t, compact, "IBM", strings.Replace(seriesOf, level, wrong, 1))
			if err != nil {
				t.Fatal(err)
			}
			kept := append(append([]marketdata.Bar{}, all[:i]...), all[i+1:]...)
			if diff := cmp.Diff(kept, answer.Bars, sameAnswer); diff != "" {
				t.Errorf("%s for %s (-want +got):\n%s", wrong, level, diff)
			}
			checkInvalid(t, answer, all[i].Session)
		}
	}
	for name, tt := range map[string]struct {
		old, new string
		session  exchange.Date
	}{
		"no close": {`"4. close": "4.0000"`, `"4. end": "4.0000"`, day(time.November, 20)},
		"no bar":   {`{"1. open": "4", "2. high": "4", "3. low": "4", "4. close": "4.0000", "5. volume": "40"}`, `"none"`, day(time.November, 20)},
		"null":     {`{"1. open": "4", "2. high": "4", "3. low": "4", "4. close": "4.0000", "5. volume": "40"}`, "null", day(time.November, 20)},
		"no day":   {`"2026-11-20": {"1`, `"2026-11-31": {"1`, exchange.Date{}},
		"no date":  {`"2026-11-20": {"1`, `"": {"1`, exchange.Date{}},
	} {
		answer, err := ofBody(t, compact, "IBM", strings.Replace(seriesOf, tt.old, tt.new, 1))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(all[:2], answer.Bars, sameAnswer); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		checkInvalid(t, answer, tt.session)
	}
}

// checkInvalid checks that one bar of IBM was not right.
func checkInvalid(t *testing.T, answer marketdata.Answer, session exchange.Date) {
	t.Helper()
	if len(answer.Invalid) != 1 || !errors.Is(answer.Invalid[0].Err, marketdata.ErrInvalidData) {
		t.Fatalf("invalid are %+v", answer.Invalid)
	}
	want := marketdata.InvalidBar{Ticker: marketdata.MustParseTicker("IBM"), Session: session, Err: answer.Invalid[0].Err}
	if diff := cmp.Diff(want, answer.Invalid[0], sameAnswer); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A series that is cut off says what it covers, even where its oldest bar is bad.
func TestACutOffSeriesWhoseOldestBarIsBad(t *testing.T) {
	days := make([]string, 100)
	first := day(time.June, 1)
	for i := range days {
		days[i] = fmt.Sprintf(`"%s": {"4. close": "%s"}`, first.AddDays(i), map[bool]string{true: "None", false: "5"}[i == 0 || i == 50])
	}
	answer, err := ofBody(t, compact, "IBM", `{"Time Series (Daily)": {`+strings.Join(days, ",")+"}}")
	if err != nil || len(answer.Bars) != 98 || len(answer.Invalid) != 2 || answer.Since != first || answer.Complete {
		t.Errorf("%d bars and %d invalid since %s, complete %t, %v", len(answer.Bars), len(answer.Invalid), answer.Since, answer.Complete, err)
	}
}

func TestASeriesWithoutAGoodBar(t *testing.T) {
	body := strings.NewReplacer(`"4.0000"`, `"None"`, `"3.0000"`, `"-"`, `"2.0000"`, `"0"`).Replace(seriesOf)
	_, err := ofBody(t, compact, "IBM", body)
	if want := `invalid data: close of 2026-11-20 is "None"`; !errors.Is(err, marketdata.ErrInvalidData) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// An answer about another ticker is not that of the one asked for.
func TestTheSymbolOfAnAnswer(t *testing.T) {
	const splits = `{"symbol": "IBM", "data": [{"effective_date": "1999-05-27", "split_factor": "2.0000"}]}`
	for _, tt := range []struct {
		asked, answered string
		want            error
	}{
		{"IBM", "IBM", nil}, {"IBM", "ibm", nil}, {"BRK.B", "BRK-B", nil}, {"BF-B", "BF.B", nil}, {"BRK.B", "brk-b", nil}, {"IBM", "", nil},
		{"M&M.BSE", "M&M.BSE", nil}, {"M&M.BSE", "M", marketdata.ErrInvalidData}, {"TSCO.LON", "TSCO", marketdata.ErrInvalidData},
		{"IBM", "IBMX", marketdata.ErrInvalidData}, {"BRK.B", "BRKB", marketdata.ErrInvalidData}, {"A", "AA", marketdata.ErrInvalidData},
	} {
		for capability, body := range map[int]string{newest: quoteOf, compact: seriesOf, full: seriesOf, splitTable: splits} {
			_, err := ofBody(t, capability, tt.asked, strings.Replace(body, `"IBM"`, `"`+tt.answered+`"`, 1))
			if !errors.Is(err, tt.want) {
				t.Errorf("capability %d about %s answered with %q: %v, want %v", capability, tt.asked, tt.answered, err, tt.want)
			}
		}
	}
}

// Answers that hold nothing, or something else, are not asked for again: only ErrUnavailable is.
func TestAnswersToAnotherQuestion(t *testing.T) {
	for body, want := range map[string]error{
		`{}`: marketdata.ErrInvalidData, `[]`: marketdata.ErrInvalidData, `null`: marketdata.ErrInvalidData, `"x"`: marketdata.ErrInvalidData,
		`7`: marketdata.ErrInvalidData, `{"status": "ok"}`: marketdata.ErrInvalidData,
		`{"Global Quote": [], "Time Series (Daily)": [], "data": {}}`:                     marketdata.ErrInvalidData,
		`{"Error Message": "This API function (GLOBAL_QUOTES) does not exist."}`:          marketdata.ErrInvalidData,
		`{"Error Message": "Invalid API call. Please retry or visit the documentation."}`: marketdata.ErrUnknownTicker,
		`{"Information": "Something that nobody has seen yet."}`:                          marketdata.ErrUnavailable,
		``: marketdata.ErrUnavailable, `{`: marketdata.ErrUnavailable, `<html></html>`: marketdata.ErrUnavailable, "\xef\xbb\xbf": marketdata.ErrUnavailable,
		`{"Note": 5}`: marketdata.ErrUnavailable,
	} {
		for _, capability := range []int{newest, compact, full, splitTable} {
			if _, err := ofBody(t, capability, "IBM", body); !errors.Is(err, want) {
				t.Errorf("capability %d: %s: %v, want %v", capability, body, err, want)
			}
		}
	}
	for body, capability := range map[string]int{`{"Global Quote": {}}`: newest, `{"Global Quote": null}`: newest, `{"Time Series (Daily)": {}}`: compact} {
		if _, err := ofBody(t, capability, "IBM", body); !errors.Is(err, marketdata.ErrUnknownTicker) {
			t.Errorf("%s: %v, want an ErrUnknownTicker", body, err)
		}
	}
}

// An ampersand stays part of the symbol.
func TestAnAmpersandIsEscaped(t *testing.T) {
	for _, symbol := range []string{"M&M.BSE", "L&TFH.BSE"} {
		var sent string
		client, err := alphavantage.New(alphavantage.Options{
			Key: key, Limiter: &counting{}, BaseURL: "https://vendor.example/query?foo=1&symbol=X&bar=a%26b", Entitlement: "realtime",
			HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				sent = r.URL.RawQuery
				body := strings.Replace(quoteOf, "IBM", symbol, 1)
				return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body))}, nil
			})},
		})
		if err != nil {
			t.Fatal(err)
		}
		bar, err := quote(t, client, symbol)
		want := "apikey=SECRET%26KEY%2F123&bar=a%26b&entitlement=realtime&foo=1&function=GLOBAL_QUOTE&symbol=" + strings.Replace(symbol, "&", "%26", 1)
		if err != nil || bar.Ticker.String() != symbol || bar.Currency != "INR" || sent != want {
			t.Errorf("%+v, %v of %s, want %s", bar, err, sent, want)
		}
	}
}
