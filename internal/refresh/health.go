package refresh

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// HealthInputs are all that a Health depends on.
type HealthInputs struct {
	At           time.Time
	Active       []ActiveTicker
	Recent       []RunRecord        // of all jobs, the newest first
	Scheduled    []RunRecord        // the runs of all active tickers, the newest first
	Locked       map[string]*Holder // who has the lock of a job, of those with a run that is RUNNING; nil if nobody has
	LocksUnknown map[string]string  // why it cannot be said of the others whether a process holds their lock
	LastSuccess  time.Time          // as of Store.LastRun
	Published    []RunRecord        // that stored newest sessions
	Schedule     Schedule
	Disabled     bool              // no run is due, by the settings
	MaxStale     int               // sessions that a ticker may be behind
	Tasks        int               // of the application that are pending
	Holdings     []ActiveTicker    // what portfolios hold, active or not
	Held         []history.HeldBar // as of WaitingBars
	Misdated     []Misdated        // runs and what else Active does not show
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
	Misdated     []Misdated        `json:"recorded_in_future,omitempty"`
}

// ByApplication marks the record of a run that the application made. It does not count in any verdict.
const ByApplication = "application"

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
		UsualTimes: usualTimes(in.Published), Misdated: slices.Concat(in.Misdated, MisdatedStates(in.Active)),
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

// isStale reports whether a ticker is more than limit sessions behind those completed by a time. One that waits for its first
// turn is not until that is overdue.
func (a ActiveTicker) isStale(by time.Time, limit int) bool {
	isWaiting := a.State.LastSession.IsZero() && a.State.AskedAt.IsZero() && sessionsActive(a, by) < maxSessionsWaited
	return !by.IsZero() && !isWaiting && SessionsBehind(a, by) > limit
}

// isOurs reports whether this program made the record.
func (r RunRecord) isOurs() bool {
	var metadata struct {
		At json.RawMessage `json:"at"`
	}
	return json.Unmarshal(r.Metadata, &metadata) == nil && len(metadata.At) > 0 && string(metadata.At) != "null"
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
