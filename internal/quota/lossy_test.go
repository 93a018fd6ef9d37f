package quota_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"papertrade/internal/quota"
)

// lossy is a ledger whose answers are lost after it has written: each is asked for again, or is an error if fails is set.
type lossy struct {
	memory
	fails bool
}

func (l *lossy) UpdateAccount(ctx context.Context, account string, since time.Time, decide func(quota.Account) quota.Change) error {
	if err := l.memory.UpdateAccount(ctx, account, since, decide); err != nil {
		return err
	}
	if l.fails {
		return errors.New("the answer was lost")
	}
	return l.memory.UpdateAccount(ctx, account, since, decide)
}

// What is written down again because an answer was lost counts once: no call that was not made stands in the ledger, and
// none waits for a reservation of its own.
func TestLostAnswersOfTheLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &lossy{}
		l := newLimiter(ledger, []quota.Limit{{Calls: 2, Window: 10 * time.Second}})
		start := time.Now()
		l.Announce(1, 1, 1)
		call(t, l, 1, 1, 1)
		if took := time.Since(start); took > 11*time.Second {
			t.Errorf("three calls took %v", took)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(ledger.account.Calls); got != 3 {
			t.Errorf("%d calls are in the ledger, want 3: %v", got, ledger.account.Calls)
		}

		// One that is given up is taken back as soon as the ledger answers.
		time.Sleep(time.Minute)
		ledger.fails = true
		l.Announce(1)
		if _, err := l.Wait(t.Context(), 1); !errors.Is(err, quota.ErrLedger) {
			t.Errorf("error %v, want ErrLedger", err)
		}
		ledger.fails = false
		if got := len(ledger.account.Calls); got != 4 {
			t.Errorf("%d calls are in the ledger, want 4", got)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(ledger.account.Calls); got != 3 {
			t.Errorf("%d calls are in the ledger, want 3: %v", got, ledger.account.Calls)
		}
	})
}
