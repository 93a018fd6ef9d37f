package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
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
added with a warning, as by 'watchlist add'. Beside the web application's tables, a
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
	content, err := openInput(inv.stdin, path)
	if err != nil {
		return unreadableTickers(err)
	}
	defer content.Close()
	debug.SetGCPercent(importGCPercent)
	changes, err := parseWatchlist(path, content)
	if err != nil {
		return err
	}
	if changes.len() == 0 {
		return wrongUsage("%s holds no ticker: write one per line, or ticker,priority", path)
	}
	return addToWatchlist(ctx, inv, changes.all())
}

// importGCPercent has the garbage of a long list be collected before it takes as much memory as the list.
const importGCPercent = 25

// openInput returns a file, or stdin if path is "-".
func openInput(stdin io.Reader, path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(stdin), nil
	}
	return os.Open(path)
}

func unreadableTickers(err error) error {
	return wrongUsage("read the tickers to import: %w; name a file of them, or - for stdin", err)
}

// parseWatchlist reads what import takes. The error names every line that is wrong, up to one that is too long.
func parseWatchlist(path string, content io.Reader) (*packedChanges, error) {
	changes := &packedChanges{}
	var problems lineProblems
	records := watchlistRecords{lines: bufio.NewScanner(content)}
	records.lines.Buffer(nil, maxLineBytes)
	for records.next() {
		change, err := parseChange(records.fields, records.err)
		if err != nil {
			problems.add(records.line, err)
			continue
		}
		changes.add(records.line, change)
	}
	switch err := records.lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		problems.add(records.line+1, fmt.Errorf("the line is longer than %d bytes: write one ticker per line, or ticker,priority", maxLineBytes))
	case err != nil:
		return nil, unreadableTickers(err)
	}
	problems.addRepeated(changes)
	if len(problems) > 0 {
		return nil, wrongUsage("nothing was imported:\n%w", problems.err(path))
	}
	return changes, nil
}

// lineProblems is what is wrong with lines of a file.
type lineProblems []lineProblem

type lineProblem struct {
	line int
	err  error
}

func (p *lineProblems) add(line int, err error) { *p = append(*p, lineProblem{line, err}) }

// addRepeated adds the lines of changes of which an earlier one has the ticker already. It sorts, since a map of a long list
// takes more memory than the list.
func (p *lineProblems) addRepeated(changes *packedChanges) {
	order := make([]int32, changes.len())
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		return bytes.Compare(changes.symbol(int(a)), changes.symbol(int(b)))
	})
	first := 0
	for i := range order {
		symbol := changes.symbol(int(order[i]))
		if !bytes.Equal(symbol, changes.symbol(int(order[first]))) {
			first = i
		}
		if i != first {
			p.add(changes.lines[order[i]], fmt.Errorf("%s is on line %d already", symbol, changes.lines[order[first]]))
		}
	}
}

// err returns the problems by line.
func (p lineProblems) err(path string) error {
	slices.SortFunc(p, func(a, b lineProblem) int { return cmp.Compare(a.line, b.line) })
	var all []error
	for _, problem := range p {
		all = append(all, fmt.Errorf("%s:%d: %w", path, problem.line, problem.err))
	}
	return errors.Join(all...)
}

// maxLineBytes is the length from which on a line is not one of tickers.
const maxLineBytes = 4096

// watchlistRecords are the lines of what import takes, without a header, empty ones and comments.
type watchlistRecords struct {
	lines  *bufio.Scanner
	line   int // of the current record, from 1
	fields []string
	err    error // why the current record has no fields
}

// next goes to the next record, and reports whether there is one.
func (r *watchlistRecords) next() bool {
	for r.lines.Scan() {
		r.line++
		line := r.lines.Text()
		if r.line == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		isFirst := r.fields == nil && r.err == nil
		r.fields, r.err = csvFields(line)
		if isFirst && isHeader(r.fields) {
			continue
		}
		return true
	}
	return false
}

func isHeader(fields []string) bool {
	switch strings.ToLower(strings.Join(fields, ",")) {
	case "ticker", "ticker,priority":
		return true
	}
	return false
}

// csvFields returns the trimmed fields of a line of CSV.
func csvFields(line string) ([]string, error) {
	if !strings.Contains(line, `"`) { // as almost all are, and a reader of CSV has a buffer of its own
		fields := strings.Split(line, ",")
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		return fields, nil
	}
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

// parseChange returns what the fields of a line ask for, unless it has none because of err.
func parseChange(fields []string, err error) (refresh.WatchlistChange, error) {
	if err != nil {
		return refresh.WatchlistChange{}, err
	}
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
