package refresh

import (
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// TrialBatch returns a batch of one of each thing that a run writes, for a store to try and to undo. Its price is one of the moment,
// whose row nobody else has.
func TrialBatch(ticker marketdata.Ticker, at time.Time) Batch {
	session := ticker.Calendar().LastCompleted(at).Date
	one := decimal.NewFromInt(1)
	valid := decimal.NewNullDecimal(one)
	bar := marketdata.Bar{
		Ticker: ticker, Session: session, Open: valid, High: valid, Low: valid, Close: one, Volume: new(int64(1)), Currency: "USD",
	}
	return Batch{
		Prices:   []Price{{Bar: bar, Timestamp: at, Source: "alpha_vantage", Interval: IntervalRealTime, FetchedAt: at}},
		Failures: []Failure{{Ticker: ticker, AskedAt: at, UnknownIn: session}},
		Findings: []Finding{{
			Ticker: ticker, FirstSession: session, Absent: []exchange.Date{session},
			ForgetSplits: true, Splits: []history.Split{{Session: session, New: 2, Old: 1}},
		}},
		Held: []history.HeldBar{{Bar: bar, Source: "alpha_vantage", FetchedAt: at, Why: "a trial", Decision: history.Waiting}},
		Late: []TickerLateness{{Ticker: ticker, Lateness: Lateness{Session: session, Sessions: 1}}},
		Run:  RunRecord{ID: uuid.NewString(), JobName: JobName, StartedAt: at, Status: "RUNNING", Metadata: []byte(`{}`)},
	}
}

// TrialChange returns a change of an account that writes all that a run does, for a store to try and to undo.
func TrialChange(at time.Time) quota.Change {
	id := uuid.NewString()
	return quota.Change{Save: []quota.Call{{ID: id, Cost: 1, From: at, Until: at}}, Delete: []string{id}, CallTime: time.Millisecond}
}
