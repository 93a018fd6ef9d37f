package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
)

func newBackfill(p *program) *cobra.Command {
	var opts backfillOptions
	cmd := &cobra.Command{
		Use:   "backfill [TICKER…]",
		Short: "Fill the gaps in the stored daily history",
		Long: `backfill finds the sessions since --from that have no daily bar, of the active
tickers or of those named, and fetches them with the fewest calls: one per ticker. A
call brings the newest 100 sessions, or all if the key's plan includes full series;
whether it does is found out once. What is out of reach is counted.

Like refresh it keeps to the rate limits, commits batch by batch and can be run again
at any time, also after it was interrupted: what is stored is not asked for again. A
stored bar stays as it is, unless --force fetches all sessions again as the vendor
has them. One where the application has put a price of its own and blanked the rest
counts as missing, and is filled. The next scheduled run is left the calls that it
needs.

If what is fetched differs from what is stored by the ratio of a split, the split is
reported and marked: the bars before it are on another scale. --rebase fetches all
that is stored of the named tickers again and brings it to one scale; with --dry-run
it shows what the splits that are marked make of each stored bar.

--pending processes the application's table backfill_tasks instead, urgent tasks
first; on Postgres several processes can do so side by side. A task whose ticker or
dates cannot be read, or that cannot be fulfilled, is failed for good, with its
reason in the table, in the report and in error_message; the exit status is then 3,
unless their share is within max_error_rate. One about a session that is not out yet
stays pending until it is, or fails once the vendor has a later one or three later
sessions were completed. It is asked for again after 1 h, then 2, 4 and so on.

One backfill at a time works on a database: with --wait another one waits that long for
it to end, instead of exiting 4 at once.

If a SQLite file is missing that the last successful run found, nothing is made,
since its disk may not be mounted, unless with --init.
` + refreshExitStatuses,
		Example: `  papertrade backfill --from 2021-01-01 --dry-run      # show the plan; no call, nothing written
  papertrade backfill --from 2021-01-01                # of all active tickers
  papertrade backfill AAPL BRK.B --from 2026-10-01 --to 2026-10-31
  papertrade backfill NVDA --rebase --dry-run          # show what a split makes of each bar
  papertrade backfill NVDA --rebase                    # after a split
  papertrade backfill --pending -q                     # what the application asks for`,
		ValidArgsFunction: p.completeTickers(knownSymbols),
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, args []string) error {
			return runBackfill(ctx, inv, opts, args)
		}),
	}
	opts.AddFlags(cmd)
	return cmd
}

type backfillOptions struct {
	dateRange
	dryRun, force, rebase, pending bool
	init                           initFlag
	wait                           lockWait
	at                             instant
}

// AddFlags adds the flags of backfill; those without a field are settings.
func (o *backfillOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(&o.from, "from", "first `DATE` of the range, like 2021-01-01")
	f.Var(&o.to, "to", "last `DATE` of the range (default: the newest completed session)")
	f.BoolVarP(&o.dryRun, "dry-run", "n", false, "show the plan: make no call, write nothing")
	f.BoolVarP(&o.force, "force", "f", false, "fetch what is stored too, and overwrite it")
	f.BoolVar(&o.rebase, "rebase", false, "instead of a range: all that is stored of the named tickers, on one scale")
	f.BoolVar(&o.pending, "pending", false, "instead of a range: the application's backfill_tasks")
	o.wait.AddTo(f)
	o.init.AddTo(f)
	f.Var(&o.at, "at", instantUsage)
	addAnyTickerFlag(f)
	addRunFlags(f)
}

func runBackfill(ctx context.Context, inv *invocation, opts backfillOptions, args []string) error {
	tickers, err := parseTickers(args)
	if err != nil {
		return err
	}
	if err := opts.check(args, exchange.DateOf(opts.at.clock(inv.now)())); err != nil {
		return err
	}
	kind := refresh.Backfill
	if opts.pending {
		kind = refresh.Tasks
	}
	view := backfillView
	if opts.rebase && opts.dryRun {
		view = rebasePlanView
	}
	return runJob(ctx, inv, opts.at.clock(inv.now), jobOptions{
		Options: refresh.Options{
			Kind: kind, Tickers: tickers, Force: opts.force, DryRun: opts.dryRun,
			Range: refresh.Range{From: opts.from.Date, To: opts.to.Date}, Rebase: opts.rebase, Wait: opts.wait.Duration,
		},
		missing: opts.init.missing(), view: view,
	})
}

// check reports what is wrong with the flags, by themselves and together with the tickers that are named.
func (o *backfillOptions) check(tickers []string, today exchange.Date) error {
	hasRange := !o.from.IsZero() || !o.to.IsZero()
	switch {
	case o.pending && (hasRange || o.rebase || o.force || len(tickers) > 0):
		return wrongUsage("--pending takes tickers and dates from the application's tasks: " +
			"leave out the tickers, --from, --to, --rebase and --force")
	case o.rebase && (hasRange || o.force):
		return wrongUsage("--rebase fetches all that is stored: leave out --from, --to and --force")
	case o.rebase && len(tickers) == 0:
		return wrongUsage("--rebase needs the tickers that it is for: papertrade backfill TICKER --rebase")
	case !o.pending && !o.rebase && o.from.IsZero():
		return wrongUsage("from when on? Say it with --from DATE, as in: papertrade backfill %s",
			strings.TrimSpace(strings.Join(tickers, " ")+" --from 2021-01-01"))
	}
	if err := o.wait.check(o.dryRun); err != nil {
		return err
	}
	if err := o.dateRange.check(); err != nil {
		return err
	}
	if o.from.After(today) {
		return wrongUsage("--from %s is in the future: choose a day up to today", o.from)
	}
	return nil
}
