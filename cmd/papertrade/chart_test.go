package main

import (
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"papertrade/pkg/exchange"
)

var (
	chartFirst = exchange.Date{Year: 2025, Month: 11, Day: 24}
	chartLast  = exchange.Date{Year: 2026, Month: 11, Day: 20}
)

// wave is n closes between 100 and 140, NaN at some of them.
func wave(n int, missing ...int) []float64 {
	closes := make([]float64, n)
	for i := range closes {
		closes[i] = 120 + 20*math.Sin(3*math.Pi*float64(i)/float64(n))
	}
	for _, i := range missing {
		closes[i] = math.NaN()
	}
	return closes
}

func TestDrawCloses(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name   string
		closes []float64
		held   []int
		width  int
		want   string
	}{
		{"a year at 80 columns", wave(250), nil, 80, `
 139.97 ┤          ╭─╮                                             ╭─╮
 136.34 ┤      ╭───╯ ╰───╮                                     ╭───╯ ╰───╮
 132.71 ┤    ╭─╯         ╰─╮                                 ╭─╯         ╰─╮
 129.08 ┤   ╭╯             ╰─╮                             ╭─╯             ╰╮
 125.44 ┤ ╭─╯                ╰╮                           ╭╯                ╰─╮
 121.81 ┤╭╯                   ╰╮                        ╭─╯                   ╰╮
 118.18 ┼╯                     ╰─╮                     ╭╯                      ╰
 114.55 ┤                        ╰╮                   ╭╯
 110.91 ┤                         ╰─╮               ╭─╯
 107.28 ┤                           ╰╮             ╭╯
 103.65 ┤                            ╰─╮         ╭─╯
 100.01 ┤                              ╰─────────╯
        └───────────────────────────────────────────────────────────────────────
        2025-11-24                                                    2026-11-20
`},
		{"its gaps, be they of one session", wave(250, 20, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 180), nil, 80, `
 139.97 ┤          ╭─╮                                             ╭─╮
 136.34 ┤      ╶───╯ ╰───╮                                     ╭───╯ ╰───╮
 132.71 ┤    ╭╴          ╰─╮                                 ╶─╯         ╰─╮
 129.08 ┤   ╭╯             ╰─╮                             ╭╴              ╰╮
 125.44 ┤ ╭─╯                ╰╮                           ╭╯                ╰─╮
 121.81 ┤╭╯                   ╰╮                        ╭─╯                   ╰╮
 118.18 ┼╯                     ╰─╮                     ╭╯                      ╰
 114.55 ┤                        ╰╮                   ╭╯
 110.91 ┤                         ╰─╮               ╭─╯
 107.28 ┤                           ╰╴             ╭╯
 103.65 ┤                                        ╭─╯
 100.01 ┤                               ╶────────╯
        └─────╳──────────────────────╳╳╳────────────────────╳───────────────────
        2025-11-24                     ╳ missing                      2026-11-20
`},
		{"the same at 40 columns", wave(250, 20, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 180), nil, 40, `
 139.99 ┤                         ╭╮
 136.36 ┤  ╶───╮                ╶─╯╰╮
 132.72 ┤      ╰╮                   ╰╮
 129.09 ┤╭╴     ╰╮                   ╰╮
 125.46 ┤│       │            ╭╴      ╰╮
 121.82 ┼╯       ╰╮          ╭╯        │
 118.19 ┤         ╰╮         │         ╰
 114.55 ┤          │        ╭╯
 110.92 ┤          ╰╴      ╭╯
 107.28 ┤                  │
 103.65 ┤                 ╭╯
 100.01 ┤              ╶──╯
        └─╳─────────╳╳╳────────╳────────
        2025-11-24 ╳ missing  2026-11-20
`},
		{"a week", []float64{195.2566, nan, 197.0018, 196.5, 198.25}, nil, 60, `
 198.25 ┤                                         ╭─────────
 197.98 ┤                                         │
 197.71 ┤                                         │
 197.43 ┤                                         │
 197.16 ┤                                         │
 196.89 ┤                    ╶──────────╮         │
 196.62 ┤                               │         │
 196.35 ┤                               ╰─────────╯
 196.07 ┤
 195.80 ┤
 195.53 ┤
 195.26 ┼──────────╴
        └──────────╳╳╳╳╳╳╳╳╳╳───────────────────────────────
        2025-11-24           ╳ missing            2026-11-20
`},
		{"a penny stock", []float64{0.0042, 0.0041, 0.0043, 0.0044, 0.0042}, nil, 40, `
 0.00440 ┤                  ╭─────╮
 0.00437 ┤                  │     │
 0.00435 ┤                  │     │
 0.00432 ┤            ╭─────╯     │
 0.00429 ┤            │           │
 0.00426 ┤            │           │
 0.00424 ┤            │           │
 0.00421 ┼──────╮     │           ╰─────
 0.00418 ┤      │     │
 0.00415 ┤      │     │
 0.00413 ┤      │     │
 0.00410 ┤      ╰─────╯
         └──────────────────────────────
         2025-11-24           2026-11-20
`},
		{"thousands", []float64{612345.67, 608000, 605250.5}, nil, 40, `
 612346 ┼──────────╮
 611701 ┤          │
 611056 ┤          │
 610411 ┤          │
 609766 ┤          │
 609121 ┤          │
 608476 ┤          ╰──────────╮
 607831 ┤                     │
 607186 ┤                     │
 606541 ┤                     │
 605896 ┤                     │
 605250 ┤                     ╰─────────
        └───────────────────────────────
        2025-11-24            2026-11-20
`},
		{"one price", []float64{12.5, 12.5, nan, 12.5}, nil, 40, `
 12.50 ┼────────────────╴       ╶───────
       └────────────────╳╳╳╳╳╳╳╳────────
       2025-11-24  ╳ missing  2026-11-20
`},
		{"more gaps than bars", []float64{10, nan, nan, nan, 12, nan, nan, nan, 11, nan, nan, nan, 12}, nil, 40, `
 12.00 ┤          ╶─╴                 ╶─
 11.82 ┤
 11.64 ┤
 11.45 ┤
 11.27 ┤
 11.09 ┤                    ╶─╴
 10.91 ┤
 10.73 ┤
 10.55 ┤
 10.36 ┤
 10.18 ┤
 10.00 ┼──╴
       └──╳╳╳╳╳╳╳╳──╳╳╳╳╳╳╳╳──╳╳╳╳╳╳╳╳──
       2025-11-24  ╳ missing  2026-11-20
`},
		{"held prices: of a session that is missing, of one that has a bar, and after the last bar",
			[]float64{10, nan, 12, nan, 11, 12, nan}, []int{3, 4, 6}, 60, `
 12.00 ┤               ╶──────╴              ╭───────╴
 11.82 ┤                                     │
 11.64 ┤                                     │
 11.45 ┤                                     │
 11.27 ┤                                     │
 11.09 ┤                              ╶──────╯
 10.91 ┤
 10.73 ┤
 10.55 ┤
 10.36 ┤
 10.18 ┤
 10.00 ┼───────╴
       └───────╳╳╳╳╳╳╳╳───────???????????????────────???????
       2025-11-24        ╳ missing  ? held        2026-11-20
`},
		{"held, of sessions that have bars", []float64{10, 11, 12}, []int{0, 2}, 50, `
 12.00 ┤                            ╭─────────────
 11.82 ┤                            │
 11.64 ┤                            │
 11.45 ┤                            │
 11.27 ┤                            │
 11.09 ┤              ╭─────────────╯
 10.91 ┤              │
 10.73 ┤              │
 10.55 ┤              │
 10.36 ┤              │
 10.18 ┤              │
 10.00 ┼──────────────╯
       ???????????????──────────────??????????????
       2025-11-24        ? held         2026-11-20
`},
		{"no room", wave(250), nil, 28, ""},
		{"no terminal", wave(250), nil, 0, ""},
		{"one bar", []float64{10}, nil, 80, ""},
		{"nothing", nil, nil, 80, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := drawCloses(test.closes, test.held, chartFirst, chartLast, test.width)
			if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), got); diff != "" {
				t.Errorf("(-want +got)\n%s\n%s", diff, got)
			}
		})
	}
}

// A bar each week for five years: with a break in each column nothing would be left.
func TestDrawClosesWithAGapInEachColumn(t *testing.T) {
	closes := wave(1250)
	for i := range closes {
		if i%5 != 0 && i != len(closes)-1 {
			closes[i] = math.NaN()
		}
	}
	chart := drawCloses(closes, nil, chartFirst, chartLast, 80)
	if strings.ContainsAny(chart, "╴╶") || strings.Count(chart, gapMark) != 80-len(" 139.99 ")+1 {
		t.Errorf("want an unbroken line with a mark below each column:\n%s", chart)
	}
}

func TestDrawClosesStaysWithinTheWidth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(0, 200).Draw(t, "width")
		scale := math.Pow10(rapid.IntRange(-8, 8).Draw(t, "scale"))
		closes := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float64 {
			if rapid.IntRange(0, 9).Draw(t, "missing") == 0 {
				return math.NaN()
			}
			return scale * float64(rapid.IntRange(1, 5000).Draw(t, "close"))
		}), 2, 600).Draw(t, "closes")
		closes[0], closes[len(closes)-1] = scale, 2*scale
		held := rapid.SliceOfNDistinct(rapid.IntRange(0, len(closes)-1), 0, 5, rapid.ID).Draw(t, "held")
		slices.Sort(held)
		for line := range strings.Lines(drawCloses(closes, held, chartFirst, chartLast, width)) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
				t.Fatalf("%d columns, want at most %d: %q", n, width, line)
			}
		}
	})
}
