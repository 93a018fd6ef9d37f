package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/refresh"
	"papertrade/internal/sqlite"
	"papertrade/pkg/marketdata"
)

func TestOpenMakesWhatIsMissing(t *testing.T) {
	path := newPath(t)
	openStore(t, path)
	for name, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700 | fs.ModeDir} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), want)
		}
	}
}

func TestOpenChangesOnlyWhatIsMissing(t *testing.T) {
	path := applicationDatabase(t)
	const schema = `select type || ' ' || name from sqlite_master where name not like 'sqlite%' order by 1`
	before := texts(t, path, schema)
	run(t, path, `delete from ticker_watchlist; pragma journal_mode = wal`)
	for range 2 {
		openStore(t, path).Close()
	}
	want := slices.Sorted(slices.Values(append([]string{
		"index ix_backfill_tasks_status_created_at", "table backfill_tasks",
		"index ix_papertrade_calls_account_until_time", "table papertrade_absent_sessions", "table papertrade_accounts", "table papertrade_calls",
		"table papertrade_held_prices", "table papertrade_migrations", "table papertrade_splits", "table papertrade_ticker_states",
	}, before...)))
	diff(t, texts(t, path, schema), want)
	diff(t, texts(t, path, `select name from pragma_table_info('price_history') where name = 'updated_at'`), []string{"updated_at"})
	diff(t, texts(t, path, `select ticker from ticker_watchlist`), nil)
	diff(t, texts(t, path, `pragma journal_mode`), []string{"wal"})
	diff(t, texts(t, path, `select cast(version_id as text) from papertrade_migrations`), []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "11"})
}

func TestOpenAtTheSameTime(t *testing.T) {
	path := newPath(t)
	var opened sync.WaitGroup
	for range 8 {
		opened.Go(func() {
			store, err := sqlite.Open(context.Background(), path)
			if err != nil {
				t.Error(err)
				return
			}
			store.Close()
		})
	}
	opened.Wait()
	diff(t, texts(t, path, `select cast(version_id as text) from papertrade_migrations`), []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "11"})
	diff(t, texts(t, path, `select cast(count(*) as text) from ticker_watchlist`), []string{"7"})
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(dir, "newer.db")
	openStore(t, newer).Close()
	run(t, newer, `insert into papertrade_migrations (version_id, is_applied) values (99, 1)`)

	tests := []struct{ name, path, want string }{
		{"text", text, "open " + text + ": the file is not a SQLite database"},
		{"directory", dir, dir + " is a directory"},
		{"newer tables", newer, "open " + newer + ": the database's tables are of a newer papertrade (schema 99, this one knows 11)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := sqlite.Open(t.Context(), test.path)
			wantError(t, err, test.want)
			_, err = sqlite.OpenSnapshot(t.Context(), test.path)
			if test.name == "directory" {
				test.want = "open " + dir
			}
			wantError(t, err, test.want)
		})
	}
	t.Run("directory that is missing", func(t *testing.T) {
		t.Chdir(dir)
		_, err := sqlite.Open(t.Context(), "data/papertrade.db")
		wantError(t, err, "create the SQLite database "+dir+"/data/papertrade.db: its directory does not exist")
		if _, err := os.Stat("data"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the directory was made, or %v", err)
		}
	})
	t.Run("directory that cannot be made", func(t *testing.T) {
		err := sqlite.MakeDirectory(text + "/data/papertrade.db")
		wantError(t, err, "create the directory "+text+"/data for the SQLite database: ")
	})
}

func TestSnapshotWritesNothing(t *testing.T) {
	dir := t.TempDir()
	change := []refresh.WatchlistChange{{Ticker: marketdata.MustParseTicker("IBM")}}
	tests := []struct {
		name string
		fill func(t *testing.T, path string)
		want int
	}{
		{"missing", func(*testing.T, string) {}, 7},
		{"own tables", func(t *testing.T, path string) { openStore(t, path).Close() }, 7},
		{"application's tables", func(t *testing.T, path string) {
			run(t, path, applicationTables+`delete from ticker_watchlist where ticker <> 'AAPL'`)
		}, 1},
		{"write-ahead log", func(t *testing.T, path string) {
			run(t, path, `pragma journal_mode = wal;`+applicationTables)
		}, 7},
		{"write-ahead log in use", func(t *testing.T, path string) {
			db := connect(t, path)
			t.Cleanup(func() { db.Close() })
			if _, err := db.Exec(`pragma journal_mode = wal;` + applicationTables); err != nil {
				t.Fatal(err)
			}
		}, 7},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(dir, test.name, "papertrade.db")
			if test.name != "missing" {
				if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			test.fill(t, path)
			before := contents(t, dir)

			store, err := sqlite.OpenSnapshot(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			if err := store.AddToWatchlist(t.Context(), slices.Values(change), time.Now()); err != nil {
				t.Fatal(err)
			}
			entries, err := store.Watchlist(t.Context(), false)
			if err != nil {
				t.Fatal(err)
			}
			diff(t, len(entries), test.want+1)
			_, err = store.Lock(t.Context(), "refresh")
			wantError(t, err, "a snapshot has no lock")
			if holder, err := store.Locked(t.Context(), "refresh"); holder != nil || err != nil {
				t.Errorf("locked: %v, %v; nobody has the lock", holder, err)
			}
			diff(t, contents(t, dir), before)
		})
	}
}

func TestOpenReadOnly(t *testing.T) {
	path := applicationDatabase(t)
	before := contents(t, filepath.Dir(path))
	store, err := sqlite.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	entries, err := store.Watchlist(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, len(entries), 7)
	_, err = store.RemoveFromWatchlist(t.Context(), []string{"AAPL"}, time.Now())
	wantError(t, err, "the database cannot be written")
	diff(t, contents(t, filepath.Dir(path)), before)

	_, err = sqlite.OpenReadOnly(path + ".missing")
	wantError(t, err, "the SQLite database "+path+".missing is not there yet")
	wantError(t, sqlite.CheckExists(path+".missing"), "the SQLite database "+path+".missing is not there yet")
	for _, there := range []string{path, filepath.Dir(path)} {
		if err := sqlite.CheckExists(there); err != nil {
			t.Error(err)
		}
		if err := sqlite.CheckFilled(there); err != nil {
			t.Error(err)
		}
	}
	diff(t, contents(t, filepath.Dir(path)), before)
	wantError(t, sqlite.CheckFilled(path+".missing"), "the SQLite database "+path+".missing is not there yet")
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantError(t, sqlite.CheckFilled(empty), "the SQLite database "+empty+" is empty")
}

// A DATETIME column takes what its writer makes of a time.
func TestTimesOfOtherWriters(t *testing.T) {
	path := applicationDatabase(t)
	store := openStore(t, path)
	run(t, path, `delete from ticker_watchlist where ticker not in ('AAPL', 'AMZN', 'GOOGL', 'MSFT');
		update ticker_watchlist set last_refresh_at = case ticker
			when 'AAPL' then '2026-11-20T21:00:00Z'
			when 'AMZN' then '2026-11-20 21:00:00.000000+00:00'
			when 'GOOGL' then '2026-11-20 21:00:00'
			when 'MSFT' then '2026-11-20 16:00:00-05:00' end`)
	entries, err := store.Watchlist(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		diff(t, entry.LastRefreshAt, time.Date(2026, 11, 20, 21, 0, 0, 0, time.UTC))
	}

	// One that cannot be read is said of its row alone.
	run(t, path, `update ticker_watchlist set last_refresh_at = 'yesterday', next_refresh_at = '2026-11-20T21:00' where ticker = 'AMZN'`)
	entries, err = store.Watchlist(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, len(entries), 4)
	for _, entry := range entries {
		if entry.Symbol != "AMZN" {
			diff(t, entry.TimesErr, nil)
			continue
		}
		diff(t, entry.LastRefreshAt, time.Time{})
		diff(t, entry.NextRefreshAt, time.Date(2026, 11, 20, 21, 0, 0, 0, time.UTC))
		wantError(t, entry.TimesErr, `the database has a value that cannot be read: "yesterday" is not a time like "2006-01-02 15:04:05.000000"`)
	}
}

// The application's rows can have anything in columns that SQLite does not check.
func TestRunsOfOtherWriters(t *testing.T) {
	path := applicationDatabase(t)
	store := openStore(t, path)
	run(t, path, `insert into job_executions (id, job_name, started_at, finished_at, status, error_message, metadata) values
		('6f1c7a524a0e4f4e8d0b2f1f5a3c9e10', 'refresh_active_stocks', '2026-11-20T23:59:59Z', 'soon', 'done', null, 'no JSON'),
		('7', 'refresh_active_stocks', '2026-11-20 16:00:00.5-05:00', '2026-11-20T21:01', 'SUCCEEDED', '', '{"at": 1, "mode": null}'),
		('8', 'refresh_active_stocks', 'yesterday', null, 'SUCCEEDED', null, '{"at": 1}')`)
	got, err := store.Runs(t.Context(), refresh.RunQuery{Jobs: []string{"refresh_active_stocks"}, Limit: 9})
	if err != nil {
		t.Fatal(err)
	}
	run(t, path, `insert into job_executions (id, job_name, started_at, finished_at, status, metadata) values
		('9', 'refresh_active_stocks', '2026-11-20 22:00:00.000000', '2026-11-20 22:01:00.000000', 'SUCCEEDED', '{"at": 1}'),
		('10', 'refresh_active_stocks', '2026-11-20T01:00:00', '2026-11-20T01:01:00', 'SUCCEEDED', '{"at": 1}')`)
	last, err := store.LastRun(t.Context(), "refresh_active_stocks", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, last, time.Date(2026, 11, 20, 22, 0, 0, 0, time.UTC))
	nine := time.Date(2026, 11, 20, 21, 0, 0, 0, time.UTC)
	diff(t, got, []refresh.RunRecord{
		{ID: "6f1c7a52-4a0e-4f4e-8d0b-2f1f5a3c9e10", JobName: "refresh_active_stocks", StartedAt: nine.Add(3*time.Hour - time.Second), Status: "done"},
		{ID: "7", JobName: "refresh_active_stocks", StartedAt: nine.Add(time.Second / 2), FinishedAt: nine.Add(time.Minute), Status: "SUCCEEDED", Metadata: []byte(`{"at": 1, "mode": null}`)},
	})
}

// Each commit updates the record of its run, among those of years.
func TestRunIsFoundByIndex(t *testing.T) {
	own := newPath(t)
	openStore(t, own)
	for _, path := range []string{own, applicationDatabase(t)} {
		db := connect(t, path)
		defer db.Close()
		var id, parent, unused int
		var plan string
		row := db.QueryRow(`explain query plan `+sqlite.UpdateRunByID, nil, "", "", "", "a", "b")
		if err := row.Scan(&id, &parent, &unused, &plan); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan, "SEARCH") {
			t.Errorf("the plan is %s, want a search", plan)
		}
	}
}

const heldDatabase = "PAPERTRADE_TEST_HELD_DATABASE"

// holdLock is what another process does in TestLockOfKilledProcess.
func holdLock(path string) {
	store, err := sqlite.Open(context.Background(), path)
	if err == nil {
		_, err = store.Lock(context.Background(), "refresh")
	}
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString("locked\n")
	select {}
}

func TestLockOfKilledProcess(t *testing.T) {
	path := newPath(t)
	store := openStore(t, path)
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), heldDatabase+"="+path)
	stdout, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Lock(t.Context(), "refresh"); !errors.Is(err, refresh.ErrLocked) {
		t.Errorf("error %v while the other process lives, want ErrLocked", err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	snapshot, err := sqlite.OpenSnapshot(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	locked := func() bool {
		t.Helper()
		holder, err := snapshot.Locked(t.Context(), "refresh")
		if err != nil {
			t.Fatal(err)
		}
		return holder != nil
	}
	diff(t, locked(), true)
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait() // which reports the kill
	diff(t, locked(), false)
	unlock, err := store.Lock(t.Context(), "refresh")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

// One run of root's locks nobody out who may use the database.
func TestLockFilesAreOfTheDatabasesOwner(t *testing.T) {
	path := newPath(t)
	openStore(t, path).Close()
	if err := os.Remove(path + ".migrate.lock"); err != nil {
		t.Fatal(err)
	}
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 12345, 54321
	}
	if err := errors.Join(os.Chown(path, uid, gid), os.Chmod(path, 0o666)); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.MigrateForApplication(t.Context(), path); !errors.Is(err, refresh.ErrOwnForm) {
		t.Fatal(err)
	}
	store := openStore(t, path)
	unlock, err := store.Lock(t.Context(), "refresh")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	tasks, err := store.OpenTasks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tasks.Close()
	for _, name := range []string{"migrate", "refresh", "tasks"} {
		info, err := os.Stat(path + "." + name + ".lock")
		if err != nil {
			t.Fatal(err)
		}
		owner := info.Sys().(*syscall.Stat_t)
		diff(t, []int{int(owner.Uid), int(owner.Gid), int(info.Mode())}, []int{uid, gid, 0o666})
	}
}

// A lock file that is there keeps its owner: it may be a link to a file of root's.
func TestLockFileOfAnotherStays(t *testing.T) {
	path := newPath(t)
	store := openStore(t, path)
	other := filepath.Join(t.TempDir(), "other")
	if err := errors.Join(os.WriteFile(other, nil, 0o600), os.Chmod(path, 0o666), os.Symlink(other, path+".refresh.lock")); err != nil {
		t.Fatal(err)
	}
	unlock, err := store.Lock(t.Context(), "refresh")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	info, err := os.Stat(other)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, info.Mode(), 0o600)
}

// contents reads all files under a directory.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			files[path] = ""
			return err
		}
		// The marks of readers in the shared memory of a write-ahead log are no content.
		if strings.HasSuffix(path, "-shm") {
			files[path] = ""
			return nil
		}
		content, err := os.ReadFile(path)
		files[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

func diff[T any](t *testing.T, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
