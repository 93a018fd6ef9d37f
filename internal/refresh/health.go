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
	// longestRun is how long a run under way is waited for.
	longestRun = 24 * time.Hour
	// mostStalest tickers are told, each with its mostCloses last closes.
	mostStalest = 5
	mostCloses  = 20
	// mostNamed tickers are named in a line.
	mostNamed = 5
)

// The ways in which a run has not ended.
const (
	Running Status = "running"
	Died    Status = "died" // its process ended before it did
)

// HealthInputs are all that a Health depends on.
type HealthInputs struct {
	At          time.Time
	Active      []ActiveTicker
	Recent      []RunRecord     // of all jobs, the newest first
	Whole       []RunRecord     // the runs of all active tickers, the newest first
	Locked      map[string]bool // the jobs whose lock a process holds, of those with a run that is RUNNING
	LastSuccess time.Time       // as of Store.LastRun
	Schedule    Schedule
	Disabled    bool // no run is due, by the settings
	MaxStale    int  // sessions that a ticker may be behind
	Tasks       int  // of the application that are pending
}

// Health is how things stand.
type Health struct {
	At       time.Time `json:"at"`
	Problems []Problem `json:"problems"`
	// Runs are the newest ones, and the last one of all active tickers, the newest first.
	Runs         []Run           `json:"runs"`
	Due          bool            `json:"due"`                // a run that goes by the schedule would do work now
	DueSince     time.Time       `json:"due_since,omitzero"` // zero where no run has succeeded yet
	NextDueAt    time.Time       `json:"next_due_at,omitzero"`
	Freshness    Freshness       `json:"freshness"`
	Unknown      []UnknownTicker `json:"unknown"` // that a run begun now would skip
	Splits       []LackingSplit  `json:"splits"`
	PendingTasks int             `json:"pending_tasks"`
}

// Problem is something that should not be.
type Problem struct {
	Kind    string              `json:"kind"`
	Message string              `json:"message"`
	Tickers []marketdata.Ticker `json:"tickers,omitempty"`
}

// The kinds of problems.
const (
	RunFailed    = "run_failed"    // the last run of all active tickers
	RunMissing   = "run_missing"   // since the schedule has fired
	StaleTickers = "stale_tickers" // are more sessions behind than is put up with
)

// Run is what the record of a run tells.
type Run struct {
	ID         string    `json:"id"`
	Job        string    `json:"job"`
	Mode       Mode      `json:"mode,omitempty"` // "" for all active tickers
	Status     Status    `json:"status"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	Seconds    float64   `json:"seconds"`          // so far, where it is running; 0 where it is not known
	Counts     *Counts   `json:"counts,omitempty"` // nil where they are not told
	Calls      *int      `json:"calls,omitempty"`
	Error      string    `json:"error,omitempty"` // one line

	failed bool
}

// Freshness is how many tickers have the newest session of their exchange.
type Freshness struct {
	Session exchange.Date `json:"session"` // the newest completed one of the US exchanges
	Active  int           `json:"active"`
	Fresh   int           `json:"fresh"`
	Due     int           `json:"due"`   // a run begun now would fetch them
	Stalest []StaleTicker `json:"stale"` // at most mostStalest, the stalest first
}

// StaleTicker is a ticker that has not the newest session.
type StaleTicker struct {
	Ticker      marketdata.Ticker `json:"ticker"`
	LastSession exchange.Date     `json:"last_session,omitzero"`
	Behind      int               `json:"sessions_behind,omitempty"` // 0 where nothing is stored
	Closes      []string          `json:"closes,omitempty"`          // the last ones, the oldest first
}

// UnknownTicker is one that the provider does not know.
type UnknownTicker struct {
	Ticker   marketdata.Ticker `json:"ticker"`
	Sessions int               `json:"unknown_sessions"`         // in a row
	AskedFor exchange.Date     `json:"asked_again_for,omitzero"` // zero: for the next session
	Note     string            `json:"note"`
}

// LackingSplit is a split that the stored history of a ticker lacks.
type LackingSplit struct {
	Ticker marketdata.Ticker `json:"ticker"`
	SplitReport
}

// NewHealth judges how things stand. It is a pure function; what is due, fresh or skipped is what the
// planner says of a run that begins now.
func NewHealth(in HealthInputs) Health {
	h := Health{
		At: in.At, Problems: []Problem{}, Runs: in.runs(in.Recent), Unknown: []UnknownTicker{}, Splits: []LackingSplit{},
		PendingTasks: in.Tasks,
	}
	whole := in.runs(in.Whole)
	if last, ended := lastEnded(whole); ended && !slices.ContainsFunc(h.Runs, func(r Run) bool { return r.ID == last.ID }) {
		h.Runs = append(h.Runs, last)
	}
	if !in.Disabled {
		next, isDue := due(in.Schedule, in.LastSuccess, in.At)
		if h.Due = isDue; isDue {
			h.DueSince, next = next, in.Schedule.Next(in.At.UTC())
		}
		h.NextDueAt = next
	}
	h.judgeRuns(in, whole)
	h.judgeTickers(in, in.settled(whole))
	h.Freshness = in.freshness()
	for _, a := range in.Active {
		if action, reason := decide(a, in.At, false); action == Skip {
			u := UnknownTicker{Ticker: a.Ticker, Sessions: a.State.UnknownSessions, Note: reason}
			if a.State.unknown() {
				u.AskedFor = a.State.askAgain()
			}
			h.Unknown = append(h.Unknown, u)
		}
		for _, s := range a.State.Splits {
			if !s.Rebased {
				h.Splits = append(h.Splits, LackingSplit{a.Ticker, SplitReport{Session: s.Session, Ratio: s.String()}})
			}
		}
	}
	return h
}

// judgeRuns finds what is wrong with the runs of all active tickers.
func (h *Health) judgeRuns(in HealthInputs, whole []Run) {
	if last, ended := lastEnded(whole); ended && last.failed {
		text := fmt.Sprintf("the last run, of %s, %s", last.StartedAt.Format(time.RFC3339), last.failure())
		if last.Error != "" {
			text += ": " + last.Error
		}
		h.Problems = append(h.Problems, Problem{Kind: RunFailed, Message: text})
	}
	since, missing := in.missing(whole)
	if !missing {
		return
	}
	text := "no run of all active tickers has finished yet"
	if !since.IsZero() {
		text = "no run of all active tickers has finished since one was due at " + since.Format(time.RFC3339)
	}
	switch {
	case in.Disabled:
		text += ", and refresh.enabled is false"
	case len(whole) > 0 && whole[0].Status == Running:
		text += fmt.Sprintf(", and the one of %s is still under way", whole[0].StartedAt.Format(time.RFC3339))
	}
	h.Problems = append(h.Problems, Problem{Kind: RunMissing, Message: text})
}

// judgeTickers finds the active tickers that are more than in.MaxStale sessions behind those that were
// completed by a time.
func (h *Health) judgeTickers(in HealthInputs, by time.Time) {
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
		named = append(named, fmt.Sprintf("%s (%s)", a.Ticker, cmp.Or(a.State.LastSession.String(), "nothing is stored")))
	}
	if more := len(named) - mostNamed; more > 0 {
		named = append(named[:mostNamed], fmt.Sprintf("and %d more", more))
	}
	behind := "behind"
	if in.MaxStale > 0 {
		behind = "more than " + countOf(in.MaxStale, "session") + " behind"
	}
	p.Message = fmt.Sprintf("%d of %s %s %s: %s", len(stale), countOf(len(in.Active), "active ticker"), verb(len(stale), "is", "are"),
		behind, strings.Join(named, ", "))
	h.Problems = append(h.Problems, p)
}

// isStale says whether a ticker is more than most sessions behind those completed by a time, without
// good reason: one that has not had its first turn is not, nor is one whose provider has answered since, of
// an exchange whose holidays nobody knows.
func (a ActiveTicker) isStale(by time.Time, most int) bool {
	known := a.Ticker.HasCalendar()
	switch {
	case by.IsZero(), a.State.LastSession.IsZero() && a.State.AskedAt.IsZero(), !known && !a.State.CheckedAt.Before(by):
		return false
	default:
		return SessionsBehind(a, by) > most
	}
}

// missing says whether no run has finished since one was due, although there was time for it to begin and
// none is under way, and since when that has been; the zero time where none has ever finished.
func (in HealthInputs) missing(whole []Run) (since time.Time, missing bool) {
	if slices.ContainsFunc(whole, func(r Run) bool { return r.Status == Running && in.At.Sub(r.StartedAt) < longestRun }) {
		return time.Time{}, false
	}
	last, finished := lastFinished(whole)
	if !finished {
		return time.Time{}, true
	}
	since, isDue := due(in.Schedule, last.FinishedAt, in.At.Add(-startGrace))
	return since, isDue
}

// settled is the time by which a session must have been completed for its bar to be missed: one that was
// completed after the last run had begun is left to the next, as long as that is not missing. It is zero
// while the first run is under way.
func (in HealthInputs) settled(whole []Run) time.Time {
	if _, missing := in.missing(whole); missing {
		return in.At
	}
	last, _ := lastFinished(whole)
	return last.StartedAt
}

func (in HealthInputs) freshness() Freshness {
	f := Freshness{Session: exchange.XNYS.LastCompleted(in.At).Date, Active: len(in.Active), Stalest: []StaleTicker{}}
	var stale []ActiveTicker
	for _, a := range in.Active {
		behind := SessionsBehind(a, in.At)
		action, _ := decide(a, in.At, false)
		if action == Leave && behind == 0 {
			f.Fresh++
		}
		if action == FetchQuote || action == FetchSeries {
			f.Due++
		}
		if behind > 0 {
			stale = append(stale, a)
		}
	}
	sortStalest(stale, in.At)
	for _, a := range stale[:min(mostStalest, len(stale))] {
		s := StaleTicker{Ticker: a.Ticker, LastSession: a.State.LastSession}
		if !s.LastSession.IsZero() {
			s.Behind = SessionsBehind(a, in.At)
		}
		f.Stalest = append(f.Stalest, s)
	}
	return f
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

// AddCloses tells the last closes of the stalest tickers, of bars that are ascending.
func (h *Health) AddCloses(bars map[marketdata.Ticker][]history.StoredBar) {
	for i := range h.Freshness.Stalest {
		s := &h.Freshness.Stalest[i]
		stored := bars[s.Ticker]
		for _, bar := range stored[max(0, len(stored)-mostCloses):] {
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

// IsRunning says whether a run is under way, or was when its process ended.
func (r RunRecord) IsRunning() bool { return strings.EqualFold(r.Status, string(Running)) }

// read makes the best of a record, which can be another program's.
func (in HealthInputs) read(record RunRecord) Run {
	var told struct {
		Mode   Mode    `json:"mode"`
		Status Status  `json:"status"`
		Counts *Counts `json:"counts"`
		Calls  *int    `json:"calls"`
	}
	if err := json.Unmarshal(record.Metadata, &told); err != nil {
		told.Counts = nil // what else could be read is good
	}
	r := Run{
		ID: record.ID, Job: record.JobName, Mode: told.Mode, Status: Status(strings.ToLower(record.Status)),
		StartedAt: record.StartedAt.UTC(), FinishedAt: record.FinishedAt,
		Counts: told.Counts, Calls: told.Calls, Error: strings.Join(strings.Fields(record.ErrorMessage), " "),
	}
	took := r.FinishedAt.Sub(r.StartedAt)
	switch {
	case record.IsRunning() && in.Locked[r.Job]:
		took = in.At.Sub(r.StartedAt)
	case record.IsRunning():
		r.Status, r.failed = Died, true
	default:
		r.failed = r.Status == Failed
		r.Status = cmp.Or(told.Status, r.Status)
	}
	r.Seconds = max(0, took.Round(time.Millisecond).Seconds())
	return r
}

// failure is how a run failed: the end of a sentence.
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

// lastEnded is the newest run that is not under way, the newest first.
func lastEnded(runs []Run) (Run, bool) {
	i := slices.IndexFunc(runs, func(r Run) bool { return r.Status != Running })
	if i < 0 {
		return Run{}, false
	}
	return runs[i], true
}

// lastFinished is the run that has finished last.
func lastFinished(runs []Run) (last Run, found bool) {
	for _, r := range runs {
		if r.FinishedAt.After(last.FinishedAt) {
			last, found = r, true
		}
	}
	return last, found
}
