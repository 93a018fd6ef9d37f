package main

import (
	"bufio"
	"context"
	dbsql "database/sql"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"papertrade/internal/config"
	"papertrade/internal/fakevantage"
	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
)

// quotesMain is the command quotes: a process that asks for so many quotes as papertrade does, in blocks
// of five, and takes part in no lock.
func quotesMain() {
	if err := quotes(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func quotes(count string) error {
	ctx := context.Background()
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	c, err := config.Load(config.Inputs{Environ: os.Environ()})
	if err != nil {
		return err
	}
	key, err := c.Key(c.Provider())
	if err != nil {
		return err
	}
	db, err := openStore(ctx, c, newUnlessExpected)
	if err != nil {
		return err
	}
	defer db.Close()
	job, err := newJob(c, db, key.Reveal(), quota.MachineClock, nil)
	if err != nil {
		return err
	}
	vendor := job.Vendors[0]
	quote := marketdata.Question{
		Capability: vendor.Provider.Capabilities()[0], Tickers: []marketdata.Ticker{marketdata.MustParseTicker("IBM")},
	}
	for i := range n {
		if i%5 == 0 {
			vendor.Limiter.Announce(1, 1, 1, 1, 1)
		}
		if _, err := vendor.Provider.Ask(ctx, quote); err != nil {
			return err
		}
	}
	return vendor.Limiter.Close(ctx)
}

// Real processes with one key and one database, some of them killed at random points, never exceed a
// window of the vendor together, which sees each of their calls. The vendor's window is shorter by what a busy machine may delay calls
// on their way: of a window of a few seconds, that is more than the hundredth that a limiter allows for.
func TestProcessesKeepToTheLimitsTogether(t *testing.T) {
	for _, kind := range []string{"sqlite-own", "postgres-own"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			db, err := startDatabases(t, kind).create(dir, kind)
			if err != nil {
				t.Fatal(err)
			}
			log := filepath.Join(dir, "arrivals.jsonl")
			env := append(environWithoutSettings(),
				"HOME="+dir, "GORACE=atexit_sleep_ms=0", "PAPERTRADE_DATABASE_URL="+db.url, "ALPHAVANTAGE_API_KEY="+apiKey,
				"PAPERTRADE_ALPHAVANTAGE_BASE_URL="+startVendor(t, "--log", log, "--at", "2026-11-21T00:00:00Z", "--limit", "40/1600ms", "--limit", "400/day"),
				"PAPERTRADE_ALPHAVANTAGE_RATE_LIMITS=40/2s,400/day", "PAPERTRADE_ALPHAVANTAGE_TIMEOUT=2s", "PAPERTRADE_REFRESH_BATCH_DELAY=0s")
			process := func(name string, args ...string) *exec.Cmd {
				cmd := exec.Command(name, args...)
				cmd.Env = env
				cmd.Stderr = &strings.Builder{}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				return cmd
			}
			if err := process("papertrade", "migrate").Wait(); err != nil { // which makes the database
				t.Fatal(err)
			}
			for range 3 {
				victim, refresh := process("quotes", "1000"), process("papertrade", "refresh", "--at", "2026-11-21", "--force")
				others := []*exec.Cmd{process("quotes", "12"), process("quotes", "9")}
				time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond)
				if err := victim.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				_ = victim.Wait() // it was killed
				for _, cmd := range append(others, refresh) {
					if err := cmd.Wait(); err != nil {
						t.Errorf("%v: %v\n%s", cmd.Args, err, cmd.Stderr)
					}
				}
			}
			checkArrivals(t, log)
		})
	}
}

func startVendor(t *testing.T, flags ...string) (url string) {
	t.Helper()
	return startVendorOf(t, "fakevantage", flags...)
}

func startVendorOf(t *testing.T, program string, flags ...string) (url string) {
	t.Helper()
	server := exec.Command(program, append([]string{"--until-eof"}, flags...)...)
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = server.Wait() // it ends with its stdin
	})
	url, err = bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(url)
}

func checkArrivals(t *testing.T, log string) {
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
	for _, a := range arrivals {
		if a.Outcome != fakevantage.Answered {
			t.Errorf("a call at %v was refused: %s", a.Time, a.Outcome)
		}
	}
	// Three rounds of 7, 12 and 9 calls, and those of the victims.
	if most := fakevantage.MaxInWindow(arrivals, 1600*time.Millisecond); most > 40 || most < 5 || len(arrivals) < 3*(7+12+9) {
		t.Errorf("%d calls, up to %d of them in a window; want at most 40", len(arrivals), most)
	}
}

// A database and a monitor that do not answer hold up an interrupted run for about 1.5 s, to which a busy machine adds, and not at all
// after a second signal, which kills it: SQLite that another program keeps locked, Postgres behind a network that is stuck.
func TestSignalsEndARunThatCannotCommit(t *testing.T) {
	for kind, stall := range map[string]func(*testing.T, *database) (stop func()){
		"sqlite-own": stallSQLite, "postgres-own": stallPostgres,
	} {
		const within = 5 * time.Second
		for signals, want := range map[int]int{1: 143, 2: -1} {
			t.Run(fmt.Sprint(kind, signals), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				db, err := startDatabases(t, kind).create(dir, kind)
				if err != nil {
					t.Fatal(err)
				}
				stop := stall(t, db)
				cmd := exec.Command("papertrade", "refresh", "--at", "2026-11-21")
				cmd.Env = append(environWithoutSettings(), "HOME="+dir, "GORACE=atexit_sleep_ms=0", "ALPHAVANTAGE_API_KEY="+apiKey,
					"PAPERTRADE_DATABASE_URL="+db.url, "PAPERTRADE_ALPHAVANTAGE_RATE_LIMITS=100/1s", "PAPERTRADE_REFRESH_BATCH_SIZE=1",
					"PAPERTRADE_PING_URL="+serveMonitor(t, "200", "hang"), "PAPERTRADE_METRICS_TEXTFILE="+filepath.Join(dir, "papertrade.prom"),
					"PAPERTRADE_ALPHAVANTAGE_BASE_URL="+startVendor(t, "--at", "2026-11-21T00:00:00Z", "--latency", "200ms"))
				stderr, err := cmd.StderrPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				lines := bufio.NewScanner(stderr)
				for lines.Scan() && !strings.Contains(lines.Text(), "batch committed") {
				}
				stop()
				time.Sleep(300 * time.Millisecond) // until it waits for the database
				start := time.Now()
				for range signals {
					if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
						t.Fatal(err)
					}
					time.Sleep(100 * time.Millisecond)
				}
				for lines.Scan() {
					t.Log(lines.Text())
				}
				_ = cmd.Wait() // its status is what is asked about
				if took := time.Since(start); cmd.ProcessState.ExitCode() != want || took > within {
					t.Errorf("status %d after %v, want %d within %v", cmd.ProcessState.ExitCode(), took, want, within)
				}
			})
		}
	}
}

// stallSQLite locks the database from stop on.
func stallSQLite(t *testing.T, db *database) (stop func()) {
	return func() {
		other, err := dbsql.Open(db.driver, db.dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { other.Close() })
		if _, err := other.Exec("pragma busy_timeout = 1000; begin immediate"); err != nil {
			t.Fatal(err)
		}
	}
}

// stallPostgres leads the way to the database over a network that is stuck from stop on.
func stallPostgres(t *testing.T, db *database) (stop func()) {
	address, err := url.Parse(db.url)
	if err != nil {
		t.Fatal(err)
	}
	server := address.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	address.Host = listener.Addr().String()
	db.url = address.String()
	var stuck atomic.Bool
	forward := func(to, from net.Conn) {
		defer to.Close()
		buffer := make([]byte, 1<<16)
		for {
			n, err := from.Read(buffer)
			for stuck.Load() && err == nil {
				time.Sleep(10 * time.Millisecond)
			}
			if err != nil {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", server)
			if err != nil {
				from.Close()
				continue
			}
			go forward(to, from)
			go forward(from, to)
		}
	}()
	t.Cleanup(func() { stuck.Store(false) })
	return func() { stuck.Store(true) }
}
