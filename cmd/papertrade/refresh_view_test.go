package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/refresh"
)

func TestRefreshView(t *testing.T) {
	r := refresh.Report{
		Status: refresh.Partial, At: midnight(21), Session: day(11, 20), Batches: 1, Calls: 2,
		StartedAt: midnight(21), FinishedAt: midnight(21).Add(2340 * time.Millisecond),
		Counts: refresh.Counts{Active: 4, Refreshed: 1, Fresh: 1, Failed: 1, Deferred: 1, Skipped: 1},
		Tickers: []refresh.TickerReport{
			{Ticker: aapl, Symbol: "AAPL", Status: refresh.OutcomeRefreshed, Batch: 1, Priority: 10, Sources: []refresh.Source{"watchlist", "holdings"},
				Session: day(11, 20), Price: "271.49", Currency: "USD", Reason: "due",
				Split: &refresh.SplitReport{Session: day(11, 19), Ratio: "10:1"}},
			{Ticker: nvda, Symbol: "NVDA", Status: refresh.OutcomeFailed, Batch: 1, Priority: 100, Reason: "due", Error: &refresh.TickerError{Kind: "timeout", Message: "no answer"}},
			{Ticker: meta, Symbol: "META", Status: refresh.OutcomeSkipped, Priority: 100, Reason: "unknown", Forceable: true},
		},
	}
	wantCSV := `ticker,status,batch,priority,sources,session,price,currency,reason
AAPL,refreshed,1,10,"watchlist, holdings",2026-11-20,271.49,USD,"due; looks like a 10:1 split at 2026-11-19: if it is one, 'papertrade backfill AAPL --rebase' brings the bars before it to the same scale"
NVDA,failed,1,100,,,,,timeout: no answer
META,skipped,,100,,,,,unknown; --force asks again
`
	for _, dryRun := range []bool{false, true} {
		r.DryRun = dryRun
		view := refreshView(r)
		if diff := cmp.Diff(wantCSV, renderAs(t, view, formatCSV)); diff != "" {
			t.Errorf("CSV (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff("AAPL\trefreshed\nNVDA\tfailed\nMETA\tskipped\n", renderAs(t, view, formatPlain)); diff != "" {
			t.Errorf("plain (-want +got):\n%s", diff)
		}
		if got := renderAs(t, view, formatJSON); !strings.Contains(got, `"reason": "unknown; --force asks again"`) {
			t.Errorf("JSON: %s", got)
		}
	}
	if got := r.Tickers[2].Reason; got != "unknown" {
		t.Errorf("the view has changed the report: %q", got)
	}
	r.DryRun, r.Tickers = false, r.Tickers[1:]
	want := `TICKER  STATUS   BATCH  PRIORITY  SOURCES  SESSION  PRICE  CURRENCY  REASON
NVDA    failed   1      100       -        -        -      -         timeout: no answer
META    skipped  -      100       -        -        -      -         unknown; --force asks again
Partial: 1 refreshed, 1 fresh, 1 failed, 1 deferred, 1 skipped; 2 calls in 1 batch, 2.3s.
`
	if diff := cmp.Diff(want, render(t, refreshView(r))); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	r.DryRun, r.Tickers, r.Counts = true, r.Tickers[1:], refresh.Counts{Active: 3, Fresh: 3, Skipped: 1}
	want = `Plan for 2026-11-21T00:00:00Z, newest completed session 2026-11-20. Nothing is fetched or written.
TICKER  STATUS   BATCH  PRIORITY  SOURCES  SESSION  REASON
META    skipped  -      100       -        -        unknown; --force asks again
Nothing to do: 3 tickers are fresh, 1 skipped.
`
	if diff := cmp.Diff(want, render(t, refreshView(r))); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func TestSummaryOfRefresh(t *testing.T) {
	active := refresh.Counts{Active: 5, Planned: 1}
	tasks := &refresh.TasksReport{Tasks: 4, Succeeded: 2, Failed: 1, Reason: "the quota is spent"}
	tests := []struct {
		name   string
		report refresh.Report
		want   string
	}{
		{"disabled", refresh.Report{Status: refresh.Disabled, DryRun: true}, "Refreshing is disabled: refresh.enabled is false."},
		{"locked", refresh.Report{Status: refresh.Locked}, "Another run is under way: nothing was touched."},
		{"not due", refresh.Report{Status: refresh.NotDue, Reason: "it ran"}, "Not due: it ran."},
		{"closed", refresh.Report{Status: refresh.Closed, Reason: "no exchange is open"}, "Closed: no exchange is open."},
		{"nothing active", refresh.Report{Status: refresh.Succeeded, Tasks: tasks},
			"No ticker is active: add some with 'papertrade watchlist add TICKER…'.\n4 tasks in backfill_tasks taken up: 2 succeeded, 1 failed, 1 left pending: the quota is spent."},
		{"nothing to do", refresh.Report{DryRun: true, Counts: refresh.Counts{Active: 1, Fresh: 1}, PendingTasks: 1,
			Reserve: refresh.Reserve{Kept: 1, KeptFor: midnight(22)}},
			"Nothing to do: 1 ticker is fresh.\n1 call of the day's quota is kept for the run of 2026-11-22T00:00:00Z.\n" +
				"1 task of the application is pending in backfill_tasks: some are processed afterwards, as far as the quota goes."},
		{"a plan", refresh.Report{DryRun: true, Counts: active, Calls: 1, Batches: 2, EstimateSeconds: 90, EndsAt: midnight(21)},
			"1 of 5 active tickers are due: 1 call in 2 batches, about 1m30s: begun now, it ends at 2026-11-21T00:00:00Z."},
		{"a plan of a vendor that charges credits", refresh.Report{DryRun: true, Counts: active, Calls: 2, Credits: 40, Batches: 1, EndsAt: midnight(21)},
			"1 of 5 active tickers are due: 2 calls (40 credits) in 1 batch, about 0s."},
		{"a plan without a wait", refresh.Report{DryRun: true, Counts: active, Calls: 2, Batches: 1, EndsAt: midnight(21)},
			"1 of 5 active tickers are due: 2 calls in 1 batch, about 0s."},
		{"a plan that defers", refresh.Report{DryRun: true, Reason: "the quota is spent", Counts: refresh.Counts{Active: 1, Planned: 1, Deferred: 2}},
			"1 of 1 active ticker is due.\n2 tickers are left for a later run: the quota is spent."},
		{"a run", refresh.Report{Status: refresh.Succeeded, Counts: refresh.Counts{Active: 1, Refreshed: 1}, Calls: 1, Batches: 1, PendingTasks: 3,
			Tasks: &refresh.TasksReport{Tasks: 1, Succeeded: 1}, Reserve: refresh.Reserve{Kept: 1}},
			"Succeeded: 1 refreshed, 0 fresh, 0 failed, 0 deferred; 1 call in 1 batch, 0s.\n1 task in backfill_tasks taken up: 1 succeeded, 0 failed, 0 left pending."},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, summaryOfRefresh(tt.report)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestPlanHeading(t *testing.T) {
	for status, want := range map[refresh.Status]bool{
		refresh.Succeeded: true, refresh.Deferred: true, refresh.Locked: true,
		refresh.Disabled: false, refresh.NotDue: false, refresh.Closed: false,
	} {
		if got := refreshView(refresh.Report{Status: status, DryRun: true}).text[0].heading != ""; got != want {
			t.Errorf("%s: there is a heading: %v", status, got)
		}
	}
}

func TestBackfillView(t *testing.T) {
	r := refresh.Report{
		Status: refresh.Deferred, At: midnight(21), Session: day(11, 20), Calls: 1, Batches: 1,
		Counts: refresh.Counts{Active: 3, Refreshed: 1, Fresh: 1, Deferred: 1},
		Tickers: []refresh.TickerReport{
			{Ticker: aapl, Symbol: "AAPL", Status: refresh.OutcomeRefreshed, Batch: 1, Missing: 120, Stored: 100, OutOfReach: 20, Session: day(11, 20), Price: "1"},
			{Ticker: meta, Symbol: "META", Status: refresh.OutcomeFresh, Missing: 1, Stored: 1, Reason: "complete"}},
	}
	want := `TICKER  STATUS     BATCH  MISSING  STORED  OUT OF REACH  SESSION     REASON
AAPL    refreshed  1      120      100     20            2026-11-20  -
META    fresh      -      1        1       -             -           complete
Deferred: 101 bars of 1 ticker stored; 1 complete before, 0 failed, 1 deferred; 1 call in 1 batch, 0s.
20 sessions are out of reach of the key's plan.
`
	if diff := cmp.Diff(want, render(t, backfillView(r))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.DryRun, r.TriesPremium, r.Counts = true, true, refresh.Counts{Active: 2, Planned: 1}
	want = `Plan for 2026-11-21T00:00:00Z, newest completed session 2026-11-20. Nothing is fetched or written.
TICKER  STATUS     BATCH  MISSING  OUT OF REACH  SESSION     REASON
AAPL    refreshed  1      120      20            2026-11-20  -
META    fresh      -      1        -             -           complete
101 sessions of 1 ticker to be fetched: 1 call in 1 batch, about 0s.
20 sessions are out of reach of the key's plan.
What is older than 100 sessions needs full series. Whether the key's plan includes them, the first call finds out.
`
	if diff := cmp.Diff(want, render(t, backfillView(r))); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func TestSummaryOfBackfill(t *testing.T) {
	tests := []struct {
		name   string
		report refresh.Report
		want   string
	}{
		{"locked", refresh.Report{Status: refresh.Locked}, "Another run is under way: nothing was touched."},
		{"no task", refresh.Report{Status: refresh.Succeeded}, "Nothing to do: no task is pending."},
		{"tasks", refresh.Report{Status: refresh.Succeeded, Tasks: &refresh.TasksReport{Tasks: 2, Succeeded: 1}},
			"Succeeded: 0 bars of 0 tickers stored; 0 complete before, 0 failed, 0 deferred; 0 calls in 0 batches, 0s.\n" +
				"2 tasks in backfill_tasks taken up: 1 succeeded, 0 failed, 1 left pending."},
		{"pending tasks", refresh.Report{DryRun: true, PendingTasks: 1}, "Nothing to do: 0 tickers are complete."},
		{"complete", refresh.Report{DryRun: true, Counts: refresh.Counts{Active: 2, Fresh: 1, Skipped: 1},
			Tickers: []refresh.TickerReport{{OutOfReach: 1}}},
			"Nothing to do: 1 ticker is complete, 1 skipped.\n1 session is out of reach of the key's plan."},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, summaryOfBackfill(tt.report)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
