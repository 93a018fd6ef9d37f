package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"papertrade/internal/config"
	"papertrade/pkg/safetext"
)

// result is what a command prints, in each format.
type result struct {
	json  any
	csv   table
	plain []string  // lines
	text  []section // what people read
}

// section is a part of what people read, from its top to its bottom.
type section struct {
	heading string
	table   table
	chart   string // lines
	summary string
}

type table struct {
	columns []string // in snake_case
	rows    [][]string
}

// printer writes results to stdout in the format asked for.
type printer struct {
	w      io.Writer
	format outputFormat
	quiet  bool
	keysOf *config.Config // settings whose keys are hidden; nil if the command goes by no settings
}

func newPrinter(stdout io.Writer, o globalOptions) printer {
	return printer{w: stdout, format: o.format, quiet: o.quiet}
}

// withDefault returns a printer that prints in a format if none is asked for.
func (p printer) withDefault(format outputFormat) printer {
	p.format = cmp.Or(p.format, format)
	return p
}

// wantsResult reports whether a result is wanted of a command whose purpose is another.
func (p printer) wantsResult() bool { return !p.quiet || p.format != "" }

// width returns how many columns there are for text; 0 if there is no bound.
func (p printer) width() int { return terminalWidth(p.w) }

func (p printer) print(r result) error {
	text, err := r.encode(p.format)
	if err == nil && p.keysOf != nil {
		text = []byte(p.keysOf.RedactKeys(string(text)))
	}
	if err == nil {
		_, err = p.w.Write(text)
	}
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

func (r result) encode(format outputFormat) ([]byte, error) {
	var text bytes.Buffer
	switch format {
	case formatJSON:
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(r.json); err != nil {
			return nil, err
		}
		return safetext.JSON(text.Bytes(), safetext.Lines), nil
	case formatCSV:
		if err := csv.NewWriter(&text).WriteAll(append([][]string{r.csv.columns}, mapCells(r.csv.rows, csvCell)...)); err != nil {
			return nil, err
		}
	case formatPlain:
		for _, line := range r.plain {
			fmt.Fprintln(&text, plainLine(line))
		}
	default:
		for i, s := range r.text {
			if i > 0 {
				text.WriteByte('\n')
			}
			s.write(&text)
		}
	}
	return text.Bytes(), nil
}

func mapCells(rows [][]string, cell func(string) string) [][]string {
	mapped := make([][]string, len(rows))
	for i, row := range rows {
		mapped[i] = make([]string, len(row))
		for j, text := range row {
			mapped[i][j] = cell(text)
		}
	}
	return mapped
}

// number matches what a spreadsheet takes for a number rather than for a formula.
var number = regexp.MustCompile(`^[-+]?[0-9]+(\.[0-9]+)?%?$`)

// csvCell returns a text as a cell that no spreadsheet takes for a formula: OWASP advises an apostrophe before one that looks
// like it.
func csvCell(text string) string {
	text = safetext.Cell(text)
	begin := strings.TrimLeft(text, " ")
	if strings.IndexAny(begin, "=+-@＝＋－＠") == 0 && !number.MatchString(begin) { // the wide ones count too
		return "'" + begin
	}
	return text
}

// plainLine returns a line with the tabs between its fields.
func plainLine(line string) string {
	fields := strings.Split(line, "\t")
	for i, field := range fields {
		fields[i] = safetext.Cell(field)
	}
	return strings.Join(fields, "\t")
}

func (s section) write(text *bytes.Buffer) {
	if s.heading != "" {
		fmt.Fprintln(text, safetext.Lines(s.heading))
	}
	s.table.write(text)
	if s.chart != "" {
		fmt.Fprintf(text, "\n%s\n", s.chart)
	}
	if s.summary != "" {
		fmt.Fprintln(text, safetext.Lines(s.summary))
	}
}

// write writes the table for people; nothing if it has no row.
func (t table) write(text *bytes.Buffer) {
	if len(t.rows) == 0 {
		return
	}
	var aligned bytes.Buffer
	w := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.ToUpper(strings.ReplaceAll(strings.Join(t.columns, "\t"), "_", " ")))
	for _, cells := range mapCells(t.rows, safetext.Cell) {
		for i, cell := range cells {
			if cell == "" {
				cells[i] = "-"
			}
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	_ = w.Flush() // to memory
	for line := range strings.Lines(aligned.String()) {
		fmt.Fprintln(text, strings.TrimRight(line, " \n"))
	}
}

// without returns the table less some of its columns.
func (t table) without(columns ...string) table {
	keep := func(cells []string) (kept []string) {
		for i, cell := range cells {
			if !slices.Contains(columns, t.columns[i]) {
				kept = append(kept, cell)
			}
		}
		return kept
	}
	less := table{columns: keep(t.columns)}
	for _, row := range t.rows {
		less.rows = append(less.rows, keep(row))
	}
	return less
}

// fitting returns the table less as many of columns, from the first on, as must go for it to fit a width;
// 0 is room for all.
func (t table) fitting(width int, columns ...string) table {
	for _, column := range columns {
		if width == 0 || t.width() <= width {
			return t
		}
		t = t.without(column)
	}
	return t
}

// width returns how many columns of a terminal the table takes.
func (t table) width() int {
	var text bytes.Buffer
	t.write(&text)
	widest := 0
	for line := range strings.Lines(text.String()) {
		widest = max(widest, utf8.RuneCountInString(line)-1)
	}
	return widest
}

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

// formatPositive returns a number; "" for 0.
func formatPositive(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
