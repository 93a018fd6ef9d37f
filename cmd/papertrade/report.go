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

// The columns of reports: those of a refresh, and those of a backfill.
var (
	refreshColumns  = []string{"ticker", "status", "batch", "priority", "sources", "session", "price", "currency", "reason"}
	backfillColumns = []string{"ticker", "status", "batch", "missing", "stored", "out_of_reach", "session", "reason"}
)

func (a *app) printReport(r refresh.Report, columns []string) error {
	if !a.asksForResult() && !r.DryRun {
		return nil
	}
	if r.DryRun && a.output != outputCSV {
		columns = slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return slices.Contains([]string{"price", "currency", "stored"}, c) })
	}
	for i := range r.Tickers {
		if r.Tickers[i].Forceable {
			r.Tickers[i].Reason += "; --force asks again"
		}
	}
	view := result{json: r, columns: columns, summary: summary(r)}
	if slices.Contains(columns, "missing") {
		view.summary = backfillSummary(r)
	}
	if r.DryRun && !slices.Contains([]refresh.Status{refresh.Disabled, refresh.NotDue, refresh.Closed}, r.Status) {
		view.heading = fmt.Sprintf("Plan for %s, newest completed session %s. Nothing is fetched or written.", formatTime(r.At), r.Session)
	}
	for _, t := range r.Tickers {
		row := make([]string, len(columns))
		for i, column := range columns {
			row[i] = cell(t, column)
		}
		view.rows = append(view.rows, row)
		view.plain = append(view.plain, t.Ticker.String()+"\t"+string(t.Status))
	}
	return a.print(view)
}

// cell is what a column of a report says of a ticker.
func cell(t refresh.TickerReport, column string) string {
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	switch column {
	case "ticker":
		return t.Ticker.String()
	case "status":
		return string(t.Status)
	case "batch":
		return number(t.Batch)
	case "priority":
		return strconv.Itoa(t.Priority)
	case "sources":
		return joinSources(t.Sources)
	case "session":
		return t.Session.String()
	case "price":
		return t.Price
	case "currency":
		return t.Currency
	case "missing":
		return number(t.Missing)
	case "stored":
		return number(t.Stored)
	case "out_of_reach":
		return number(t.OutOfReach)
	default:
		return reason(t)
	}
}

// reason is what else there is to say of a ticker.
func reason(t refresh.TickerReport) string {
	var parts []string
	if t.Error != nil {
		parts = append(parts, t.Error.Kind+": "+t.Error.Message)
	} else if t.Reason != "" {
		parts = append(parts, t.Reason)
	}
	if t.Split != nil {
		parts = append(parts, fmt.Sprintf("looks like a %s split at %s: if it is one, 'papertrade backfill %s --rebase' brings the bars before it on the same scale",
			t.Split.Ratio, t.Split.Session, t.Ticker))
	}
	return strings.Join(parts, "; ")
}

// trivial is what there is to say of a run about no ticker, "" of one that is about some.
func trivial(r refresh.Report) string {
	switch r.Status {
	case refresh.Disabled:
		return "Refreshing is disabled: refresh.enabled is false."
	case refresh.Locked:
		return "Another run is under way: nothing was touched."
	case refresh.NotDue:
		return "Not due: " + r.Reason + "."
	case refresh.Closed:
		return "Closed: " + r.Reason + "."
	}
	return ""
}

func summary(r refresh.Report) string {
	switch {
	case trivial(r) != "":
		return trivial(r)
	case r.Counts.Active == 0:
		return "No ticker is active: add some with 'papertrade watchlist add TICKER…'." + tasks(r)
	case r.DryRun && r.Counts.Planned == 0:
		return fmt.Sprintf("Nothing to do: %s fresh%s.", count(r.Counts.Fresh, "ticker is", "tickers are"), skipped(r)) + kept(r) + tasks(r)
	case r.DryRun:
		text := fmt.Sprintf("%d of %s due%s", r.Counts.Planned, count(r.Counts.Active, "active ticker is", "active tickers are"), skipped(r))
		return text + effort(r) + kept(r) + tasks(r)
	default:
		return fmt.Sprintf("%s: %d refreshed, %d fresh, %d failed, %d deferred%s; %s.", capitalised(string(r.Status)),
			r.Counts.Refreshed, r.Counts.Fresh, r.Counts.Failed, r.Counts.Deferred, skipped(r), spent(r)) + tasks(r)
	}
}

func backfillSummary(r refresh.Report) string {
	missing, stored, outOfReach := 0, 0, 0
	for _, t := range r.Tickers {
		missing, stored, outOfReach = missing+t.Missing, stored+t.Stored, outOfReach+t.OutOfReach
	}
	beyond := ""
	if outOfReach > 0 {
		beyond = fmt.Sprintf("\n%s out of reach of the key's plan.", count(outOfReach, "session is", "sessions are"))
	}
	switch {
	case trivial(r) != "":
		return trivial(r)
	case r.Counts.Active == 0 && r.Tasks == nil && r.PendingTasks == 0:
		return "Nothing to do: no task is pending."
	case r.DryRun && r.Counts.Planned == 0:
		return fmt.Sprintf("Nothing to do: %s complete%s.", count(r.Counts.Fresh, "ticker is", "tickers are"), skipped(r)) + beyond
	case r.DryRun:
		text := fmt.Sprintf("%s of %s to be fetched%s", count(missing-outOfReach, "session", "sessions"),
			count(r.Counts.Planned, "ticker", "tickers"), skipped(r))
		return text + effort(r) + beyond + tries(r)
	default:
		return fmt.Sprintf("%s: %s of %s stored; %d complete before, %d failed, %d deferred%s; %s.", capitalised(string(r.Status)),
			count(stored, "bar", "bars"), count(r.Counts.Refreshed, "ticker", "tickers"),
			r.Counts.Fresh, r.Counts.Failed, r.Counts.Deferred, skipped(r), spent(r)) + beyond + tasks(r)
	}
}

// effort is what a plan costs, and what it leaves for later: the end of a sentence.
func effort(r refresh.Report) string {
	text := ""
	if r.Calls > 0 {
		text = fmt.Sprintf(": %s in %s, about %s", count(r.Calls, "call", "calls"),
			count(r.Batches, "batch", "batches"), time.Duration(r.EstimateSeconds)*time.Second)
	}
	if r.EstimateSeconds > 0 {
		text += ": begun now, it ends at " + formatTime(r.EndsAt)
	}
	text += "."
	if r.Counts.Deferred > 0 {
		text += fmt.Sprintf("\n%s for a later run: %s.", count(r.Counts.Deferred, "ticker is left", "tickers are left"), r.Reason)
	}
	return text
}

// spent is what a run has cost.
func spent(r refresh.Report) string {
	return fmt.Sprintf("%s in %s, %s", count(r.Calls, "call", "calls"), count(r.Batches, "batch", "batches"),
		r.FinishedAt.Sub(r.StartedAt).Round(100*time.Millisecond))
}

// tasks is what became of the application's tasks, or is to.
func tasks(r refresh.Report) string {
	switch {
	case r.DryRun && r.PendingTasks > 0:
		return fmt.Sprintf("\n%s pending in backfill_tasks: some are worked off afterwards, as far as the quota goes.",
			count(r.PendingTasks, "task of the application is", "tasks of the application are"))
	case r.Tasks == nil:
		return ""
	}
	t := r.Tasks
	text := fmt.Sprintf("\n%s in backfill_tasks taken up: %d succeeded, %d failed, %d left pending",
		count(t.Tasks, "task", "tasks"), t.Succeeded, t.Failed, t.Tasks-t.Succeeded-t.Failed)
	if t.Reason != "" {
		text += ": " + t.Reason
	}
	return text + "."
}

// tries warns where a plan has calls that the key's plan may not include.
func tries(r refresh.Report) string {
	if !r.TriesPremium {
		return ""
	}
	return "\nWhat is older than 100 sessions needs full series. Whether the key's plan includes them, the first call finds out."
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
