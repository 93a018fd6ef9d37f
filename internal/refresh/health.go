package refresh

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

const (
	// startGrace is how long after the schedule has fired a run may begin: refresh --if-due hangs on cron
	// lines that fire once an hour.
	startGrace = time.Hour
	// maxRunTime is for how long a run under way is expected to end.
	maxRunTime = 24 * time.Hour
	// maxStalest tickers are reported, each with its maxCloses last closes.
	maxStalest = 5
	maxCloses  = 20
	// maxNamed tickers are named in a line.
	maxNamed = 5
)

// The statuses of runs that have not ended.
const (
	Running Status = "running"
	Died    Status = "died" // its process ended before it did
)

// HealthInputs are all that a Health depends on.
type HealthInputs struct {
	At          time.Time
	Active      []ActiveTicker
	Recent      []RunRecord     // of all jobs, the newest first
	Scheduled   []RunRecord     // the runs of all active tickers, the newest first
	Locked      map[string]bool // the jobs whose lock a process holds, of those with a run that is RUNNING
	LastSuccess time.Time       // as of Store.LastRun
	Published   []RunRecord     // that stored newest sessions
	Schedule    Schedule
	Disabled    bool              // no run is due, by the settings
	MaxStale    int               // sessions that a ticker may be behind
	Tasks       int               // of the application that are pending
	Holdings    []ActiveTicker    // what portfolios hold, active or not
	Held        []history.HeldBar // as of WaitingBars
}

// Health is how things stand.
type Health struct {
	At       time.Time `json:"at"`
	Problems []Problem `json:"problems"`
	// Runs are the newest ones, and the last one of all active tickers, the newest first.
	Runs         []Run             `json:"runs"`
	Due          bool              `json:"due"`                // a run that goes by the schedule would do work now
	DueSince     time.Time         `json:"due_since,omitzero"` // zero if no run has succeeded yet
	NextDueAt    time.Time         `json:"next_due_at,omitzero"`
	Freshness    Freshness         `json:"freshness"`
	Unknown      []UnknownTicker   `json:"unknown"` // that a run begun now would skip
	Splits       []UnadjustedSplit `json:"splits"`
	Held         []HeldPrice       `json:"held"` // of all tickers, active or not
	Calendars    []CalendarNote    `json:"calendars,omitempty"`
	PendingTasks int               `json:"pending_tasks"`
	UsualTimes   []UsualTime       `json:"usual_times,omitempty"` // by when sessions are there, by exchange
}

// Problem is something that should not be.
type Problem struct {
	Kind    string              `json:"kind"`
	Message string              `json:"message"`
	Tickers []marketdata.Ticker `json:"tickers,omitempty"`
	// Disabled says that no run is due, so that one is missing.
	Disabled bool `json:"-"`
}

// The kinds of problems.
const (
	RunFailed     = "run_failed"     // the last run of all active tickers
	RunMissing    = "run_missing"    // since the schedule has fired
	StaleTickers  = "stale_tickers"  // are more sessions behind than is tolerated
	HeldPrices    = "held_prices"    // wait for a decision
	LateTickers   = "late_tickers"   // have been a session behind for some runs in a row
	DeadHoldings  = "dead_holdings"  // that a portfolio has, and that get no prices any more
	PendingSplits = "pending_splits" // the stored histories of active tickers lack
)

// Run is what the record of a run says.
type Run struct {
	ID         string    `json:"id"`
	By         string    `json:"by,omitempty"` // "" for this program, else ByApplication
	Job        string    `json:"job"`
	Mode       string    `json:"mode,omitempty"` // "" for all active tickers
	Status     Status    `json:"status"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	Seconds    float64   `json:"seconds"`          // so far, if it is running; 0 if it is not known
	Counts     *Counts   `json:"counts,omitempty"` // nil if they are not recorded
	Calls      *int      `json:"calls,omitempty"`
	Error      string    `json:"error,omitempty"` // one line
	Kind       Kind      `json:"-"`

	failed bool
}

// ByApplication marks the record of a run that the application made. It does not count in any verdict.
const ByApplication = "application"

// Freshness is how many tickers have the newest session of their exchange.
type Freshness struct {
	Session exchange.Date `json:"session"` // the newest completed one of the US exchanges
	Active  int           `json:"active"`
	Fresh   int           `json:"fresh"`
	Due     int           `json:"due"` // a run begun now would fetch them
	// Incomplete counts those whose newest bar the application has blanked.
	Incomplete int `json:"incomplete,omitempty"`
	// Unpublished counts those of which the provider did not have the newest session yet when it was asked.
	Unpublished int                 `json:"unpublished,omitempty"`
	Inactive    []marketdata.Ticker `json:"inactive_holdings,omitempty"` // what portfolios hold and no run fetches
	Stalest     []StaleTicker       `json:"stale"`                       // at most maxStalest, the stalest first
}

// StaleTicker is a ticker that does not have the newest session.
type StaleTicker struct {
	Ticker      marketdata.Ticker `json:"ticker"`
	LastSession exchange.Date     `json:"last_session,omitzero"`
	Behind      int               `json:"sessions_behind,omitempty"` // 0 if nothing is stored
	Closes      []string          `json:"closes,omitempty"`          // the last ones, the oldest first
}

// UnknownTicker is one that the provider does not know, or that stands still.
type UnknownTicker struct {
	Ticker     marketdata.Ticker `json:"ticker"`
	Sessions   int               `json:"unknown_sessions"`         // in a row
	StillSince exchange.Date     `json:"still_since,omitzero"`     // the only session that the provider has had for long
	AskedFor   exchange.Date     `json:"asked_again_for,omitzero"` // zero: for the next session
	Note       string            `json:"note"`
}

// UnadjustedSplit is a split that the stored history of a ticker lacks.
type UnadjustedSplit struct {
	Ticker marketdata.Ticker `json:"ticker"`
	SplitReport
}

// NewHealth evaluates how things stand. It is a pure function; what is due, fresh or skipped is what a
// run that begins now would make of it.
func NewHealth(in HealthInputs) Health {
	h := Health{
		At: in.At, Problems: []Problem{}, Runs: in.runs(in.Recent), Unknown: []UnknownTicker{}, Splits: []UnadjustedSplit{},
		Held: []HeldPrice{}, Calendars: calendarNotes(in.Active, in.At), PendingTasks: in.Tasks,
		UsualTimes: usualTimes(in.Published),
	}
	scheduled := in.runs(in.Scheduled)
	if last, ended := lastEnded(scheduled); ended && !slices.ContainsFunc(h.Runs, func(r Run) bool { return r.ID == last.ID }) {
		h.Runs = append(h.Runs, last)
	}
	if !in.Disabled {
		next, isDue := due(in.Schedule, in.LastSuccess, in.At)
		if h.Due = isDue; isDue {
			h.DueSince, next = next, in.Schedule.Next(in.At.UTC())
		}
		h.NextDueAt = next
		h.addRetry(nextRetry(in.Active, in.At))
	}
	h.evaluateRuns(in, scheduled)
	h.evaluateTickers(in, in.settled(scheduled))
	h.Freshness = in.freshness()
	h.addUnknown(in)
	for _, bar := range in.Held {
		h.Held = append(h.Held, NewHeldPrice(bar))
	}
	for _, a := range in.Active {
		for _, s := range history.Pending(a.State.Splits) {
			h.Splits = append(h.Splits, UnadjustedSplit{a.Ticker, *reportSplit(s)})
		}
	}
	h.evaluateLate(in, in.settled(scheduled))
	h.evaluateHoldings(in)
	h.evaluateHeld()
	h.evaluateSplits()
	return h
}

// addRetry takes note of when sessions that were not out yet are asked for again, between two firings of the schedule.
func (h *Health) addRetry(retry time.Time) {
	switch {
	case retry.IsZero() || h.Due:
	case !retry.After(h.At):
		h.Due, h.DueSince = true, retry
	case retry.Before(h.NextDueAt):
		h.NextDueAt = retry
	}
}

// addUnknown adds the tickers that a run begun now would skip because the provider does not know them, or has nothing new.
func (h *Health) addUnknown(in HealthInputs) {
	for _, a := range in.Active {
		want := updateWant(a, in.At, false)
		if want.Outcome != OutcomeSkipped || a.State.UnknownSessions == 0 && !a.State.standsStill() {
			continue
		}
		u := UnknownTicker{Ticker: a.Ticker, Sessions: a.State.UnknownSessions, Note: want.Reason}
		switch {
		case a.State.standsStill():
			u.StillSince = a.State.LastSession
			u.AskedFor = a.State.Late.Session.AddDays(stillDays)
		case a.State.unknown():
			u.AskedFor = a.State.askAgain()
		}
		h.Unknown = append(h.Unknown, u)
	}
}

// evaluateRuns finds what is wrong with the runs of all active tickers.
func (h *Health) evaluateRuns(in HealthInputs, scheduled []Run) {
	if last, ended := lastEnded(scheduled); ended && last.failed {
		text := fmt.Sprintf("the last run, of %s, %s", last.StartedAt.Format(time.RFC3339), last.failure())
		if last.Error != "" {
			text += ": " + last.Error
		}
		h.Problems = append(h.Problems, Problem{Kind: RunFailed, Message: text})
	}
	since, missing := in.missing(scheduled)
	if !missing {
		return
	}
	text := "no run of all active tickers has finished yet"
	if !since.IsZero() {
		text = "no run of all active tickers has finished since one was due at " + since.Format(time.RFC3339)
	}
	if !in.Disabled && len(scheduled) > 0 && scheduled[0].Status == Running {
		text += fmt.Sprintf(", and the one of %s is still under way", scheduled[0].StartedAt.Format(time.RFC3339))
	}
	h.Problems = append(h.Problems, Problem{Kind: RunMissing, Message: text, Disabled: in.Disabled})
}

// evaluateTickers finds the active tickers that are more than in.MaxStale sessions behind those that were
// completed by a time.
func (h *Health) evaluateTickers(in HealthInputs, by time.Time) {
	var stale []ActiveTicker
	for _, a := range in.Active {
		if a.isStale(by, in.MaxStale) {
			stale = append(stale, a)
		}
	}
	if len(stale) == 0 {
		return
	}
	sortStalest(stale, by)
	p := Problem{Kind: StaleTickers}
	var named []string
	for _, a := range stale {
		p.Tickers = append(p.Tickers, a.Ticker)
		what := cmp.Or(a.State.LastSession.String(), "nothing is stored")
		if a.State.UnknownSessions > 0 {
			what += ", the provider does not know it"
		}
		named = append(named, fmt.Sprintf("%s (%s)", a.Ticker, what))
	}
	behind := "behind"
	if in.MaxStale > 0 {
		behind = "more than " + countOf(in.MaxStale, "session") + " behind"
	}
	p.Message = fmt.Sprintf("%d of %s %s %s: %s", len(stale), countOf(len(in.Active), "active ticker"), verb(len(stale), "is", "are"),
		behind, firstNamed(named))
	h.Problems = append(h.Problems, p)
}

// evaluateLate finds the tickers that were behind after each of some runs in a row, and still are behind the sessions that were
// completed by a time, however few sessions that is.
func (h *Health) evaluateLate(in HealthInputs, by time.Time) {
	p := Problem{Kind: LateTickers}
	var named []string
	for _, a := range in.Active {
		if by.IsZero() || a.State.Late.Sessions < lateSessions || !a.isBehind(by) || a.isStale(by, in.MaxStale) {
			continue
		}
		p.Tickers = append(p.Tickers, a.Ticker)
		named = append(named, fmt.Sprintf("%s (%s)", a.Ticker, a.State.LastSession))
	}
	if len(named) == 0 {
		return
	}
	p.Message = fmt.Sprintf("%d of %s %s been behind for %d sessions in a row or more, since the vendor publishes late: %s", len(named),
		countOf(len(in.Active), "active ticker"), verb(len(named), "has", "have"), lateSessions, firstNamed(named))
	h.Problems = append(h.Problems, p)
}

// isBehind reports whether a ticker is behind the sessions that were completed by a time. If the holidays of its exchange are not
// known, it is if the newest answer had a new session, though an older one.
func (a ActiveTicker) isBehind(by time.Time) bool {
	isClosed := a.State.Late.Repeats > 1 || a.State.Late.Session != a.Ticker.Calendar().LastCompleted(by).Date
	return SessionsBehind(a, by) > 0 || !a.Ticker.HasCalendar() && !isClosed
}

// evaluateHoldings finds what portfolios hold and the provider does not know, or has had nothing new of for long.
func (h *Health) evaluateHoldings(in HealthInputs) {
	p := Problem{Kind: DeadHoldings}
	var named []string
	for _, a := range in.Holdings {
		if note := a.State.Note(); note != "" {
			p.Tickers = append(p.Tickers, a.Ticker)
			named = append(named, fmt.Sprintf("%s (%s)", a.Ticker, note))
		}
	}
	if len(named) == 0 {
		return
	}
	p.Message = fmt.Sprintf("%s that a portfolio holds %s no prices: %s", countOf(len(named), "ticker"), verb(len(named), "gets", "get"),
		firstNamed(named))
	h.Problems = append(h.Problems, p)
}

// evaluateHeld finds the prices that wait for a decision.
func (h *Health) evaluateHeld() {
	if len(h.Held) == 0 {
		return
	}
	p := Problem{Kind: HeldPrices}
	var named []string
	for _, held := range h.Held {
		p.Tickers = append(p.Tickers, held.Ticker)
		named = append(named, fmt.Sprintf("%s (%s)", held.Ticker, held.Session))
	}
	p.Tickers = slices.Compact(p.Tickers)
	n := len(named)
	p.Message = fmt.Sprintf("%s may be wrong: %s", countOf(n, "held price"), firstNamed(named))
	h.Problems = append(h.Problems, p)
}

// evaluateSplits finds the splits that stored histories lack.
func (h *Health) evaluateSplits() {
	if len(h.Splits) == 0 {
		return
	}
	p := Problem{Kind: PendingSplits}
	var named []string
	for _, split := range h.Splits {
		p.Tickers = append(p.Tickers, split.Ticker)
		named = append(named, fmt.Sprintf("%s %s (%s)", split.Ticker, split.Ratio, split.Session))
	}
	p.Tickers = slices.Compact(p.Tickers)
	p.Message = fmt.Sprintf("%s %s pending, %s", countOf(len(named), "split"), verb(len(named), "is", "are"), firstNamed(named))
	h.Problems = append(h.Problems, p)
}

// firstNamed returns the first of some names, and how many more there are.
func firstNamed(names []string) string {
	if more := len(names) - maxNamed; more > 0 {
		names = append(slices.Clone(names[:maxNamed]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// isStale reports whether a ticker is more than limit sessions behind those completed by a time. One that waits for its first
// turn is not until that is overdue.
func (a ActiveTicker) isStale(by time.Time, limit int) bool {
	isWaiting := a.State.LastSession.IsZero() && a.State.AskedAt.IsZero() && sessionsActive(a, by) < maxSessionsWaited
	return !by.IsZero() && !isWaiting && SessionsBehind(a, by) > limit
}

// missing reports whether no run has finished since one was due, although there was time for it to begin and
// none is under way, and since when that has been so; the zero time if none has ever finished.
func (in HealthInputs) missing(scheduled []Run) (since time.Time, missing bool) {
	if slices.ContainsFunc(scheduled, func(r Run) bool { return r.Status == Running && in.At.Sub(r.StartedAt) < maxRunTime }) {
		return time.Time{}, false
	}
	last, finished := lastFinished(scheduled)
	if !finished {
		return time.Time{}, true
	}
	since, isDue := due(in.Schedule, last.FinishedAt, in.At.Add(-startGrace))
	return since, isDue
}

// settled returns the time by which a session must have been completed for its bar to be missed: one that was
// completed after the last run had begun is left to the next, as long as that is not missing. It is zero
// while the first run is under way.
func (in HealthInputs) settled(scheduled []Run) time.Time {
	if _, missing := in.missing(scheduled); missing {
		return in.At
	}
	last, _ := lastFinished(scheduled)
	return last.StartedAt
}

func (in HealthInputs) freshness() Freshness {
	f := Freshness{Session: exchange.XNYS.LastCompleted(in.At).Date, Active: len(in.Active), Stalest: []StaleTicker{}}
	var stale []ActiveTicker
	for _, a := range in.Active {
		f.count(a, in.At)
		if SessionsBehind(a, in.At) > 0 {
			stale = append(stale, a)
		}
	}
	f.Inactive = in.inactiveHoldings()
	sortStalest(stale, in.At)
	for _, a := range stale[:min(maxStalest, len(stale))] {
		s := StaleTicker{Ticker: a.Ticker, LastSession: a.State.LastSession}
		if !s.LastSession.IsZero() {
			s.Behind = SessionsBehind(a, in.At)
		}
		f.Stalest = append(f.Stalest, s)
	}
	return f
}

// count counts an active ticker.
func (f *Freshness) count(a ActiveTicker, at time.Time) {
	newest := a.Ticker.Calendar().LastCompleted(at).Date
	isBehind := SessionsBehind(a, at) > 0
	outcome := updateWant(a, at, false).Outcome
	if outcome == OutcomePlanned {
		f.Due++
	}
	if outcome != OutcomeSkipped && !isBehind {
		f.Fresh++
	}
	if isBehind && a.State.Late.Session == newest {
		f.Unpublished++
	}
	if a.State.isIncomplete(newest, at) {
		f.Incomplete++
	}
}

// inactiveHoldings returns what portfolios hold and is not active.
func (in HealthInputs) inactiveHoldings() []marketdata.Ticker {
	active := map[marketdata.Ticker]bool{}
	for _, a := range in.Active {
		active[a.Ticker] = true
	}
	var inactive []marketdata.Ticker
	for _, a := range in.Holdings {
		if !active[a.Ticker] {
			inactive = append(inactive, a.Ticker)
		}
	}
	return inactive
}

func sortStalest(tickers []ActiveTicker, at time.Time) {
	slices.SortFunc(tickers, func(a, b ActiveTicker) int {
		return cmp.Or(
			cmp.Compare(SessionsBehind(b, at), SessionsBehind(a, at)),
			a.State.LastSession.Compare(b.State.LastSession),
			a.Ticker.Compare(b.Ticker),
		)
	})
}

// AddCloses adds the last closes of the stalest tickers, whose bars are ascending.
func (h *Health) AddCloses(bars map[marketdata.Ticker][]history.StoredBar) {
	for i := range h.Freshness.Stalest {
		s := &h.Freshness.Stalest[i]
		stored := bars[s.Ticker]
		for _, bar := range stored[max(0, len(stored)-maxCloses):] {
			s.Closes = append(s.Closes, marketdata.FormatPrice(bar.Close))
		}
	}
}

func (in HealthInputs) runs(records []RunRecord) []Run {
	runs := make([]Run, len(records))
	for i, record := range records {
		runs[i] = in.read(record)
	}
	return runs
}

// IsRunning reports whether a run of this program is under way, or was when its process ended.
func (r RunRecord) IsRunning() bool {
	return r.isOurs() && strings.EqualFold(r.Status, string(Running))
}

// isOurs reports whether this program made the record.
func (r RunRecord) isOurs() bool {
	var metadata struct {
		At json.RawMessage `json:"at"`
	}
	return json.Unmarshal(r.Metadata, &metadata) == nil && len(metadata.At) > 0 && string(metadata.At) != "null"
}

// read returns what can be read of a record, which can be another program's.
func (in HealthInputs) read(record RunRecord) Run {
	if !record.isOurs() {
		return record.ofApplication()
	}
	var metadata struct {
		Mode   string  `json:"mode"`
		Status Status  `json:"status"`
		Counts *Counts `json:"counts"`
		Calls  *int    `json:"calls"`
	}
	if err := json.Unmarshal(record.Metadata, &metadata); err != nil {
		metadata.Counts = nil // whatever else could be read is good
	}
	r := record.run()
	r.Mode, r.Kind, r.Counts, r.Calls = metadata.Mode, recordedKind(record.JobName, metadata.Mode), metadata.Counts, metadata.Calls
	took := r.FinishedAt.Sub(r.StartedAt)
	switch {
	case record.IsRunning() && in.Locked[r.Job]:
		took = in.At.Sub(r.StartedAt)
	case record.IsRunning():
		r.Status, r.failed = Died, true
	default:
		r.failed = r.Status == Failed
		r.Status = cmp.Or(metadata.Status, r.Status)
	}
	r.Seconds = max(0, took.Round(time.Millisecond).Seconds())
	return r
}

// ofApplication returns a run of the application as it says itself that it went: whether its process lives is not known, nor
// whether what succeeded has fetched anything.
func (r RunRecord) ofApplication() Run {
	run := r.run()
	run.By = ByApplication
	run.Seconds = max(0, run.FinishedAt.Sub(run.StartedAt).Round(time.Millisecond).Seconds())
	return run
}

// run returns what the columns of a record say.
func (r RunRecord) run() Run {
	return Run{
		ID: r.ID, Job: r.JobName, Status: Status(strings.ToLower(r.Status)), StartedAt: r.StartedAt.UTC(), FinishedAt: r.FinishedAt,
		Error: strings.Join(strings.Fields(r.ErrorMessage), " "),
	}
}

// failure returns how a run failed: the end of a sentence.
func (r Run) failure() string {
	switch r.Status {
	case Died:
		return "died: its process ended before it did"
	case Interrupted:
		return "was interrupted"
	case Deferred:
		return "refreshed nothing"
	default:
		return "failed"
	}
}

// lastEnded returns the newest run that is not under way, the newest first.
func lastEnded(runs []Run) (Run, bool) {
	i := slices.IndexFunc(runs, func(r Run) bool { return r.Status != Running })
	if i < 0 {
		return Run{}, false
	}
	return runs[i], true
}

// lastFinished returns the run that has finished last.
func lastFinished(runs []Run) (last Run, found bool) {
	for _, r := range runs {
		if r.FinishedAt.After(last.FinishedAt) {
			last, found = r, true
		}
	}
	return last, found
}
