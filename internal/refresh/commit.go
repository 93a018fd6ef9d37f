package refresh

import (
	"context"
	"slices"
	"time"

	"papertrade/pkg/exchange"
)

// maxBarsPerCommit bounds a transaction: each is over soon, so that others wait for it no longer, and an
// interruption loses no more.
const maxBarsPerCommit = 5000

// commit commits answered items in one transaction, or in several if series are long.
func (p *pass) commit(ctx context.Context, items []answered) (committed bool, err error) {
	for len(items) > 0 {
		n := countPart(items)
		if p.deadlines.begin.Err() != nil {
			return committed, context.Cause(ctx)
		}
		done, err := p.commitPart(ctx, items[:n])
		committed = committed || done
		if err != nil && ctx.Err() != nil {
			return committed, context.Cause(ctx)
		}
		if err != nil {
			return committed, err
		}
		items = items[n:]
	}
	return committed, nil
}

// countPart returns how many of the items, the first ones, go into one transaction.
func countPart(items []answered) int {
	n, bars := 0, 0
	for n < len(items) && (n == 0 || bars+len(items[n].bars) <= maxBarsPerCommit) {
		bars += len(items[n].bars)
		n++
	}
	return n
}

// commitPart judges some answered items, writes what they brought, if anything, and reports what became of each.
func (p *pass) commitPart(ctx context.Context, items []answered) (committed bool, err error) {
	now, report := p.Now(), p.result
	if err := p.readStored(items); err != nil {
		return false, p.notCommitted(items, report, err)
	}
	verdicts := make([]verdict, len(items))
	for i, item := range items {
		verdicts[i] = judge(item, p.report.At, now)
	}
	p.settleDoubts(ctx, items, verdicts)
	for i, item := range items {
		*item.row = verdicts[i].row
		for _, decision := range verdicts[i].decisions {
			p.observe(decision)
		}
	}
	report.count()
	batch := newBatch(verdicts)
	if !slices.ContainsFunc(verdicts, verdict.isAttempt) && len(batch.Tasks) == 0 {
		return false, nil
	}
	batch.Run = p.report.record()
	stored, err := p.Store.CommitBatch(p.deadlines.write, batch)
	if err != nil {
		return false, p.notCommitted(items, report, err)
	}
	refused := applyStored(verdicts, stored, now)
	for i, v := range verdicts {
		*items[i].row = v.row
		p.reportVerdict(v)
	}
	p.results = append(p.results, settled(batch.Tasks, refused.Tasks)...)
	report.count()
	if len(refused.Findings) > 0 {
		refused.Run = p.report.record()
		_, err = p.Store.CommitBatch(p.deadlines.write, refused)
	}
	return true, err
}

// newBatch returns what is to be written of verdicts.
func newBatch(verdicts []verdict) Batch {
	var batch Batch
	for _, v := range verdicts {
		batch.Prices = append(batch.Prices, v.prices...)
		batch.Findings = append(batch.Findings, v.findings...)
		batch.Failures = append(batch.Failures, v.failures...)
		batch.Held = append(batch.Held, v.held...)
		if v.late != nil && (*v.late != v.State.Late || !v.State.MisdatedAt.IsZero()) {
			batch.Late = append(batch.Late, TickerLateness{v.Ticker, *v.late})
		}
		batch.Tasks = append(batch.Tasks, v.tasks...)
	}
	return batch
}

// isAttempt reports whether something became of the item.
func (v verdict) isAttempt() bool {
	return v.row.Status == OutcomeRefreshed || v.row.Status == OutcomeFailed || len(v.held) > 0 || len(v.failures) > 0
}

// notCommitted takes note of why nothing of answered items could be stored, and returns the reason.
func (r *run) notCommitted(items []answered, report *Report, err error) error {
	for _, item := range items {
		row := item.row
		switch {
		case item.err != nil && row.Status != OutcomePlanned: // it is judged already
			if row.Error != nil && row.Status == OutcomeFailed {
				r.observe(TickerFailed{Ticker: item.Ticker, Kind: row.Error.Kind, Err: item.err})
			}
		case item.err != nil && isDeferral(item.err):
			row.postpone(item.err)
		case item.err == nil && r.deadlines.write.Err() != nil: // interrupted, and no time was left for it
			row.postpone(errNotAsked)
		default:
			if item.err == nil {
				item.err = err
			}
			row.fail(item.err)
			r.observe(TickerFailed{Ticker: item.Ticker, Kind: row.Error.Kind, Err: item.err})
		}
	}
	report.count()
	return err
}

// applyStored reports in the rows of verdicts what the database made of their prices, which follow each
// other in stored. It returns what is to be written of those that it refused.
func applyStored(verdicts []verdict, stored []StoredPrice, now time.Time) (refused Batch) {
	for i := range verdicts {
		v := &verdicts[i]
		absent := v.applyStored(stored[:len(v.prices)])
		stored = stored[len(v.prices):]
		if len(absent) > 0 {
			refused.Findings = append(refused.Findings, Finding{Ticker: v.Ticker, Absent: absent})
		}
		if newest, late := v.unpublished(); late {
			v.addReason("the session of " + newest.String() + " was not out yet" + v.retryNote())
		}
		if v.Goal.isOfPast() && v.err != nil && len(v.prices) > 0 {
			refused.Tasks = append(refused.Tasks, v.taskResults(now, true)...)
		}
	}
	return refused
}

// retryNote returns when the session that was not out yet is asked for again.
func (v verdict) retryNote() string {
	after := State{LastSession: v.row.Session, CheckedAt: v.began, Late: *v.late}
	if after.standsStill() {
		return ": it " + after.stillNote()
	}
	return ": asked again from " + v.late.retryAt(v.began).UTC().Format(time.RFC3339) + " on"
}

// applyStored returns the sessions of the past whose bars the database refused: it would refuse them each time.
func (v *verdict) applyStored(stored []StoredPrice) (absent []exchange.Date) {
	for i, p := range v.prices {
		switch s := stored[i]; {
		case s.Err != nil:
			if v.err == nil {
				v.fail(s.Err)
			}
			if v.Goal.isOfPast() {
				absent = append(absent, p.Bar.Session)
			}
			continue
		case s.Amount == "":
			continue
		case v.Goal.isOfPast():
			v.row.Stored++
		}
		if !p.Bar.Session.Before(v.row.Session) {
			v.row.Session, v.row.Price, v.row.Currency = p.Bar.Session, stored[i].Amount, p.Bar.Currency
		}
	}
	return absent
}

// reportVerdict makes the events of what became of an item.
func (r *run) reportVerdict(v verdict) {
	if v.split != nil {
		r.observe(SplitFound{Ticker: v.Ticker, Split: *v.split})
	}
	for _, event := range v.events {
		r.observe(event)
	}
	if v.err != nil {
		r.observe(TickerFailed{Ticker: v.Ticker, Kind: v.row.Error.Kind, Err: v.err})
	}
	if newest, late := v.unpublished(); late {
		r.observe(SessionMissing{Ticker: v.Ticker, Session: v.row.Session, Newest: newest})
	}
}

// settled returns the results of tasks, of which some are overridden by others.
func settled(results, overriding []TaskResult) []TaskResult {
	kept := slices.DeleteFunc(slices.Clone(results), func(result TaskResult) bool {
		return slices.ContainsFunc(overriding, func(o TaskResult) bool { return o.ID == result.ID })
	})
	return append(kept, overriding...)
}
