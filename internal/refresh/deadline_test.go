package refresh

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// After an interruption commits may still begin and end, and the run be recorded, each for a while.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		d := newDeadlines(ctx)
		defer d.cancel()
		time.Sleep(time.Hour)
		interrupt()
		for _, step := range []struct {
			wait time.Duration
			want [3]bool // whether begin, write and record are over
		}{
			{249 * time.Millisecond, [3]bool{}},
			{2 * time.Millisecond, [3]bool{true}},
			{448 * time.Millisecond, [3]bool{true}},
			{2 * time.Millisecond, [3]bool{true, true}},
			{298 * time.Millisecond, [3]bool{true, true}},
			{2 * time.Millisecond, [3]bool{true, true, true}},
		} {
			time.Sleep(step.wait)
			synctest.Wait()
			if got := [3]bool{d.begin.Err() != nil, d.write.Err() != nil, d.record.Err() != nil}; got != step.want {
				t.Errorf("%v later: %v, want %v", step.wait, got, step.want)
			}
		}
	})
}

// What is cancelled is over at once, whatever ran before.
func TestDeadlinesEndWithTheirRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeadlines(t.Context())
		d.cancel()
		if d.begin.Err() == nil || d.write.Err() == nil || d.record.Err() == nil {
			t.Error("a deadline outlives its run")
		}
	})
}
