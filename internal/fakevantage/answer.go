package fakevantage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"papertrade/pkg/exchange"
)

const (
	globalQuote    = "GLOBAL_QUOTE"
	seriesDaily    = "TIME_SERIES_DAILY"
	seriesAdjusted = "TIME_SERIES_DAILY_ADJUSTED"
	bulkQuotes     = "REALTIME_BULK_QUOTES"
	splitTable     = "SPLITS"

	compactSessions = 100
	fullSessions    = 20_000 // more than any listing has
	bulkSymbols     = 100
)

var newYork = func() *time.Location {
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	return loc
}()

func quoteAnswer(h history, fault Outcome) object {
	b, previous := h.bar(len(h.sessions)-1), h.previousClose()
	formatted := h.formatted(len(h.sessions) - 1)
	quote := object{
		{"01. symbol", h.symbol},
		{"02. open", formatted.Open},
		{"03. high", formatted.High},
		{"04. low", formatted.Low},
		{"05. price", formatted.Close},
		{"06. volume", strconv.FormatInt(formatted.Volume, 10)},
		{"07. latest trading day", h.newest().String()},
		{"08. previous close", fourDecimals(previous)},
		{"09. change", fourDecimals(b.close - previous)},
		{"10. change percent", changePercent(b.close, previous) + "%"},
	}
	return object{{"Global Quote", quote.spoil(fault, "05. price")}}
}

func changePercent(price, previous int64) string {
	return fourDecimals(ratio(price-previous, 100*unit, previous))
}

// seriesAnswer answers TIME_SERIES_DAILY or, with the adjusted columns, TIME_SERIES_DAILY_ADJUSTED.
func seriesAnswer(h history, adjusted, full bool, fault Outcome) object {
	about, size := "Daily Prices (open, high, low, close) and Volumes", "Compact"
	if adjusted {
		about = "Daily Time Series with Splits and Dividend Events"
	}
	if full {
		size = "Full size"
	}
	refreshed := h.newest().String()
	if len(h.running) > 0 {
		refreshed = h.now.In(newYork).Format(time.DateTime)
	}
	return object{
		{"Meta Data", object{
			{"1. Information", about},
			{"2. Symbol", h.symbol},
			{"3. Last Refreshed", refreshed},
			{"4. Output Size", size},
			{"5. Time Zone", "US/Eastern"},
		}},
		{"Time Series (Daily)", seriesRows(h, adjusted, fault)},
	}
}

// seriesRows returns the sessions by date, the newest first.
func seriesRows(h history, adjusted bool, fault Outcome) object {
	rows := make(object, 0, len(h.sessions))
	for i := len(h.sessions) - 1; i >= 0; i-- {
		formatted := h.formatted(i)
		volume := strconv.FormatInt(formatted.Volume, 10)
		row := object{
			{"1. open", formatted.Open}, {"2. high", formatted.High}, {"3. low", formatted.Low}, {"4. close", formatted.Close},
		}
		if adjusted {
			row = append(row, field{"5. adjusted close", fourDecimals(h.adjustedClose(i))}, field{"6. volume", volume},
				field{"7. dividend amount", "0.0000"}, field{"8. split coefficient", fourDecimals(h.coefficient(i))})
		} else {
			row = append(row, field{"5. volume", volume})
		}
		if len(rows) == 0 {
			row = row.spoil(fault, "4. close")
		}
		rows = append(rows, field{h.sessions[i].String(), row})
	}
	return rows
}

// seriesCSV returns the rows of seriesRows as CSV.
func seriesCSV(rows object, adjusted bool) string {
	names := "open,high,low,close,volume"
	if adjusted {
		names = "open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient"
	}
	var b strings.Builder
	b.WriteString("timestamp," + names + "\r\n")
	for _, day := range rows {
		b.WriteString(day.name)
		for _, f := range day.value.(object) {
			fmt.Fprintf(&b, ",%s", f.value)
		}
		b.WriteString("\r\n")
	}
	return b.String()
}

// splitsAnswer returns the splits up to the newest session, the newest first.
func splitsAnswer(h history) object {
	splits := slices.DeleteFunc(slices.Clone(h.splits), func(s Split) bool { return h.newest().Before(s.Session) })
	slices.SortStableFunc(splits, func(a, b Split) int { return b.Session.Compare(a.Session) })
	rows := []object{}
	for _, s := range splits {
		rows = append(rows, object{
			{"effective_date", s.Session.String()}, {"split_factor", fourDecimals(ratio(unit, s.New, s.Old))},
		})
	}
	return object{{"symbol", h.symbol}, {"data", rows}}
}

func bulkAnswer(message string, rows []object) object {
	return object{{"endpoint", "Realtime Bulk Quotes"}, {"message", message}, {"data", rows}}
}

// bulkRow returns a row of REALTIME_BULK_QUOTES, which writes numbers without trailing zeros.
func bulkRow(h history, fault Outcome) object {
	b, previous := h.bar(len(h.sessions)-1), h.previousClose()
	stamp := h.now.In(newYork)
	if len(h.running) == 0 {
		stamp = lastTrade(h)
	}
	row := object{
		{"symbol", h.symbol},
		{"timestamp", stamp.Format("2006-01-02 15:04:05.000")},
		{"open", trimZeros(fourDecimals(b.open))},
		{"high", trimZeros(fourDecimals(b.high))},
		{"low", trimZeros(fourDecimals(b.low))},
		{"close", trimZeros(fourDecimals(b.close))},
		{"volume", strconv.FormatInt(b.volume, 10)},
		{"previous_close", trimZeros(fourDecimals(previous))},
		{"change", trimZeros(fourDecimals(b.close - previous))},
		{"change_percent", trimZeros(changePercent(b.close, previous))},
		{"extended_hours_quote", ""},
		{"extended_hours_change", ""},
		{"extended_hours_change_percent", ""},
	}
	return row.spoil(fault, "close")
}

// lastTrade returns a time shortly before the end of the newest session's extended hours.
func lastTrade(h history) time.Time {
	return h.newest().In(newYork).Add(20*time.Hour - 356*time.Millisecond)
}

func trimZeros(number string) string {
	number = strings.TrimRight(number, "0")
	if strings.HasSuffix(number, ".") {
		return number + "0"
	}
	return number
}

// inUS reports whether bulk quotes have the symbol.
func inUS(symbol string) bool {
	ex, _ := exchange.ForSymbol(symbol)
	return ex == exchange.XNYS
}
