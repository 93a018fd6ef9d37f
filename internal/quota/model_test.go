package quota_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"papertrade/internal/quota"
)

// Processes with one ledger, some of which die at any moment, never exceed a window together, wherever
// it starts, as the vendor sees them: it meets each call somewhat later than it was sent.
func TestProcessesTogetherNeverExceedAWindow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var limits []quota.Limit
		for range rapid.IntRange(1, 2).Draw(rt, "limits") {
			limits = append(limits, quota.Limit{
				Calls:  rapid.IntRange(1, 6).Draw(rt, "calls"),
				Window: time.Duration(rapid.SampledFrom([]int{1, 2, 10, 60}).Draw(rt, "seconds")) * time.Second,
			})
		}
		processes := rapid.IntRange(1, 4).Draw(rt, "processes")
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(*testing.T) {
			arrivals := simulate(limits, processes, seed)
			if len(arrivals) == 0 {
				rt.Fatal("no call was made")
			}
			for _, l := range limits {
				if cost, from := maxInWindow(arrivals, l); cost > l.Calls {
					rt.Fatalf("%d from %v on, limit %s", cost, from, l)
				}
			}
		})
	})
}

// simulate lets processes call for ten minutes. Each is replaced by another when it dies.
func simulate(limits []quota.Limit, processes int, seed uint64) []arrival {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	ledger, vendor := &memory{}, &vendor{}
	var group sync.WaitGroup
	for i := range processes {
		p := process{random: rand.New(rand.NewPCG(seed, uint64(i))), limits: limits, ledger: ledger, vendor: vendor}
		group.Go(func() {
			for ctx.Err() == nil {
				p.live(ctx)
				time.Sleep(p.upTo(20 * time.Second))
			}
		})
	}
	group.Wait()
	return vendor.arrivals
}

type vendor struct {
	mu       sync.Mutex
	arrivals []arrival
}

func (v *vendor) arrive(cost int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.arrivals = append(v.arrivals, arrival{time.Now(), cost})
}

type process struct {
	random *rand.Rand
	limits []quota.Limit
	ledger *memory
	vendor *vendor
	clock  func() quota.Reading
}

func (p process) upTo(d time.Duration) time.Duration { return time.Duration(p.random.Int64N(int64(d))) }

func (p process) oneIn(n int) bool { return p.random.IntN(n) == 0 }

func (p process) cost() int {
	maxCost := p.limits[0].Calls
	for _, l := range p.limits {
		maxCost = min(maxCost, l.Calls)
	}
	return 1 + p.random.IntN(maxCost)
}

// live makes calls until the process dies.
func (p process) live(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, p.upTo(3*time.Minute))
	defer cancel()
	limiter := quota.NewLimiter(quota.Options{
		Ledger: p.ledger, Account: "key", Limits: p.limits, MaxWait: maxWait, CallTimeout: 10 * time.Second, Clock: p.clock,
	})
	for {
		var costs []int
		for range 1 + p.random.IntN(6) {
			costs = append(costs, p.cost())
		}
		limiter.Announce(costs...)
		if p.oneIn(4) { // several at once ask in any order
			p.random.Shuffle(len(costs), func(i, j int) { costs[i], costs[j] = costs[j], costs[i] })
		}
		for _, cost := range costs {
			if p.oneIn(20) {
				cost = p.cost() // which nobody announced
			}
			if !p.call(ctx, limiter, cost) {
				return
			}
		}
		time.Sleep(p.upTo(25 * time.Second)) // which can be longer than a reservation is good for
	}
}

// call makes one call, and reports whether the process is still alive.
func (p process) call(ctx context.Context, limiter *quota.Limiter, cost int) bool {
	sent, err := limiter.Wait(ctx, cost)
	if err != nil {
		if p.oneIn(2) {
			_ = limiter.Close(context.Background()) // of memory
		}
		return false
	}
	time.Sleep(p.upTo(300 * time.Millisecond)) // to connect
	if p.oneIn(20) {
		sent(false)
		return true
	}
	p.vendor.arrive(cost)
	if p.oneIn(20) {
		return false // killed before it could record that
	}
	sent(true)
	if p.oneIn(20) {
		limiter.Throttled(p.upTo(time.Second))
	}
	time.Sleep(p.upTo(500 * time.Millisecond))
	return true
}
