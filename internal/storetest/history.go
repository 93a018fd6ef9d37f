package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func commitAll(t *testing.T, store Store, b refresh.Batch) []refresh.StoredPrice {
	t.Helper()
	b.Run = run(runID)
	stored, err := store.CommitBatch(t.Context(), b)
	noError(t, err)
	return stored
}

// A price of a backfill leaves an existing row if Keep is set, and marks nothing as refreshed.
func batchOfBackfill(t *testing.T, db Database) {
	store := db.Open(t)
	noError(t, commit(t, store, fullPrice("AAPL", "192.53")))
	kept, replaced, gap := price("AAPL", "1.25"), price("AAPL", "2.5"), price("MSFT", "1.25")
	for _, p := range []*refresh.Price{&kept, &replaced, &gap} {
		p.Backfill, p.FetchedAt = true, midnight.Add(time.Hour)
	}
	kept.Keep, gap.Keep = true, true
	stored := commitAll(t, store, refresh.Batch{Prices: []refresh.Price{kept, gap}})
	equal(t, stored, []refresh.StoredPrice{{}, {Amount: "1.25"}})
	const aapl = "AAPL 2026-11-20 21:00:00 alpha_vantage 1day p %dUSD o 19025USD h 19375USD l 18950USD c %[1]dUSD v 48123456789 2026-11-21 00:00:00 %s"
	const msft = "MSFT 2026-11-20 21:00:00 alpha_vantage 1day p 125USD o 0- h 0- l 0- c 125USD v 0 2026-11-21 01:00:00 -"
	equal(t, db.Texts(t, storedRows), []string{fmt.Sprintf(aapl, 19253, "-"), msft})
	commitAll(t, store, refresh.Batch{Prices: []refresh.Price{replaced}})
	equal(t, db.Texts(t, storedRows), []string{fmt.Sprintf(aapl, 250, "2026-11-21 01:00:00"), msft})

	states, err := store.States(t.Context(), tickers("AAPL", "MSFT"))
	noError(t, err)
	if s := states[tickers("AAPL")[0]]; !s.CheckedAt.Equal(midnight) || !s.AskedAt.Equal(midnight) {
		t.Errorf("AAPL: %+v, want it checked at midnight", s)
	}
	if s := states[tickers("MSFT")[0]]; !s.CheckedAt.IsZero() || !s.AskedAt.IsZero() || s.LastSession != friday {
		t.Errorf("MSFT: %+v, want a bar and no more", s)
	}
	equal(t, db.Texts(t, `select ticker from ticker_watchlist where last_refresh_at is not null`), []string{"AAPL"})
}

// A bar that refers to its row updates it, whatever timestamp and source the row has.
func batchUpdatesRow(t *testing.T, db Database) {
	store := db.Open(t)
	noError(t, commit(t, store, fullPrice("MSFT", "10.25"), fullPrice("AAPL", "192.53"), fullPrice("ZM", "20.25")))
	row := readBars(t, store, "MSFT", "", "")[0].Row
	known := price("MSFT", "5.5")
	known.Row, known.Timestamp, known.Source = row, midnight, "another"
	known.Backfill, known.FetchedAt, known.Bar.Currency = true, midnight.Add(time.Hour), "CAD"
	stored := commitAll(t, store, refresh.Batch{Prices: []refresh.Price{known}})
	if want := decimal.RequireFromString("5.5"); !decimal.RequireFromString(stored[0].Amount).Equal(want) {
		t.Errorf("stored %q, want %s", stored[0].Amount, want)
	}
	const full = "%s 2026-11-20 21:00:00 alpha_vantage 1day p %[2]dUSD o 19025USD h 19375USD l 18950USD c %[2]dUSD v 48123456789 2026-11-21 00:00:00 -"
	equal(t, db.Texts(t, storedRows), []string{
		fmt.Sprintf(full, "AAPL", 19253),
		"MSFT 2026-11-20 21:00:00 alpha_vantage 1day p 550CAD o 19025USD h 19375USD l 18950USD c 550CAD v 48123456789 2026-11-21 00:00:00 2026-11-21 01:00:00",
		fmt.Sprintf(full, "ZM", 2025),
	})

	// If the row has been deleted in the meantime, nothing is stored.
	db.Exec(t, `delete from price_history where ticker = 'MSFT'`)
	equal(t, commitAll(t, store, refresh.Batch{Prices: []refresh.Price{known}}), []refresh.StoredPrice{{}})
	equal(t, len(db.Texts(t, storedRows)), 2)

	// Everything that a bar has is written.
	known = fullPrice("ZM", "20.5")
	known.Row, known.FetchedAt, known.Bar.Currency = readBars(t, store, "ZM", "", "")[0].Row, midnight.Add(time.Hour), "CAD"
	for _, amount := range []*decimal.NullDecimal{&known.Bar.Open, &known.Bar.High, &known.Bar.Low} {
		amount.Decimal = amount.Decimal.Add(decimal.NewFromInt(1))
	}
	known.Bar.Volume = new(int64(7))
	noError(t, commit(t, store, known))
	equal(t, db.Texts(t, storedRows)[1],
		"ZM 2026-11-20 21:00:00 alpha_vantage 1day p 2050CAD o 19125CAD h 19475CAD l 19050CAD c 2050CAD v 7 2026-11-21 00:00:00 2026-11-21 01:00:00")
}

func batchKeepsFindings(t *testing.T, db Database) {
	store := db.Open(t)
	nvda := tickers("NVDA")[0]
	state := func() refresh.State {
		t.Helper()
		states, err := store.States(t.Context(), []marketdata.Ticker{nvda})
		noError(t, err)
		return states[nvda]
	}
	thursday := friday.AddDays(-1)
	commitAll(t, store, refresh.Batch{Failures: []refresh.Failure{{Ticker: nvda, AskedAt: midnight, UnknownIn: friday}}})
	split := history.Split{Session: friday, New: 10, Old: 1}
	commitAll(t, store, refresh.Batch{Findings: []refresh.Finding{
		{Ticker: nvda, FirstSession: thursday, Absent: []exchange.Date{friday, thursday}, Splits: []history.Split{split}}}})
	want := refresh.State{AskedAt: midnight, FirstSession: thursday, Absent: []exchange.Date{thursday, friday}, Splits: []history.Split{split}}
	equal(t, state(), want)

	// What a finding lacks stays as it is, and what it has replaces what was known.
	split.New, split.Old, split.Rebased = 3, 2, true
	older := history.Split{Session: thursday, New: 1, Old: 8}
	commitAll(t, store, refresh.Batch{Findings: []refresh.Finding{{Ticker: nvda, Absent: []exchange.Date{friday}, Splits: []history.Split{split, older}}}})
	want.Splits = []history.Split{older, split}
	equal(t, state(), want)
	commitAll(t, store, refresh.Batch{Findings: []refresh.Finding{{Ticker: nvda, ForgetSplits: true, Splits: []history.Split{older}}}})
	want.Splits = []history.Split{older}
	equal(t, state(), want)
	commitAll(t, store, refresh.Batch{Findings: []refresh.Finding{{Ticker: nvda, ForgetSplits: true}}})
	want.Splits = nil
	equal(t, state(), want)
}

func ledgerKnowsEntitlement(t *testing.T, db Database) {
	store := db.Open(t)
	change := func(c quota.Change) {
		t.Helper()
		noError(t, store.UpdateAccount(t.Context(), "key", midnight, func(quota.Account) quota.Change { return c }))
	}
	change(quota.Change{NotEntitledAt: midnight})
	noon := midnight.Add(12 * time.Hour)
	change(quota.Change{EndOfDayAt: &noon})
	change(quota.Change{CallTime: time.Second})
	want := quota.Account{CallTime: time.Second, NotEntitledAt: midnight, EndOfDayAt: noon}
	got, err := store.Account(t.Context(), "key")
	noError(t, err)
	equal(t, sorted(got), want)
	change(quota.Change{EndOfDayAt: &time.Time{}})
	want.EndOfDayAt = time.Time{}
	got, err = store.Account(t.Context(), "key")
	noError(t, err)
	equal(t, sorted(got), want)
}

// insertTask writes a task as the application does.
func (db Database) insertTask(t *testing.T, n int, ticker, priority, status string) {
	t.Helper()
	db.Exec(t, fmt.Sprintf(`insert into backfill_tasks (id, ticker, start_date, end_date, priority, status, created_at)
		values ('%s', '%s', '2026-11-02', '2026-11-20', '%s', '%s', '2026-11-%02d 12:00:00')`, taskID(n), ticker, priority, status, n))
}

func taskID(n int) string { return fmt.Sprintf("00000000-0000-0000-0000-%012d", n) }

func openTasks(t *testing.T, store Store) refresh.TaskQueue {
	t.Helper()
	tasks, err := store.OpenTasks(t.Context())
	noError(t, err)
	return tasks
}

func claim(t *testing.T, tasks refresh.TaskQueue, limit int) (ids []string) {
	t.Helper()
	claimed, err := tasks.Claim(t.Context(), limit, limit, nil)
	noError(t, err)
	for _, task := range claimed {
		ids = append(ids, strings.TrimLeft(task.ID, "0-"))
	}
	return ids
}

const taskRows = `
	select ticker || ' ' || status || ' ' || coalesce(substr(cast(finished_at as text), 1, 19), '-') || ' ' || coalesce(error_message, '-')
	from backfill_tasks order by created_at`

func tasks(t *testing.T, db Database) {
	store := db.Open(t)
	db.insertTask(t, 1, "ONE", "low", "pending")
	db.insertTask(t, 2, "TWO", "low", "pending")
	db.insertTask(t, 3, " three", "high", "pending")
	db.insertTask(t, 4, "FOUR", "high", "succeeded")
	db.insertTask(t, 5, "FIVE", "high", "pending")
	pending, all, err := store.PendingTasks(t.Context(), 2)
	noError(t, err)
	const from, to = "2026-11-02", "2026-11-20"
	equal(t, pending, []refresh.Task{
		{ID: taskID(3), Symbol: " three", From: from, To: to, Priority: "high"}, {ID: taskID(5), Symbol: "FIVE", From: from, To: to, Priority: "high"}})
	equal(t, all, 4)

	queue := openTasks(t, store)
	equal(t, claim(t, queue, 3), []string{"3", "5", "1"})
	equal(t, db.Texts(t, taskRows), []string{"ONE running - -", "TWO pending - -", " three running - -", "FOUR succeeded - -", "FIVE running - -"})
	commitAll(t, store, refresh.Batch{Tasks: []refresh.TaskResult{
		{ID: taskID(3), Status: refresh.TaskSucceeded, FinishedAt: midnight.In(time.FixedZone("", 9*60*60))},
		{ID: taskID(5), Status: refresh.TaskFailed, FinishedAt: midnight, Error: "unknown"},
		{ID: taskID(1), Status: refresh.TaskPending},
	}})
	equal(t, db.Texts(t, taskRows), []string{
		"ONE pending - -", "TWO pending - -", " three succeeded 2026-11-21 00:00:00 -", "FOUR succeeded - -", "FIVE failed 2026-11-21 00:00:00 unknown"})
	equal(t, claim(t, queue, 9), []string{"1", "2"})
	queue.Close()

	// Tasks that no process holds can be claimed again.
	queue = openTasks(t, store)
	equal(t, claim(t, queue, 1), []string{"1"})
	queue.Close()
}

// The application can have created a task later than a run goes by: no task finishes before it was created.
func tasksOfLaterClock(t *testing.T, db Database) {
	store := db.Open(t)
	db.insertTask(t, 22, "LATER", "low", "pending")
	db.insertTask(t, 23, "PENDING", "low", "pending")
	queue := openTasks(t, store)
	defer queue.Close()
	claim(t, queue, 9)
	commitAll(t, store, refresh.Batch{Tasks: []refresh.TaskResult{
		{ID: taskID(22), Status: refresh.TaskFailed, FinishedAt: midnight, Error: "unknown"}, {ID: taskID(23), Status: refresh.TaskPending},
	}})
	equal(t, db.Texts(t, taskRows), []string{"LATER failed 2026-11-22 12:00:00 unknown", "PENDING pending - -"})
}

// What the application writes need not be in lower case, and what is no priority comes last.
func tasksInCapitals(t *testing.T, db Database) {
	store := db.Open(t)
	db.insertTask(t, 1, "ONE", "urgent", "pending")
	db.insertTask(t, 2, "TWO", "LOW", " Pending ")
	db.insertTask(t, 3, "THREE", " High", "PENDING")
	db.insertTask(t, 4, "FOUR", "HIGH", "SUCCEEDED")
	pending, all, err := store.PendingTasks(t.Context(), 9)
	noError(t, err)
	var priorities []string
	for _, task := range pending {
		priorities = append(priorities, task.Priority)
	}
	equal(t, priorities, []string{" High", "urgent", "LOW"})
	equal(t, all, 3)
	queue := openTasks(t, store)
	defer queue.Close()
	equal(t, claim(t, queue, 9), []string{"3", "1", "2"})
}

// What a run has put off is not handed out to it again, also if it is of a ticker whose other tasks are.
func tasksThatAreExcepted(t *testing.T, db Database) {
	store := db.Open(t)
	for n, ticker := range []string{"ONE", "ONE", "TWO"} {
		db.insertTask(t, n+1, ticker, "low", "pending")
	}
	queue := openTasks(t, store)
	defer queue.Close()
	claimed, err := queue.Claim(t.Context(), 9, 9, []string{taskID(2), taskID(3)})
	noError(t, err)
	equal(t, len(claimed), 1)
	equal(t, claimed[0].ID, taskID(1))
	equal(t, len(db.Texts(t, `select ticker from backfill_tasks where status = 'pending'`)), 2)
}

// A claim is for a limited number of tickers, those of the first tasks; their other pending tasks are included, up to
// the limit.
func tasksOfFewTickers(t *testing.T, db Database) {
	store := db.Open(t)
	for n, ticker := range []string{"ONE", "TWO", "ONE", "THREE", "TWO", "ONE"} {
		db.insertTask(t, n+1, ticker, "low", "pending")
	}
	db.insertTask(t, 7, "ONE", "low", "succeeded")
	for _, test := range []struct {
		tickers, limit int
		want           []string // sorted; the order of a ticker's tasks is not defined
	}{
		{1, 9, []string{"1", "3", "6"}},
		{1, 2, []string{"1", "3"}},
		{2, 9, []string{"1", "2", "3", "5", "6"}},
		{2, 1, []string{"1"}},
		{9, 9, []string{"1", "2", "3", "4", "5", "6"}},
		{0, 9, nil},
		{9, 0, nil},
	} {
		queue := openTasks(t, store)
		claimed, err := queue.Claim(t.Context(), test.tickers, test.limit, nil)
		noError(t, err)
		var ids []string
		for _, task := range claimed {
			ids = append(ids, strings.TrimLeft(task.ID, "0-"))
		}
		slices.Sort(ids)
		equal(t, ids, test.want)
		equal(t, len(db.Texts(t, `select ticker from backfill_tasks where status = 'running'`)), len(test.want))
		queue.Close()
	}
}

// Several processes never have the same task: they share the tasks, or one process has them all.
func tasksOfSeveralProcesses(t *testing.T, db Database) {
	_ = db.Open(t) // which makes the tables
	for n := 1; n <= 28; n++ {
		db.insertTask(t, n, "ANY", "low", "pending")
	}
	first := openTasks(t, db.Open(t))
	defer first.Close()
	_, err := db.Open(t).OpenTasks(t.Context())
	if shared := err == nil; shared != db.SharesTasks || !shared && !errors.Is(err, refresh.ErrLocked) {
		t.Fatalf("opened by another: %v; shared %t, want %t", err, shared, db.SharesTasks)
	}
	if !db.SharesTasks {
		return
	}
	var mu sync.Mutex
	claims := map[string]int{}
	var group sync.WaitGroup
	for range 4 {
		store := db.Open(t)
		group.Go(func() {
			queue, err := store.OpenTasks(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer queue.Close()
			for {
				claimed, err := queue.Claim(t.Context(), 3, 3, nil)
				if err != nil {
					t.Error(err)
				}
				if len(claimed) == 0 {
					return
				}
				var done []refresh.TaskResult
				for _, task := range claimed {
					mu.Lock()
					claims[task.ID]++
					mu.Unlock()
					done = append(done, refresh.TaskResult{ID: task.ID, Status: refresh.TaskSucceeded, FinishedAt: midnight})
				}
				if _, err := store.CommitBatch(t.Context(), refresh.Batch{Tasks: done, Run: run(runID)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for id, times := range claims {
		if times != 1 {
			t.Errorf("task %s was claimed %d times", id, times)
		}
	}
	equal(t, len(claims), 28)
}

// Processes that commit the same tickers in different orders do not deadlock, whatever they have locked.
func commitsOfSeveralProcesses(t *testing.T, db Database) {
	noError(t, commit(t, db.Open(t), price("AAPL", "1.25"), price("MSFT", "1.25")))
	var group sync.WaitGroup
	for job, symbols := range map[string][]string{"": {"AAPL", "MSFT"}, "refresh": {"MSFT", "AAPL"}, "backfill": {"AAPL", "MSFT"}} {
		store := db.Open(t)
		if job != "" {
			unlock, err := store.Lock(t.Context(), job)
			noError(t, err)
			defer unlock()
		}
		group.Go(func() {
			for range 20 {
				_, err := store.CommitBatch(t.Context(), refresh.Batch{
					Prices: []refresh.Price{price(symbols[0], "1.25"), price(symbols[1], "1.25")}, Run: run(runID)})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}
