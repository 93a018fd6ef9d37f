package main

import (
	"context"

	"github.com/spf13/cobra"

	"papertrade/internal/refresh"
)

func newReviewReject(p *program) *cobra.Command {
	var opts decideOptions
	cmd := &cobra.Command{
		Use:   "reject TICKER",
		Short: "Discard a held price",
		Long: `reject discards the price that is held of a ticker. The history stays as it is, and the
price is not stored either if a vendor repeats it. To store the right one instead, use
'papertrade review set'.
` + exitStatuses,
		Example: `  papertrade review reject AAPL
  papertrade review reject AAPL --session 2026-11-20`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeOne(p.completeTickers(heldSymbols)),
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, args []string) error {
			return runReviewReject(ctx, inv, opts, args[0])
		}),
	}
	opts.AddFlags(cmd)
	return cmd
}

func runReviewReject(ctx context.Context, inv *invocation, opts decideOptions, symbol string) error {
	return decide(ctx, inv, opts, symbol, refresh.Review.Reject)
}
