// Package refresh is the job: it discovers the active tickers, plans what is due, fetches it within
// the vendor's limits, commits batch by batch and reports. It knows no SQL, no HTTP and no terminal.
package refresh

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"papertrade/pkg/marketdata"
)

// Discovery is where to look for active tickers.
type Discovery struct {
	Sources    []Source
	ActiveDays int // how far back a transaction makes its ticker active, 1 or more
	// ReadableOnly leaves out the tickers and the prices that the web application beside us cannot read.
	ReadableOnly bool
}

// Discover reads the active tickers as of at, in the order in which a run takes them: by priority,
// then the stalest first, then by name. Dirty symbols are cleaned, or skipped and returned; so are those that d leaves out.
func Discover(ctx context.Context, store Store, d Discovery, at time.Time) ([]ActiveTicker, []SkippedRow, error) {
	active, skipped, err := d.read(ctx, store, at)
	suspectOutage(active)
	return active, skipped, err
}

// DiscoverHoldings reads what portfolios hold as of at, active or not, as Discover does.
func DiscoverHoldings(ctx context.Context, store Store, d Discovery, at time.Time) ([]ActiveTicker, error) {
	d.Sources = []Source{SourceHoldings}
	holdings, _, err := d.read(ctx, store, at)
	return holdings, err
}

func (d Discovery) read(ctx context.Context, store Store, at time.Time) ([]ActiveTicker, []SkippedRow, error) {
	mentions, err := store.Mentions(ctx, DiscoveryQuery{
		Sources: d.Sources,
		From:    at.Add(-time.Duration(d.ActiveDays) * 24 * time.Hour),
		To:      at,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("discover the active tickers: %w", err)
	}
	active, skipped := d.mergeMentions(mentions)
	if err := fillStates(ctx, store, active, at); err != nil {
		return nil, nil, err
	}
	sortForRun(active)
	return active, skipped, nil
}

// FindNamed makes active tickers of those named as of at, which keep the sources that active has them from.
func FindNamed(
	ctx context.Context, store Store, active []ActiveTicker, names []marketdata.Ticker, at time.Time,
) ([]ActiveTicker, error) {
	var found, others []ActiveTicker
	seen := map[marketdata.Ticker]bool{}
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		if i := slices.IndexFunc(active, func(a ActiveTicker) bool { return a.Ticker == name }); i >= 0 {
			found = append(found, active[i])
			continue
		}
		others = append(others, ActiveTicker{Ticker: name, Sources: []Source{SourceArgument}, Priority: DefaultPriority})
	}
	if err := fillStates(ctx, store, others, at); err != nil {
		return nil, err
	}
	found = append(found, others...)
	sortForRun(found)
	return found, nil
}

// mergeMentions makes one ActiveTicker of all mentions of a ticker.
func (d Discovery) mergeMentions(mentions []Mention) ([]ActiveTicker, []SkippedRow) {
	var active []ActiveTicker
	var skipped []SkippedRow
	index, reported := map[marketdata.Ticker]int{}, rowSet{}
	for _, m := range mentions {
		ticker, err := d.parse(m.Symbol)
		if err != nil {
			if row := (SkippedRow{m.Source, m.Symbol, err}); reported.add(row) {
				skipped = append(skipped, row)
			}
			continue
		}
		i, found := index[ticker]
		if !found {
			i = len(active)
			index[ticker] = i
			active = append(active, ActiveTicker{Ticker: ticker})
		}
		a := &active[i]
		if !slices.Contains(a.Sources, m.Source) {
			a.Sources = append(a.Sources, m.Source)
		}
		if m.Source == SourceWatchlist {
			a.Priority = min(cmp.Or(a.Priority, math.MaxInt), effectivePriority(m.Priority))
		}
		if m.LastTradedAt.After(a.LastTradedAt) {
			a.LastTradedAt = m.LastTradedAt
		}
	}
	order := []Source{SourceWatchlist, SourceTransactions, SourceHoldings}
	for i := range active {
		active[i].Priority = cmp.Or(active[i].Priority, DefaultPriority)
		slices.SortFunc(active[i].Sources, func(a, b Source) int {
			return cmp.Compare(slices.Index(order, a), slices.Index(order, b))
		})
	}
	return active, skipped
}

// SkippedRow is a row whose symbol is not a ticker, or one that is left out.
type SkippedRow struct {
	Source Source
	Symbol string // as it is stored
	Err    error  // says which symbol, and what is wrong with it
}

// rowSet is a set of skipped rows. Transactions and holdings are of the same rows.
type rowSet map[rowKey]bool

type rowKey struct {
	isOfWatchlist bool
	symbol        string
}

// add adds a row, and reports whether the set did not have it.
func (s rowSet) add(row SkippedRow) bool {
	key := rowKey{row.Source == SourceWatchlist, strings.ToUpper(strings.TrimSpace(row.Symbol))}
	if s[key] {
		return false
	}
	s[key] = true
	return true
}

// fillStates reads the states of tickers as they can be believed at a time.
func fillStates(ctx context.Context, store Store, active []ActiveTicker, at time.Time) error {
	if len(active) == 0 {
		return nil
	}
	tickers := make([]marketdata.Ticker, len(active))
	for i, a := range active {
		tickers[i] = a.Ticker
	}
	states, err := store.States(ctx, tickers)
	if err != nil {
		return fmt.Errorf("read what is stored of the active tickers: %w", err)
	}
	latest := Latest(at)
	for i, a := range active {
		active[i].State = states[a.Ticker].believed(a.Ticker.Calendar(), latest)
	}
	return nil
}

func sortForRun(active []ActiveTicker) {
	slices.SortFunc(active, func(a, b ActiveTicker) int {
		return cmp.Or(
			cmp.Compare(a.Priority, b.Priority),
			a.State.LastSession.Compare(b.State.LastSession),
			a.Ticker.Compare(b.Ticker),
		)
	})
}
