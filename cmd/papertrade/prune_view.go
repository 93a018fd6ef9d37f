package main

import (
	"strconv"

	"papertrade/internal/refresh"
)

func pruneView(p refresh.Pruned) result {
	t := table{columns: []string{"what", "older_than", "rows"}}
	var plain []string
	total := 0
	for _, kind := range []struct {
		what    string
		expired refresh.Expired
	}{{"daily bars", p.Daily}, {"settled prices", p.Held}, {"real-time prices", p.RealTime}, {"runs", p.Runs}} {
		if kind.expired.Before.IsZero() {
			continue
		}
		rows := strconv.Itoa(kind.expired.Rows)
		t.rows = append(t.rows, []string{kind.what, formatTime(kind.expired.Before), rows})
		plain = append(plain, kind.what+"\t"+rows)
		total += kind.expired.Rows
	}
	summary := count(total, "row was deleted.", "rows were deleted.")
	if p.DryRun {
		summary = count(total, "row", "rows") + " would be deleted; nothing was touched."
	}
	if p.Daily.Before.IsZero() {
		summary += "\nDaily bars are all kept."
	}
	return result{json: p, csv: t, plain: plain, text: []section{{table: t, summary: summary}}}
}
