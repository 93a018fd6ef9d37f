package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

func newWatchlistImport(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Add the tickers of a file to the watchlist",
		Long: `import adds the tickers of a file, or of stdin for '-', to the watchlist: one ticker
per line, or CSV of ticker,priority. Empty lines and those that start with # are
skipped, and so is a header 'ticker' or 'ticker,priority'. If a line is wrong nothing
is added, and every wrong line is named. Tickers of which nothing is known yet are
added with a warning, as by 'watchlist add'. Where the web application's tables are, a
ticker that it cannot read (other than one to five letters) is refused too, unless
--any-ticker.
` + exitStatuses,
		Example: `  papertrade watchlist import watchlist.csv
  psql -Atc 'select distinct ticker from transactions' | papertrade watchlist import -`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeOne(completeFile),
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, args []string) error {
			return runWatchlistImport(ctx, inv, args[0])
		}),
	}
	addAnyTickerFlag(cmd.Flags())
	return cmd
}

func runWatchlistImport(ctx context.Context, inv *invocation, path string) error {
	content, err := readAll(inv.stdin, path)
	if err != nil {
		return wrongUsage("read the tickers to import: %w; name a file of them, or - for stdin", err)
	}
	changes, err := parseWatchlist(path, content)
	if err != nil {
		return err
	}
	if len(changes) == 0 {
		return wrongUsage("%s holds no ticker: write one per line, or ticker,priority", path)
	}
	return addToWatchlist(ctx, inv, changes)
}

// readAll returns what is in a file, or in stdin if path is "-".
func readAll(stdin io.Reader, path string) (string, error) {
	if path == "-" {
		content, err := io.ReadAll(stdin)
		return string(content), err
	}
	content, err := os.ReadFile(path)
	return string(content), err
}

// parseWatchlist reads what import takes. The error names every line that is wrong.
func parseWatchlist(path, content string) ([]refresh.WatchlistChange, error) {
	var changes []refresh.WatchlistChange
	var problems []error
	lineOf := map[marketdata.Ticker]int{}
	for _, record := range watchlistRecords(content) {
		change, err := record.parse()
		if first, found := lineOf[change.Ticker]; err == nil && found {
			err = fmt.Errorf("%s is on line %d already", change.Ticker, first)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", path, record.line, err))
			continue
		}
		lineOf[change.Ticker] = record.line
		changes = append(changes, change)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, wrongUsage("nothing was imported:\n%w", err)
	}
	return changes, nil
}

// watchlistRecord is a line of what import takes.
type watchlistRecord struct {
	line   int
	fields []string
	err    error // why it has no fields
}

// watchlistRecords returns the lines of content without a header, empty ones and comments.
func watchlistRecords(content string) (records []watchlistRecord) {
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(content, "\ufeff")) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields, err := csvFields(line)
		records = append(records, watchlistRecord{number, fields, err})
	}
	if len(records) > 0 {
		switch strings.ToLower(strings.Join(records[0].fields, ",")) {
		case "ticker", "ticker,priority":
			return records[1:]
		}
	}
	return records
}

// csvFields returns the trimmed fields of a line of CSV.
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

func (r watchlistRecord) parse() (refresh.WatchlistChange, error) {
	if r.err != nil {
		return refresh.WatchlistChange{}, r.err
	}
	ticker, err := marketdata.ParseTicker(r.fields[0])
	change := refresh.WatchlistChange{Ticker: ticker}
	switch {
	case err != nil:
		return refresh.WatchlistChange{}, err
	case len(r.fields) > 2:
		return change, fmt.Errorf("there are %d columns: write ticker, or ticker,priority", len(r.fields))
	case len(r.fields) == 1 || r.fields[1] == "":
		return change, nil
	}
	priority, err := parsePriority(r.fields[1])
	change.Priority = &priority
	return change, err
}
