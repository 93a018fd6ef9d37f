package main

import (
	"testing"

	"papertrade/internal/refresh"
)

func TestDisables(t *testing.T) {
	inv := &invocation{config: loadConfig(t)}
	for _, enabled := range []bool{true, false} {
		inv.config.Refresh.Enabled = enabled
		for kind, canBe := range map[refresh.Kind]bool{
			refresh.Scheduled: true, refresh.Named: true, refresh.Intraday: true, refresh.Backfill: false, refresh.Tasks: false,
		} {
			if got := inv.disables(kind); got != (canBe && !enabled) {
				t.Errorf("enabled %v: %v is disabled: %v", enabled, kind, got)
			}
		}
	}
}
