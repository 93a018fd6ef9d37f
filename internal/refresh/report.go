package refresh

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// JobName is what runs are recorded under, and what the application's health page looks for.
const JobName = "refresh_active_stocks"

// Status is how a run ended.
type Status string

// The ways in which a run ends.
const (
	Succeeded   Status = "succeeded"
	Partial     Status = "partial"     // more tickers failed than are put up with
	Failed      Status = "failed"      // nothing could be refreshed, or the store or the credentials failed
	Deferred    Status = "deferred"    // the quota did not suffice for all
	Interrupted Status = "interrupted" // what was fetched is committed
	Locked      Status = "locked"      // another run was under way
	Disabled    Status = "disabled"    // by the settings
)

// Outcome is what a run did about a ticker, or a dry run would do.
type Outcome string

// The outcomes of a ticker.
const (
	OutcomeRefreshed Outcome = "refreshed"
	OutcomeFresh     Outcome = "fresh" // nothing was due
	OutcomeFailed    Outcome = "failed"
	OutcomeDeferred  Outcome = "deferred" // not asked: a later run does
	OutcomePlanned   Outcome = "planned"
)

// TickerReport tells of one ticker.
type TickerReport struct {
	Ticker   marketdata.Ticker `json:"ticker"`
	Sources  []Source          `json:"sources"`
	Priority int               `json:"priority"`
	Status   Outcome           `json:"status"`
	Batch    int               `json:"batch,omitempty"`
	Session  exchange.Date     `json:"session,omitzero"` // of the stored price
	Price    string            `json:"price,omitempty"`  // as it is stored
	Currency string            `json:"currency,omitempty"`
	Reason   string            `json:"reason,omitempty"` // why it was due or not
	Error    *TickerError      `json:"error,omitempty"`
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
}

// Report is what a run did, or a dry run would do.
type Report struct {
	RunID           string         `json:"run_id"`
	DryRun          bool           `json:"dry_run"`
	At              time.Time      `json:"at"`
	Session         exchange.Date  `json:"session,omitzero"`
	Provider        string         `json:"provider"`
	Status          Status         `json:"status"`
	Counts          Counts         `json:"counts"`
	Batches         int            `json:"batches"`
	Calls           int            `json:"calls"`
	EstimateSeconds int            `json:"estimate_seconds"`
	StartedAt       time.Time      `json:"started_at,omitzero"`
	FinishedAt      time.Time      `json:"finished_at,omitzero"`
	Tickers         []TickerReport `json:"tickers"`
}

// kindOf names an error as reports do.
func kindOf(err error) string {
	for _, k := range []struct {
		err  error
		kind string
	}{
		{marketdata.ErrUnknownTicker, "unknown_ticker"},
		{marketdata.ErrThrottled, "throttled"},
		{marketdata.ErrQuotaSpent, "quota"},
		{marketdata.ErrCredentials, "credentials"},
		{marketdata.ErrNotEntitled, "entitlement"},
		{marketdata.ErrUnavailable, "unavailable"},
		{marketdata.ErrInvalidData, "invalid_data"},
	} {
		if errors.Is(err, k.err) {
			return k.kind
		}
	}
	return "store"
}

// planned is the report of a plan of which nothing was done yet.
func (p Plan) report() Report {
	r := Report{
		At: p.At, Session: p.Session, Status: Succeeded, Batches: p.Batches, Calls: p.Calls,
		EstimateSeconds: int(p.Estimate.Round(time.Second) / time.Second),
		Tickers:         []TickerReport{},
	}
	for _, item := range p.Items {
		t := TickerReport{
			Ticker: item.Ticker, Sources: item.Sources, Priority: item.Priority, Status: OutcomeFresh,
			Batch: item.Batch, Session: item.State.LastSession, Reason: item.Reason,
		}
		if item.Due {
			t.Status = OutcomePlanned
		}
		r.Tickers = append(r.Tickers, t)
	}
	r.count()
	return r
}

func (r *Report) count() {
	r.Counts = Counts{Active: len(r.Tickers)}
	for _, t := range r.Tickers {
		switch t.Status {
		case OutcomeFresh:
			r.Counts.Fresh++
		case OutcomeRefreshed:
			r.Counts.Refreshed++
		case OutcomeFailed:
			r.Counts.Failed++
		case OutcomeDeferred:
			r.Counts.Deferred++
		}
	}
	r.Counts.Planned = r.Counts.Active - r.Counts.Fresh
}

// judge decides how a run that ran to its end ended. Nothing refreshed is never a success.
func (r *Report) judge(maxErrorRate float64) {
	attempted := r.Counts.Refreshed + r.Counts.Failed
	switch {
	case r.Counts.Failed > 0 && r.Counts.Refreshed == 0:
		r.Status = Failed
	case r.Counts.Failed > 0 && float64(r.Counts.Failed)/float64(attempted) > maxErrorRate:
		r.Status = Partial
	case r.Counts.Deferred > 0:
		r.Status = Deferred
	default:
		r.Status = Succeeded
	}
}

// record is the row that the application's health page reads.
func (r *Report) record() RunRecord {
	record := RunRecord{ID: r.RunID, JobName: JobName, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt, Status: "RUNNING"}
	if !r.FinishedAt.IsZero() {
		record.Status = "SUCCEEDED"
		if r.Status == Failed || r.Status == Interrupted || r.Status == Deferred && r.Counts.Refreshed == 0 {
			record.Status = "FAILED"
		}
		record.ErrorMessage = r.trouble()
	}
	// A struct of strings and numbers: this cannot fail.
	record.Metadata, _ = json.Marshal(struct {
		Status   Status        `json:"status,omitempty"`
		At       time.Time     `json:"at"`
		Session  exchange.Date `json:"session,omitzero"`
		Provider string        `json:"provider"`
		Counts   Counts        `json:"counts"`
		Calls    int           `json:"calls"`
	}{r.Status, r.At, r.Session, r.Provider, r.Counts, r.Calls})
	return record
}

// trouble is one line of what went wrong, "" where nothing did.
func (r *Report) trouble() string {
	if r.Counts.Failed == 0 && r.Counts.Deferred == 0 {
		return ""
	}
	text := fmt.Sprintf("%d of %d tickers failed, %d deferred", r.Counts.Failed, r.Counts.Planned, r.Counts.Deferred)
	for _, t := range r.Tickers {
		if t.Error != nil {
			text += fmt.Sprintf("; %s: %s", t.Ticker, t.Error.Message)
		}
	}
	if runes := []rune(text); len(runes) > 500 {
		text = string(runes[:499]) + "…"
	}
	return text
}
