package history

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"papertrade/pkg/marketdata"
)

// settle rules on a bar that is in doubt by the evidence there is: a known split, a held bar of an earlier session, the bars
// after it, and the series that it is part of. If none decides, it is held.
func (j *judge) settle(i int, why string, got *Judgement) {
	got.Ruling, got.Why = Hold, why
	kinds := []func(int) (Ruling, string){j.splitEvidence, j.heldEvidence, j.laterEvidence, j.seriesEvidence}
	if j.isOffScale {
		kinds = kinds[1:2] // the answer itself shows nothing
	}
	for _, evidence := range kinds {
		ruling, text := evidence(i)
		if text != "" {
			got.Evidence = append(got.Evidence, text)
		}
		if ruling != Hold {
			got.Ruling = ruling
			return
		}
	}
}

// reference returns the close that a bar in doubt is far from.
func (j *judge) reference(i int) decimal.Decimal {
	bar := j.bars[i]
	before, found := j.before(bar.Session, 1)
	stored, isStored := StoredOf(j.Stored, bar.Session)
	switch {
	case found:
		return before.Close
	case isStored:
		return stored.Close
	case bar.PreviousClose.Valid:
		return bar.PreviousClose.Decimal
	default:
		level, _ := j.levelAfter(i, bar.Close)
		return level
	}
}

// splitEvidence believes a bar that is far from the one before by a split that is known.
func (j *judge) splitEvidence(i int) (Ruling, string) {
	bar := j.bars[i]
	before, found := j.before(bar.Session, 1)
	if !found {
		return Hold, ""
	}
	if s, isSplit := j.splitBetween(before, bar); isSplit {
		return Store, fmt.Sprintf("for it: a split of %s on %s", s, s.Session)
	}
	return Hold, ""
}

// splitBetween returns a split that is known and explains how far a bar is from the one before.
func (a Around) splitBetween(before, bar marketdata.Bar) (Split, bool) {
	for _, s := range a.Splits {
		isBetween := s.Session.After(before.Session) && !s.Session.After(bar.Session)
		if isBetween && !a.isFar(s.divide(before.Close), bar.Close) {
			return s, true
		}
	}
	return Split{}, false
}

// heldEvidence believes a bar that agrees with a held one of an earlier session, or with several if they are further away
// than a move or a split.
func (j *judge) heldEvidence(i int) (Ruling, string) {
	bar := j.bars[i]
	before, _ := j.before(bar.Session, 1)
	agreeing, text := 0, ""
	for _, h := range j.Held {
		isBetween := h.Session.After(before.Session) && h.Session.Before(bar.Session)
		if h.Decision == Waiting && isBetween && !j.isFar(h.Close, bar.Close) && j.agrees(bar, h, before.Close) {
			agreeing++
			text = fmt.Sprintf("for it: the held close of %s (%s)", h.Session, marketdata.FormatPrice(h.Close))
		}
	}
	if agreeing == 0 || agreeing < minFollowers && isOdd(before.Close, bar.Close) {
		return Hold, text
	}
	return Store, text
}

// laterEvidence believes a bar whose level the bars after it keep, and rejects one that they undo.
func (j *judge) laterEvidence(i int) (Ruling, string) {
	bar, reference := j.bars[i], j.reference(i)
	level, n := j.levelAfter(i, reference)
	if n == 0 {
		return Hold, ""
	}
	if open, found := j.nextOpen(i); found && isNearer(open, bar.Close, reference) && !isOdd(reference, bar.Close) {
		level = open // whoever traded in between did so from there
	}
	after := fmt.Sprintf("the closes after it (%s)", marketdata.FormatPrice(level))
	isUndecided := j.isFar(bar.Close, level) && j.isFar(reference, level) && !isBetween(bar.Close, reference, level)
	switch {
	case isUndecided:
		return Hold, "against it: " + after
	case !isNearer(level, bar.Close, reference):
		return Reject, "against it: " + after
	case distance(reference, bar.Close) > maxSelfEvident && n < minFollowers:
		return Hold, "against it: only one later session is on its level"
	case j.isFar(bar.Close, level) && n < minFollowers:
		return Hold, "against it: " + after
	default:
		return Store, "for it: " + after
	}
}

// nextOpen returns the open of the session after a bar of the answer.
func (j *judge) nextOpen(i int) (open decimal.Decimal, found bool) {
	if i+1 == len(j.bars) || nextSession(j.Calendar, j.bars[i].Session) != j.bars[i+1].Session {
		return decimal.Decimal{}, false
	}
	next := j.bars[i+1].Open
	return next.Decimal, next.Valid
}

// seriesEvidence believes the newest bar of a series that shows how it came about: by an open and a range that fit it,
// after bars that are as they are stored. It cannot tell another unit from a move.
func (j *judge) seriesEvidence(i int) (Ruling, string) {
	bar := j.bars[i]
	before, found := j.before(bar.Session, 1)
	stored, isStored := StoredOf(j.Stored, bar.Session)
	switch {
	case len(j.Series) == 0, !found:
		return Hold, ""
	case isStored && !j.IsForced && j.isFar(stored.Close, bar.Close):
		return Hold, "against it: the stored close of the session (" + marketdata.FormatPrice(stored.Close) + ")"
	case j.Quoted.Valid && !samePrice(j.Quoted.Decimal, bar.Close):
		return Hold, "against it: the quote has another close (" + marketdata.FormatPrice(j.Quoted.Decimal) + ")"
	case distance(before.Close, bar.Close) > maxSelfEvident:
		return Hold, "against it: the daily series repeats it, but comes from the same vendor"
	case !j.isAsStored(j.Series):
		return Hold, "against it: the daily series does not have the stored closes before it"
	case !hasRange(bar):
		return Hold, "against it: the daily series has no open and range that fit it"
	default:
		return Store, "for it: the daily series has the same close, with an open and a range that fit it and the stored closes before it"
	}
}

// isAsStored reports whether all of the bars before the newest that are stored are so on the same scale, of which there is
// one, unless nothing is stored.
func (j *judge) isAsStored(bars []marketdata.Bar) bool {
	both := 0
	for _, bar := range bars[:len(bars)-1] {
		stored, found := StoredOf(j.Stored, bar.Session)
		if found && !isOnScale(stored.Close, bar.Close) {
			return false
		}
		if found {
			both++
		}
	}
	return both > 0 || len(j.Stored) == 0
}

// isBetween reports whether a price lies between two others.
func isBetween(price, a, b decimal.Decimal) bool {
	return price.GreaterThan(decimal.Min(a, b)) && price.LessThan(decimal.Max(a, b))
}

// agrees reports whether a later bar is on the level of a held one rather than on the one before it. If its own close does not
// show it, the previous close of its answer does. It comes second, since a vendor that has a wrong close repeats it there.
func (j *judge) agrees(bar marketdata.Bar, h HeldBar, reference decimal.Decimal) bool {
	level := bar.Close
	isShown := j.isFar(h.Close, level) != j.isFar(reference, level)
	isRepeat := samePrice(reference, h.Close)
	if previous := previousClose(bar); (!isShown || isRepeat) && previous.Valid && nextSession(j.Calendar, h.Session) == bar.Session {
		return isOnScale(h.Close, previous.Decimal) && (!isRepeat || samePrice(h.Close, previous.Decimal))
	}
	return !j.isFar(h.Close, level) && !isNearer(level, reference, h.Close)
}

// decideHeld decides about the held bars that wait: by what is believed of the same session, else by the next bar after it.
// What an accepted one has for its previous close is accepted with it.
func (j *judge) decideHeld(judged []Judgement) []HeldBar {
	var decided []HeldBar
	var confirmed marketdata.Bar // the accepted bar that is decided about last
	for _, h := range slices.Backward(j.Held) {
		isHeldAgain := slices.ContainsFunc(judged, func(got Judgement) bool { return got.Ruling == Hold && got.Bar.Session == h.Session })
		if h.Decision != Waiting || isHeldAgain {
			continue
		}
		decision, evidence := j.decide(h)
		previous := previousClose(confirmed)
		if previous.Valid && nextSession(j.Calendar, h.Session) == confirmed.Session && samePrice(h.Close, previous.Decimal) {
			decision, evidence = Accepted, "for it: the previous close of "+confirmed.Session.String()
		}
		if decision == Waiting {
			continue
		}
		if decision == Accepted {
			confirmed = h.Bar
		}
		h.Decision, h.Evidence = decision, append(slices.Clone(h.Evidence), evidence)
		decided = append(decided, h)
	}
	slices.Reverse(decided)
	return decided
}

// decideLate rejects a bar in doubt if one after it is believed. That one is on another level: one on the same level would
// have shown that the bar is right.
func (j *judge) decideLate(got *Judgement) {
	i, _ := find(j.believed, got.Bar.Session.AddDays(1))
	if got.Ruling == Hold && !j.isOffScale && i < len(j.believed) {
		got.Ruling = Reject
		got.Evidence = append(got.Evidence, "against it: "+describeClose(j.believed[i]))
	}
}

func describeClose(bar marketdata.Bar) string {
	return fmt.Sprintf("the close of %s (%s)", bar.Session, marketdata.FormatPrice(bar.Close))
}

func (j *judge) decide(h HeldBar) (Decision, string) {
	if i, found := find(j.believed, h.Session); found {
		if samePrice(h.Close, j.believed[i].Close) {
			return Accepted, "for it: a later answer has the same close, and is believed"
		}
		return Rejected, fmt.Sprintf("against it: the session has a close of %s", marketdata.FormatPrice(j.believed[i].Close))
	}
	i, _ := find(j.believed, h.Session)
	if i == len(j.believed) {
		return Waiting, ""
	}
	next, reference := j.believed[i], h.PreviousClose.Decimal
	if before, found := j.before(h.Session, 1); found {
		reference = before.Close
	}
	if j.agrees(next, h, reference) {
		return Accepted, "for it: " + describeClose(next)
	}
	return Rejected, "against it: " + describeClose(next)
}
