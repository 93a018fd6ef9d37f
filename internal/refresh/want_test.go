package refresh

import (
	"strings"
	"testing"
	"time"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func TestUpdateWant(t *testing.T) {
	const fresh, planned, skipped = OutcomeFresh, OutcomePlanned, OutcomeSkipped
	unknown := func(sessions int) State {
		return State{LastSession: date(2), AskedAt: instant(21, 0), UnknownSessions: sessions, UnknownSession: date(20)}
	}
	tests := []struct {
		name   string
		state  State
		at     time.Time
		force  bool
		want   Outcome
		missed int // sessions that are wanted
	}{
		{"nothing stored", State{}, instant(21, 0), false, planned, 1},
		{"Saturday midnight fetches Friday", State{LastSession: date(19)}, instant(21, 0), false, planned, 1},
		{"Sunday midnight has nothing new", State{LastSession: date(20)}, instant(22, 0), false, fresh, 1},
		{"nor has Monday's", State{LastSession: date(20)}, instant(23, 0), false, fresh, 1},
		{"Tuesday midnight fetches Monday", State{LastSession: date(20)}, instant(24, 0), false, planned, 1},
		{"noon makes up for a missed midnight", State{LastSession: date(19)}, instant(21, 12), false, planned, 1},
		{"midnight after Thanksgiving has nothing new", State{LastSession: date(25)}, instant(27, 0), false, fresh, 1},
		{"forced", State{LastSession: date(20)}, instant(22, 0), true, planned, 1},
		{"forced while the exchange is open: the close again", State{LastSession: date(20)}, instant(23, 15), true, planned, 1},
		{"just checked", State{LastSession: date(19), CheckedAt: instant(21, 0).Add(-59 * time.Minute)}, instant(21, 0), false, fresh, 1},
		{"checked an hour ago", State{LastSession: date(19), CheckedAt: instant(20, 23)}, instant(21, 0), false, planned, 1},
		{"checked before the close", State{LastSession: date(19), CheckedAt: instant(20, 20)}, instant(20, 21), false, planned, 1},
		{"checked in the future", State{LastSession: date(19), CheckedAt: instant(25, 0)}, instant(21, 0), false, planned, 1},
		{"just checked but forced", State{LastSession: date(19), CheckedAt: instant(21, 0)}, instant(21, 0), true, planned, 1},
		{"fetched before the close", State{LastSession: date(20), FetchedAt: instant(20, 20)}, instant(21, 0), false, planned, 1},
		{"fetched after the close", State{LastSession: date(20), FetchedAt: instant(20, 22)}, instant(21, 0), false, fresh, 1},
		{"held back", holdingFriday(), instant(21, 0), false, skipped, 1},
		{"held back, later in the night", holdingFriday(), instant(21, 9), false, skipped, 1},
		{"held back but forced", holdingFriday(), instant(21, 0), true, planned, 1},
		{"held back for a session: the next decides", holdingFriday(), instant(24, 0), false, planned, 2},
		{"two sessions are missing", State{LastSession: date(18)}, instant(21, 0), false, planned, 2},
		{"a long weekend is not a gap", State{LastSession: date(25)}, instant(28, 0), false, planned, 1},

		// From the third session in a row on, a ticker that the provider does not know is asked about weekly.
		{"unknown for two sessions", unknown(2), instant(24, 0), false, planned, 15},
		{"unknown for three", unknown(3), instant(24, 0), false, skipped, 1},
		{"unknown for three, but forced", unknown(3), instant(24, 0), true, planned, 15},
		{"unknown for three, a week later less a day", unknown(3), instant(27, 0), false, skipped, 1},
		{"unknown for three, a week later", unknown(3), instant(28, 0), false, planned, 18},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := ActiveTicker{Ticker: marketdata.MustParseTicker("AAPL"), State: tt.state}
			got := updateWant(a, tt.at, tt.force)
			if got.Outcome != tt.want || len(got.Sessions) != tt.missed || got.Reason == "" {
				t.Errorf("%s, %d sessions (%s); want %s, %d", got.Outcome, len(got.Sessions), got.Reason, tt.want, tt.missed)
			}
			if isSkipped := got.Outcome == skipped; isSkipped != got.Forceable || isSkipped && !strings.Contains(got.Reason, "2026-11-2") {
				t.Errorf("forceable %t (%s)", got.Forceable, got.Reason)
			}
		})
	}
}

func TestGapWants(t *testing.T) {
	sessions := exchange.XNYS.Sessions(date(2), date(20))
	without := func(days ...int) (rest []exchange.Date) {
		for _, session := range sessions {
			if !has(datesOf(days), session) {
				rest = append(rest, session)
			}
		}
		return rest
	}
	november := []Range{{From: date(2)}}
	tests := []struct {
		name   string
		goal   Goal
		ranges []Range
		state  State
		stored []exchange.Date
		want   Outcome
		days   []int
		reason string
	}{
		{"a gap", Fill, november, State{}, without(10, 11), OutcomePlanned, []int{10, 11}, "2 sessions from 2026-11-10 to 2026-11-11 are missing"},
		{"one session", Fill, november, State{}, without(10), OutcomePlanned, []int{10}, "1 session from 2026-11-10 to 2026-11-10 is missing"},
		{"complete", Fill, november, State{}, sessions, OutcomeFresh, nil, "no session from 2026-11-02 on is missing"},
		{"complete up to a day", Fill, []Range{{From: date(2), To: date(6)}}, State{}, without(10), OutcomeFresh, nil, "no session from 2026-11-02 to 2026-11-06 is missing"},
		{"a range past the newest session", Fill, []Range{{From: date(2), To: date(30)}}, State{}, without(20), OutcomePlanned, []int{20}, "is missing"},
		{"overlapping ranges", Fill, []Range{{From: date(9), To: date(11)}, {From: date(10), To: date(12)}}, State{}, nil, OutcomePlanned, []int{9, 10, 11, 12}, "4 sessions"},
		{"a session that the provider does not have", Fill, november, State{Absent: datesOf([]int{10})}, without(10, 11), OutcomePlanned, []int{11}, "1 session"},
		{"before the provider's first session", Fill, november, State{FirstSession: date(10)}, without(2, 3, 11), OutcomePlanned, []int{11}, "1 session"},
		{"all of it before that", Fill, []Range{{From: date(2), To: date(6)}}, State{FirstSession: date(10)}, nil, OutcomeFresh, nil, "the provider's first is 2026-11-10"},
		{"an unknown ticker", Fill, november, State{UnknownSessions: 1, UnknownSession: date(20)}, nil, OutcomeSkipped, nil, "did not know it"},
		{"an unknown ticker, forced", Overwrite, []Range{{From: date(19)}}, State{UnknownSessions: 1, UnknownSession: date(20)}, nil, OutcomePlanned, []int{19, 20}, "forced"},
		{"forced", Overwrite, []Range{{From: date(18), To: date(19)}}, State{}, sessions, OutcomePlanned, []int{18, 19}, "forced; 2 sessions"},
		{"forced, whatever is known of the provider", Overwrite, []Range{{From: date(18)}}, State{FirstSession: date(20), Absent: datesOf([]int{18})}, nil, OutcomePlanned, []int{18, 19, 20}, "forced; 3 sessions"},
		{"rebase", Rebase, nil, State{}, datesOf([]int{18, 20}), OutcomePlanned, []int{18, 19, 20}, "3 sessions from 2026-11-18 to 2026-11-20 again"},
		{"rebase of nothing", Rebase, nil, State{}, nil, OutcomeSkipped, nil, "nothing is stored"},
		{"rebase of a session under way", Rebase, nil, State{}, datesOf([]int{23}), OutcomeFresh, nil, "nothing is stored of a completed session"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := ActiveTicker{Ticker: marketdata.MustParseTicker("AAPL"), State: tt.state}
			request := gapRequest{ActiveTicker: a, goal: tt.goal, ranges: tt.ranges}
			got := gapWants([]gapRequest{request}, map[marketdata.Ticker]storedSessions{a.Ticker: {all: tt.stored}}, instant(21, 0))[0]
			if got.Outcome != tt.want || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("%s (%s), want %s (%s)", got.Outcome, got.Reason, tt.want, tt.reason)
			}
			if got.Outcome == OutcomePlanned && !equalDates(got.Sessions, datesOf(tt.days)) {
				t.Errorf("sessions %v, want the days %v", got.Sessions, tt.days)
			}
		})
	}
}

func datesOf(days []int) []exchange.Date {
	var dates []exchange.Date
	for _, day := range days {
		dates = append(dates, date(day))
	}
	return dates
}

func equalDates(a, b []exchange.Date) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestIntradayWants(t *testing.T) {
	at := instant(23, 18)
	for _, tt := range []struct {
		name   string
		symbol string
		next   time.Time
		force  bool
		want   Outcome
	}{
		{"never refreshed", "AAPL", time.Time{}, false, OutcomePlanned},
		{"due", "AAPL", at, false, OutcomePlanned},
		{"not yet due", "AAPL", at.Add(time.Second), false, OutcomeFresh},
		{"not yet due, but forced", "AAPL", at.Add(time.Second), true, OutcomePlanned},
		{"its exchange is closed, forced or not", "TSCO.LON", time.Time{}, true, OutcomeFresh},
	} {
		t.Run(tt.name, func(t *testing.T) {
			entry := intradayEntry{ActiveTicker: ActiveTicker{Ticker: marketdata.MustParseTicker(tt.symbol)}, next: tt.next}
			got := intradayWants([]intradayEntry{entry}, at, tt.force)[0]
			if got.Outcome != tt.want || got.Goal != PriceNow || got.Reason == "" {
				t.Errorf("%+v, want %s", got, tt.want)
			}
		})
	}
}

// holdingFriday is the state of a ticker whose close of the 20th is held back.
func holdingFriday() State {
	held := history.HeldBar{Bar: bar(20, "1.92"), Why: "1.92 is 1/100 of 192", Decision: history.Waiting}
	return State{LastSession: date(19), Held: []history.HeldBar{held}}
}
