package fakevantage

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// ask makes one call for a quote, without a network, and returns its outcome.
func ask(t *testing.T, s *Server, symbol, key string) Outcome {
	t.Helper()
	client := http.Client{Transport: s}
	response, err := client.Get("http://vendor.invalid/query?function=GLOBAL_QUOTE&symbol=" + symbol + "&apikey=" + key)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	arrivals := s.Arrivals()
	return arrivals[len(arrivals)-1].Outcome
}

// timeline makes a call at each of the times after the bubble's midnight UTC.
func timeline(t *testing.T, s *Server, times ...time.Duration) []Outcome {
	began := time.Now()
	var outcomes []Outcome
	for _, at := range times {
		time.Sleep(at - time.Since(began))
		outcomes = append(outcomes, ask(t, s, "AAPL", "k"))
	}
	return outcomes
}

func TestWindowsAreExact(t *testing.T) {
	const ns = time.Nanosecond
	for _, c := range []struct {
		name    string
		options Options
		times   []time.Duration
		want    []Outcome
	}{
		{
			"rolling", Options{Limits: []Limit{{2, time.Minute}}},
			[]time.Duration{0, 30 * time.Second, time.Minute - ns, time.Minute, 90*time.Second - ns, 90 * time.Second},
			[]Outcome{Answered, Answered, Throttled, Answered, Throttled, Answered},
		},
		{
			"refused calls counted", Options{Limits: []Limit{{1, time.Minute}}, CountRefused: true},
			[]time.Duration{0, 50 * time.Second, 70 * time.Second, 130*time.Second - ns, 190 * time.Second},
			[]Outcome{Answered, Throttled, Throttled, Throttled, Answered},
		},
		{
			"day", Options{Limits: []Limit{{2, 0}}},
			[]time.Duration{0, 23 * time.Hour, 24*time.Hour - ns, 24 * time.Hour, 25 * time.Hour, 26 * time.Hour},
			[]Outcome{Answered, Answered, QuotaSpent, Answered, Answered, QuotaSpent},
		},
		{
			"all at once", Options{Limits: []Limit{{1, time.Second}, {2, 0}, {2, time.Minute}}},
			[]time.Duration{0, time.Second - ns, time.Second, 2 * time.Second, 3 * time.Hour},
			[]Outcome{Answered, Throttled, Answered, QuotaSpent, QuotaSpent},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if diff := cmp.Diff(c.want, timeline(t, New(c.options), c.times...)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestWindowsArePerKey(t *testing.T) {
	s := New(Options{Limits: []Limit{{1, time.Hour}}})
	got := []Outcome{ask(t, s, "AAPL", "one"), ask(t, s, "AAPL", "two"), ask(t, s, "AAPL", "one"), ask(t, s, "AAPL", "")}
	if diff := cmp.Diff([]Outcome{Answered, Answered, Throttled, Credentials}, got); diff != "" {
		t.Error(diff)
	}
}

func TestScriptedRefusalsEnterNoWindow(t *testing.T) {
	s := New(Options{Limits: []Limit{{1, time.Hour}}})
	s.Fault("AAPL", Throttled, 1)
	s.Fault("AAPL", ServerError, 1)
	got := []Outcome{ask(t, s, "AAPL", "k"), ask(t, s, "AAPL", "k"), ask(t, s, "AAPL", "k")}
	if diff := cmp.Diff([]Outcome{Throttled, ServerError, Throttled}, got); diff != "" {
		t.Error(diff)
	}
}

func TestThrottledWordings(t *testing.T) {
	for _, c := range []struct {
		style Style
		limit Limit
		want  string
	}{
		{"", Limit{1, time.Second}, `"Information": "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly (1 request per second).`},
		{StyleFree, Limit{5, time.Minute}, `"Information": "Thank you for using Alpha Vantage! Please consider spreading out`},
		{StyleNote, Limit{5, time.Minute}, `"Note": "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute and 500 calls per day.`},
		{StylePaid, Limit{5, time.Second}, `"Information": "Burst pattern detected. Please consider spreading out your API requests more evenly across a 1-minute window and query no more than 5 requests per second.`},
		{StylePaid, Limit{75, time.Minute}, `"Information": "Minute-level rate limit exceed.`},
		{StyleFree, Limit{25, 0}, `"Information": "We have detected your API key as SECRET and our standard API rate limit is 25 requests per day.`},
	} {
		s := New(Options{Limits: []Limit{c.limit}, Style: c.style})
		for range c.limit.Calls {
			ask(t, s, "AAPL", "SECRET")
		}
		if got := get(t, s, "function=GLOBAL_QUOTE&symbol=AAPL&apikey=SECRET"); !strings.HasPrefix(got, "{\n    "+c.want) {
			t.Errorf("%s at %v: %s", c.style, c.limit, got)
		}
	}
}

func TestMaxInWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.IntRange(0, 40), 0, 20).Draw(t, "times")
		d := rapid.IntRange(1, 15).Draw(t, "d")
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		var arrivals []Arrival
		want := 0
		for _, from := range times {
			arrivals = append(arrivals, Arrival{Time: start.Add(time.Duration(from) * time.Second)})
			within := 0
			for _, at := range times {
				if at >= from && at < from+d {
					within++
				}
			}
			want = max(want, within)
		}
		if got := MaxInWindow(arrivals, time.Duration(d)*time.Second); got != want {
			t.Fatalf("%d in a window, want %d", got, want)
		}
	})
}

func TestNoWindowIsExceeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pauses := rapid.SliceOfN(rapid.IntRange(0, 30), 1, 60).Draw(t, "pauses")
		limits := []Limit{{rapid.IntRange(1, 4).Draw(t, "calls"), 20 * time.Second}, {3, 45 * time.Second}}
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		var entered []time.Time
		var admitted []Arrival
		for _, pause := range pauses {
			now = now.Add(time.Duration(pause) * time.Second)
			if !slices.ContainsFunc(limits, func(l Limit) bool { return !l.admits(entered, now) }) {
				entered, admitted = append(entered, now), append(admitted, Arrival{Time: now})
			}
		}
		for _, l := range limits {
			if got := MaxInWindow(admitted, l.Window); got > l.Calls {
				t.Fatalf("%v admits %d", l, got)
			}
		}
	})
}

func TestReadArrivalsOfABrokenLog(t *testing.T) {
	got, err := ReadArrivals(strings.NewReader(`{"function":"F"}` + "\n{"))
	if got != nil || fmt.Sprint(err) != "read arrival 2: unexpected EOF" {
		t.Errorf("%v, %v", got, err)
	}
}
