package quota

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Call is a call to a vendor as the ledger has it.
type Call struct {
	ID string // a UUID
	// From and Until bound the time at which the call reaches the vendor. They are the same once it
	// is known; those of a process that died without telling stay apart.
	From, Until time.Time
}

// settled says whether it is known when the call was made.
func (c Call) settled() bool { return c.From.Equal(c.Until) }

// Account is what a ledger knows of one key.
type Account struct {
	Calls     []Call        // in any order
	HeldUntil time.Time     // the vendor said that the quota is spent: no call before this; zero: it did not
	CallTime  time.Duration // that a call took on average; 0: not known
	// NotEntitledAt is when the vendor last refused a call that the key's plan does not include; zero: it
	// did not.
	NotEntitledAt time.Time
}

// Change is what becomes of an Account.
type Change struct {
	Save      []Call        // inserted, or updated where the ID is known
	Delete    []string      // IDs
	HeldUntil time.Time     // zero: as it was
	CallTime  time.Duration // zero: as it was
	// NotEntitledAt is as it was where it is zero.
	NotEntitledAt time.Time
}

// Ledger keeps the calls of all processes that share a database.
type Ledger interface {
	// Account reads an account; one that nothing is known of is the zero Account.
	Account(ctx context.Context, account string) (Account, error)
	// UpdateAccount reads an account, drops its calls whose Until is before since, and writes the change
	// that decide makes of the rest, all in one transaction. Updates of the same account, by any
	// process, happen one after the other.
	UpdateAccount(ctx context.Context, account string, since time.Time, decide func(Account) Change) error
}

// AccountName is what stands for a key of a vendor in a ledger: enough to tell keys apart, and not
// enough to find one.
func AccountName(vendor, key string) string {
	sum := sha256.Sum256([]byte("papertrade quota of " + vendor + "\x00" + key))
	return vendor + ":" + hex.EncodeToString(sum[:8])
}

// since is the time before which calls no longer matter to the limits, nor to what a Limiter has learned.
func since(limits []Limit, now time.Time) time.Time {
	oldest := now.Add(-2 * mostSpacing)
	for _, l := range limits {
		start := now.Add(-l.Window - margin(l.Window) - time.Second)
		if l.Window == 0 {
			start = now.Add(-2 * dayMargin).UTC().Truncate(24 * time.Hour).Add(-dayMargin)
		}
		if start.Before(oldest) {
			oldest = start
		}
	}
	return oldest
}
