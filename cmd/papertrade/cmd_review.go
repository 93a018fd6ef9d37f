package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func newReview(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "review",
		Short: "Settle prices that are held because they may be wrong",
		Long: `review settles prices that are held: they may be wrong, so they are kept beside the
history, where no reader of it sees them. Most settle by themselves with the next
session; until then they can be accepted, rejected or set by hand. Without a
subcommand it lists them.
` + exitStatuses,
		Example: `  papertrade review
  papertrade review accept AAPL
  papertrade review reject AAPL --session 2026-11-20
  papertrade review set AAPL --session 2026-11-20 --close 192.53`,
		Args: cobra.NoArgs,
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, _ []string) error { return runReviewList(ctx, inv) }),
	}
	cmd.AddCommand(newReviewList(p), newReviewAccept(p), newReviewReject(p), newReviewSet(p))
	return cmd
}

// decideOptions are the flags of a decision about a held price.
type decideOptions struct {
	session date
	at      instant
}

// AddFlags adds the flags of a decision about a held price.
func (o *decideOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(&o.session, "session", "`DATE` of the held price, if there are several")
	f.Var(&o.at, "at", instantUsage)
}

// decide makes a decision about the held price of a ticker, and prints what has become of it.
func decide(
	ctx context.Context, inv *invocation, opts decideOptions, symbol string,
	decision func(refresh.Review, context.Context, marketdata.Ticker, exchange.Date) (history.HeldBar, error),
) error {
	tickers, err := parseTickers([]string{symbol})
	if err != nil {
		return err
	}
	db, err := openPatiently(ctx, inv, openExisting)
	if err != nil {
		return err
	}
	defer db.Close()
	only, err := readableOnly(ctx, inv.config, db)
	if err != nil {
		return err
	}
	review := refresh.Review{Store: db, At: opts.at.clock(inv.now)(), ReadableOnly: only}
	bar, err := decision(review, ctx, tickers[0], opts.session.Date)
	if err != nil {
		return explainDecision(err)
	}
	if !inv.wantsResult() {
		return nil
	}
	return inv.print(decisionView(bar))
}

// explainDecision adds to an error what can be done about it.
func explainDecision(err error) error {
	var ambiguous *refresh.AmbiguousHeldError
	var missing *refresh.NotHeldError
	switch {
	case errors.As(err, new(*refresh.UnreadableError)):
		return wrongUsage("%w", explainUnreadable(err))
	case errors.As(err, &ambiguous):
		return wrongUsage("%w: name one by --session DATE", err)
	case errors.As(err, &missing):
		return fmt.Errorf("%w; 'papertrade review' lists what is", err)
	default:
		return err
	}
}

// heldSymbols are the tickers of which a price is held.
func heldSymbols(ctx context.Context, _ *invocation, db store) (symbols []string, err error) {
	held, err := refresh.WaitingBars(ctx, db)
	for _, bar := range held {
		symbols = append(symbols, bar.Ticker.String())
	}
	return symbols, err
}
