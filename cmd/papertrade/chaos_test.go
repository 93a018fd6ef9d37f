//go:build !race

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/internal/fakevantage"
	"papertrade/internal/pgtest"
	"papertrade/internal/postgres"
	"papertrade/pkg/exchange"
)

// Variables that make chaos sets: all of it, and the seed of one that has failed.
const (
	chaosVariable = "PAPERTRADE_TEST_CHAOS"
	seedVariable  = "PAPERTRADE_TEST_SEED"
)

// chaos is a world in which real processes work night after night on a real database and a vendor, while a scenario
// lets something go wrong. What it saw is held against what is stored.
type chaos struct {
	*testing.T
	db       *database
	server   *pgtest.Cluster // of its own, if it is to go away
	standby  *pgtest.Cluster // of that
	vendor   *fakevantage.Server
	market   *atomic.Pointer[time.Time] // the time at the vendor
	dir      string
	env      []string
	random   *rand.Rand
	full     bool
	session  exchange.Date     // the newest that is completed
	after    time.Duration     // since the midnight after it, for the next command
	reported map[string]string // prices by "TICKER SESSION"
	output   bytes.Buffer      // of all commands
}

// What the key allows in all of these nights, and as the vendor counts it: a window is half a second shorter there, since a busy
// machine delays calls on their way by more than the hundredth that a limiter allows for.
const (
	chaosLimits  = "20/3s,20000/24h"
	chaosCalls   = 20
	chaosWindow  = 2500 * time.Millisecond
	chaosTimeout = 5 * time.Second // of a call
)

// chaosSymbols are those that a new watchlist has.
var chaosSymbols = []string{"AAPL", "AMZN", "GOOGL", "META", "MSFT", "NVDA", "TSLA"}

func newChaos(t *testing.T, kind string) *chaos {
	t.Helper()
	w := &chaos{
		T: t, dir: t.TempDir(), market: &atomic.Pointer[time.Time]{}, random: chaosRandom(t), full: os.Getenv(chaosVariable) == "full",
		session: exchange.Date{Year: 2026, Month: time.January, Day: 5}, reported: map[string]string{},
	}
	w.makeDatabase(kind)
	w.setMarket()
	w.vendor = fakevantage.New(fakevantage.Options{
		Now: func() time.Time { return *w.market.Load() }, Keys: []string{apiKey}, Latency: 10 * time.Millisecond,
		Limits: []fakevantage.Limit{{Calls: chaosCalls, Window: chaosWindow}},
	})
	server := httptest.NewServer(w.vendor)
	t.Cleanup(server.CloseClientConnections) // of calls that hang
	t.Cleanup(server.Close)
	w.env = append(environWithoutSettings(), "HOME="+w.dir, "GORACE=atexit_sleep_ms=0", "ALPHAVANTAGE_API_KEY="+apiKey,
		"PAPERTRADE_DATABASE_URL="+w.db.url, "PAPERTRADE_ALPHAVANTAGE_BASE_URL="+server.URL,
		"PAPERTRADE_ALPHAVANTAGE_RATE_LIMITS="+chaosLimits, "PAPERTRADE_ALPHAVANTAGE_TIMEOUT="+chaosTimeout.String(),
		"PAPERTRADE_REFRESH_BATCH_DELAY=0s", "PAPERTRADE_REFRESH_BATCH_SIZE=2", "PAPERTRADE_LOG_LEVEL=debug",
		"PAPERTRADE_METRICS_TEXTFILE="+filepath.Join(w.dir, "papertrade.prom"))
	return w
}

// makeDatabase makes a database of a kind, or of one more: postgres-alone and postgres-pair are in a cluster of their own, the
// latter with a standby; postgres-session and postgres-transaction are behind a pgbouncer in that mode.
func (w *chaos) makeDatabase(kind string) {
	w.Helper()
	shared := startDatabases(w.T, kind)
	mode := strings.TrimPrefix(kind, "postgres-")
	switch mode {
	case "alone":
		cluster, err := pgtest.Start(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		w.Cleanup(func() {
			if err := cluster.Stop(); err != nil {
				w.Error(err)
			}
		})
		w.server, shared = cluster, &databases{cluster}
	case "pair":
		w.server, w.standby = pgtest.Pair(w.T)
		shared = &databases{w.server}
	case "session", "transaction":
		kind = "postgres-own"
	}
	var err error
	if w.server == nil {
		w.db, err = shared.create(w.dir, kind)
	} else {
		w.db, err = shared.createPostgres("template0")
	}
	if err != nil {
		w.Fatal(err)
	}
	switch mode {
	case "alone", "pair":
		if _, err := postgres.Migrate(w.Context(), w.db.dsn); err != nil {
			w.Fatal(err)
		}
		// What the server has said to be committed is to outlive its processes, in all sessions to come.
		w.query(`alter database ` + strings.TrimSpace(w.query(`select current_database()`)) + ` set synchronous_commit = on`)
	case "session", "transaction":
		w.db.url = shared.cluster.Pooler(w.T, mode, 4).URL(w.db.url)
	}
	if w.standby != nil {
		w.db.url = w.standby.AddTo(w.db.url)
	}
}

// chaosRandom returns chances that can be had again.
func chaosRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	t.Logf("%s=%d", seedVariable, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// set gives commands settings from here on, which override those before.
func (w *chaos) set(settings ...string) {
	for _, setting := range settings {
		w.env = append(w.env, "PAPERTRADE_"+setting)
	}
}

// shuffle brings a list into a random order.
func shuffle[T any](w *chaos, list []T) {
	w.random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// upTo returns a random time up to a limit.
func (w *chaos) upTo(limit time.Duration) time.Duration {
	return time.Duration(w.random.Int64N(int64(limit)))
}

// rounds returns how often something is done: all of it takes long.
func (w *chaos) rounds(short, full int) int {
	if w.full {
		return full
	}
	return short
}

// nextNight goes to the midnight after the next session.
func (w *chaos) nextNight() {
	for w.session = w.session.AddDays(1); !exchange.XNYS.IsSession(w.session); {
		w.session = w.session.AddDays(1)
	}
	w.after = 0
	w.setMarket()
}

// setMarket tells the vendor the time.
func (w *chaos) setMarket() { w.market.Store(new(w.midnight().Add(12 * time.Hour))) }

func (w *chaos) midnight() time.Time { return w.session.AddDays(1).In(time.UTC) }

// at returns the flag of a command's time, each a minute after the one before.
func (w *chaos) at() string {
	w.after += time.Minute
	return "--at=" + w.midnight().Add(w.after).Format(time.RFC3339)
}

// chaosProcess is a command that is under way.
type chaosProcess struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	signal         syscall.Signal // that has been sent to it
	ended          chan struct{}
	err            error // after that
}

func (w *chaos) start(name string, args ...string) *chaosProcess {
	w.Helper()
	p := &chaosProcess{cmd: exec.Command(name, args...), ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = w.env, w.dir, &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		w.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	w.Cleanup(func() {
		_ = p.cmd.Process.Kill() // most have ended
		<-p.ended
	})
	return p
}

// end waits for a process and returns its exit status, -9 if it was killed.
func (w *chaos) end(p *chaosProcess) (status int) {
	w.Helper()
	late := time.AfterFunc(2*time.Minute, func() { _ = p.cmd.Process.Signal(syscall.SIGQUIT) }) // which shows where it hangs
	defer late.Stop()
	<-p.ended
	if p.err != nil && !errors.As(p.err, new(*exec.ExitError)) {
		w.Fatal(p.err)
	}
	w.output.Write(p.stdout.Bytes())
	w.output.Write(p.stderr.Bytes())
	if wait := p.cmd.ProcessState.Sys().(syscall.WaitStatus); wait.Signaled() {
		return -int(wait.Signal())
	}
	return p.cmd.ProcessState.ExitCode()
}

// chaosReport is what a run reports.
type chaosReport struct {
	RunID   string `json:"run_id"`
	Status  string
	Counts  struct{ Refreshed, Failed, Deferred int }
	Tickers []struct{ Ticker, Status, Session, Price string }
}

// startRefresh starts the run of the night.
func (w *chaos) startRefresh() *chaosProcess {
	w.Helper()
	return w.start("papertrade", "refresh", "-o", "json", w.at())
}

// endRefresh waits for a run, which says of itself what its exit status and its record say, and what is stored.
func (w *chaos) endRefresh(p *chaosProcess) (status int, report chaosReport) {
	w.Helper()
	status = w.end(p)
	if p.stdout.Len() == 0 && status != 0 {
		return status, report
	}
	if err := json.Unmarshal(p.stdout.Bytes(), &report); err != nil {
		if status >= 0 {
			w.Fatalf("status %d, and no report: %v\n%s%s", status, err, &p.stdout, &p.stderr)
		}
		return status, report
	}
	for _, ticker := range report.Tickers {
		if ticker.Status == "refreshed" {
			w.reported[ticker.Ticker+" "+ticker.Session] = ticker.Price
		}
	}
	want := map[string]int{"succeeded": 0, "partial": 3, "failed": 1, "deferred": 5, "locked": 4}[report.Status]
	switch {
	case report.Status == "deferred" && report.Counts.Refreshed > 0:
		want = 0
	case report.Status == "interrupted":
		want = 128 + int(p.signal)
	}
	if status != want && status >= 0 {
		w.Errorf("a run that %s ended with %d, want %d\n%s", report.Status, status, want, &p.stderr)
	}
	return status, report
}

// checkRecord fails if the record of a run says something else than the run did.
func (w *chaos) checkRecord(report chaosReport) {
	w.Helper()
	want := "SUCCEEDED"
	if report.Status == "failed" || report.Status == "interrupted" || report.Status == "deferred" && report.Counts.Refreshed == 0 {
		want = "FAILED"
	}
	if got := w.query(`select status from job_executions where id = '` + report.RunID + `'`); got != want+"\n" {
		w.Errorf("the record of a run that %s says %q", report.Status, got)
	}
}

func (w *chaos) query(statement string) string {
	w.Helper()
	text, err := w.db.query(statement)
	if err != nil {
		w.Fatalf("%s: %v", statement, err)
	}
	return text
}

// check is what holds after every scenario: the next plain run completes, says so everywhere, and stores what the vendor sent, once.
func (w *chaos) check() {
	w.Helper()
	began := time.Now()
	p := w.startRefresh()
	status, report := w.endRefresh(p)
	if status != 0 || report.Status != "succeeded" || len(report.Tickers) != len(chaosSymbols) || time.Since(began) > 30*time.Second {
		w.Fatalf("the plain run %s with %d after %v\n%s%s", report.Status, status, time.Since(began), &p.stdout, &p.stderr)
	}
	w.checkRecord(report)
	w.checkStatus(report)
	w.checkStored()
	w.checkCalls()
	w.checkSecrets()
}

// checkStatus fails if status does not know of the last run, or of another that is still said to be under way.
func (w *chaos) checkStatus(report chaosReport) {
	w.Helper()
	if running := w.query(`select count(*) from job_executions where status = 'RUNNING'`); running != "0\n" {
		w.Errorf("%s runs are RUNNING", strings.TrimSpace(running))
	}
	at := w.at()
	if p := w.start("papertrade", "status", "--check", at); w.end(p) != 0 {
		w.Errorf("status --check: %s%s", &p.stdout, &p.stderr)
	}
	p := w.start("papertrade", "status", "-o", "json", at)
	var shown struct {
		Problems  []json.RawMessage
		Runs      []struct{ ID, Status string }
		Freshness struct{ Active, Fresh int }
	}
	if w.end(p) != 0 || json.Unmarshal(p.stdout.Bytes(), &shown) != nil {
		w.Fatalf("status: %s%s", &p.stdout, &p.stderr)
	}
	if len(shown.Problems) > 0 || len(shown.Runs) == 0 || shown.Runs[0].ID != report.RunID || shown.Runs[0].Status != "succeeded" ||
		shown.Freshness.Active != len(chaosSymbols) || shown.Freshness.Fresh != len(chaosSymbols) {
		w.Errorf("after run %s status is %s", report.RunID, &p.stdout)
	}
}

// checkStored fails if a row is not what the vendor sent, if one is there twice, or if one is missing that was reported.
func (w *chaos) checkStored() {
	w.Helper()
	stamp := `strftime('%Y-%m-%d %H:%M:%S', "timestamp")`
	if w.db.driver == "pgx" {
		stamp = `to_char("timestamp" at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')`
	}
	stored := map[string]string{}
	for line := range strings.Lines(w.query(`
select ticker, ` + stamp + `, cast(price_amount as text), cast(open_amount as text), cast(high_amount as text),
    cast(low_amount as text), cast(close_amount as text), volume, source, "interval", price_currency from price_history`)) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "|")
		day, hour, _ := strings.Cut(cells[1], " ")
		name := cells[0] + " " + day
		session, err := exchange.ParseDate(day)
		if err != nil || hour != "21:00:00" {
			w.Errorf("a row is %s", line)
		}
		if _, twice := stored[name]; twice {
			w.Errorf("%s is stored twice", name)
		}
		stored[name] = cells[2]
		bar, _ := w.vendor.Bar(cells[0], session)
		want := []string{bar.Close, bar.Open, bar.High, bar.Low, bar.Close, strconv.FormatInt(bar.Volume, 10), "alpha_vantage", "1day", "USD"}
		if got := cells[2:]; strings.Join(got, "|") != strings.Join(want, "|") && !w.isSpoiled(got, want) {
			w.Errorf("%s is stored as %v, and was sent as %v", name, got, want)
		}
	}
	for name, price := range w.reported {
		if got, found := stored[name]; !found || !decimal.RequireFromString(got).Equal(decimal.RequireFromString(price)) {
			w.Errorf("%s was reported with %s, and is stored with %q", name, price, got)
		}
	}
	for _, symbol := range chaosSymbols {
		if _, found := stored[symbol+" "+w.session.String()]; !found {
			w.Errorf("%s is not stored", symbol)
		}
	}
}

// isSpoiled reports whether a row is what the vendor sent of a price alone.
func (w *chaos) isSpoiled(got, want []string) bool {
	return got[0] == want[0] && strings.Join(got[1:4], "") == "" && strings.Join(got[6:], "|") == strings.Join(want[6:], "|")
}

// checkCalls fails if the vendor got more calls than the key allows, or some that are in no ledger.
func (w *chaos) checkCalls() {
	w.Helper()
	arrivals := w.vendor.Arrivals()
	if most := fakevantage.MaxInWindow(arrivals, chaosWindow); most > chaosCalls {
		w.Errorf("the vendor got %d calls in %v", most, chaosWindow)
	}
	counted, err := strconv.Atoi(strings.TrimSpace(w.query(`select sum(cost) from papertrade_calls`)))
	if err != nil || counted < len(arrivals) {
		w.Errorf("the ledger has %d calls, %v; the vendor got %d", counted, err, len(arrivals))
	}
}

// checkSecrets fails if a secret is in what was printed, or in any byte that was written.
func (w *chaos) checkSecrets() {
	w.Helper()
	texts := map[string][]byte{"the output": w.output.Bytes()}
	if w.db.driver == "pgx" {
		for table := range strings.FieldsSeq(w.query(`
select quote_ident(table_schema) || '.' || quote_ident(table_name) from information_schema.tables
where table_schema not in ('pg_catalog', 'information_schema')`)) {
			texts[table] = []byte(w.query(`select row::text from ` + table + ` as row`))
		}
	}
	err := filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		texts[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	for name, text := range texts {
		for _, secret := range []string{apiKey, databasePassword} {
			if bytes.Contains(bytes.ToLower(text), bytes.ToLower([]byte(secret))) {
				w.Errorf("%s is in %s", secret, name)
			}
		}
	}
}
