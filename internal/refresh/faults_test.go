package refresh_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/fakevantage"
	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// faultyStore is a store whose methods can be made to fail, or to be watched.
type faultyStore struct {
	refresh.Store
	commit func(refresh.Batch) error
	bars   func() error
	lock   func() error
	begin  func(alone bool)
}

func (s *faultyStore) CommitBatch(ctx context.Context, batch refresh.Batch) ([]refresh.StoredPrice, error) {
	if s.commit != nil {
		if err := s.commit(batch); err != nil {
			return nil, err
		}
	}
	return s.Store.CommitBatch(ctx, batch)
}

func (s *faultyStore) Bars(ctx context.Context, tickers []marketdata.Ticker, from, to exchange.Date) (map[marketdata.Ticker][]history.StoredBar, error) {
	if s.bars != nil {
		if err := s.bars(); err != nil {
			return nil, err
		}
	}
	return s.Store.Bars(ctx, tickers, from, to)
}

func (s *faultyStore) Lock(ctx context.Context, job string) (func(), error) {
	if s.lock != nil {
		if err := s.lock(); err != nil {
			return nil, err
		}
	}
	return s.Store.Lock(ctx, job)
}

func (s *faultyStore) BeginRun(ctx context.Context, run refresh.RunRecord, alone bool) error {
	if s.begin != nil {
		s.begin(alone)
	}
	return s.Store.BeginRun(ctx, run, alone)
}

// A database that fails is not the fault of the application's tasks: they are pending again.
func TestTasksOutliveAFailureOfTheDatabase(t *testing.T) {
	for name, faulty := range map[string]faultyStore{
		"while bars are stored": {commit: func(b refresh.Batch) error {
			if len(b.Prices) > 0 {
				return refresh.ErrNoSpace
			}
			return nil
		}},
		"while they are looked into": {bars: func() error { return refresh.ErrBusy }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				vendor := fakevantage.New(fakevantage.Options{Now: midnight})
				j := fast(t, vendor)
				for i, task := range [][3]string{{"T0", "2026-11-02", "2026-11-13"}, {"$$$", "2026-11-02", "2026-11-13"}} {
					insertTask(t, j, i, task[0], task[1], task[2])
				}
				sound := j.Store
				faulty.Store = sound
				j.Store = &faulty
				report, err := run(t.Context(), t, j, refresh.Options{Kind: refresh.Tasks})
				if err == nil || report.Status != refresh.Failed {
					t.Errorf("%s, %v; want a failed run", report.Status, err)
				}
				j.Store = sound
				want := []string{"T0 pending", `$$$ failed "$$$" is not a ticker: write letters and digits, in parts joined by a dot or a hyphen, as in BRK.B`}
				if diff := cmp.Diff(want, texts(t, j, taskRows)); diff != "" {
					t.Errorf("tasks (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What another run has refreshed until this one got the lock is not asked for again.
func TestAnIntradayRunLooksAgainOnceItHasTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		afternoon := func() time.Time { return time.Date(2026, 11, 20, 19, 0, 0, 0, time.UTC) }
		vendor := fakevantage.New(fakevantage.Options{Now: afternoon})
		j := fast(t, vendor)
		j.Now = afternoon
		sound := j.Store
		j.Store = &faultyStore{Store: sound, lock: func() error {
			execSQL(t, vendorless(j, sound), `update ticker_watchlist set next_refresh_at = '2026-11-20 20:00:00.000000' where ticker <> 'AAPL'`)
			return nil
		}}
		report, err := run(t.Context(), t, j, refresh.Options{Kind: refresh.Intraday})
		if err != nil || report.Counts.Refreshed != 1 || len(vendor.Arrivals()) != 1 {
			t.Errorf("%+v, %v; want AAPL alone", report.Counts, err)
		}
	})
}

// vendorless is a job by which a test reaches the database of another.
func vendorless(j *refresh.Job, store refresh.Store) *refresh.Job {
	return &refresh.Job{Store: store, Now: j.Now}
}

// A run of tasks beside another closes no record of a run: the other one's process is alive.
func TestOnlyARunThatHasTheLockIsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, locked := range []bool{false, true} {
			j := fast(t, fakevantage.New(fakevantage.Options{Now: midnight}))
			var alone []bool
			j.Store = &faultyStore{Store: j.Store, begin: func(a bool) { alone = append(alone, a) }, lock: func() error {
				if locked {
					return refresh.ErrLocked
				}
				return nil
			}}
			if _, err := run(t.Context(), t, j, refresh.Options{Kind: refresh.Tasks}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]bool{!locked}, alone); diff != "" {
				t.Errorf("locked by another: %t (-want +got):\n%s", locked, diff)
			}
		}
	})
}
