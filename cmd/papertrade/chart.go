package main

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/guptarohit/asciigraph"

	"papertrade/pkg/exchange"
)

const (
	chartRows = 12
	gapMark   = "╳"
	heldMark  = "?"
)

// drawCloses draws the closes of all sessions from first to last, NaN for a missing one, in lines of at most
// width columns. At missing sessions the line breaks off, and the axis below it has marks, as it has at those of which
// a price is held, whose indices are ascending. The chart is "" if there are fewer than two closes, or no space for both
// dates.
func drawCloses(closes []float64, held []int, first, last exchange.Date, width int) string {
	lowest, highest, n := extent(closes)
	if n < 2 {
		return ""
	}
	decimals := decimalsBetween(lowest, highest)
	label := func(price float64) string { return strconv.FormatFloat(price, 'f', decimals, 64) }
	columns := width - widthOfLabels(label(highest))
	between := columns - len(first.String()) - len(last.String())
	if between < 1 {
		return ""
	}
	line, missing := intoColumns(closes, columns)
	_, highest, _ = extent(line)
	margin := strings.Repeat(" ", widthOfLabels(label(highest)))
	plot := asciigraph.Plot(line, asciigraph.Height(chartRows-1), asciigraph.YAxisValueFormatter(label))
	marks := axisMarks(missing, held, len(closes))
	return plot + "\n" + margin + strings.Join(marks, "") + "\n" +
		margin + first.String() + center(legend(marks), between) + last.String() + "\n"
}

// extent returns the lowest and the highest of closes, and how many there are.
func extent(closes []float64) (lowest, highest float64, n int) {
	lowest, highest = math.Inf(1), math.Inf(-1)
	for _, price := range closes {
		if !math.IsNaN(price) {
			lowest, highest = min(lowest, price), max(highest, price)
			n++
		}
	}
	return lowest, highest, n
}

// widthOfLabels returns the width of what asciigraph puts to the left of its axis.
func widthOfLabels(longest string) int { return len(" ") + len(longest) + len(" ") }

// axisMarks returns the axis below columns that show n sessions.
func axisMarks(missing []bool, held []int, n int) []string {
	marks := make([]string, len(missing))
	for i, isMissing := range missing {
		start, end := sessionsIn(i, n, len(missing))
		next, _ := slices.BinarySearch(held, start)
		switch {
		case next < len(held) && held[next] < end:
			marks[i] = heldMark
		case isMissing:
			marks[i] = gapMark
		case i == 0:
			marks[i] = "└"
		default:
			marks[i] = "─"
		}
	}
	return marks
}

func legend(marks []string) string {
	var all []string
	for _, mark := range []struct{ mark, meaning string }{{gapMark, "missing"}, {heldMark, "held"}} {
		if slices.Contains(marks, mark.mark) {
			all = append(all, mark.mark+" "+mark.meaning)
		}
	}
	return strings.Join(all, "  ")
}

// center puts a text in the middle of spaces; it is left out if there is no space for it.
func center(text string, width int) string {
	padding := width - utf8.RuneCountInString(text)
	if padding < 2 {
		return strings.Repeat(" ", width)
	}
	return strings.Repeat(" ", padding/2) + text + strings.Repeat(" ", padding-padding/2)
}

// intoColumns spreads closes over columns, each of which shows the last close of its sessions, and reports
// which of them miss a session. Such a column is NaN, so that no gap is too short to be seen; if that would
// leave less than half of the line, only a column without any close is.
func intoColumns(closes []float64, columns int) (line []float64, missing []bool) {
	line, missing = make([]float64, columns), make([]bool, columns)
	broken := 0
	for i := range columns {
		start, end := sessionsIn(i, len(closes), columns)
		line[i] = math.NaN()
		for _, price := range closes[start:end] {
			if math.IsNaN(price) {
				missing[i] = true
			} else {
				line[i] = price
			}
		}
		if missing[i] {
			broken++
		}
	}
	for i := range line {
		if missing[i] && 2*broken <= columns {
			line[i] = math.NaN()
		}
	}
	return line, missing
}

// sessionsIn returns which of n sessions a column shows: those from start on, up to end.
func sessionsIn(column, n, columns int) (start, end int) {
	start = column * n / columns
	return start, max(start+1, (column+1)*n/columns)
}

// decimalsBetween returns how many decimals the labels of a chart need to differ: none, or at least two as prices
// have.
func decimalsBetween(lowest, highest float64) int {
	step := (highest - lowest) / chartRows
	switch {
	case step == 0:
		_, decimals, _ := strings.Cut(strconv.FormatFloat(highest, 'f', -1, 64), ".")
		return max(2, len(decimals))
	case step >= 10:
		return 0
	default:
		return max(2, -int(math.Floor(math.Log10(step))))
	}
}
