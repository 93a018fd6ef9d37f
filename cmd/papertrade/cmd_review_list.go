package main

import (
	"context"

	"github.com/spf13/cobra"

	"papertrade/internal/refresh"
)

func newReviewList(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the prices that are held, and why",
		Long: `list shows the prices that are held, why each is, and what speaks for and against it.
They are in the currency in which they would be stored.
` + exitStatuses,
		Example: `  papertrade review list
  papertrade review list -o json | jq '.[].evidence'
  papertrade review list -o plain | wc -l`,
		Args: cobra.NoArgs,
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, _ []string) error { return runReviewList(ctx, inv) }),
	}
}

func runReviewList(ctx context.Context, inv *invocation) error {
	db, err := openForReading(ctx, inv.config)
	if err != nil {
		return err
	}
	defer db.Close()
	held, err := refresh.WaitingBars(ctx, db)
	if err != nil {
		return err
	}
	return inv.print(reviewView(held, inv.width()))
}
