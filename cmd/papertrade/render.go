package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// output is the flag --output.
type output string

const (
	outputTable = "table"
	outputJSON  = "json"
	outputCSV   = "csv"
	outputPlain = "plain"
)

var outputs = []string{outputTable, outputJSON, outputCSV, outputPlain}

func (o *output) Set(s string) error {
	if !slices.Contains(outputs, s) {
		return fmt.Errorf("choose one of %s", strings.Join(outputs, ", "))
	}
	*o = output(s)
	return nil
}

func (o *output) String() string { return string(*o) }

func (o *output) Type() string { return "FORMAT" }

// result is what a command prints, for each format.
type result struct {
	json    any
	columns []string // in snake_case
	rows    [][]string
	plain   []string // lines
	heading string   // above the table
	chart   string   // lines below the table
	summary string   // below both
}

// print writes a result to stdout in the format asked for.
func (a *app) print(r result) error {
	var text bytes.Buffer
	var err error
	switch a.output {
	case outputJSON:
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(r.json)
	case outputCSV:
		w := csv.NewWriter(&text)
		err = w.WriteAll(append([][]string{r.columns}, r.rows...))
	case outputPlain:
		for _, line := range r.plain {
			fmt.Fprintln(&text, line)
		}
	default:
		writeTable(&text, r)
	}
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if _, err := a.stdout.Write(text.Bytes()); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

func writeTable(text *bytes.Buffer, r result) {
	if r.heading != "" {
		fmt.Fprintln(text, r.heading)
	}
	if len(r.rows) > 0 {
		var table bytes.Buffer
		w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
		header := strings.ToUpper(strings.ReplaceAll(strings.Join(r.columns, "\t"), "_", " "))
		fmt.Fprintln(w, header)
		for _, row := range r.rows {
			cells := slices.Clone(row)
			for i, cell := range cells {
				if cell == "" {
					cells[i] = "-"
				}
			}
			fmt.Fprintln(w, strings.Join(cells, "\t"))
		}
		_ = w.Flush() // to memory
		for line := range strings.Lines(table.String()) {
			fmt.Fprintln(text, strings.TrimRight(line, " \n"))
		}
	}
	if r.chart != "" {
		fmt.Fprintf(text, "\n%s\n", r.chart)
	}
	if r.summary != "" {
		fmt.Fprintln(text, r.summary)
	}
}

// without is the result less some of its columns.
func (r result) without(columns ...string) result {
	keep := func(cells []string) (kept []string) {
		for i, cell := range cells {
			if !slices.Contains(columns, r.columns[i]) {
				kept = append(kept, cell)
			}
		}
		return kept
	}
	less := r
	less.rows = nil
	for _, row := range r.rows {
		less.rows = append(less.rows, keep(row))
	}
	less.columns = keep(r.columns)
	return less
}

// fitting is the result less as many of its columns, in this order, as it takes for the table to have room
// in a width; 0 is room for all.
func (r result) fitting(width int, columns ...string) result {
	for _, column := range columns {
		var table bytes.Buffer
		writeTable(&table, result{columns: r.columns, rows: r.rows})
		lines := slices.Collect(strings.Lines(table.String()))
		if width == 0 || !slices.ContainsFunc(lines, func(l string) bool { return utf8.RuneCountInString(l)-1 > width }) {
			return r
		}
		r = r.without(column)
	}
	return r
}

// asksForResult says whether a result is wanted where it is not the purpose of the command.
func (a *app) asksForResult() bool { return !a.quiet || a.output != "" }

// formatTime is RFC 3339 in UTC, to the second; "" for the zero time.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// count is a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// terminalWidth is how many columns stdout has, 80 where it does not say; 0 where it is no terminal.
func (a *app) terminalWidth() int {
	if !isTerminal(a.stdout) {
		return 0
	}
	width, _, err := term.GetSize(int(a.stdout.(*os.File).Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}
