package history_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// held returns held bars given as bars takes them, that wait.
func held(texts ...string) []history.HeldBar {
	var list []history.HeldBar
	for _, bar := range bars(texts...) {
		list = append(list, history.HeldBar{Bar: bar, Decision: history.Waiting})
	}
	return list
}

func decided(decision history.Decision, texts ...string) []history.HeldBar {
	list := held(texts...)
	for i := range list {
		list[i].Decision = decision
	}
	return list
}

var rulings = map[history.Ruling]string{history.Store: "store", history.Keep: "keep", history.Hold: "hold", history.Reject: "reject"}

// rulingOf returns a judgement as "11-20 hold": its session, its ruling, and "warn" if it is stored with a warning.
func rulingOf(j history.Judgement) string {
	text := fmt.Sprintf("%02d-%02d %s", j.Bar.Session.Month, j.Bar.Session.Day, rulings[j.Ruling])
	if j.Ruling == history.Store && j.Why != "" {
		text += " warn"
	}
	return text
}

// around returns what a ticker of New York is judged by under the usual rules.
func around() history.Around {
	return history.Around{MaxMove: decimal.RequireFromString("0.5"), Calendar: exchange.XNYS}
}

// week are stored bars of sessions before 11-20 that move little.
var week = []string{"11-16 close 190", "11-17 close 191", "11-18 close 189.5", "11-19 close 192.30"}

func weekAnd(texts ...string) []string { return slices.Concat(week, texts) }

func TestJudge(t *testing.T) {
	manual := stored("11-20 close 150")
	manual[0].Source = history.ManualSource
	const usual, same = "open 190 high 194 low 189 volume 5000", "open 190 high 194 low 189 close 192 volume 5000"
	for _, tt := range []struct {
		name     string
		stored   []history.StoredBar
		bars     []marketdata.Bar
		change   func(*history.Around)
		isSeries bool
		want     string // rulings
		decided  string // "11-19 accepted"
	}{
		{name: "the usual", stored: stored(week...), bars: bars("11-20 close 193 previous 192.30"), want: "11-20 store"},
		{name: "a first quote", bars: bars("11-20 close 193 previous 192.30"), want: "11-20 store"},
		{name: "a first close without another", bars: bars("11-20 close 193"), want: "11-20 store"},
		{name: "half of it lost", stored: stored(week...), bars: bars("11-20 close 96.15"), want: "11-20 store"},
		{name: "more than half lost", stored: stored(week...), bars: bars("11-20 close 96.14"), want: "11-20 hold"},
		{name: "half as much again", stored: stored(week...), bars: bars("11-20 close 288.45"), want: "11-20 store"},
		{name: "more than that", stored: stored(week...), bars: bars("11-20 close 288.46"), want: "11-20 hold"},
		{name: "a hundred times", stored: stored(week...), bars: bars("11-20 close 19230 previous 192.30"), want: "11-20 hold"},
		{name: "a thousand times", stored: stored(week...), bars: bars("11-20 close 192300 previous 192.30"), want: "11-20 hold"},
		{name: "a hundredth", stored: stored(week...), bars: bars("11-20 close 1.92 previous 192.30"), want: "11-20 hold"},
		{name: "a first quote of a hundred times its previous close", bars: bars("11-20 close 19230 previous 192.30"), want: "11-20 hold"},
		{name: "a unit within a larger bound", stored: stored(week...), bars: bars("11-20 close 18900"),
			change: func(a *history.Around) { a.MaxMove = decimal.NewFromInt(1000) }, want: "11-20 hold"},
		{name: "not quite a unit within a larger bound", stored: stored(week...), bars: bars("11-20 close 18800"),
			change: func(a *history.Around) { a.MaxMove = decimal.NewFromInt(1000) }, want: "11-20 store"},
		{name: "a smaller bound", stored: stored(week...), bars: bars("11-20 close 180"),
			change: func(a *history.Around) { a.MaxMove = decimal.RequireFromString("0.05") }, want: "11-20 hold"},
		{name: "the whole quote in another unit", stored: stored(week...), bars: bars("11-20 close 19300 previous 19230"), want: "11-20 hold"},
		{name: "the whole quote of another company", stored: stored(week...), bars: bars("11-20 close 37.30 previous 37.11"), want: "11-20 hold"},
		{name: "the previous close is adjusted for a split", stored: stored(week...), bars: bars("11-20 close 19.30 previous 19.23"), want: "11-20 store warn"},
		{name: "the previous close is as traded after a rebase", stored: stored(week...), bars: bars("11-20 close 193 previous 1923"),
			change: func(a *history.Around) { a.Splits = splits("11-20 10:1 rebased") }, want: "11-20 store"},
		{name: "the previous close is another one", stored: stored(week...), bars: bars("11-20 close 193 previous 181"), want: "11-20 store warn"},
		{name: "the previous close is corrected by little", stored: stored(week...), bars: bars("11-20 close 193 previous 191"), want: "11-20 store"},
		{name: "what is stored last is wrong", stored: stored("11-16 close 190", "11-17 close 191", "11-18 close 189.5", "11-19 close 1923"),
			bars: bars("11-20 close 193 previous 192.30"), want: "11-20 hold"},
		{name: "the series shows what is stored last to be wrong", isSeries: true,
			stored: stored("11-16 close 190", "11-17 close 191", "11-18 close 189.5", "11-19 close 1923"),
			bars:   bars("11-17 close 191", "11-18 close 189.5", "11-19 close 192.30", "11-20 close 193 previous 192.30"),
			want:   "11-17 store 11-18 store 11-19 store 11-20 store"},
		{name: "another currency", stored: stored(week...), bars: bars("11-20 close 1.5 currency GBP"), want: "11-20 store"},
		{name: "a previous close of nothing", stored: stored(week...), bars: bars("11-20 close 193 previous 0"), want: "11-20 store"},
		{name: "a first quote with a previous close of nothing", bars: bars("11-20 close 193 previous 0"), want: "11-20 store"},
		{name: "a stored bar without a close", stored: stored("11-19 open 190"), bars: bars("11-20 close 193"), want: "11-20 store"},
		{name: "months later", stored: stored(week...), bars: bars("12-15 close 61 previous 60"), want: "12-15 store"},
		{name: "months later in another unit", stored: stored(week...), bars: bars("12-15 close 1.94 previous 1.93"), want: "12-15 hold"},
		{name: "months later and far from its previous close", stored: stored(week...), bars: bars("12-15 close 30 previous 61"), want: "12-15 hold"},

		{name: "a glitch of a day in a series", stored: stored(week...), bars: bars("11-20 close 1.92", "11-23 close 193"),
			want: "11-20 reject 11-23 store"},
		{name: "a glitch of two days in a series", stored: stored(week...),
			bars: bars("11-20 close 400", "11-23 close 401", "11-24 close 194", "11-25 close 193", "11-27 close 195"),
			want: "11-20 reject 11-23 reject 11-24 store 11-25 store 11-27 store"},
		{name: "a glitch before stored bars", stored: stored("11-16 close 190", "11-18 close 189"), bars: bars("11-17 close 1890"),
			want: "11-17 reject"},
		{name: "a first bar that is a glitch", bars: bars("11-20 close 19300", "11-23 close 193", "11-24 close 194"),
			want: "11-20 reject 11-23 store 11-24 store"},
		{name: "a first bar before a split of 50:1", bars: bars("11-20 close 9650", "11-23 close 193", "11-24 close 194", "11-25 close 192"),
			want: "11-20 store 11-23 store warn 11-24 store 11-25 store"},
		{name: "a fall that lasts", stored: stored(week...), bars: bars("11-20 close 70", "11-23 close 72"), want: "11-20 store warn 11-23 store"},
		{name: "a fall and a recovery", stored: stored(week...), bars: bars("11-20 close 70", "11-23 open 75 close 110", "11-24 close 120"),
			want: "11-20 store warn 11-23 store warn 11-24 store"},
		{name: "a rise that goes on", stored: stored(week...), bars: bars("11-20 close 300", "11-23 close 600", "11-24 close 610", "11-25 close 620"),
			want: "11-20 store warn 11-23 store warn 11-24 store 11-25 store"},
		{name: "a rise that one later session exceeds", stored: stored(week...), bars: bars("11-20 close 300", "11-23 close 600"),
			want: "11-20 hold 11-23 hold"},
		{name: "a level that nothing confirms", stored: stored(week...), bars: bars("11-20 close 900", "11-23 close 400", "11-24 close 410"),
			want: "11-20 reject 11-23 store warn 11-24 store"},
		{name: "a fall of more than 90 % within a larger bound", stored: stored(week...), bars: bars("11-20 close 19.2"),
			change: func(a *history.Around) { a.MaxMove = decimal.RequireFromString("1.5") }, want: "11-20 hold"},
		{name: "a rise within a larger bound", stored: stored(week...), bars: bars("11-20 close 480"),
			change: func(a *history.Around) { a.MaxMove = decimal.RequireFromString("1.5") }, want: "11-20 store"},
		{name: "a glitch of two days beyond any split", stored: stored(week...), bars: bars("11-20 close 192000", "11-23 close 193000"),
			want: "11-20 hold 11-23 hold"},
		{name: "a missed night and another company", stored: stored(week...), bars: bars("11-23 close 7.31 previous 7.30"), want: "11-23 hold"},
		{name: "a glitch of two days at the end", stored: stored(week...), bars: bars("11-20 close 400", "11-23 close 401", "11-24 close 194"),
			want: "11-20 reject 11-23 reject 11-24 store"},
		{name: "another unit for two of three sessions", stored: stored(week...), bars: bars("11-20 close 1.92", "11-23 close 1.93", "11-24 close 194"),
			want: "11-20 reject 11-23 reject 11-24 store"},
		{name: "another unit for two sessions", stored: stored(week...), bars: bars("11-20 close 1.92", "11-23 close 1.93"),
			want: "11-20 hold 11-23 hold"},
		{name: "another unit for good", stored: stored(week...), bars: bars("11-20 close 1.92", "11-23 close 1.93", "11-24 close 1.94"),
			want: "11-20 store warn 11-23 store 11-24 store"},
		{name: "a series in another unit", stored: stored(week...), isSeries: true,
			bars: bars("11-18 close 18950", "11-19 close 19230", "11-20 close 19300"), want: "11-18 hold 11-19 hold 11-20 hold"},

		{name: "a series in another unit that is to replace what is stored", stored: stored(week...), isSeries: true,
			bars:   bars("11-16 close 19000", "11-17 close 19100", "11-18 close 18950", "11-19 close 19230", "11-20 close 19300"),
			change: func(a *history.Around) { a.IsForced = true },
			want:   "11-16 store 11-17 store 11-18 store 11-19 store 11-20 store"},
		{name: "a series of another company", stored: stored(week...), isSeries: true,
			bars: bars("11-16 close 130", "11-17 close 131", "11-18 close 129.5", "11-19 close 132.30", "11-20 close 133"),
			want: "11-16 hold 11-17 hold 11-18 hold 11-19 hold 11-20 hold"},
		{name: "the second night of a ticker, in another unit", stored: stored("11-19 close 190"), isSeries: true,
			bars: bars("11-17 close 19000", "11-18 close 18900", "11-19 close 19000", "11-20 close 19100"),
			want: "11-17 hold 11-18 hold 11-19 hold 11-20 hold"},
		{name: "a series that is adjusted for a split", stored: stored(week...), isSeries: true,
			bars: bars("11-16 close 19", "11-17 close 19.1", "11-18 close 18.95", "11-19 close 19.23", "11-20 close 19.3"),
			want: "11-16 keep 11-17 keep 11-18 keep 11-19 keep 11-20 store warn"},
		{name: "a series that is adjusted for a split of 100:1 of the vendor's table", stored: stored(week...), isSeries: true,
			bars:   bars("11-16 close 1.9", "11-17 close 1.91", "11-18 close 1.895", "11-19 close 1.923", "11-20 close 1.93"),
			change: func(a *history.Around) { a.Splits = splits("11-20 100:1") },
			want:   "11-16 keep 11-17 keep 11-18 keep 11-19 keep 11-20 store warn"},
		{name: "a tenth that the series repeats", stored: stored(week...), isSeries: true,
			bars: bars(weekAnd("11-20 open 19 high 20 low 18 close 19.2")...),
			want: "11-16 store 11-17 store 11-18 store 11-19 store 11-20 hold"},
		{name: "a fall that the quote has otherwise", stored: stored(week...), isSeries: true,
			bars:   bars(weekAnd("11-20 open 80 high 85 low 70 close 76.92")...),
			change: func(a *history.Around) { a.Quoted = decimal.NewNullDecimal(decimal.NewFromInt(95)) },
			want:   "11-16 store 11-17 store 11-18 store 11-19 store 11-20 hold"},
		{name: "a mistake about a session that is stored", stored: stored(weekAnd("11-20 close 191")...), isSeries: true,
			bars: bars(weekAnd("11-20 open 80 high 85 low 70 close 76.92")...),
			want: "11-16 store 11-17 store 11-18 store 11-19 store 11-20 hold"},
		{name: "a true fall whose series shows it", stored: stored(week...), isSeries: true,
			bars: bars(weekAnd("11-20 open 80 high 85 low 70 close 76.92")...),
			want: "11-16 store 11-17 store 11-18 store 11-19 store 11-20 store warn"},
		{name: "the same of a market day", stored: stored(week...), bars: bars("11-20 open 80 high 85 low 70 close 76.92"), want: "11-20 hold"},
		{name: "a true fall without a range", stored: stored(week...), isSeries: true, bars: bars(weekAnd("11-20 close 76.92")...),
			want: "11-16 store 11-17 store 11-18 store 11-19 store 11-20 hold"},
		{name: "a fall of a series whose bars have moved", stored: stored(week...), isSeries: true,
			bars: bars("11-18 close 95", "11-19 close 192.30", "11-20 open 80 high 85 low 70 close 76.92"),
			want: "11-18 reject 11-19 store 11-20 hold"},
		{name: "a unit that the series repeats", stored: stored(week...), isSeries: true,
			bars: bars("11-18 close 189.5", "11-19 close 192.30", "11-20 open 1.92 high 1.95 low 1.9 close 1.93"),
			want: "11-18 store 11-19 store 11-20 hold"},
		{name: "a thousand times that the series repeats", stored: stored(week...), isSeries: true,
			bars: bars("11-19 close 192.30", "11-20 open 192000 high 195000 low 190000 close 193000"), want: "11-19 store 11-20 hold"},

		{name: "a split of the vendor's table", stored: stored(week...), bars: bars("11-20 close 19.10"),
			change: func(a *history.Around) { a.Splits = splits("11-20 10:1") }, want: "11-20 store warn"},
		{name: "a split that the series reports", stored: stored(week...), isSeries: true,
			bars: bars("11-19 close 192.30 coefficient 1", "11-20 close 1.91 coefficient 100"), want: "11-19 store 11-20 store warn"},
		{name: "one of another session", stored: stored(week...), bars: bars("11-20 close 19.10"),
			change: func(a *history.Around) { a.Splits = splits("11-18 10:1") }, want: "11-20 hold"},
		{name: "one of another ratio", stored: stored(week...), bars: bars("11-20 close 19.10"),
			change: func(a *history.Around) { a.Splits = splits("11-20 2:1") }, want: "11-20 hold"},
		{name: "100:1 of the vendor's table", stored: stored(week...), bars: bars("11-20 close 1.91"),
			change: func(a *history.Around) { a.Splits = splits("11-20 100:1") }, want: "11-20 store warn"},

		{name: "the next quote has the held close before it", stored: stored(week...), bars: bars("11-23 close 80 previous 76.92"),
			change: holding(held("11-20 close 76.92 previous 192.30")), want: "11-23 store", decided: "11-20 accepted"},
		{name: "the next quote is on the held level", stored: stored(week...), bars: bars("11-23 close 80"),
			change: holding(held("11-20 close 76.92")), want: "11-23 store warn", decided: "11-20 accepted"},
		{name: "the next quote recovers from the held close", stored: stored(week...), bars: bars("11-23 close 100 previous 76.92"),
			change: holding(held("11-20 close 76.92")), want: "11-23 store", decided: "11-20 accepted"},
		{name: "the next quote is back at the old level", stored: stored(week...), bars: bars("11-23 close 193 previous 192.10"),
			change: holding(held("11-20 close 1.92")), want: "11-23 store", decided: "11-20 rejected"},
		{name: "the next quote repeats the held close as its previous one", stored: stored(week...), bars: bars("11-23 close 193 previous 1.92"),
			change: holding(held("11-20 close 1.92")), want: "11-23 store", decided: "11-20 rejected"},
		{name: "the next quote is on neither level", stored: stored(week...), bars: bars("11-23 close 900 previous 1.92"),
			change: holding(held("11-20 close 1.92")), want: "11-23 hold"},
		{name: "the series corrects the held close", stored: stored(week...), bars: bars("11-20 close 192", "11-23 close 193"),
			change: holding(held("11-20 close 1.92")), want: "11-20 store 11-23 store", decided: "11-20 rejected"},
		{name: "the series confirms the held close", stored: stored(week...), bars: bars("11-20 close 76.92", "11-23 close 80"),
			change: holding(held("11-20 close 76.92")), want: "11-20 store warn 11-23 store", decided: "11-20 accepted"},
		{name: "the series repeats the held glitch", stored: stored(week...), bars: bars("11-20 close 1.92", "11-23 close 193"),
			change: holding(held("11-20 close 1.92")), want: "11-20 reject 11-23 store", decided: "11-20 rejected"},
		{name: "the same is asked again", stored: stored(week...), bars: bars("11-20 close 1.92 previous 192.30"),
			change: holding(held("11-20 close 1.92")), want: "11-20 hold"},
		{name: "the next quote repeats another unit", stored: stored(week...), bars: bars("11-23 close 1.93 previous 1.92"),
			change: holding(held("11-20 close 1.92")), want: "11-23 hold"},
		{name: "a third quote is in it", stored: stored(week...), bars: bars("11-24 close 1.94 previous 1.93"),
			change: holding(held("11-20 close 1.92", "11-23 close 1.93")), want: "11-24 store warn", decided: "11-20 accepted 11-23 accepted"},
		{name: "the next quote is a thousandth too", stored: stored(week...), bars: bars("11-23 close 0.193 previous 0.192"),
			change: holding(held("11-20 close 0.192")), want: "11-23 hold"},
		{name: "the next quote has another previous close than the held bar", stored: stored(week...), bars: bars("11-23 close 120 previous 125"),
			change: holding(held("11-20 close 90")), want: "11-23 store", decided: "11-20 rejected"},
		{name: "a repeated bar that the next quote denies", stored: stored("11-18 "+same, "11-19 "+same), bars: bars("11-23 close 190 previous 186"),
			change: holding(held("11-20 " + same)), want: "11-23 store", decided: "11-20 rejected"},
		{name: "two rises in a row", stored: stored(week...), bars: bars("11-24 close 500 previous 490"),
			change: holding(held("11-20 close 300 previous 192.30", "11-23 close 490 previous 300")), want: "11-24 store",
			decided: "11-20 accepted 11-23 accepted"},
		{name: "two wait", stored: stored(week...), bars: bars("11-24 close 78 previous 77.5"),
			change: holding(held("11-20 close 76.92", "11-23 close 77.4")), want: "11-24 store", decided: "11-20 accepted 11-23 accepted"},
		{name: "the first quotes of a ticker", bars: bars("11-23 close 193 previous 192"),
			change: holding(held("11-20 close 19200 previous 191")), want: "11-23 store", decided: "11-20 rejected"},

		{name: "what was rejected is repeated", stored: stored(week...), bars: bars("11-20 close 76.92", "11-23 close 80"),
			change: holding(decided(history.Rejected, "11-20 close 76.92")), want: "11-20 reject 11-23 hold"},
		{name: "what was rejected is corrected", stored: stored(week...), bars: bars("11-20 close 193", "11-23 close 190"),
			change: holding(decided(history.Rejected, "11-20 close 1.92")), want: "11-20 store 11-23 store"},
		{name: "what was accepted is repeated", stored: stored(week...), bars: bars("11-20 close 1.92"),
			change: holding(decided(history.Accepted, "11-20 close 1.92")), want: "11-20 store"},

		{name: "what a person set", stored: append(stored(week...), manual...), bars: bars("11-20 close 193", "11-23 close 149"),
			want: "11-20 keep 11-23 store"},
		{name: "what a person set far away", stored: append(stored(week...), manual...), bars: bars("11-20 close 19300", "11-23 close 149"),
			want: "11-20 keep 11-23 store"},
		{name: "a late correction", stored: stored(week...), bars: bars("11-18 close 189.9", "11-19 close 192.30"), want: "11-18 store 11-19 store"},
		{name: "a late correction of what was wrong", stored: stored("11-18 close 189.5", "11-19 close 19230"),
			bars: bars("11-18 close 189.5", "11-19 close 192.30", "11-20 close 193"), want: "11-18 store 11-19 store 11-20 store"},
		{name: "a late mistake", stored: stored(week...), bars: bars("11-18 close 1.9", "11-19 close 192.30"), want: "11-18 reject 11-19 store"},

		{name: "the same bar twice", stored: stored("11-18 close 191 "+usual, "11-19 "+same), bars: bars("11-20 " + same), want: "11-20 store warn"},
		{name: "the same bar three times", stored: stored("11-18 "+same, "11-19 "+same), bars: bars("11-20 " + same), want: "11-20 hold"},
		{name: "the same bar four times, the third of which is held", stored: stored("11-18 "+same, "11-19 "+same), bars: bars("11-23 " + same),
			change: holding(held("11-20 " + same)), want: "11-23 hold"},
		{name: "the application has repeated a mistake", stored: blanked(stored(weekAnd("11-20 close 19300")...), "11-20"), bars: bars("11-20 close 19300"),
			want: "11-20 hold"},
		{name: "the application has another price of the session", stored: blanked(stored(weekAnd("11-20 close 19300")...), "11-20"),
			bars: bars("11-20 close 193 previous 192.30"), want: "11-20 store"},
		{name: "the application has the only price", stored: blanked(stored("11-20 close 19300"), "11-20"), bars: bars("11-20 close 193 previous 192.30"),
			want: "11-20 store"},
		{name: "a mistake of the application in the session before", stored: blanked(stored("11-18 close 189.5", "11-19 close 19300"), "11-19"),
			bars: bars("11-20 close 193 previous 192.30"), want: "11-20 store"},
		{name: "a price of the application from before the close", stored: blanked(stored("11-18 close 189.5", "11-19 close 175"), "11-19"),
			bars: bars("11-20 close 193 previous 192.30"), want: "11-20 store"},
		{name: "a hundred times what the application has", stored: blanked(stored(week...), "11-16", "11-17", "11-18", "11-19"),
			bars: bars("11-20 close 19300 previous 192.30"), want: "11-20 hold"},
		{name: "a price of the application on the scale of a known split",
			stored: blanked(stored("11-17 close 1920", "11-18 close 192", "11-19 close 193"), "11-18", "11-19"), bars: bars("11-20 close 194"),
			change: func(a *history.Around) { a.Splits = splits("11-18 10:1") }, want: "11-20 store"},
		{name: "a series that is adjusted for a split, with a bar that the application has blanked", isSeries: true,
			stored: blanked(stored("11-16 close 1900", "11-17 close 1910", "11-18 close 1895"), "11-17"),
			bars:   bars("11-16 close 190", "11-17 close 191", "11-18 close 189.5", "11-20 close 193"),
			change: func(a *history.Around) { a.Splits = splits("11-20 10:1") },
			want:   "11-16 keep 11-17 keep 11-18 keep 11-20 store warn"},
		{name: "another bar after the third", stored: stored("11-18 "+same, "11-19 "+same), bars: bars("11-20 "+same, "11-23 close 193 "+usual),
			change: holding(held("11-20 " + same)), want: "11-20 store warn 11-23 store", decided: "11-20 accepted"},
		{name: "the same bar three times within a series", stored: stored("11-18 " + same), bars: bars("11-19 "+same, "11-20 "+same, "11-23 close 190"),
			want: "11-19 store warn 11-20 store warn 11-23 store"},
		{name: "the same bar without trades", stored: stored("11-18 open 1 high 1 low 1 close 1 volume 0", "11-19 open 1 high 1 low 1 close 1 volume 0"),
			bars: bars("11-20 open 1 high 1 low 1 close 1 volume 0"), want: "11-20 store"},
		{name: "the same bar of unknown volume", stored: stored("11-18 open 1 high 1 low 1 close 1", "11-19 open 1 high 1 low 1 close 1"),
			bars: bars("11-20 open 1 high 1 low 1 close 1"), want: "11-20 store"},
		{name: "the same bar but for its volume", stored: stored("11-18 "+same, "11-19 "+same),
			bars: bars("11-20 open 190 high 194 low 189 close 192 volume 5001"), want: "11-20 store"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := around()
			a.Stored = tt.stored
			if tt.isSeries {
				a.Series = tt.bars
			}
			if tt.change != nil {
				tt.change(&a)
			}
			judged, decisions := history.Judge(tt.bars, a)
			var got, gotDecided []string
			for _, j := range judged {
				got = append(got, rulingOf(j))
				if j.Ruling != history.Store && j.Why == "" {
					t.Errorf("%s: without a reason", rulingOf(j))
				}
			}
			for _, h := range decisions {
				gotDecided = append(gotDecided, fmt.Sprintf("%02d-%02d %s", h.Session.Month, h.Session.Day, h.Decision))
			}
			if diff := cmp.Diff([]string{tt.want, tt.decided}, []string{strings.Join(got, " "), strings.Join(gotDecided, " ")}); diff != "" {
				t.Errorf("(-want +got)\n%s\n%+v", diff, judged)
			}
		})
	}
}

func holding(bars []history.HeldBar) func(*history.Around) {
	return func(a *history.Around) { a.Held = bars }
}

// What is said of a doubtful bar names the prices that it is about.
func TestJudgeSaysWhy(t *testing.T) {
	for _, tt := range []struct {
		name, bar, want string
	}{
		{"a fall", "11-20 close 76.92", "76.92 is 60% below the close of 2026-11-19 (192.30), more than 50%"},
		{"a rise", "11-20 close 384.60", "384.60 is 100% above the close of 2026-11-19 (192.30), more than 50%"},
		{"many times", "11-20 close 192300", "192300 is 1000 times the close of 2026-11-19 (192.30), more than 50%"},
		{"a unit", "11-20 close 1.923 previous 192.30", "1.923 is 1/100 of the close of 2026-11-19 (192.30), as if in another unit"},
		{"of its own previous close", "12-15 close 30 previous 61", "30 is 50.8% below the previous close of the same answer (61), more than 50%"},
		{"with its previous close", "11-20 close 19300 previous 19230",
			"19300 is 100.4 times the close of 2026-11-19 (192.30), as if in another unit, and so is the previous close of the answer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := around()
			a.Stored = stored(week...)
			judged, _ := history.Judge(bars(tt.bar), a)
			if judged[0].Ruling != history.Hold || judged[0].Why != tt.want {
				t.Errorf("%s: %q\nwant %q", rulingOf(judged[0]), judged[0].Why, tt.want)
			}
		})
	}
}

// Whatever an answer, what is stored and what waits: what is believed can be right by itself, and what a person set stays.
func FuzzJudge(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		c := &choices{input}
		var fetched []marketdata.Bar
		for d := day("11-01"); d.Before(day("12-01")); d = d.AddDays(1) {
			if bar := c.bar(d); !c.oneIn(3) {
				if c.oneIn(4) {
					bar.Close = bar.Close.Shift(int32(c.below(9)) - 4)
				}
				if c.oneIn(3) {
					bar.PreviousClose = decimal.NewNullDecimal(c.price().Shift(int32(c.below(3)) - 1))
				}
				fetched = append(fetched, bar)
			}
		}
		a := around()
		for i, bar := range c.bars(c.some(november)) {
			b := history.StoredBar{Bar: bar, Row: int64(i + 1)}
			if c.oneIn(5) {
				b.Source = history.ManualSource
			}
			b.Incomplete = b.Source != history.ManualSource && c.oneIn(3)
			a.Stored = append(a.Stored, b)
		}
		for _, bar := range c.bars(c.some(november)) {
			if c.oneIn(3) {
				decision := []history.Decision{history.Waiting, history.Accepted, history.Rejected}[c.below(3)]
				a.Held = append(a.Held, history.HeldBar{Bar: bar, Decision: decision})
			}
		}
		a.Splits = []history.Split{c.split()}
		session, _ := exchange.XNYS.Session(november[c.below(len(november))])
		checked := history.Check(fetched, exchange.XNYS, session.Close)
		if c.oneIn(2) {
			a.Series = checked.Bars
		}
		judged, decisions := history.Judge(checked.Bars, a)
		for i, j := range judged {
			checkJudgement(t, j, checked.Bars[i], a, session.Date)
		}
		for _, h := range decisions {
			if h.Decision == history.Waiting || !slices.ContainsFunc(a.Held, func(was history.HeldBar) bool {
				return was.Session == h.Session && was.Decision == history.Waiting
			}) {
				t.Errorf("%v is decided: %s", h.Session, h.Decision)
			}
		}
	})
}

// checkJudgement checks what holds of any judgement of a bar, when a session is the newest.
func checkJudgement(t *testing.T, j history.Judgement, bar marketdata.Bar, a history.Around, newest exchange.Date) {
	t.Helper()
	i := slices.IndexFunc(a.Stored, func(b history.StoredBar) bool { return b.Session == bar.Session })
	isManual := i >= 0 && a.Stored[i].Source == history.ManualSource
	switch {
	case cmp.Diff(j.Bar, bar, exactly) != "":
		t.Errorf("%+v is judged as %+v", bar, j.Bar)
	case (j.Ruling == history.Keep) != isManual:
		t.Errorf("%s; set by a person: %t", rulingOf(j), isManual)
	case j.Ruling != history.Store && j.Why == "":
		t.Errorf("%s: without a reason", rulingOf(j))
	case j.Ruling != history.Store:
		return
	}
	if !exchange.XNYS.IsSession(bar.Session) || bar.Session.After(newest) || !bar.Close.IsPositive() {
		t.Errorf("%s: %+v, with %s the newest session", rulingOf(j), bar, newest)
	}
	for _, price := range []decimal.NullDecimal{bar.Open, decimal.NewNullDecimal(bar.Close), bar.High, bar.Low} {
		isLow := bar.Low.Valid && price.Valid && price.Decimal.LessThan(bar.Low.Decimal)
		if isLow || bar.High.Valid && price.Valid && price.Decimal.GreaterThan(bar.High.Decimal) {
			t.Errorf("%s: %+v: want its prices within its low and high", rulingOf(j), bar)
		}
	}
}
