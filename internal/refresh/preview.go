package refresh

import (
	"context"
	"slices"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// BarChange is what a rebase will make of a stored bar: prices are divided by the ratio and volumes multiplied by it.
type BarChange struct {
	Session   exchange.Date `json:"session"`
	Ratio     string        `json:"ratio"` // 10:1; all pending splits after the session in one
	Close     string        `json:"close"` // as it is stored
	NewClose  string        `json:"new_close"`
	Volume    *int64        `json:"volume,omitempty"`
	NewVolume *int64        `json:"new_volume,omitempty"`
}

// previewRebases adds to the report of a dry run what the pending splits alone make of the bars that are to be rebased.
func (r *run) previewRebases(ctx context.Context) error {
	var rebased []int
	for i, item := range r.plan.Items {
		if item.Goal == Rebase && item.Outcome == OutcomePlanned && len(history.Pending(item.State.Splits)) > 0 {
			rebased = append(rebased, i)
		}
	}
	for part := range slices.Chunk(rebased, tickersPerRead) {
		tickers := make([]marketdata.Ticker, len(part))
		for k, i := range part {
			tickers[k] = r.plan.Items[i].Ticker
		}
		stored, err := r.Store.Bars(ctx, tickers, exchange.Date{}, exchange.Date{})
		if err != nil {
			return err
		}
		for _, i := range part {
			item := r.plan.Items[i]
			r.report.Tickers[i].Changes = barChanges(history.PreviewRebase(stored[item.Ticker], item.State.Splits))
		}
	}
	return nil
}

func barChanges(changes []history.Change) []BarChange {
	list := make([]BarChange, len(changes))
	for i, c := range changes {
		list[i] = BarChange{
			Session: c.Old.Session, Ratio: c.Ratio.String(), Volume: c.Old.Volume, NewVolume: c.New.Volume,
			Close: marketdata.FormatPrice(c.Old.Close), NewClose: marketdata.FormatPrice(c.New.Close),
		}
	}
	return list
}
