package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/pflag"

	"papertrade/internal/config"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// discovery returns where the settings have the active tickers of a database come from.
func discovery(ctx context.Context, c *config.Config, db store) (d refresh.Discovery, err error) {
	d.ActiveDays = c.Discovery.ActiveDays
	for _, source := range c.Discovery.Sources {
		d.Sources = append(d.Sources, refresh.Source(source))
	}
	d.ReadableOnly, err = readableOnly(ctx, c, db)
	return d, err
}

// readableOnly reports whether the tickers and prices of a database are to be such as the web application can read.
func readableOnly(ctx context.Context, c *config.Config, db store) (bool, error) {
	if c.Discovery.AnyTicker {
		return false, nil
	}
	return db.HasApplication(ctx)
}

// addAnyTickerFlag adds the flag of the setting that readableOnly goes by.
func addAnyTickerFlag(f *pflag.FlagSet) {
	f.Bool("any-ticker", false, "also tickers and prices that the web application cannot read, where its tables are")
}

// refuseUnreadable returns what is wrong with tickers of a command line that the web application cannot read.
func refuseUnreadable(tickers iter.Seq[marketdata.Ticker]) error {
	var problems []error
	for ticker := range tickers {
		if err := refresh.CheckReadable(ticker); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return wrongUsage("%w", explainUnreadable(errors.Join(problems...)))
}

// explainUnreadable adds to an error about what the web application cannot read what can be done about it.
func explainUnreadable(err error) error {
	if !errors.As(err, new(*refresh.UnreadableError)) {
		return err
	}
	return fmt.Errorf("%w; --any-ticker, or discovery.any_ticker = true, takes it all the same", err)
}

func joinSources(sources []refresh.Source) string {
	names := make([]string, len(sources))
	for i, source := range sources {
		names[i] = string(source)
	}
	return strings.Join(names, ", ")
}

// normalizeSymbol returns a symbol as symbols are compared.
func normalizeSymbol(symbol string) string { return strings.ToUpper(strings.TrimSpace(symbol)) }
