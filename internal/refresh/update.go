package refresh

import (
	"fmt"
	"slices"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// update collects the newest bars of an answer, and those by which a series corrects stored ones.
func (v *verdict) update(a answered) {
	calendar := a.Ticker.Calendar()
	bars := a.bars
	if a.isSeries() && !a.capability.Adjusted {
		bars, _ = history.Adjust(bars, history.Rebased(a.State.Splits))
	}
	recent, first := history.Recent(bars, a.State.LastSession, calendar.LastCompleted(a.began).Date, calendar)
	if len(recent) == 0 {
		v.storeUnderWay(a, bars)
		return
	}
	judged, decided := history.Judge(recent, a.around(bars))
	for i, j := range judged {
		v.apply(a, j, i >= first)
	}
	newest := judged[len(judged)-1]
	v.row.IsStale = newest.IsStale
	late := a.latenessAfter(newest.Bar.Session, calendar.LastCompleted(a.began).Date)
	v.late = &late
	v.conclude(a, newest)
	v.fillOlder(a, bars, recent[0].Session)
	accepted := v.decide(a, decided)
	if s, found := detectSplit(a, believed(bars, judged), accepted); found {
		v.findings = append(v.findings, Finding{Ticker: a.Ticker, Splits: []history.Split{s}})
		v.reportSplit(s)
	} else {
		v.forgetUndone(a)
		v.mayBeSplit = a.isSeries() && !a.capability.Adjusted && a.movedLikeSplit(believed(recent, judged))
	}
	if invalid := a.invalidAmong(a.Sessions); len(invalid) > 0 {
		v.fail(fmt.Errorf("fetch %s: %w", a.Ticker, invalid[len(invalid)-1].Err))
	}
}

// movedLikeSplit reports whether a split that the vendor was not asked about may lie before one of the bars that are newer than the
// stored ones. A quote shows it by its previous close; a series as traded does not.
func (a answered) movedLikeSplit(bars []marketdata.Bar) bool {
	if a.splits != nil || a.quote != nil || len(a.stored) == 0 {
		return false
	}
	newest := a.stored[len(a.stored)-1]
	before := newest.Close
	for _, bar := range bars {
		if !bar.Session.After(newest.Session) {
			continue
		}
		if history.MayLieBetween(before, bar.Close) {
			return true
		}
		before = bar.Close
	}
	return false
}

// fillOlder collects those bars of an answer from before a session, other than those that are wanted, that bring what is blank
// in the stored ones.
func (v *verdict) fillOlder(a answered, bars []marketdata.Bar, first exchange.Date) {
	filling := slices.DeleteFunc(history.Filling(bars, a.stored, a.provider), func(b marketdata.Bar) bool {
		return !b.Session.Before(first) || has(a.Sessions, b.Session)
	})
	judged, _ := history.Judge(filling, a.around(bars))
	for _, j := range judged {
		v.apply(a, j, false)
	}
}

// forgetUndone forgets the pending splits that the vendor's corrections undo.
func (v *verdict) forgetUndone(a answered) {
	var corrected []marketdata.Bar
	for _, price := range v.prices {
		if price.Row != 0 {
			corrected = append(corrected, price.Bar)
		}
	}
	undone := history.Undone(history.Pending(a.State.Splits), a.stored, distinct(corrected))
	if len(undone) == 0 {
		return
	}
	left := slices.DeleteFunc(slices.Clone(a.State.Splits), func(s history.Split) bool { return slices.Contains(undone, s) })
	v.findings = append(v.findings, Finding{Ticker: a.Ticker, ForgetSplits: true, Splits: left})
	v.row.Split = pendingSplit(left)
	for _, s := range undone {
		v.addReason(fmt.Sprintf("the %s split at %s is forgotten: prices do not show it any more", s, s.Session))
	}
}

// storeUnderWay collects the bar of a session under way from an answer that has none of a completed one: a price of the
// moment is all that there is yet.
func (v *verdict) storeUnderWay(a answered, bars []marketdata.Bar) {
	newest := bars[len(bars)-1:]
	judged, _ := history.Judge(newest, a.around(nil))
	v.applyNow(a, judged[0])
}

// priceNow collects the price of the moment.
func (v *verdict) priceNow(a answered) {
	judged, _ := history.Judge(a.bars, a.around(nil))
	v.applyNow(a, judged[len(judged)-1])
}

// applyNow collects a price of the moment, which nothing confirms later: it is not kept if it is in doubt.
func (v *verdict) applyNow(a answered, j history.Judgement) {
	if j.Ruling == history.Store {
		v.note(a, DecisionStore, j)
		v.prices = append(v.prices, newPrice(j.Bar, a.provider, a.began))
		v.warn(j)
		return
	}
	v.note(a, DecisionRefuse, j)
	v.failDoubtful(a, "the price of the moment is not stored: "+explain(j))
}

// apply collects what becomes of a judged bar. What is not new is written only if it differs from what is stored.
func (v *verdict) apply(a answered, j history.Judgement, isNew bool) {
	switch {
	case isNew && j.Ruling == history.Reject:
		v.reject(a, j)
		v.note(a, DecisionReject, j)
	case isNew && j.Ruling == history.Hold:
		v.held = append(v.held, a.heldBar(j, history.Waiting))
		v.note(a, DecisionHold, j)
	default:
		before := len(v.prices)
		v.applyBelieved(a, j, isNew)
		v.note(a, storeOrKeep(len(v.prices) > before), j)
	}
}

// applyBelieved collects a judged bar if it is believed and brings something.
func (v *verdict) applyBelieved(a answered, j history.Judgement, isNew bool) {
	price := newPrice(j.Bar, a.provider, a.began)
	stored, isStored := history.StoredOf(a.stored, j.Bar.Session)
	if isStored && stored.Incomplete {
		price.Row = stored.Row // whatever its source is: a second row would leave it blank
	}
	switch {
	case j.Ruling != history.Store:
	case isNew:
		if isStored && stored.Incomplete {
			v.events = append(v.events, BarFilled{a.Ticker, j.Bar.Session})
		}
		v.prices, v.isUnsettled = append(v.prices, price), j.IsUnsettled
		v.warn(j)
	case isStored && stored.IsFilledBy(j.Bar, a.provider):
		price.Backfill, price.Row = true, stored.Row
		v.prices = append(v.prices, price)
		v.events = append(v.events, BarFilled{a.Ticker, j.Bar.Session})
	case isStored && stored.Source == a.provider && stored.DiffersFrom(j.Bar):
		price.Backfill, price.Row = true, stored.Row
		v.prices = append(v.prices, price)
		v.events = append(v.events, BarCorrected{Ticker: a.Ticker, Session: j.Bar.Session, Old: stored.Close, New: j.Bar.Close})
	case !isStored && slices.ContainsFunc(a.held, func(h history.HeldBar) bool { return h.Session == j.Bar.Session }):
		price.Backfill = true
		v.prices = append(v.prices, price)
	}
}

// conclude says what the newest bar of an answer makes of the ticker, if it was not stored.
func (v *verdict) conclude(a answered, newest history.Judgement) {
	switch newest.Ruling {
	case history.Hold:
		v.failHeld(a, newest)
	case history.Reject:
		v.failDoubtful(a, fmt.Sprintf("the price of %s is not stored: %s", newest.Bar.Session, explain(newest)))
	case history.Keep:
		v.addReason(newest.Why)
		if len(v.prices) > 0 {
			return
		}
		v.failures = append(v.failures, Failure{Ticker: a.Ticker, AskedAt: a.began})
		if *v.late == (Lateness{}) {
			v.row.Status = OutcomeFresh
		}
	}
}

// believed returns the bars of an answer other than those that were found wrong or are in doubt.
func believed(bars []marketdata.Bar, judged []history.Judgement) []marketdata.Bar {
	return slices.DeleteFunc(slices.Clone(bars), func(bar marketdata.Bar) bool {
		return slices.ContainsFunc(judged, func(j history.Judgement) bool {
			return j.Bar.Session == bar.Session && (j.Ruling == history.Hold || j.Ruling == history.Reject)
		})
	})
}

// detectSplit returns the split that bars of an answer show to be lacking in the stored history. Accepted are bars that
// waited for an answer to confirm them.
func detectSplit(a answered, bars, accepted []marketdata.Bar) (history.Split, bool) {
	if a.State.LastSession.IsZero() || len(bars) == 0 {
		return history.Split{}, false // nothing that is stored is from before a split
	}
	calendar, rebased := a.Ticker.Calendar(), history.Rebased(a.State.Splits)
	newest := bars[len(bars)-1]
	a.stored = a.around(nil).Comparable(bars)
	s, found := history.DetectReported(a.stored, bars, a.State.Splits, a.splits)
	if !found && a.capability.Kind != marketdata.Quotes {
		s, found = history.DetectSplit(a.stored, bars, rebased, a.splits, calendar)
	}
	if !found && newest.PreviousClose.Valid {
		s, found = history.DetectByPreviousClose(a.stored, newest, rebased, calendar)
	}
	if !found && len(accepted) > 0 {
		s, found = detectPersistent(a, bars, accepted)
	}
	if found {
		return s, true
	}
	return history.DetectLevel(history.Join(a.stored, bars), a.State.LastSession.AddDays(1), a.State.Splits, a.splits)
}

// detectPersistent returns the split that accepted bars and those after them show, each of which came with an answer of its
// own.
func detectPersistent(a answered, bars, accepted []marketdata.Bar) (history.Split, bool) {
	first := accepted[0].Session
	after := slices.DeleteFunc(distinct(slices.Concat(accepted, bars)), func(b marketdata.Bar) bool { return b.Session.Before(first) })
	before := slices.DeleteFunc(slices.Clone(a.stored), func(b history.StoredBar) bool { return !b.Session.Before(first) })
	return history.DetectPersistentLevel(before, after, a.State.Splits, a.splits)
}
