package refresh

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
)

func TestPlanShownBy(t *testing.T) {
	bar := func(symbol string, day int) marketdata.Bar {
		return marketdata.Bar{Ticker: marketdata.MustParseTicker(symbol), Session: date(day)}
	}
	quarter := 15 * time.Minute
	opened := instant(20, 14).Add(2 * quarter)
	for _, tt := range []struct {
		name  string
		bars  []marketdata.Bar
		at    time.Time
		isAll bool
		want  keyPlan
	}{
		{"nothing", nil, opened.Add(time.Hour), true, planUnknown},
		{"a price of today", []marketdata.Bar{bar("A", 20)}, opened.Add(time.Hour), false, planToday},
		{"one of the day before, and no other will come", []marketdata.Bar{bar("A", 19)}, opened.Add(time.Hour), true, planEndOfDay},
		{"one of long ago", []marketdata.Bar{bar("A", 9)}, opened.Add(time.Hour), true, planEndOfDay},
		{"two, and others will come", []marketdata.Bar{bar("A", 19), bar("B", 19)}, opened.Add(time.Hour), false, planUndecided},
		{"three", []marketdata.Bar{bar("A", 19), bar("B", 19), bar("C", 18)}, opened.Add(time.Hour), false, planEndOfDay},
		{"one of today among others", []marketdata.Bar{bar("A", 19), bar("B", 19), bar("C", 18), bar("D", 20)}, opened.Add(time.Hour), true, planToday},
		{"delayed quotes of just after the open", []marketdata.Bar{bar("A", 19), bar("B", 19), bar("C", 19)}, opened.Add(quarter), true, planUnknown},
		{"delayed quotes of a while later", []marketdata.Bar{bar("A", 19)}, opened.Add(quarter + 5*time.Minute), true, planEndOfDay},
		{"an exchange that is closed", []marketdata.Bar{bar("A.LON", 19), bar("B.LON", 20)}, instant(20, 18), true, planUnknown},
		{"and one that is open", []marketdata.Bar{bar("A.LON", 20), bar("B", 19)}, instant(20, 18), true, planEndOfDay},
		{"an exchange whose hours are not known", []marketdata.Bar{bar("A.XX", 19)}, opened.Add(time.Hour), true, planUnknown},
		{"a Monday, after a weekend", []marketdata.Bar{bar("A", 20)}, instant(23, 18), true, planEndOfDay},
		{"a Monday's price", []marketdata.Bar{bar("A", 23)}, instant(23, 18), true, planToday},
	} {
		if got := planShownBy(tt.bars, tt.at, tt.isAll); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

// A plan that is known to have end-of-day prices only is asked for others once a day, and for the rest as ever.
func TestAnEndOfDayPlanIsNotAskedForPricesNow(t *testing.T) {
	at := instant(20, 18)
	plan := func(ago time.Duration) VendorState {
		v := vendorOf([]quota.Limit{{Calls: 500}}, oneQuote, compact)
		v.EndOfDayAt = at.Add(-ago)
		return v
	}
	want := Want{ActiveTicker: newTickers(1)[0], Goal: PriceNow, Outcome: OutcomePlanned, Reason: "due"}
	update := want
	update.Goal, update.Sessions = Update, datesOf([]int{19})
	type planned struct {
		Outcome   Outcome
		Reason    string
		Forceable bool
		Vendor    int
	}
	skipped := planned{OutcomeSkipped, "due; the key's plan has end-of-day prices only: asked again from 2026-11-21T17:00:00Z on", true, 0}
	for _, tt := range []struct {
		name    string
		want    Want
		vendors []VendorState
		planned planned
	}{
		{"an hour ago", want, []VendorState{plan(time.Hour)}, skipped},
		{"a day ago", want, []VendorState{plan(24 * time.Hour)}, planned{OutcomePlanned, "due", false, 0}},
		{"later than now", want, []VendorState{plan(-time.Second)}, planned{OutcomePlanned, "due", false, 0}},
		{"another vendor's plan is not known", want, []VendorState{plan(time.Hour), plan(48 * time.Hour)}, planned{OutcomePlanned, "due", false, 1}},
		{"a close", update, []VendorState{plan(time.Hour)}, planned{OutcomePlanned, "due", false, 0}},
	} {
		item := Inputs{At: at, Now: at, Vendors: tt.vendors}.items([]Want{tt.want})[0]
		got := planned{item.Outcome, item.Reason, item.Forceable, item.route.vendor}
		if diff := cmp.Diff(tt.planned, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
