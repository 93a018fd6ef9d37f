package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

var (
	aapl = marketdata.MustParseTicker("AAPL")
	nvda = marketdata.MustParseTicker("NVDA")
	meta = marketdata.MustParseTicker("META")
)

func day(month, day int) exchange.Date {
	return exchange.Date{Year: 2026, Month: time.Month(month), Day: day}
}

func midnight(day int) time.Time { return time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC) }

func exampleStatus() status {
	calls := 7
	return status{
		Health: refresh.Health{
			At: midnight(25), Due: true, DueSince: midnight(24), NextDueAt: midnight(26),
			Runs: []refresh.Run{
				{ID: "b", Job: refresh.BackfillJobName, Kind: refresh.Backfill, Mode: "backfill", Status: refresh.Running, StartedAt: midnight(25), Seconds: 5400.4},
				{ID: "a", Job: refresh.JobName, Status: refresh.Partial, StartedAt: midnight(24), FinishedAt: midnight(24).Add(62 * time.Second),
					Seconds: 62.4, Counts: &refresh.Counts{Refreshed: 4, Failed: 2, Deferred: 1}, Calls: &calls, Error: "2 of 7 tickers failed"},
				{ID: "0", Job: refresh.JobName, Status: refresh.Died, StartedAt: midnight(23)},
			},
			Freshness: refresh.Freshness{Session: day(11, 24), Active: 3, Fresh: 1, Due: 2, Stalest: []refresh.StaleTicker{
				{Ticker: meta}, {Ticker: aapl, LastSession: day(11, 23), Behind: 1, Closes: []string{"1", "2", "3"}}}},
			Unknown: []refresh.UnknownTicker{
				{Ticker: meta, Sessions: 3, AskedFor: day(12, 2), Note: "unknown"}, {Ticker: nvda, Sessions: 1}},
			Splits: []refresh.UnadjustedSplit{{Ticker: nvda, SplitReport: refresh.SplitReport{Session: day(11, 20), Ratio: "10:1"}}},
			Held: []refresh.HeldPrice{
				{Ticker: aapl, Session: day(11, 20), Close: "1925.00", Currency: "USD", Why: "10 times the close before"},
				{Ticker: nvda, Session: day(11, 20), Close: "1.92", Currency: "USD", Why: "unit: 1/100 of the close before"}},
			PendingTasks: 2,
		},
		allowances: allowances{Quota: []allowance{{"5/1m", 5, 0, midnight(25)}, {Limit: "25/day", Left: 25}}},
		Database:   "sqlite:////p.db",
	}
}

func TestStatusText(t *testing.T) {
	want := `All is well at 2026-11-25T00:00:00Z.

Runs: one is due since 2026-11-24T00:00:00Z, the next at 2026-11-26T00:00:00Z
STARTED               RUN       STATUS   TOOK   DONE  FAILED  DEFERRED  CALLS
2026-11-25T00:00:00Z  backfill  running  1h30m  -     -       -         -
2026-11-24T00:00:00Z  all       partial  1m2s   4     2       1         7
2026-11-23T00:00:00Z  all       died     -      -     -       -         -
The last run was partial: 2 of 7 tickers failed
The application's backfill_tasks: 2 are pending.

Quota
LIMIT   USED  LEFT  FREES UP
5/1m    5     0     2026-11-25T00:00:00Z
25/day  0     25    -

Freshness: 1 of 3 active tickers have the newest session (US: 2026-11-24)
TICKER  LAST SESSION  BEHIND  LAST CLOSES
META    -             -       -
AAPL    2026-11-23    1       .+@
A run begun now would fetch 2 tickers.

Skipped: the provider does not know them, or has had nothing new of them for long
TICKER  WHY                     ASKED AGAIN FOR
META    unknown for 3 sessions  2026-12-02
NVDA    unknown for 1 session   the next session

Held, and not in the history, since they may be wrong (papertrade review):
AAPL 2026-11-20 1925.00 USD: 10 times the close before
NVDA 2026-11-20 1.92 USD: unit: 1/100 of the close before

Splits: the bars stored before them are on another scale
NVDA 10:1 at 2026-11-20: papertrade backfill NVDA --rebase

Database: sqlite:////p.db
`
	if diff := cmp.Diff(want, render(t, statusView(exampleStatus(), 0, ascii))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// In a narrow terminal what matters least is left out.
func TestStatusTextFitsItsWidth(t *testing.T) {
	for width, want := range map[int][2]string{
		77: {"STARTED               RUN       STATUS   TOOK   DONE  FAILED  DEFERRED  CALLS", "TICKER  LAST SESSION  BEHIND  LAST CLOSES"},
		76: {"STARTED               RUN       STATUS   TOOK   DONE  FAILED  DEFERRED", "TICKER  LAST SESSION  BEHIND  LAST CLOSES"},
		68: {"STARTED               RUN       STATUS   DONE  FAILED  DEFERRED", "TICKER  LAST SESSION  BEHIND  LAST CLOSES"},
		60: {"STARTED               RUN       STATUS   DONE  FAILED", "TICKER  LAST SESSION  BEHIND  LAST CLOSES"},
		50: {"STARTED               RUN       STATUS   DONE", "TICKER  LAST SESSION  BEHIND  LAST CLOSES"},
		40: {"STARTED               STATUS   DONE", "TICKER  LAST SESSION  BEHIND"},
	} {
		text := render(t, statusView(exampleStatus(), width, ascii))
		var got [2]string
		for line := range strings.Lines(text) {
			switch line = strings.TrimSpace(line); {
			case strings.HasPrefix(line, "STARTED"):
				got[0] = line
			case strings.HasPrefix(line, "TICKER  LAST"):
				got[1] = line
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d columns (-want +got):\n%s", width, diff)
		}
	}
}

func TestStatusForPrograms(t *testing.T) {
	view := statusView(exampleStatus(), 40, ascii)
	wantCSV := `started_at,finished_at,job,mode,status,seconds,refreshed,failed,deferred,calls,error,by
2026-11-25T00:00:00Z,,backfill_active_stocks,backfill,running,5400.4,,,,,,
2026-11-24T00:00:00Z,2026-11-24T00:01:02Z,refresh_active_stocks,,partial,62.4,4,2,1,7,2 of 7 tickers failed,
2026-11-23T00:00:00Z,,refresh_active_stocks,,died,0,,,,,,
`
	if diff := cmp.Diff(wantCSV, renderAs(t, view, formatCSV)); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
	wantPlain := `at	2026-11-25T00:00:00Z
problems	0
last_run_started_at	2026-11-24T00:00:00Z
last_run_finished_at	2026-11-24T00:01:02Z
last_run_status	partial
last_run_seconds	62.4
last_run_refreshed	4
last_run_failed	2
last_run_deferred	1
last_run_calls	7
due	true
next_due_at	2026-11-26T00:00:00Z
quota_used_5/1m	5
quota_left_5/1m	0
quota_frees_at_5/1m	2026-11-25T00:00:00Z
quota_used_25/day	0
quota_left_25/day	25
quota_frees_at_25/day	
session	2026-11-24
active	3
fresh	1
due_tickers	2
incomplete	0
stale	META
stale	AAPL
unknown	META
unknown	NVDA
split	NVDA
held	AAPL
held	NVDA
pending_tasks	2
database	sqlite:////p.db
`
	if diff := cmp.Diff(wantPlain, renderAs(t, view, formatPlain)); diff != "" {
		t.Errorf("plain (-want +got):\n%s", diff)
	}
	if got := renderAs(t, view, formatJSON); !strings.Contains(got, `"due_since": "2026-11-24T00:00:00Z",`) || !strings.Contains(got, `"left": 25`) {
		t.Errorf("JSON: %s", got)
	}
}

func TestRunsHeading(t *testing.T) {
	running := []refresh.Run{{Status: refresh.Running}}
	others := []refresh.Run{{Status: refresh.Running, Kind: refresh.Named}, {Status: refresh.Succeeded}}
	for want, h := range map[string]refresh.Health{
		"Runs: none is due, refresh.enabled is false":                               {Due: true, Runs: running},
		"Runs: one is under way, the next is due at 2026-11-26T00:00:00Z":           {NextDueAt: midnight(26), Due: true, Runs: running},
		"Runs: the next is due at 2026-11-26T00:00:00Z":                             {NextDueAt: midnight(26), Runs: others},
		"Runs: none yet, the first is due now and the next at 2026-11-26T00:00:00Z": {NextDueAt: midnight(26), Due: true},
		"Runs: one is due now, the next at 2026-11-26T00:00:00Z":                    {NextDueAt: midnight(26), Due: true, Runs: others},
		"Runs: one is due since 2026-11-25T00:00:00Z, the next at 2026-11-26T00:00:00Z": {
			NextDueAt: midnight(26), Due: true, DueSince: midnight(25), Runs: others},
	} {
		if got := runsHeading(status{Health: h}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What is a problem already is not said twice, and of runs only the last scheduled one that has ended counts.
func TestNotesOnRuns(t *testing.T) {
	runs := []refresh.Run{
		{Kind: refresh.Named, Status: refresh.Failed, Error: "of a named ticker"}, {Status: refresh.Running, Error: "so far"},
		{Status: refresh.Failed, Error: "of all"}, {Status: refresh.Partial, Error: "older"}}
	failed := []refresh.Problem{{Kind: refresh.RunFailed}}
	stale := []refresh.Problem{{Kind: refresh.StaleTickers}}
	for name, tt := range map[string]struct {
		health refresh.Health
		want   []string
	}{
		"an error":          {refresh.Health{Runs: runs}, []string{"The last run was failed: of all"}},
		"another problem":   {refresh.Health{Runs: runs, Problems: stale}, []string{"The last run was failed: of all"}},
		"already a problem": {refresh.Health{Runs: runs, Problems: failed}, nil},
		"no error":          {refresh.Health{Runs: []refresh.Run{{Status: refresh.Succeeded}, runs[2]}}, nil},
		"a task":            {refresh.Health{PendingTasks: 1}, []string{"The application's backfill_tasks: 1 is pending."}},
	} {
		if diff := cmp.Diff(tt.want, notesOnRuns(status{Health: tt.health})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAdviceOnProblems(t *testing.T) {
	for want, p := range map[string]refresh.Problem{
		"":                               {Kind: refresh.StaleTickers, Tickers: []marketdata.Ticker{aapl}},
		", and refresh.enabled is false": {Kind: refresh.RunMissing, Disabled: true},
		"; see 'papertrade review'":      {Kind: refresh.HeldPrices, Tickers: []marketdata.Ticker{aapl}},
		": if they are splits, 'papertrade backfill AAPL NVDA --rebase' brings the bars to one scale": {
			Kind: refresh.PendingSplits, Tickers: []marketdata.Ticker{aapl, nvda}},
		": if they are splits, 'papertrade backfill TICKER… --rebase' brings the bars to one scale": {
			Kind: refresh.PendingSplits, Tickers: make([]marketdata.Ticker, 6)},
	} {
		if got := adviceOn(p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestTook(t *testing.T) {
	for want, r := range map[string]refresh.Run{
		"":       {Seconds: 5, Status: refresh.Died},
		"5s":     {Seconds: 5, Status: refresh.Running},
		"59m59s": {Seconds: 3599.4, FinishedAt: midnight(1)},
		"1h0m":   {Seconds: 3600, FinishedAt: midnight(1)},
		"2h1m":   {Seconds: 7250, FinishedAt: midnight(1)},
	} {
		if got := took(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestQuotaAndFreshnessWithoutAny(t *testing.T) {
	for want, s := range map[string]status{
		"Quota\n":                           {},
		"Quota: unknown: there is no key\n": {allowances: allowances{QuotaUnknown: "there is no key"}},
		"Quota: spent, says the vendor: no call before 2026-11-26T00:00:00Z\n": {allowances: allowances{HeldUntil: midnight(26)}},
	} {
		if diff := cmp.Diff(want, render(t, result{text: []section{quotaSection(s)}})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	want := "Freshness: no ticker is active: add some with 'papertrade watchlist add TICKER…'\n"
	if diff := cmp.Diff(want, render(t, result{text: []section{freshnessSection(status{}, ascii)}})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProblems(t *testing.T) {
	problems := []refresh.Problem{
		{Kind: refresh.RunMissing, Message: "no run has finished", Disabled: true}, {Kind: refresh.StaleTickers, Message: "META is behind"}}
	h := withAdvice(refresh.Health{At: midnight(25), Problems: problems, Unknown: []refresh.UnknownTicker{{Note: "unknown"}}})
	if problems[0].Message != "no run has finished" || h.Unknown[0].Note != "unknown; --force asks again" {
		t.Errorf("%+v of %+v", h, problems)
	}
	for format, want := range map[outputFormat]string{
		"":          "no run has finished, and refresh.enabled is false; META is behind\n",
		formatPlain: "run_missing\tno run has finished, and refresh.enabled is false\nstale_tickers\tMETA is behind\n",
		formatCSV:   "kind,message\nrun_missing,\"no run has finished, and refresh.enabled is false\"\nstale_tickers,META is behind\n",
	} {
		if diff := cmp.Diff(want, renderAs(t, problemsView(h.Problems), format)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", format, diff)
		}
	}
	if got := render(t, problemsView(nil)); got != "" {
		t.Errorf("%q without a problem", got)
	}
	want := "2 problems at 2026-11-25T00:00:00Z:\n* no run has finished, and refresh.enabled is false\n* META is behind"
	if diff := cmp.Diff(want, headline(status{Health: h})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
