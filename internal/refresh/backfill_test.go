package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"papertrade/internal/fakevantage"
	"papertrade/internal/history"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/internal/sqlite"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func date(t *testing.T, s string) exchange.Date {
	t.Helper()
	d, err := exchange.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// backfill is a run from a day on of tickers, or of the active ones.
func backfill(t *testing.T, j *refresh.Job, from string, tickers ...string) refresh.Report {
	t.Helper()
	return runBackfill(t, j, refresh.Options{Kind: refresh.Backfill, Range: refresh.Range{From: date(t, from)}}, tickers...)
}

func rebase(t *testing.T, j *refresh.Job) {
	t.Helper()
	runBackfill(t, j, refresh.Options{Kind: refresh.Backfill, Rebase: true}, "NVDA")
}

func runBackfill(t *testing.T, j *refresh.Job, o refresh.Options, tickers ...string) refresh.Report {
	t.Helper()
	for _, symbol := range tickers {
		o.Tickers = append(o.Tickers, marketdata.MustParseTicker(symbol))
	}
	report, err := run(t.Context(), t, j, o)
	if err != nil {
		t.Fatalf("backfill %v: %v", tickers, err)
	}
	return report
}

func stored(t *testing.T, j *refresh.Job, symbol string) []history.StoredBar {
	t.Helper()
	ticker := marketdata.MustParseTicker(symbol)
	bars, err := j.Store.Bars(t.Context(), []marketdata.Ticker{ticker}, exchange.Date{}, exchange.Date{})
	if err != nil {
		t.Fatal(err)
	}
	return bars[ticker]
}

func sessionsOf(bars []history.StoredBar) []exchange.Date {
	var sessions []exchange.Date
	for _, bar := range bars {
		sessions = append(sessions, bar.Session)
	}
	return sessions
}

func wantSessions(t *testing.T, j *refresh.Job, symbol, from, to string) {
	t.Helper()
	calendar, _ := exchange.ForSymbol(symbol)
	if diff := cmp.Diff(calendar.Sessions(date(t, from), date(t, to)), sessionsOf(stored(t, j, symbol))); diff != "" {
		t.Errorf("%s: sessions (-want +got):\n%s", symbol, diff)
	}
}

// fast is a job without limits that matter.
func fast(t *testing.T, vendor *fakevantage.Server) *refresh.Job {
	t.Helper()
	j := newJobOn(t, vendor, newJob(t, vendor).Store.(*sqlite.Store), quota.Limit{Calls: 100, Window: time.Second})
	j.BatchDelay = 0
	return j
}

// calls are the functions and sizes that the vendor was asked for since so many arrivals.
func calls(vendor *fakevantage.Server, since int) []string {
	var all []string
	for _, a := range vendor.Arrivals()[since:] {
		all = append(all, fmt.Sprintf("%s %s %s", a.Symbols[0], a.Function, a.OutputSize))
	}
	return all
}

func wantCalls(t *testing.T, vendor *fakevantage.Server, since int, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, calls(vendor, since)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// One call a ticker that misses anything in reach is the least there can be: a vendor that tells one ticker a
// call, and any number of its sessions.
func TestBackfillMakesTheFewestCalls(t *testing.T) {
	for _, entitled := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			vendor := fakevantage.New(fakevantage.Options{Now: midnight, Entitled: entitled})
			j := fast(t, vendor)
			backfill(t, j, "2026-11-02", "AAPL", "TSCO.LON", "MBG.DEX") // complete from there on
			before := len(vendor.Arrivals())

			report := backfill(t, j, "2026-11-02", "AAPL", "TSCO.LON", "MBG.DEX")
			if want := (refresh.Counts{Active: 3, Fresh: 3}); report.Counts != want {
				t.Errorf("%+v, want %+v", report.Counts, want)
			}
			// The oldest of 100 sessions in New York and in London.
			report = backfill(t, j, "2026-07-02", "AAPL")
			report.Tickers = append(report.Tickers, backfill(t, j, "2026-07-06", "MBG.DEX", "TSCO.LON").Tickers...)
			wantCalls(t, vendor, before, "AAPL TIME_SERIES_DAILY compact", "MBG.DEX TIME_SERIES_DAILY compact", "TSCO.LON TIME_SERIES_DAILY compact")
			for _, row := range report.Tickers {
				if row.Stored != row.Missing || row.OutOfReach != 0 {
					t.Errorf("%+v, want all stored", row)
				}
			}
			wantSessions(t, j, "AAPL", "2026-07-02", "2026-11-20")
			wantSessions(t, j, "MBG.DEX", "2026-07-06", "2026-11-20")

			before = len(vendor.Arrivals())
			report = backfill(t, j, "2021-11-22", "AAPL")
			nvda := backfill(t, j, "2021-11-22", "NVDA").Tickers[0]
			if entitled {
				wantCalls(t, vendor, before, "AAPL TIME_SERIES_DAILY_ADJUSTED full", "NVDA TIME_SERIES_DAILY_ADJUSTED full")
				wantSessions(t, j, "AAPL", "2021-11-22", "2026-11-20")
				wantSessions(t, j, "NVDA", "2021-11-22", "2026-11-20")
			} else {
				// One call finds out that full series are out of reach; nothing else is wasted, and nothing again.
				wantCalls(t, vendor, before, "AAPL TIME_SERIES_DAILY_ADJUSTED full", "NVDA TIME_SERIES_DAILY compact")
				aapl := report.Tickers[0]
				if aapl.Status != refresh.OutcomeSkipped || aapl.OutOfReach != 1155 || nvda.Stored != 100 || nvda.OutOfReach != 1155 || report.Status != refresh.Succeeded {
					t.Errorf("%s: %+v, %+v; want AAPL skipped and NVDA as far as it goes", report.Status, aapl, nvda)
				}
				before = len(vendor.Arrivals())
				plan := runBackfill(t, j, refresh.Options{DryRun: true, Kind: refresh.Backfill, Range: refresh.Range{From: date(t, "2021-11-22")}}, "AAPL", "NVDA", "IBM")
				if plan.Calls != 1 || plan.Counts.Skipped != 2 {
					t.Errorf("%+v, want the two skipped and one call for IBM", plan)
				}
				backfill(t, j, "2021-11-22", "AAPL", "NVDA", "IBM")
				wantCalls(t, vendor, before, "IBM TIME_SERIES_DAILY compact")
				time.Sleep(31 * 24 * time.Hour) // plans change
				before = len(vendor.Arrivals())
				backfill(t, j, "2021-11-22", "AAPL")
				wantCalls(t, vendor, before, "AAPL TIME_SERIES_DAILY_ADJUSTED full")
			}
		})
	}
}

// The vendor's first session, and one that it has no bar of, are asked for once.
func TestBackfillRemembersWhatTheVendorDoesNotHave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight})
		vendor.List("NEW", date(t, "2026-09-01"))
		vendor.Lose("NEW", date(t, "2026-10-14"))
		vendor.Lose("NEW", date(t, "2026-11-19"))
		j := fast(t, vendor)
		report := backfill(t, j, "2026-08-03", "NEW")
		wantCalls(t, vendor, 0, "NEW TIME_SERIES_DAILY compact")
		if row := report.Tickers[0]; row.Stored != 56 || row.OutOfReach != 0 {
			t.Errorf("%+v, want 56 of 58 sessions stored", row)
		}
		// A late bar can still come.
		report = backfill(t, j, "2020-01-01", "NEW")
		if row := report.Tickers[0]; row.Missing != 1 || row.Stored != 0 {
			t.Errorf("%+v, want one session missing", row)
		}
		before := len(vendor.Arrivals())
		runBackfill(t, j, refresh.Options{Kind: refresh.Backfill, Range: refresh.Range{From: date(t, "2020-01-01"), To: date(t, "2026-11-18")}}, "NEW")
		wantCalls(t, vendor, before)
	})
}

func TestBackfillOverwritesNothingUnlessForced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight})
		j := fast(t, vendor)
		mine, volume := decimal.RequireFromString("150.25"), int64(7)
		session := date(t, "2026-11-10")
		_, err := j.Store.CommitBatch(t.Context(), refresh.Batch{Prices: []refresh.Price{{
			Bar: marketdata.Bar{Ticker: marketdata.MustParseTicker("AAPL"), Session: session, Close: mine, Volume: &volume, Currency: "USD"},
			// Another program's stamp of the session.
			Timestamp: refresh.DailyStamp(session).Add(-time.Hour), Source: "another", Interval: refresh.IntervalDaily, FetchedAt: midnight(),
		}}})
		if err != nil {
			t.Fatal(err)
		}
		barOf := func() history.StoredBar {
			bars := stored(t, j, "AAPL")
			return bars[slices.IndexFunc(bars, func(b history.StoredBar) bool { return b.Session == session })]
		}
		backfill(t, j, "2026-11-02", "AAPL")
		if bar := barOf(); !bar.Close.Equal(mine) {
			t.Errorf("%+v, want the close that was there", bar)
		}
		wantSessions(t, j, "AAPL", "2026-11-02", "2026-11-20")
		runBackfill(t, j, refresh.Options{Force: true, Kind: refresh.Backfill, Range: refresh.Range{From: session, To: session}}, "AAPL")
		told, _ := vendor.Bar("AAPL", session)
		if bar := barOf(); bar.Close.StringFixed(4) != told.Close || !bar.Open.Valid || *bar.Volume != told.Volume || bar.Source != "another" {
			t.Errorf("%+v, want the vendor's %+v in the row that was there", bar, told)
		}
		wantSessions(t, j, "AAPL", "2026-11-02", "2026-11-20")
	})
}

// The calls that the coming run of the schedule needs are left to it.
func TestBackfillHoldsBackForTheComingRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Noon in the bubble, which begins at midnight, and at the market.
		time.Sleep(12 * time.Hour)
		noon := midnight().Add(60 * time.Hour)
		now := func() time.Time { return noon }
		vendor := fakevantage.New(fakevantage.Options{Now: now})
		j := newJobOn(t, vendor, newJob(t, vendor).Store.(*sqlite.Store), quota.Limit{Calls: 100, Window: time.Second}, quota.Limit{Calls: 10})
		j.Now = now
		report, err := run(t.Context(), t, j, refresh.Options{Kind: refresh.Backfill, Range: refresh.Range{From: date(t, "2026-11-02")}})
		if err != nil || report.Counts.Refreshed != 3 || report.Counts.Deferred != 4 || !report.HoldsBack {
			t.Errorf("%+v, %v; want 3 of 10 calls made, since the coming run needs 7", report, err)
		}
	})
}

// An unknown ticker fails alone, and is not asked again in the same session.
func TestBackfillOfAnUnknownTicker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight, Entitled: true, Unknown: []string{"GONE"}})
		j := fast(t, vendor)
		report := backfill(t, j, "2020-01-02", "GONE", "AAPL")
		if want := (refresh.Counts{Active: 2, Planned: 2, Refreshed: 1, Failed: 1}); report.Counts != want || report.Status != refresh.Partial {
			t.Errorf("%s %+v, want %+v", report.Status, report.Counts, want)
		}
		before := len(vendor.Arrivals())
		backfill(t, j, "2020-01-02", "GONE", "AAPL")
		wantCalls(t, vendor, before)
	})
}

func insertTask(t *testing.T, j *refresh.Job, id int, symbol, from, to string) {
	t.Helper()
	execSQL(t, j, fmt.Sprintf(`insert into backfill_tasks (id, ticker, start_date, end_date, priority, status, created_at)
		values ('00000000-0000-0000-0000-%012d', '%s', '%s', '%s', 'low', 'pending', '2026-11-20 %02d:%02d:00')`,
		id, symbol, from, to, id/60, id%60))
}

const taskRows = `select ticker || ' ' || status || coalesce(' ' || error_message, '') from backfill_tasks order by created_at`

// A refresh works off up to 20 tasks once its own plan is done; each ends with its reason.
func TestRefreshWorksOffTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight, Unknown: []string{"GONE"}})
		j := fast(t, vendor)
		for i, task := range [][3]string{
			{"AAPL", "2026-11-02", "2026-11-13"}, {"AAPL", "2026-11-09", "2026-11-18"}, {"$$$", "2026-11-02", "2026-11-13"},
			{"GONE", "2026-11-02", "2026-11-13"}, {"MSFT", "2026-11-13", "2026-11-02"}, {"IBM", "2020-01-02", "2026-11-13"},
			{"ibm", "2026-11-14", "2026-11-15"}, {"IBM", "2026-11-20", "2026-11-22"}, {"TSLA", "2020-01-02", "2020-01-10"},
		} {
			insertTask(t, j, i, task[0], task[1], task[2])
		}
		for i := range 20 {
			insertTask(t, j, 9+i, fmt.Sprintf("T%d", i), "2026-11-02", "2026-11-13")
		}
		plan, err := run(t.Context(), t, j, refresh.Options{DryRun: true})
		if err != nil || plan.PendingTasks != 29 || plan.Calls != 7 {
			t.Errorf("%+v, %v; want 29 pending tasks", plan, err)
		}
		report, err := run(t.Context(), t, j, refresh.Options{})
		if err != nil || report.Status != refresh.Succeeded || report.Counts.Refreshed != 7 || report.Tasks == nil || report.Tasks.Failed != 6 || report.Tasks.Succeeded != 14 {
			t.Errorf("%+v, %v; want the refresh a success, and six tasks failed", report, err)
		}
		want := []string{
			"AAPL succeeded", "AAPL succeeded",
			`$$$ failed "$$$" is not a ticker: write letters and digits, in parts joined by a dot or a hyphen, as in BRK.B`,
			"GONE failed unknown_ticker: fetch GONE: unknown ticker: Invalid API call. Please retry or visit the documentation (https://www.alphavantage.co/documentation/) for TIME_SERIES_DAILY.",
			"MSFT failed it begins on 2026-11-13 and ends before that, on 2026-11-02",
			"IBM failed 1632 sessions out of reach: the key's plan has no full series",
			"ibm succeeded", "IBM failed it ends on 2026-11-22, in the future",
			"TSLA failed 7 sessions out of reach: the key's plan has no full series",
		}
		got := texts(t, j, taskRows)
		if diff := cmp.Diff(want, got[:9]); diff != "" {
			t.Errorf("tasks (-want +got):\n%s", diff)
		}
		pending := 0
		for _, row := range got[9:] {
			if row[len(row)-len("pending"):] == "pending" {
				pending++
			}
		}
		if pending != 9 {
			t.Errorf("%d tasks left, want 29 less 20", pending)
		}
		wantSessions(t, j, "T0", "2026-11-02", "2026-11-13")
		rest := runBackfill(t, j, refresh.Options{Kind: refresh.Tasks})
		if rest.Counts.Refreshed != 9 || rest.Status != refresh.Succeeded || rest.Batches != 2 {
			t.Errorf("%+v, want the rest in two batches", rest)
		}
	})
}

// Tasks that the quota has no call for, or that an interruption or a refusal comes before, stay pending.
func TestTasksThatAreNotAskedStayPending(t *testing.T) {
	for name, arrange := range map[string]func(context.CancelCauseFunc, *fakevantage.Server, *refresh.Job) *refresh.Job{
		"quota": func(_ context.CancelCauseFunc, vendor *fakevantage.Server, j *refresh.Job) *refresh.Job {
			return newJobOn(t, vendor, j.Store.(*sqlite.Store), quota.Limit{Calls: 3})
		},
		"interrupted": func(cancel context.CancelCauseFunc, _ *fakevantage.Server, j *refresh.Job) *refresh.Job {
			time.AfterFunc(3500*time.Millisecond, func() { cancel(errors.New("interrupted")) })
			return j
		},
		"refused": func(_ context.CancelCauseFunc, vendor *fakevantage.Server, j *refresh.Job) *refresh.Job {
			vendor.Fault("T3", fakevantage.Credentials, 1)
			return j
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				vendor := fakevantage.New(fakevantage.Options{Now: midnight, Latency: time.Second})
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				j := arrange(cancel, vendor, fast(t, vendor))
				for i := range 8 {
					insertTask(t, j, i, fmt.Sprintf("T%d", i), "2026-11-02", "2026-11-13")
				}
				report, _ := run(ctx, t, j, refresh.Options{Kind: refresh.Tasks})
				want := []string{"T0 succeeded", "T1 succeeded", "T2 succeeded", "T3 pending", "T4 pending", "T5 pending", "T6 pending", "T7 pending"}
				if diff := cmp.Diff(want, texts(t, j, taskRows)); diff != "" {
					t.Errorf("%+v: tasks (-want +got):\n%s", report, diff)
				}
			})
		})
	}
}

// Tasks that wait for a session cost nothing, take no turn from others, and are taken up by the run that can do them.
func TestTasksThatWaitTakeNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		monday := time.Date(2026, 11, 23, 16, 0, 0, 0, time.UTC)
		now := func() time.Time { return monday }
		vendor := fakevantage.New(fakevantage.Options{Now: now})
		j := fast(t, vendor)
		j.Now = now
		for i := range 25 {
			insertTask(t, j, i, fmt.Sprintf("W%d", i), "2026-11-23", "2026-11-23")
		}
		insertTask(t, j, 25, "IBM", "2026-11-02", "2026-11-13")
		report, err := run(t.Context(), t, j, refresh.Options{})
		if err != nil || report.Status != refresh.Succeeded || report.Tasks == nil || report.Tasks.Succeeded != 1 || report.Tasks.Failed != 0 {
			t.Errorf("%+v, %v; want the task of IBM done", report.Tasks, err)
		}
		if got := texts(t, j, `select status || ' ' || count(*) from backfill_tasks group by status order by status`); !slices.Equal(got, []string{"pending 25", "succeeded 1"}) {
			t.Errorf("tasks %v, want those that wait pending", got)
		}
		monday = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
		before := len(vendor.Arrivals())
		if done := runBackfill(t, j, refresh.Options{Kind: refresh.Tasks}); done.Tasks.Succeeded != 25 || len(vendor.Arrivals())-before != 25 {
			t.Errorf("%+v and %d calls, want all done, each by a call", done.Tasks, len(vendor.Arrivals())-before)
		}
	})
}

// What stops the tasks after a refresh is no fault of the refresh, and one bad task does not keep the others.
func TestTasksDoNotFailTheRefresh(t *testing.T) {
	for name, tt := range map[string]struct {
		arrange func(*testing.T, *fakevantage.Server, *refresh.Job) *refresh.Job
		want    []string
	}{
		"5xx": {func(_ *testing.T, vendor *fakevantage.Server, j *refresh.Job) *refresh.Job {
			vendor.Fault("T0", fakevantage.ServerError, fakevantage.Always)
			return j
		}, []string{"T0 failed", "T1 succeeded", "T2 succeeded"}},
		"quota": {func(_ *testing.T, vendor *fakevantage.Server, j *refresh.Job) *refresh.Job {
			vendor.Fault("T1", fakevantage.QuotaSpent, fakevantage.Always)
			return j
		}, []string{"T0 succeeded", "T1 pending", "T2 pending"}},
		"left running": {func(t *testing.T, _ *fakevantage.Server, j *refresh.Job) *refresh.Job {
			execSQL(t, j, `update backfill_tasks set status = 'running'`)
			return j
		}, []string{"T0 succeeded", "T1 succeeded", "T2 succeeded"}},
		"no date": {func(t *testing.T, _ *fakevantage.Server, j *refresh.Job) *refresh.Job {
			execSQL(t, j, `update backfill_tasks set start_date = 'infinity' where ticker = 'T0'`)
			return j
		}, []string{"T0 failed", "T1 succeeded", "T2 succeeded"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				vendor := fakevantage.New(fakevantage.Options{Now: midnight})
				j := fast(t, vendor)
				for i := range 3 {
					insertTask(t, j, i, fmt.Sprintf("T%d", i), "2026-11-02", "2026-11-13")
				}
				report, err := run(t.Context(), t, tt.arrange(t, vendor, j), refresh.Options{})
				if err != nil || report.Status != refresh.Succeeded || report.Counts.Refreshed != 7 {
					t.Errorf("%+v, %v; want the refresh a success", report, err)
				}
				if diff := cmp.Diff(tt.want, texts(t, j, `select ticker || ' ' || status from backfill_tasks order by created_at`)); diff != "" {
					t.Errorf("tasks (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Tasks of one ticker share a call, and go by what another provider has stored.
func TestTasksOfOneTickerShareACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight})
		j := fast(t, vendor)
		backfill(t, j, "2026-09-01", "AAPL")
		execSQL(t, j, `update price_history set source = 'yahoo'`)
		before := len(vendor.Arrivals())
		for i, month := range []string{"11", "09", "10"} {
			insertTask(t, j, 2*i, "AAPL", "2026-"+month+"-01", "2026-"+month+"-20")
			insertTask(t, j, 2*i+1, "IBM", "2026-"+month+"-01", "2026-"+month+"-20")
		}
		j.BatchSize = 1
		plan := runBackfill(t, j, refresh.Options{DryRun: true, Kind: refresh.Tasks})
		report := runBackfill(t, j, refresh.Options{Kind: refresh.Tasks})
		wantCalls(t, vendor, before, "IBM TIME_SERIES_DAILY compact")
		if plan.Calls != 1 || report.Tasks.Succeeded != 6 {
			t.Errorf("%d calls planned, %+v; want one call for six tasks", plan.Calls, report.Tasks)
		}
		wantSessions(t, j, "AAPL", "2026-09-01", "2026-11-20")
	})
}

// The calls that the coming run needs are those that are left to do after the refresh.
func TestTasksAfterARefreshHaveTheCallsThatItNeedsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(12 * time.Hour)
		noon := midnight().Add(12 * time.Hour) // on Saturday: nothing is due on Sunday
		now := func() time.Time { return noon }
		vendor := fakevantage.New(fakevantage.Options{Now: now})
		j := newJobOn(t, vendor, newJob(t, vendor).Store.(*sqlite.Store), quota.Limit{Calls: 100, Window: time.Second}, quota.Limit{Calls: 10})
		j.Now = now
		insertTask(t, j, 1, "IBM", "2026-11-02", "2026-11-13")
		report, err := run(t.Context(), t, j, refresh.Options{})
		if err != nil || report.Counts.Refreshed != 7 || report.Tasks == nil || report.Tasks.Succeeded != 1 {
			t.Errorf("%+v, %v; want the task done", report.Tasks, err)
		}
	})
}

// Sessions after a delisting are asked for once.
func TestBackfillOfADelistedTicker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight})
		vendor.Lag("OLD", 30)
		j := fast(t, vendor)
		backfill(t, j, "2026-09-01", "OLD")
		before := len(vendor.Arrivals())
		runBackfill(t, j, refresh.Options{Kind: refresh.Backfill, Range: refresh.Range{From: date(t, "2026-09-01"), To: date(t, "2026-11-10")}}, "OLD")
		wantCalls(t, vendor, before)
	})
}

// A bar that the database refuses costs one call, and the ticker's other bars nothing.
func TestARefusedBarIsAskedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight})
		j := fast(t, vendor)
		execSQL(t, j, `create trigger refuse before insert on price_history when new."timestamp" like '2026-11-1%'
			begin select raise(abort, 'refused'); end`)
		report := backfill(t, j, "2026-11-02", "AAPL")
		if row := report.Tickers[0]; row.Status != refresh.OutcomeFailed || row.Stored != 7 {
			t.Errorf("%+v, want it failed with 7 bars stored", row)
		}
		before := len(vendor.Arrivals())
		report = backfill(t, j, "2026-11-02", "AAPL")
		wantCalls(t, vendor, before)
		if report.Status != refresh.Succeeded {
			t.Errorf("%+v, want nothing to do", report)
		}
	})
}

// What a key's plan turns out not to include is asked for at once by another way, in the batches that follow.
func TestARefusedPremiumSeriesCostsNoBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight})
		j := fast(t, vendor)
		first := refresh.FirstPriority
		var changes []refresh.WatchlistChange
		for _, symbol := range []string{"N1", "N2"} {
			vendor.List(symbol, date(t, "2026-09-01"))
			changes = append(changes, refresh.WatchlistChange{Ticker: marketdata.MustParseTicker(symbol), Priority: &first})
		}
		if err := j.Store.(*sqlite.Store).AddToWatchlist(t.Context(), slices.Values(changes), midnight()); err != nil {
			t.Fatal(err)
		}
		recent := refresh.Range{From: date(t, "2026-08-03"), To: date(t, "2026-11-13")}
		runBackfill(t, j, refresh.Options{Kind: refresh.Backfill, Range: recent}, "N1", "N2")

		j.BatchSize, j.BatchDelay = 2, 12*time.Second
		begin, before := time.Now(), len(vendor.Arrivals())
		report := backfill(t, j, "2021-11-22", "N1", "N2", "A1", "A2", "A3")
		took := time.Since(begin).Round(time.Second)
		wantCalls(t, vendor, before, "N1 TIME_SERIES_DAILY compact", "N2 TIME_SERIES_DAILY compact", "A1 TIME_SERIES_DAILY_ADJUSTED full",
			"A1 TIME_SERIES_DAILY compact", "A2 TIME_SERIES_DAILY compact", "A3 TIME_SERIES_DAILY compact")
		var batches []int
		for _, row := range report.Tickers {
			batches = append(batches, row.Batch)
		}
		if diff := cmp.Diff([]int{1, 1, 2, 2, 3}, batches); diff != "" || report.Batches != 3 || took != 24*time.Second {
			t.Errorf("%d batches in %v; rows (-want +got):\n%s", report.Batches, took, diff)
		}
	})
}
