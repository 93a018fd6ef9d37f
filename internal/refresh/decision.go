package refresh

import (
	"slices"

	"papertrade/internal/history"
	"papertrade/pkg/marketdata"
)

// Decision is what becomes of a fetched bar.
type Decision string

// The decisions about a bar.
const (
	DecisionStore  Decision = "store"
	DecisionKeep   Decision = "keep"   // what is stored of its session stays
	DecisionHold   Decision = "hold"   // it waits for a decision
	DecisionReject Decision = "reject" // it is wrong
	DecisionRefuse Decision = "refuse" // it cannot be a price, or is not believed and nothing waits for it
)

// reportPlan reports what a plan decides about each of its tickers, if anybody wants to know.
func (r *run) reportPlan(plan Plan) {
	if !r.WantDecisions {
		return
	}
	for _, item := range plan.Items {
		event := TickerPlanned{Ticker: item.Ticker, Outcome: item.Outcome, Reason: item.Reason, Batch: item.Batch, Sessions: item.Sessions}
		if item.Outcome == OutcomePlanned {
			event.Provider, event.Asked = r.Vendors[item.route.vendor].Provider.Name(), item.route.capability.Name
		}
		r.observe(event)
	}
}

// note collects a decision about a bar of an answer, if anybody wants to know.
func (v *verdict) note(a answered, decision Decision, j history.Judgement) {
	if !a.wantDecisions {
		return
	}
	if decision == DecisionKeep && j.Why == "" {
		j.Why = "it brings nothing new"
	}
	event := BarDecided{
		Decision: decision, Bar: j.Bar, Provider: a.provider, Asked: a.capability.Name, Began: a.began, Why: j.Why, Evidence: j.Evidence,
	}
	for _, stored := range slices.Backward(a.stored) {
		if stored.Session.Before(j.Bar.Session) {
			event.Before = &stored
			break
		}
	}
	v.decisions = append(v.decisions, event)
}

// noteInvalid collects the bars of an answer that cannot be right: of the sessions that are wanted, or of any if none are named.
func (v *verdict) noteInvalid(a answered) {
	if !a.wantDecisions {
		return
	}
	for _, invalid := range a.invalid {
		if len(a.Sessions) == 0 || has(a.Sessions, invalid.Session) {
			v.note(a, DecisionRefuse, history.Judgement{
				Bar: marketdata.Bar{Ticker: a.Ticker, Session: invalid.Session}, Why: invalid.Err.Error(),
			})
		}
	}
}

// storeOrKeep returns the decision about a bar that is believed, or that gives way to what is stored.
func storeOrKeep(isStored bool) Decision {
	if isStored {
		return DecisionStore
	}
	return DecisionKeep
}
