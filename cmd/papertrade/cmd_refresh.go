package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"papertrade/internal/refresh"
)

func newRefresh(p *program) *cobra.Command {
	var opts refreshOptions
	cmd := &cobra.Command{
		Use:   "refresh [TICKER…]",
		Short: "Fetch the prices that are due and commit them batch by batch",
		Long: `refresh finds the active tickers (or takes those named), plans which of them are
due, fetches their quotes within the rate limits and commits them batch by batch.

A ticker is due when its newest stored daily price is older than the newest
completed session of its exchange, or was fetched before that session's close. One
that misses several sessions gets them all by a single call. It is safe to run at
any time and as often as you like: what is fresh is not fetched again, one run at a
time works on a database, and what an interrupted run has committed stays.

If the application has put a price of its own into the newest row of a ticker and
blanked the rest, the ticker is asked for again after all that are due, with a call
that neither this run nor the next one needs. An answer that has more sessions fills
their blanks too.

A price that has moved further than quality.max_move, or as if it were in another
unit, is held until something confirms it: papertrade review lists what is held. Its
ticker has failed, and is asked again for the next session, whose prices settle most
doubts.

Beside the web application's tables, tickers that it cannot read (other than one to
five letters) are left out, with a warning, and refused if they are named; one whose
currency or amount it cannot read has failed. With --any-ticker all of them are stored.

With --if-due it does nothing unless refresh.schedule has fired since the last run
that did not fail: for cron lines that fire more often than needed, and for
machines that are not always on. In between it asks again for sessions that the vendor
had not published: after 1 hour, then 2, 4 and so on, with calls that the next run of
the schedule does not need. With --intraday it refreshes, while their exchange
is open, those entries of the watchlist whose interval (watchlist add --every) has
passed, and leaves the next scheduled run the calls that it needs. If all answers are
of the session before, the key's plan has end-of-day prices only: the run fails, and
those of the next 24 hours ask nothing, unless --force asks again.

One run at a time works on a database: another exits 4 at once, and says which process
of which host is at work where Postgres knows. With --wait it waits that long for the
other run to end, or for a run that died elsewhere to give up its place (within a
minute), and then plans anew: with --if-due it may find nothing left to do.

While the database restarts, fails over or is locked, a run asks it again for up to
database.patience, and loses nothing that it has fetched.

A SQLite file that is missing is made, in a directory that is there. If the last
successful run found one ($XDG_STATE_HOME/papertrade remembers it), a run makes
nothing and fails, since its disk may not be mounted; --init makes it all the same.
` + refreshExitStatuses,
		Example: `  papertrade refresh --dry-run        # show the plan; no call, nothing written
  papertrade refresh                  # what cron runs
  papertrade refresh AAPL BRK.B       # only these
  papertrade refresh --if-due -q      # from a cron line that fires every hour
  papertrade refresh --if-due --wait 10m   # on a second host: takes over from one that dies
  papertrade refresh --intraday -q    # from one that fires every quarter of an hour
  papertrade refresh -o json | jq .counts`,
		ValidArgsFunction: p.completeTickers(activeSymbols),
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, args []string) error {
			return runRefresh(ctx, inv, opts, args)
		}),
	}
	opts.AddFlags(cmd)
	return cmd
}

type refreshOptions struct {
	dryRun, force, ifDue, intraday bool
	init                           initFlag
	wait                           lockWait
	at                             instant
}

// AddFlags adds the flags of refresh; those without a field are settings.
func (o *refreshOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVarP(&o.dryRun, "dry-run", "n", false, "show the plan: make no call, write nothing")
	f.BoolVarP(&o.force, "force", "f", false, "fetch what is fresh too")
	f.BoolVar(&o.ifDue, "if-due", false,
		"only if refresh.schedule has fired since the last run that did not fail, or a session was not out yet")
	f.BoolVar(&o.intraday, "intraday", false, "the watchlist's entries whose interval has passed, while their exchange is open")
	o.wait.AddTo(f)
	o.init.AddTo(f)
	f.Var(&o.at, "at", instantUsage)
	f.String("days", "", "how many `DAYS` back a transaction makes its ticker active")
	addAnyTickerFlag(f)
	addRunFlags(f)
}

func runRefresh(ctx context.Context, inv *invocation, opts refreshOptions, args []string) error {
	tickers, err := parseTickers(args)
	if err != nil {
		return err
	}
	if len(tickers) > 0 && (opts.ifDue || opts.intraday) {
		return wrongUsage("--if-due and --intraday choose the tickers themselves: leave out %s", strings.Join(args, " "))
	}
	if opts.ifDue && opts.intraday {
		return wrongUsage("--if-due and --intraday are runs of different kinds: choose one of them")
	}
	if err := opts.wait.check(opts.dryRun); err != nil {
		return err
	}
	kind := refresh.Scheduled
	switch {
	case opts.intraday:
		kind = refresh.Intraday
	case len(tickers) > 0:
		kind = refresh.Named
	}
	return runJob(ctx, inv, opts.at.clock(inv.now), jobOptions{
		Options: refresh.Options{
			Kind: kind, Tickers: tickers, Force: opts.force, DryRun: opts.dryRun, IfDue: opts.ifDue, Wait: opts.wait.Duration,
		},
		missing: opts.init.missing(), view: refreshView,
	})
}
