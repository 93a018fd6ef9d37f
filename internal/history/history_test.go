package history_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// exactly compares prices with all their decimals, as they are stored.
var exactly = cmp.Options{
	cmp.Transformer("price", marketdata.FormatPrice),
	cmp.Comparer(func(a, b marketdata.Ticker) bool { return a == b }),
}

// day returns a day of 2026, given as month-day. The sessions of New York in November are 2–6, 9–13, 16–20, 23–25, 27
// and 30.
func day(text string) exchange.Date {
	d, err := exchange.ParseDate("2026-" + text)
	if err != nil {
		panic(err)
	}
	return d
}

func days(texts ...string) []exchange.Date {
	var list []exchange.Date
	for _, text := range texts {
		list = append(list, day(text))
	}
	return list
}

// writes returns bars to be written, each given as its day, pairs of a field and its value, and the word keep. A row is
// given as that of its session or of another.
func writes(texts ...string) []history.Write {
	var list []history.Write
	for _, text := range texts {
		words := strings.Fields(text)
		w := history.Write{Bar: marketdata.Bar{Ticker: marketdata.MustParseTicker("NVDA"), Session: day(words[0]), Currency: "USD"}}
		for words = words[1:]; len(words) > 0; {
			if words[0] == "keep" {
				w.Keep, words = true, words[1:]
				continue
			}
			set(&w, words[0], words[1])
			words = words[2:]
		}
		list = append(list, w)
	}
	return list
}

func set(w *history.Write, field, value string) {
	switch field {
	case "row":
		w.Row = row(day(value))
		return
	case "currency":
		w.Bar.Currency = value
		return
	case "volume":
		shares, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			panic(err)
		}
		w.Bar.Volume = &shares
		return
	}
	price := decimal.RequireFromString(value)
	switch field {
	case "close":
		w.Bar.Close = price
	case "open":
		w.Bar.Open = decimal.NewNullDecimal(price)
	case "high":
		w.Bar.High = decimal.NewNullDecimal(price)
	case "low":
		w.Bar.Low = decimal.NewNullDecimal(price)
	case "coefficient":
		w.Bar.SplitCoefficient = decimal.NewNullDecimal(price)
	case "previous":
		w.Bar.PreviousClose = decimal.NewNullDecimal(price)
	case "adjusted":
		w.Bar.AdjustedClose = decimal.NewNullDecimal(price)
	default:
		panic("not a field: " + field)
	}
}

// bars returns bars given as writes takes them.
func bars(texts ...string) []marketdata.Bar {
	var list []marketdata.Bar
	for _, w := range writes(texts...) {
		list = append(list, w.Bar)
	}
	return list
}

// stored returns stored bars given as writes takes them, each in the row of its session.
func stored(texts ...string) []history.StoredBar {
	var list []history.StoredBar
	for _, bar := range bars(texts...) {
		list = append(list, history.StoredBar{Bar: bar, Row: row(bar.Session)})
	}
	return list
}

// blanked returns stored bars as stored does, of which the application has blanked those of the days.
func blanked(bars []history.StoredBar, texts ...string) []history.StoredBar {
	for i := range bars {
		bars[i].Incomplete = slices.Contains(days(texts...), bars[i].Session)
	}
	return bars
}

// row returns the key of the row that a session is stored in.
func row(session exchange.Date) int64 { return int64(session.Month)*100 + int64(session.Day) }

// splits returns splits given as their day and ratio, and the word rebased.
func splits(texts ...string) []history.Split {
	var list []history.Split
	for _, text := range texts {
		words := strings.Fields(text)
		s := history.Split{Session: day(words[0]), Rebased: slices.Contains(words, "rebased")}
		if _, err := fmt.Sscanf(words[1], "%d:%d", &s.New, &s.Old); err != nil {
			panic(err)
		}
		list = append(list, s)
	}
	return list
}

// first returns the first of splits, if any, and whether there is one.
func first(splits []history.Split) (history.Split, bool) {
	if len(splits) == 0 {
		return history.Split{}, false
	}
	return splits[0], true
}

// withSessions returns bars of sessions, without prices.
func withSessions(sessions []exchange.Date) []marketdata.Bar {
	var list []marketdata.Bar
	for _, session := range sessions {
		list = append(list, marketdata.Bar{Session: session})
	}
	return list
}
