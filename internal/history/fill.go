package history

import (
	"slices"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Series is what a vendor answered of one ticker's history.
type Series struct {
	Bars []marketdata.Bar // ascending, at least one
	// Since is the oldest session that the answer speaks for: of those before it nothing is known. Zero: it speaks
	// for all, and the vendor has nothing older than the first bar.
	Since exchange.Date
	// Adjusted says that prices are in shares as they are today: no split is left to be applied.
	Adjusted bool
}

// Request is what is wanted of the stored history of a ticker.
type Request struct {
	Sessions  []exchange.Date // wanted, ascending, at least one; those of incomplete bars are filled
	Completed exchange.Date   // the newest completed session of the ticker's exchange
	Splits    []Split         // those that are known, ascending
	Overwrite bool            // sessions that are stored are wanted again
	Rebase    bool            // all that is stored is to be in shares as they are now
}

// Write is a bar that is to be stored.
type Write struct {
	Bar  marketdata.Bar
	Row  int64 // the StoredBar.Row that is updated; 0: the one of the bar's session, or a new one
	Keep bool  // if the session has a row already, it stays as it is
}

// Result is what a series brings of what is wanted.
type Result struct {
	Writes       []Write
	Unreachable  []exchange.Date  // wanted, and before what the series speaks for
	Absent       []exchange.Date  // wanted, and the vendor has no bar of them
	Unpublished  []exchange.Date  // wanted, and their bars can still come
	FirstSession exchange.Date    // the vendor's oldest; zero if the series does not show it
	Bars         []marketdata.Bar // of the series, in the shares of the stored history as it will be

	Splits        []Split // those to be known from now on, ascending
	SplitsChanged bool    // they are not those of the request
	Detected      *Split  // the one of them that the stored history turns out to lack
	// Refused is the split that a rebase would have divided stored bars by, though a single one is all that shows it:
	// nothing is written, and it stays pending.
	Refused *Split
}

// maxPublicationDays is how many days after its session a bar that is missing between others can still come.
const maxPublicationDays = 7

// Fill returns what a series brings of what is wanted. Stored are the bars that are stored, ascending, of all sessions
// that the series has, and to overwrite or rebase, or if the series speaks for all sessions, of all that there are. A
// series without any bar brings nothing.
func Fill(r Request, s Series, stored []StoredBar, calendar *exchange.Exchange) Result {
	if len(s.Bars) == 0 {
		return Result{Unpublished: r.Sessions, Splits: r.Splits}
	}
	r.Sessions = withoutManual(r.Sessions, stored)
	known := r.knownSplits(stored)
	bars, applied := s.Bars, []Split(nil)
	if !s.Adjusted {
		bars, applied = adjustTo(s.Bars, stored, r.applicable(known))
	}
	result := r.collect(bars, s.Since, stored)
	result.Bars = bars
	if r.Rebase {
		splits := laterSplits(known, stored, bars, applied, calendar)
		writes, refused := rebase(stored, bars, splits, applied)
		if refused != nil {
			return Result{Splits: r.Splits, Refused: refused}
		}
		result.Writes = append(result.Writes, writes...)
		result.Unreachable = nil // what is stored of them is adjusted
		known = rebasedBy(bars, known)
	}
	result.Splits = mergeSplits(known, markRebased(applied))
	if split, found := r.detect(stored, bars, applied, result.Writes, calendar); found {
		result.Detected = &split
		result.Splits = mergeSplits(result.Splits, []Split{split})
	}
	result.SplitsChanged = !slices.Equal(result.Splits, r.Splits)
	return result
}

// withoutManual returns the sessions whose stored bar, if they have one, was not set by a person.
func withoutManual(sessions []exchange.Date, stored []StoredBar) []exchange.Date {
	return slices.DeleteFunc(slices.Clone(sessions), func(session exchange.Date) bool {
		i, found := findStored(stored, session)
		return found && stored[i].Source == ManualSource
	})
}

// knownSplits returns the splits of the request that are not overruled.
func (r Request) knownSplits(stored []StoredBar) []Split {
	return slices.DeleteFunc(slices.Clone(r.Splits), func(s Split) bool { return r.Overwrite && r.overrules(s, stored) })
}

// overrules reports whether the vendor's word takes the place of a known split: for a pending one, if both sessions
// beside it are fetched again; for a rebased one, if all that is stored before it is.
func (r Request) overrules(s Split, stored []StoredBar) bool {
	end, _ := findStored(stored, s.Session)
	if end == 0 {
		return true
	}
	start := 0
	if !s.Rebased {
		start = end - 1
	}
	isKept := func(b StoredBar) bool { return !contains(r.Sessions, b.Session) }
	return contains(r.Sessions, s.Session) && !slices.ContainsFunc(stored[start:end], isKept)
}

// applicable returns the splits that a series is adjusted by, so that it is in the shares of the stored history as it
// will be.
func (r Request) applicable(known []Split) []Split {
	if r.Rebase {
		return known
	}
	return Rebased(known)
}

// collect returns the writes of the wanted sessions, and what became of those that the series does not have. Bars are
// those of the series, adjusted.
func (r Request) collect(bars []marketdata.Bar, since exchange.Date, stored []StoredBar) Result {
	var result Result
	overdue := r.Completed.AddDays(-maxPublicationDays)
	if since.IsZero() {
		result.FirstSession, since = r.firstSession(bars[0].Session, stored)
	}
	for _, session := range r.Sessions {
		i, found := find(bars, session)
		switch {
		case found:
			if w, changes := r.write(bars[i], stored); changes {
				result.Writes = append(result.Writes, w)
			}
		case session.Before(since):
			result.Unreachable = append(result.Unreachable, session)
		case session.Before(result.FirstSession):
			// That it is absent follows from FirstSession.
		case session.Before(overdue):
			result.Absent = append(result.Absent, session)
		default:
			result.Unpublished = append(result.Unpublished, session)
		}
	}
	return result
}

// firstSession returns the vendor's oldest session by an answer that should have all, and the oldest that the answer
// speaks for, zero if that is all. An answer that begins after stored bars is truncated, or they are not the vendor's; one
// that begins after the newest completed session does not show it.
func (r Request) firstSession(first exchange.Date, stored []StoredBar) (oldest, since exchange.Date) {
	switch {
	case len(stored) > 0 && stored[0].Session.Before(first):
		return stored[0].Session, first
	case first.After(r.Completed):
		return exchange.Date{}, first
	default:
		return first, exchange.Date{}
	}
}

// write returns how a bar is written: if its session is stored already, into that row or not at all, unless the row is
// incomplete. A rebase changes nothing that is on the scale already.
func (r Request) write(bar marketdata.Bar, stored []StoredBar) (w Write, changes bool) {
	w = Write{Bar: bar, Keep: !r.Overwrite && !r.Rebase}
	i, found := findStored(stored, bar.Session)
	isIncomplete := found && stored[i].Incomplete
	if !found || w.Keep && !isIncomplete {
		return w, true
	}
	w.Keep, w.Row = false, stored[i].Row
	if r.Rebase {
		w.Bar = complete(bar, stored[i].Bar)
	}
	return w, r.Overwrite || isIncomplete || !isOnScale(stored[i].Close, bar.Close)
}

// detect returns the split that the stored history lacks once writes are made.
func (r Request) detect(
	stored []StoredBar, bars []marketdata.Bar, reported []Split, writes []Write, calendar *exchange.Exchange,
) (Split, bool) {
	rebased := Rebased(r.Splits)
	stored = withoutAnswered(stored, bars)
	switch {
	case r.Rebase:
		return Split{}, false
	case r.Overwrite:
		kept := slices.DeleteFunc(slices.Clone(stored), func(b StoredBar) bool { return contains(r.Sessions, b.Session) })
		return DetectSplit(kept, bars, rebased, reported, calendar)
	}
	if s, found := DetectSplit(stored, bars, rebased, reported, calendar); found {
		return s, true
	}
	if len(r.Sessions) == 0 {
		return Split{}, false
	}
	s, found := DetectLevel(bars, r.Sessions[0], r.Splits, nil)
	isBefore := func(session exchange.Date) bool { return session.Before(s.Session) }
	isLacking := slices.ContainsFunc(stored, func(b StoredBar) bool { return isBefore(b.Session) }) ||
		slices.ContainsFunc(writes, func(w Write) bool { return isBefore(w.Bar.Session) })
	return s, found && isLacking
}
