package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func newReviewSet(p *program) *cobra.Command {
	var opts reviewSetOptions
	cmd := &cobra.Command{
		Use:   "set TICKER",
		Short: "Store a price by hand, which no run overwrites",
		Long: `set stores the bar of a completed session by hand, whether or not a price of it is held
or stored. Its source is 'manual', and no run overwrites it. A price that is held of the
session is rejected, unless it has the same close.

Prices are in the currency that 'papertrade prices' shows: in pounds where quotes are in
pence. Open, high and low that are not given are removed; the volume stays if none is
given.
` + exitStatuses,
		Example: `  papertrade review set AAPL --session 2026-11-20 --close 192.53
  papertrade review set TSCO.LON --session 2026-11-20 --close 4.513 --open 4.48 --high 4.52 --low 4.47 --volume 18203344`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeOne(p.completeTickers(knownSymbols)),
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, args []string) error {
			return runReviewSet(ctx, inv, opts, args[0])
		}),
	}
	opts.AddFlags(cmd)
	return cmd
}

type reviewSetOptions struct {
	session                date
	close, open, high, low price
	volume                 volume
	at                     instant
}

// AddFlags adds the flags of review set.
func (o *reviewSetOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(&o.session, "session", "`DATE` of the trading day, like 2026-11-20")
	f.Var(&o.close, "close", "closing `PRICE`, like 192.53")
	f.Var(&o.open, "open", "opening `PRICE`")
	f.Var(&o.high, "high", "highest `PRICE`")
	f.Var(&o.low, "low", "lowest `PRICE`")
	f.Var(&o.volume, "volume", "how many shares `N` were traded")
	f.Var(&o.at, "at", instantUsage)
	addAnyTickerFlag(f)
}

func runReviewSet(ctx context.Context, inv *invocation, opts reviewSetOptions, symbol string) error {
	tickers, err := parseTickers([]string{symbol})
	if err != nil {
		return err
	}
	at := opts.at.clock(inv.now)()
	if err := opts.check(tickers[0].Calendar(), at); err != nil {
		return err
	}
	bar := marketdata.Bar{
		Ticker: tickers[0], Session: opts.session.Date, Currency: inv.config.Currencies.Of(tickers[0]).Code(),
		Open: opts.open.NullDecimal, High: opts.high.NullDecimal, Low: opts.low.NullDecimal, Close: opts.close.Decimal,
		Volume: opts.volume.int64,
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
	if err := (refresh.Review{Store: db, At: at, ReadableOnly: only}).Set(ctx, bar); err != nil {
		return explainDecision(err)
	}
	if !inv.wantsResult() {
		return nil
	}
	return inv.print(setView(bar, at))
}

// check returns what is wrong with the flags: a bar that is not one of its exchange, or that contradicts itself.
func (o reviewSetOptions) check(calendar *exchange.Exchange, at time.Time) error {
	switch {
	case o.session.IsZero():
		return wrongUsage("--session is missing: name the trading day, like --session 2026-11-20")
	case !o.close.Valid:
		return wrongUsage("--close is missing: write a price, like --close 192.53")
	}
	session, found := calendar.Session(o.session.Date)
	switch {
	case !found:
		return wrongUsage("--session %s: the exchange is closed on that day: name one of its trading days", o.session)
	case session.Close.After(at):
		return wrongUsage("--session %s: that session closes at %s: set its price after that", o.session, formatTime(session.Close))
	}
	return o.checkRange()
}

// checkRange reports prices that are not within the lowest and the highest.
func (o reviewSetOptions) checkRange() error {
	for _, within := range []struct {
		flag string
		price
	}{{"--open", o.open}, {"--close", o.close}, {"--low", o.low}} {
		switch {
		case !within.Valid:
		case o.high.Valid && within.Decimal.GreaterThan(o.high.Decimal):
			return wrongUsage("%s %s is above --high %s: correct one of them", within.flag, &within.price, &o.high)
		case o.low.Valid && within.Decimal.LessThan(o.low.Decimal):
			return wrongUsage("%s %s is below --low %s: correct one of them", within.flag, &within.price, &o.low)
		}
	}
	return nil
}
