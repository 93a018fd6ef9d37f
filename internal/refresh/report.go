package refresh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
	"papertrade/pkg/safetext"
)

// Status is how a run ended.
type Status string

// The ways in which a run ends.
const (
	Succeeded   Status = "succeeded"
	Partial     Status = "partial"     // more tickers failed than are tolerated
	Failed      Status = "failed"      // nothing could be refreshed, or the store or the credentials failed
	Deferred    Status = "deferred"    // the quota did not suffice for all
	Interrupted Status = "interrupted" // what was fetched is committed
	Locked      Status = "locked"      // another run was under way
	Disabled    Status = "disabled"    // by the settings
	NotDue      Status = "not_due"     // the schedule has not fired since the last run
	Closed      Status = "closed"      // no exchange of the watchlist was open
)

// Outcome is what a run did about a ticker, or a dry run would do.
type Outcome string

// The outcomes of a ticker.
const (
	OutcomeRefreshed Outcome = "refreshed"
	OutcomeFresh     Outcome = "fresh" // nothing was due
	OutcomeFailed    Outcome = "failed"
	OutcomeDeferred  Outcome = "deferred" // not asked: a later run does
	OutcomeSkipped   Outcome = "skipped"  // not asked: it would be pointless
	OutcomePlanned   Outcome = "planned"
)

// TickerReport is what a run did about one ticker.
type TickerReport struct {
	Ticker   marketdata.Ticker `json:"-"`      // zero if the row is about a task whose symbol cannot be read
	Symbol   string            `json:"ticker"` // of the ticker
	Sources  []Source          `json:"sources"`
	Priority int               `json:"priority"`
	Status   Outcome           `json:"status"`
	Batch    int               `json:"batch,omitempty"`
	Session  exchange.Date     `json:"session,omitzero"` // of the stored price
	Price    string            `json:"price,omitempty"`  // as it is stored
	Currency string            `json:"currency,omitempty"`
	Reason   string            `json:"reason,omitempty"` // why it is due or not, or what else there is to say
	// Forceable says that a run with Options.Force would fetch what this one skipped.
	Forceable bool `json:"-"`
	// Incomplete says that the ticker is fresh, though a call is to fill its newest bar, unless the answer is in doubt.
	Incomplete bool         `json:"-"`
	IsStale    bool         `json:"-"` // the newest bar of the answer equals the one before it, volume included
	Error      *TickerError `json:"error,omitempty"`
	Split      *SplitReport `json:"split,omitempty"`
	// Held is the newest price that waits for a decision because it may be wrong.
	Held *HeldReport `json:"held,omitempty"`

	// Of a backfill: sessions that were missing, bars that were stored, and missing sessions that the
	// key's plan cannot fetch.
	Missing    int `json:"missing,omitempty"`
	Stored     int `json:"stored,omitempty"`
	OutOfReach int `json:"out_of_reach,omitempty"`
	Absent     int `json:"absent,omitempty"` // missing sessions that the provider turned out not to have
	Tasks      int `json:"tasks,omitempty"`  // of the application that the row stands for

	// Changes are what a dry run foresees of a rebase, ascending by session.
	Changes []BarChange `json:"changes,omitempty"`
}

// SplitReport is a split that the stored history of a ticker lacks: the bars before Session are on
// another scale.
type SplitReport struct {
	Session exchange.Date `json:"session"`
	Ratio   string        `json:"ratio"` // 10:1
}

// HeldReport is a price that is kept beside the history because it may be wrong.
type HeldReport struct {
	Session  exchange.Date `json:"session"`
	Close    string        `json:"close"`
	Why      string        `json:"why"`
	Evidence []string      `json:"evidence,omitempty"` // for and against it, one line each
}

// TickerError is why a ticker was not refreshed.
type TickerError struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

// Counts are of tickers.
type Counts struct {
	Active    int `json:"active"`
	Fresh     int `json:"fresh"`
	Planned   int `json:"planned"`
	Refreshed int `json:"refreshed"`
	Failed    int `json:"failed"`
	Deferred  int `json:"deferred"`
	Skipped   int `json:"skipped,omitempty"`
	Held      int `json:"held,omitempty"` // those with a price that waits for a decision
}

// Report is what a run did, or a dry run would do.
type Report struct {
	RunID           string        `json:"run_id"`
	DryRun          bool          `json:"dry_run"`
	At              time.Time     `json:"at"`
	Session         exchange.Date `json:"session,omitzero"`
	Provider        string        `json:"provider"`
	Status          Status        `json:"status"`
	Reason          string        `json:"reason,omitempty"` // why not all was done
	Counts          Counts        `json:"counts"`
	Batches         int           `json:"batches"`
	Calls           int           `json:"calls"`
	Credits         int           `json:"credits,omitempty"` // that the calls cost, if that is another number
	EstimateSeconds int           `json:"estimate_seconds"`
	EndsAt          time.Time     `json:"-"` // when the last call is made, by the real clock
	Reserve
	TriesPremium bool           `json:"-"` // a capability is asked that the key's plan may not include
	StartedAt    time.Time      `json:"started_at,omitzero"`
	FinishedAt   time.Time      `json:"finished_at,omitzero"`
	Tickers      []TickerReport `json:"tickers"`
	PendingTasks int            `json:"pending_tasks,omitempty"` // of the application, when the run began
	Tasks        *TasksReport   `json:"backfill,omitempty"`      // those that were processed
	Kind         Kind           `json:"-"`
	Holder       *Holder        `json:"holder,omitempty"` // of the lock, if another run has it, as far as the store knows
	// LearnedLimits are what refusals showed that the keys' settings do not have.
	LearnedLimits []LearnedLimit `json:"learned_limits,omitempty"`

	mode string // of its record
}

func (r *Report) setCost(used quota.Usage) {
	r.Calls, r.Credits = used.Calls, 0
	if used.Cost != used.Calls {
		r.Credits = used.Cost
	}
}

func (r *Report) count() { r.Counts = countsOf(r.Tickers) }

func countsOf(tickers []TickerReport) Counts {
	c := Counts{Active: len(tickers)}
	for _, t := range tickers {
		if t.Held != nil {
			c.Held++
		}
		switch t.Status {
		case OutcomeFresh:
			c.Fresh++
		case OutcomeRefreshed:
			c.Refreshed++
		case OutcomeFailed:
			c.Failed++
		case OutcomeDeferred:
			c.Deferred++
		case OutcomeSkipped:
			c.Skipped++
		}
	}
	c.Planned = c.Active - c.Fresh - c.Skipped
	return c
}

const reasonStopped = "not asked: the run stopped"

// postpone leaves a ticker that was not answered through no fault of its own to a later run.
func (t *TickerReport) postpone(err error) {
	if t.Incomplete {
		t.leaveIncomplete(err)
		return
	}
	t.Status, t.Reason = OutcomeDeferred, ""
	if errors.Is(err, errNotAsked) {
		t.Reason = reasonStopped
		return
	}
	t.Error = newTickerError(err)
}

// settleTask takes note of what became of a task that the row is about: if it has failed, so has the row.
func (t *TickerReport) settleTask(result TaskResult) {
	if result.Status == TaskFailed && t.Status != OutcomeFailed {
		t.Status, t.Reason, t.Error = OutcomeFailed, "", &TickerError{result.Kind, result.Error}
	}
}

// leaveIncomplete takes note of why the newest bar of a ticker was not filled.
func (t *TickerReport) leaveIncomplete(err error) {
	t.Status, t.Batch, t.Error = OutcomeFresh, 0, nil
	t.Reason = fmt.Sprintf("the row of %s still lacks %s: %s", t.Session, blankValues, oneLine(err))
}

// fail takes note of why a ticker failed.
func (t *TickerReport) fail(err error) {
	t.Status, t.Reason, t.Error = OutcomeFailed, "", newTickerError(err)
}

func newTickerError(err error) *TickerError {
	return &TickerError{Kind: ErrorKind(err), Message: oneLine(err)}
}

// finish postpones what was not asked for, and evaluates the run. stop is why it ended early, if it did.
func (r *Report) finish(ctx context.Context, stop error, maxErrorRate float64) {
	for i := range r.Tickers {
		if t := &r.Tickers[i]; t.Status == OutcomePlanned && t.Incomplete {
			t.leaveIncomplete(errNoCallLeft)
		} else if t.Status == OutcomePlanned {
			t.Status, t.Batch, t.Reason = OutcomeDeferred, 0, reasonStopped
		}
	}
	r.count()
	r.evaluate(maxErrorRate)
	if stop == nil {
		return
	}
	r.Reason = oneLine(stop)
	switch {
	case ctx.Err() != nil && errors.Is(stop, context.Cause(ctx)):
		r.Status = Interrupted
	case !isDeferral(stop):
		r.Status = Failed
	}
}

// evaluate decides how a run that went to its end ended. Nothing refreshed is never a success; a run about the application's tasks
// goes by them, each of which is done whatever comes of the others.
func (r *Report) evaluate(maxErrorRate float64) {
	attempted := r.Counts.Refreshed + r.Counts.Failed
	anyStored := slices.ContainsFunc(r.Tickers, func(t TickerReport) bool { return t.Stored > 0 })
	failedTasks, succeededTasks := r.tasksEnded()
	switch {
	case failedTasks > 0 && (succeededTasks == 0 || float64(failedTasks)/float64(failedTasks+succeededTasks) > maxErrorRate):
		r.Status = Partial
	case failedTasks > 0 && r.Counts.Deferred > 0:
		r.Status = Deferred
	case failedTasks > 0:
		r.Status = Succeeded
	case r.Counts.Failed > 0 && r.Counts.Refreshed == 0 && !anyStored:
		r.Status = Failed
	case r.Counts.Failed > 0 && float64(r.Counts.Failed)/float64(attempted) > maxErrorRate:
		r.Status = Partial
	case r.Counts.Deferred > 0:
		r.Status = Deferred
	default:
		r.Status = Succeeded
	}
}

// tasksEnded returns how many tasks failed, and how many succeeded, in a run that is about them. All that a dry run knows of is
// the rows.
func (r *Report) tasksEnded() (failed, succeeded int) {
	switch {
	case r.Kind != Tasks:
		return 0, 0
	case r.Tasks != nil:
		return r.Tasks.Failed, r.Tasks.Succeeded
	case r.DryRun:
		return r.Counts.Failed, r.Counts.Active - r.Counts.Failed
	default:
		return 0, 0
	}
}

// record returns the row that the application's health page reads.
func (r *Report) record() RunRecord {
	record := RunRecord{ID: r.RunID, JobName: r.Kind.JobName(), StartedAt: r.StartedAt, FinishedAt: r.FinishedAt, Status: "RUNNING"}
	ended := Status("")
	var published []publication
	if !r.FinishedAt.IsZero() {
		ended, published = r.Status, r.publications()
		record.Status = "SUCCEEDED"
		if r.Status == Failed || r.Status == Interrupted || r.Status == Deferred && r.Counts.Refreshed == 0 && !r.HoldsBack {
			record.Status = "FAILED"
		}
		record.ErrorMessage = r.errorSummary()
	}
	// A struct of strings and numbers: this cannot fail.
	record.Metadata, _ = json.Marshal(struct {
		Mode      string        `json:"mode,omitempty"`
		Status    Status        `json:"status,omitempty"`
		At        time.Time     `json:"at"`
		Session   exchange.Date `json:"session,omitzero"`
		Provider  string        `json:"provider"`
		Counts    Counts        `json:"counts"`
		Calls     int           `json:"calls"`
		Published []publication `json:"published,omitempty"`
	}{r.mode, ended, r.At, r.Session, r.Provider, r.Counts, r.Calls, published})
	return record
}

// errorSummary returns one line of what went wrong; "" if nothing did.
func (r *Report) errorSummary() string {
	if r.Counts.Failed == 0 && r.Counts.Deferred == 0 && r.Reason == "" {
		return ""
	}
	text := fmt.Sprintf("%d of %d tickers failed, %d deferred", r.Counts.Failed, r.Counts.Planned, r.Counts.Deferred)
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	for _, t := range r.Tickers {
		if t.Error != nil && !strings.Contains(text, t.Error.Message) {
			text += fmt.Sprintf("; %s: %s", t.Symbol, t.Error.Message)
		}
	}
	return clip(text)
}

// clip returns a text as a column for messages takes it, also where that counts bytes: a database need not be one of UTF-8.
func clip(text string) string {
	const maxBytes, end = 500, "..."
	text = safetext.Line(text)
	if len(text) <= maxBytes {
		return text
	}
	return strings.ToValidUTF8(text[:maxBytes-len(end)], "") + end
}

// Reserve is what a run leaves to the next one of the schedule.
type Reserve struct {
	Kept      int       `json:"kept_calls,omitempty"` // calls that the next run needs
	KeptFor   time.Time `json:"kept_for,omitzero"`    // when it begins
	HoldsBack bool      `json:"-"`                    // items are deferred for it
}

// TasksReport is what became of the application's tasks.
type TasksReport struct {
	Tasks     int            `json:"tasks"`     // that were claimed
	Failed    int            `json:"failed"`    // of them, those that are failed now
	Succeeded int            `json:"succeeded"` // and those that succeeded; the others are pending
	Reason    string         `json:"reason,omitempty"`
	Counts    Counts         `json:"counts"` // of tickers
	Batches   int            `json:"batches"`
	Tickers   []TickerReport `json:"tickers"`

	reserve Reserve
	waiting []string // IDs of those that are pending for a session that is not out yet
}

// add adds what became of further tasks.
func (r *TasksReport) add(part TasksReport) {
	r.Tasks, r.Failed, r.Succeeded = r.Tasks+part.Tasks, r.Failed+part.Failed, r.Succeeded+part.Succeeded
	for i := range part.Tickers {
		if row := &part.Tickers[i]; row.Batch > 0 {
			row.Batch += r.Batches
		}
	}
	r.Tickers, r.Batches, r.Reason = append(r.Tickers, part.Tickers...), r.Batches+part.Batches, part.Reason
	r.Counts, r.reserve = countsOf(r.Tickers), part.reserve
}

// countResults counts what became of tasks.
func (r *TasksReport) countResults(results []TaskResult) {
	for _, result := range results {
		switch result.Status {
		case TaskFailed:
			r.Failed++
		case TaskSucceeded:
			r.Succeeded++
		case TaskPending:
			if result.IsWaiting {
				r.waiting = append(r.waiting, result.ID)
			}
		}
	}
}
