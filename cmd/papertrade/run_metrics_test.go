package main

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/metrics"
	"papertrade/internal/refresh"
)

// What a run leaves as numbers goes by its own clock, and is there without a report too.
func TestNumbersOfARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		m := &monitoring{kind: "named", at: midnight(21), began: time.Now()}
		time.Sleep(3 * time.Second)
		none := map[string]int{"refreshed": 0, "fresh": 0, "failed": 0, "deferred": 0, "skipped": 0}
		report := refresh.Report{
			Status: refresh.Partial, Calls: 9, StartedAt: midnight(22), FinishedAt: midnight(22).Add(time.Minute),
			Counts: refresh.Counts{Active: 99, Refreshed: 1, Fresh: 2, Failed: 3, Deferred: 4, Skipped: 5},
		}
		tests := []struct {
			name   string
			ctx    context.Context
			report refresh.Report
			status int
			want   metrics.Run
		}{
			{"a report", t.Context(), report, 3, metrics.Run{
				Kind: "named", Status: "partial", EndedAt: midnight(22).Add(time.Minute), Duration: time.Minute, Calls: 9,
				Tickers: map[string]int{"refreshed": 1, "fresh": 2, "failed": 3, "deferred": 4, "skipped": 5}}},
			{"a run that was not begun", t.Context(), refresh.Report{Status: refresh.NotDue}, 0, metrics.Run{
				Kind: "named", Status: "not_due", Succeeded: true, EndedAt: midnight(21).Add(3 * time.Second), Duration: 3 * time.Second, Tickers: none}},
			{"no report", t.Context(), refresh.Report{}, 1, metrics.Run{
				Kind: "named", Status: "failed", EndedAt: midnight(21).Add(3 * time.Second), Duration: 3 * time.Second, Tickers: none}},
			{"no report of an interrupted run", cancelled, refresh.Report{}, 130, metrics.Run{
				Kind: "named", Status: "interrupted", EndedAt: midnight(21).Add(3 * time.Second), Duration: 3 * time.Second, Tickers: none}},
		}
		for _, tt := range tests {
			if diff := cmp.Diff(tt.want, m.numbers(tt.ctx, tt.report, tt.status)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
	})
}

// A dry run is not reported, and the monitor hears nothing of a run that the settings disable.
func TestWhoHearsOfARun(t *testing.T) {
	textfile := filepath.Join(t.TempDir(), "papertrade.prom")
	inv := &invocation{config: loadConfig(t, "PAPERTRADE_METRICS_TEXTFILE="+textfile, "PAPERTRADE_PING_URL=https://example.com/ping")}
	const id = "00000000-0000-0000-0000-000000000001"
	type heard struct{ Metrics, Monitor bool }
	for name, tt := range map[string]struct {
		disabled bool
		options  refresh.Options
		want     heard
	}{
		"a run":          {false, refresh.Options{RunID: id}, heard{true, true}},
		"a dry run":      {false, refresh.Options{RunID: id, DryRun: true}, heard{}},
		"a disabled run": {true, refresh.Options{RunID: id}, heard{true, false}},
		"a backfill":     {true, refresh.Options{RunID: id, Kind: refresh.Backfill}, heard{true, true}},
	} {
		inv.config.Refresh.Enabled = !tt.disabled
		m := newMonitoring(inv, midnight(21), tt.options)
		if got := (heard{m.textfile == textfile, m.monitor != nil}); got != tt.want || m.kind != tt.options.Kind.String() {
			t.Errorf("%s: %+v of the kind %s", name, got, m.kind)
		}
	}
}
