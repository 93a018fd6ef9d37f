package refresh

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"papertrade/pkg/marketdata"
)

func TestKinds(t *testing.T) {
	type facts struct {
		JobName, Name           string
		SharesLock, LeavesCalls bool
		MaxTasks                int
	}
	for kind, want := range map[Kind]facts{
		Scheduled: {"refresh_active_stocks", "refresh", false, false, 20},
		Named:     {"refresh_active_stocks", "named", false, false, 0},
		Intraday:  {"refresh_active_stocks", "intraday", false, true, 0},
		Backfill:  {"backfill_active_stocks", "backfill", false, true, 0},
		Tasks:     {"backfill_tasks", "tasks", true, true, math.MaxInt},
	} {
		got := facts{kind.JobName(), kind.String(), kind.sharesLock(), kind.leavesCalls(), kind.maxTasks()}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
}

// The record of a run says which kind it was.
func TestRecordedKind(t *testing.T) {
	tickers := []marketdata.Ticker{marketdata.MustParseTicker("AAPL")}
	for _, tt := range []struct {
		o    Options
		mode string
	}{
		{Options{Kind: Scheduled}, ""},
		{Options{Kind: Named, Tickers: tickers}, "named"},
		{Options{Kind: Intraday}, "intraday"},
		{Options{Kind: Backfill}, ""},
		{Options{Kind: Backfill, Tickers: tickers}, "named"},
		{Options{Kind: Tasks}, ""},
	} {
		if mode := tt.o.mode(); mode != tt.mode || recordedKind(tt.o.Kind.JobName(), mode) != tt.o.Kind {
			t.Errorf("%+v has the mode %q, and is recorded as %s", tt.o, mode, recordedKind(tt.o.Kind.JobName(), mode))
		}
	}
}
