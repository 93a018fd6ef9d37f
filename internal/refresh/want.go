package refresh

import (
	"fmt"
	"slices"
	"time"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// blankValues are what an incomplete bar lacks.
const blankValues = "open, high, low and volume"

// Goal is what is to become of the stored prices of a ticker.
type Goal int

// The goals of a want.
const (
	Update    Goal = iota // the newest completed sessions get their bars, and the ticker counts as refreshed
	PriceNow              // the price of the moment is stored
	Fill                  // sessions without a bar get one; bars that are stored stay
	Overwrite             // as Fill, and bars that are stored are fetched again
	Rebase                // all that is stored is brought on one scale
)

// isOfPast reports whether the goal is a backfilled history rather than a fresh price.
func (g Goal) isOfPast() bool { return g == Fill || g == Overwrite || g == Rebase }

// Want is a ticker with what is to be stored of it.
type Want struct {
	ActiveTicker
	Goal     Goal
	Sessions []exchange.Date // to be stored, ascending; none of PriceNow
	Outcome  Outcome         // OutcomePlanned; OutcomeFresh or OutcomeSkipped if nothing is to be fetched
	Reason   string          // for people
	// Forceable says that a run with Options.Force would fetch what this one skips.
	Forceable bool
	// Incomplete says that the newest bar of a ticker that is fresh lacks values: it is asked for if calls are left.
	Incomplete bool
	blank      exchange.Date // the newest stored session, if its bar is incomplete and others are wanted
	tasks      []taskRange   // of the application, which the want is for
	// awaited are sessions that the tasks are about and that it is too early to ask for, ascending.
	awaited []exchange.Date
}

// updateWants returns what a run of active tickers wants.
func updateWants(active []ActiveTicker, at time.Time, force bool) []Want {
	wants := make([]Want, len(active))
	for i, a := range active {
		wants[i] = updateWant(a, at, force)
	}
	return wants
}

// updateWant is the one place that knows what is due.
func updateWant(a ActiveTicker, at time.Time, force bool) Want {
	calendar := a.Ticker.Calendar()
	newest := calendar.LastCompleted(at)
	stored := !a.State.LastSession.Before(newest.Date)
	premature := a.State.fetchedBeforeClose(newest)
	skip := a.State.skipReason(newest.Date)
	want := Want{ActiveTicker: a, Sessions: []exchange.Date{newest.Date}, Outcome: OutcomePlanned}
	switch {
	case stored && !premature && force:
		want.Reason = "forced; " + storedReason(a, newest.Date)
	case stored && !premature && a.State.isIncomplete(newest.Date, at):
		want.Outcome, want.Incomplete = OutcomeFresh, true
		want.Reason = "its newest row, of " + newest.Date.String() + ", lacks " + blankValues
	case stored && !premature:
		want.Outcome, want.Reason = OutcomeFresh, storedReason(a, newest.Date)
	case !force && a.State.doubts(newest.Date):
		want.Outcome, want.Reason, want.Forceable = OutcomeSkipped, a.State.doubtReason(newest.Date), true
	case !force && skip != "":
		want.Outcome, want.Reason, want.Forceable = OutcomeSkipped, skip, true
	case !force && (a.State.recentlyChecked(newest, at) || a.mayBeClosed(newest) && !a.isLate(at)):
		want.Outcome, want.Reason = OutcomeFresh, a.State.checkedReason(newest.Date)
	case premature:
		want.Reason = fmt.Sprintf("the price of %s was fetched before the close", newest.Date)
	case a.State.LastSession.IsZero():
		want.Reason = "nothing is stored"
	default:
		want.wantMissing(calendar.Sessions(a.State.LastSession.AddDays(1), newest.Date))
	}
	if reason := a.State.doubtReason(newest.Date); reason != "" && want.Outcome == OutcomePlanned {
		want.Reason += "; " + reason
	}
	return want
}

// wantMissing makes the sessions after the stored ones those that are wanted.
func (w *Want) wantMissing(sessions []exchange.Date) {
	w.Sessions = sessions
	last, newest := w.State.LastSession, sessions[len(sessions)-1]
	w.Reason = fmt.Sprintf("stored up to %s, the session of %s is complete", last, newest)
	if len(sessions) > 1 {
		w.Reason = fmt.Sprintf("stored up to %s, %d sessions up to %s are missing", last, len(sessions), newest)
	}
	if w.State.Incomplete && !w.State.doubts(last) {
		w.blank = last
	}
}

// checkedReason returns why the session is not asked for that was not out yet.
func (s State) checkedReason(session exchange.Date) string {
	reason := fmt.Sprintf("checked at %s: the session of %s was not out yet", s.CheckedAt.UTC().Format(time.TimeOnly), session)
	if retry := s.retryAt(session); !retry.IsZero() {
		reason += ", asked again from " + retry.UTC().Format(time.RFC3339) + " on"
	}
	return reason
}

func storedReason(a ActiveTicker, newest exchange.Date) string {
	if a.State.LastSession.After(newest) {
		return fmt.Sprintf("stored up to %s, which is past the session of %s", a.State.LastSession, newest)
	}
	return "the session of " + newest.String() + " is stored"
}

// intradayEntry is an entry of the watchlist during the session.
type intradayEntry struct {
	ActiveTicker
	next time.Time // when it is to be refreshed; zero: at once
}

// intradayWants returns what a run during the session wants of the entries of the watchlist.
func intradayWants(entries []intradayEntry, at time.Time, force bool) []Want {
	wants := make([]Want, len(entries))
	for i, entry := range entries {
		want := Want{ActiveTicker: entry.ActiveTicker, Goal: PriceNow, Outcome: OutcomePlanned}
		skip := entry.State.skipReason(entry.Ticker.Calendar().LastCompleted(at).Date)
		switch {
		case !entry.Ticker.Calendar().IsOpen(at):
			want.Outcome, want.Reason = OutcomeFresh, "its exchange is closed"
		case !force && skip != "":
			want.Outcome, want.Reason, want.Forceable = OutcomeSkipped, skip, true
		case !force && entry.next.After(at):
			want.Outcome, want.Reason = OutcomeFresh, "its next refresh is at "+entry.next.UTC().Format(time.RFC3339)
		case entry.next.IsZero():
			want.Reason = "it was never refreshed"
		default:
			want.Reason = "its refresh was due at " + entry.next.UTC().Format(time.RFC3339)
		}
		wants[i] = want
	}
	return wants
}

// gapRequest is a ticker whose history a run is to backfill.
type gapRequest struct {
	ActiveTicker
	goal   Goal
	ranges []Range // none of Rebase
	tasks  []taskRange
}

// oldest returns the first day of the ranges; the zero Date of Rebase, which is about all days.
func (g gapRequest) oldest() exchange.Date {
	var oldest exchange.Date
	for i, r := range g.ranges {
		if i == 0 || r.From.Before(oldest) {
			oldest = r.From
		}
	}
	return oldest
}

// storedSessions are the sessions of a ticker that are stored, ascending.
type storedSessions struct {
	all        []exchange.Date
	incomplete []exchange.Date // those of bars that are
}

func (s *storedSessions) add(bar history.StoredBar) {
	s.all = append(s.all, bar.Session)
	if bar.Incomplete {
		s.incomplete = append(s.incomplete, bar.Session)
	}
}

// isComplete reports whether a session is stored, and not incomplete.
func (s storedSessions) isComplete(d exchange.Date) bool {
	return has(s.all, d) && !has(s.incomplete, d)
}

// gapWants returns what a run that backfills histories wants.
func gapWants(requests []gapRequest, stored map[marketdata.Ticker]storedSessions, at time.Time) []Want {
	wants := make([]Want, len(requests))
	for i, request := range requests {
		wants[i] = gapWant(request, stored[request.Ticker], at)
	}
	return wants
}

func gapWant(g gapRequest, stored storedSessions, at time.Time) Want {
	newest := g.Ticker.Calendar().LastCompleted(at).Date
	want := Want{ActiveTicker: g.ActiveTicker, Goal: g.goal, tasks: g.tasks, Outcome: OutcomePlanned}
	if g.goal == Rebase && len(stored.all) == 0 {
		want.Outcome, want.Reason = OutcomeSkipped, "nothing is stored"
		return want
	}
	want.Sessions = g.sessions(stored, newest)
	want.Sessions, want.awaited = g.await(want.Sessions, newest, at)
	skip, early := g.State.skipReason(newest), g.earlyReason(want.awaited, newest)
	switch {
	case len(want.Sessions) == 0 && early != "":
		want.Outcome, want.Reason = OutcomeSkipped, early
	case len(want.Sessions) == 0:
		want.Outcome, want.Reason = OutcomeFresh, g.completeReason()
	case skip != "" && g.goal != Overwrite:
		want.Outcome, want.Reason = OutcomeSkipped, skip
	default:
		want.Reason = join(gapReason(want, stored), early)
	}
	if n := g.doubtful(); n > 0 && g.goal == Fill {
		want.Reason += fmt.Sprintf("; %s with a price that is held or was rejected", countSessions(n))
	}
	return want
}

// await divides what is wanted for tasks into the sessions that are to be asked for by a time and those that it is too early for:
// they are not complete, or the newest answer did not have them yet.
func (g gapRequest) await(wanted []exchange.Date, newest exchange.Date, at time.Time) (due, awaited []exchange.Date) {
	if at.Before(g.waitsUntil(wanted, newest)) {
		wanted, awaited = nil, wanted
	}
	for _, task := range g.tasks {
		from := newest.AddDays(1)
		if task.From.After(from) {
			from = task.From
		}
		awaited = slices.Concat(awaited, g.Ticker.Calendar().Sessions(from, task.To))
	}
	slices.SortFunc(awaited, exchange.Date.Compare)
	return wanted, slices.Compact(awaited)
}

// earlyReason returns why it is too early for the awaited sessions; "" if there are none.
func (g gapRequest) earlyReason(awaited []exchange.Date, newest exchange.Date) string {
	switch {
	case len(awaited) == 0:
		return ""
	case awaited[0].After(newest):
		return notCompleteReason(awaited[0])
	default:
		retry := g.State.Late.retryAt(g.State.AskedAt)
		return fmt.Sprintf("the session of %s was not out yet: asked again from %s on", newest, retry.UTC().Format(time.RFC3339))
	}
}

func notCompleteReason(session exchange.Date) string {
	return "the session of " + session.String() + " is not complete yet"
}

// waitsUntil returns when sessions that are wanted for tasks are to be asked for again, if the newest answer did not have them yet;
// else the zero time.
func (g gapRequest) waitsUntil(wanted []exchange.Date, newest exchange.Date) time.Time {
	isLacking := len(g.tasks) > 0 && len(wanted) > 0 && g.State.Late.Session == newest && !g.State.AskedAt.IsZero() &&
		wanted[0].After(g.State.LastSession) && len(g.Ticker.Calendar().Sessions(wanted[0], newest)) <= lateSessions
	if !isLacking {
		return time.Time{}
	}
	return g.State.Late.retryAt(g.State.AskedAt)
}

// join returns two texts, of which the second one can be "".
func join(text, more string) string {
	if text == "" || more == "" {
		return text + more
	}
	return text + "; " + more
}

// doubtful returns how many sessions of the ranges have a price that is held or was rejected: what is stored of them is for
// a refresh, a person or force to say.
func (g gapRequest) doubtful() int {
	n := 0
	for _, h := range g.State.Held {
		if slices.ContainsFunc(g.ranges, func(r Range) bool { return !h.Session.Before(r.From) && (r.To.IsZero() || !h.Session.After(r.To)) }) {
			n++
		}
	}
	return n
}

func gapReason(want Want, stored storedSessions) string {
	n := len(want.Sessions)
	incomplete := 0
	for _, d := range want.Sessions {
		if has(stored.incomplete, d) {
			incomplete++
		}
	}
	reason := fmt.Sprintf("%s from %s to %s", countSessions(n), want.Sessions[0], want.Sessions[n-1])
	switch {
	case want.Goal == Rebase:
		return reason + " again"
	case want.Goal == Overwrite:
		return "forced; " + reason
	case incomplete == n:
		return reason + verb(n, " lacks ", " lack ") + blankValues
	case incomplete > 0:
		return fmt.Sprintf("%s are missing, or stored without %s (%d)", reason, blankValues, incomplete)
	default:
		return reason + verb(n, " is missing", " are missing")
	}
}

// sessions returns those that are wanted, up to the newest, ascending.
func (g gapRequest) sessions(stored storedSessions, newest exchange.Date) []exchange.Date {
	ranges := g.ranges
	if g.goal == Rebase {
		ranges = []Range{{From: stored.all[0], To: newest}}
	}
	var wanted []exchange.Date
	for _, r := range ranges {
		from, to := r.From, r.To
		if to.IsZero() || to.After(newest) {
			to = newest
		}
		if g.goal != Overwrite && from.Before(g.State.FirstSession) {
			from = g.State.FirstSession
		}
		wanted = append(wanted, g.Ticker.Calendar().Sessions(from, to)...)
	}
	slices.SortFunc(wanted, exchange.Date.Compare)
	wanted = slices.Compact(wanted)
	if g.goal != Fill {
		return wanted
	}
	return slices.DeleteFunc(wanted, func(d exchange.Date) bool { return stored.isComplete(d) || has(g.State.Absent, d) || g.State.doubts(d) })
}

func has(ascending []exchange.Date, d exchange.Date) bool {
	_, found := slices.BinarySearchFunc(ascending, d, exchange.Date.Compare)
	return found
}

// completeReason returns why nothing is wanted.
func (g gapRequest) completeReason() string {
	if g.goal == Rebase {
		return "nothing is stored of a completed session"
	}
	from, to := g.ranges[0].From, g.ranges[0].To
	reason := "no session from " + from.String() + " on is missing"
	if !to.IsZero() {
		reason = fmt.Sprintf("no session from %s to %s is missing", from, to)
	}
	if from.Before(g.State.FirstSession) {
		reason += "; the provider's first is " + g.State.FirstSession.String()
	}
	return reason
}

// taskRange is a task with the range of days that it asks for.
type taskRange struct {
	id string
	Range
}
