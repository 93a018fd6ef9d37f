package history

import (
	"math"
	"slices"

	"github.com/shopspring/decimal"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

const (
	// minLevelBars is how many bars must lie on the level before a jump, and how many of one answer on the level after
	// it, for the jump to be a split. Fewer can be a glitch, which lasts one session or two.
	minLevelBars = 3
	// minLevelNights is how many bars on the level after a jump are enough if each came with an answer of its own.
	minLevelNights = 2
	// maxDaysBetweenSessions is the largest number of days from one session to the next.
	maxDaysBetweenSessions = 7
	// levelWindow is how many bars on each side of a jump show what moves and volumes are usual.
	levelWindow = 20
	// minProminence is how many times as large as the usual large move a jump must be. Nothing smaller can be told from
	// the moves of a volatile ticker.
	minProminence = 2.0
	// maxNightOnLevel is how much of a jump a night beside it may move prices: more can be the end of a glitch.
	maxNightOnLevel = 1.0 / 3
	// maxTurnover is how many times as much money as usual may change hands in the bars after a split. News that halves
	// a price or doubles it brings more; a split does not change the value of what is traded.
	maxTurnover = 4.0
)

// DetectLevel returns the newest split that bars, ascending and as they were traded, show by their levels alone: prices
// open at another level than they closed at, by a ratio of shares give or take a night's move, and stay there. Bars
// before first were seen by earlier calls: a jump is looked at only if it could not be decided without the bars from
// first on. What the vendor reports decides where levels cannot. It can be a crash, and nothing is found that is known.
func DetectLevel(bars []marketdata.Bar, first exchange.Date, known, reported []Split) (Split, bool) {
	start, _ := find(bars, first)
	for i := len(bars) - 1; i > max(0, start-minLevelBars); i-- {
		s, found := reportedAt(bars, i, reported)
		if !found {
			s, found = splitAtLevel(bars, i, minLevelBars)
		}
		if found && !knows(known, s) {
			return s, true
		}
	}
	return Split{}, false
}

// DetectPersistentLevel returns the split that bars which each came with an answer of its own show after those that are
// stored, both ascending: after holds the bars from the jump on, the newest last. A single bar shows none, since it
// cannot be told from a glitch, nor from a fall.
func DetectPersistentLevel(before []StoredBar, after []marketdata.Bar, known, reported []Split) (Split, bool) {
	if len(before) == 0 || len(after) < minLevelNights {
		return Split{}, false
	}
	bars := Join(before, after)
	i, _ := find(bars, after[0].Session)
	s, found := reportedAt(bars, i, reported)
	if !found {
		s, found = splitAtLevel(bars, i, minLevelNights)
	}
	if !found || knows(known, s) {
		return Split{}, false
	}
	return s, true
}

// Join returns the bars that are stored and those of an answer, ascending as both are. Of a session that both have, it is
// the answer's.
func Join(stored []StoredBar, bars []marketdata.Bar) []marketdata.Bar {
	joined := make([]marketdata.Bar, 0, len(stored)+len(bars))
	for _, b := range stored {
		for len(bars) > 0 && bars[0].Session.Before(b.Session) {
			joined, bars = append(joined, bars[0]), bars[1:]
		}
		if len(bars) == 0 || bars[0].Session != b.Session {
			joined = append(joined, b.Bar)
		}
	}
	return append(joined, bars...)
}

// reportedAt returns the split that the vendor reports of the session of the i-th bar, if the bar differs by it from the
// one before, and so is not adjusted.
func reportedAt(bars []marketdata.Bar, i int, reported []Split) (Split, bool) {
	for _, s := range reported {
		if i > 0 && s.Session == bars[i].Session && bars[i-1].Currency == bars[i].Currency && s.isUnadjusted(bars[:i], bars[i:]) {
			return s, true
		}
	}
	return Split{}, false
}

// splitAtLevel returns the split at the i-th bar that the bars beside it show, of which at least minAfter must follow.
func splitAtLevel(bars []marketdata.Bar, i, minAfter int) (Split, bool) {
	if i < minLevelBars || len(bars)-i < minAfter {
		return Split{}, false
	}
	gap, ok := overnight(bars[i-1], bars[i])
	s, found := matchGap(gap)
	if !ok || !found || !areNeighbours(bars[i-1], bars[i]) {
		return Split{}, false
	}
	before := bars[max(0, i-levelWindow):i]
	after := bars[i:min(len(bars), i+levelWindow)]
	if !persists(before, after[:min(len(after), minLevelBars)], gap) || !isProminent(before, after, gap) || isNews(before, after) {
		return Split{}, false
	}
	s.Session = bars[i].Session
	return s, true
}

// overnight returns the quotient of the close of a bar and the first price of the next one.
func overnight(before, bar marketdata.Bar) (quotient float64, ok bool) {
	if bar.Open.Valid {
		return divide(before.Close, bar.Open.Decimal)
	}
	return divide(before.Close, bar.Close)
}

// areNeighbours reports whether nothing but a split can lie between a bar and the next one: they are of one currency and
// of sessions that follow each other, as far as days show it, and the vendor does not report that there was none.
func areNeighbours(before, bar marketdata.Bar) bool {
	isNear := !before.Session.AddDays(maxDaysBetweenSessions).Before(bar.Session)
	return isNear && before.Currency == bar.Currency && !bar.SplitCoefficient.Valid
}

// matchGap returns the split that the quotient of a close and the next open is taken for.
func matchGap(quotient float64) (Split, bool) {
	for _, list := range levelRatios {
		if s, found := nearestRatio(quotient, list); found {
			return s, true
		}
	}
	return Split{}, false
}

// nearestRatio returns the one of ratios that a quotient is, give or take a night's move.
func nearestRatio(quotient float64, ratios []Split) (nearest Split, found bool) {
	smallest := maxOvernightMove
	for _, s := range ratios {
		if move := math.Abs(float64(s.New)/float64(s.Old)/quotient - 1); move <= smallest {
			nearest, smallest, found = s, move, true
		}
	}
	return nearest, found
}

// persists reports whether the bars beside a jump of a quotient lie on the level of their side.
func persists(before, after []marketdata.Bar, quotient float64) bool {
	before = before[len(before)-minLevelBars:]
	last := before[len(before)-1].Close
	half := math.Log(quotient) / 2
	return isOnLevel(before, last, 0, half) && isOnLevel(after, last, 2*half, half)
}

// isOnLevel reports whether bars lie on a level, nearer to it than half of a jump, and no night moves them by much of it.
// Levels are logarithms of the quotient of a price and theirs.
func isOnLevel(bars []marketdata.Bar, price decimal.Decimal, level, half float64) bool {
	for i, bar := range bars {
		if q, ok := divide(price, bar.Close); !ok || (math.Log(q)-level)/half >= 1 || (level-math.Log(q))/half >= 1 {
			return false
		}
		if i == 0 {
			continue
		}
		if night, ok := overnight(bars[i-1], bar); !ok || math.Abs(math.Log(night)) >= maxNightOnLevel*2*math.Abs(half) {
			return false
		}
	}
	return true
}

// isProminent reports whether a jump is far larger than the moves on both sides of it.
func isProminent(before, after []marketdata.Bar, quotient float64) bool {
	moves := append(movesOf(before), movesOf(after)...)
	slices.Sort(moves)
	// The two largest can be those into a glitch and out of it.
	usual := moves[max(0, len(moves)-3)]
	weekdays := weekdaysBetween(before[len(before)-1].Session, after[0].Session)
	return math.Abs(math.Log(quotient)) >= minProminence*usual*math.Sqrt(float64(weekdays))
}

// movesOf returns how far each close lies from the one before it, as logarithms.
func movesOf(bars []marketdata.Bar) []float64 {
	var moves []float64
	for i := 1; i < len(bars); i++ {
		if q, ok := divide(bars[i-1].Close, bars[i].Close); ok {
			moves = append(moves, math.Abs(math.Log(q)))
		}
	}
	return moves
}

// weekdaysBetween returns how many weekdays there are after a day up to another; at least 1.
func weekdaysBetween(from, to exchange.Date) int {
	n := 0
	for d := from.AddDays(1); !d.After(to); d = d.AddDays(1) {
		if w := d.Weekday(); w != 0 && w != 6 {
			n++
		}
	}
	return max(1, n)
}

// isNews reports whether far more money changed hands in the first bars after a jump than in those before it. It did not
// if volumes are not known.
func isNews(before, after []marketdata.Bar) bool {
	usual, now := medianTurnover(before), medianTurnover(after[:min(len(after), minLevelBars)])
	return usual > 0 && now > maxTurnover*usual
}

func medianTurnover(bars []marketdata.Bar) float64 {
	var turnover []float64
	for _, bar := range bars {
		if bar.Volume != nil {
			turnover = append(turnover, approximate(bar.Close)*float64(*bar.Volume))
		}
	}
	if len(turnover) == 0 {
		return 0
	}
	slices.Sort(turnover)
	return turnover[(len(turnover)-1)/2]
}

// knows reports whether a split that seems to be lacking is one of known, or the reverse of one, which a price as traded
// shows once the history is rebased. The days can differ where sessions are missing.
func knows(known []Split, s Split) bool {
	return slices.ContainsFunc(known, func(k Split) bool {
		isSame := k.hasRatioOf(s) || k.hasRatioOf(Split{New: s.Old, Old: s.New})
		return isSame && !k.Session.After(s.Session.AddDays(maxDaysBetweenSessions)) &&
			!s.Session.After(k.Session.AddDays(maxDaysBetweenSessions))
	})
}

// divide returns the quotient of two prices, to compare it: nothing that is stored is computed from it.
func divide(a, b decimal.Decimal) (quotient float64, ok bool) {
	x, y := approximate(a), approximate(b)
	if x <= 0 || y <= 0 {
		return 0, false
	}
	return x / y, true
}

// approximate returns a price as a float. It is much faster than decimal.Decimal.Float64 for the usual price.
func approximate(price decimal.Decimal) float64 {
	const digits, places = 18, 9
	if price.NumDigits() > digits || price.Exponent() > 0 || price.Exponent() < -places {
		return price.InexactFloat64()
	}
	return float64(price.CoefficientInt64()) / powers[-price.Exponent()]
}

var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}
