package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"papertrade/internal/fakevantage"
	"papertrade/pkg/exchange"
)

// built returns the programs as they are installed: under the race detector, what takes a backfill seconds
// takes minutes. The first test that asks for them builds them.
func built(t *testing.T) (papertrade, vendor string) {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(builtDir, "papertrade"), filepath.Join(builtDir, "fakevantage")
}

var (
	builtDir string // which TestMain removes
	build    = sync.OnceValue(func() (err error) {
		if builtDir, err = os.MkdirTemp("", "papertrade-built-"); err != nil {
			return err
		}
		build := exec.Command("go", "build", "-o", builtDir+"/", ".", "../../internal/fakevantage/cmd/fakevantage")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build papertrade and fakevantage: %w\n%s", err, output)
		}
		return nil
	})
)

// startProcess runs a program in a process of its own, on a database and a vendor of a test.
func startProcess(t *testing.T, program string, db *database, vendorURL string, args ...string) (cmd *exec.Cmd, stderr *bufio.Scanner) {
	t.Helper()
	cmd = exec.Command(program, args...)
	cmd.Env = append(environWithoutSettings(), "HOME="+t.TempDir(), "GORACE=atexit_sleep_ms=0", "PAPERTRADE_DATABASE_URL="+db.url,
		"ALPHAVANTAGE_API_KEY="+apiKey, "PAPERTRADE_ALPHAVANTAGE_BASE_URL="+vendorURL,
		"PAPERTRADE_ALPHAVANTAGE_RATE_LIMITS=1000/1s", "PAPERTRADE_REFRESH_BATCH_DELAY=0s")
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // which fails where it has ended
	return cmd, bufio.NewScanner(pipe)
}

// finish waits for a process, and holds it to its exit status.
func finish(t *testing.T, cmd *exec.Cmd, stderr *bufio.Scanner, status int) {
	t.Helper()
	var log strings.Builder
	for stderr.Scan() {
		log.WriteString(stderr.Text() + "\n")
	}
	_ = cmd.Wait() // its status is what is asked about
	if cmd.ProcessState.ExitCode() != status {
		t.Errorf("%v: status %d, want %d:\n%s", cmd.Args, cmd.ProcessState.ExitCode(), status, log.String())
	}
}

func rows(t *testing.T, db *database, query string) []string {
	t.Helper()
	text, err := db.query(query)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(text)
}

// A backfill of five years that is killed and called again leaves exactly the sessions of each exchange,
// each once, and asks for no ticker that was committed a second time.
func TestAKilledBackfillIsFinishedByTheNext(t *testing.T) {
	papertrade, vendor := built(t)
	for _, kind := range []string{"sqlite-own", "postgres-own"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			db, err := startDatabases(t, kind).create(dir, kind)
			if err != nil {
				t.Fatal(err)
			}
			log := filepath.Join(dir, "arrivals.jsonl")
			vendorURL := startVendorOf(t, vendor, "--log", log, "--at", "2026-11-21T00:00:00Z", "--entitled")
			symbols := make([]string, 50)
			for i := range symbols {
				symbols[i] = fmt.Sprintf("T%02d", i) + []string{"", ".LON", ".DEX", ".TRT", ""}[i%5]
			}
			args := append([]string{"backfill", "--from", "2021-11-22", "--at", "2026-11-21"}, symbols...)
			killed := 0
			for i := range 3 {
				cmd, stderr := startProcess(t, papertrade, db, vendorURL, args...)
				for batches := 0; batches < 1+i && stderr.Scan(); {
					if strings.Contains(stderr.Text(), "batch committed") {
						batches++
					}
				}
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				finish(t, cmd, stderr, -1)
				killed++
			}
			cmd, stderr := startProcess(t, papertrade, db, vendorURL, args...)
			finish(t, cmd, stderr, 0)

			var want []string
			from, to := exchange.Date{Year: 2021, Month: 11, Day: 22}, exchange.Date{Year: 2026, Month: 11, Day: 20}
			for _, symbol := range symbols {
				calendar, _ := exchange.ForSymbol(symbol)
				for _, session := range calendar.Sessions(from, to) {
					want = append(want, fmt.Sprintf("%s|%sT21:00:00Z", symbol, session))
				}
			}
			slices.Sort(want)
			got := rows(t, db, `select ticker, "timestamp" from price_history where "interval" = '1day'`)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%d bars, want the %d sessions, each once", len(got), len(want))
			}
			// What was asked for twice was under way when a process was killed: a batch at the most.
			if asked := arrivalsOf(t, log); len(asked) < 50 || len(asked) > 50+killed*5 {
				t.Errorf("%d calls for 50 tickers with %d kills", len(asked), killed)
			}
			if left := rows(t, db, `select count(*) from job_executions where status = 'RUNNING'`); left[0] != "0" {
				t.Errorf("%s runs are still RUNNING", left[0])
			}
			asked := len(arrivalsOf(t, log))
			cmd, stderr = startProcess(t, papertrade, db, vendorURL, args...)
			finish(t, cmd, stderr, 0)
			if again := len(arrivalsOf(t, log)) - asked; again != 0 {
				t.Errorf("%d calls of a backfill with nothing to do", again)
			}
		})
	}
}

func arrivalsOf(t *testing.T, log string) []fakevantage.Arrival {
	t.Helper()
	file, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	arrivals, err := fakevantage.ReadArrivals(file)
	if err != nil {
		t.Fatal(err)
	}
	return arrivals
}

// Two processes on one Postgres share the application's tasks without doing any twice; what one of them
// leaves when it is killed is taken up again.
func TestProcessesShareTheApplicationsTasks(t *testing.T) {
	t.Run("directly", func(t *testing.T) { shareTasks(t, func(url string) string { return url }) })
	t.Run("behind pgbouncer", func(t *testing.T) { shareTasks(t, cluster.Get(t).Pooler(t, "transaction", 2).URL) })
}

func shareTasks(t *testing.T, by func(url string) string) {
	databases := startDatabases(t, "postgres-own")
	papertrade, vendor := built(t)
	dir := t.TempDir()
	db, err := databases.create(dir, "postgres-own")
	if err != nil {
		t.Fatal(err)
	}
	db.url = by(db.url)
	log := filepath.Join(dir, "arrivals.jsonl")
	vendorURL := startVendorOf(t, vendor, "--log", log, "--at", "2026-11-21T00:00:00Z", "--latency", "5ms")
	insert := func(prefix string, tasks int) {
		t.Helper()
		if _, err := db.query(fmt.Sprintf(`insert into backfill_tasks (id, ticker, start_date, end_date, priority, status, created_at)
			select gen_random_uuid(), '%s' || n, '2026-11-02', '2026-11-13', case when n %% 3 = 0 then 'high' else 'low' end, 'pending', now()
			from generate_series(1, %d) as n`, prefix, tasks)); err != nil {
			t.Fatal(err)
		}
	}
	statuses := func() string {
		return strings.Join(rows(t, db, `select status, count(*) from backfill_tasks group by status order by status`), " ")
	}
	pending := []string{"backfill", "--pending", "--at", "2026-11-21"}

	insert("T", 200)
	first, firstLog := startProcess(t, papertrade, db, vendorURL, pending...)
	second, secondLog := startProcess(t, papertrade, db, vendorURL, pending...)
	finish(t, first, firstLog, 0)
	finish(t, second, secondLog, 0)
	if got := statuses(); got != "succeeded|200" {
		t.Errorf("tasks %s, want all succeeded", got)
	}
	if asked := arrivalsOf(t, log); len(asked) != 200 {
		t.Errorf("%d calls for 200 tasks", len(asked))
	}
	worked := rows(t, db, `select (metadata->'counts'->>'refreshed')::int from job_executions order by 1`)
	if len(worked) != 2 || worked[0] == "0" {
		t.Errorf("the processes did %v tasks, want both to do some", worked)
	}

	insert("U", 60)
	slow := startVendorOf(t, vendor, "--log", log, "--at", "2026-11-21T00:00:00Z", "--latency", "1s")
	victim, victimLog := startProcess(t, papertrade, db, slow, pending...)
	for !strings.Contains(statuses(), "running|") {
		time.Sleep(10 * time.Millisecond)
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	finish(t, victim, victimLog, -1)
	if got := statuses(); !strings.Contains(got, "running|") {
		t.Errorf("tasks %s, want some left running", got)
	}
	next, nextLog := startProcess(t, papertrade, db, vendorURL, pending...)
	finish(t, next, nextLog, 0)
	if got := statuses(); got != "succeeded|260" {
		t.Errorf("tasks %s, want all succeeded", got)
	}
	if left := rows(t, db, `select status, error_message from job_executions where status <> 'SUCCEEDED'`); len(left) == 0 || !strings.HasPrefix(left[0], "FAILED|") {
		t.Errorf("the killed run is %v, want it FAILED", left)
	}
}

// A run that is interrupted while it writes long series keeps what there is time for, and ends in time. A busy machine can leave it
// no time to write down how it ended, but not again and again.
func TestAnInterruptedBackfillKeepsWhatItCan(t *testing.T) {
	papertrade, vendor := built(t)
	for _, kind := range []string{"sqlite-own", "postgres-own"} {
		t.Run(kind, func(t *testing.T) {
			for range 3 {
				if interruptBackfill(t, papertrade, vendor, kind) != "RUNNING" {
					return
				}
			}
			t.Errorf("the runs are still RUNNING")
		})
	}
}

// interruptBackfill returns the status that the run has then.
func interruptBackfill(t *testing.T, papertrade, vendor, kind string) (status string) {
	t.Helper()
	dir := t.TempDir()
	db, err := startDatabases(t, kind).create(dir, kind)
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "arrivals.jsonl")
	vendorURL := startVendorOf(t, vendor, "--log", log, "--at", "2026-11-21T00:00:00Z", "--entitled")
	cmd, stderr := startProcess(t, papertrade, db, vendorURL, "backfill", "--from", "1999-11-01", "--at", "2026-11-21", "A", "B", "C", "D", "E")
	for len(arrivalsOf(t, log)) < 5 {
		time.Sleep(5 * time.Millisecond)
	}
	sent := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	done := 0 // where all was stored before the signal came
	for stderr.Scan() {
		if strings.Contains(stderr.Text(), `"status":"interrupted"`) {
			done = 143
		}
	}
	finish(t, cmd, stderr, done)
	if took := time.Since(sent); took > 5*time.Second { // 2 s, to which a busy machine adds
		t.Errorf("it ended after %v", took)
	}
	if got := rows(t, db, `select count(*) from (select ticker from price_history group by ticker having count(*) < 6000) as torn`); got[0] != "0" {
		t.Errorf("%s tickers are stored in part", got[0])
	}
	return rows(t, db, `select status from job_executions`)[0]
}
