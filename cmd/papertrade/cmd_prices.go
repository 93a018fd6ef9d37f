package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

type pricesOptions struct{ from, to date }

func newPrices(a *app) *cobra.Command {
	var opts pricesOptions
	cmd := &cobra.Command{
		Use:   "prices TICKER",
		Short: "Show the stored daily bars of a ticker, and where some are missing",
		Long: `prices shows the daily bars that are stored of a ticker, and the gaps between
them: the sessions of its exchange that have no bar. On a terminal a chart of the
closes follows, broken off and marked where sessions are missing.
` + exitStatuses,
		Example: `  papertrade prices AAPL
  papertrade prices AAPL --from 2026-01-01 --to 2026-06-30
  papertrade prices TSCO.LON -o csv > tesco.csv
  papertrade prices AAPL -o json | jq .gaps`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: oneArgument(a.completeTickers(knownSymbols)),
		RunE:              func(cmd *cobra.Command, args []string) error { return runPrices(cmd.Context(), a, opts, args[0]) },
	}
	opts.AddFlags(cmd)
	return cmd
}

// AddFlags adds the flags of prices.
func (o *pricesOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(&o.from, "from", "first `DATE` to show, like 2026-07-04")
	f.Var(&o.to, "to", "last `DATE` to show")
}

func runPrices(ctx context.Context, a *app, opts pricesOptions, symbol string) error {
	tickers, err := parseTickers([]string{symbol})
	if err != nil {
		return err
	}
	if err := checkRange(opts.from, opts.to); err != nil {
		return err
	}
	db, err := a.openToRead(ctx)
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
	calendar, known := ticker.Calendar(), ticker.HasCalendar()
	gaps := history.Gaps(calendar, stored[ticker], state.Absent, opts.from.Date, opts.to.Date)
	bars := slices.DeleteFunc(stored[ticker], func(b history.StoredBar) bool {
		return b.Session.Before(opts.from.Date) || !opts.to.IsZero() && b.Session.After(opts.to.Date)
	})
	if len(gaps) > 0 && !known {
		suffix := ticker.String()[strings.LastIndexByte(ticker.String(), '.'):]
		observe(a.log)(refresh.CalendarUnknown{Suffix: suffix, Tickers: tickers})
	}
	return a.printPrices(ticker, bars, gaps, history.Pending(state.Splits), opts)
}

type storedPrices struct {
	Ticker   marketdata.Ticker `json:"ticker"`
	Currency string            `json:"currency,omitempty"` // of all bars, where it is one
	Bars     []storedBar       `json:"bars"`
	Gaps     []history.Gap     `json:"gaps"`
	// Splits are those that the stored history lacks: bars before them are on another scale.
	Splits []refresh.SplitReport `json:"splits,omitempty"`
}

type storedBar struct {
	Session   exchange.Date `json:"session"`
	Open      string        `json:"open,omitempty"`
	High      string        `json:"high,omitempty"`
	Low       string        `json:"low,omitempty"`
	Close     string        `json:"close"`
	Volume    *int64        `json:"volume,omitempty"`
	Currency  string        `json:"currency,omitempty"` // where the bars have several
	Source    string        `json:"source"`
	FetchedAt time.Time     `json:"fetched_at,omitzero"`
}

func (a *app) printPrices(ticker marketdata.Ticker, bars []history.StoredBar, gaps []history.Gap, marks []history.Split, opts pricesOptions) error {
	list := storedPrices{Ticker: ticker, Bars: []storedBar{}, Gaps: append([]history.Gap{}, gaps...)}
	view := result{
		columns: []string{"session", "open", "high", "low", "close", "volume", "currency", "source", "note"},
		summary: summaryOfBars(ticker, bars, gaps, opts),
	}
	for _, split := range marks {
		list.Splits = append(list.Splits, refresh.SplitReport{Session: split.Session, Ratio: split.String()})
		view.summary += fmt.Sprintf("\nIt looks like a %s split at %s: if it is one, 'papertrade backfill %s --rebase' brings the bars before it on the same scale.",
			split, split.Session, ticker)
	}
	currencies := currenciesOf(bars)
	if len(currencies) == 1 {
		list.Currency = currencies[0]
		view.chart = drawCloses(closesOf(bars, inner(gaps, bars)), bars[0].Session, bars[len(bars)-1].Session, a.terminalWidth())
	}
	for _, b := range bars {
		bar := listed(b)
		view.rows = append(view.rows, []string{
			bar.Session.String(), bar.Open, bar.High, bar.Low, bar.Close, formatVolume(bar.Volume), b.Currency, bar.Source, "",
		})
		view.plain = append(view.plain, bar.Session.String()+"\t"+bar.Close)
		if len(currencies) > 1 {
			bar.Currency = b.Currency
		}
		list.Bars = append(list.Bars, bar)
	}
	view.json = list
	if len(gaps) == 0 || a.output == outputCSV {
		return a.print(view.without("note"))
	}
	for _, gap := range gaps {
		view.rows = append(view.rows, rowOfGap(gap))
	}
	slices.SortFunc(view.rows, func(a, b []string) int { return cmp.Compare(a[0], b[0]) })
	return a.print(view)
}

// inner are the gaps between bars.
func inner(gaps []history.Gap, bars []history.StoredBar) []history.Gap {
	return slices.DeleteFunc(slices.Clone(gaps), func(g history.Gap) bool {
		return g.To.Before(bars[0].Session) || g.From.After(bars[len(bars)-1].Session)
	})
}

// closesOf are the closes of bars to draw, NaN where a session is missing.
func closesOf(bars []history.StoredBar, gaps []history.Gap) []float64 {
	var closes []float64
	for _, b := range bars {
		if len(gaps) > 0 && gaps[0].From.Before(b.Session) {
			closes = append(closes, slices.Repeat([]float64{math.NaN()}, gaps[0].Sessions)...)
			gaps = gaps[1:]
		}
		closes = append(closes, b.Close.InexactFloat64())
	}
	return closes
}

func currenciesOf(bars []history.StoredBar) []string {
	var all []string
	for _, b := range bars {
		all = append(all, b.Currency)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func listed(b history.StoredBar) storedBar {
	return storedBar{
		Session: b.Session, Open: formatOptional(b.Open), High: formatOptional(b.High), Low: formatOptional(b.Low),
		Close: marketdata.FormatPrice(b.Close), Volume: b.Volume, Source: b.Source, FetchedAt: b.FetchedAt,
	}
}

// formatOptional is a price with all its digits; "" where there is none.
func formatOptional(d decimal.NullDecimal) string {
	if !d.Valid {
		return ""
	}
	return marketdata.FormatPrice(d.Decimal)
}

// formatVolume is a number of shares; "" where there is none.
func formatVolume(volume *int64) string {
	if volume == nil {
		return ""
	}
	return strconv.FormatInt(*volume, 10)
}

func rowOfGap(gap history.Gap) []string {
	note := count(gap.Sessions, "session", "sessions") + " missing"
	if gap.Sessions > 1 {
		note += ", up to " + gap.To.String()
	}
	return []string{gap.From.String(), "", "", "", "", "", "", "", note}
}

func summaryOfBars(ticker marketdata.Ticker, bars []history.StoredBar, gaps []history.Gap, opts pricesOptions) string {
	switch len(bars) {
	case 0:
		return summaryOfNoBars(ticker, opts)
	case 1:
		if len(gaps) == 0 {
			return "1 bar, of " + bars[0].Session.String() + "."
		}
	}
	text := fmt.Sprintf("%s from %s to %s", count(len(bars), "bar", "bars"), bars[0].Session, bars[len(bars)-1].Session)
	if currencies := currenciesOf(bars); len(currencies) > 1 {
		text += " in " + strings.Join(currencies, " and ")
	}
	if len(gaps) == 0 {
		return text + ", without a gap."
	}
	missing, them := 0, "them"
	for _, gap := range gaps {
		missing += gap.Sessions
	}
	if len(gaps) == 1 {
		them = "it"
	}
	return fmt.Sprintf("%s; %s, %s missing: 'papertrade backfill %s --from %s --to %s' fills %s.", text, count(len(gaps), "gap", "gaps"),
		count(missing, "session", "sessions"), ticker, gaps[0].From, gaps[len(gaps)-1].To, them)
}

func summaryOfNoBars(ticker marketdata.Ticker, opts pricesOptions) string {
	span := ""
	if !opts.from.IsZero() {
		span = " from " + opts.from.String() + " on"
	}
	if !opts.to.IsZero() {
		span = strings.TrimSuffix(span, " on") + " up to " + opts.to.String()
	}
	return fmt.Sprintf("No daily bar of %s is stored%s: 'papertrade refresh %s' fetches the newest, 'papertrade backfill %[1]s --from DATE' more.",
		ticker, span, ticker)
}
