package fakevantage

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/pkg/exchange"
)

func date(s string) exchange.Date {
	d, err := exchange.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// clock returns a clock that always shows the same time.
func clock(s string) func() time.Time {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return func() time.Time { return at }
}

const saturday = "2026-11-21T00:00:00Z" // Friday's session is complete

// get makes a call without a network and returns the body.
func get(t *testing.T, s *Server, query string) string {
	t.Helper()
	client := http.Client{Transport: s}
	response, err := client.Get("http://vendor.invalid/query?" + query)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestAnswers(t *testing.T) {
	s := New(Options{Now: clock(saturday), Entitled: true, Unknown: []string{"GONE"}})
	s.FixPrice("IBM", "192.53")
	s.List("IBM", date("2026-11-19"))
	s.FixPrice("PENY", "0.0042")
	s.FixPrice("NVDA", "100")
	s.List("NVDA", date("2026-11-19"))
	s.Split("NVDA", Split{Session: date("2026-11-20"), New: 10, Old: 1})
	for day, split := range map[string]Split{"2024-02-29": {New: 1, Old: 8}, "2026-11-20": {New: 10, Old: 1}, "2026-11-23": {New: 2, Old: 1}} {
		split.Session = date(day)
		s.Split("ROKU", split)
	}
	for _, c := range []struct{ name, query, want string }{
		{"quote", "function=GLOBAL_QUOTE&symbol=ibm", `{
    "Global Quote": {
        "01. symbol": "IBM",
        "02. open": "192.5300",
        "03. high": "192.5300",
        "04. low": "192.5300",
        "05. price": "192.5300",
        "06. volume": "VOLUME",
        "07. latest trading day": "2026-11-20",
        "08. previous close": "192.5300",
        "09. change": "0.0000",
        "10. change percent": "0.0000%"
    }
}`},
		{"penny", "function=GLOBAL_QUOTE&symbol=PENY", `{
    "Global Quote": {
        "01. symbol": "PENY",
        "02. open": "0.0042",
        "03. high": "0.0042",
        "04. low": "0.0042",
        "05. price": "0.0042",
        "06. volume": "VOLUME",
        "07. latest trading day": "2026-11-20",
        "08. previous close": "0.0042",
        "09. change": "0.0000",
        "10. change percent": "0.0000%"
    }
}`},
		{"unknown quote", "function=GLOBAL_QUOTE&symbol=GONE", `{
    "Global Quote": {}
}`},
		{"dirty quote", "function=GLOBAL_QUOTE&symbol=$$$", `{
    "Global Quote": {}
}`},
		{"series", "function=TIME_SERIES_DAILY&symbol=IBM&outputsize=compact", `{
    "Meta Data": {
        "1. Information": "Daily Prices (open, high, low, close) and Volumes",
        "2. Symbol": "IBM",
        "3. Last Refreshed": "2026-11-20",
        "4. Output Size": "Compact",
        "5. Time Zone": "US/Eastern"
    },
    "Time Series (Daily)": {
        "2026-11-20": {
            "1. open": "192.5300",
            "2. high": "192.5300",
            "3. low": "192.5300",
            "4. close": "192.5300",
            "5. volume": "VOLUME"
        },
        "2026-11-19": {
            "1. open": "192.5300",
            "2. high": "192.5300",
            "3. low": "192.5300",
            "4. close": "192.5300",
            "5. volume": "VOLUME"
        }
    }
}`},
		{"adjusted series", "function=TIME_SERIES_DAILY_ADJUSTED&symbol=NVDA&outputsize=full", `{
    "Meta Data": {
        "1. Information": "Daily Time Series with Splits and Dividend Events",
        "2. Symbol": "NVDA",
        "3. Last Refreshed": "2026-11-20",
        "4. Output Size": "Full size",
        "5. Time Zone": "US/Eastern"
    },
    "Time Series (Daily)": {
        "2026-11-20": {
            "1. open": "10.0000",
            "2. high": "10.0000",
            "3. low": "10.0000",
            "4. close": "10.0000",
            "5. adjusted close": "10.0000",
            "6. volume": "VOLUME",
            "7. dividend amount": "0.0000",
            "8. split coefficient": "10.0000"
        },
        "2026-11-19": {
            "1. open": "100.0000",
            "2. high": "100.0000",
            "3. low": "100.0000",
            "4. close": "100.0000",
            "5. adjusted close": "10.0000",
            "6. volume": "VOLUME",
            "7. dividend amount": "0.0000",
            "8. split coefficient": "1.0000"
        }
    }
}`},
		{"splits", "function=SPLITS&symbol=roku", `{
    "symbol": "ROKU",
    "data": [
        {
            "effective_date": "2026-11-20",
            "split_factor": "10.0000"
        },
        {
            "effective_date": "2024-02-29",
            "split_factor": "0.1250"
        }
    ]
}`},
		{"no splits", "function=SPLITS&symbol=IBM", `{
    "symbol": "IBM",
    "data": []
}`},
		{"series as CSV", "function=TIME_SERIES_DAILY&symbol=IBM&datatype=csv", "timestamp,open,high,low,close,volume\r\n" +
			"2026-11-20,192.5300,192.5300,192.5300,192.5300,VOLUME\r\n" +
			"2026-11-19,192.5300,192.5300,192.5300,192.5300,VOLUME\r\n"},
		{"adjusted series as CSV", "function=TIME_SERIES_DAILY_ADJUSTED&symbol=NVDA&datatype=csv",
			"timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient\r\n" +
				"2026-11-20,10.0000,10.0000,10.0000,10.0000,10.0000,VOLUME,0.0000,10.0000\r\n" +
				"2026-11-19,100.0000,100.0000,100.0000,100.0000,10.0000,VOLUME,0.0000,1.0000\r\n"},
		{"unknown series as CSV", "function=TIME_SERIES_DAILY&symbol=GONE&datatype=csv", `{
    "Error Message": "Invalid API call. Please retry or visit the documentation (https://www.alphavantage.co/documentation/) for TIME_SERIES_DAILY."
}`},
		{"bulk quotes", "function=REALTIME_BULK_QUOTES&symbol=IBM,GONE,TSCO.LON", `{
    "endpoint": "Realtime Bulk Quotes",
    "message": "success",
    "data": [
        {
            "symbol": "IBM",
            "timestamp": "2026-11-20 19:59:59.644",
            "open": "192.53",
            "high": "192.53",
            "low": "192.53",
            "close": "192.53",
            "volume": "VOLUME",
            "previous_close": "192.53",
            "change": "0.0",
            "change_percent": "0.0",
            "extended_hours_quote": "",
            "extended_hours_change": "",
            "extended_hours_change_percent": ""
        }
    ]
}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := get(t, s, c.query+"&apikey=k")
			if diff := cmp.Diff(c.want, hideVolumes(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// hideVolumes replaces whole numbers of five digits or more; only volumes have that many.
func hideVolumes(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
		switch {
		case digits >= 5:
			b.WriteString("VOLUME")
		case digits > 0:
			b.WriteString(s[:digits])
		default:
			digits = 1
			b.WriteByte(s[0])
		}
		s = s[digits:]
	}
	return b.String()
}

func TestRefusals(t *testing.T) {
	s := New(Options{Now: clock(saturday), Unknown: []string{"GONE"}})
	for _, c := range []struct {
		query, want string
		outcome     Outcome
	}{
		{"function=GLOBAL_QUOTE&symbol=IBM", `"Error Message": "the parameter apikey is invalid or missing.`, Credentials},
		{"function=GLOBAL_QUOTE&symbol=IBM&apikey=", `"Error Message": "the parameter apikey is invalid or missing.`, Credentials},
		{"function=GLOBAL_QUOTE&symbol=IBM&apikey=demo", `"Information": "The **demo** API key is for demo purposes only.`, Credentials},
		{"function=GLOBAL_QUOTE&apikey=k", `"Error Message": "Invalid API call.`, BadCall},
		{"function=NONE&symbol=IBM&apikey=k", `"Error Message": "Invalid API call.`, BadCall},
		{"symbol=IBM&apikey=k", `"Error Message": "Invalid API call.`, BadCall},
		{"function=TIME_SERIES_DAILY&symbol=GONE&apikey=k", `"Error Message": "Invalid API call.`, Unknown},
		{"function=TIME_SERIES_DAILY&symbol=IBM&outputsize=full&apikey=k", `"Information": "Thank you for using Alpha Vantage! The outputsize=full parameter value is a premium feature`, Premium},
		{"function=TIME_SERIES_DAILY&symbol=IBM&outputsize=full&datatype=csv&apikey=k", `"Information": "Thank you for using Alpha Vantage! The outputsize=full`, Premium},
		{"function=TIME_SERIES_DAILY_ADJUSTED&symbol=IBM&apikey=k", `"Information": "Thank you for using Alpha Vantage! This is a premium endpoint.`, Premium},
		{"function=REALTIME_BULK_QUOTES&apikey=k", `"Error Message": "Invalid API call.`, BadCall},
	} {
		got := get(t, s, c.query)
		arrivals := s.Arrivals()
		outcome := arrivals[len(arrivals)-1].Outcome
		if !strings.HasPrefix(got, "{\n    "+c.want) || outcome != c.outcome {
			t.Errorf("%s: %s, %s", c.query, outcome, got)
		}
	}
}

func TestSplitsOfAPremiumPlan(t *testing.T) {
	const query = "function=SPLITS&symbol=IBM&apikey=k"
	for _, c := range []struct {
		options Options
		want    Outcome
	}{
		{Options{}, Answered}, {Options{SplitsPremium: true}, Premium}, {Options{SplitsPremium: true, Entitled: true}, Answered},
		{Options{Unknown: []string{"IBM"}}, Unknown},
	} {
		s := New(c.options)
		got := get(t, s, query)
		if outcome := s.Arrivals()[0].Outcome; outcome != c.want {
			t.Errorf("%+v: %s, want %s: %s", c.options, outcome, c.want, got)
		}
	}
}

func TestKeysThatAreListed(t *testing.T) {
	s := New(Options{Keys: []string{"demo", "mine"}})
	got := []Outcome{ask(t, s, "IBM", "demo"), ask(t, s, "IBM", "mine"), ask(t, s, "IBM", "yours"), ask(t, s, "IBM", "")}
	if diff := cmp.Diff([]Outcome{Answered, Answered, Credentials, Credentials}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBulkQuotes(t *testing.T) {
	symbols := strings.Repeat("A,", 99) + "LAST,MORE"
	free, paid := New(Options{Now: clock(saturday)}), New(Options{Now: clock(saturday), Entitled: true})
	query := "function=REALTIME_BULK_QUOTES&apikey=k&symbol="
	if got := get(t, paid, query+symbols); strings.Count(got, `"symbol"`) != 100 || strings.Contains(got, "MORE") {
		t.Errorf("%d symbols, want the first 100", strings.Count(got, `"symbol"`))
	}
	real, sample := get(t, paid, query+"AAPL"), get(t, free, query+"AAPL")
	if !strings.Contains(sample, "artificially generated sample data") || !strings.Contains(sample, `"symbol": "AAPL"`) {
		t.Error(sample)
	}
	_, realData, _ := strings.Cut(real, `"data"`)
	if _, sampleData, _ := strings.Cut(sample, `"data"`); realData == sampleData {
		t.Error("the sample is the real data")
	}
	paid.Fault("MSFT", MissingPrice, 1)
	if got := get(t, paid, query+"AAPL,MSFT"); strings.Count(got, `"symbol"`) != 2 || strings.Count(got, `"close"`) != 1 {
		t.Error(got)
	}
}

func TestOnlyQueriesAreServed(t *testing.T) {
	client := http.Client{Transport: New(Options{})}
	for _, path := range []string{"/other", "/query/"} {
		response, err := client.Get("http://vendor.invalid" + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
}
