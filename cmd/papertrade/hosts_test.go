package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/fakevantage"
	"papertrade/internal/pgtest"
)

// hostMain is the command onhost NAME COMMAND…, which gives the host that onHost has made its name.
func hostMain() {
	path, err := exec.LookPath(os.Args[2])
	err = errors.Join(err, syscall.Sethostname([]byte(os.Args[1])))
	if err == nil {
		err = syscall.Exec(path, os.Args[2:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// onHost returns a command that runs papertrade as on a host of its own: it has another name, and its processes cannot be seen
// from the other hosts. Who is not root becomes one in a user namespace for that.
func onHost(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("onhost", append([]string{name, "papertrade"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUTS | syscall.CLONE_NEWPID}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return cmd
}

// hosts share a database and a vendor.
type hosts struct {
	*testing.T
	database *database
	env      []string
	log      string // of what the vendor was asked
}

func newHosts(t *testing.T, kind string) *hosts {
	t.Helper()
	if err := onHost("alpha", "--version").Run(); err != nil {
		pgtest.LeaveOut(t, "tests of two hosts", fmt.Errorf("no namespace can be made (unshare --user --uts --pid): %w", err))
	}
	dir := t.TempDir()
	db, err := startDatabases(t, kind).create(dir, kind)
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "arrivals.jsonl")
	return &hosts{T: t, database: db, log: log, env: append(environWithoutSettings(),
		"HOME="+dir, "GORACE=atexit_sleep_ms=0", "PAPERTRADE_DATABASE_URL="+db.url, "ALPHAVANTAGE_API_KEY="+apiKey,
		"PAPERTRADE_ALPHAVANTAGE_RATE_LIMITS=1000/1s,500/day", "PAPERTRADE_REFRESH_BATCH_SIZE=2", "PAPERTRADE_REFRESH_BATCH_DELAY=300ms",
		"PAPERTRADE_ALPHAVANTAGE_BASE_URL="+startVendor(t, "--log", log, "--at", "2026-11-21T00:00:00Z", "--latency", "100ms"))}
}

// started is a papertrade on a host.
type started struct {
	*exec.Cmd
	stdout bytes.Buffer
	log    string // the file of its stderr
}

func (h *hosts) start(name string, args ...string) *started {
	h.Helper()
	p := &started{Cmd: onHost(name, args...), log: filepath.Join(h.TempDir(), "log")}
	log, err := os.Create(p.log)
	if err != nil {
		h.Fatal(err)
	}
	defer log.Close()
	p.Env, p.Stdout, p.Stderr = h.env, &p.stdout, log
	if err := p.Start(); err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { _ = p.Process.Kill() })
	return p
}

// run runs papertrade on a host, and returns its exit status and all that it says.
func (h *hosts) run(name string, args ...string) (status int, said string) {
	h.Helper()
	return h.end(h.start(name, args...))
}

func (h *hosts) end(p *started) (status int, said string) {
	h.Helper()
	_ = p.Wait() // its status says it
	return p.ProcessState.ExitCode(), p.stdout.String() + h.logOf(p)
}

func (h *hosts) logOf(p *started) string {
	h.Helper()
	text, err := os.ReadFile(p.log)
	if err != nil {
		h.Fatal(err)
	}
	return string(text)
}

// asked returns what the vendor was asked, in that order.
func (h *hosts) asked() (symbols []string) {
	h.Helper()
	text, err := os.ReadFile(h.log)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		h.Fatal(err)
	}
	complete := text[:bytes.LastIndexByte(text, '\n')+1]
	arrivals, err := fakevantage.ReadArrivals(bytes.NewReader(complete))
	if err != nil {
		h.Fatal(err)
	}
	for _, a := range arrivals {
		symbols = append(symbols, a.Symbols...)
	}
	return symbols
}

func (h *hosts) query(statement string) string {
	h.Helper()
	text, err := h.database.query(statement)
	if err != nil {
		h.Fatal(err)
	}
	return text
}

// Two hosts with one database and the same lines in their crontabs: one works, the other exits 4. When the first dies amid a batch,
// the other takes over, by its next line or because it waits, and asks for nothing that was committed.
func TestAnotherHostTakesOver(t *testing.T) {
	line := []string{"refresh", "--if-due", "--at", "2026-11-21T00:00:00Z"}
	for _, kind := range []string{"postgres-own", "sqlite-own"} {
		for name, takeOver := range map[string]func(h *hosts, killFirst func()) string{
			"by its next line": func(h *hosts, killFirst func()) string {
				killFirst()
				for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(200 * time.Millisecond) {
					switch status, said := h.run("beta", line...); status {
					case 0:
						return said
					case 4:
					default:
						h.Fatalf("exit status %d: %s", status, said)
					}
				}
				h.Fatal("it did not take over")
				return ""
			},
			"as it waits": func(h *hosts, killFirst func()) string {
				second := h.start("beta", append(line, "--wait", "10m")...)
				const waits = "waiting for another run to end"
				for began := time.Now(); !strings.Contains(h.logOf(second), waits); time.Sleep(10 * time.Millisecond) {
					if time.Since(began) > 30*time.Second {
						h.Fatalf("the second one does not wait: %s", h.logOf(second))
					}
				}
				killFirst()
				status, said := h.end(second)
				if status != 0 || strings.Count(said, waits) != 1 {
					h.Errorf("exit status %d: %s", status, said)
				}
				return said
			},
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				h := newHosts(t, kind)
				first := h.start("alpha", append(line, "--batch-delay", "3s")...) // in which others start
				for began := time.Now(); len(h.asked()) < 2; time.Sleep(10 * time.Millisecond) {
					if time.Since(began) > 30*time.Second {
						t.Fatal("the first one asked nothing")
					}
				}
				status, said := h.run("beta", line...)
				if status != 4 || kind == "postgres-own" && !strings.Contains(said, "it is process 1 of host alpha, since ") {
					t.Errorf("exit status %d: %s", status, said)
				}
				var committed []string
				said = takeOver(h, func() { committed = h.killAmidBatch(first) })
				if want := fmt.Sprintf(`"refreshed":%d,`, 7-len(committed)); !strings.Contains(said, want) {
					t.Errorf("it took over so, want %s: %s", want, said)
				}
				asked := h.asked()
				for _, symbol := range []string{"AAPL", "AMZN", "GOOGL", "META", "MSFT", "NVDA", "TSLA"} {
					times := strings.Count(" "+strings.Join(asked, " ")+" ", " "+symbol+" ")
					if times == 0 || times > 1 && slices.Contains(committed, symbol) {
						t.Errorf("%s was asked for %d times: %v; committed was %v", symbol, times, asked, committed)
					}
				}
				if len(asked) > 7+2 {
					t.Errorf("asked for %v, want no more than the batch that was under way twice", asked)
				}
				want := "FAILED|the process ended before the run did\nSUCCEEDED|\n"
				if diff := cmp.Diff(want, h.query(`select status, error_message from job_executions order by status`)); diff != "" {
					t.Errorf("runs (-want +got):\n%s", diff)
				}
				if got := h.query(`select count(*), count(distinct ticker) from price_history`); got != "7|7\n" {
					t.Errorf("%s rows and tickers, want 7|7", got)
				}
				if status, said := h.run("alpha", line...); status != 0 || !strings.Contains(said, "Not due: ") {
					t.Errorf("the next line of the first host, exit status %d: %s", status, said)
				}
			})
		}
	}
}

// killAmidBatch kills the first run once it asks for its second batch. On Postgres the minute of its lease has to pass then, which
// is made short here: nobody on another host can know that the process is gone. It returns the tickers that the run has committed.
func (h *hosts) killAmidBatch(first *started) (committed []string) {
	h.Helper()
	for began := time.Now(); len(h.asked()) < 3; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > 30*time.Second {
			h.Fatal("the first one has no second batch")
		}
	}
	if err := first.Process.Kill(); err != nil {
		h.Fatal(err)
	}
	_ = first.Wait() // it was killed
	committed = strings.Fields(h.query(`select ticker from price_history`))
	if h.database.driver != "pgx" {
		return committed
	}
	const lease = `from papertrade_leases where name = 'refresh_active_stocks'`
	if got := h.query(`select expires_at between now() + interval '30 s' and now() + interval '1 minute' ` + lease); got != "true\n" {
		h.Errorf("the lease lasts for %s", h.query(`select expires_at - now() `+lease))
	}
	before := len(h.asked())
	if status, said := h.run("beta", "status", "-o", "json", "--at", "2026-11-21T00:01:00Z"); status != 0 || !strings.Contains(said, `"host": "alpha"`) {
		h.Errorf("status, exit status %d: %s", status, said)
	}
	time.Sleep(1100 * time.Millisecond) // in which whoever waits asks again
	if got := h.asked(); len(got) != before {
		h.Errorf("asked for %v while the lease has not run out", got)
	}
	h.query(`update papertrade_leases set expires_at = now() where name = 'refresh_active_stocks' returning 1`)
	return committed
}
