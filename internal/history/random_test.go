package history_test

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// twoYears are the sessions of the random series.
var twoYears = exchange.XNYS.Sessions(exchange.Date{Year: 2024, Month: 11, Day: 20}, exchange.Date{Year: 2026, Month: 11, Day: 20})

// maxDailyMove bounds each close, as a multiple of the one before, and each open.
const maxDailyMove = 0.25

// walk is a random series of daily bars, before it is made one of prices with four decimals.
type walk struct {
	random *rand.Rand
	days   []float64day
}

// float64day is a bar whose prices are not rounded yet.
type float64day struct{ open, high, low, close, volume float64 }

// move returns a move of fat tails: of Student's t distribution with three degrees of freedom, whose standard deviation is
// volatility, and within ±maxDailyMove.
func (w *walk) move(volatility float64) float64 {
	var squares float64
	for range 3 {
		n := w.random.NormFloat64()
		squares += n * n
	}
	return max(-maxDailyMove, min(maxDailyMove, volatility*w.random.NormFloat64()/math.Sqrt(squares)))
}

// newWalk returns n days of a ticker whose closes move by volatility a day, of which about half comes overnight, with
// volumes that vary by half and are larger on days of large moves.
func newWalk(random *rand.Rand, n int, volatility float64) *walk {
	w := &walk{random: random, days: make([]float64day, n)}
	last, shares := math.Exp(1+5*random.Float64()), math.Exp(12+4*random.Float64())
	for i := range w.days {
		move := w.move(volatility)
		night := max(-maxDailyMove, min(maxDailyMove, move*random.Float64()+0.3*volatility*random.NormFloat64()))
		d := float64day{open: last * (1 + night), close: last * (1 + move)}
		d.high = max(d.open, d.close) * (1 + volatility*random.Float64())
		d.low = min(d.open, d.close) * (1 - volatility*random.Float64())
		d.volume = shares * math.Exp(0.4*random.NormFloat64()+min(2, math.Abs(move)/volatility/3))
		w.days[i], last = d, min(max(d.close, 0.5), 100_000)
	}
	return w
}

// scale multiplies the days from one to another by a factor, and leaves volumes as they are: a glitch.
func (w *walk) scale(from, to int, factor float64) {
	for i := range w.days[from:to] {
		d := &w.days[from+i]
		d.open, d.high, d.low, d.close = d.open*factor, d.high*factor, d.low*factor, d.close*factor
	}
}

// split puts the days before one in shares as they were before a split, and makes it open a night's move away from the
// close before. All later days keep their moves.
func (w *walk) split(day int, s history.Split, night float64) {
	factor := float64(s.New) / float64(s.Old)
	adjust := w.days[day-1].close * (1 + night) / w.days[day].open
	w.scale(day, len(w.days), adjust)
	w.scale(0, day, factor)
	for i := range w.days[:day] {
		w.days[i].volume /= factor
	}
}

// largestNight returns the largest move from a close to the next open.
func (w *walk) largestNight() float64 {
	var largest float64
	for i := 1; i < len(w.days); i++ {
		largest = max(largest, math.Abs(w.days[i].open/w.days[i-1].close-1))
	}
	return largest
}

// bars returns the days as bars of prices with four decimals.
func (w *walk) bars(sessions []exchange.Date) []marketdata.Bar {
	list, volumes := make([]marketdata.Bar, len(w.days)), make([]int64, len(w.days))
	price := func(p float64) decimal.Decimal { return decimal.New(max(1, int64(math.Round(p*1e4))), -4) }
	for i, d := range w.days {
		volumes[i] = int64(d.volume)
		list[i] = marketdata.Bar{
			Session: sessions[i], Currency: "USD", Volume: &volumes[i], Close: price(d.close),
			Open: decimal.NewNullDecimal(price(d.open)), High: decimal.NewNullDecimal(price(d.high)), Low: decimal.NewNullDecimal(price(d.low)),
		}
	}
	return list
}

// storedAs returns bars as they are stored.
func storedAs(list []marketdata.Bar) []history.StoredBar {
	var stored []history.StoredBar
	for i, bar := range list {
		stored = append(stored, history.StoredBar{Bar: bar, Row: int64(i + 1)})
	}
	return stored
}

// levelSplits are the splits that are looked for by levels.
var levelSplits = slices.Concat(
	[]history.Split{{New: 3, Old: 2}},
	reversed(false, 2, 3, 4, 5, 7, 10, 12, 15, 20, 25, 30, 40, 50),
	reversed(true, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50),
)

func reversed(isReverse bool, shares ...int64) []history.Split {
	var splits []history.Split
	for _, n := range shares {
		s := history.Split{New: n, Old: 1}
		if isReverse {
			s.New, s.Old = s.Old, s.New
		}
		splits = append(splits, s)
	}
	return splits
}
