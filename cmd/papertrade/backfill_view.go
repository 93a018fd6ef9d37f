package main

import (
	"fmt"

	"papertrade/internal/refresh"
)

var backfillColumns = []string{"ticker", "status", "batch", "missing", "stored", "out_of_reach", "session", "reason"}

// backfillView shows the report of a backfill.
func backfillView(r refresh.Report) result {
	return viewOfReport(r, backfillColumns, summaryOfBackfill(r))
}

// rebasePlanView shows the report of a dry run of a rebase.
func rebasePlanView(r refresh.Report) result {
	view := backfillView(r)
	for _, t := range r.Tickers {
		if t.Status == refresh.OutcomePlanned {
			view.text = append(view.text, sectionOfChanges(t))
		}
	}
	return view
}

// sectionOfChanges shows what a rebase will make of the stored bars of a ticker.
func sectionOfChanges(t refresh.TickerReport) section {
	if len(t.Changes) == 0 {
		return section{heading: t.Ticker.String() +
			": no stored bar is known to be on another scale: the fetched series decides what changes."}
	}
	s := section{
		heading: fmt.Sprintf("%s: %s on another scale. Prices are divided by the ratio, volumes multiplied by it.",
			t.Ticker, count(len(t.Changes), "stored bar is", "stored bars are")),
		table:   table{columns: []string{"session", "ratio", "close", "new_close", "volume", "new_volume"}},
		summary: "The series that is fetched then decides: its values, on the same scale, take the place of these where it has any.",
	}
	for _, c := range t.Changes {
		s.table.rows = append(s.table.rows, []string{
			c.Session.String(), c.Ratio, c.Close, c.NewClose, formatVolume(c.Volume), formatVolume(c.NewVolume),
		})
	}
	return s
}

func summaryOfBackfill(r refresh.Report) string {
	missing, stored, outOfReach, tickers := 0, 0, 0, 0
	for _, t := range r.Tickers {
		if r.DryRun && t.Status == refresh.OutcomeFailed {
			continue
		}
		missing, stored, outOfReach = missing+t.Missing, stored+t.Stored, outOfReach+t.OutOfReach
		if t.Status == refresh.OutcomeRefreshed || t.Status == refresh.OutcomeFailed && t.Stored > 0 {
			tickers++
		}
	}
	idle := summaryOfIdle(r)
	switch {
	case idle != "":
		return idle
	case r.Counts.Active == 0 && r.Tasks == nil && r.PendingTasks == 0:
		return "Nothing to do: no task is pending."
	case r.DryRun && r.Counts.Planned == r.Counts.Failed:
		return fmt.Sprintf("Nothing to do: %s complete%s.", count(r.Counts.Fresh, "ticker is", "tickers are"), noteOnSkipped(r)) +
			noteOnFailing(r) + noteOnReach(outOfReach) + noteOnHeld(r)
	case r.DryRun:
		return fmt.Sprintf("%s of %s to be fetched%s", count(missing-outOfReach, "session", "sessions"),
			count(r.Counts.Planned-r.Counts.Failed, "ticker", "tickers"), noteOnSkipped(r)) +
			costOfPlan(r) + noteOnFailing(r) + noteOnReach(outOfReach) + noteOnPremium(r) + noteOnHeld(r)
	default:
		return fmt.Sprintf("%s: %s of %s stored; %d complete before, %d failed, %d deferred%s; %s.", capitalize(string(r.Status)),
			count(stored, "bar", "bars"), count(tickers, "ticker", "tickers"),
			r.Counts.Fresh, r.Counts.Failed, r.Counts.Deferred, noteOnSkipped(r), costOfRun(r)) +
			noteOnReach(outOfReach) + noteOnHeld(r) + noteOnTasks(r)
	}
}

// noteOnFailing returns a line about what a plan knows to fail, which are tasks of the application; "" if there is nothing.
func noteOnFailing(r refresh.Report) string {
	if r.Counts.Failed == 0 {
		return ""
	}
	return fmt.Sprintf("\n%s in backfill_tasks that will fail, for the reason in the table.",
		count(r.Counts.Failed, "ticker has a task", "tickers have tasks"))
}

// noteOnReach returns a line about the sessions that the key's plan cannot fetch; "" if there are none.
func noteOnReach(sessions int) string {
	if sessions == 0 {
		return ""
	}
	return fmt.Sprintf("\n%s out of reach of the key's plan.", count(sessions, "session is", "sessions are"))
}

// noteOnPremium returns a warning if a plan has calls that the key's plan may not include.
func noteOnPremium(r refresh.Report) string {
	if !r.TriesPremium {
		return ""
	}
	return "\nWhat is older than 100 sessions needs full series. Whether the key's plan includes them, the first call finds out."
}
