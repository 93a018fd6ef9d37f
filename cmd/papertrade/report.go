package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"papertrade/internal/refresh"
)

// judge is the error that a run ends with, by its report and the reason why it stopped early.
func judge(r refresh.Report, stop error) error {
	attempted := r.Counts.Refreshed + r.Counts.Failed
	switch {
	case r.Status == refresh.Partial:
		return fmt.Errorf("%w: %d of %d tickers failed", errPartly, r.Counts.Failed, attempted)
	case r.Status == refresh.Failed && stop == nil:
		return fmt.Errorf("%w: %s failed", errNothing, count(r.Counts.Failed, "ticker", "tickers"))
	case r.Status == refresh.Deferred && r.Counts.Refreshed > 0:
		return nil // the rest is for a later run, and the log says so
	case r.Status == refresh.Deferred && r.HoldsBack && stop == nil:
		return nil // the next run by the schedule needs the calls
	case r.Status == refresh.Deferred && stop != nil:
		return fmt.Errorf("%w: %w", errQuota, stop)
	case r.Status == refresh.Deferred:
		return fmt.Errorf("%w: %s", errQuota, r.Reason)
	default:
		return stop
	}
}

func (a *app) printReport(r refresh.Report) error {
	if !a.asksForResult() && !r.DryRun {
		return nil
	}
	view := result{
		json:    r,
		columns: []string{"ticker", "status", "batch", "priority", "sources", "session", "price", "currency", "reason"},
		summary: summary(r),
	}
	if r.DryRun && !slices.Contains([]refresh.Status{refresh.Disabled, refresh.NotDue, refresh.Closed}, r.Status) {
		view.heading = fmt.Sprintf("Plan for %s, newest completed session %s. Nothing is fetched or written.", formatTime(r.At), r.Session)
	}
	for _, t := range r.Tickers {
		batch, reason := "", t.Reason
		if t.Batch > 0 {
			batch = strconv.Itoa(t.Batch)
		}
		if t.Error != nil {
			reason = t.Error.Kind + ": " + t.Error.Message
		}
		view.rows = append(view.rows, []string{
			t.Ticker.String(), string(t.Status), batch, strconv.Itoa(t.Priority), joinSources(t.Sources),
			t.Session.String(), t.Price, t.Currency, reason,
		})
		view.plain = append(view.plain, t.Ticker.String()+"\t"+string(t.Status))
	}
	if r.DryRun && a.output != outputCSV {
		view = view.without("price", "currency")
	}
	return a.print(view)
}

func summary(r refresh.Report) string {
	switch {
	case r.Status == refresh.Disabled:
		return "Refreshing is disabled: refresh.enabled is false."
	case r.Status == refresh.Locked:
		return "Another run is under way: nothing was touched."
	case r.Status == refresh.NotDue:
		return "Not due: " + r.Reason + "."
	case r.Status == refresh.Closed:
		return "Closed: " + r.Reason + "."
	case r.Counts.Active == 0:
		return "No ticker is active: add some with 'papertrade watchlist add TICKER…'."
	case r.DryRun && r.Counts.Planned == 0:
		return fmt.Sprintf("Nothing to do: %s fresh%s.", count(r.Counts.Fresh, "ticker is", "tickers are"), skipped(r)) + kept(r)
	case r.DryRun:
		text := fmt.Sprintf("%d of %s due%s", r.Counts.Planned, count(r.Counts.Active, "active ticker is", "active tickers are"), skipped(r))
		if r.Calls > 0 {
			text += fmt.Sprintf(": %s in %s, about %s", count(r.Calls, "call", "calls"),
				count(r.Batches, "batch", "batches"), time.Duration(r.EstimateSeconds)*time.Second)
		}
		if r.EstimateSeconds > 0 {
			text += ": begun now, it ends at " + formatTime(r.EndsAt)
		}
		text += "."
		if r.Counts.Deferred > 0 {
			text += fmt.Sprintf("\n%s for a later run: %s.", count(r.Counts.Deferred, "ticker is left", "tickers are left"), r.Reason)
		}
		return text + kept(r)
	default:
		return fmt.Sprintf("%s: %d refreshed, %d fresh, %d failed, %d deferred%s; %s in %s, %s.", capitalised(string(r.Status)),
			r.Counts.Refreshed, r.Counts.Fresh, r.Counts.Failed, r.Counts.Deferred, skipped(r),
			count(r.Calls, "call", "calls"), count(r.Batches, "batch", "batches"),
			r.FinishedAt.Sub(r.StartedAt).Round(100*time.Millisecond))
	}
}

func kept(r refresh.Report) string {
	if r.Kept == 0 {
		return ""
	}
	return fmt.Sprintf("\n%s kept for the run of %s.",
		count(r.Kept, "call of the day's quota is", "calls of the day's quota are"), formatTime(r.KeptFor))
}

func skipped(r refresh.Report) string {
	if r.Counts.Skipped == 0 {
		return ""
	}
	return fmt.Sprintf(", %d skipped", r.Counts.Skipped)
}

func capitalised(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func joinSources(sources []refresh.Source) string {
	names := make([]string, len(sources))
	for i, source := range sources {
		names[i] = string(source)
	}
	return strings.Join(names, ", ")
}
