package refresh

import (
	"testing"

	"papertrade/pkg/marketdata"
)

// A table of splits brings no bar, so that no want is ever planned to be served by it.
func TestSplitsServeNoWant(t *testing.T) {
	splits := vendorOf(nil, marketdata.Capability{Kind: marketdata.Splits, Name: "splits", MaxTickers: 1})
	for _, goal := range []Goal{PriceNow, Update, Fill, Overwrite, Rebase} {
		want := Want{ActiveTicker: newTickers(1)[0], Goal: goal, Sessions: datesOf([]int{20})}
		for _, day := range []int{21, 23} {
			if r, found := splits.routeOf(want, instant(day, 15), instant(day, 15)); found {
				t.Errorf("goal %d at day %d is served by %s", goal, day, r.capability.Name)
			}
		}
	}
}
