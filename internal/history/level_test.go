package history_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// level returns opens and closes of sessions in November, each 1 % from the last one up and down, around some price.
func level(prices ...float64) []marketdata.Bar {
	list := withSessions(november[:len(prices)])
	for i, p := range prices {
		list[i] = bars(fmt.Sprintf("%02d-%02d open %.4f close %.4f volume %d", list[i].Session.Month, list[i].Session.Day, p, p*(1+0.01*float64(i%2)), int(1e6/max(p, 1))))[0]
	}
	return list
}

// The sessions of level are 11-02 to 06, 09 to 13, 16 to 20.
func TestDetectLevel(t *testing.T) {
	without := func(list []marketdata.Bar, change func(*marketdata.Bar)) []marketdata.Bar {
		for i := range list {
			change(&list[i])
		}
		return list
	}
	for _, tt := range []struct {
		name            string
		bars            []marketdata.Bar
		first           string
		known, reported []history.Split
		want            []history.Split
	}{
		{name: "no bar", first: "11-02"},
		{name: "a level that stays", bars: level(100, 100, 100, 10, 10, 10), first: "11-02", want: splits("11-05 10:1")},
		{name: "10:1 at −3 %", bars: level(100, 100, 100, 9.7, 9.7, 9.7), first: "11-02", want: splits("11-05 10:1")},
		{name: "3:2 at +6 %", bars: level(100, 100, 100, 70.7, 70, 71), first: "11-02", want: splits("11-05 3:2")},
		{name: "4:1 at −8 %", bars: level(100, 100, 100, 23, 23, 23), first: "11-02", want: splits("11-05 4:1")},
		{name: "20:1 at +8 %", bars: level(100, 100, 100, 5.4, 5.4, 5.4), first: "11-02", want: splits("11-05 20:1")},
		{name: "1:8 at +8 %", bars: level(100, 100, 100, 860, 860, 860), first: "11-02", want: splits("11-05 1:8")},
		{name: "1:50 at −8 %", bars: level(1, 1, 1, 46.2, 46.2, 46.2), first: "11-02", want: splits("11-05 1:50")},
		{name: "6:1", bars: level(600, 600, 600, 100, 100, 100), first: "11-02", want: splits("11-05 6:1")},
		{name: "8:1", bars: level(800, 800, 800, 100, 100, 100), first: "11-02", want: splits("11-05 8:1")},
		{name: "1:7", bars: level(100, 100, 100, 700, 700, 700), first: "11-02", want: splits("11-05 1:7")},
		{name: "the next bar undoes it", bars: level(100, 100, 100, 10, 100, 100, 100), first: "11-02"},
		{name: "the bar after the next undoes it", bars: level(100, 100, 100, 10, 10, 100, 100, 100), first: "11-02"},
		{name: "the newest bar", bars: level(100, 100, 100, 100, 100, 10), first: "11-02"},
		{name: "the newest two bars", bars: level(100, 100, 100, 100, 10, 10), first: "11-02"},
		{name: "the oldest two bars", bars: level(100, 100, 10, 10, 10, 10), first: "11-02"},
		{name: "a glitch upwards", bars: level(100, 100, 100, 200, 200, 100, 100, 100), first: "11-02"},
		{name: "two glitches in a row", bars: level(100, 100, 100, 10, 100, 10, 100, 100), first: "11-02"},
		{name: "of a glitch and a split, the split", bars: level(100, 100, 1, 100, 100, 100, 50, 50, 50), first: "11-02", want: splits("11-10 2:1")},
		{name: "the newest of two", bars: level(600, 600, 600, 200, 200, 200, 100, 100, 100), first: "11-02", want: splits("11-10 2:1")},
		{name: "one that could have been decided before", bars: level(100, 100, 100, 10, 10, 10, 10), first: "11-10"},
		{name: "one that could not", bars: level(100, 100, 100, 10, 10, 10), first: "11-09", want: splits("11-05 10:1")},
		{name: "one that is pending", bars: level(100, 100, 100, 10, 10, 10), first: "11-02", known: splits("11-05 10:1")},
		{name: "one that is rebased, as traded", bars: level(100, 100, 100, 10, 10, 10), first: "11-02", known: splits("11-05 10:1 rebased")},
		{name: "the reverse of one that is rebased", bars: level(10, 10, 10, 100, 100, 100), first: "11-02", known: splits("11-05 10:1 rebased")},
		{name: "a factor of 100 is a unit", bars: level(100, 100, 100, 1, 1, 1), first: "11-02"},
		{name: "a factor of 1/100 is a unit", bars: level(1, 1, 1, 100, 100, 100), first: "11-02"},
		{name: "5:4 is not told from a fall", bars: level(100, 100, 100, 80, 80, 80), first: "11-02"},
		{name: "−60 % is no ratio of shares", bars: level(100, 100, 100, 40, 40, 40), first: "11-02"},
		{
			name: "5:4 as reported", bars: level(100, 100, 100, 80, 80, 80), first: "11-02",
			reported: splits("11-05 5:4"), want: splits("11-05 5:4"),
		},
		{
			name: "the newest bar as reported", bars: level(100, 100, 100, 100, 100, 10), first: "11-02",
			reported: splits("11-09 10:1"), want: splits("11-09 10:1"),
		},
		{name: "an adjusted one is reported", bars: level(100, 100, 100, 100, 100, 100), first: "11-02", reported: splits("11-05 10:1")},
		{name: "a series as volatile as the jump", bars: level(100, 130, 95, 130, 100, 67, 90, 66, 88), first: "11-02"},
		{
			name: "much more money than usual changes hands: a crash", first: "11-02",
			bars: without(level(100, 100, 100, 50, 50, 50), func(b *marketdata.Bar) {
				if b.Session.After(day("11-04")) {
					b.Volume = new(int64(200_000))
				}
			}),
		},
		{
			name: "without volumes and opens", first: "11-02", want: splits("11-05 2:1"),
			bars: without(level(100, 100, 100, 50, 50, 50), func(b *marketdata.Bar) { b.Volume, b.Open.Valid = nil, false }),
		},
		{
			name: "the vendor reports that there was none", first: "11-02",
			bars: without(level(100, 100, 100, 50, 50, 50), func(b *marketdata.Bar) { b.SplitCoefficient = bars("11-02 coefficient 1")[0].SplitCoefficient }),
		},
		{
			name: "another currency", first: "11-02",
			bars: without(level(100, 100, 100, 50, 50, 50), func(b *marketdata.Bar) {
				if b.Session.After(day("11-04")) {
					b.Currency = "EUR"
				}
			}),
		},
		{
			name: "more than a week apart", first: "11-02",
			bars: slices.Concat(level(100, 100, 100), level(0, 0, 0, 0, 0, 0, 0, 0, 50, 50, 50)[8:]),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, found := history.DetectLevel(tt.bars, day(tt.first), tt.known, tt.reported)
			checkSplit(t, tt.want, got, found)
		})
	}
}

func TestDetectPersistentLevel(t *testing.T) {
	for _, tt := range []struct {
		name            string
		bars            []marketdata.Bar
		before          int // of them, stored
		known, reported []history.Split
		want            []history.Split
	}{
		{name: "the first night can be a fall", bars: level(100, 100, 100, 50), before: 3},
		{name: "the second night decides", bars: level(100, 100, 100, 49, 51), before: 3, want: splits("11-05 2:1")},
		{name: "back at the old level", bars: level(100, 100, 100, 50, 99), before: 3},
		{name: "nothing is stored", bars: level(50, 50, 50), before: 0},
		{name: "too little is stored", bars: level(100, 100, 50, 50), before: 2},
		{name: "a fall by no ratio", bars: level(100, 100, 100, 41, 40), before: 3},
		{name: "a known one", bars: level(100, 100, 100, 50, 50), before: 3, known: splits("11-05 2:1")},
		{name: "the vendor's table", bars: level(100, 100, 100, 40, 40), before: 3, reported: splits("11-05 5:2"), want: splits("11-05 5:2")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, found := history.DetectPersistentLevel(storedAs(tt.bars[:tt.before]), tt.bars[tt.before:], tt.known, tt.reported)
			checkSplit(t, tt.want, got, found)
		})
	}
}

func TestJoin(t *testing.T) {
	got := history.Join(stored("11-02 close 1", "11-04 close 1", "11-05 close 1"), bars("11-03 close 2", "11-04 close 2", "11-06 close 2"))
	want := bars("11-02 close 1", "11-03 close 2", "11-04 close 2", "11-05 close 1", "11-06 close 2")
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// volatilities are those of calm tickers and wild ones, a day.
var volatilities = []float64{0.01, 0.02, 0.03, 0.06, 0.12}

func TestNoSplitIsDetectedWhereThereIsNone(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 1))
	for i := range 10_000 {
		w := newWalk(random, len(twoYears), volatilities[i%len(volatilities)])
		if s, found := history.DetectLevel(w.bars(twoYears), twoYears[1], nil, nil); found {
			t.Fatalf("series %d: %v at %s", i, s, s.Session)
		}
	}
}

func TestNoSplitIsDetectedInAGlitch(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 2))
	factors := []float64{100, 0.01, 10, 0.1, 2, 0.5, 1.5, 1 / 1.5, 4, 0.25, 8, 1000, 0.001, 5, 0.2}
	for i := range 5000 {
		const n = 60
		w := newWalk(random, n, volatilities[i%len(volatilities)])
		for k := range 1 + i%2 {
			length := 1 + random.IntN(2)
			from := k*n/2 + random.IntN(n/2-length-2) // at least three bars before the other one
			if k == i%2 && random.IntN(3) == 0 {
				from = n - length
			}
			w.scale(from, from+length, factors[random.IntN(len(factors))])
		}
		list := w.bars(twoYears[:n])
		// Each night of it, and in one answer.
		for end := 2; end <= n; end++ {
			if s, found := history.DetectLevel(list[:end], list[end-1].Session, nil, nil); found {
				t.Fatalf("series %d: %v at %s in the night of %s", i, s, s.Session, list[end-1].Session)
			}
		}
		if s, found := history.DetectLevel(list, list[1].Session, nil, nil); found {
			t.Fatalf("series %d: %v at %s", i, s, s.Session)
		}
	}
}

// A split of any ratio that a night's move cannot make look like another, at a night's move within ±8 %, of a ticker that moves by 1 to 3 % a day.
func TestASplitIsDetectedWhereItIs(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 3))
	const each, n = 300, 100
	detected := map[string]int{}
	total := 0
	for _, want := range levelSplits {
		for range each {
			w := newWalk(random, n, 0.01+0.02*random.Float64())
			at := 3 + random.IntN(n-6)
			w.split(at, want, -0.08+0.16*random.Float64())
			want.Session = twoYears[at]
			got, found := history.DetectLevel(w.bars(twoYears[:n]), twoYears[1], nil, nil)
			if found && got == want {
				detected[want.String()]++
				total++
			}
		}
	}
	for _, s := range levelSplits {
		rate := float64(detected[s.String()]) / each
		t.Logf("%s: %.1f %%", s, 100*rate)
		if rate < 0.99 {
			t.Errorf("%s: detected in %.1f %%, want 99", s, 100*rate)
		}
	}
	t.Logf("all: %.2f %% of %d", 100*float64(total)/float64(each*len(levelSplits)), each*len(levelSplits))
}

// Stored closes as traded, and a series that has them adjusted: any ratio shows, 5:4 too, wherever the split lies.
func TestASplitIsDetectedInAnOverlap(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 4))
	for i := range 2000 {
		s := append(slices.Clone(levelSplits), history.Split{New: 5, Old: 4}, history.Split{New: 4, Old: 3})[i%(len(levelSplits)+2)]
		const n = 100
		w := newWalk(random, n, 0.01+0.02*random.Float64())
		at := 3 + random.IntN(n-6)
		s.Session = twoYears[at]
		adjusted := w.bars(twoYears[:n])
		traded := slices.Clone(adjusted)
		for k := range traded[:at] {
			traded[k] = unadjust(traded[k], s)
		}
		got, found := history.DetectSplit(storedAs(traded[:at]), adjusted, nil, nil, exchange.XNYS)
		if !found || got != s {
			t.Errorf("series %d: %v at %s, want %v at %s", i, got, got.Session, s, s.Session)
		}
	}
}
