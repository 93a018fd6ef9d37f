//go:build !race

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"papertrade/internal/fakevantage"
)

// Whatever stands between, nothing is lost, nothing doubled and nothing leaked.
func TestChaos(t *testing.T) {
	sqlite, postgres := []string{"sqlite-own"}, []string{"postgres-own"}
	both := append(sqlite, postgres...)
	type scenario struct {
		name  string
		kinds []string
		play  func(*chaos)
	}
	scenarios := []scenario{
		{"kills", both, (*chaos).kills},
		{"vices", both, (*chaos).vices},
		{"refusals", both, (*chaos).refusals},
		{"signals", both, (*chaos).signals},
		{"rivals", both, (*chaos).rivals},
		{"full file system", sqlite, (*chaos).fullFileSystem},
		{"damaged file", sqlite, (*chaos).damagedFile},
		{"full disk", postgres, (*chaos).fullDisk},
		{"cut connections", postgres, (*chaos).cutConnections},
		{"terminated sessions", postgres, (*chaos).terminatedSessions},
		{"restarts", []string{"postgres-alone"}, (*chaos).restarts},
		{"pooler", []string{"postgres-transaction"}, (*chaos).pooler},
	}
	if os.Getenv(chaosVariable) == "full" {
		scenarios = append(scenarios,
			scenario{"clock jumps", both, (*chaos).clockJumps}, // whose program takes minutes to build
			scenario{"promotion", []string{"postgres-pair"}, (*chaos).promotion},
			scenario{"pooler", []string{"postgres-session"}, (*chaos).pooler})
	}
	for _, scenario := range scenarios {
		for _, kind := range scenario.kinds {
			t.Run(scenario.name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				w := newChaos(t, kind)
				w.check()
				scenario.play(w)
			})
		}
	}
}

// kills ends runs by -9 at any point: before they have begun, in a call, in a commit, in their last word.
func (w *chaos) kills() { w.kill(w.rounds(3, 100)) }

func (w *chaos) kill(runs int) {
	began := time.Now()
	w.nextNight()
	w.check()
	took := time.Since(began) / 2 // there are runs of status in it
	for range runs {
		w.nextNight()
		p := w.startRefresh()
		time.Sleep(w.upTo(took))
		if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
			w.Log("it had ended: ", err)
		}
		w.endRefresh(p)
		w.check()
	}
}

// vices has the vendor do all that it is known for, to some symbols once and to others again and again, and to all of them. The
// two that it treats well are stored in the same night.
func (w *chaos) vices() {
	vices := []fakevantage.Outcome{
		fakevantage.NonePrice, fakevantage.DashPrice, fakevantage.EmptyPrice, fakevantage.ZeroPrice, fakevantage.NegativePrice,
		fakevantage.MissingPrice, fakevantage.PriceOnly, fakevantage.ServerError, fakevantage.Unavailable, fakevantage.CutConnection,
		fakevantage.TruncatedJSON, fakevantage.HTMLBody, fakevantage.Forbidden, fakevantage.EmptyObject, fakevantage.NoFunction,
		fakevantage.HugeBody, fakevantage.HostileNotice, fakevantage.HostilePrice, fakevantage.Redirect, fakevantage.Hang,
		fakevantage.Drip, fakevantage.Bomb, fakevantage.Garbage, fakevantage.OtherSymbol, fakevantage.Unknown,
	}
	const sick = 5
	w.set("ALPHAVANTAGE_TIMEOUT=500ms", "REFRESH_CONCURRENCY=5", "REFRESH_BATCH_SIZE=5", fmt.Sprint("ALPHAVANTAGE_ATTEMPTS=", w.rounds(1, 2)))
	for range w.rounds(1, 3) {
		shuffle(w, vices)
		for some := range slices.Chunk(vices, sick) {
			w.nextNight()
			symbols := slices.Clone(chaosSymbols)
			shuffle(w, symbols)
			for i, vice := range some {
				w.vendor.Fault(symbols[i], vice, []int{1, fakevantage.Always}[w.random.IntN(2)])
			}
			w.endureVices(fmt.Sprint(some), symbols[sick:])
			w.recover(symbols)
		}
		for _, vice := range vices[:w.rounds(1, 6)] {
			w.nextNight()
			w.vendor.Fault(fakevantage.AnySymbol, vice, fakevantage.Always)
			w.endureVices(string(vice), nil)
			w.recover([]string{fakevantage.AnySymbol})
		}
	}
}

// refusals has the vendor refuse the key, or what it asks for.
func (w *chaos) refusals() {
	for _, refusal := range []fakevantage.Outcome{fakevantage.Premium, fakevantage.Credentials} {
		w.nextNight()
		w.vendor.Fault(fakevantage.AnySymbol, refusal, w.random.IntN(3)+1)
		w.endureVices(string(refusal), nil)
		w.recover([]string{fakevantage.AnySymbol})
	}
}

// endureVices runs while the vendor misbehaves, but to the healthy symbols.
func (w *chaos) endureVices(vices string, healthy []string) {
	w.Helper()
	began := time.Now()
	p := w.startRefresh()
	status, report := w.endRefresh(p)
	if status < 0 || report.Status == "" || time.Since(began) > 30*time.Second {
		w.Fatalf("%s: the run %s with %d after %v\n%s", vices, report.Status, status, time.Since(began), &p.stderr)
	}
	w.checkRecord(report)
	for _, symbol := range healthy {
		if w.reported[symbol+" "+w.session.String()] == "" {
			w.Errorf("%s: %s was not refreshed\n%s%s", vices, symbol, &p.stdout, &p.stderr)
		}
	}
}

// recover has the vendor behave again, in the next night.
func (w *chaos) recover(symbols []string) {
	w.Helper()
	for _, symbol := range symbols {
		w.vendor.ClearFaults(symbol)
	}
	w.nextNight()
	w.check()
}

// signals ends runs by the signals of cron, systemd and terminals at any point.
func (w *chaos) signals() {
	for range w.rounds(2, 20) {
		w.nextNight()
		p := w.startRefresh()
		time.Sleep(w.upTo(250 * time.Millisecond))
		p.signal = []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}[w.random.IntN(2)]
		_ = p.cmd.Process.Signal(p.signal) // it may have ended
		status, report := w.endRefresh(p)
		// A process that has not begun to listen is ended by the signal itself.
		if status != 0 && status != 128+int(p.signal) && status != -int(p.signal) {
			w.Errorf("after %v: %d\n%s", p.signal, status, &p.stderr)
		}
		if report.RunID != "" {
			w.checkRecord(report)
		}
		w.check()
	}
}

// rivals are several runs at once, of which one works and the others touch nothing.
func (w *chaos) rivals() {
	for range w.rounds(1, 10) {
		w.nextNight()
		var runs []*chaosProcess
		for range 4 {
			runs = append(runs, w.startRefresh())
			time.Sleep(w.upTo(50 * time.Millisecond))
		}
		before := len(w.vendor.Arrivals())
		for _, p := range runs {
			if status, report := w.endRefresh(p); status != 4 && (status != 0 || report.Status != "succeeded") {
				w.Errorf("the run %s with %d\n%s", report.Status, status, &p.stderr)
			}
		}
		if after := len(w.vendor.Arrivals()); after-before > len(chaosSymbols) {
			w.Errorf("the vendor got %d calls", after-before)
		}
		w.check()
	}
}

// fullFileSystem leaves a run so much room for its files, and not more.
func (w *chaos) fullFileSystem() {
	const block = 512
	for range w.rounds(2, 20) {
		w.nextNight()
		info, err := os.Stat(w.db.dsn)
		if err != nil {
			w.Fatal(err)
		}
		blocks := w.random.Int64N(info.Size()/block + 64)
		p := w.start("sh", "-c", "ulimit -f $0; exec papertrade refresh -o json "+w.at(), fmt.Sprint(blocks))
		status, report := w.endRefresh(p)
		if status != 0 && status != 1 {
			w.Errorf("with %d blocks the run %s with %d\n%s", blocks, report.Status, status, &p.stderr)
		}
		w.check()
	}
}

// damagedFile has a run find something else where its database was, which it leaves as it is.
func (w *chaos) damagedFile() {
	whole, err := os.ReadFile(w.db.dsn)
	if err != nil {
		w.Fatal(err)
	}
	noise := make([]byte, 4096)
	for i := range noise {
		noise[i] = byte(w.random.Uint32())
	}
	w.nextNight()
	for name, content := range map[string][]byte{
		"empty": {}, "garbage": noise, "another header": append(noise[:100:100], whole[100:]...), "text": []byte("moved to /srv\n"),
	} {
		if err := os.WriteFile(w.db.dsn, content, 0o600); err != nil {
			w.Fatal(err)
		}
		before := len(w.vendor.Arrivals())
		p := w.startRefresh()
		if status := w.end(p); status != 1 || len(w.vendor.Arrivals()) > before {
			w.Errorf("%s: status %d and %d calls\n%s", name, status, len(w.vendor.Arrivals())-before, &p.stderr)
		}
		if found, err := os.ReadFile(w.db.dsn); err != nil || !bytes.Equal(found, content) {
			w.Errorf("%s: it was changed: %v", name, err)
		}
	}
	if err := os.WriteFile(w.db.dsn, whole, 0o600); err != nil {
		w.Fatal(err)
	}
	w.check()
}

// endure does something to the database, again and again while a run works, which loses nothing by it.
func (w *chaos) endure(pause time.Duration, disturb func()) {
	w.Helper()
	before := len(w.vendor.Arrivals())
	p := w.startRefresh()
	for isRunning := true; isRunning; {
		select {
		case <-p.ended:
			isRunning = false
		case <-time.After(pause/2 + w.upTo(pause)):
			disturb()
		}
	}
	status, report := w.endRefresh(p)
	if calls := len(w.vendor.Arrivals()) - before; status != 0 || calls > len(chaosSymbols) {
		w.Errorf("the run %s with %d and %d calls\n%s", report.Status, status, calls, &p.stderr)
	}
}

// fullDisk has half of all writes of prices, and some of the ledger's, find the server's disk full.
func (w *chaos) fullDisk() {
	const diskFull = `
create function public.disk_full() returns trigger language plpgsql as
    $$ begin if random() < 0.5 then raise 'could not extend file: No space left on device' using errcode = 'disk_full'; end if; return new; end $$;`
	w.query(diskFull)
	for range w.rounds(2, 20) {
		w.nextNight()
		table := []string{"price_history", "papertrade.papertrade_calls", "job_executions"}[w.random.IntN(3)]
		w.query(`create trigger disk_full before insert or update on ` + table + ` for each row execute function public.disk_full()`)
		p := w.startRefresh()
		if status, report := w.endRefresh(p); status != 0 && status != 1 && status != 3 {
			w.Errorf("the run %s with %d\n%s", report.Status, status, &p.stderr)
		}
		w.query(`drop trigger disk_full on ` + table)
		w.check()
	}
}

// slow makes a run take a second, so that something can go wrong in its midst.
func (w *chaos) slow() { w.set("REFRESH_BATCH_DELAY=300ms") }

// terminatedSessions has an administrator end all sessions of the database.
func (w *chaos) terminatedSessions() {
	w.slow()
	for range w.rounds(1, 20) {
		w.nextNight()
		w.endure(300*time.Millisecond, func() {
			w.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`)
		})
		w.check()
	}
}

// restarts has an administrator restart the server, and kills processes of it by -9, whereupon it ends all others and recovers.
func (w *chaos) restarts() {
	w.slow()
	for range w.rounds(1, 10) {
		for _, disturb := range []func(){w.restart, w.crash} {
			w.nextNight()
			w.endure(time.Second, disturb)
			w.awaitServer()
			w.check()
		}
	}
}

func (w *chaos) restart() {
	if err := w.server.Restart(w.Context(), w.upTo(500*time.Millisecond)); err != nil {
		w.Fatal(err)
	}
}

func (w *chaos) crash() {
	const client = `select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() limit 1`
	text, err := w.db.query(client)
	if pid, parseErr := strconv.Atoi(strings.TrimSpace(text)); err == nil && parseErr == nil {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
	}
}

// promotion has the primary be gone for good in the midst of a run, and its standby take over.
func (w *chaos) promotion() {
	w.slow()
	w.nextNight()
	var promote sync.Once
	w.endure(500*time.Millisecond, func() {
		promote.Do(func() {
			if err := errors.Join(w.server.Crash(), w.standby.Promote(w.Context())); err != nil {
				w.Fatal(err)
			}
		})
	})
	w.db.dsn = w.standby.URL(w.db.dsn)
	w.check()
	w.nextNight()
	w.check()
}

// pooler has all of this go through a pgbouncer.
func (w *chaos) pooler() {
	w.kill(w.rounds(2, 20))
	w.rivals()
	w.terminatedSessions()
}

// awaitServer waits until the server takes connections again.
func (w *chaos) awaitServer() {
	w.Helper()
	var err error
	for range 300 {
		if _, err = w.db.query(`select 1`); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.Fatal(err)
}

// cutConnections leads to the database over a network that loses all connections, again and again.
func (w *chaos) cutConnections() {
	w.slow()
	address, err := url.Parse(w.db.url)
	if err != nil {
		w.Fatal(err)
	}
	network := newNetwork(w.T, address.Host)
	address.Host = network.listener.Addr().String()
	w.set("DATABASE_URL=" + address.String())
	for range w.rounds(1, 20) {
		w.nextNight()
		w.endure(300*time.Millisecond, network.cut)
		w.check()
	}
}

// network leads to a server, until it is cut.
type network struct {
	listener    net.Listener
	server      string
	mu          sync.Mutex
	connections []net.Conn
}

func newNetwork(t *testing.T, server string) *network {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{listener: listener, server: server}
	go n.serve()
	t.Cleanup(func() {
		listener.Close()
		n.cut()
	})
	return n
}

func (n *network) serve() {
	for {
		client, err := n.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", n.server)
		if err != nil {
			client.Close()
			continue
		}
		n.mu.Lock()
		n.connections = append(n.connections, client, server)
		n.mu.Unlock()
		for to, from := range map[net.Conn]net.Conn{client: server, server: client} {
			go func() {
				_, _ = io.Copy(to, from) // until one of them is closed
				to.Close()
			}()
		}
	}
}

// cut closes all connections: what was on its way is lost.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.connections {
		c.Close()
	}
	n.connections = nil
}
