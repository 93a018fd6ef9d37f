package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
)

func newPrices(p *program) *cobra.Command {
	var opts pricesOptions
	cmd := &cobra.Command{
		Use:   "prices TICKER",
		Short: "Show the stored daily bars of a ticker, and where some are missing",
		Long: `prices shows the daily bars that are stored of a ticker, and the gaps between
them: the sessions of its exchange that have no bar. On a terminal a chart of the
closes follows, broken off and marked where sessions are missing. A bar is marked as
incomplete where the application has put a price of its own and blanked the rest:
'papertrade backfill' fills it. A price that is held because it may be wrong is not
one of the bars; it is marked, with why it is held, and 'papertrade review' settles
it. -o csv and -o plain leave it out, -o json has it apart.
` + exitStatuses,
		Example: `  papertrade prices AAPL
  papertrade prices AAPL --from 2026-01-01 --to 2026-06-30
  papertrade prices TSCO.LON -o csv > tesco.csv
  papertrade prices AAPL -o json | jq .gaps`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeOne(p.completeTickers(knownSymbols)),
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, args []string) error {
			return runPrices(ctx, inv, opts, args[0])
		}),
	}
	opts.AddFlags(cmd)
	return cmd
}

type pricesOptions struct{ dateRange }

// AddFlags adds the flags of prices.
func (o *pricesOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(&o.from, "from", "first `DATE` to show, like 2026-07-04")
	f.Var(&o.to, "to", "last `DATE` to show")
}

func runPrices(ctx context.Context, inv *invocation, opts pricesOptions, symbol string) error {
	tickers, err := parseTickers([]string{symbol})
	if err != nil {
		return err
	}
	if err := opts.check(); err != nil {
		return err
	}
	db, err := openForReading(ctx, inv.config)
	if err != nil {
		return err
	}
	defer db.Close()
	// All of them, since a gap can reach beyond the range.
	stored, err := db.Bars(ctx, tickers, exchange.Date{}, exchange.Date{})
	if err != nil {
		return err
	}
	states, err := db.States(ctx, tickers)
	if err != nil {
		return err
	}
	ticker := tickers[0]
	state := states[ticker]
	beside := notStored(state.Held, stored[ticker])
	gaps := history.Gaps(ticker.Calendar(), stored[ticker], explained(state.Absent, beside), opts.from.Date, opts.to.Date)
	bars := slices.DeleteFunc(stored[ticker], func(b history.StoredBar) bool { return !opts.contains(b.Session) })
	if len(gaps) > 0 && !ticker.HasCalendar() {
		inv.log.observe(refresh.CalendarUnknown{Suffix: ticker.Suffix(), Tickers: tickers})
	}
	held := slices.DeleteFunc(beside, func(b history.HeldBar) bool { return !opts.contains(b.Session) })
	return inv.print(pricesView(storedPrices{
		ticker: ticker, asked: opts.dateRange, bars: bars, gaps: gaps, absent: state.Absent,
		splits: history.Pending(state.Splits), held: held,
	}, inv.width()))
}

// notStored returns the held and rejected bars of sessions that have no complete stored bar.
func notStored(held []history.HeldBar, stored []history.StoredBar) []history.HeldBar {
	return slices.DeleteFunc(slices.Clone(held), func(h history.HeldBar) bool {
		bar, found := history.StoredOf(stored, h.Session)
		return found && !bar.Incomplete
	})
}

// explained returns the sessions without a bar that are not a gap, ascending: those that the vendor does not have, and those
// of held and rejected bars.
func explained(absent []exchange.Date, held []history.HeldBar) []exchange.Date {
	sessions := slices.Clone(absent)
	for _, h := range held {
		sessions = append(sessions, h.Session)
	}
	slices.SortFunc(sessions, exchange.Date.Compare)
	return slices.Compact(sessions)
}
