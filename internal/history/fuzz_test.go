package history_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// choices are made by the bytes of an input; the first choice once there are no more.
type choices struct{ bytes []byte }

func (c *choices) below(n int) int {
	if len(c.bytes) == 0 {
		return 0
	}
	b := c.bytes[0]
	c.bytes = c.bytes[1:]
	return int(b) % n
}

// oneIn makes a choice that is true once in n times.
func (c *choices) oneIn(n int) bool { return c.below(n) == 1 }

// seed adds inputs that are the same each time.
func seed(f *testing.F) {
	source := rand.NewChaCha8([32]byte{})
	for range 200 {
		input := make([]byte, 160)
		_, _ = source.Read(input)
		f.Add(input)
	}
}

// november are the sessions of New York in it.
var november = exchange.XNYS.Sessions(day("11-02"), day("11-30"))

// some returns those of sessions that are chosen.
func (c *choices) some(sessions []exchange.Date) []exchange.Date {
	return slices.DeleteFunc(slices.Clone(sessions), func(exchange.Date) bool { return c.oneIn(3) })
}

// ratios are such that whole prices, and multiples of 600 shares, stay exact before a split.
var ratios = []history.Split{
	{New: 2, Old: 1}, {New: 3, Old: 1}, {New: 3, Old: 2}, {New: 5, Old: 4}, {New: 10, Old: 1}, {New: 50, Old: 1},
	{New: 1, Old: 2}, {New: 1, Old: 4}, {New: 1, Old: 5}, {New: 1, Old: 8}, {New: 1, Old: 10},
}

func (c *choices) split() history.Split {
	s := ratios[c.below(len(ratios))]
	s.Session = november[c.below(len(november))]
	return s
}

func (c *choices) price() decimal.Decimal { return decimal.NewFromInt(int64(96 + c.below(9))) }

// bar returns a bar of a session whose prices are near to those of all others.
func (c *choices) bar(session exchange.Date) marketdata.Bar {
	bar := marketdata.Bar{Session: session, Close: c.price(), Currency: "USD"}
	for _, price := range []*decimal.NullDecimal{&bar.Open, &bar.High, &bar.Low} {
		if !c.oneIn(4) {
			*price = decimal.NewNullDecimal(c.price())
		}
	}
	if !c.oneIn(4) {
		bar.Volume = new(int64(c.below(100)) * 600)
	}
	return bar
}

func (c *choices) bars(sessions []exchange.Date) []marketdata.Bar {
	var list []marketdata.Bar
	for _, session := range sessions {
		list = append(list, c.bar(session))
	}
	return list
}

// unadjust returns a bar in shares as they were before a split.
func unadjust(bar marketdata.Bar, s history.Split) marketdata.Bar {
	price := func(p decimal.Decimal) decimal.Decimal {
		return p.Mul(decimal.NewFromInt(s.New)).DivRound(decimal.NewFromInt(s.Old), 4)
	}
	bar.Close = price(bar.Close)
	for _, p := range []*decimal.NullDecimal{&bar.Open, &bar.High, &bar.Low} {
		if p.Valid {
			p.Decimal = price(p.Decimal)
		}
	}
	if bar.Volume != nil {
		bar.Volume = new(*bar.Volume * s.Old / s.New)
	}
	return bar
}

// equalPrices compares prices whatever their number of decimals.
var equalPrices = cmp.Comparer(func(a, b marketdata.Ticker) bool { return a == b })

// Adjusting undoes what a split does to the bars before it, once.
func FuzzAdjustUndoesASplit(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		c := &choices{input}
		want, s := c.bars(c.some(november)), c.split()
		traded := slices.Clone(want)
		before := 0
		for ; before < len(traded) && traded[before].Session.Before(s.Session); before++ {
			traded[before] = unadjust(traded[before], s)
		}
		known := []history.Split{s}
		got, applied := history.Adjust(traded, known)
		if before == 0 || before == len(want) { // nothing shows whether the bars are adjusted
			want, known = traded, nil
		}
		if diff := cmp.Diff(want, got, equalPrices) + cmp.Diff(known, applied); diff != "" {
			t.Errorf("%v (-want +got)\n%s", s, diff)
		}
		if again, applied := history.Adjust(got, known); applied != nil || cmp.Diff(got, again, exactly) != "" {
			t.Errorf("%v is applied to adjusted bars: %v", s, applied)
		}
	})
}

// A split that stored bars from before it lack is detected by three of them, wherever it lies.
func FuzzDetectSplitFindsWhatIsLacking(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		c := &choices{input}
		fetched, s := c.bars(november), c.split()
		var stored []history.StoredBar
		var newest exchange.Date
		lacking := 0
		for _, bar := range fetched {
			if c.oneIn(3) {
				continue
			}
			if bar.Session.Before(s.Session) {
				bar, newest = unadjust(bar, s), bar.Session
				lacking++
			}
			stored = append(stored, history.StoredBar{Bar: bar})
		}
		got, found := history.DetectSplit(stored, fetched, nil, nil, exchange.XNYS)
		if lacking < 2 || lacking < 3 && lacking < len(stored) {
			checkSplit(t, nil, got, found)
			return
		}
		s.Session = exchange.XNYS.Sessions(newest.AddDays(1), newest.AddDays(9))[0]
		checkSplit(t, []history.Split{s}, got, found)
	})
}

// The sessions from the first bar to the last are those that are stored, those that are absent and those of the gaps.
func FuzzGapsAreTheRest(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		c := &choices{input}
		stored, absent := c.some(c.some(november)), slices.DeleteFunc(slices.Clone(november), func(exchange.Date) bool { return !c.oneIn(4) })
		var bars []history.StoredBar
		for _, bar := range withSessions(stored) {
			bars = append(bars, history.StoredBar{Bar: bar})
		}
		var want, got []exchange.Date
		if len(stored) > 0 {
			want = exchange.XNYS.Sessions(stored[0], stored[len(stored)-1])
		}
		want = slices.DeleteFunc(want, func(d exchange.Date) bool { return slices.Contains(stored, d) || slices.Contains(absent, d) })
		for _, gap := range history.Gaps(exchange.XNYS, bars, absent, exchange.Date{}, exchange.Date{}) {
			missing := slices.DeleteFunc(exchange.XNYS.Sessions(gap.From, gap.To), func(d exchange.Date) bool { return slices.Contains(absent, d) })
			if gap.Sessions != len(missing) || gap.From != missing[0] || gap.To != missing[len(missing)-1] {
				t.Errorf("%v, want the sessions %v", gap, missing)
			}
			got = append(got, missing...)
		}
		if diff := cmp.Diff(append([]exchange.Date{}, want...), append([]exchange.Date{}, got...)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// What holds of any request, answer and history.
func FuzzFill(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		c := &choices{input}
		r := history.Request{Sessions: c.some(november), Completed: november[c.below(len(november))], Overwrite: c.oneIn(3), Rebase: c.oneIn(3)}
		series := history.Series{Bars: c.bars(c.some(november))}
		if len(r.Sessions) == 0 || len(series.Bars) == 0 {
			return
		}
		if c.oneIn(2) {
			series.Since = series.Bars[0].Session
		}
		var stored []history.StoredBar
		traded := c.split()
		for i, bar := range c.bars(c.some(november)) {
			if c.oneIn(2) && bar.Session.Before(traded.Session) {
				bar = unadjust(bar, traded)
			}
			stored = append(stored, history.StoredBar{Bar: bar, Row: int64(i + 1)})
		}
		for _, session := range november {
			if c.oneIn(6) {
				s := c.split()
				s.Session, s.Rebased = session, c.oneIn(2)
				r.Splits = append(r.Splits, s)
			}
		}
		checkResult(t, r, series, stored, history.Fill(r, series, stored, exchange.XNYS))
	})
}

// checkResult checks what holds of any result of Fill.
func checkResult(t *testing.T, r history.Request, series history.Series, stored []history.StoredBar, got history.Result) {
	t.Helper()
	outcomes := map[exchange.Date]int{}
	for _, w := range got.Writes {
		outcomes[w.Bar.Session]++
		i := slices.IndexFunc(stored, func(b history.StoredBar) bool { return b.Session == w.Bar.Session })
		switch isKept := !r.Overwrite && !r.Rebase; {
		case w.Keep != isKept:
			t.Errorf("%v is kept: %t, want %t", w.Bar.Session, w.Keep, isKept)
		case i >= 0 && !isKept && w.Row != stored[i].Row, (i < 0 || isKept) && w.Row != 0:
			t.Errorf("%v is written into row %d", w.Bar.Session, w.Row)
		case !r.Rebase && !slices.Contains(r.Sessions, w.Bar.Session):
			t.Errorf("%v is written and was not wanted", w.Bar.Session)
		}
	}
	for _, session := range slices.Concat(got.Unreachable, got.Absent, got.Unpublished) {
		if _, isAdjusted := outcomes[session]; !r.Rebase || !isAdjusted {
			outcomes[session]++
		}
		if !slices.Contains(r.Sessions, session) {
			t.Errorf("%v was not wanted", session)
		}
	}
	for session, n := range outcomes {
		if n > 1 {
			t.Errorf("%v has %d outcomes", session, n)
		}
	}
	for _, session := range r.Sessions {
		isBefore := session.Before(series.Bars[0].Session) && (series.Since.IsZero() || r.Rebase)
		isOnScale := r.Rebase && !r.Overwrite && slices.ContainsFunc(stored, func(b history.StoredBar) bool { return b.Session == session })
		if outcomes[session] == 0 && !isBefore && !isOnScale && got.Refused == nil {
			t.Errorf("nothing is said of %v", session)
		}
	}
	if got.FirstSession.After(r.Completed) && len(stored) == 0 || len(stored) > 0 && got.FirstSession.After(stored[0].Session) {
		t.Errorf("the first session is %v", got.FirstSession)
	}
	bySession := func(a, b history.Split) int { return a.Session.Compare(b.Session) }
	if !slices.IsSortedFunc(got.Splits, bySession) || len(slices.CompactFunc(slices.Clone(got.Splits), func(a, b history.Split) bool { return a.Session == b.Session })) < len(got.Splits) {
		t.Errorf("%v: want one split per session, ascending", got.Splits)
	}
	if got.SplitsChanged == slices.Equal(got.Splits, r.Splits) {
		t.Errorf("splits changed: %t; from %v to %v", got.SplitsChanged, r.Splits, got.Splits)
	}
	if got.Refused != nil && len(got.Writes) > 0 {
		t.Errorf("%v is refused, and written are %v", got.Refused, got.Writes)
	}
	if got.Detected != nil && !slices.Contains(got.Splits, *got.Detected) {
		t.Errorf("%v is detected, and not one of %v", got.Detected, got.Splits)
	}
	if r.Rebase && got.Refused == nil && len(history.Pending(got.Splits)) > 0 {
		t.Errorf("%v are pending after a rebase", history.Pending(got.Splits))
	}
}
