package refresh_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/fakevantage"
	"papertrade/internal/refresh"
)

var elsewhere = refresh.Holder{Host: "alpha", PID: 4711, Since: midnight()}

// waiting returns a job whose lock another run of host alpha has for a while, and what it says about that.
func waiting(t *testing.T, vendor *fakevantage.Server, held time.Duration) (j *refresh.Job, awaited *[]refresh.LockAwaited) {
	j, awaited = fast(t, vendor), &[]refresh.LockAwaited{}
	j.Observe = func(e refresh.Event) {
		if e, ok := e.(refresh.LockAwaited); ok {
			*awaited = append(*awaited, e)
		}
	}
	began := time.Now()
	j.Now = func() time.Time { return midnight().Add(time.Since(began)) }
	j.Store = &faultyStore{Store: j.Store, lock: func() error {
		if time.Since(began) < held {
			return &refresh.LockedError{Holder: elsewhere}
		}
		return nil
	}}
	return j, awaited
}

// A run that waits for another one says once for whom, begins within a second of its end, and goes by the time of then.
func TestARunWaitsForAnother(t *testing.T) {
	for _, kind := range []refresh.Kind{refresh.Scheduled, refresh.Backfill} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			j, awaited := waiting(t, fakevantage.New(fakevantage.Options{Now: midnight}), 90*time.Second+time.Millisecond)
			report, err := run(t.Context(), t, j, refresh.Options{Kind: kind, Wait: 10 * time.Minute})
			if waited := report.StartedAt.Sub(midnight()); err != nil || report.Status != refresh.Succeeded || waited != 91*time.Second {
				t.Errorf("%s after %v, %v; want it to succeed after 91 s", report.Status, waited, err)
			}
			if took := report.FinishedAt.Sub(midnight()); took > time.Since(began) {
				t.Errorf("it has finished at %v, after %v", took, time.Since(began))
			}
			if diff := cmp.Diff([]refresh.LockAwaited{{Holder: &elsewhere, Wait: 10 * time.Minute}}, *awaited); diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARunDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, wait := range []time.Duration{0, 300 * time.Millisecond, 90 * time.Second} {
			began := time.Now()
			j, _ := waiting(t, fakevantage.New(fakevantage.Options{Now: midnight}), time.Hour)
			report, err := run(t.Context(), t, j, refresh.Options{Wait: wait})
			if !errors.Is(err, refresh.ErrLocked) || report.Status != refresh.Locked || time.Since(began) != wait {
				t.Errorf("%s after %v, %v; want it to be locked after %v", report.Status, time.Since(began), err, wait)
			}
			if diff := cmp.Diff(&elsewhere, report.Holder); diff != "" {
				t.Errorf("holder (-want +got):\n%s", diff)
			}
		}
	})
}

func TestAnInterruptEndsTheWaitForAnotherRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		j, _ := waiting(t, fakevantage.New(fakevantage.Options{Now: midnight}), time.Hour)
		ctx, cancel := context.WithTimeoutCause(t.Context(), 1500*time.Millisecond, errInterrupt)
		defer cancel()
		report, err := run(ctx, t, j, refresh.Options{Wait: 10 * time.Minute})
		if !errors.Is(err, errInterrupt) || report.Status != "" || time.Since(began) != 1500*time.Millisecond {
			t.Errorf("%q after %v, %v; want nothing but the interrupt", report.Status, time.Since(began), err)
		}
	})
}

var errInterrupt = errors.New("interrupted")

// What was due before the wait need not be after it, and the other way round.
func TestARunFindsItselfNotDueAfterTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight})
		j, _ := waiting(t, vendor, time.Minute)
		faulty := j.Store.(*faultyStore)
		sound, refuse := faulty.Store, faulty.lock
		faulty.lock = func() error {
			err := refuse()
			if err == nil { // the other one has succeeded by now
				other := vendorless(j, sound)
				execSQL(t, other, `insert into job_executions (id, job_name, started_at, finished_at, status, metadata)
					values ('00000000-0000-0000-0000-000000000001', 'refresh_active_stocks', '2026-11-21 00:00:00.000000',
						'2026-11-21 00:00:30.000000', 'SUCCEEDED', '{"at":"2026-11-21T00:00:00Z"}')`)
			}
			return err
		}
		report, err := run(t.Context(), t, j, refresh.Options{IfDue: true, Wait: 10 * time.Minute})
		if err != nil || report.Status != refresh.NotDue || len(vendor.Arrivals()) > 0 || !report.At.Equal(midnight().Add(time.Minute)) {
			t.Errorf("%s at %v, %v, %d calls; want it not to be due", report.Status, report.At, err, len(vendor.Arrivals()))
		}
	})
}
