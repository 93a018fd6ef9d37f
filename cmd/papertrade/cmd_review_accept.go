package main

import (
	"context"

	"github.com/spf13/cobra"

	"papertrade/internal/refresh"
)

func newReviewAccept(p *program) *cobra.Command {
	var opts decideOptions
	cmd := &cobra.Command{
		Use:   "accept TICKER",
		Short: "Store a held price in the history",
		Long: `accept stores the price that is held of a ticker in the history, as if it had never
been held. Whatever is stored of that session is replaced. With --session it also stores
one that was rejected.
` + exitStatuses,
		Example: `  papertrade review accept AAPL
  papertrade review accept AAPL --session 2026-11-20`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeOne(p.completeTickers(heldSymbols)),
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, args []string) error {
			return runReviewAccept(ctx, inv, opts, args[0])
		}),
	}
	opts.AddFlags(cmd)
	addAnyTickerFlag(cmd.Flags())
	return cmd
}

func runReviewAccept(ctx context.Context, inv *invocation, opts decideOptions, symbol string) error {
	return decide(ctx, inv, opts, symbol, refresh.Review.Accept)
}
