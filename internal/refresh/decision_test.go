package refresh

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// What becomes of each bar that matters is a decision, beside the close that is stored before it.
func TestDecisions(t *testing.T) {
	stored := func(day int, price string) history.StoredBar {
		return history.StoredBar{Bar: bar(day, price), Source: "acme", FetchedAt: instant(day, 22)}
	}
	series := marketdata.Capability{Kind: marketdata.History, Name: "SERIES"}
	quote := marketdata.Capability{Kind: marketdata.Quotes, Name: "QUOTE"}
	for _, tt := range []struct {
		name       string
		goal       Goal
		sessions   []int
		capability marketdata.Capability
		bars       []marketdata.Bar
		invalid    []marketdata.InvalidBar
		want       []string
	}{
		{"a quote", Update, []int{20}, quote, barsOf("101", 20), nil, []string{"2026-11-20 store 2026-11-19 "}},
		{"a quote far off", Update, []int{20}, quote, barsOf("900", 20), nil, []string{"2026-11-20 hold 2026-11-19 why"}},
		{"a series", Update, []int{20}, series, append(barsOf("100", 18, 19), bar(20, "101")), nil,
			[]string{"2026-11-18 keep  why", "2026-11-19 keep 2026-11-18 why", "2026-11-20 store 2026-11-19 "}},
		{"a gap", Fill, []int{20}, series, append(barsOf("100", 18, 19), bar(20, "101")), nil,
			[]string{"2026-11-20 store 2026-11-19 ", "2026-11-18 keep  why", "2026-11-19 keep 2026-11-18 why"}},
		{"a gap with a bad bar", Fill, []int{17, 20}, series, append(barsOf("100", 18, 19), bar(20, "101")),
			[]marketdata.InvalidBar{{Ticker: aapl, Session: date(17), Err: errors.New("None")}, {Ticker: aapl, Session: date(2), Err: errors.New("None")}},
			[]string{"2026-11-17 refuse  why", "2026-11-20 store 2026-11-19 ", "2026-11-18 keep  why", "2026-11-19 keep 2026-11-18 why"}},
		{"a price of the moment far off", PriceNow, nil, quote, barsOf("900", 20), nil, []string{"2026-11-20 refuse 2026-11-19 why"}},
	} {
		for _, wanted := range []bool{true, false} {
			item := Item{Want: Want{ActiveTicker: ActiveTicker{Ticker: aapl, State: State{LastSession: date(19)}}, Goal: tt.goal, Sessions: datesOf(tt.sessions)}}
			a := answered{
				Item: &item, row: &TickerReport{}, provider: "acme", capability: tt.capability, maxMove: decimal.RequireFromString("0.5"),
				answer: answer{bars: tt.bars, invalid: tt.invalid, began: instant(21, 0), since: exchange.Date{Year: 2026, Month: 11, Day: 16}},
				stored: []history.StoredBar{stored(18, "100"), stored(19, "100")}, wantDecisions: wanted,
			}
			var got []string
			for _, d := range judge(a, instant(21, 0), instant(21, 0)).decisions {
				before, why := "", ""
				if d.Before != nil {
					before = d.Before.Session.String()
				}
				if d.Why != "" {
					why = "why"
				}
				if d.Provider != "acme" || d.Asked != tt.capability.Name || d.Began != instant(21, 0) {
					t.Errorf("%s: %+v", tt.name, d)
				}
				got = append(got, d.Bar.Session.String()+" "+string(d.Decision)+" "+before+" "+why)
			}
			want := tt.want
			if !wanted {
				want = nil
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, wanted %t (-want +got):\n%s", tt.name, wanted, diff)
			}
		}
	}
}
