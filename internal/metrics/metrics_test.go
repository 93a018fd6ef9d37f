package metrics_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"papertrade/internal/metrics"
)

var midnight = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

var succeeded = metrics.Run{
	Kind: metrics.Refresh, Status: "succeeded", Succeeded: true, EndedAt: midnight.Add(72*time.Second + 340*time.Millisecond),
	Duration: 72*time.Second + 340*time.Millisecond, Tickers: map[string]int{"refreshed": 5, "fresh": 2}, Calls: 6, Stale: 2,
}

func write(t *testing.T, path string, run metrics.Run, gauges *metrics.Gauges) {
	t.Helper()
	if err := metrics.Write(path, run, gauges); err != nil {
		t.Fatal(err)
	}
}

// lines returns the lines of the file that begin with name, trimmed.
func lines(t *testing.T, path, name string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(content)) {
		if strings.HasPrefix(line, name) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

func sameLines(t *testing.T, path, name string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, lines(t, path, name)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "papertrade.prom")
	write(t, path, succeeded, &metrics.Gauges{ActiveTickers: 8, SessionsBehind: 1, HeldPrices: 2, PendingSplits: 3, QuotaRemaining: map[string]int{"1m": 0, "day": 494}})
	sameLines(t, path, "papertrade_",
		`papertrade_active_tickers 8`,
		`papertrade_held_prices 2`,
		`papertrade_last_run_calls{kind="refresh"} 6`,
		`papertrade_last_run_duration_seconds{kind="refresh"} 72.34`,
		`papertrade_last_run_stale_answers{kind="refresh"} 2`,
		`papertrade_last_run_status{kind="refresh",status="deferred"} 0`,
		`papertrade_last_run_status{kind="refresh",status="failed"} 0`,
		`papertrade_last_run_status{kind="refresh",status="interrupted"} 0`,
		`papertrade_last_run_status{kind="refresh",status="partial"} 0`,
		`papertrade_last_run_status{kind="refresh",status="succeeded"} 1`,
		`papertrade_last_run_tickers{kind="refresh",outcome="deferred"} 0`,
		`papertrade_last_run_tickers{kind="refresh",outcome="failed"} 0`,
		`papertrade_last_run_tickers{kind="refresh",outcome="fresh"} 2`,
		`papertrade_last_run_tickers{kind="refresh",outcome="refreshed"} 5`,
		`papertrade_last_run_tickers{kind="refresh",outcome="skipped"} 0`,
		`papertrade_last_run_timestamp_seconds{kind="refresh"} 1.79521927234e+09`,
		`papertrade_last_success_timestamp_seconds{kind="refresh"} 1.79521927234e+09`,
		`papertrade_pending_splits 3`,
		`papertrade_quota_remaining_calls{window="1m"} 0`,
		`papertrade_quota_remaining_calls{window="day"} 494`,
		`papertrade_runs_total{kind="refresh",status="closed"} 0`,
		`papertrade_runs_total{kind="refresh",status="deferred"} 0`,
		`papertrade_runs_total{kind="refresh",status="disabled"} 0`,
		`papertrade_runs_total{kind="refresh",status="failed"} 0`,
		`papertrade_runs_total{kind="refresh",status="interrupted"} 0`,
		`papertrade_runs_total{kind="refresh",status="locked"} 0`,
		`papertrade_runs_total{kind="refresh",status="not_due"} 0`,
		`papertrade_runs_total{kind="refresh",status="partial"} 0`,
		`papertrade_runs_total{kind="refresh",status="succeeded"} 1`,
		`papertrade_stalest_ticker_sessions_behind 1`,
	)
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("mode %v, want one that the node exporter can read (%v)", info.Mode(), err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if problems, err := promlint.New(file).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("it left %v behind (%v)", left, err)
	}
}

// A run that fails without having reached the store keeps the last success and the gauges.
func TestFailedRunKeepsTheLastSuccess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "papertrade.prom")
	write(t, path, succeeded, &metrics.Gauges{ActiveTickers: 8, SessionsBehind: 1, QuotaRemaining: map[string]int{"day": 494}})
	write(t, path, metrics.Run{Kind: metrics.Refresh, Status: "failed", EndedAt: midnight.AddDate(0, 0, 1)}, nil)
	sameLines(t, path, "papertrade_last_success", `papertrade_last_success_timestamp_seconds{kind="refresh"} 1.79521927234e+09`)
	sameLines(t, path, "papertrade_last_run_timestamp", `papertrade_last_run_timestamp_seconds{kind="refresh"} 1.7953056e+09`)
	sameLines(t, path, `papertrade_last_run_status{kind="refresh",status="failed"}`, `papertrade_last_run_status{kind="refresh",status="failed"} 1`)
	sameLines(t, path, `papertrade_last_run_status{kind="refresh",status="succeeded"}`, `papertrade_last_run_status{kind="refresh",status="succeeded"} 0`)
	sameLines(t, path, `papertrade_last_run_tickers{kind="refresh",outcome="refreshed"}`, `papertrade_last_run_tickers{kind="refresh",outcome="refreshed"} 0`)
	sameLines(t, path, "papertrade_stalest", `papertrade_stalest_ticker_sessions_behind 1`)
	sameLines(t, path, "papertrade_quota", `papertrade_quota_remaining_calls{window="day"} 494`)

	// The limits have changed by the time the store can be queried again: those that are gone have no series.
	write(t, path, succeeded, &metrics.Gauges{QuotaRemaining: map[string]int{"1s": 1}})
	sameLines(t, path, "papertrade_quota", `papertrade_quota_remaining_calls{window="1s"} 1`)
	sameLines(t, path, "papertrade_stalest", `papertrade_stalest_ticker_sessions_behind 0`)
}

// Runs that had nothing to do and runs of another kind leave the series that alerts are based on as they are.
func TestOtherRunsLeaveTheRefreshAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "papertrade.prom")
	write(t, path, succeeded, nil)
	before := lines(t, path, "papertrade_last")
	for _, status := range []string{"locked", "not_due", "not_due", "disabled"} {
		write(t, path, metrics.Run{Kind: metrics.Refresh, Status: status, Succeeded: true, EndedAt: midnight.AddDate(0, 0, 1)}, nil)
	}
	if diff := cmp.Diff(before, lines(t, path, "papertrade_last")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	sameLines(t, path, `papertrade_runs_total{kind="refresh",status="locked"}`, `papertrade_runs_total{kind="refresh",status="locked"} 1`)
	sameLines(t, path, `papertrade_runs_total{kind="refresh",status="not_due"}`, `papertrade_runs_total{kind="refresh",status="not_due"} 2`)
	sameLines(t, path, `papertrade_runs_total{kind="refresh",status="succeeded"}`, `papertrade_runs_total{kind="refresh",status="succeeded"} 1`)

	write(t, path, metrics.Run{Kind: "backfill", Status: "failed", EndedAt: midnight.AddDate(0, 0, 2), Calls: 3}, nil)
	sameLines(t, path, "papertrade_last_run_calls", `papertrade_last_run_calls{kind="backfill"} 3`, `papertrade_last_run_calls{kind="refresh"} 6`)
	sameLines(t, path, "papertrade_last_success",
		`papertrade_last_success_timestamp_seconds{kind="backfill"} 0`, `papertrade_last_success_timestamp_seconds{kind="refresh"} 1.79521927234e+09`)
}

// If the file is new, the last refresh comes from the store; from then on, from the file.
func TestNewFileTakesTheLastSuccessFromTheStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "papertrade.prom")
	write(t, path, metrics.Run{Kind: metrics.Refresh, Status: "failed", EndedAt: midnight.Add(time.Minute)}, &metrics.Gauges{LastRefresh: midnight})
	write(t, path, metrics.Run{Kind: metrics.Refresh, Status: "not_due"}, &metrics.Gauges{LastRefresh: midnight.Add(time.Hour)})
	sameLines(t, path, "papertrade_last_success", `papertrade_last_success_timestamp_seconds{kind="refresh"} 1.7952192e+09`)
}

// A file that cannot be read as metrics does not keep new ones from being written.
func TestDamagedFileIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "papertrade.prom")
	for _, content := range []string{
		"", "hello\nthere", "# TYPE papertrade_runs_total counter\npapertrade_runs_total{kind=\"refresh\",status=\"succeeded\"} -3\n",
		"# TYPE papertrade_runs_total counter\npapertrade_runs_total{job=\"refresh\"} 3\npapertrade_runs_total{kind=\"refr",
		"# TYPE another_total counter\nanother_total 3\n",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		write(t, path, succeeded, nil)
		sameLines(t, path, `papertrade_runs_total{kind="refresh",status="succeeded"}`, `papertrade_runs_total{kind="refresh",status="succeeded"} 1`)
		if got := lines(t, path, "another"); len(got) > 0 {
			t.Errorf("%v is not a metric of papertrade", got)
		}
	}
}

// The run of each concurrent writer is counted.
func TestWritersTakeTurns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "papertrade.prom")
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			if err := metrics.Write(path, succeeded, nil); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	sameLines(t, path, `papertrade_runs_total{kind="refresh",status="succeeded"}`, `papertrade_runs_total{kind="refresh",status="succeeded"} 10`)
}

func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, dir, "/dev/null"} {
		if err := metrics.Write(path, succeeded, nil); err == nil || !strings.Contains(err.Error(), path+" is not a regular file") {
			t.Errorf("error %v, want one about %s", err, path)
		}
	}
	if err := metrics.Write(filepath.Join(dir, "none", "papertrade.prom"), succeeded, nil); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("error %v, want one that names the folder", err)
	}
	other := flock.New(dir, flock.SetFlag(os.O_RDONLY))
	if err := other.Lock(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "papertrade.prom")
	if err := metrics.Write(path, succeeded, nil); err == nil || !strings.Contains(err.Error(), "another process is writing "+path) {
		t.Errorf("error %v, want one about another process", err)
	}
}

// A symbolic link stays one, also if what it points to is not there yet.
func TestWriteThroughALink(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "served"), 0o700); err != nil {
		t.Fatal(err)
	}
	target, link, another := filepath.Join(dir, "served", "a.prom"), filepath.Join(dir, "link.prom"), filepath.Join(dir, "another.prom")
	for from, to := range map[string]string{link: filepath.Join("served", "a.prom"), another: link} {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		write(t, another, succeeded, nil)
	}
	sameLines(t, target, `papertrade_runs_total{kind="refresh",status="succeeded"}`, `papertrade_runs_total{kind="refresh",status="succeeded"} 2`)
	for _, path := range []string{link, another} {
		if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
}

// A run for an earlier time does not move the last success back; one after a run whose clock was a year ahead does.
func TestTheLastSuccessIsTheNewest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "papertrade.prom")
	const name = `papertrade_last_success_timestamp_seconds{kind="refresh"}`
	at := func(at time.Time) metrics.Run {
		run := succeeded
		run.EndedAt = at
		return run
	}
	write(t, path, at(midnight), nil)
	before := lines(t, path, name)
	write(t, path, at(midnight.AddDate(0, -1, 0)), nil)
	sameLines(t, path, name, before...)
	write(t, path, at(time.Now().AddDate(1, 0, 0)), nil)
	write(t, path, at(midnight), nil)
	sameLines(t, path, name, before...)
}
