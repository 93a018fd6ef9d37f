package main

import (
	"fmt"

	"papertrade/internal/refresh"
)

var refreshColumns = []string{"ticker", "status", "batch", "priority", "sources", "session", "price", "currency", "reason"}

// refreshView shows the report of a refresh.
func refreshView(r refresh.Report) result {
	view := viewOfReport(r, refreshColumns, summaryOfRefresh(r))
	if s, found := sectionOfFailedTasks(r); found {
		view.text = append(view.text, s)
	}
	return view
}

// sectionOfFailedTasks shows which of the application's tasks failed; false if none did.
func sectionOfFailedTasks(r refresh.Report) (s section, found bool) {
	s = section{heading: "Failed in backfill_tasks:", table: table{columns: []string{"ticker", "status", "reason"}}}
	if r.Tasks == nil {
		return s, false
	}
	for _, t := range r.Tasks.Tickers {
		if t.Status == refresh.OutcomeFailed {
			s.table.rows = append(s.table.rows, []string{t.Symbol, string(t.Status), reasonOf(t)})
		}
	}
	return s, len(s.table.rows) > 0
}

func summaryOfRefresh(r refresh.Report) string {
	idle := summaryOfIdle(r)
	switch {
	case idle != "":
		return idle
	case r.Counts.Active == 0:
		return "No ticker is active: add some with 'papertrade watchlist add TICKER…'." + noteOnTasks(r)
	case r.DryRun && r.Counts.Planned == 0:
		return fmt.Sprintf("Nothing to do: %s fresh%s.", count(r.Counts.Fresh, "ticker is", "tickers are"), noteOnSkipped(r)) +
			noteOnReserve(r.Reserve) + noteOnHeld(r) + noteOnTasks(r)
	case r.DryRun:
		return fmt.Sprintf("%d of %s due%s", r.Counts.Planned, count(r.Counts.Active, "active ticker is", "active tickers are"), noteOnSkipped(r)) +
			costOfPlan(r) + noteOnReserve(r.Reserve) + noteOnHeld(r) + noteOnTasks(r)
	default:
		return fmt.Sprintf("%s: %d refreshed, %d fresh, %d failed, %d deferred%s; %s.", capitalize(string(r.Status)),
			r.Counts.Refreshed, r.Counts.Fresh, r.Counts.Failed, r.Counts.Deferred, noteOnSkipped(r), costOfRun(r)) + noteOnHeld(r) + noteOnTasks(r)
	}
}

// noteOnReserve returns a line about the calls that are left to the next run; "" if none are.
func noteOnReserve(r refresh.Reserve) string {
	if r.Kept == 0 {
		return ""
	}
	return fmt.Sprintf("\n%s kept for the run of %s.",
		count(r.Kept, "call of the day's quota is", "calls of the day's quota are"), formatTime(r.KeptFor))
}
