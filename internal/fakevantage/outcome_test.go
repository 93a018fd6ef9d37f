package fakevantage

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// result is the result of a request as its client sees it.
type result struct {
	status     int
	retryAfter string
	body       string
	err        error
}

func request(t *testing.T, client *http.Client, url string) result {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		return result{err: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return result{response.StatusCode, response.Header.Get("Retry-After"), string(body), err}
}

func has(parts ...string) func(result) bool {
	return func(m result) bool {
		for _, part := range parts {
			if !strings.Contains(m.body, part) {
				return false
			}
		}
		return m.err == nil && m.status == http.StatusOK
	}
}

func TestFaults(t *testing.T) {
	tests := map[Outcome]func(result) bool{
		Throttled:     func(m result) bool { return has("1 request per second")(m) && m.retryAfter == "2" },
		QuotaSpent:    has("API key as KEY", "25 requests per day"),
		Credentials:   has("apikey is invalid or missing"),
		Premium:       has("This is a premium endpoint"),
		Unknown:       has(`"Global Quote": {}`),
		NonePrice:     has(`"05. price": "None"`, `"07. latest trading day": "2026-11-20"`),
		DashPrice:     has(`"05. price": "-"`),
		EmptyPrice:    has(`"05. price": ""`),
		ZeroPrice:     has(`"05. price": "0.0000"`),
		NegativePrice: has(`"05. price": "-1.0000"`),
		MissingPrice: func(m result) bool {
			return has(`"04. low"`, `"06. volume"`)(m) && !strings.Contains(m.body, "05. price")
		},
		PriceOnly:     has(`"01. symbol": "MSFT"`, `"02. open": "None"`, `"05. price": "400.0000"`, `"06. volume": "None"`, `"07. latest trading day": "2026-11-20"`),
		ServerError:   func(m result) bool { return m.status == 500 && m.err == nil },
		Unavailable:   func(m result) bool { return m.status == 503 && m.retryAfter == "2" && m.err == nil },
		CutConnection: func(m result) bool { return errors.Is(m.err, io.ErrUnexpectedEOF) && strings.Contains(m.body, "MSFT") },
		TruncatedJSON: func(m result) bool { return has("MSFT")(m) && !strings.HasSuffix(m.body, "}") },
		Forbidden: func(m result) bool {
			return m.status == 403 && strings.HasPrefix(m.body, "<!DOCTYPE html>") && m.err == nil
		},
		EmptyObject:   func(m result) bool { return m.status == 200 && m.body == "{}" && m.err == nil },
		NoFunction:    has(`"Error Message": "This API function (GLOBAL_QUOTE) does not exist."`),
		HTMLBody:      has("<!DOCTYPE html>"),
		HostileNotice: has(`"Error Message": "Invalid API call.`, " KEY key %4b%45%59 \\u0026#x4B;", `K\u0000EY K\u0007EY \u001b[31m`, "\u202e"),
		HostilePrice:  has(`"01. symbol": "MSFT"`, `"05. price": "=key KEY key %4b`),
		HugeBody:      func(m result) bool { return has(`"05. price": "400.0000"`)(m) && len(m.body) > 2<<20 },
		Redirect:      func(m result) bool { return m.err != nil && strings.Contains(m.err.Error(), "refused to follow") },
		Hang:          func(m result) bool { return errors.Is(m.err, context.DeadlineExceeded) },
		Drip:          func(m result) bool { return errors.Is(m.err, context.DeadlineExceeded) && m.status == 200 },
		Bomb:          func(m result) bool { return m.err == nil && len(m.body) == 64<<20 },
		Garbage:       func(m result) bool { return has("Global Quote")(m) && !utf8.ValidString(m.body) },
		OtherSymbol:   has(`"01. symbol": "M"`, `"05. price": "400.0000"`),
	}
	for outcome := range scriptable {
		if tests[outcome] == nil {
			t.Errorf("no test of %s", outcome)
		}
	}
	for outcome, ok := range tests {
		t.Run(string(outcome), func(t *testing.T) {
			s := New(Options{Now: clock(saturday), RetryAfter: 2 * time.Second})
			s.FixPrice("MSFT", "400")
			s.Fault("MSFT", outcome, 1)
			server := httptest.NewServer(s)
			defer server.Close()
			client := server.Client()
			if outcome == Hang || outcome == Drip {
				client.Timeout = 50 * time.Millisecond
			}
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return errors.New("refused to follow") }
			url := server.URL + "/query?function=GLOBAL_QUOTE&apikey=KEY&symbol="

			other := request(t, client, url+"AAPL")
			faulty := request(t, client, url+"MSFT")
			client.Timeout = 0
			after := request(t, client, url+"MSFT")
			if !ok(faulty) {
				t.Errorf("%.300s, %v, %d, %q", faulty.body, faulty.err, faulty.status, faulty.retryAfter)
			}
			if !has(`"01. symbol": "AAPL"`)(other) || !has(`"05. price": "400.0000"`)(after) {
				t.Errorf("the calls around it: %v, %v", other, after)
			}
			var got []Outcome
			for _, a := range s.Arrivals() {
				got = append(got, a.Outcome)
			}
			if diff := cmp.Diff([]Outcome{Answered, outcome, Answered}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFollowedRedirectArrivesAgain(t *testing.T) {
	s := New(Options{})
	s.Fault("MSFT", Redirect, 1)
	server := httptest.NewServer(s)
	defer server.Close()
	host := ""
	server.Client().CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		host = r.URL.Hostname()
		return nil
	}
	m := request(t, server.Client(), server.URL+"/query?function=GLOBAL_QUOTE&apikey=KEY&symbol=MSFT")
	if got := s.Arrivals(); !has("MSFT")(m) || host != "localhost" || len(got) != 2 || got[1].Key != Fingerprint("KEY") {
		t.Errorf("%v, by way of %q: %v", m, host, got)
	}
}

func TestFaultsFollowEachOther(t *testing.T) {
	s := New(Options{})
	s.Fault("MSFT", Throttled, 2)
	s.Fault("MSFT", ZeroPrice, 1)
	s.Fault(AnySymbol, ServerError, Always)
	var got []Outcome
	for range 5 {
		got = append(got, ask(t, s, "MSFT", "k"))
	}
	s.ClearFaults(AnySymbol)
	got = append(got, ask(t, s, "MSFT", "k"))
	if diff := cmp.Diff([]Outcome{Throttled, Throttled, ZeroPrice, ServerError, ServerError, Answered}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSeriesFaultIsInTheNewestBar(t *testing.T) {
	s := New(Options{Now: clock(saturday)})
	s.Fault("MSFT", NonePrice, 1)
	got := get(t, s, "function=TIME_SERIES_DAILY&apikey=k&symbol=MSFT")
	first, rest, _ := strings.Cut(got, "2026-11-19")
	if !strings.Contains(first, `"4. close": "None"`) || strings.Contains(rest, "None") {
		t.Error(first)
	}
}

func TestWrongScriptsPanic(t *testing.T) {
	s := New(Options{})
	for name, wrong := range map[string]func(){
		"outcome": func() { s.Fault("MSFT", Answered, 1) },
		"calls":   func() { s.Fault("MSFT", Throttled, 0) },
		"price":   func() { s.FixPrice("MSFT", "0.00421") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a wrong %s is accepted", name)
				}
			}()
			wrong()
		}()
	}
}

func TestFaultsWithoutANetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Latency: 3 * time.Second})
		client := &http.Client{Transport: s, Timeout: time.Minute}
		const url = "http://vendor.invalid/query?function=GLOBAL_QUOTE&apikey=KEY&symbol=MSFT"
		began := time.Now()
		if m := request(t, client, url); !has("MSFT")(m) || time.Since(began) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(began), m)
		}
		s.Fault("MSFT", CutConnection, 1)
		if m := request(t, client, url); !errors.Is(m.err, io.ErrUnexpectedEOF) {
			t.Errorf("cut: %v", m)
		}
		s.Fault("MSFT", Hang, 1)
		began = time.Now()
		if m := request(t, client, url); !errors.Is(m.err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
			t.Errorf("hang: %v after %v", m, time.Since(began))
		}
		client.Timeout = time.Second
		if m := request(t, client, url); !errors.Is(m.err, context.DeadlineExceeded) {
			t.Errorf("impatient: %v", m)
		}
	})
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestLogThatFails(t *testing.T) {
	m := request(t, &http.Client{Transport: New(Options{Log: fullDisk{}})}, "http://vendor.invalid/query?apikey=KEY")
	if want := (result{status: 500, body: "fakevantage: write the log: disk full\n"}); m != want {
		t.Errorf("%v", m)
	}
}

func TestSpoiledSessions(t *testing.T) {
	s := New(Options{Now: clock(saturday)})
	s.List("MSFT", date("2026-11-18"))
	s.Spoil("msft", date("2026-11-19"), "None")
	s.Spoil("MSFT", date("2026-11-18"), "0.0000")
	got := get(t, s, "function=TIME_SERIES_DAILY&apikey=k&symbol=MSFT")
	newest, rest, _ := strings.Cut(got, "2026-11-19")
	middle, oldest, _ := strings.Cut(rest, "2026-11-18")
	if strings.Contains(newest, "None") || !strings.Contains(middle, `"4. close": "None"`) || !strings.Contains(oldest, `"4. close": "0.0000"`) {
		t.Error(got)
	}
}
