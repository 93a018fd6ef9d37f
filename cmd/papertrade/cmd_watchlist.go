package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"papertrade/internal/config"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

func newWatchlist(a *app) *cobra.Command {
	var opts watchlistListOptions
	cmd := &cobra.Command{
		Use:   "watchlist",
		Short: "Keep the list of tickers that are always refreshed",
		Long: `watchlist keeps the list of tickers that are always refreshed, whether or not
somebody trades them. Without a subcommand it lists them.
` + exitStatuses,
		Example: `  papertrade watchlist
  papertrade watchlist add BRK.B TSCO.LON --priority 10
  papertrade watchlist remove META
  papertrade watchlist export > watchlist.csv
  papertrade watchlist import watchlist.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runWatchlistList(cmd.Context(), a, opts) },
	}
	opts.AddFlags(cmd)
	cmd.AddCommand(newWatchlistList(a), newWatchlistAdd(a), newWatchlistRemove(a), newWatchlistImport(a), newWatchlistExport(a))
	return cmd
}

type watchlistListOptions struct{ all bool }

func newWatchlistList(a *app) *cobra.Command {
	var opts watchlistListOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the watchlist by priority",
		Long:  "list shows the watchlist by priority, lower first.\n" + exitStatuses,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return runWatchlistList(cmd.Context(), a, opts) },
	}
	opts.AddFlags(cmd)
	return cmd
}

// AddFlags adds the flags of watchlist list.
func (o *watchlistListOptions) AddFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&o.all, "all", "a", false, "show removed tickers too")
}

func runWatchlistList(ctx context.Context, a *app, opts watchlistListOptions) error {
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	entries, err := db.Watchlist(ctx, opts.all)
	if err != nil {
		return err
	}
	return a.printWatchlist(entries)
}

type watchlistAddOptions struct {
	priority int
	every    string
}

func newWatchlistAdd(a *app) *cobra.Command {
	var opts watchlistAddOptions
	cmd := &cobra.Command{
		Use:   "add TICKER…",
		Short: "Add tickers to the watchlist, or wake up removed ones",
		Long: `add puts tickers on the watchlist. Those that are on it, or were removed from it,
are made active and keep their priority and interval, unless a flag sets them.
` + exitStatuses,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runWatchlistAdd(cmd.Context(), a, opts, args, cmd.Flags().Changed("priority"))
		},
	}
	opts.AddFlags(cmd)
	return cmd
}

// AddFlags adds the flags of watchlist add.
func (o *watchlistAddOptions) AddFlags(cmd *cobra.Command) {
	cmd.Flags().IntVarP(&o.priority, "priority", "p", refresh.DefaultPriority, "priority `N`: 1 first … 100 last")
	cmd.Flags().StringVar(&o.every, "every", "", "refresh interval: a `DURATION` like 5m or 1d (default 5m)")
}

func runWatchlistAdd(ctx context.Context, a *app, opts watchlistAddOptions, args []string, setsPriority bool) error {
	tickers, err := parseTickers(args)
	if err != nil {
		return err
	}
	var priority *int
	if setsPriority {
		if opts.priority < refresh.FirstPriority || opts.priority > refresh.LastPriority {
			return wrongUsage("--priority %d: choose %d (first) to %d (last)", opts.priority, refresh.FirstPriority, refresh.LastPriority)
		}
		priority = &opts.priority
	}
	var every *time.Duration
	if opts.every != "" {
		interval, err := config.ParseDuration(opts.every)
		if err != nil {
			return wrongUsage("--every: %w", err)
		}
		if interval < time.Second || interval%time.Second != 0 || interval/time.Second > math.MaxInt32 {
			return wrongUsage("--every %s: choose whole seconds, at least 1s", opts.every)
		}
		every = &interval
	}
	var changes []refresh.WatchlistChange
	for _, ticker := range tickers {
		changes = append(changes, refresh.WatchlistChange{Ticker: ticker, Priority: priority, RefreshInterval: every})
	}
	return a.changeWatchlist(ctx, changes)
}

func wrongUsage(format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...)}
}

func newWatchlistRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "remove TICKER…",
		Short: "Remove tickers from the watchlist",
		Long: `remove makes tickers of the watchlist inactive. Their rows are kept, and 'watchlist
add' wakes them up. A ticker that is not on the watchlist is an error; the others
are removed all the same.
` + exitStatuses,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runWatchlistRemove(cmd.Context(), a, args) },
	}
}

func runWatchlistRemove(ctx context.Context, a *app, args []string) error {
	tickers, err := parseTickers(args)
	if err != nil {
		return err
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	missing, err := db.RemoveFromWatchlist(ctx, tickers, a.now())
	if err != nil {
		return err
	}
	removed := slices.DeleteFunc(tickers, func(t marketdata.Ticker) bool { return slices.Contains(missing, t) })
	if err := a.printChanged(ctx, db, removed); err != nil {
		return err
	}
	if len(missing) > 0 {
		names := make([]string, len(missing))
		for i, ticker := range missing {
			names[i] = ticker.String()
		}
		return fmt.Errorf("not on the watchlist: %s", strings.Join(names, ", "))
	}
	return nil
}

func newWatchlistImport(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Add the tickers of a file to the watchlist",
		Long: `import adds the tickers of a file, or of stdin for '-', to the watchlist: one ticker a
line, or CSV of ticker,priority. Empty lines and those that start with # are
skipped, and so is a first line 'ticker,priority'. Where a line is wrong nothing is
added, and every wrong line is named.
` + exitStatuses,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runWatchlistImport(cmd.Context(), a, args[0]) },
	}
}

func runWatchlistImport(ctx context.Context, a *app, path string) error {
	content, err := a.readAll(path)
	if err != nil {
		return wrongUsage("read the tickers to import: %w", err)
	}
	changes, err := parseWatchlist(path, content)
	if err != nil {
		return err
	}
	if len(changes) == 0 {
		return wrongUsage("%s holds no ticker: write one a line, or ticker,priority", path)
	}
	return a.changeWatchlist(ctx, changes)
}

func (a *app) readAll(path string) (string, error) {
	if path == "-" {
		content, err := io.ReadAll(a.stdin)
		return string(content), err
	}
	content, err := os.ReadFile(path)
	return string(content), err
}

// parseWatchlist reads what import takes. The error names every line that is wrong.
func parseWatchlist(path, content string) ([]refresh.WatchlistChange, error) {
	content = strings.TrimPrefix(content, "\ufeff")
	var changes []refresh.WatchlistChange
	var problems []error
	lineOf := map[marketdata.Ticker]int{}
	number := 0
	for line := range strings.Lines(content) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || len(lineOf) == 0 && strings.EqualFold(strings.ReplaceAll(line, " ", ""), "ticker,priority") {
			continue
		}
		change, err := parseWatchlistLine(line)
		if first, found := lineOf[change.Ticker]; err == nil && found {
			err = fmt.Errorf("%s is on line %d already", change.Ticker, first)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", path, number, err))
			continue
		}
		lineOf[change.Ticker] = number
		changes = append(changes, change)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, wrongUsage("nothing was imported:\n%w", err)
	}
	return changes, nil
}

func parseWatchlistLine(line string) (refresh.WatchlistChange, error) {
	symbol, rest, hasPriority := strings.Cut(line, ",")
	ticker, err := marketdata.ParseTicker(strings.Trim(strings.TrimSpace(symbol), `"`))
	if err != nil {
		return refresh.WatchlistChange{}, err
	}
	change := refresh.WatchlistChange{Ticker: ticker}
	if rest = strings.Trim(strings.TrimSpace(rest), `"`); !hasPriority || rest == "" {
		return change, nil
	}
	priority, err := strconv.Atoi(rest)
	if err != nil || priority < refresh.FirstPriority || priority > refresh.LastPriority {
		return change, fmt.Errorf("%q is not a priority: choose %d (first) to %d (last)", rest, refresh.FirstPriority, refresh.LastPriority)
	}
	change.Priority = &priority
	return change, nil
}

func newWatchlistExport(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "export",
		Short: "Print the watchlist as 'watchlist import' reads it",
		Long:  "export prints the watchlist as CSV of ticker,priority, which 'watchlist import' reads.\n" + exitStatuses,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return runWatchlistExport(cmd.Context(), a) },
	}
}

func runWatchlistExport(ctx context.Context, a *app) error {
	if a.output != "" && a.output != outputCSV {
		return wrongUsage("export prints CSV: use 'papertrade watchlist list -o %s'", a.output)
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	entries, err := db.Watchlist(ctx, false)
	if err != nil {
		return err
	}
	a.output = outputCSV
	view := result{columns: []string{"ticker", "priority"}}
	for _, e := range entries {
		ticker, err := marketdata.ParseTicker(e.Symbol)
		if err != nil {
			a.log.Warn().Str("source", string(refresh.SourceWatchlist)).Err(err).Msg("row skipped")
			continue
		}
		view.rows = append(view.rows, []string{ticker.String(), strconv.Itoa(e.Priority)})
	}
	return a.print(view)
}

func (a *app) changeWatchlist(ctx context.Context, changes []refresh.WatchlistChange) error {
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.AddToWatchlist(ctx, changes, a.now()); err != nil {
		return err
	}
	var tickers []marketdata.Ticker
	for _, change := range changes {
		tickers = append(tickers, change.Ticker)
	}
	return a.printChanged(ctx, db, tickers)
}

// printChanged shows the rows of some tickers as they are now.
func (a *app) printChanged(ctx context.Context, db store, tickers []marketdata.Ticker) error {
	if !a.asksForResult() || len(tickers) == 0 && a.output == "" {
		return nil
	}
	entries, err := db.Watchlist(ctx, true)
	if err != nil {
		return err
	}
	changed := slices.DeleteFunc(entries, func(e refresh.WatchlistEntry) bool {
		ticker, err := marketdata.ParseTicker(e.Symbol)
		return err != nil || !slices.Contains(tickers, ticker)
	})
	return a.printWatchlist(changed)
}

type watchlistEntry struct {
	Ticker                 string    `json:"ticker"`
	Priority               int       `json:"priority"`
	RefreshIntervalSeconds int64     `json:"refresh_interval_seconds"`
	IsActive               bool      `json:"is_active"`
	LastRefreshAt          time.Time `json:"last_refresh_at,omitzero"`
	NextRefreshAt          time.Time `json:"next_refresh_at,omitzero"`
}

func (a *app) printWatchlist(entries []refresh.WatchlistEntry) error {
	list := []watchlistEntry{}
	view := result{columns: []string{"ticker", "priority", "refresh_interval_seconds", "is_active", "last_refresh_at", "next_refresh_at"}}
	for _, e := range entries {
		list = append(list, watchlistEntry{e.Symbol, e.Priority, int64(e.RefreshInterval.Seconds()), e.IsActive, e.LastRefreshAt, e.NextRefreshAt})
		view.rows = append(view.rows, []string{
			e.Symbol, strconv.Itoa(e.Priority), strconv.Itoa(int(e.RefreshInterval.Seconds())), strconv.FormatBool(e.IsActive),
			formatTime(e.LastRefreshAt), formatTime(e.NextRefreshAt),
		})
		view.plain = append(view.plain, e.Symbol)
	}
	view.json = list
	if len(list) == 0 {
		view.summary = "The watchlist is empty: add tickers with 'papertrade watchlist add TICKER…'."
	}
	return a.print(view)
}
