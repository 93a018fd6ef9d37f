package refresh

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// backfill collects from an answer what is wanted of the past.
func (v *verdict) backfill(a answered, at time.Time) {
	calendar := a.Ticker.Calendar()
	invalid := a.invalidAmong(a.Sessions)
	sessions := sessionsWithout(a.Sessions, invalid)
	if len(sessions) == 0 {
		v.fail(fmt.Errorf("fetch %s: %w", a.Ticker, invalid[len(invalid)-1].Err))
		return
	}
	request := history.Request{
		Sessions: sessions, Completed: calendar.LastCompleted(at).Date, Splits: a.State.Splits,
		Overwrite: a.Goal == Overwrite, Rebase: a.Goal == Rebase,
	}
	got := history.Fill(request, history.Series{Bars: a.bars, Since: a.since, Adjusted: a.capability.Adjusted}, a.stored, calendar)
	if s := got.Refused; s != nil {
		v.fail(doubtError(fmt.Sprintf("a single bar is all that shows the %s split at %s: nothing was changed", s, s.Session)))
		return
	}
	doubtful := v.judgeWrites(a, got)
	finding := Finding{Ticker: a.Ticker, FirstSession: got.FirstSession, Absent: got.Absent}
	if got.SplitsChanged {
		finding.ForgetSplits, finding.Splits = true, got.Splits
		v.row.Split = pendingSplit(got.Splits)
	}
	v.findings, v.result = append(v.findings, finding), got
	if left := leftOver(got, invalid, doubtful, a.Sessions[0]); left != "" {
		v.addReason(left)
	}
	v.noteLateness(a)
	v.row.OutOfReach, v.row.Absent = len(got.Unreachable), len(got.Absent)
	if got.Detected != nil {
		v.reportSplit(*got.Detected)
	}
}

// noteLateness collects whether a series that tasks have asked for has the newest session, so that they wait for it, and says what
// they wait for.
func (v *verdict) noteLateness(a answered) {
	if len(a.tasks) == 0 || !a.isSeries() {
		return
	}
	if len(a.awaited) > 0 {
		v.addReason(notCompleteReason(a.awaited[0]))
	}
	late := a.latenessAfter(a.bars[len(a.bars)-1].Session, a.Ticker.Calendar().LastCompleted(a.began).Date)
	v.late = &late
	if late != (Lateness{}) {
		v.addReason("asked again from " + late.retryAt(a.began).UTC().Format(time.RFC3339) + " on")
		v.failures = append(v.failures, Failure{Ticker: a.Ticker, AskedAt: a.began})
	}
}

// judgeWrites collects those writes of a result that are believed, and records which bars are wrong; of those in doubt it holds
// the newest. It returns both.
func (v *verdict) judgeWrites(a answered, got history.Result) (doubtful []marketdata.InvalidBar) {
	writes := slices.SortedFunc(slices.Values(got.Writes), func(a, b history.Write) int { return a.Bar.Session.Compare(b.Bar.Session) })
	bars := make([]marketdata.Bar, len(writes))
	for i, write := range writes {
		bars[i] = write.Bar
	}
	judged, decided := history.Judge(bars, a.around(got.Bars))
	for i, j := range judged {
		isDoubted := j.Ruling == history.Hold || j.Ruling == history.Reject
		if isDoubted && hasBar(got.Bars, j.Bar.Session) { // and not a stored one that is only divided
			doubtful = append(doubtful, marketdata.InvalidBar{Ticker: a.Ticker, Session: j.Bar.Session, Err: errors.New(j.Why)})
			v.doubtWrite(a, j, i == len(judged)-1)
			if stored, isStored := history.StoredOf(a.stored, j.Bar.Session); isStored && a.Goal == Rebase {
				v.prices = append(v.prices, v.rescale(a, stored, got.Splits, judged, i))
			}
			continue
		}
		if j.Ruling == history.Keep && a.Goal == Fill { // what is stored is an incomplete bar, and stays so
			v.addReason(fmt.Sprintf("the blanks of %s are not filled: %s", j.Bar.Session, j.Why))
			continue
		}
		price := newPrice(writes[i].Bar, a.provider, a.began)
		price.Backfill, price.Keep, price.Row = true, writes[i].Keep, writes[i].Row
		v.note(a, DecisionStore, j)
		v.prices = append(v.prices, price)
		v.warn(j)
	}
	v.decide(a, decided)
	v.correct(a, got.Bars)
	return doubtful
}

// correct collects the bars by which a series that fills gaps corrects what is stored of the newest other sessions, or brings
// what is blank in any.
func (v *verdict) correct(a answered, bars []marketdata.Bar) {
	if a.Goal != Fill || !a.isSeries() {
		return
	}
	calendar := a.Ticker.Calendar()
	completed := calendar.LastCompleted(a.began).Date
	recent, _ := history.Recent(bars, completed, completed, calendar)
	judged, _ := history.Judge(recent, a.around(bars))
	for _, j := range judged {
		if _, isStored := history.StoredOf(a.stored, j.Bar.Session); isStored && !has(a.Sessions, j.Bar.Session) {
			v.apply(a, j, false)
		}
	}
	if len(recent) > 0 {
		v.fillOlder(a, bars, recent[0].Session)
	}
}

// rescale returns the stored bar of a session whose fetched one is not believed, on the scale that a rebase brings the others to.
func (v *verdict) rescale(a answered, stored history.StoredBar, splits []history.Split, judged []history.Judgement, i int) Price {
	before := history.Rebased(a.State.Splits)
	splits = slices.DeleteFunc(slices.Clone(splits), func(s history.Split) bool { return slices.Contains(before, s) })
	price := newPrice(history.Rescale(stored, splits, nearestBelieved(judged, i)), stored.Source, stored.FetchedAt)
	price.Backfill, price.Row = true, stored.Row
	return price
}

// nearestBelieved returns the close of the bar next to another one that is believed; zero if none is.
func nearestBelieved(judged []history.Judgement, i int) decimal.Decimal {
	for distance := 1; distance < len(judged); distance++ {
		for _, n := range []int{i - distance, i + distance} {
			if n >= 0 && n < len(judged) && judged[n].Ruling == history.Store {
				return judged[n].Bar.Close
			}
		}
	}
	return decimal.Decimal{}
}

// doubtWrite collects what becomes of a bar that is not believed, which can be the newest one.
func (v *verdict) doubtWrite(a answered, j history.Judgement, isNewest bool) {
	switch {
	case j.Ruling == history.Reject:
		v.note(a, DecisionReject, j)
		if a.Goal != Rebase {
			v.reject(a, j)
		}
	case isNewest:
		v.note(a, DecisionHold, j)
		v.held = append(v.held, a.heldBar(j, history.Waiting))
		v.failHeld(a, j)
	default:
		v.note(a, DecisionRefuse, j)
		if v.err == nil {
			v.failDoubtful(a, fmt.Sprintf("the price of %s is not stored: %s", j.Bar.Session, j.Why))
		}
	}
}

// sessionsWithout returns the sessions that have no invalid bar: of the others nothing is known, and they stay wanted.
func sessionsWithout(sessions []exchange.Date, invalid []marketdata.InvalidBar) []exchange.Date {
	return slices.DeleteFunc(slices.Clone(sessions), func(d exchange.Date) bool {
		return slices.ContainsFunc(invalid, func(bar marketdata.InvalidBar) bool { return bar.Session == d })
	})
}

// leftOver returns what became of the sessions that were wanted, the first one among them, and are not stored.
func leftOver(got history.Result, invalid, doubtful []marketdata.InvalidBar, first exchange.Date) string {
	var parts []string
	if n := len(invalid); n > 0 {
		last := invalid[n-1]
		parts = append(parts, fmt.Sprintf("%s whose bar cannot be right (%s: %v)", countSessions(n), last.Session, last.Err))
	}
	if n := len(doubtful); n > 0 {
		last := doubtful[n-1]
		parts = append(parts, fmt.Sprintf("%s whose price is not believed (%s: %v)", countSessions(n), last.Session, last.Err))
	}
	if n := len(got.Unreachable); n > 0 {
		parts = append(parts, outOfReach(n))
	}
	if n := len(got.Absent); n > 0 {
		parts = append(parts, countSessions(n)+" that the provider does not have")
	}
	if n := len(got.Unpublished); n > 0 {
		parts = append(parts, countSessions(n)+" not out yet")
	}
	if first.Before(got.FirstSession) {
		parts = append(parts, "the provider's first is "+got.FirstSession.String())
	}
	return strings.Join(parts, "; ")
}
