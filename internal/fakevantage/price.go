package fakevantage

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/pkg/exchange"
)

// Prices are integers in ten-thousandths, so that each is exact with four decimals.
const unit = 10_000

// Bar is a session's bar as the server writes it: prices with four decimals.
type Bar struct {
	Open, High, Low, Close string
	Volume                 int64
}

type bar struct{ open, high, low, close, volume int64 }

func (b bar) format() Bar {
	return Bar{
		Open: fourDecimals(b.open), High: fourDecimals(b.high), Low: fourDecimals(b.low), Close: fourDecimals(b.close),
		Volume: b.volume,
	}
}

// walk is the price of a symbol over time: a function of the symbol and the day alone.
type walk struct {
	seed  uint64
	level int64 // what the price moves around
	fixed int64 // the price of every session, if it is not 0
}

func newWalk(symbol string) walk {
	h := fnv.New64a()
	h.Write([]byte(symbol))
	w := walk{seed: h.Sum64()}
	w.level = 10*unit + int64(w.draw(1)%(590*unit))
	if strings.HasSuffix(symbol, ".LON") {
		w.level *= 10 // pence: shares of London trade at hundreds or thousands
	}
	return w
}

// draw returns a pseudorandom number: splitmix64 of the walk's seed and the parts.
func (w walk) draw(parts ...int64) uint64 {
	x := w.seed
	for _, p := range parts {
		x += uint64(p) + 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
	}
	return x
}

// within returns a number from -limit to limit.
func (w walk) within(limit int64, parts ...int64) int64 {
	return int64(w.draw(parts...)%uint64(2*limit+1)) - limit
}

// close returns the last price of a day: long and short waves around the level, none of which makes a day's
// move look like a split.
func (w walk) close(day int64) int64 {
	if w.fixed != 0 {
		return w.fixed
	}
	move := int64(0)
	for _, wave := range []struct{ days, height int64 }{{512, 3000}, {128, 1200}, {32, 600}, {8, 300}, {1, 100}} {
		knot, past := day/wave.days, day%wave.days
		from, to := w.within(wave.height, wave.days, knot), w.within(wave.height, wave.days, knot+1)
		move += from + (to-from)*past/wave.days
	}
	return max(1, w.level*(unit+move)/unit)
}

// bar returns the bar of a session, given the session before it.
func (w walk) bar(session, before exchange.Date) bar {
	day := dayNumber(session)
	b := bar{close: w.close(day), volume: 500_000 + int64(w.draw(2, day)%80_000_000)}
	if w.fixed != 0 {
		b.open, b.high, b.low = w.fixed, w.fixed, w.fixed
		return b
	}
	b.open = w.close(dayNumber(before))
	b.open += b.open * w.within(50, 3, day) / unit
	top, bottom := max(b.open, b.close), min(b.open, b.close)
	b.high = top + top*int64(w.draw(4, day)%80)/unit
	b.low = bottom - bottom*int64(w.draw(5, day)%80)/unit
	return b
}

// soFar returns a session's bar while the session is under way.
func (w walk) soFar(b bar, s exchange.Session, now time.Time) bar {
	elapsed, whole := int64(now.Sub(s.Open)/time.Second), int64(s.Close.Sub(s.Open)/time.Second)
	price := b.open + (b.close-b.open)*elapsed/whole
	price += (b.high - b.low) * w.within(1250, 6, now.Unix()/60) / unit
	price = min(max(price, b.low), b.high)
	return bar{
		open: b.open, close: price, high: max(b.open, price), low: min(b.open, price),
		volume: b.volume * elapsed / whole,
	}
}

func dayNumber(d exchange.Date) int64 { return d.In(time.UTC).Unix() / (24 * 60 * 60) }

// ratio returns a*b/c, rounded half away from zero; c is positive.
func ratio(a, b, c int64) int64 {
	n := a * b
	if n < 0 {
		return -((-n + c/2) / c)
	}
	return (n + c/2) / c
}

func fourDecimals(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%04d", sign, n/unit, n%unit)
}

// mustParsePrice reads a price that a test has written.
func mustParsePrice(s string) int64 {
	d, err := decimal.NewFromString(s)
	n := d.Shift(4)
	if err != nil || !n.IsPositive() || !n.IsInteger() {
		panic(fmt.Sprintf("fakevantage: %q is not a price with at most four decimals", s))
	}
	return n.IntPart()
}
