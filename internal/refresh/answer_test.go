package refresh

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

var aapl = marketdata.MustParseTicker("AAPL")

// bar is one of AAPL in November, in dollars.
func bar(day int, price string) marketdata.Bar {
	return marketdata.Bar{Ticker: aapl, Session: date(day), Close: decimal.RequireFromString(price), Currency: "USD"}
}

func barsOf(price string, days ...int) []marketdata.Bar {
	var bars []marketdata.Bar
	for _, day := range days {
		bars = append(bars, bar(day, price))
	}
	return bars
}

func storedBars(price string, days ...int) []history.StoredBar {
	var stored []history.StoredBar
	for _, b := range barsOf(price, days...) {
		stored = append(stored, history.StoredBar{Bar: b, Row: int64(b.Session.Day)})
	}
	return stored
}

// text is a bar in short.
func text(b marketdata.Bar) string { return fmt.Sprintf("%s %d %s", b.Ticker, b.Session.Day, b.Close) }

func texts(bars []marketdata.Bar) []string {
	var all []string
	for _, b := range bars {
		all = append(all, text(b))
	}
	return all
}

func TestCollect(t *testing.T) {
	day := marketdata.Capability{Kind: marketdata.MarketDay, Name: "day"}
	msft := marketdata.MustParseTicker("MSFT")
	items := []Item{{Want: Want{ActiveTicker: ActiveTicker{Ticker: aapl}}}, {Want: Want{ActiveTicker: ActiveTicker{Ticker: msft}}}}
	of := func(ticker marketdata.Ticker, b marketdata.Bar) marketdata.Bar { b.Ticker = ticker; return b }
	failure := errors.New("no answer")
	for _, tt := range []struct {
		name       string
		capability marketdata.Capability
		got        marketdata.Answer
		err        error
		bars       [2][]string
		errs       [2]error
	}{
		{"a history in any order, with a session twice", compact, marketdata.Answer{Bars: []marketdata.Bar{
			bar(20, "2"), of(msft, bar(19, "7")), bar(18, "1"), bar(20, "3")}}, nil,
			[2][]string{{"AAPL 18 1", "AAPL 20 3"}, {"MSFT 19 7"}}, [2]error{}},
		{"the newest quote of several", oneQuote, marketdata.Answer{Bars: []marketdata.Bar{bar(20, "2"), bar(19, "1"), of(msft, bar(20, "7"))}}, nil,
			[2][]string{{"AAPL 20 2"}, {"MSFT 20 7"}}, [2]error{}},
		{"a market day has no other day", day, marketdata.Answer{Bars: []marketdata.Bar{bar(20, "2"), bar(19, "1"), of(msft, bar(19, "7"))}}, nil,
			[2][]string{{"AAPL 20 2"}, nil}, [2]error{nil, marketdata.ErrInvalidData}},
		{"one that the vendor does not know", compact, marketdata.Answer{Bars: barsOf("1", 20), Missing: map[marketdata.Ticker]error{msft: marketdata.ErrUnknownTicker}}, nil,
			[2][]string{{"AAPL 20 1"}, nil}, [2]error{nil, marketdata.ErrUnknownTicker}},
		{"no answer", compact, marketdata.Answer{Bars: barsOf("1", 20)}, failure, [2][]string{}, [2]error{failure, failure}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			call := Call{Items: []int{0, 1}, Question: marketdata.Question{Capability: tt.capability, From: date(20), To: date(20)}}
			for i, a := range collect(call, items, tt.got, instant(21, 0), tt.err) {
				a = a.complete()
				if diff := cmp.Diff(tt.bars[i], texts(a.bars)); diff != "" || !errors.Is(a.err, tt.errs[i]) || (a.err == nil) != (tt.errs[i] == nil) {
					t.Errorf("item %d: %v, want %v; bars (-want +got):\n%s", i, a.err, tt.errs[i], diff)
				}
			}
		})
	}
}

// Of the days before what was asked for an answer says nothing, unless it is said to be complete.
func TestWhatAnAnswerSpeaksFor(t *testing.T) {
	items := []Item{{Want: Want{ActiveTicker: ActiveTicker{Ticker: aapl}}}}
	for _, tt := range []struct {
		kind marketdata.Kind
		got  marketdata.Answer
		want exchange.Date
	}{
		{marketdata.History, marketdata.Answer{}, date(10)},
		{marketdata.History, marketdata.Answer{Since: date(5)}, date(5)},
		{marketdata.History, marketdata.Answer{Complete: true}, exchange.Date{}},
		{marketdata.MarketDay, marketdata.Answer{Complete: true}, date(10)},
	} {
		tt.got.Bars = barsOf("1", 10)
		call := Call{Items: []int{0}, Question: marketdata.Question{Capability: marketdata.Capability{Kind: tt.kind}, From: date(10), To: date(12)}}
		if got := collect(call, items, tt.got, instant(21, 0), nil)[0].since; got != tt.want {
			t.Errorf("%+v speaks for days since %q, want %q", tt.got, got, tt.want)
		}
	}
}

func TestJoin(t *testing.T) {
	failure := errors.New("no answer")
	first := answer{bars: barsOf("1", 18, 20), since: date(10), attempted: true}
	for _, tt := range []struct {
		name string
		next answer
		want answer
	}{
		{"bars of both, each session once", answer{bars: barsOf("2", 19, 20), since: date(12), conclusive: true},
			answer{bars: append(barsOf("1", 18), barsOf("2", 19, 20)...), since: date(10), attempted: true, conclusive: true}},
		{"one that speaks for more", answer{bars: barsOf("2", 19), since: date(2)},
			answer{bars: []marketdata.Bar{bar(18, "1"), bar(19, "2"), bar(20, "1")}, since: date(2), attempted: true}},
		{"one that has nothing of the ticker", answer{since: date(12), missing: failure}, answer{bars: barsOf("1", 18, 20), since: date(10), attempted: true}},
		{"one that failed", answer{since: date(10), err: failure}, answer{bars: barsOf("1", 18, 20), since: date(10), attempted: true, err: failure}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := first.join(tt.next).complete()
			want := []any{texts(tt.want.bars), tt.want.since.String(), tt.want.attempted, tt.want.conclusive}
			if diff := cmp.Diff(want, []any{texts(got.bars), got.since.String(), got.attempted, got.conclusive}); diff != "" || !errors.Is(got.err, tt.want.err) {
				t.Errorf("%v (-want +got):\n%s", got.err, diff)
			}
		})
	}
}

// A dead vendor costs nobody a turn, nor does one that refuses everybody.
func TestWhatCountsAsAnAttempt(t *testing.T) {
	dead := answer{err: &marketdata.UnavailableError{}}
	unknown, good := answer{err: marketdata.ErrUnknownTicker}, answer{bars: barsOf("1", 20)}
	for _, tt := range []struct {
		name       string
		answered   bool // anything before this round
		round      []answer
		vendors    [2]int
		attempted  []bool
		conclusive []bool
	}{
		{"nothing but unavailability", false, []answer{dead, dead}, [2]int{}, []bool{false, false}, []bool{false, false}},
		{"nothing but unavailability, after answers", true, []answer{dead, dead}, [2]int{}, []bool{false, false}, []bool{true, true}},
		{"one of two unavailable", false, []answer{dead, good}, [2]int{}, []bool{true, true}, []bool{true, true}},
		{"one unknown", false, []answer{dead, unknown}, [2]int{}, []bool{true, true}, []bool{true, true}},
		{"credentials refused", true, []answer{good, {err: marketdata.ErrCredentials}}, [2]int{}, []bool{true, false}, []bool{true, false}},
		{"not asked", true, []answer{good, {err: errNotAsked}}, [2]int{}, []bool{true, false}, []bool{true, false}},
		{"no quota", true, []answer{good, {err: &quota.DeferredError{}}}, [2]int{}, []bool{true, false}, []bool{true, false}},
		{"nothing but unavailability from one of two vendors", false, []answer{dead, good}, [2]int{0, 1}, []bool{false, true}, []bool{false, true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fetcher{askers: []*asker{{}, {}}}
			f.answered.Store(tt.answered)
			var calls []Call
			var results [][]answer
			for i, a := range tt.round {
				calls, results = append(calls, Call{Vendor: tt.vendors[i]}), append(results, []answer{a})
			}
			f.markAttempts(calls, results)
			for i := range results {
				if got := results[i][0]; got.attempted != tt.attempted[i] || got.conclusive != tt.conclusive[i] {
					t.Errorf("answer %d: attempted %t, conclusive %t", i, got.attempted, got.conclusive)
				}
			}
		})
	}
}

// After two rounds in a row that brought nothing a vendor is down. The run goes on as long as another one is to be asked.
func TestFindDown(t *testing.T) {
	dead, good := []answer{{err: &marketdata.UnavailableError{}}}, []answer{{}}
	first, second := Call{Vendor: 0}, Call{Vendor: 1}
	f := &fetcher{askers: []*asker{{}, {}}}
	for i, round := range []struct {
		calls   []Call
		results [][]answer
		down    [2]bool
		stops   bool
	}{
		{[]Call{first, second}, [][]answer{dead, good}, [2]bool{}, false},
		{[]Call{second}, [][]answer{dead}, [2]bool{}, false}, // the first is not asked
		{[]Call{first, first, second}, [][]answer{dead, good, good}, [2]bool{}, false},
		{[]Call{first}, [][]answer{dead}, [2]bool{}, false},
		{[]Call{first, second}, [][]answer{dead, dead}, [2]bool{true, false}, false},
		{[]Call{second}, [][]answer{dead}, [2]bool{true, true}, true},
	} {
		err := f.findDown(round.calls, round.results, []Call{first, second})
		if down := [2]bool{f.down(first), f.down(second)}; down != round.down || errors.Is(err, ErrProviderDown) != round.stops {
			t.Errorf("round %d: down %v, want %v; %v", i+1, down, round.down, err)
		}
	}
}

// judged is a verdict as tests compare it.
type judged struct {
	Status  Outcome
	Reason  string
	Prices  []string
	Failure string
	Split   string
}

func judgedOf(v verdict) judged {
	j := judged{Status: v.row.Status, Reason: v.row.Reason}
	for _, p := range v.prices {
		j.Prices = append(j.Prices, fmt.Sprintf("%s %s", text(p.Bar), p.Interval))
	}
	for _, f := range v.failures {
		j.Failure = fmt.Sprintf("%s %s", f.AskedAt.Format("02T15"), f.UnknownIn)
	}
	if v.split != nil {
		j.Split = v.split.Session.String() + " " + v.split.String()
	}
	return j
}

func TestJudge(t *testing.T) {
	rebased := []history.Split{{Session: date(18), New: 10, Old: 1, Rebased: true}}
	crashed := bar(20, "10")
	crashed.PreviousClose = decimal.NewNullDecimal(decimal.RequireFromString("10"))
	asTraded := bar(18, "1")
	asTraded.PreviousClose = decimal.NewNullDecimal(decimal.RequireFromString("10"))
	tests := []struct {
		name       string
		goal       Goal
		capability marketdata.Capability
		state      State
		answer     answer
		stored     []history.StoredBar
		want       judged
	}{
		{"a quote", Update, oneQuote, State{}, answer{bars: barsOf("1", 20)}, nil,
			judged{Status: OutcomeRefreshed, Prices: []string{"AAPL 20 1 1day"}}},
		{"the price of a session under way is not its close", PriceNow, oneQuote, State{}, answer{bars: barsOf("1", 23)}, nil,
			judged{Status: OutcomeRefreshed, Prices: []string{"AAPL 23 1 real-time"}}},
		{"a series, of which what is newer is stored", Update, compact, State{LastSession: date(17)}, answer{bars: barsOf("1", 16, 17, 18, 19, 20, 23)}, nil,
			judged{Status: OutcomeRefreshed, Prices: []string{"AAPL 18 1 1day", "AAPL 19 1 1day", "AAPL 20 1 1day"}}},
		{"a series as it was traded, after a split that was rebased", Update, compact, State{LastSession: date(16), Splits: rebased}, answer{bars: append(barsOf("10", 17), barsOf("1", 18)...)}, nil,
			judged{Status: OutcomeRefreshed, Prices: []string{"AAPL 17 1 1day", "AAPL 18 1 1day"}}},
		{"an adjusted one stays as it is", Update, marketdata.Capability{Kind: marketdata.History, Adjusted: true}, State{LastSession: date(16), Splits: rebased}, answer{bars: barsOf("1", 17, 18)}, nil,
			judged{Status: OutcomeRefreshed, Prices: []string{"AAPL 17 1 1day", "AAPL 18 1 1day"}}},
		{"a quote whose previous close is a tenth of the stored one", Update, oneQuote, State{LastSession: date(19)}, answer{bars: []marketdata.Bar{crashed}}, storedBars("100", 18, 19),
			judged{Status: OutcomeRefreshed, Reason: "the previous close of the answer (10) is not the close of 2026-11-19 (100)",
				Prices: []string{"AAPL 20 10 1day"}, Split: "2026-11-20 10:1"}},
		{"a quote whose previous close is as traded, after a split that was rebased", Update, oneQuote,
			State{LastSession: date(17), Splits: rebased}, answer{bars: []marketdata.Bar{asTraded}}, storedBars("1", 16, 17),
			judged{Status: OutcomeRefreshed, Prices: []string{"AAPL 18 1 1day"}}},
		{"the third quote on a level that stays, with previous closes as traded", Update, oneQuote, State{LastSession: date(19)}, answer{bars: barsOf("10", 20)},
			append(storedBars("100", 13, 16, 17), storedBars("10", 18, 19)...),
			judged{Status: OutcomeRefreshed, Prices: []string{"AAPL 20 10 1day"}, Split: "2026-11-18 10:1"}},
		{"the second one can be a glitch", Update, oneQuote, State{LastSession: date(18)}, answer{bars: barsOf("10", 19)},
			append(storedBars("100", 13, 16, 17), storedBars("10", 18)...),
			judged{Status: OutcomeRefreshed, Prices: []string{"AAPL 19 10 1day"}}},
		{"a first series, of which only what comes after a split is stored", Update, compact, State{}, answer{bars: append(barsOf("10", 11, 12, 13), barsOf("1", 17, 18, 19, 20)...)}, nil,
			judged{Status: OutcomeRefreshed, Prices: []string{"AAPL 20 1 1day"}}},
		{"a vendor that does not know it", Update, oneQuote, State{}, answer{err: marketdata.ErrUnknownTicker, attempted: true}, nil,
			judged{Status: OutcomeFailed, Failure: "21T00 2026-11-20"}},
		{"a vendor that fails", Update, oneQuote, State{}, answer{err: marketdata.ErrInvalidData, attempted: true}, nil,
			judged{Status: OutcomeFailed, Failure: "21T00 "}},
		{"a vendor that is dead", Update, oneQuote, State{}, answer{err: &marketdata.UnavailableError{}}, nil, judged{Status: OutcomeFailed}},
		{"not asked", Update, oneQuote, State{}, answer{err: errNotAsked}, nil, judged{Status: OutcomeDeferred, Reason: reasonStopped}},
		{"no quota", Update, oneQuote, State{}, answer{err: &quota.DeferredError{}}, nil, judged{Status: OutcomeDeferred}},
		{"a gap in an adjusted series stays as it is, whatever split is known", Fill, marketdata.Capability{Kind: marketdata.History, Adjusted: true},
			State{Splits: rebased}, answer{bars: append(barsOf("10", 17), barsOf("1", 18, 19, 20)...), since: date(17)}, nil,
			judged{Status: OutcomeRefreshed, Reason: "1 is 1/10 of the close of 2026-11-17 (10), more than 50%; for it: a split of 10:1 on 2026-11-18",
				Prices: []string{"AAPL 17 10 1day", "AAPL 18 1 1day", "AAPL 19 1 1day", "AAPL 20 1 1day"}}},
		{"a rebase for which a single bar is all the evidence", Rebase, compact, State{Splits: []history.Split{{Session: date(18), New: 10, Old: 1}}},
			answer{bars: barsOf("1", 18, 19, 20), since: date(18)}, storedBars("10", 17), judged{Status: OutcomeFailed}},
		{"a gap", Fill, compact, State{}, answer{bars: barsOf("1", 18, 19, 20), since: date(18)}, nil,
			judged{Status: OutcomeRefreshed, Reason: "1 session out of reach: the key's plan has no full series", Prices: []string{"AAPL 18 1 1day", "AAPL 19 1 1day", "AAPL 20 1 1day"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := Want{ActiveTicker: ActiveTicker{Ticker: aapl, State: tt.state}, Goal: tt.goal, Sessions: datesOf([]int{17, 18, 19, 20})}
			item := &Item{Want: want, route: route{capability: tt.capability}}
			row := item.row()
			a := answered{
				Item: item, answer: tt.answer, row: &row, provider: "fake", capability: tt.capability, maxMove: decimal.New(5, -1),
				stored: tt.stored,
			}
			a.began = instant(21, 0)
			v := judge(a, instant(21, 0), instant(21, 5))
			if diff := cmp.Diff(tt.want, judgedOf(v)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDailyStamp(t *testing.T) {
	if got := DailyStamp(date(20)); got != instant(20, 21) {
		t.Errorf("%v, want 21:00 UTC of the day", got)
	}
}

// A transaction has at most 5000 bars, or one ticker.
func TestCountPart(t *testing.T) {
	for _, tt := range []struct {
		bars []int
		want int
	}{
		{[]int{1}, 1}, {[]int{2500, 2500}, 2}, {[]int{2500, 2501}, 1}, {[]int{2500, 2500, 1}, 2}, {[]int{7000, 1}, 1}, {[]int{0, 0, 0}, 3},
	} {
		items := make([]answered, len(tt.bars))
		for i, n := range tt.bars {
			items[i].bars = make([]marketdata.Bar, n)
		}
		if got := countPart(items); got != tt.want {
			t.Errorf("%v: the first %d, want %d", tt.bars, got, tt.want)
		}
	}
}

func TestTaskResults(t *testing.T) {
	item := &Item{Want: Want{ActiveTicker: ActiveTicker{Ticker: aapl}, Sessions: datesOf([]int{2}), tasks: []taskRange{
		{"first", Range{From: date(2), To: date(6)}}, {"second", Range{From: date(6), To: date(10)}}}}}
	for _, tt := range []struct {
		name              string
		row               TickerReport
		unreachable, lost []exchange.Date
		turn              bool
		want              []string
	}{
		{"done", TickerReport{Status: OutcomeRefreshed}, nil, nil, true, []string{"succeeded ", "succeeded "}},
		{"nothing was missing", TickerReport{Status: OutcomeFresh}, nil, nil, true, []string{"succeeded ", "succeeded "}},
		{"deferred", TickerReport{Status: OutcomeDeferred}, nil, nil, true, []string{"pending ", "pending "}},
		{"without a turn", TickerReport{Status: OutcomeFailed}, nil, nil, false, []string{"pending ", "pending "}},
		{"failed", TickerReport{Status: OutcomeFailed, Error: &TickerError{"unknown_ticker", "never heard of it"}}, nil, nil, true,
			[]string{"failed unknown_ticker: never heard of it", "failed unknown_ticker: never heard of it"}},
		{"skipped", TickerReport{Status: OutcomeSkipped, Reason: "it is pointless"}, nil, nil, true, []string{"failed it is pointless", "failed it is pointless"}},
		{"the last day of the one, and the first of the other", TickerReport{Status: OutcomeRefreshed}, datesOf([]int{6}), nil, true,
			[]string{"failed 1 session out of reach: the key's plan has no full series", "failed 1 session out of reach: the key's plan has no full series"}},
		{"the first day and the last", TickerReport{Status: OutcomeRefreshed}, datesOf([]int{2}), datesOf([]int{10}), true,
			[]string{"failed 1 session out of reach: the key's plan has no full series", "failed 1 session not out yet"}},
		{"neither", TickerReport{Status: OutcomeRefreshed}, datesOf([]int{1}), datesOf([]int{11}), true, []string{"succeeded ", "succeeded "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, result := range item.taskResults(tt.row, unfilled{unreachable: tt.unreachable, lost: tt.lost}, instant(21, 0), tt.turn) {
				got = append(got, string(result.Status)+" "+result.Error)
				if result.FinishedAt.IsZero() != (result.Status == TaskPending) {
					t.Errorf("%s is finished at %v", result.Status, result.FinishedAt)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
