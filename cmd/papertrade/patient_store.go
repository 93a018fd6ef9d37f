package main

import (
	"context"
	"iter"
	"sync/atomic"
	"time"

	"papertrade/internal/history"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/internal/retry"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// patientStore is a store that tries again what a command that writes asks of it.
type patientStore struct {
	store
	policy     *retry.Policy
	hasWritten atomic.Bool // a run has been recorded, so that the database can be written to
}

// again tries an operation again that has no result.
func (s *patientStore) again(ctx context.Context, operation string, attempt func() error) error {
	_, err := retry.Do(ctx, s.policy, operation, func() (struct{}, error) { return struct{}{}, attempt() })
	return err
}

func (s *patientStore) Lock(ctx context.Context, job string) (unlock func(), err error) {
	return retry.Do(ctx, s.policy, "take the lock", func() (func(), error) { return s.store.Lock(ctx, job) })
}

func (s *patientStore) Mentions(ctx context.Context, q refresh.DiscoveryQuery) ([]refresh.Mention, error) {
	return retry.Do(ctx, s.policy, "find the active tickers", func() ([]refresh.Mention, error) { return s.store.Mentions(ctx, q) })
}

func (s *patientStore) HasApplication(ctx context.Context) (bool, error) {
	return retry.Do(ctx, s.policy, "look for the application's tables", func() (bool, error) { return s.store.HasApplication(ctx) })
}

func (s *patientStore) States(ctx context.Context, tickers []marketdata.Ticker) (map[marketdata.Ticker]refresh.State, error) {
	return retry.Do(ctx, s.policy, "read the stored prices",
		func() (map[marketdata.Ticker]refresh.State, error) { return s.store.States(ctx, tickers) })
}

func (s *patientStore) Bars(
	ctx context.Context, tickers []marketdata.Ticker, from, to exchange.Date,
) (map[marketdata.Ticker][]history.StoredBar, error) {
	return retry.Do(ctx, s.policy, "read the stored bars",
		func() (map[marketdata.Ticker][]history.StoredBar, error) { return s.store.Bars(ctx, tickers, from, to) })
}

func (s *patientStore) HeldBars(ctx context.Context, tickers []marketdata.Ticker) (map[marketdata.Ticker][]history.HeldBar, error) {
	return retry.Do(ctx, s.policy, "read the held prices",
		func() (map[marketdata.Ticker][]history.HeldBar, error) { return s.store.HeldBars(ctx, tickers) })
}

func (s *patientStore) Watchlist(ctx context.Context, includeRemoved bool) ([]refresh.WatchlistEntry, error) {
	return retry.Do(ctx, s.policy, "read the watchlist",
		func() ([]refresh.WatchlistEntry, error) { return s.store.Watchlist(ctx, includeRemoved) })
}

func (s *patientStore) KnownSymbols(ctx context.Context) ([]string, error) {
	return retry.Do(ctx, s.policy, "read the known tickers", func() ([]string, error) { return s.store.KnownSymbols(ctx) })
}

func (s *patientStore) AddToWatchlist(ctx context.Context, changes iter.Seq[refresh.WatchlistChange], at time.Time) error {
	return s.again(ctx, "add to the watchlist", func() error { return s.store.AddToWatchlist(ctx, changes, at) })
}

// RemoveFromWatchlist does not take a symbol for missing that an attempt has removed whose answer was lost.
func (s *patientStore) RemoveFromWatchlist(ctx context.Context, symbols []string, at time.Time) (missing []string, err error) {
	before, err := s.Watchlist(ctx, false)
	if err != nil {
		return nil, err
	}
	missing, err = retry.Do(ctx, s.policy, "remove from the watchlist",
		func() ([]string, error) { return s.store.RemoveFromWatchlist(ctx, symbols, at) })
	active := make([]string, len(before))
	for i, entry := range before {
		active[i] = normalizeSymbol(entry.Symbol)
	}
	return refresh.MissingSymbols(missing, active), err
}

func (s *patientStore) LastRun(ctx context.Context, job string, by time.Time) (time.Time, error) {
	return retry.Do(ctx, s.policy, "read the last run", func() (time.Time, error) { return s.store.LastRun(ctx, job, by) })
}

func (s *patientStore) Runs(ctx context.Context, q refresh.RunQuery) ([]refresh.RunRecord, error) {
	return retry.Do(ctx, s.policy, "read the last runs", func() ([]refresh.RunRecord, error) { return s.store.Runs(ctx, q) })
}

func (s *patientStore) BeginRun(ctx context.Context, run refresh.RunRecord, alone bool) error {
	err := s.again(ctx, "record the run", func() error { return s.store.BeginRun(ctx, run, alone) })
	if err == nil {
		s.hasWritten.Store(true)
	}
	return err
}

func (s *patientStore) NoteActive(ctx context.Context, tickers []marketdata.Ticker, at time.Time) error {
	return s.again(ctx, "note the active tickers", func() error { return s.store.NoteActive(ctx, tickers, at) })
}

func (s *patientStore) CommitBatch(ctx context.Context, batch refresh.Batch) ([]refresh.StoredPrice, error) {
	return retry.Do(ctx, s.policy, "store the batch", func() ([]refresh.StoredPrice, error) {
		stored, err := s.store.CommitBatch(ctx, batch)
		batch = batch.Again()
		return stored, err
	})
}

func (s *patientStore) FinishRun(ctx context.Context, run refresh.RunRecord) error {
	return s.again(ctx, "record the run", func() error { return s.store.FinishRun(ctx, run) })
}

func (s *patientStore) Account(ctx context.Context, account string) (quota.Account, error) {
	return retry.Do(ctx, s.policy, "read the calls made so far", func() (quota.Account, error) { return s.store.Account(ctx, account) })
}

func (s *patientStore) UpdateAccount(ctx context.Context, account string, since time.Time, decide func(quota.Account) quota.Change) error {
	return s.again(ctx, "write down calls", func() error { return s.store.UpdateAccount(ctx, account, since, decide) })
}

func (s *patientStore) DeleteExpiredPrices(ctx context.Context, block refresh.PriceBlock) (refresh.ExpiredPrices, error) {
	return retry.Do(ctx, s.policy, "delete prices",
		func() (refresh.ExpiredPrices, error) { return s.store.DeleteExpiredPrices(ctx, block) })
}

func (s *patientStore) DeleteExpiredRuns(ctx context.Context, jobs []string, before time.Time, limit int) (int, error) {
	return retry.Do(ctx, s.policy, "delete runs", func() (int, error) { return s.store.DeleteExpiredRuns(ctx, jobs, before, limit) })
}

func (s *patientStore) DeleteExpiredHeld(ctx context.Context, before exchange.Date, limit int) (int, error) {
	return retry.Do(ctx, s.policy, "delete held prices", func() (int, error) { return s.store.DeleteExpiredHeld(ctx, before, limit) })
}

func (s *patientStore) PendingTasks(ctx context.Context, limit int) (pending []refresh.Task, all int, err error) {
	err = s.again(ctx, "read the application's tasks", func() error {
		pending, all, err = s.store.PendingTasks(ctx, limit)
		return err
	})
	return pending, all, err
}

func (s *patientStore) OpenTasks(ctx context.Context) (refresh.TaskQueue, error) {
	queue, err := retry.Do(ctx, s.policy, "open the application's tasks",
		func() (refresh.TaskQueue, error) { return s.store.OpenTasks(ctx) })
	if err != nil {
		return nil, err
	}
	return &patientTasks{queue, s.policy}, nil
}

// patientTasks tries again to claim tasks.
type patientTasks struct {
	refresh.TaskQueue
	policy *retry.Policy
}

func (t *patientTasks) Claim(ctx context.Context, tickers, limit int, except []string) ([]refresh.Task, error) {
	return retry.Do(ctx, t.policy, "claim the application's tasks",
		func() ([]refresh.Task, error) { return t.TaskQueue.Claim(ctx, tickers, limit, except) })
}
