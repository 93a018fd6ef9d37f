package quota

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Call is a call to a vendor as the ledger has it.
type Call struct {
	ID   string // a UUID
	Cost int    // in the vendor's unit, calls or credits: 1 or more
	// From and Until bound the time at which the call reaches the vendor. They are equal once it is
	// known; those of a process that died before it reported that stay apart.
	From, Until time.Time
}

// settled reports whether it is known when the call was made.
func (c Call) settled() bool { return c.From.Equal(c.Until) }

// Account is what a ledger knows of one key.
type Account struct {
	Calls     []Call        // in any order
	HeldUntil time.Time     // the vendor said that the quota is spent: no call before this; zero: it did not
	CallTime  time.Duration // the average time that a call takes; 0: not known
	// NotEntitledAt is when the vendor last refused a call that the key's plan does not include; zero:
	// never.
	NotEntitledAt time.Time
	// EndOfDayAt is when the key's plan was last found to have end-of-day prices only; zero: it was not.
	EndOfDayAt time.Time
	Learned    []Learned // what refusals showed of the key's limits, the forgotten too
	Misdated   Misdated  // not stored: what Believed has left out
}

// Change is what is written to an Account. What is zero stays unchanged.
type Change struct {
	Save          []Call   // inserted, or updated if the ID is known
	Delete        []string // IDs
	HeldUntil     time.Time
	CallTime      time.Duration
	NotEntitledAt time.Time
	EndOfDayAt    *time.Time // nil stays unchanged; the zero time is known as such
	Learned       []Learned  // instead of all that there was
}

// Ledger keeps the calls of all processes that share a database.
type Ledger interface {
	// Account reads an account; one of which nothing is known is the zero Account.
	Account(ctx context.Context, account string) (Account, error)
	// UpdateAccount reads an account, drops its calls whose Until is before since, and writes the change
	// that decide makes of the rest, all in one transaction. Updates of the same account, by any
	// process, happen one after the other. If it is not known what came of the transaction decide can be called again: the account
	// then has the change that it made before, or has not.
	UpdateAccount(ctx context.Context, account string, since time.Time, decide func(Account) Change) error
}

// AccountName returns the name of a vendor's key in a ledger: enough to distinguish keys, and not
// enough to find one.
func AccountName(vendor, key string) string {
	sum := sha256.Sum256([]byte("papertrade quota of " + vendor + "\x00" + key))
	return vendor + ":" + hex.EncodeToString(sum[:8])
}

// since returns the time before which calls no longer matter to the limits, nor to a learned spacing. As long as clocks differ about
// when the day ends, those of the day before show that.
func (l *Limiter) since(now time.Time) time.Time {
	oldest := now.Add(-2 * maxSpacing)
	for _, limit := range Effective(l.o.Limits, l.learned, now) {
		start := now.Add(-limit.Window - margin(limit.Window) - time.Second)
		if limit.Window == 0 {
			margin := dayMargin + l.dayDoubt()
			start = now.Add(-dayMargin - margin).UTC().Truncate(day).Add(-margin)
			if len(l.days) > 1 {
				start = start.Add(-day)
			}
		}
		if start.Before(oldest) {
			oldest = start
		}
	}
	return oldest
}
