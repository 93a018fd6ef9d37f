package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// storedPrices are what is stored of a ticker in a range.
type storedPrices struct {
	ticker marketdata.Ticker
	asked  dateRange
	bars   []history.StoredBar // ascending
	gaps   []history.Gap       // ascending
	splits []history.Split     // that the stored history lacks
}

type pricesJSON struct {
	Ticker   marketdata.Ticker `json:"ticker"`
	Currency string            `json:"currency,omitempty"` // of all bars, if they have the same
	Bars     []barJSON         `json:"bars"`
	Gaps     []history.Gap     `json:"gaps"`
	// Splits are those that the stored history lacks: bars before them are on another scale.
	Splits []refresh.SplitReport `json:"splits,omitempty"`
}

type barJSON struct {
	Session   exchange.Date `json:"session"`
	Open      string        `json:"open,omitempty"`
	High      string        `json:"high,omitempty"`
	Low       string        `json:"low,omitempty"`
	Close     string        `json:"close"`
	Volume    *int64        `json:"volume,omitempty"`
	Currency  string        `json:"currency,omitempty"` // if the bars have several
	Source    string        `json:"source"`
	FetchedAt time.Time     `json:"fetched_at,omitzero"`
}

// pricesView shows prices, and a chart of them if there is a width to draw it in.
func pricesView(p storedPrices, width int) result {
	currencies := currenciesOf(p.bars)
	list := pricesJSON{Ticker: p.ticker, Bars: []barJSON{}, Gaps: append([]history.Gap{}, p.gaps...)}
	text := section{summary: summaryOfPrices(p)}
	for _, split := range p.splits {
		list.Splits = append(list.Splits, refresh.SplitReport{Session: split.Session, Ratio: split.String()})
		text.summary += "\nIt " + splitAdvice(p.ticker, split.String(), split.Session)
	}
	if len(currencies) == 1 {
		list.Currency = currencies[0]
		text.chart = drawCloses(closesOf(p), p.bars[0].Session, p.bars[len(p.bars)-1].Session, width)
	}
	t := table{columns: []string{"session", "open", "high", "low", "close", "volume", "currency", "source"}}
	var plain []string
	for _, b := range p.bars {
		bar := toJSON(b)
		t.rows = append(t.rows, []string{
			bar.Session.String(), bar.Open, bar.High, bar.Low, bar.Close, formatVolume(bar.Volume), b.Currency, bar.Source,
		})
		plain = append(plain, bar.Session.String()+"\t"+bar.Close)
		if len(currencies) > 1 {
			bar.Currency = b.Currency
		}
		list.Bars = append(list.Bars, bar)
	}
	text.table = withGaps(t, p.gaps)
	return result{json: list, csv: t, plain: plain, text: []section{text}}
}

func toJSON(b history.StoredBar) barJSON {
	return barJSON{
		Session: b.Session, Open: marketdata.FormatOptional(b.Open), High: marketdata.FormatOptional(b.High), Low: marketdata.FormatOptional(b.Low),
		Close: marketdata.FormatPrice(b.Close), Volume: b.Volume, Source: b.Source, FetchedAt: b.FetchedAt,
	}
}

// formatVolume is a number of shares; "" if there is none.
func formatVolume(volume *int64) string {
	if volume == nil {
		return ""
	}
	return strconv.FormatInt(*volume, 10)
}

// withGaps returns a table of bars with the gaps among them, and a note on each; as it is if there are none.
func withGaps(bars table, gaps []history.Gap) table {
	if len(gaps) == 0 {
		return bars
	}
	all := table{columns: append(slices.Clone(bars.columns), "note")}
	for _, row := range bars.rows {
		all.rows = append(all.rows, append(slices.Clone(row), ""))
	}
	for _, gap := range gaps {
		note := count(gap.Sessions, "session", "sessions") + " missing"
		if gap.Sessions > 1 {
			note += ", up to " + gap.To.String()
		}
		row := make([]string, len(all.columns))
		row[0], row[len(row)-1] = gap.From.String(), note
		all.rows = append(all.rows, row)
	}
	slices.SortFunc(all.rows, func(a, b []string) int { return cmp.Compare(a[0], b[0]) })
	return all
}

// closesOf returns the closes to draw, NaN for a session that is missing between two bars.
func closesOf(p storedPrices) []float64 {
	first := p.bars[0].Session
	gaps := slices.DeleteFunc(slices.Clone(p.gaps), func(g history.Gap) bool { return g.To.Before(first) })
	var closes []float64
	for _, b := range p.bars {
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

func summaryOfPrices(p storedPrices) string {
	switch len(p.bars) {
	case 0:
		return summaryOfNoPrices(p)
	case 1:
		if len(p.gaps) == 0 {
			return "1 bar, of " + p.bars[0].Session.String() + "."
		}
	}
	text := fmt.Sprintf("%s from %s to %s", count(len(p.bars), "bar", "bars"), p.bars[0].Session, p.bars[len(p.bars)-1].Session)
	if currencies := currenciesOf(p.bars); len(currencies) > 1 {
		text += " in " + strings.Join(currencies, " and ")
	}
	if len(p.gaps) == 0 {
		return text + ", without a gap."
	}
	missing, them := 0, "them"
	for _, gap := range p.gaps {
		missing += gap.Sessions
	}
	if len(p.gaps) == 1 {
		them = "it"
	}
	return fmt.Sprintf("%s; %s, %s missing: 'papertrade backfill %s --from %s --to %s' fills %s.", text, count(len(p.gaps), "gap", "gaps"),
		count(missing, "session", "sessions"), p.ticker, p.gaps[0].From, p.gaps[len(p.gaps)-1].To, them)
}

func summaryOfNoPrices(p storedPrices) string {
	span := ""
	if !p.asked.from.IsZero() {
		span = " from " + p.asked.from.String() + " on"
	}
	if !p.asked.to.IsZero() {
		span = strings.TrimSuffix(span, " on") + " up to " + p.asked.to.String()
	}
	return fmt.Sprintf("No daily bar of %s is stored%s: 'papertrade refresh %s' fetches the newest, "+
		"'papertrade backfill %[1]s --from DATE' more.",
		p.ticker, span, p.ticker)
}
