package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/internal/storetest"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Vendors that are unlike the one there is.
var (
	bulk        = marketdata.Capability{Kind: marketdata.Quotes, Name: "bulk", MaxTickers: 100}
	wholeMarket = marketdata.Capability{Kind: marketdata.MarketDay, Name: "market"}
	credits     = marketdata.Capability{Kind: marketdata.Quotes, Name: "credits", MaxTickers: 50, CreditsPerTicker: 2}
)

// fakeVendor has a price of 100 dollars of each ticker and session.
type fakeVendor struct {
	capability marketdata.Capability
	limiter    *quota.Limiter
	universe   []marketdata.Ticker // of market days
	// distort changes an answer before it is given; nil leaves it.
	distort func(marketdata.Answer) marketdata.Answer
	onAsk   func()
	covers  func(marketdata.Ticker) bool    // nil: any
	fail    func(marketdata.Question) error // of a call; nil: none fails

	mu    sync.Mutex
	asked []marketdata.Question
}

func (v *fakeVendor) Name() string { return "fake" }
func (v *fakeVendor) Covers(ticker marketdata.Ticker) bool {
	return v.covers == nil || v.covers(ticker)
}
func (v *fakeVendor) Capabilities() []marketdata.Capability {
	return []marketdata.Capability{v.capability}
}

func (v *fakeVendor) Ask(ctx context.Context, q marketdata.Question) (marketdata.Answer, error) {
	sent, err := v.limiter.Wait(ctx, q.Cost())
	if err != nil {
		return marketdata.Answer{}, err
	}
	sent(true)
	v.mu.Lock()
	v.asked = append(v.asked, q)
	v.mu.Unlock()
	if v.onAsk != nil {
		v.onAsk()
	}
	if v.fail != nil {
		if err := v.fail(q); err != nil {
			return marketdata.Answer{}, err
		}
	}
	tickers, session := q.Tickers, exchange.XNYS.LastCompleted(midnight()).Date
	if v.capability.Kind == marketdata.MarketDay {
		tickers, session = v.universe, q.From
	}
	answer := marketdata.Answer{}
	for _, ticker := range tickers {
		answer.Bars = append(answer.Bars, barOf(ticker, session))
	}
	if v.distort != nil {
		answer = v.distort(answer)
	}
	return answer, nil
}

func barOf(ticker marketdata.Ticker, session exchange.Date) marketdata.Bar {
	return marketdata.Bar{Ticker: ticker, Session: session, Close: decimal.NewFromInt(100), Currency: "USD"}
}

// symbols returns T0, T1 and so on.
func symbols(n int) []marketdata.Ticker {
	tickers := make([]marketdata.Ticker, n)
	for i := range tickers {
		tickers[i] = marketdata.MustParseTicker(fmt.Sprintf("T%d", i))
	}
	return tickers
}

// newFakeJob is a job of a new process, whose vendor has a capability.
func newFakeJob(store storetest.Store, capability marketdata.Capability, limits ...quota.Limit) (*refresh.Job, *fakeVendor) {
	limiter := quota.NewLimiter(quota.Options{
		Ledger: store, Account: "key", Limits: limits, MaxWait: time.Minute, CallTimeout: 10 * time.Second,
	})
	vendor := &fakeVendor{capability: capability, limiter: limiter}
	return &refresh.Job{
		Store: store, Vendors: []refresh.Vendor{{Provider: vendor, Limiter: limiter, Attempts: 3}}, Now: midnight,
		Observe: func(refresh.Event) {}, BatchSize: 5, Concurrency: 1, Schedule: midnights{}, MaxMove: halfAtMost,
	}, vendor
}

// used is what the ledger has of the account.
func used(t *testing.T, store storetest.Store) quota.Usage {
	t.Helper()
	account, err := store.Account(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	usage := quota.Usage{Calls: len(account.Calls)}
	for _, call := range account.Calls {
		usage.Cost += call.Cost
	}
	return usage
}

func runNamed(t *testing.T, j *refresh.Job, tickers []marketdata.Ticker, dryRun bool) refresh.Report {
	t.Helper()
	report, err := run(t.Context(), t, j, refresh.Options{Tickers: tickers, DryRun: dryRun})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// How many tickers a call takes and how many a commit takes have nothing to do with each other, and the plan, the
// report, the ledger and the vendor agree on the calls and on what they cost.
func TestVendorsOfOtherKinds(t *testing.T) {
	perDay := []quota.Limit{{Calls: 1000}}
	for _, tt := range []struct {
		name       string
		capability marketdata.Capability
		limits     []quota.Limit
		tickers    int
		batchSize  int
		batches    int
		calls      int
		credits    int // 0: as many as calls
	}{
		{"100 tickers per call", bulk, perDay, 250, 5, 50, 3, 0},
		{"a batch that is larger than a call", bulk, perDay, 250, 120, 3, 3, 0},
		{"exactly full calls", bulk, perDay, 200, 7, 29, 2, 0},
		{"one ticker more", bulk, perDay, 201, 7, 29, 3, 0},
		{"a whole market", wholeMarket, perDay, 12_000, 1000, 12, 1, 0},
		{"two credits per ticker", credits, perDay, 120, 10, 12, 3, 240},
		{"no more credits per call than a limit has", credits, []quota.Limit{{Calls: 60}, {Calls: 1000, Window: time.Hour}}, 30, 10, 3, 1, 60},
		{"of an odd limit", credits, []quota.Limit{{Calls: 13, Window: time.Second / 50}}, 16, 10, 2, 3, 32},
	} {
		for _, kind := range storeKinds {
			t.Run(kind+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				store := mustOpenStore(t, kind, newDatabase(t, kind))
				j, vendor := newFakeJob(store, tt.capability, tt.limits...)
				j.BatchSize, vendor.universe = tt.batchSize, symbols(tt.tickers)
				plan := runNamed(t, j, symbols(tt.tickers), true)
				report := runNamed(t, j, symbols(tt.tickers), false)
				type numbers struct{ Batches, Calls, Credits int }
				want := numbers{tt.batches, tt.calls, tt.credits}
				for name, got := range map[string]numbers{
					"plan":   {plan.Batches, plan.Calls, plan.Credits},
					"report": {report.Batches, report.Calls, report.Credits},
				} {
					if got != want {
						t.Errorf("the %s has %+v, want %+v", name, got, want)
					}
				}
				if want := (quota.Usage{Calls: tt.calls, Cost: max(tt.calls, tt.credits)}); used(t, store) != want || len(vendor.asked) != tt.calls {
					t.Errorf("the ledger has %+v, want %+v, and the vendor was asked %d times", used(t, store), want, len(vendor.asked))
				}
				if want := (refresh.Counts{Active: tt.tickers, Planned: tt.tickers, Refreshed: tt.tickers}); report.Counts != want {
					t.Errorf("%+v, want %+v", report.Counts, want)
				}
				again := runNamed(t, j, symbols(tt.tickers), false)
				if again.Counts.Fresh != tt.tickers || again.Calls != 0 {
					t.Errorf("a second run: %+v, %d calls", again.Counts, again.Calls)
				}
			})
		}
	}
}

// What goes wrong with an answer costs the tickers that it is about, and nobody else.
func TestAnswersOfAnyShape(t *testing.T) {
	tickers := symbols(7)
	session := exchange.XNYS.LastCompleted(midnight()).Date
	others := func(answer marketdata.Answer) marketdata.Answer {
		for _, symbol := range []string{"X", "Y"} {
			answer.Bars = slices.Insert(answer.Bars, 1, barOf(marketdata.MustParseTicker(symbol), session))
		}
		return answer
	}
	for _, tt := range []struct {
		name    string
		distort func(marketdata.Answer) marketdata.Answer
		failed  map[string]string // kinds of errors by ticker
	}{
		{"in another order", func(a marketdata.Answer) marketdata.Answer { slices.Reverse(a.Bars); return a }, nil},
		{"with other tickers", others, nil},
		{"without one", func(a marketdata.Answer) marketdata.Answer { a.Bars = slices.Delete(a.Bars, 2, 3); return a },
			map[string]string{"T2": "invalid_data"}},
		{"without any", func(marketdata.Answer) marketdata.Answer { return marketdata.Answer{} }, map[string]string{
			"T0": "invalid_data", "T1": "invalid_data", "T2": "invalid_data", "T3": "invalid_data", "T4": "invalid_data", "T5": "invalid_data", "T6": "invalid_data"}},
		{"of one that the vendor does not know", func(a marketdata.Answer) marketdata.Answer {
			a.Bars = a.Bars[:6]
			a.Missing = map[marketdata.Ticker]error{tickers[6]: marketdata.ErrUnknownTicker}
			return a
		}, map[string]string{"T6": "unknown_ticker"}},
		{"with one twice", func(a marketdata.Answer) marketdata.Answer { a.Bars = append(a.Bars, a.Bars[0]); return a }, nil},
		{"all of it together", func(a marketdata.Answer) marketdata.Answer {
			a = others(a)
			slices.Reverse(a.Bars)
			a.Bars = slices.DeleteFunc(a.Bars, func(b marketdata.Bar) bool { return b.Ticker == tickers[4] })
			return a
		}, map[string]string{"T4": "invalid_data"}},
	} {
		for _, capability := range []marketdata.Capability{bulk, wholeMarket} {
			t.Run(capability.Name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				store := mustOpenStore(t, "sqlite", newDatabase(t, "sqlite"))
				j, vendor := newFakeJob(store, capability, quota.Limit{Calls: 100})
				vendor.distort, vendor.universe, j.BatchSize, j.MaxErrorRate = tt.distort, tickers, 2, 1
				report, err := run(t.Context(), t, j, refresh.Options{Tickers: tickers})
				if err != nil {
					t.Fatal(err)
				}
				failed := map[string]string{}
				for _, row := range report.Tickers {
					if row.Error != nil {
						failed[row.Ticker.String()] = row.Error.Kind
					}
				}
				want := tt.failed
				if want == nil {
					want = map[string]string{}
				}
				if diff := cmp.Diff(want, failed); diff != "" || report.Counts.Refreshed != len(tickers)-len(want) {
					t.Errorf("%+v; failed (-want +got):\n%s", report.Counts, diff)
				}
			})
		}
	}
}

// killedVariable says in a process of TestKilledRuns which one it is.
const killedVariable = "PAPERTRADE_TEST_KILLED_RUN"

const killedTickers = 250

// killedRun runs a job that is killed at the nth call or commit, if it comes to that.
func killedRun(task []string) error {
	store, err := openStore(task[0], task[1])
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	var n int
	if _, err := fmt.Sscan(task[3], &n); err != nil {
		return err
	}
	die := func(place string) {
		if place != task[2] {
			return
		}
		if n--; n == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	j, vendor := newFakeJob(store, bulk, quota.Limit{Calls: 1000})
	vendor.onAsk = func() { die("call") }
	j.Observe = func(event refresh.Event) {
		if _, committed := event.(refresh.BatchCommitted); committed {
			die("commit")
		}
	}
	_, err = j.Run(context.Background(), refresh.Options{RunID: uuid.NewString(), Kind: refresh.Named, Tickers: symbols(killedTickers)})
	return err
}

// A run that is killed with kill -9 loses the answers that were not committed, and the next one asks for the rest in as few
// calls as that takes.
func TestKilledRuns(t *testing.T) {
	for _, kind := range storeKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			address := newDatabase(t, kind)
			for _, tt := range []struct {
				place  string
				n      int
				calls  int
				stored int
			}{
				{"commit", 1 + rand.IntN(20), 1, 0}, // all of which are answered by the first call
				{"call", 1, 1, 0},
				{"commit", 21, 2, 0},
				{"never", 1, 0, 0},
			} {
				before := used(t, mustOpenStore(t, kind, address)).Calls
				left := killedTickers - countStored(t, kind, address)
				runKilled(t, tt.place != "never", kind, address, tt.place, fmt.Sprint(tt.n))
				store := mustOpenStore(t, kind, address)
				want := tt.calls
				if want == 0 {
					want = (left + 99) / 100
				}
				if calls := used(t, store).Calls - before; calls != want {
					t.Errorf("killed at %s %d: %d calls for %d tickers, want %d", tt.place, tt.n, calls, left, want)
				}
				wantStored := killedTickers - left
				switch tt.place {
				case "commit":
					wantStored += 5 * tt.n
				case "never":
					wantStored = killedTickers
				}
				if stored := countStored(t, kind, address); stored != wantStored {
					t.Errorf("killed at %s %d: %d tickers are stored, want %d", tt.place, tt.n, stored, wantStored)
				}
			}
		})
	}
}

func runKilled(t *testing.T, dies bool, task ...string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "-test.run=^$")
	command.Env = append(os.Environ(), killedVariable+"="+strings.Join(task, "|"))
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	if killed := errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL; killed != dies || !dies && err != nil {
		t.Fatalf("%v: %v\n%s", task, err, output)
	}
}

func countStored(t *testing.T, kind, address string) int {
	t.Helper()
	states, err := mustOpenStore(t, kind, address).States(t.Context(), symbols(killedTickers))
	if err != nil {
		t.Fatal(err)
	}
	stored := 0
	for _, state := range states {
		if !state.LastSession.IsZero() {
			stored++
		}
	}
	return stored
}

// A market day answers for its session alone: what it lacks of a ticker is not missing from the others, and says nothing
// of what the vendor has of earlier days.
func TestBackfillByMarketDays(t *testing.T) {
	for _, kind := range storeKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			store := mustOpenStore(t, kind, newDatabase(t, kind))
			j, vendor := newFakeJob(store, wholeMarket, quota.Limit{Calls: 1000})
			tickers := symbols(7)
			vendor.universe = tickers
			hole := date(t, "2026-11-04")
			vendor.distort = func(a marketdata.Answer) marketdata.Answer {
				a.Bars = slices.DeleteFunc(a.Bars, func(b marketdata.Bar) bool { return b.Ticker == tickers[3] && b.Session == hole })
				return a
			}
			ended := 0
			j.Observe = func(e refresh.Event) {
				if _, ok := e.(refresh.TickerEnded); ok {
					ended++
				}
			}
			backfilled := func(from, to string) refresh.Report {
				t.Helper()
				o := refresh.Options{Kind: refresh.Backfill, Tickers: tickers, Range: refresh.Range{From: date(t, from), To: date(t, to)}}
				report, err := run(t.Context(), t, j, o)
				if err != nil {
					t.Fatal(err)
				}
				return report
			}
			report := backfilled("2026-11-02", "2026-11-05")
			if report.Calls != 4 || report.Counts.Refreshed != 7 || ended != 7 {
				t.Errorf("%d calls, %+v, %d ended; want 4, all refreshed, each ended once", report.Calls, report.Counts, ended)
			}
			if row := report.Tickers[3]; row.Stored != 3 || row.Absent != 1 {
				t.Errorf("%+v, want 3 of 4 sessions", row)
			}
			if again := backfilled("2026-11-02", "2026-11-05"); again.Calls != 0 {
				t.Errorf("%d calls for what is stored, or absent", again.Calls)
			}
			if older := backfilled("2026-10-30", "2026-11-05"); older.Calls != 1 || older.Counts.Refreshed != 7 {
				t.Errorf("%d calls, %+v; want the session before them", older.Calls, older.Counts)
			}
		})
	}
}

// A vendor that is down does not keep the run from asking the other.
func TestOneOfTwoVendorsIsDown(t *testing.T) {
	store := mustOpenStore(t, "sqlite", newDatabase(t, "sqlite"))
	pair := marketdata.Capability{Kind: marketdata.Quotes, Name: "pair", MaxTickers: 2}
	j, dead := newFakeJob(store, pair, quota.Limit{Calls: 1000})
	other, good := newFakeJob(store, pair, quota.Limit{Calls: 1000})
	tickers := symbols(16)
	dead.covers = func(ticker marketdata.Ticker) bool { return slices.Index(tickers, ticker)%2 == 0 }
	dead.fail = func(marketdata.Question) error { return &marketdata.UnavailableError{} }
	j.Vendors = append(j.Vendors, other.Vendors...)
	j.Vendors[0].Attempts, j.BatchSize, j.MaxErrorRate = 1, 4, 1
	report, err := run(t.Context(), t, j, refresh.Options{Tickers: tickers})
	if err != nil {
		t.Fatal(err)
	}
	if want := (refresh.Counts{Active: 16, Planned: 16, Refreshed: 8, Failed: 4, Deferred: 4}); report.Counts != want || len(dead.asked) != 2 || len(good.asked) != 4 {
		t.Errorf("%+v, want %+v; asked %d and %d times", report.Counts, want, len(dead.asked), len(good.asked))
	}
}

// A ticker is committed once all that was asked for it is answered: what a run that stops has of it is left to the next.
func TestAPartlyAnsweredTickerIsLeft(t *testing.T) {
	store := mustOpenStore(t, "sqlite", newDatabase(t, "sqlite"))
	j, vendor := newFakeJob(store, wholeMarket, quota.Limit{Calls: 1000})
	vendor.universe, j.BatchSize = symbols(2), 1
	backfilled := func(from, to int, tickers ...marketdata.Ticker) (refresh.Report, error) {
		day := func(n int) exchange.Date { return exchange.Date{Year: 2026, Month: time.November, Day: n} }
		o := refresh.Options{Kind: refresh.Backfill, Tickers: tickers, Range: refresh.Range{From: day(from), To: day(to)}}
		return run(t.Context(), t, j, o)
	}
	// The one lacks the 3rd and the 4th, and the staler one, which goes first, the 3rd and the 5th.
	_, first := backfilled(5, 5, vendor.universe[0])
	_, second := backfilled(4, 4, vendor.universe[1])
	if err := errors.Join(first, second); err != nil {
		t.Fatal(err)
	}
	vendor.fail = func(q marketdata.Question) error {
		if q.From.Day == 5 {
			return marketdata.ErrCredentials
		}
		return nil
	}
	report, err := backfilled(3, 5, vendor.universe...)
	if row := report.Tickers[1]; !errors.Is(err, marketdata.ErrCredentials) || row.Status != refresh.OutcomeDeferred || row.Stored != 0 {
		t.Errorf("%v: %+v; want it left to the next run", err, row)
	}
}
