package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// adviceToForce follows the reason why something is fetched by force only.
const adviceToForce = "; --force asks again"

// viewOfReport shows the report of a run in some columns, of which a plan has nothing in price, currency and
// stored.
func viewOfReport(r refresh.Report, columns []string, summary string) result {
	r.Tickers = slices.Clone(r.Tickers)
	t := table{columns: columns}
	var plain []string
	for i := range r.Tickers {
		ticker := &r.Tickers[i]
		if ticker.Forceable {
			ticker.Reason += adviceToForce
		}
		row := make([]string, len(columns))
		for j, column := range columns {
			row[j] = reportCell(*ticker, column)
		}
		t.rows = append(t.rows, row)
		plain = append(plain, ticker.Symbol+"\t"+string(ticker.Status))
	}
	text := section{table: t, summary: summary}
	if r.DryRun {
		text.table = t.without("price", "currency", "stored")
	}
	if r.DryRun && !slices.Contains([]refresh.Status{refresh.Disabled, refresh.NotDue, refresh.Closed}, r.Status) {
		text.heading = fmt.Sprintf("Plan for %s, newest completed session %s. Nothing is fetched or written.", formatTime(r.At), r.Session)
	}
	return result{json: r, csv: t, plain: plain, text: []section{text}}
}

// reportCell returns what a column of a report says of a ticker.
func reportCell(t refresh.TickerReport, column string) string {
	switch column {
	case "ticker":
		return t.Symbol
	case "status":
		return string(t.Status)
	case "batch":
		return formatPositive(t.Batch)
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
		return formatPositive(t.Missing)
	case "stored":
		return formatPositive(t.Stored)
	case "out_of_reach":
		return formatPositive(t.OutOfReach)
	default:
		return reasonOf(t)
	}
}

// reasonOf returns what else there is to say of a ticker.
func reasonOf(t refresh.TickerReport) string {
	var parts []string
	if t.Error != nil {
		parts = append(parts, t.Error.Kind+": "+t.Error.Message)
	} else if t.Reason != "" {
		parts = append(parts, t.Reason)
	}
	if t.Split != nil {
		parts = append(parts, splitAdvice(t.Ticker, t.Split.Ratio, t.Split.Session))
	}
	return strings.Join(parts, "; ")
}

// splitAdvice returns what to do about a split that the stored history lacks: the rest of a sentence.
func splitAdvice(ticker marketdata.Ticker, ratio string, session exchange.Date) string {
	return fmt.Sprintf("looks like a %s split at %s: if it is one, "+
		"'papertrade backfill %s --rebase' brings the bars before it to the same scale",
		ratio, session, ticker)
}

// summaryOfIdle returns what there is to say of a run that did not go to work; "" of one that did.
func summaryOfIdle(r refresh.Report) string {
	switch r.Status {
	case refresh.Disabled:
		return "Refreshing is disabled: refresh.enabled is false."
	case refresh.Locked:
		return "Another run is under way: nothing was touched."
	case refresh.NotDue:
		return "Not due: " + r.Reason + "."
	case refresh.Closed:
		return "Closed: " + r.Reason + "."
	default:
		return ""
	}
}

// costOfPlan returns what a plan costs, and what it leaves for later: the end of a sentence.
func costOfPlan(r refresh.Report) string {
	text := ""
	if r.Calls > 0 {
		text = fmt.Sprintf(": %s in %s, about %s", calls(r),
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

// costOfRun returns what a run has cost.
func costOfRun(r refresh.Report) string {
	return fmt.Sprintf("%s in %s, %s", calls(r), count(r.Batches, "batch", "batches"),
		r.FinishedAt.Sub(r.StartedAt).Round(100*time.Millisecond))
}

// calls returns how many calls a run makes, and what they cost if the vendor charges in another unit.
func calls(r refresh.Report) string {
	text := count(r.Calls, "call", "calls")
	if r.Credits > 0 {
		text += fmt.Sprintf(" (%s)", count(r.Credits, "credit", "credits"))
	}
	return text
}

// noteOnTasks returns a line about what became of the application's tasks, or will; "" if there are none.
func noteOnTasks(r refresh.Report) string {
	switch {
	case r.DryRun && r.PendingTasks > 0:
		return fmt.Sprintf("\n%s pending in backfill_tasks: some are processed afterwards, as far as the quota goes.",
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

// noteOnHeld returns a line about the prices that wait for a decision; "" if there are none.
func noteOnHeld(r refresh.Report) string {
	if r.Counts.Held == 0 {
		return ""
	}
	return fmt.Sprintf("\n%s and may be wrong: see 'papertrade review'; the next session settles most.",
		count(r.Counts.Held, "price is held", "prices are held"))
}

// noteOnSkipped returns how many tickers are skipped, as a part of a list; "" if none is.
func noteOnSkipped(r refresh.Report) string {
	if r.Counts.Skipped == 0 {
		return ""
	}
	return fmt.Sprintf(", %d skipped", r.Counts.Skipped)
}

// capitalize makes the first letter of an ASCII text a capital.
func capitalize(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
