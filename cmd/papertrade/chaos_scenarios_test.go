package main

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"papertrade/internal/fakevantage"
)

// Whatever stands between, nothing is lost, nothing doubled and nothing leaked.
func TestChaos(t *testing.T) {
	both := []string{"sqlite-own", "postgres-own"}
	for _, scenario := range []struct {
		name  string
		kinds []string
		play  func(*chaos)
	}{
		{"kills", both, (*chaos).kills},
		{"vices", both, (*chaos).vices},
		{"refusals", both, (*chaos).refusals},
	} {
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
func (w *chaos) kills() {
	began := time.Now()
	w.nextNight()
	w.check()
	took := time.Since(began) / 2 // there are runs of status in it
	for range w.rounds(4, 100) {
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
	w.set("ALPHAVANTAGE_ATTEMPTS=2", "ALPHAVANTAGE_TIMEOUT=300ms", "REFRESH_CONCURRENCY=5", "REFRESH_BATCH_SIZE=5")
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
	refusals := []fakevantage.Outcome{fakevantage.Premium, fakevantage.Credentials}
	if w.full {
		refusals = append(refusals, fakevantage.TooMany, fakevantage.Throttled) // from then on the run knows that the key has a call a second
	}
	for _, refusal := range refusals {
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
