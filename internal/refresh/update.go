package refresh

import (
	"fmt"
	"slices"
	"strings"

	"papertrade/internal/history"
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
	v.conclude(a, judged[len(judged)-1])
	accepted := v.decide(a, decided)
	if s, found := detectSplit(a, believed(bars, judged), accepted); found {
		v.findings = append(v.findings, Finding{Ticker: a.Ticker, Splits: []history.Split{s}})
		v.reportSplit(s)
	}
	if invalid := a.invalidAmong(a.Sessions); len(invalid) > 0 {
		v.fail(fmt.Errorf("fetch %s: %w", a.Ticker, invalid[len(invalid)-1].Err))
	}
}

// isSeries reports whether one answer about a span of sessions brought the bars.
func (a answered) isSeries() bool { return a.capability.Kind == marketdata.History }

// around returns what the bars of an answer are judged by, which are all of it on the scale of what is stored.
func (a answered) around(bars []marketdata.Bar) history.Around {
	around := history.Around{
		MaxMove: a.maxMove, Calendar: a.Ticker.Calendar(), Stored: a.stored, Held: a.held, Splits: slices.Concat(a.State.Splits, a.splits),
		IsForced: a.Goal == Overwrite,
	}
	if a.isSeries() {
		around.Series = bars
	}
	return around
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
		v.prices = append(v.prices, newPrice(j.Bar, a.provider, a.began))
		v.warn(j)
		return
	}
	v.failDoubtful(a, fmt.Sprintf("the price of the moment is not stored: %s", j.Why))
}

// apply collects what becomes of a judged bar. What is not new is written only if it differs from what is stored.
func (v *verdict) apply(a answered, j history.Judgement, isNew bool) {
	price := newPrice(j.Bar, a.provider, a.began)
	stored, isStored := history.StoredOf(a.stored, j.Bar.Session)
	switch {
	case isNew && j.Ruling == history.Store:
		v.prices, v.row.IsStale = append(v.prices, price), j.IsStale
		v.warn(j)
	case isNew && j.Ruling == history.Reject:
		v.reject(a, j)
	case isNew || j.Ruling != history.Store:
	case isStored && stored.Source == a.provider && stored.DiffersFrom(j.Bar):
		price.Backfill, price.Row = true, stored.Row
		v.prices = append(v.prices, price)
		v.events = append(v.events, BarCorrected{Ticker: a.Ticker, Session: j.Bar.Session, Old: stored.Close, New: j.Bar.Close})
	case !isStored && slices.ContainsFunc(a.held, func(h history.HeldBar) bool { return h.Session == j.Bar.Session }):
		price.Backfill = true
		v.prices = append(v.prices, price)
	}
}

// warn reports what is odd about a bar that is stored.
func (v *verdict) warn(j history.Judgement) {
	if j.Why != "" {
		v.events = append(v.events, BarJudged{v.Ticker, j})
		v.addReason(strings.Join(append([]string{j.Why}, j.Evidence...), "; "))
	}
}

// addReason adds what else there is to say of the ticker.
func (v *verdict) addReason(text string) {
	if v.row.Reason != "" {
		text = v.row.Reason + "; " + text
	}
	v.row.Reason = text
}

// reject records that a bar is wrong, so that it is known when a vendor repeats it.
func (v *verdict) reject(a answered, j history.Judgement) {
	isRecorded := slices.ContainsFunc(a.held, func(h history.HeldBar) bool {
		return h.Session == j.Bar.Session && h.Decision == history.Rejected && h.Close.Equal(j.Bar.Close)
	})
	if isRecorded {
		return
	}
	h := a.heldBar(j, history.Rejected)
	h.DecidedAt = a.began
	v.held = append(v.held, h)
	v.events = append(v.events, BarJudged{v.Ticker, j})
}

// heldBar returns a judged bar as it is kept beside the history.
func (a answered) heldBar(j history.Judgement, decision history.Decision) history.HeldBar {
	return history.HeldBar{
		Bar: j.Bar, Source: a.provider, FetchedAt: a.began, Why: j.Why, Evidence: slices.Concat(j.Evidence, a.notes), Decision: decision,
	}
}

// conclude says what the newest bar of an answer makes of the ticker, if it was not stored.
func (v *verdict) conclude(a answered, newest history.Judgement) {
	switch newest.Ruling {
	case history.Hold:
		v.hold(a, newest)
	case history.Reject:
		v.failDoubtful(a, fmt.Sprintf("the price of %s is not stored: %s", newest.Bar.Session, newest.Why))
	case history.Keep:
		v.row.Status, v.row.Reason = OutcomeFresh, newest.Why
	}
}

// hold keeps a doubtful bar beside the history, and fails the ticker.
func (v *verdict) hold(a answered, j history.Judgement) {
	h := a.heldBar(j, history.Waiting)
	v.held, v.doubt = append(v.held, h), &h
	v.failDoubtful(a, fmt.Sprintf("the price of %s is held: %s", h.Session, strings.Join(append([]string{h.Why}, h.Evidence...), "; ")))
	v.row.Held = reportHeld(h)
}

// failDoubtful fails a ticker that a provider has answered.
func (v *verdict) failDoubtful(a answered, text string) {
	if v.err == nil {
		v.failures = append(v.failures, Failure{Ticker: a.Ticker, AskedAt: a.began})
		v.findings = append(v.findings, Finding{Ticker: a.Ticker}) // it is known
	}
	v.fail(doubtError(text))
}

// decide collects what was decided about held bars, and returns the accepted ones: they are stored, late.
func (v *verdict) decide(a answered, decided []history.HeldBar) (accepted []marketdata.Bar) {
	for _, h := range decided {
		h.DecidedAt = a.began
		v.held = append(v.held, h)
		v.events = append(v.events, HeldDecided{h})
		v.addReason(fmt.Sprintf("the held price of %s (%s) is %s", h.Session, marketdata.FormatPrice(h.Close), h.Decision))
		if v.row.Held != nil && v.row.Held.Session == h.Session {
			v.row.Held = nil
		}
		if h.Decision != history.Accepted {
			continue
		}
		accepted = append(accepted, h.Bar)
		_, isStored := history.StoredOf(a.stored, h.Session)
		if isStored || slices.ContainsFunc(v.prices, func(p Price) bool { return p.Bar.Session == h.Session }) {
			continue
		}
		price := newPrice(h.Bar, h.Source, h.FetchedAt)
		price.Backfill = true
		v.prices = append(v.prices, price)
	}
	return accepted
}

// believed returns the bars of an answer other than those that were judged and are not stored.
func believed(bars []marketdata.Bar, judged []history.Judgement) []marketdata.Bar {
	return slices.DeleteFunc(slices.Clone(bars), func(bar marketdata.Bar) bool {
		return slices.ContainsFunc(judged, func(j history.Judgement) bool {
			return j.Bar.Session == bar.Session && j.Ruling != history.Store
		})
	})
}

func (v *verdict) reportSplit(s history.Split) { v.split, v.row.Split = &s, reportSplit(s) }

// detectSplit returns the split that bars of an answer show to be lacking in the stored history. Accepted are bars that
// waited for an answer to confirm them.
func detectSplit(a answered, bars, accepted []marketdata.Bar) (history.Split, bool) {
	if a.State.LastSession.IsZero() || len(bars) == 0 {
		return history.Split{}, false // nothing that is stored is from before a split
	}
	calendar, rebased := a.Ticker.Calendar(), history.Rebased(a.State.Splits)
	s, found := history.Split{}, false
	switch {
	case a.isSeries(), a.capability.Kind == marketdata.MarketDay && !bars[0].PreviousClose.Valid:
		s, found = history.DetectSplit(a.stored, bars, rebased, a.splits, calendar)
	case len(bars) == 1:
		s, found = history.DetectByPreviousClose(a.stored, bars[0], rebased, calendar)
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
