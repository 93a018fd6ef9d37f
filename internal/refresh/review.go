package refresh

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Review is the decisions that a person makes about prices.
type Review struct {
	Store Store
	At    time.Time // when they are made
	// ReadableOnly refuses to store what the web application beside us cannot read: the error is an *UnreadableError.
	ReadableOnly bool
}

// NotHeldError reports that no price waits for the decision that was asked for.
type NotHeldError struct {
	Ticker  marketdata.Ticker
	Session exchange.Date // zero if no session was named
}

func (e *NotHeldError) Error() string {
	if e.Session.IsZero() {
		return fmt.Sprintf("no price of %s is held", e.Ticker)
	}
	return fmt.Sprintf("no price of %s is held of the session of %s", e.Ticker, e.Session)
}

// AmbiguousHeldError reports that several prices of a ticker are held, and no session was named.
type AmbiguousHeldError struct {
	Ticker   marketdata.Ticker
	Sessions []exchange.Date // ascending
}

func (e *AmbiguousHeldError) Error() string {
	var sessions []string
	for _, session := range e.Sessions {
		sessions = append(sessions, session.String())
	}
	return fmt.Sprintf("%d prices of %s are held, of %s", len(sessions), e.Ticker, strings.Join(sessions, ", "))
}

// WaitingBars returns the held bars of all tickers that wait for a decision, by ticker and session.
func WaitingBars(ctx context.Context, store Store) ([]history.HeldBar, error) {
	byTicker, err := store.HeldBars(ctx, nil)
	if err != nil {
		return nil, err
	}
	var waiting []history.HeldBar
	for _, held := range byTicker {
		waiting = append(waiting, onlyWaiting(held)...)
	}
	slices.SortFunc(waiting, func(a, b history.HeldBar) int {
		if byTicker := a.Ticker.Compare(b.Ticker); byTicker != 0 {
			return byTicker
		}
		return a.Session.Compare(b.Session)
	})
	return waiting, nil
}

func isWaiting(b history.HeldBar) bool { return b.Decision == history.Waiting }

func onlyWaiting(held []history.HeldBar) []history.HeldBar {
	return slices.DeleteFunc(slices.Clone(held), func(b history.HeldBar) bool { return !isWaiting(b) })
}

// Accept stores the held bar of a ticker in the history, and returns it with the decision. A zero session means the
// only one that is held; that of a session can have been rejected before. The error is a *NotHeldError or an
// *AmbiguousHeldError if there is no such bar.
func (r Review) Accept(ctx context.Context, ticker marketdata.Ticker, session exchange.Date) (history.HeldBar, error) {
	isPossible := func(b history.HeldBar) bool {
		return b.Decision == history.Waiting || b.Decision == history.Rejected && !session.IsZero()
	}
	bar, err := r.find(ctx, ticker, session, isPossible)
	if err != nil {
		return history.HeldBar{}, err
	}
	price := Price{
		Bar: bar.Bar, Timestamp: DailyStamp(bar.Session), Source: bar.Source, Interval: IntervalDaily, FetchedAt: bar.FetchedAt,
		Backfill: true,
	}
	accepted := r.decided(bar, history.Accepted, "accepted by hand")
	if err := r.store(ctx, price, []history.HeldBar{bar}, []history.HeldBar{accepted}); err != nil {
		return history.HeldBar{}, err
	}
	return accepted, nil
}

// Reject leaves the history as it is, and returns the held bar of a ticker with the decision. A zero session and the errors
// are as those of Accept.
func (r Review) Reject(ctx context.Context, ticker marketdata.Ticker, session exchange.Date) (history.HeldBar, error) {
	bar, err := r.find(ctx, ticker, session, isWaiting)
	if err != nil {
		return history.HeldBar{}, err
	}
	rejected := r.decided(bar, history.Rejected, "rejected by hand")
	_, err = r.Store.CommitBatch(ctx, Batch{Held: []history.HeldBar{rejected}})
	return rejected, err
}

// Set stores a bar of a completed session as one that a person set. A bar that is held of the session is rejected, or
// accepted if it has the same close.
func (r Review) Set(ctx context.Context, bar marketdata.Bar) error {
	held, err := r.waiting(ctx, bar.Ticker)
	if err != nil {
		return err
	}
	held = ofSession(held, bar.Session)
	var decided []history.HeldBar
	for _, h := range held {
		if h.Close.Equal(bar.Close) && h.Currency == bar.Currency {
			decided = append(decided, r.decided(h, history.Accepted, "the same price was set by hand"))
		} else {
			decided = append(decided, r.decided(h, history.Rejected, "a price was set by hand"))
		}
	}
	price := Price{
		Bar: bar, Timestamp: DailyStamp(bar.Session), Source: history.ManualSource, Interval: IntervalDaily, FetchedAt: r.At,
		Backfill: true,
	}
	return r.store(ctx, price, held, decided)
}

// find returns the only bar of a ticker beside the history that a decision is possible about.
func (r Review) find(
	ctx context.Context, ticker marketdata.Ticker, session exchange.Date, isPossible func(history.HeldBar) bool,
) (history.HeldBar, error) {
	all, err := r.Store.HeldBars(ctx, []marketdata.Ticker{ticker})
	if err != nil {
		return history.HeldBar{}, err
	}
	held := slices.DeleteFunc(all[ticker], func(b history.HeldBar) bool { return !isPossible(b) })
	if !session.IsZero() {
		held = ofSession(held, session)
	}
	switch len(held) {
	case 0:
		return history.HeldBar{}, &NotHeldError{ticker, session}
	case 1:
		return held[0], nil
	default:
		ambiguous := &AmbiguousHeldError{Ticker: ticker}
		for _, bar := range held {
			ambiguous.Sessions = append(ambiguous.Sessions, bar.Session)
		}
		return history.HeldBar{}, ambiguous
	}
}

func (r Review) waiting(ctx context.Context, ticker marketdata.Ticker) ([]history.HeldBar, error) {
	held, err := r.Store.HeldBars(ctx, []marketdata.Ticker{ticker})
	return onlyWaiting(held[ticker]), err
}

func ofSession(held []history.HeldBar, session exchange.Date) []history.HeldBar {
	return slices.DeleteFunc(slices.Clone(held), func(b history.HeldBar) bool { return b.Session != session })
}

// decided returns a bar with a decision, whose reason is one more line of evidence.
func (r Review) decided(bar history.HeldBar, decision history.Decision, reason string) history.HeldBar {
	bar.Decision, bar.DecidedAt = decision, r.At
	bar.Evidence = append(slices.Clone(bar.Evidence), reason)
	return bar
}

// store writes a price and what is decided about held bars in one transaction. If the database refuses the price, the
// bars wait as before.
func (r Review) store(ctx context.Context, price Price, held, decided []history.HeldBar) error {
	ticker, session := price.Bar.Ticker, price.Bar.Session
	if err := r.checkReadable(price.Bar); err != nil {
		return err
	}
	bars, err := r.Store.Bars(ctx, []marketdata.Ticker{ticker}, session, session)
	if err != nil {
		return err
	}
	for _, stored := range bars[ticker] {
		price = replacing(price, stored, r.At)
	}
	stored, err := r.Store.CommitBatch(ctx, Batch{Prices: []Price{price}, Held: decided})
	if err != nil || stored[0].Err == nil {
		return err
	}
	if _, err := r.Store.CommitBatch(ctx, Batch{Held: held}); err != nil {
		return err
	}
	return fmt.Errorf("store the price of %s of %s: %w", ticker, session, stored[0].Err)
}

func (r Review) checkReadable(bar marketdata.Bar) error {
	if !r.ReadableOnly {
		return nil
	}
	if err := CheckReadable(bar.Ticker); err != nil {
		return err
	}
	return checkReadableBar(bar)
}

// replacing returns a price that takes the place of a stored bar: a second row of the session would leave it to other
// readers of the history which of the two they believe.
func replacing(price Price, stored history.StoredBar, at time.Time) Price {
	price.Row, price.Relabel, price.ClearRange, price.FetchedAt = stored.Row, true, true, at
	return price
}

// HeldPrice is a held bar as programs read it.
type HeldPrice struct {
	Ticker        marketdata.Ticker `json:"ticker"`
	Session       exchange.Date     `json:"session"`
	Open          string            `json:"open,omitempty"`
	High          string            `json:"high,omitempty"`
	Low           string            `json:"low,omitempty"`
	Close         string            `json:"close"`
	PreviousClose string            `json:"previous_close,omitempty"` // of the same answer
	Volume        *int64            `json:"volume,omitempty"`
	Currency      string            `json:"currency"`
	Why           string            `json:"why"`
	Evidence      []string          `json:"evidence"` // what speaks for and against it
	Source        string            `json:"source"`
	FetchedAt     time.Time         `json:"fetched_at"`
	Decision      history.Decision  `json:"decision"`
	DecidedAt     time.Time         `json:"decided_at,omitzero"`
}

// NewHeldPrice returns a held bar as programs read it.
func NewHeldPrice(bar history.HeldBar) HeldPrice {
	return HeldPrice{
		Ticker: bar.Ticker, Session: bar.Session,
		Open: marketdata.FormatOptional(bar.Open), High: marketdata.FormatOptional(bar.High), Low: marketdata.FormatOptional(bar.Low),
		Close: marketdata.FormatPrice(bar.Close), PreviousClose: marketdata.FormatOptional(bar.PreviousClose),
		Volume: bar.Volume, Currency: bar.Currency, Why: bar.Why, Evidence: append([]string{}, bar.Evidence...),
		Source: bar.Source, FetchedAt: bar.FetchedAt, Decision: bar.Decision, DecidedAt: bar.DecidedAt,
	}
}
