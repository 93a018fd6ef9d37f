package history_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func TestCheckRefusesWhatCannotBeABar(t *testing.T) {
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, "2026-"+text+":00Z")
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for _, tt := range []struct {
		name     string
		calendar *exchange.Exchange
		at       time.Time
		bar      string
		want     string // the reason; "" if it can be one
	}{
		{"the newest completed session", exchange.XNYS, at("11-21T00:00"), "11-20 close 100", ""},
		{"an old one", exchange.XNYS, at("11-21T00:00"), "01-02 close 100", ""},
		{"the session under way", exchange.XNYS, at("11-20T15:00"), "11-20 close 100", ""},
		{"a session before its open", exchange.XNYS, at("11-20T14:29"), "11-20 close 100", "invalid data: the price is of 2026-11-20, which is yet to come"},
		{"the next session", exchange.XNYS, at("11-21T00:00"), "11-23 close 100", "invalid data: the price is of 2026-11-23, which is yet to come"},
		{"a Sunday", exchange.XNYS, at("11-23T00:00"), "11-22 close 100", "invalid data: the price is of 2026-11-22, which is yet to come"},
		{"an older Saturday", exchange.XNYS, at("11-24T00:00"), "11-21 close 100", "invalid data: the price is of 2026-11-21, which is not a session"},
		{"a holiday", exchange.XNYS, at("11-28T00:00"), "11-26 close 100", "invalid data: the price is of 2026-11-26, which is not a session"},
		{"nothing", exchange.XNYS, at("11-21T00:00"), "11-20 close 0", "invalid data: close of 2026-11-20 is 0"},
		{"less than nothing", exchange.XNYS, at("11-21T00:00"), "11-20 close -1.5", "invalid data: close of 2026-11-20 is -1.5"},
		{"a day that has begun elsewhere", exchange.Weekdays, at("11-19T23:30"), "11-20 close 100", ""},
		{"two days ahead", exchange.Weekdays, at("11-18T23:30"), "11-20 close 100", "invalid data: the price is of 2026-11-20, which is yet to come"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fetched := bars(tt.bar)
			want := history.Checked{Bars: fetched}
			got := history.Check(fetched, tt.calendar, tt.at)
			reason := ""
			if len(got.Refused) == 1 {
				reason = got.Refused[0].Err.Error()
				want = history.Checked{Refused: []marketdata.InvalidBar{{Ticker: fetched[0].Ticker, Session: fetched[0].Session, Err: got.Refused[0].Err}}}
			}
			if reason != tt.want {
				t.Errorf("refused since %q, want %q", reason, tt.want)
			}
			if diff := cmp.Diff(want, got, exactly, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestRepair(t *testing.T) {
	for _, tt := range []struct {
		name, bar, want string
	}{
		{"a close alone", "11-20 close 100", "11-20 close 100"},
		{"all within", "11-20 open 99 high 101 low 98 close 100 volume 7", "11-20 open 99 high 101 low 98 close 100 volume 7"},
		{"all the same", "11-20 open 100 high 100 low 100 close 100", "11-20 open 100 high 100 low 100 close 100"},
		{"an open without a range", "11-20 open 150 close 100", "11-20 open 150 close 100"},
		{"a high below the low", "11-20 open 99 high 98 low 101 close 100 volume 7", "11-20 close 100 volume 7"},
		{"a close above the high", "11-20 open 99 high 99.99 low 98 close 100", "11-20 close 100"},
		{"a close below the low", "11-20 open 101 high 102 low 100.01 close 100", "11-20 close 100"},
		{"an open above the high", "11-20 open 101.5 high 101 low 98 close 100", "11-20 close 100"},
		{"an open below the low", "11-20 open 97 high 101 low 98 close 100", "11-20 close 100"},
		{"a high alone, below the close", "11-20 high 99 close 100", "11-20 close 100"},
		{"a low alone, above the close", "11-20 low 101 close 100", "11-20 close 100"},
		{"a low of nothing", "11-20 open 99 high 101 low 0 close 100", "11-20 close 100"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, changed := history.Repair(bars(tt.bar)[0])
			if diff := cmp.Diff(bars(tt.want)[0], got, exactly); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if want := tt.bar != tt.want; changed != want {
				t.Errorf("changed is %t, want %t", changed, want)
			}
		})
	}
}

// The prices of one session do not differ by factors.
func TestRepairDropsWhatIsFarFromTheClose(t *testing.T) {
	for text, want := range map[string]bool{
		"11-20 high 19300 close 191": true, "11-20 low 0.01 close 191": true, "11-20 open 4000 high 4100 close 191": true,
		"11-20 open 150 high 800 low 60 close 191": false,
	} {
		if _, got := history.Repair(bars(text)[0]); got != want {
			t.Errorf("%s: repaired: %t, want %t", text, got, want)
		}
	}
}

func TestContradicts(t *testing.T) {
	for _, tt := range []struct {
		name, stored, fetched string
		want                  bool
	}{
		{"a close within the stored range", "11-20 open 99 high 101 low 98 close 100", "11-20 close 98", false},
		{"a close above the stored high", "11-20 open 99 high 101 low 98 close 100", "11-20 close 102", true},
		{"a close below the stored low", "11-20 low 98 close 100", "11-20 close 97.99", true},
		{"a high below the stored open", "11-20 open 99 close 95", "11-20 high 98 close 95", true},
		{"a range of its own", "11-20 open 99 high 101 low 98 close 100", "11-20 open 49 high 51 low 48 close 50", false},
		{"no stored range", "11-20 close 100", "11-20 close 50", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := stored(tt.stored)[0].Contradicts(bars(tt.fetched)[0]); got != tt.want {
				t.Errorf("%t, want %t", got, tt.want)
			}
		})
	}
}
