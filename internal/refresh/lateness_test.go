package refresh

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func TestLatenessAfter(t *testing.T) {
	for _, tt := range []struct {
		name             string
		last             exchange.Date // stored
		late             Lateness
		answered, newest int
		want             Lateness
	}{
		{"the newest session", date(19), Lateness{date(19), 2, 3, 1}, 20, 20, Lateness{}},
		{"a session under way", date(19), Lateness{}, 23, 20, Lateness{}},
		{"the session before, which is new", date(18), Lateness{}, 19, 20, Lateness{date(20), 1, 1, 1}},
		{"the session before, again", date(19), Lateness{date(20), 1, 1, 1}, 19, 20, Lateness{date(20), 1, 2, 1}},
		{"each night a session behind", date(18), Lateness{date(19), 4, 2, 1}, 19, 20, Lateness{date(20), 5, 1, 1}},
		{"the same old session in another night", date(2), Lateness{date(19), 3, 1, 3}, 2, 20, Lateness{date(20), 4, 1, 4}},
		{"another old session", date(2), Lateness{date(19), 3, 1, 3}, 3, 20, Lateness{date(20), 4, 1, 1}},
		{"a newer one than the stored one, in the same night", date(2), Lateness{date(20), 6, 1, 6}, 3, 20, Lateness{date(20), 6, 2, 1}},
		{"an older session than the stored one", date(3), Lateness{date(19), 3, 1, 3}, 2, 20, Lateness{date(20), 4, 1, 4}},
		{"a first answer that is old", exchange.Date{}, Lateness{}, 2, 20, Lateness{date(20), 1, 1, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := ActiveTicker{Ticker: marketdata.MustParseTicker("AAPL"), State: State{LastSession: tt.last, Late: tt.late}}
			got := a.latenessAfter(date(tt.answered), date(tt.newest))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A session that was not out yet is asked for again after an hour, then two, four and so on.
func TestRetries(t *testing.T) {
	for checks, want := range map[int]time.Duration{1: time.Hour, 2: 2 * time.Hour, 3: 4 * time.Hour, 4: 8 * time.Hour, 100: 1024 * time.Hour} {
		state := State{CheckedAt: instant(21, 0), Late: Lateness{date(20), 1, checks, 1}}
		a := ActiveTicker{Ticker: marketdata.MustParseTicker("AAPL"), State: state}
		if got := state.retryAt(date(20)); !got.Equal(instant(21, 0).Add(want)) {
			t.Errorf("after %d answers: %s, want %s later", checks, got, want)
		}
		if at := instant(21, 0).Add(want); want < 24*time.Hour && (a.isLate(at.Add(-time.Second)) || !a.isLate(at)) {
			t.Errorf("after %d answers it is not late from %s on", checks, at)
		}
		if got := state.retryAt(date(23)); !got.IsZero() {
			t.Errorf("another session is asked for at %s", got)
		}
	}
	still := State{CheckedAt: instant(21, 0), Late: Lateness{date(20), 5, 1, 5}}
	if got := still.retryAt(date(20)); !got.IsZero() {
		t.Errorf("one that stands still is asked for at %s", got)
	}
}

// A ticker that stands still is asked weekly, and does not count as stale.
func TestATickerThatStandsStill(t *testing.T) {
	at := func(repeats int) ActiveTicker {
		return ActiveTicker{Ticker: marketdata.MustParseTicker("TWTR"), State: State{
			LastSession: date(2), CheckedAt: instant(21, 0), AskedAt: instant(21, 0), Late: Lateness{date(20), repeats, 1, repeats},
		}}
	}
	for _, tt := range []struct {
		repeats, day int
		want         Outcome
		isStale      bool
	}{
		{4, 24, OutcomePlanned, true}, {5, 24, OutcomeSkipped, false}, {9, 26, OutcomeSkipped, false}, {5, 28, OutcomePlanned, false},
	} {
		a := at(tt.repeats)
		if got := updateWant(a, instant(tt.day, 0), false); got.Outcome != tt.want {
			t.Errorf("after %d answers, on the %d: %s (%s), want %s", tt.repeats, tt.day, got.Outcome, got.Reason, tt.want)
		}
		if got := updateWant(a, instant(tt.day, 0), true); got.Outcome != OutcomePlanned {
			t.Errorf("forced: %s (%s)", got.Outcome, got.Reason)
		}
		if got := a.isStale(instant(tt.day, 0), 1); got != tt.isStale {
			t.Errorf("after %d answers: stale: %t", tt.repeats, got)
		}
	}
	if got, want := at(5).State.Note(), "stands still since 2026-11-02: asked weekly, next for the session of 2026-11-27"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A ticker without a price is stale once its turn is overdue: eight sessions after it was first seen active.
func TestATickerThatNeverHadItsTurn(t *testing.T) {
	for _, tt := range []struct {
		first time.Time
		want  bool
	}{
		{time.Time{}, false}, {instant(20, 0), false}, {instant(12, 0), false}, {instant(11, 0), true}, {instant(2, 0), true},
	} {
		a := ActiveTicker{Ticker: marketdata.MustParseTicker("AAPL"), State: State{FirstActiveAt: tt.first}}
		if got := a.isStale(instant(21, 0), 1); got != tt.want {
			t.Errorf("first seen active at %s: stale: %t, want %t", tt.first, got, tt.want)
		}
	}
}

func TestProblemsOfLateAndDeadTickers(t *testing.T) {
	late := func(sessions int, last int) ActiveTicker {
		return ActiveTicker{Ticker: marketdata.MustParseTicker("LATE"), State: State{
			LastSession: date(last), CheckedAt: instant(21, 0), AskedAt: instant(21, 0), Late: Lateness{date(20), sessions, 1, 1},
		}}
	}
	still := ActiveTicker{Ticker: marketdata.MustParseTicker("TWTR"), State: State{LastSession: date(2), Late: Lateness{date(20), 5, 1, 5}}}
	unknown := ActiveTicker{Ticker: marketdata.MustParseTicker("APPL"), State: State{UnknownSessions: 3, UnknownSession: date(20)}}
	well := ActiveTicker{Ticker: marketdata.MustParseTicker("AAPL"), State: State{LastSession: date(20)}}
	for _, tt := range []struct {
		name             string
		active, holdings []ActiveTicker
		want             []string
	}{
		{"late for two runs", []ActiveTicker{late(2, 19)}, nil, nil},
		{"late for three", []ActiveTicker{late(3, 19), well}, nil, []string{
			"1 of 2 active tickers has been behind for 3 sessions in a row or more, since the vendor publishes late: LATE (2026-11-19)"}},
		{"late for three, and caught up", []ActiveTicker{late(3, 20)}, nil, nil},
		{"dead, and nobody holds it", []ActiveTicker{still, unknown}, []ActiveTicker{well}, nil},
		{"dead, and held", []ActiveTicker{still}, []ActiveTicker{well, still, unknown}, []string{
			"2 tickers that a portfolio holds get no prices: TWTR (stands still since 2026-11-02: asked weekly, next for the session of 2026-11-27), " +
				"APPL (unknown to the provider for 3 sessions: asked weekly, next for the session of 2026-11-27)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var h Health
			in := HealthInputs{At: instant(21, 12), Active: tt.active, Holdings: tt.holdings, MaxStale: 1}
			h.evaluateLate(in, in.At)
			h.evaluateHoldings(in)
			var got []string
			for _, p := range h.Problems {
				got = append(got, p.Message)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// If holidays are not known, a closure of three weeks does not pass for a share that stands still.
func TestALongHolidayIsNotStandingStill(t *testing.T) {
	a := ActiveTicker{Ticker: marketdata.MustParseTicker("2330.TPE"), State: State{LastSession: date(2)}}
	for day := 3; day <= 23; day++ {
		a.State.Late = a.latenessAfter(date(2), date(day))
		if a.State.standsStill() {
			t.Fatalf("it stands still on day %d", day)
		}
	}
	if a.State.Late = a.latenessAfter(date(2), date(24)); !a.State.standsStill() {
		t.Errorf("after three weeks: %+v", a.State.Late)
	}
	for day, want := range map[int]int{10: 0, 23: 0, 24: 16} {
		a := ActiveTicker{Ticker: a.Ticker, State: State{LastSession: date(2), CheckedAt: instant(day+1, 0), AskedAt: instant(day+1, 0)}}
		if got := SessionsBehind(a, instant(day+1, 1)); got != want {
			t.Errorf("on day %d: %d sessions behind, want %d", day, got, want)
		}
	}
}

// If most tickers seem to be unknown or to stand still, the provider fails: they count, and are asked about every night.
func TestAnOutageIsNotTheTickersFault(t *testing.T) {
	dead := State{LastSession: date(2), CheckedAt: instant(21, 0), AskedAt: instant(21, 0), Late: Lateness{date(20), 7, 1, 7}}
	unknown := State{AskedAt: instant(21, 0), UnknownSessions: 9, UnknownSession: date(20)}
	well := State{LastSession: date(20), CheckedAt: instant(21, 0), AskedAt: instant(21, 0)}
	for _, tt := range []struct {
		name   string
		states []State
		want   bool
	}{
		{"one of one", []State{dead}, false},
		{"all of two", []State{dead, unknown}, true},
		{"two of three", []State{dead, dead, well}, false},
		{"three of five", []State{dead, unknown, dead, well, well}, true},
		{"three of six", []State{dead, unknown, dead, well, well, well}, false},
		{"none", []State{well, well}, false},
		{"no ticker", nil, false},
	} {
		active := newTickers(len(tt.states))
		for i, state := range tt.states {
			active[i].State = state
		}
		suspectOutage(active)
		for i, a := range active {
			isDead := tt.states[i].unknown() || tt.states[i].standsStill()
			want := updateWant(a, instant(24, 0), false)
			if counts := SessionsBehind(a, instant(24, 0)) > 1 && want.Outcome == OutcomePlanned; isDead && counts != tt.want {
				t.Errorf("%s: %d sessions behind, %s (%s); want it to count: %t", tt.name, SessionsBehind(a, instant(24, 0)), want.Outcome, want.Reason, tt.want)
			}
		}
	}
}
