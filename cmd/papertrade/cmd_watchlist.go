package main

import (
	"context"
	"encoding/csv"
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
		Example: `  papertrade watchlist list
  papertrade watchlist list --all
  papertrade watchlist list -o plain | wc -l`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runWatchlistList(cmd.Context(), a, opts) },
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
	priority priority
	every    string
}

// priority is the flag --priority; nil where it is not given.
type priority struct{ *int }

func (p *priority) Set(s string) error {
	n, err := parsePriority(s)
	p.int = &n
	return err
}

func (p *priority) String() string {
	if p.int == nil {
		return ""
	}
	return strconv.Itoa(*p.int)
}

func (p *priority) Type() string { return "N" }

func parsePriority(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < refresh.FirstPriority || n > refresh.LastPriority {
		return 0, fmt.Errorf("%q is not a priority: choose %d (first) to %d (last)", s, refresh.FirstPriority, refresh.LastPriority)
	}
	return n, nil
}

func newWatchlistAdd(a *app) *cobra.Command {
	var opts watchlistAddOptions
	cmd := &cobra.Command{
		Use:   "add TICKER…",
		Short: "Add tickers to the watchlist, or wake up removed ones",
		Long: `add puts tickers on the watchlist. Those that are on it, or were removed from it,
are made active and keep their priority and interval, unless a flag sets them.
` + exitStatuses,
		Example: `  papertrade watchlist add IBM BRK.B
  papertrade watchlist add TSCO.LON --priority 10 --every 15m`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeTickers(unwatchedSymbols),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runWatchlistAdd(cmd.Context(), a, opts, args)
		},
	}
	opts.AddFlags(cmd)
	return cmd
}

// AddFlags adds the flags of watchlist add.
func (o *watchlistAddOptions) AddFlags(cmd *cobra.Command) {
	cmd.Flags().VarP(&o.priority, "priority", "p", "priority `N`: 1 first … 100 last (default 100); up to 10 it is refreshed every session, however scarce the quota")
	cmd.Flags().StringVar(&o.every, "every", "", "refresh interval: a `DURATION` like 5m or 1d (default 5m)")
}

func runWatchlistAdd(ctx context.Context, a *app, opts watchlistAddOptions, args []string) error {
	tickers, err := parseTickers(args)
	if err != nil {
		return err
	}
	var every *time.Duration
	if opts.every != "" {
		interval, err := config.ParseDuration(opts.every)
		if err != nil {
			return wrongUsage("--every: %w", err)
		}
		if interval < time.Second || interval%time.Second != 0 || interval/time.Second > math.MaxInt32 {
			return wrongUsage("--every %s: choose whole seconds, from 1s to %dd", opts.every, math.MaxInt32/(24*60*60))
		}
		every = &interval
	}
	var changes []refresh.WatchlistChange
	for _, ticker := range tickers {
		changes = append(changes, refresh.WatchlistChange{Ticker: ticker, Priority: opts.priority.int, RefreshInterval: every})
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
		Example: `  papertrade watchlist remove META
  papertrade watchlist remove AMZN GOOGL -q`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeTickers(watchedSymbols),
		RunE:              func(cmd *cobra.Command, args []string) error { return runWatchlistRemove(cmd.Context(), a, args) },
	}
}

func runWatchlistRemove(ctx context.Context, a *app, args []string) error {
	// Symbols, since rows that are no tickers must go too.
	symbols := make([]string, len(args))
	for i, arg := range args {
		symbols[i] = normal(arg)
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	missing, err := db.RemoveFromWatchlist(ctx, symbols, a.now())
	if err != nil {
		return err
	}
	removed := slices.DeleteFunc(symbols, func(s string) bool { return slices.Contains(missing, s) })
	if err := a.printChanged(ctx, db, removed); err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("not on the watchlist: %s; 'papertrade watchlist' lists what is", strings.Join(missing, ", "))
	}
	return nil
}

// normal is a symbol as it is compared.
func normal(symbol string) string { return strings.ToUpper(strings.TrimSpace(symbol)) }

func newWatchlistImport(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Add the tickers of a file to the watchlist",
		Long: `import adds the tickers of a file, or of stdin for '-', to the watchlist: one ticker a
line, or CSV of ticker,priority. Empty lines and those that start with # are
skipped, and so is a header 'ticker' or 'ticker,priority'. Where a line is wrong nothing is
added, and every wrong line is named.
` + exitStatuses,
		Example: `  papertrade watchlist import watchlist.csv
  psql -Atc 'select distinct ticker from transactions' | papertrade watchlist import -`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeFile,
		RunE:              func(cmd *cobra.Command, args []string) error { return runWatchlistImport(cmd.Context(), a, args[0]) },
	}
}

func runWatchlistImport(ctx context.Context, a *app, path string) error {
	content, err := a.readAll(path)
	if err != nil {
		return wrongUsage("read the tickers to import: %w; name a file of them, or - for stdin", err)
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
	number, begun := 0, false
	for line := range strings.Lines(content) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields, err := csvFields(line)
		if header := strings.ToLower(strings.Join(fields, ",")); !begun && (header == "ticker" || header == "ticker,priority") {
			begun = true
			continue
		}
		begun = true
		var change refresh.WatchlistChange
		if err == nil {
			change, err = parseWatchlistFields(fields)
		}
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

// csvFields are the trimmed fields of a line of CSV.
func csvFields(line string) ([]string, error) {
	reader := csv.NewReader(strings.NewReader(line))
	reader.TrimLeadingSpace = true
	fields, err := reader.Read()
	if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
		err = fmt.Errorf("column %d: %w", parse.Column, parse.Err)
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	return fields, err
}

func parseWatchlistFields(fields []string) (refresh.WatchlistChange, error) {
	ticker, err := marketdata.ParseTicker(fields[0])
	change := refresh.WatchlistChange{Ticker: ticker}
	switch {
	case err != nil:
		return refresh.WatchlistChange{}, err
	case len(fields) > 2:
		return change, fmt.Errorf("there are %d columns: write ticker, or ticker,priority", len(fields))
	case len(fields) == 1 || fields[1] == "":
		return change, nil
	}
	priority, err := parsePriority(fields[1])
	change.Priority = &priority
	return change, err
}

func newWatchlistExport(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "export",
		Short: "Print the watchlist as 'watchlist import' reads it",
		Long: `export prints the watchlist as CSV of ticker,priority, which 'watchlist import' reads;
with another --output it is as 'watchlist list' prints it.
` + exitStatuses,
		Example: `  papertrade watchlist export > watchlist.csv
  papertrade watchlist export | ssh backup 'cat > watchlist.csv'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runWatchlistExport(cmd.Context(), a) },
	}
}

func runWatchlistExport(ctx context.Context, a *app) error {
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	entries, err := db.Watchlist(ctx, false)
	if err != nil {
		return err
	}
	if a.output != "" && a.output != outputCSV {
		return a.printWatchlist(entries)
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
	var symbols []string
	for _, change := range changes {
		symbols = append(symbols, change.Ticker.String())
	}
	return a.printChanged(ctx, db, symbols)
}

// printChanged shows the rows of some symbols as they are now.
func (a *app) printChanged(ctx context.Context, db store, symbols []string) error {
	if !a.asksForResult() || len(symbols) == 0 && a.output == "" {
		return nil
	}
	entries, err := db.Watchlist(ctx, true)
	if err != nil {
		return err
	}
	changed := slices.DeleteFunc(entries, func(e refresh.WatchlistEntry) bool {
		return !slices.Contains(symbols, normal(e.Symbol))
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
