package fakevantage

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"papertrade/pkg/exchange"
)

type quote struct {
	Quote map[string]string `json:"Global Quote"`
}

func quoteOf(t *testing.T, s *Server, symbol string) map[string]string {
	t.Helper()
	var q quote
	if err := json.Unmarshal([]byte(get(t, s, "function=GLOBAL_QUOTE&apikey=k&symbol="+symbol)), &q); err != nil {
		t.Fatal(err)
	}
	return q.Quote
}

type series struct {
	Meta map[string]string            `json:"Meta Data"`
	Days map[string]map[string]string `json:"Time Series (Daily)"`
}

func seriesOf(t *testing.T, s *Server, query string) series {
	t.Helper()
	var daily series
	if err := json.Unmarshal([]byte(get(t, s, "function=TIME_SERIES_DAILY&apikey=k&"+query)), &daily); err != nil {
		t.Fatal(err)
	}
	return daily
}

func TestPrices(t *testing.T) {
	sessions := exchange.XNYS.Sessions(date("2000-01-03"), date("2035-12-31"))
	rapid.Check(t, func(t *rapid.T) {
		w := newWalk(rapid.StringMatching("[A-Z]{1,5}(\\.LON)?").Draw(t, "symbol"))
		i := rapid.IntRange(1, len(sessions)-1).Draw(t, "session")
		b := w.bar(sessions[i], sessions[i-1])
		if b.low < 1 || b.low > min(b.open, b.close) || b.high < max(b.open, b.close) || b.volume <= 0 {
			t.Fatalf("%+v", b)
		}
		if b != w.bar(sessions[i], sessions[i-1]) {
			t.Fatal("not the same again")
		}
		before := w.close(dayNumber(sessions[i-1]))
		if moved := ratio(b.close-before, 100, before); moved < -22 || moved > 22 {
			t.Fatalf("from %d to %d is a move of %d %%", before, b.close, moved)
		}
	})
}

func TestQuoteAgreesWithSeries(t *testing.T) {
	s := New(Options{Now: clock(saturday)})
	q, daily := quoteOf(t, s, "TSCO.LON"), seriesOf(t, s, "symbol=TSCO.LON")
	if len(daily.Days) != 100 {
		t.Errorf("%d sessions", len(daily.Days))
	}
	today, before := daily.Days["2026-11-20"], daily.Days["2026-11-19"]
	want := map[string]string{
		"01. symbol": "TSCO.LON", "02. open": today["1. open"], "03. high": today["2. high"], "04. low": today["3. low"],
		"05. price": today["4. close"], "06. volume": today["5. volume"], "07. latest trading day": "2026-11-20",
		"08. previous close": before["4. close"], "09. change": q["09. change"], "10. change percent": q["10. change percent"],
	}
	if diff := cmp.Diff(want, q); diff != "" {
		t.Error(diff)
	}
	price, previous := mustParsePrice(q["05. price"]), mustParsePrice(q["08. previous close"])
	if price < 50*unit || q["09. change"] != fourDecimals(price-previous) {
		t.Errorf("%v", q)
	}
	b, ok := s.Bar("tsco.lon", date("2026-11-19"))
	if !ok || b.Close != before["4. close"] || b.Open != before["1. open"] {
		t.Errorf("%v %v", b, before)
	}
}

func TestChangePercent(t *testing.T) {
	for _, c := range []struct {
		price, previous int64
		want            string
	}{
		{1016300, 1022300, "-0.5869"}, {20, 10, "100.0000"}, {3, 3, "0.0000"}, {1, 3, "-66.6667"}, {4, 3, "33.3333"},
	} {
		if got := changePercent(c.price, c.previous); got != c.want {
			t.Errorf("%d after %d: %s, want %s", c.price, c.previous, got, c.want)
		}
	}
}

func TestNewestSession(t *testing.T) {
	for _, c := range []struct{ at, symbol, want string }{
		{"2026-11-20T14:29:59Z", "AAPL", "2026-11-19"},
		{"2026-11-20T14:30:00Z", "AAPL", "2026-11-20"},
		{"2026-11-20T21:00:00Z", "AAPL", "2026-11-20"},
		{"2026-11-22T12:00:00Z", "AAPL", "2026-11-20"},
		{"2026-11-27T00:00:00Z", "AAPL", "2026-11-25"}, // after Thanksgiving
		{"2026-11-20T12:00:00Z", "TSCO.LON", "2026-11-20"},
		{"2026-11-20T12:00:00Z", "VOD.XX", "2026-11-19"},
		{saturday, "VOD.XX", "2026-11-20"},
	} {
		s := New(Options{Now: clock(c.at)})
		if got := quoteOf(t, s, c.symbol)["07. latest trading day"]; got != c.want {
			t.Errorf("%s at %s: %s, want %s", c.symbol, c.at, got, c.want)
		}
	}
}

func TestSessionUnderWay(t *testing.T) {
	now := clock("2026-11-20T15:30:00Z")()
	s := New(Options{Now: func() time.Time { return now }})
	early, daily := quoteOf(t, s, "AAPL"), seriesOf(t, s, "symbol=AAPL")
	if daily.Meta["3. Last Refreshed"] != "2026-11-20 10:30:00" || daily.Days["2026-11-20"]["4. close"] != early["05. price"] {
		t.Errorf("%v %v", daily.Meta, daily.Days["2026-11-20"])
	}
	if _, ok := s.Bar("AAPL", date("2026-11-20")); ok {
		t.Error("a session under way has a bar")
	}
	now = now.Add(6 * time.Hour)
	late := quoteOf(t, s, "AAPL")
	same := func(field string) bool { return early[field] == late[field] }
	if same("05. price") || same("06. volume") || !same("02. open") || !same("08. previous close") {
		t.Errorf("%v\n%v", early, late)
	}
}

func TestEndOfDay(t *testing.T) {
	open, plan := New(Options{Now: clock("2026-11-20T15:30:00Z")}), New(Options{Now: clock("2026-11-20T15:30:00Z"), EndOfDay: true})
	open.EndOfDay("thin")
	for _, quote := range []map[string]string{quoteOf(t, open, "THIN"), quoteOf(t, plan, "AAPL"), quoteOf(t, plan, "THIN")} {
		if got := quote["07. latest trading day"]; got != "2026-11-19" {
			t.Errorf("%s: %s, want the session before", quote["01. symbol"], got)
		}
	}
	if got := quoteOf(t, open, "AAPL")["07. latest trading day"]; got != "2026-11-20" {
		t.Errorf("%s, want the session under way", got)
	}
}

func TestLagAndListing(t *testing.T) {
	s := New(Options{Now: clock(saturday), Entitled: true})
	s.Lag("MSFT", 2)
	if got := quoteOf(t, s, "MSFT")["07. latest trading day"]; got != "2026-11-18" {
		t.Errorf("lagging: %s", got)
	}
	s.List("NEWCO", date("2026-11-16"))
	s.List("SOON", date("2026-11-23"))
	if got := seriesOf(t, s, "symbol=NEWCO&outputsize=full").Days; len(got) != 5 || got["2026-11-16"] == nil {
		t.Errorf("listed: %v", got)
	}
	if got := quoteOf(t, s, "SOON"); len(got) != 0 {
		t.Errorf("not listed yet: %v", got)
	}
	s.Delist("GONE", date("2026-10-27"))
	if got := quoteOf(t, s, "GONE")["07. latest trading day"]; got != "2026-10-27" {
		t.Errorf("delisted: %s", got)
	}
	all := seriesOf(t, s, "symbol=AAPL&outputsize=full").Days
	if want := exchange.XNYS.Sessions(date("1999-11-01"), date("2026-11-20")); len(all) != len(want) {
		t.Errorf("%d sessions, want %d", len(all), len(want))
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name                      string
		at                        string
		rewrites                  bool
		before, after, previously string
	}{
		{"before", "2026-11-20T00:00:00Z", true, "300.0000", "", "300.0000"},
		{"as traded", saturday, false, "300.0000", "100.0000", "100.0000"},
		{"rewritten", saturday, true, "100.0000", "100.0000", "100.0000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(Options{Now: clock(c.at)})
			s.FixPrice("TSLA", "300")
			s.Split("TSLA", Split{Session: date("2026-11-20"), New: 3, Old: 1, Rewrites: c.rewrites})
			days := seriesOf(t, s, "symbol=TSLA").Days
			got := []string{days["2026-11-19"]["4. close"], days["2026-11-20"]["4. close"], quoteOf(t, s, "TSLA")["08. previous close"]}
			if diff := cmp.Diff([]string{c.before, c.after, c.previously}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
