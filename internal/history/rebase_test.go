package history_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// rebaseCase is a history that lacks a split, and what a vendor answers of it.
type rebaseCase struct {
	want    []marketdata.Bar // on one scale
	stored  []history.StoredBar
	series  history.Series
	request history.Request
}

func newRebaseCase(random *rand.Rand, s history.Split) rebaseCase {
	const n, last = 160, 100 // sessions, and how many of them the series can have
	at := 20 + random.IntN(n-30)
	s.Session = twoYears[at]
	w := newWalk(random, n, 0.005+0.015*random.Float64())
	for w.largestNight() > 0.075 { // a bar that is on the scale already could not be told from one that is not
		w = newWalk(random, n, 0.005+0.015*random.Float64())
	}
	want := w.bars(twoYears[:n])
	for i := range want {
		want[i].Volume = new(*want[i].Volume/600*600 + 600)
	}
	traded := slices.Clone(want)
	for i := range at {
		traded[i] = unadjust(traded[i], s)
	}
	c := rebaseCase{want: want, stored: storedAs(traded)}
	// Some bars from before the split are on the scale already.
	for range random.IntN(3) {
		from := random.IntN(at - 12)
		for i := range 1 + random.IntN(3) {
			c.stored[from+i].Bar = want[from+i]
		}
	}
	answer := traded
	if random.IntN(2) == 0 {
		answer = want
	}
	answer = slices.Clone(answer[n-last+random.IntN(last-2):])
	if random.IntN(2) == 0 {
		for i := range answer {
			answer[i].Volume, answer[i].Open.Valid = nil, false
		}
	}
	c.series = history.Series{Bars: answer, Since: answer[0].Session}
	c.request = history.Request{Sessions: twoYears[:n], Completed: twoYears[n-1], Splits: []history.Split{s}, Rebase: true}
	return c
}

// apply returns stored bars as they are once writes are made.
func apply(stored []history.StoredBar, writes []history.Write) []history.StoredBar {
	stored = slices.Clone(stored)
	for _, w := range writes {
		for i := range stored {
			if stored[i].Row == w.Row {
				stored[i].Bar = w.Bar
			}
		}
	}
	return stored
}

// A rebase puts a history on one scale, volumes too, whatever the series reaches and brings; another one changes nothing,
// and neither it nor any later answer marks the split again.
func TestRebasingTwiceChangesNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 5))
	for i := range 2000 {
		s := levelSplits[i%len(levelSplits)]
		c := newRebaseCase(random, s)
		got := history.Fill(c.request, c.series, c.stored, exchange.XNYS)
		after := apply(c.stored, got.Writes)
		for k, bar := range after {
			if !isNear(bar.Close, c.want[k].Close) || !isNear(decimal.NewFromInt(*bar.Volume), decimal.NewFromInt(*c.want[k].Volume)) {
				t.Fatalf("case %d, %v at %s: %s is %s, %d; want %s, %d (the series is from %s)", i, s, c.request.Splits[0].Session, bar.Session,
					bar.Close, *bar.Volume, c.want[k].Close, *c.want[k].Volume, c.series.Since)
			}
		}
		c.request.Splits = got.Splits
		again := history.Fill(c.request, c.series, after, exchange.XNYS)
		if len(again.Writes) > 0 || again.Refused != nil || again.SplitsChanged {
			t.Fatalf("case %d, %v: another rebase writes %v, refuses %v, knows %v", i, s, again.Writes, again.Refused, again.Splits)
		}
		c.request.Rebase, c.request.Sessions = false, c.request.Sessions[len(c.request.Sessions)-1:]
		if later := history.Fill(c.request, c.series, after, exchange.XNYS); later.Detected != nil {
			t.Fatalf("case %d, %v: %v is detected", i, s, later.Detected)
		}
		checkNoMarkByPreviousClose(t, after, c.request.Splits)
	}
}

// checkNoMarkByPreviousClose holds the quote of the session of each split to mark nothing, with the previous close as traded
// or adjusted.
func checkNoMarkByPreviousClose(t *testing.T, stored []history.StoredBar, known []history.Split) {
	t.Helper()
	for _, s := range known {
		i := slices.IndexFunc(stored, func(b history.StoredBar) bool { return b.Session == s.Session })
		quote := stored[i].Bar
		for _, previous := range []marketdata.Bar{stored[i-1].Bar, unadjust(stored[i-1].Bar, s)} {
			quote.PreviousClose = decimal.NewNullDecimal(previous.Close)
			if got, found := history.DetectByPreviousClose(stored, quote, known, exchange.XNYS); found {
				t.Errorf("%v is detected after %v", got, s)
			}
		}
	}
}

// isNear reports whether two numbers differ by no more than rounding makes of the prices of a penny share.
func isNear(a, b decimal.Decimal) bool {
	difference := a.Sub(b).Abs()
	return difference.LessThan(decimal.RequireFromString("0.02")) || difference.Mul(decimal.NewFromInt(100)).LessThan(b)
}

func TestRebaseDoesNotChangeItsArguments(t *testing.T) {
	c := newRebaseCase(rand.New(rand.NewPCG(13, 6)), levelSplits[1])
	before := slices.Clone(c.stored)
	history.Fill(c.request, c.series, c.stored, exchange.XNYS)
	if diff := cmp.Diff(before, c.stored, exactly); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Without a series a rebase is foreseen as it will be: the bars that are on the scale already are left alone.
func TestPreviewRebaseForeseesARebase(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 7))
	for i := range 500 {
		c := newRebaseCase(random, levelSplits[i%len(levelSplits)])
		before := slices.Clone(c.stored)
		after := slices.Clone(c.stored)
		for _, change := range history.PreviewRebase(c.stored, c.request.Splits) {
			k := slices.IndexFunc(after, func(b history.StoredBar) bool { return b.Row == change.Old.Row })
			after[k].Bar = change.New
		}
		for k, bar := range after {
			if !isNear(bar.Close, c.want[k].Close) || !isNear(decimal.NewFromInt(*bar.Volume), decimal.NewFromInt(*c.want[k].Volume)) {
				t.Fatalf("case %d, %v at %s: %s is %s, want %s", i, c.request.Splits[0], c.request.Splits[0].Session, bar.Session, bar.Close, c.want[k].Close)
			}
		}
		if diff := cmp.Diff(before, c.stored, exactly); diff != "" {
			t.Fatalf("an argument has changed (-want +got):\n%s", diff)
		}
	}
}

func TestPreviewRebase(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stored []history.StoredBar
		known  []history.Split
		want   []string // session, ratio, close, volume
	}{
		{"a split", stored("11-12 close 200 volume 10", "11-13 close 201", "11-16 close 100"), splits("11-16 2:1"),
			[]string{"2026-11-12 2:1 100.0000 20", "2026-11-13 2:1 100.5000 -"}},
		{"two splits", stored("11-10 close 600", "11-11 close 606", "11-12 close 202", "11-13 close 200", "11-16 close 100", "11-17 close 100"),
			splits("11-12 3:1", "11-16 2:1"),
			[]string{"2026-11-10 6:1 100.0000 -", "2026-11-11 6:1 101.0000 -", "2026-11-12 2:1 101.0000 -", "2026-11-13 2:1 100.0000 -"}},
		{"two that are each other's reverse in part", stored("11-10 close 60", "11-11 close 60", "11-12 close 600", "11-13 close 600", "11-16 close 300", "11-17 close 300"),
			splits("11-12 1:10", "11-16 2:1"),
			[]string{"2026-11-10 1:5 300.0000 -", "2026-11-11 1:5 300.0000 -", "2026-11-12 2:1 300.0000 -", "2026-11-13 2:1 300.0000 -"}},
		{"a reverse split", stored("11-12 close 1.25 volume 80", "11-13 close 1.30", "11-16 close 10"), splits("11-16 1:8"),
			[]string{"2026-11-12 1:8 10.0000 10", "2026-11-13 1:8 10.4000 -"}},
		{"one that is rebased", stored("11-12 close 100", "11-13 close 100", "11-16 close 100"), splits("11-16 2:1 rebased"), nil},
		{"none", stored("11-12 close 200", "11-13 close 200", "11-16 close 100"), nil, nil},
		{"a single bar is all that shows it", stored("11-13 close 200", "11-16 close 100"), splits("11-16 2:1"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range history.PreviewRebase(tt.stored, tt.known) {
				volume := "-"
				if c.New.Volume != nil {
					volume = fmt.Sprint(*c.New.Volume)
				}
				got = append(got, fmt.Sprintf("%s %s %s %s", c.Old.Session, c.Ratio, marketdata.FormatPrice(c.New.Close), volume))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
