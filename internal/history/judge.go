package history

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Ruling is what is to become of a fetched bar.
type Ruling int

// The rulings.
const (
	Store  Ruling = iota // it is believed, though there can be a Why to warn of
	Keep                 // what is stored of its session stays: a person set it
	Hold                 // it may be wrong: something has to confirm it
	Reject               // it is wrong, as the bars after it show, or as was decided before
)

// Judgement is what is to become of a fetched bar, and why.
type Judgement struct {
	Bar      marketdata.Bar
	Ruling   Ruling
	Why      string   // what is odd about it; "" if nothing is
	Evidence []string // for and against it, if it was in doubt
	IsStale  bool     // all of it, the volume included, equals the bar of the session before
	// IsUnsettled says that a series would show whether it is the quote or what is stored before it that is wrong.
	IsUnsettled bool
}

// Around is what the bars of an answer are judged by.
type Around struct {
	// MaxMove is the largest part by which a close may differ from the one before without being in doubt: 0.5 is 50 %.
	MaxMove  decimal.Decimal
	Calendar *exchange.Exchange
	Stored   []StoredBar // ascending, from some sessions before the bars on
	Held     []HeldBar   // of the ticker, ascending, decided ones too
	Splits   []Split     // those that are known, or that the vendor has in its table, besides those that it reports with the series
	// IsForced says that what is stored of the sessions of the bars is to be replaced, since it may be what is wrong.
	IsForced bool
	// Series are all bars of the answer, ascending and on the scale of what is stored, if it is about a span of sessions.
	Series []marketdata.Bar
	// Quoted is the close that a quote had of the newest bar, if the series was asked to settle a doubt about it.
	Quoted decimal.NullDecimal
}

// Judge returns a judgement of each bar of an answer about one ticker, ascending and as Check left them, and the held
// bars that they decide about.
func Judge(bars []marketdata.Bar, around Around) (judged []Judgement, decided []HeldBar) {
	j := newJudge(bars, around)
	for i := range bars {
		got := j.judgeBar(i)
		judged = append(judged, got)
		if got.Ruling == Store {
			j.believed = append(j.believed, got.Bar)
		} else if kept, found := StoredOf(j.Stored, got.Bar.Session); found {
			j.believed = append(j.believed, kept.Bar)
		}
	}
	for i := range judged {
		j.decideLate(&judged[i])
	}
	return judged, j.decideHeld(judged)
}

const (
	// maxSelfEvident is the largest factor between two closes that one answer can show by itself: beyond it lie mistakes
	// rather than moves.
	maxSelfEvident = 5
	// manyTimes is the factor from which on one price is called so many times another, rather than some per cent above it.
	manyTimes = 10
	// maxFollowers is how many closes after a bar show whether its level persists.
	maxFollowers = 5
	// minFollowers is how many later sessions it takes to believe a level that is further away than a move.
	minFollowers = 2
	// maxScaleBars is how many of the newest bars that are both stored and fetched show whether both are on one scale; it takes
	// two, or a difference that is none of a move or a split.
	maxScaleBars = 3
	// maxRepeats is how many sessions in a row may repeat the bar before them.
	maxRepeats = 1
	// unitLow and unitHigh are by which factors prices differ that are in another unit, like pence for pounds: within 2 %
	// of 100, whichever of the two prices is the larger one.
	unitLow, unitHigh = 98 - 1e-9, 100/0.98 + 1e-9
)

// judge judges the bars of one answer, in their order.
type judge struct {
	Around
	bars       []marketdata.Bar
	others     []StoredBar      // of sessions that the answer does not have, ascending
	incomplete []StoredBar      // of sessions that it has, ascending: they say nothing about it, and are not among Stored
	manual     []StoredBar      // that a person set, ascending
	believed   []marketdata.Bar // of the answer so far, ascending
	isOffScale bool             // the series is on another scale than what is stored, which no split explains
	isAdjusted bool             // the series is adjusted for a split, and what is stored is not
}

func newJudge(bars []marketdata.Bar, around Around) *judge {
	j := &judge{Around: around, bars: bars}
	j.Stored, j.Splits = nil, slices.Concat(around.Splits, reportedSplits(around.Series))
	for _, b := range around.Stored {
		if b.Source == ManualSource {
			j.manual = append(j.manual, b)
		}
		if _, found := find(bars, b.Session); found && b.Incomplete {
			j.incomplete = append(j.incomplete, b)
		}
	}
	for _, b := range around.Comparable(bars) {
		if len(bars) > 0 && b.Currency != bars[0].Currency {
			continue
		}
		j.Stored = append(j.Stored, b)
		if _, found := find(bars, b.Session); !found {
			j.others = append(j.others, b)
		}
	}
	j.compareScales()
	return j
}

// Comparable returns the stored bars that an answer can be compared with: those with a close. Incomplete ones have one that nobody
// has judged, and that is no better than the answer: they are left out if it has their session, or if they are far from the one
// before them.
func (a Around) Comparable(answer []marketdata.Bar) []StoredBar {
	var comparable []StoredBar
	for _, b := range withoutAnswered(a.Stored, answer) {
		n := len(comparable)
		isStray := b.Incomplete && n > 0 && a.isStray(comparable[n-1].Bar, b.Bar)
		if b.Close.IsPositive() && !isStray {
			comparable = append(comparable, b)
		}
	}
	return comparable
}

// withoutAnswered returns stored bars without incomplete ones of sessions that an answer has.
func withoutAnswered(stored []StoredBar, answer []marketdata.Bar) []StoredBar {
	return slices.DeleteFunc(slices.Clone(stored), func(b StoredBar) bool {
		_, found := find(answer, b.Session)
		return b.Incomplete && found
	})
}

// isStray reports whether a bar is far from the one before, and no split is known that explains it.
func (a Around) isStray(before, bar marketdata.Bar) bool {
	_, isSplit := a.splitBetween(before, bar)
	return before.Currency == bar.Currency && a.isFar(before.Close, bar.Close) && !isSplit
}

func (j *judge) judgeBar(i int) Judgement {
	got := Judgement{Bar: j.bars[i]}
	_, isManual := StoredOf(j.manual, got.Bar.Session)
	_, isComplete := StoredOf(j.Stored, got.Bar.Session)
	_, isIncomplete := StoredOf(j.incomplete, got.Bar.Session)
	repeats := j.repeats(got.Bar)
	got.IsStale = repeats > 0
	switch why := j.doubt(i); {
	case isManual:
		got.Ruling, got.Why = Keep, "a person set the price of this session"
	case j.isAdjusted && (isComplete || isIncomplete):
		got.Ruling, got.Why = Keep, "the series is adjusted for a split, and what is stored is not"
	case j.isDecided(got.Bar, Rejected):
		got.Ruling, got.Why = Reject, "the same price was rejected before"
	case j.isDecided(got.Bar, Accepted):
	case repeats > maxRepeats && len(j.followers(i)) == 0:
		got.Ruling = Hold
		got.Why = fmt.Sprintf("stale answer: it is the same bar, volume included, for %d sessions in a row", repeats+1)
	case why != "":
		j.settle(i, why, &got)
	case got.IsStale:
		got.Why = "stale answer: it equals the bar of the session before, volume included"
	default:
		got.Why, got.IsUnsettled = j.contradiction(got.Bar)
	}
	return got
}

// isDecided reports whether the same close of the session was held before, and what was decided about it.
func (j *judge) isDecided(bar marketdata.Bar, decision Decision) bool {
	return slices.ContainsFunc(j.Held, func(h HeldBar) bool {
		return h.Session == bar.Session && h.Decision == decision && samePrice(h.Close, bar.Close)
	})
}

// before returns the bar that is n sessions with a believed bar before a session of the answer, 1 for the newest.
func (j *judge) before(session exchange.Date, n int) (bar marketdata.Bar, found bool) {
	b := len(j.believed)
	for b > 0 && !j.believed[b-1].Session.Before(session) {
		b--
	}
	o, _ := findStored(j.others, session)
	for range n {
		switch {
		case b > 0 && (o == 0 || j.others[o-1].Session.Before(j.believed[b-1].Session)):
			b--
			bar = j.believed[b]
		case o > 0:
			o--
			bar = j.others[o].Bar
		default:
			return marketdata.Bar{}, false
		}
	}
	return bar, true
}

// followers returns the next closes after a bar, believed or not.
func (j *judge) followers(i int) []decimal.Decimal {
	o, _ := findStored(j.others, j.bars[i].Session)
	next := Join(j.others[o:min(len(j.others), o+maxFollowers)], j.bars[i+1:min(len(j.bars), i+1+maxFollowers)])
	var closes []decimal.Decimal
	for _, bar := range next[:min(len(next), maxFollowers)] {
		closes = append(closes, bar.Close)
	}
	return closes
}

// repeats returns how many sessions right before a bar have the very same one, up to one more than are tolerated. Without
// a volume nothing can be said.
func (j *judge) repeats(bar marketdata.Bar) int {
	n := 0
	for n <= maxRepeats {
		before, found := j.before(bar.Session, n+1)
		if !found || !sameTrading(before, bar) {
			break
		}
		n++
	}
	return n
}

func sameTrading(a, b marketdata.Bar) bool {
	hasTrades := a.Volume != nil && b.Volume != nil && *a.Volume == *b.Volume && *a.Volume > 0
	return hasTrades && hasRange(a) && hasRange(b) && samePrice(a.Close, b.Close) && samePrice(a.Open.Decimal, b.Open.Decimal) &&
		samePrice(a.High.Decimal, b.High.Decimal) && samePrice(a.Low.Decimal, b.Low.Decimal)
}

func hasRange(bar marketdata.Bar) bool { return bar.Open.Valid && bar.High.Valid && bar.Low.Valid }

// samePrice reports whether two prices differ by no more than a database rounds away. Its narrowest columns have two
// decimals, which SQLite does not always write.
func samePrice(stored, fetched decimal.Decimal) bool {
	return stored.Sub(fetched).Abs().LessThan(decimal.New(1, min(stored.Exponent(), -2)))
}

// doubt returns why a bar may be wrong; "" if nothing says so.
func (j *judge) doubt(i int) string {
	bar := j.bars[i]
	before, found := j.before(bar.Session, 1)
	stored, isStored := StoredOf(j.Stored, bar.Session)
	previous := previousClose(bar)
	switch {
	case isStored && samePrice(stored.Close, bar.Close):
		return ""
	case j.isOffScale:
		return "the whole answer is on another scale than what is stored"
	case !found && isStored && !j.IsForced && j.isFar(stored.Close, bar.Close):
		return j.describeMove("the stored close of the session", stored.Close, bar.Close)
	case !found && !previous.Valid:
		return j.doubtOfFirst(i)
	case found && !j.isFar(before.Close, bar.Close):
		return ""
	case previous.Valid && j.isFar(previous.Decimal, bar.Close) && (!found || nextSession(j.Calendar, before.Session) != bar.Session):
		return j.describeMove("the previous close of the same answer", previous.Decimal, bar.Close)
	case !previous.Valid || j.isFar(previous.Decimal, bar.Close):
		return j.describeMove("the close of "+before.Session.String(), before.Close, bar.Close)
	case !found || j.explainsPrevious(before, bar):
		return ""
	default:
		return j.describeMove("the close of "+before.Session.String(), before.Close, bar.Close) + ", and so is the previous close of the answer"
	}
}

// previousClose returns the close of the session before that a quote has, if it can be one.
func previousClose(bar marketdata.Bar) decimal.NullDecimal {
	previous := bar.PreviousClose
	previous.Valid = previous.Valid && previous.Decimal.IsPositive()
	return previous
}

// explainsPrevious reports whether a split explains that the previous close of a quote is far from the bar before it, or
// sessions that are missing in between.
func (j *judge) explainsPrevious(before, bar marketdata.Bar) bool {
	if nextSession(j.Calendar, before.Session) != bar.Session {
		return distance(before.Close, bar.PreviousClose.Decimal) <= maxSelfEvident
	}
	_, isSplit := DetectByPreviousClose(j.Stored, bar, Rebased(j.Splits), j.Calendar)
	return isSplit
}

// contradiction returns what a quote says of the session before if it is not what is stored of it, other than the close as
// traded before a split that was rebased. unsettled says that one of both is wrong.
func (j *judge) contradiction(bar marketdata.Bar) (why string, unsettled bool) {
	before, found := j.before(bar.Session, 1)
	previous := previousClose(bar)
	if !found || !previous.Valid || nextSession(j.Calendar, before.Session) != bar.Session || isOnScale(before.Close, previous.Decimal) {
		return "", false
	}
	if stored, isStored := StoredOf(j.others, before.Session); isStored && stored.Incomplete {
		return "", false // it is a price of some moment, and not the close
	}
	for _, s := range Rebased(j.Splits) {
		if s.Session == bar.Session && isOnScale(s.divide(previous.Decimal), before.Close) {
			return "", false
		}
	}
	return fmt.Sprintf("the previous close of the answer (%s) is not the close of %s (%s)",
		marketdata.FormatPrice(previous.Decimal), before.Session, marketdata.FormatPrice(before.Close)), true
}

// doubtOfFirst returns why a first bar, before which nothing is known, may be wrong.
func (j *judge) doubtOfFirst(i int) string {
	level, n := j.levelAfter(i, j.bars[i].Close)
	if n < minFollowers || distance(level, j.bars[i].Close) < unitLow {
		return "" // the first bar before a split differs from the rest by up to that
	}
	return j.describeMove("the closes after it", level, j.bars[i].Close)
}

// isFar reports whether a price differs from another by more than a move from one session to the next does.
func (a Around) isFar(from, to decimal.Decimal) bool {
	return isUnit(from, to) || to.Sub(from).Abs().GreaterThan(from.Mul(a.limit(from, to)))
}

// limit returns the largest part by which a price may move to another one without being in doubt.
func (a Around) limit(from, to decimal.Decimal) decimal.Decimal {
	if to.LessThan(from) {
		return decimal.Min(a.MaxMove, maxFall) // a bound on rises of 100 % and more would be none on falls
	}
	return a.MaxMove
}

// maxFall is the largest part that a price may lose from one session to the next without being in doubt, whatever the
// largest move is.
var maxFall = decimal.New(9, -1)

// isUnit reports whether two prices differ as if one were in another unit.
func isUnit(a, b decimal.Decimal) bool {
	d := distance(a, b)
	return d >= unitLow && d <= unitHigh
}

// distance returns by which factor two prices differ, at least 1.
func distance(a, b decimal.Decimal) float64 {
	quotient, ok := divide(a, b)
	if !ok {
		return math.Inf(1)
	}
	return max(quotient, 1/quotient)
}

// describeMove returns how a price compares with another one that has a name, and why that is in doubt: "40.00 is 60% below
// the close of … (100.00), more than 50%".
func (a Around) describeMove(name string, from, to decimal.Decimal) string {
	text := fmt.Sprintf("%s is %s %s (%s)", marketdata.FormatPrice(to), comparison(from, to), name, marketdata.FormatPrice(from))
	if isUnit(from, to) {
		return text + ", as if in another unit"
	}
	return text + ", more than " + a.limit(from, to).Shift(2).String() + "%"
}

func comparison(from, to decimal.Decimal) string {
	percent := func(part decimal.Decimal) string { return part.Shift(2).DivRound(from, 1).String() + "%" }
	factor := distance(from, to)
	text := strings.TrimSuffix(strconv.FormatFloat(factor, 'f', 1, 64), ".0")
	switch isFactor := factor >= manyTimes; {
	case isFactor && to.GreaterThan(from):
		return text + " times"
	case isFactor:
		return "1/" + text + " of"
	case to.GreaterThan(from):
		return percent(to.Sub(from)) + " above"
	default:
		return percent(from.Sub(to)) + " below"
	}
}

// levelAfter returns the median of the next closes after a bar, and how many there are; of the two in the middle of an even
// number the one that is nearer to a price.
func (j *judge) levelAfter(i int, near decimal.Decimal) (level decimal.Decimal, n int) {
	closes := j.followers(i)
	n = len(closes)
	if n == 0 {
		return decimal.Decimal{}, 0
	}
	slices.SortFunc(closes, decimal.Decimal.Cmp)
	low, high := closes[(n-1)/2], closes[n/2]
	if isNearer(near, low, high) {
		return low, n
	}
	return high, n
}

// isNearer reports whether a price is nearer to a than to b, in terms of multiplication.
func isNearer(price, a, b decimal.Decimal) bool {
	return distance(price, a) < distance(price, b)
}

// compareScales finds whether the series is on another scale than what is stored: all of the newest bars that both have
// differ by more than a correction.
func (j *judge) compareScales() {
	var newest StoredBar
	off, both := 0, 0
	for _, bar := range slices.Backward(j.Series) {
		stored, found := StoredOf(j.Stored, bar.Session)
		if !found || stored.Source == ManualSource || both == maxScaleBars {
			continue
		}
		if both++; both == 1 {
			newest = stored
		}
		if !isOnScale(stored.Close, bar.Close) {
			off++
		}
	}
	i, _ := find(j.Series, newest.Session)
	isEnough := both > 1 || both == 1 && isOdd(newest.Close, j.Series[i].Close)
	if j.IsForced || !isEnough || off < both {
		return
	}
	s, found := j.splitAfter(newest)
	if found {
		j.Splits = append(j.Splits, s)
	}
	j.isAdjusted, j.isOffScale = found, !found
}

// splitAfter returns the split after a stored bar by which the series differs from what is stored: one that is known, or one
// as companies make them.
func (j *judge) splitAfter(newest StoredBar) (Split, bool) {
	i, _ := find(j.Series, newest.Session)
	for _, s := range j.Splits {
		if s.Session.After(newest.Session) && isOnScale(s.divide(newest.Close), j.Series[i].Close) {
			return s, true
		}
	}
	if isOdd(newest.Close, j.Series[i].Close) {
		return Split{}, false
	}
	return DetectSplit(j.Stored, j.Series, Rebased(j.Splits), nil, j.Calendar)
}

// isOdd reports whether two closes differ by more than a move or the ratio of a split.
func isOdd(a, b decimal.Decimal) bool {
	quotient, ok := divide(a, b)
	_, isSplit := matchGap(quotient)
	return !ok || isUnit(a, b) || distance(a, b) > maxSelfEvident && !isSplit
}
