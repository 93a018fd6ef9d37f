package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/internal/refresh"
	"papertrade/internal/sqlite"
	"papertrade/internal/storetest"
	"papertrade/pkg/marketdata"
)

// unprivileged calls do without the rights of root.
func unprivileged(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		do()
		return
	}
	const nobody = 65534
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // which ends with the goroutine, since it is never unlocked
		if err := syscall.Setfsuid(nobody); err != nil {
			t.Error(err)
			return
		}
		do()
	}()
	<-done
}

// addIBM writes one row.
func addIBM(ctx context.Context, store *sqlite.Store) error {
	change := refresh.WatchlistChange{Ticker: marketdata.MustParseTicker("IBM")}
	return store.AddToWatchlist(ctx, slices.Values([]refresh.WatchlistChange{change}), time.Now())
}

func openAndWrite(ctx context.Context, path string) error {
	store, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	return errors.Join(addIBM(ctx, store), store.Close())
}

func TestErrorsOfFiles(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	file := func(name string, mode, dirMode os.FileMode) string {
		path := filepath.Join(dir, name, "papertrade.db")
		if err := sqlite.MakeDirectory(path); err != nil {
			t.Fatal(err)
		}
		openStore(t, path).Close()
		if err := errors.Join(os.Chmod(path, mode), os.Chmod(filepath.Dir(path), dirMode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, []byte("not a database, but long enough for the header of one"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing", "papertrade.db")
	readable, unreadable := file("readable", 0o444, 0o755), file("unreadable", 0o000, 0o755)
	noJournal, hidden := file("no journal", 0o666, 0o555), file("hidden", 0o666, 0o000)
	below := filepath.Join(text, "papertrade.db")
	for _, test := range []struct {
		path        string
		open, check refresh.StoreError
	}{
		{readable, refresh.ErrReadOnly, refresh.ErrNoPermission},
		{unreadable, refresh.ErrNoPermission, refresh.ErrNoPermission},
		{noJournal, refresh.ErrReadOnly, refresh.ErrNoPermission},
		{hidden, refresh.ErrNoPermission, refresh.ErrNoPermission},
		{filepath.Join(dir, "papertrade.db"), refresh.ErrNoPermission, refresh.ErrNoPermission},
		{missing, sqlite.ErrNoDirectory, sqlite.ErrNoDirectory},
		{below, refresh.ErrUnreachable, refresh.ErrUnreachable},
		{dir, sqlite.ErrNotFile, sqlite.ErrNotFile},
		{os.DevNull, sqlite.ErrNotFile, sqlite.ErrNotFile},
	} {
		t.Run(test.path, func(t *testing.T) {
			unprivileged(t, func() {
				storetest.WantError(t, openAndWrite(t.Context(), test.path), test.open)
				_, err := sqlite.Check(t.Context(), test.path, false)
				storetest.WantError(t, err, test.check)
			})
		})
	}
	unprivileged(t, func() {
		_, err := sqlite.OpenReadOnly(unreadable)
		storetest.WantError(t, err, refresh.ErrNoPermission)
		_, err = sqlite.OpenReadOnly(missing)
		storetest.WantError(t, err, sqlite.ErrNotThere)
		storetest.WantError(t, sqlite.MakeDirectory(missing), refresh.ErrNoPermission)
		_, err = sqlite.Check(t.Context(), missing, true)
		storetest.WantError(t, err, refresh.ErrNoPermission)
		_, err = sqlite.OpenSnapshot(t.Context(), unreadable)
		storetest.WantError(t, err, refresh.ErrNoPermission)
	})
	_, err := sqlite.Open(t.Context(), text)
	storetest.WantError(t, err, sqlite.ErrNotSQLite)

	// The lock of a job is a file beside the database.
	store := openStore(t, noJournal)
	unprivileged(t, func() {
		_, err := store.Lock(t.Context(), "refresh")
		storetest.WantError(t, err, refresh.ErrNoPermission)
	})
}

func TestErrorOfReadOnlyStore(t *testing.T) {
	store, err := sqlite.OpenReadOnly(applicationDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	storetest.WantError(t, addIBM(t.Context(), store), refresh.ErrReadOnly)
}

func TestErrorOfFullDatabase(t *testing.T) {
	path := newPath(t)
	store := openStore(t, path)
	store.Limit(t, `pragma max_page_count = 1`) // which is that of the connection: as few pages as there are
	var changes []refresh.WatchlistChange
	for i := range 1000 {
		changes = append(changes, refresh.WatchlistChange{Ticker: marketdata.MustParseTicker(fmt.Sprintf("T%d", i))})
	}
	storetest.WantError(t, store.AddToWatchlist(t.Context(), slices.Values(changes), time.Now()), refresh.ErrNoSpace)
}

// A writer that does not end in time keeps others from writing, and from opening what they would have to change.
func TestErrorOfLockedDatabase(t *testing.T) {
	path := applicationDatabase(t)
	store := openStore(t, path)
	store.Limit(t, `pragma busy_timeout = 1`)
	db := connect(t, path)
	defer db.Close()
	if _, err := db.Exec(`begin exclusive`); err != nil {
		t.Fatal(err)
	}
	storetest.WantError(t, addIBM(t.Context(), store), refresh.ErrBusy)
	_, err := store.Watchlist(t.Context(), true)
	storetest.WantError(t, err, refresh.ErrBusy)
}

// Somebody waits for what only reads; a run would lose what it has fetched.
func TestPatience(t *testing.T) {
	path := newPath(t)
	store := openStore(t, path)
	current, err := sqlite.OpenCurrent(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer current.Close()
	diff(t, store.Patience(t), 10*time.Second)
	diff(t, current.Patience(t), 4*time.Second)
}

// The application's own checks and triggers refuse a price for itself alone.
func TestTriggerRefusesRow(t *testing.T) {
	path := newPath(t)
	store := openStore(t, path)
	run(t, path, `create trigger no_ibm before insert on ticker_watchlist when new.ticker = 'IBM' begin select raise(abort, 'no IBM here'); end`)
	storetest.WantError(t, addIBM(t.Context(), store), refresh.ErrRowRefused)
}

func TestErrorOfContext(t *testing.T) {
	store := openStore(t, newPath(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := addIBM(ctx, store); !errors.Is(err, context.Canceled) || errors.As(err, new(refresh.StoreError)) {
		t.Errorf("error %v, want that of the context alone", err)
	}
}

// A statement that SQLite does not understand is a bug of ours, or of what has changed the application's tables.
func TestErrorOfMissingColumn(t *testing.T) {
	path := newPath(t)
	store := openStore(t, path)
	run(t, path, `alter table ticker_watchlist rename column priority to importance`)
	if _, err := store.Watchlist(t.Context(), true); err == nil || errors.As(err, new(refresh.StoreError)) {
		t.Errorf("error %v, want one that is not a StoreError", err)
	}
}

func TestErrorOfBadValue(t *testing.T) {
	path := newPath(t)
	store := openStore(t, path)
	run(t, path, `update ticker_watchlist set priority = 'high'`)
	_, err := store.Watchlist(t.Context(), true)
	storetest.WantError(t, err, refresh.ErrBadValue)
}

func TestErrorOfDamagedDatabase(t *testing.T) {
	path := newPath(t)
	openStore(t, path).Close()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const header = 4096 // the first page
	if err := os.WriteFile(path, append(content[:header], make([]byte, len(content)-header)...), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Open(t.Context(), path)
	storetest.WantError(t, err, refresh.ErrDatabase)
}

// A trigger that suppresses an update without a word is found out; a row that is gone needs none.
func TestTriggerSuppressesUpdate(t *testing.T) {
	path := newPath(t)
	store := openStore(t, path)
	batch := batchOf("AAPL", "NVDA", "TSLA")
	if _, err := store.CommitBatch(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	run(t, path, `create trigger no_nvda before update on price_history when new.ticker = 'NVDA' begin select raise(ignore); end;
		delete from price_history where ticker = 'AAPL'`)
	for i := range batch.Prices {
		batch.Prices[i].Row = int64(i + 1)
	}
	stored, err := store.CommitBatch(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	storetest.WantError(t, stored[1].Err, refresh.ErrRowRefused)
	diff(t, []refresh.StoredPrice{stored[0], stored[2]}, []refresh.StoredPrice{{}, {Amount: "1.25"}})
}

// A trigger refuses one row in each way that SQLite has, also one that is to be kept.
func TestTriggerRefusesPrice(t *testing.T) {
	for _, raise := range []string{`raise(abort, 'no')`, `raise(fail, 'no')`, `raise(rollback, 'no')`, `raise(ignore)`} {
		for _, when := range []string{"before", "after"} {
			t.Run(when+" "+raise, func(t *testing.T) {
				if raise == `raise(ignore)` && when == "after" {
					return // which suppresses nothing
				}
				path := newPath(t)
				store := openStore(t, path)
				run(t, path, `create trigger no_nvda `+when+` insert on price_history when new.ticker = 'NVDA' begin select `+raise+`; end`)
				batch := batchOf("AAPL", "NVDA", "TSLA")
				batch.Prices[1].Keep = true
				stored, err := store.CommitBatch(t.Context(), batch)
				if err != nil {
					t.Fatal(err)
				}
				storetest.WantError(t, stored[1].Err, refresh.ErrRowRefused)
				diff(t, texts(t, path, `select ticker from price_history order by 1`), []string{"AAPL", "TSLA"})
			})
		}
	}
}

// batchOf returns a batch of a price of each ticker.
func batchOf(symbols ...string) (batch refresh.Batch) {
	for _, symbol := range symbols {
		batch.Prices = append(batch.Prices, refresh.Price{
			Bar:       marketdata.Bar{Ticker: marketdata.MustParseTicker(symbol), Close: decimal.New(125, -2), Currency: "USD"},
			Timestamp: time.Date(2026, 11, 20, 21, 0, 0, 0, time.UTC),
			Source:    "alpha_vantage", Interval: refresh.IntervalDaily, FetchedAt: time.Now(),
		})
	}
	return batch
}

// A file that is deleted while it is open takes no more writes, and its error says why.
func TestDeletedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "papertrade.db")
	store := openStore(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	err := store.BeginRun(t.Context(), refresh.RunRecord{
		ID: "00000000-0000-0000-0000-000000000001", JobName: refresh.JobName, Status: "RUNNING", StartedAt: time.Now()}, true)
	if !errors.Is(err, refresh.ErrReadOnly) || !strings.Contains(err.Error(), "moved, deleted or replaced") {
		t.Errorf("error %v", err)
	}
}
