package main

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

type activeTickersOptions struct{ at instant }

func newActiveTickers(a *app) *cobra.Command {
	var opts activeTickersOptions
	cmd := &cobra.Command{
		Use:   "active-tickers",
		Short: "List the active tickers and why each is active",
		Long: `active-tickers lists the tickers whose prices are kept warm, in the order in which
a run would take them: by priority (lower first), then the stalest, then by name.
` + exitStatuses,
		Example: `  papertrade active-tickers
  papertrade active-tickers --days 7 --source transactions
  papertrade active-tickers -o plain | xargs -n1 echo`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runActiveTickers(cmd.Context(), a, opts) },
	}
	opts.AddFlags(cmd)
	completeSettings(cmd)
	return cmd
}

// AddFlags adds the flags of active-tickers; those without a field are settings.
func (o *activeTickersOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.String("days", "", "how many `DAYS` back a transaction makes its ticker active, at least 1")
	f.StringSlice("source", nil, "`SOURCE` of active tickers: watchlist, transactions or holdings; repeatable")
	f.Var(&o.at, "at", atUsage)
}

type activeTicker struct {
	Ticker       marketdata.Ticker `json:"ticker"`
	Sources      []refresh.Source  `json:"sources"`
	Priority     int               `json:"priority"`
	LastTradedAt time.Time         `json:"last_traded_at,omitzero"`
	LastSession  exchange.Date     `json:"last_session,omitzero"`
	Note         string            `json:"note,omitempty"`
}

func runActiveTickers(ctx context.Context, a *app, opts activeTickersOptions) error {
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	active, skipped, err := refresh.Discover(ctx, db, discovery(a.config), a.clock(opts.at)())
	if err != nil {
		return err
	}
	for _, row := range skipped {
		observe(a.log)(refresh.RowSkipped{SkippedRow: row})
	}
	list, noted := []activeTicker{}, false
	view := result{columns: []string{"ticker", "priority", "sources", "last_traded_at", "last_session", "note"}}
	for _, t := range active {
		list = append(list, activeTicker{t.Ticker, t.Sources, t.Priority, t.LastTradedAt, t.State.LastSession, t.State.Note()})
		noted = noted || t.State.Note() != ""
		view.rows = append(view.rows, []string{
			t.Ticker.String(), strconv.Itoa(t.Priority), joinSources(t.Sources), formatTime(t.LastTradedAt), t.State.LastSession.String(), t.State.Note(),
		})
		view.plain = append(view.plain, t.Ticker.String())
	}
	view.json = list
	if !noted && a.output != outputCSV {
		view = view.without("note")
	}
	if len(list) == 0 {
		view.summary = "No ticker is active: add some with 'papertrade watchlist add TICKER…'."
	}
	return a.print(view)
}
