package refresh

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// What a ticker's state has of the future is not believed, and what it has of the last minutes of other clocks is.
func TestStatesOfTheFutureAreNotBelieved(t *testing.T) {
	latest := instant(24, 12)
	year := latest.AddDate(1, 0, 0)
	nextYear := exchange.DateOf(year)
	for _, tt := range []struct {
		name        string
		given, want State
	}{
		{"all is of the past", activeSince("AAPL", 23).State, activeSince("AAPL", 23).State},
		{"of now", State{CheckedAt: latest, AskedAt: latest, FetchedAt: latest, FirstActiveAt: latest, LastSession: date(23)},
			State{CheckedAt: latest, AskedAt: latest, FetchedAt: latest, FirstActiveAt: latest, LastSession: date(23)}},
		{"an answer", State{CheckedAt: year, AskedAt: year.Add(time.Second)}, State{MisdatedAt: year.Add(time.Second)}},
		{"when it was first active", State{FirstActiveAt: year, AskedAt: instant(24, 0)}, State{AskedAt: instant(24, 0), MisdatedAt: year}},
		{"a bar may be from before the close", State{FetchedAt: year, LastSession: date(23)},
			State{FetchedAt: instant(23, 0), LastSession: date(23), MisdatedAt: year}},
		{"a session that a provider did not know it in", State{UnknownSessions: 3, UnknownSession: nextYear}, State{MisdatedAt: nextYear.In(time.UTC)}},
		{"one that it did not have yet", State{Late: Lateness{nextYear, 5, 1, 5}}, State{MisdatedAt: nextYear.In(time.UTC)}},
		{"those of the newest session", State{UnknownSessions: 3, UnknownSession: date(23), Late: Lateness{date(23), 5, 1, 5}},
			State{UnknownSessions: 3, UnknownSession: date(23), Late: Lateness{date(23), 5, 1, 5}}},
	} {
		if diff := cmp.Diff(tt.want, tt.given.believed(exchange.XNYS, latest)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.name, diff)
		}
	}
	premature := State{FetchedAt: year, LastSession: date(23)}.believed(exchange.XNYS, latest)
	if !premature.fetchedBeforeClose(exchange.XNYS.LastCompleted(latest)) {
		t.Error("a bar that was fetched nobody knows when passes for that of the session")
	}
}

// A run as of the past finds what has been done since then, which is not of the future.
func TestLatest(t *testing.T) {
	now := time.Now()
	if latest := Latest(now.AddDate(-1, 0, 0)); latest.Before(now) {
		t.Errorf("a year ago: %s", latest)
	}
	year := now.AddDate(1, 0, 0)
	if latest := Latest(year); !latest.Equal(year.Add(clockTolerance)) {
		t.Errorf("in a year: %s", latest)
	}
}

func TestMisdatedStatesAreNamed(t *testing.T) {
	year := instant(24, 0).AddDate(1, 0, 0)
	well, first, last := activeSince("AAPL", 23), activeSince("META", 23), activeSince("NVDA", 23)
	first.State.MisdatedAt, last.State.MisdatedAt = year, year.Add(-time.Hour)
	want := []Misdated{{MisdatedChecks, year, []marketdata.Ticker{first.Ticker, last.Ticker}}}
	if diff := cmp.Diff(want, MisdatedStates([]ActiveTicker{well, first, last}), cmpopts.EquateComparable(marketdata.Ticker{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := MisdatedStates([]ActiveTicker{well}); got != nil {
		t.Errorf("got %v", got)
	}
}
