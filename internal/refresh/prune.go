package refresh

import (
	"context"
	"math"
	"time"

	"papertrade/pkg/exchange"
)

// PriceBlock is a stretch of the price history in the order of its IDs, and which of its rows have
// expired: daily bars and real-time prices that are older than a time. A zero time keeps them all.
type PriceBlock struct {
	After                       int64 // the IDs are greater
	Rows                        int   // at most, expired or not
	DailyBefore, RealTimeBefore time.Time
}

// ExpiredPrices are the rows of a block that have expired.
type ExpiredPrices struct {
	Last            int64 // the greatest ID of the block
	End             bool  // the block has no row, and none comes after it
	Daily, RealTime int
}

// PruneStore keeps what a prune deletes. The newest daily bars of a ticker never expire, nor does a
// row whose time cannot be read.
type PruneStore interface {
	// CountExpiredPrices counts those of a block, and writes nothing.
	CountExpiredPrices(ctx context.Context, block PriceBlock) (ExpiredPrices, error)
	// DeleteExpiredPrices deletes those of a block in one transaction, except for rows that another
	// process is writing at that moment.
	DeleteExpiredPrices(ctx context.Context, block PriceBlock) (ExpiredPrices, error)
	// CountExpiredRuns counts the runs of ours of some jobs that have finished before a time.
	CountExpiredRuns(ctx context.Context, jobs []string, before time.Time) (int, error)
	// DeleteExpiredRuns deletes at most limit of them, in one transaction.
	DeleteExpiredRuns(ctx context.Context, jobs []string, before time.Time, limit int) (int, error)
	// CountExpiredHeld counts the held bars of sessions before a day about which a decision was made.
	CountExpiredHeld(ctx context.Context, before exchange.Date) (int, error)
	// DeleteExpiredHeld deletes at most limit of them, in one transaction.
	DeleteExpiredHeld(ctx context.Context, before exchange.Date, limit int) (int, error)
}

// Retention is for how long rows are kept; zero keeps them for ever.
type Retention struct {
	Daily          time.Duration // also of held bars about which a decision was made
	RealTime, Runs time.Duration
}

// PruneOptions are what a prune is asked to do.
type PruneOptions struct {
	At        time.Time // the age of rows is their age at this time
	Keep      Retention
	BlockRows int  // rows of a table that are looked at in one transaction
	DryRun    bool // count only: nothing is written
}

// Pruned is what a prune has deleted, or would delete.
type Pruned struct {
	DryRun   bool      `json:"dry_run"`
	At       time.Time `json:"at"`
	Daily    Expired   `json:"daily,omitzero"`
	Held     Expired   `json:"held,omitzero"` // bars about which a decision was made
	RealTime Expired   `json:"real_time,omitzero"`
	Runs     Expired   `json:"runs,omitzero"`
}

// Expired is how many rows were older than a time; the zero Expired is that of what is kept for ever.
type Expired struct {
	Before time.Time `json:"before"`
	Rows   int       `json:"rows"`
}

// Prune deletes daily bars, decided held bars, real-time prices and finished runs of papertrade's jobs that are older
// than they are to be kept, block by block. It takes no lock of a job. Once ctx is done it ends with
// the block that is under way; what was deleted until then is in Pruned, even if there is an error.
func Prune(ctx context.Context, store PruneStore, o PruneOptions) (Pruned, error) {
	pruned := Pruned{
		DryRun: o.DryRun, At: o.At,
		Daily: o.expired(o.Keep.Daily), Held: o.expired(o.Keep.Daily), RealTime: o.expired(o.Keep.RealTime), Runs: o.expired(o.Keep.Runs),
	}
	err := o.prunePrices(ctx, store, &pruned)
	if err == nil {
		err = o.pruneHeld(ctx, store, &pruned.Held)
	}
	if err == nil {
		err = o.pruneRuns(ctx, store, &pruned.Runs)
	}
	return pruned, err
}

// expired returns what is known before any row is counted of rows that are kept for a time.
func (o PruneOptions) expired(keep time.Duration) Expired {
	if keep == 0 {
		return Expired{}
	}
	return Expired{Before: o.At.Add(-keep)}
}

func (o PruneOptions) prunePrices(ctx context.Context, store PruneStore, pruned *Pruned) error {
	if pruned.Daily.Before.IsZero() && pruned.RealTime.Before.IsZero() {
		return nil
	}
	prune := store.DeleteExpiredPrices
	if o.DryRun {
		prune = store.CountExpiredPrices
	}
	block := PriceBlock{
		After: math.MinInt64, Rows: o.BlockRows, DailyBefore: pruned.Daily.Before, RealTimeBefore: pruned.RealTime.Before,
	}
	return o.eachBlock(ctx, func(ctx context.Context) (last bool, err error) {
		expired, err := prune(ctx, block)
		block.After = expired.Last
		pruned.Daily.Rows += expired.Daily
		pruned.RealTime.Rows += expired.RealTime
		return expired.End, err
	})
}

func (o PruneOptions) pruneRuns(ctx context.Context, store PruneStore, runs *Expired) error {
	jobs := JobNames()
	return o.pruneRows(ctx, runs,
		func(ctx context.Context) (int, error) { return store.CountExpiredRuns(ctx, jobs, runs.Before) },
		func(ctx context.Context) (int, error) {
			return store.DeleteExpiredRuns(ctx, jobs, runs.Before, o.BlockRows)
		})
}

func (o PruneOptions) pruneHeld(ctx context.Context, store PruneStore, held *Expired) error {
	before := firstKept(held.Before)
	return o.pruneRows(ctx, held,
		func(ctx context.Context) (int, error) { return store.CountExpiredHeld(ctx, before) },
		func(ctx context.Context) (int, error) { return store.DeleteExpiredHeld(ctx, before, o.BlockRows) })
}

// firstKept returns the first day whose daily bars are not older than a time.
func firstKept(before time.Time) exchange.Date {
	day := exchange.DateOf(before.UTC())
	if DailyStamp(day).Before(before) {
		day = day.AddDays(1)
	}
	return day
}

// pruneRows counts expired rows or deletes them, of which remove deletes up to o.BlockRows.
func (o PruneOptions) pruneRows(
	ctx context.Context, expired *Expired, count, remove func(ctx context.Context) (int, error),
) (err error) {
	switch {
	case expired.Before.IsZero():
		return nil
	case o.DryRun:
		expired.Rows, err = count(ctx)
		return err
	}
	return o.eachBlock(ctx, func(ctx context.Context) (last bool, err error) {
		n, err := remove(ctx)
		expired.Rows += n
		return n < o.BlockRows, err
	})
}

// maxPause is how long a writer may take to ask SQLite once more for a lock that it did not get.
const maxPause = 100 * time.Millisecond

// eachBlock prunes one block after the other until the last one. In between it pauses for as long as the
// block took: whoever waits for SQLite's lock gets it only by asking at a time when nobody has it.
func (o PruneOptions) eachBlock(ctx context.Context, prune func(ctx context.Context) (last bool, err error)) error {
	deadlines := newDeadlines(ctx)
	defer deadlines.cancel()
	var pause time.Duration
	for {
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		began := time.Now()
		last, err := prune(deadlines.write)
		if err != nil || last {
			return err
		}
		if !o.DryRun {
			pause = min(time.Since(began), maxPause)
		}
	}
}
