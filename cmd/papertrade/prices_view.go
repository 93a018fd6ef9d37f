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
	absent []exchange.Date     // sessions that no gap has, ascending
	splits []history.Split     // that the stored history lacks
	held   []history.HeldBar   // those not in the history: held, or rejected; ascending
}

type pricesJSON struct {
	Ticker   marketdata.Ticker `json:"ticker"`
	Currency string            `json:"currency,omitempty"` // of all bars, if they have the same
	Bars     []barJSON         `json:"bars"`
	Gaps     []history.Gap     `json:"gaps"`
	// Splits are those that the stored history lacks: bars before them are on another scale.
	Splits []refresh.SplitReport `json:"splits,omitempty"`
	// Held are prices that are kept out of the history because they may be wrong, or are.
	Held []refresh.HeldPrice `json:"held,omitempty"`
}

type barJSON struct {
	Session exchange.Date `json:"session"`
	Open    string        `json:"open,omitempty"`
	High    string        `json:"high,omitempty"`
	Low     string        `json:"low,omitempty"`
	Close   string        `json:"close"`
	Volume  *int64        `json:"volume,omitempty"`
	// Incomplete says that the close is a price that the application has put there, and the rest is blank.
	Incomplete bool      `json:"incomplete,omitempty"`
	Currency   string    `json:"currency,omitempty"` // if the bars have several
	Source     string    `json:"source"`
	FetchedAt  time.Time `json:"fetched_at,omitzero"`
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
	for _, bar := range p.held {
		list.Held = append(list.Held, refresh.NewHeldPrice(bar))
	}
	text.summary += summaryOfIncomplete(p) + summaryOfHeld(p.ticker, p.held)
	if len(currencies) == 1 {
		list.Currency = currencies[0]
		text.chart = drawPrices(p, width)
	}
	t := table{columns: []string{"session", "open", "high", "low", "close", "volume", "currency", "source"}}
	var plain []string
	notes := make([]string, len(p.bars))
	for i, b := range p.bars {
		bar := toJSON(b)
		notes[i] = noteOnBar(p, b)
		t.rows = append(t.rows, rowOf(b.Bar, b.Source))
		plain = append(plain, bar.Session.String()+"\t"+bar.Close)
		if len(currencies) > 1 {
			bar.Currency = b.Currency
		}
		list.Bars = append(list.Bars, bar)
	}
	text.table = withNotes(t, notes, slices.Concat(gapRows(p.gaps), heldRows(p.held)))
	return result{json: list, csv: t, plain: plain, text: []section{text}}
}

// rowOf returns the cells of a bar.
func rowOf(b marketdata.Bar, source string) []string {
	return []string{
		b.Session.String(), marketdata.FormatOptional(b.Open), marketdata.FormatOptional(b.High), marketdata.FormatOptional(b.Low),
		marketdata.FormatPrice(b.Close), formatVolume(b.Volume), b.Currency, source,
	}
}

func toJSON(b history.StoredBar) barJSON {
	return barJSON{
		Session: b.Session, Open: marketdata.FormatOptional(b.Open), High: marketdata.FormatOptional(b.High), Low: marketdata.FormatOptional(b.Low),
		Close: marketdata.FormatPrice(b.Close), Volume: b.Volume, Incomplete: b.Incomplete, Source: b.Source, FetchedAt: b.FetchedAt,
	}
}

// formatVolume is a number of shares; "" if there is none.
func formatVolume(volume *int64) string {
	if volume == nil {
		return ""
	}
	return strconv.FormatInt(*volume, 10)
}

// notedRow is a row of a table of bars that is not a bar of the history, and a note on it.
type notedRow struct {
	cells []string // as many as a bar has, or fewer
	note  string
}

func gapRows(gaps []history.Gap) (rows []notedRow) {
	for _, gap := range gaps {
		note := count(gap.Sessions, "session", "sessions") + " missing"
		if gap.Sessions > 1 {
			note += ", up to " + gap.To.String()
		}
		rows = append(rows, notedRow{[]string{gap.From.String()}, note})
	}
	return rows
}

func heldRows(held []history.HeldBar) (rows []notedRow) {
	for _, b := range held {
		rows = append(rows, notedRow{rowOf(b.Bar, b.Source), string(b.Decision) + ": " + b.Why})
	}
	return rows
}

// noteOnBar returns what there is to say of a stored bar; "" if there is nothing.
func noteOnBar(p storedPrices, b history.StoredBar) string {
	switch {
	case !b.Incomplete:
		return ""
	case slices.Contains(p.absent, b.Session):
		return "incomplete: the application's price only, and the provider does not have the session"
	default:
		return "incomplete: the application's price only"
	}
}

// isFillable reports whether a backfill asks for what a bar lacks.
func (p storedPrices) isFillable(b history.StoredBar) bool {
	isHeld := slices.ContainsFunc(p.held, func(h history.HeldBar) bool { return h.Session == b.Session })
	return b.Incomplete && !isHeld && !slices.Contains(p.absent, b.Session)
}

// summaryOfIncomplete returns what to do about incomplete bars; "" if there are none.
func summaryOfIncomplete(p storedPrices) string {
	var sessions []exchange.Date
	for _, b := range p.bars {
		if p.isFillable(b) {
			sessions = append(sessions, b.Session)
		}
	}
	n := len(sessions)
	if n == 0 {
		return ""
	}
	them := "them"
	if n == 1 {
		them = "it"
	}
	return fmt.Sprintf("\n%s incomplete: 'papertrade backfill %s --from %s --to %s' fills %s.",
		count(n, "bar is", "bars are"), p.ticker, sessions[0], sessions[n-1], them)
}

// withNotes returns a table of bars with notes on them, and other rows among them, which follow a bar of the same session; as it
// is if there are none.
func withNotes(bars table, notes []string, noted []notedRow) table {
	if len(noted) == 0 && !slices.ContainsFunc(notes, func(note string) bool { return note != "" }) {
		return bars
	}
	all := table{columns: append(slices.Clone(bars.columns), "note")}
	for i, row := range bars.rows {
		all.rows = append(all.rows, append(slices.Clone(row), notes[i]))
	}
	for _, n := range noted {
		row := make([]string, len(all.columns))
		copy(row, n.cells)
		row[len(row)-1] = n.note
		all.rows = append(all.rows, row)
	}
	slices.SortStableFunc(all.rows, func(a, b []string) int { return cmp.Compare(a[0], b[0]) })
	return all
}

// drawPrices draws the closes of bars, of which there is at least one, up to the last session that has a bar or a held
// price.
func drawPrices(p storedPrices, width int) string {
	first, last := p.bars[0].Session, p.bars[len(p.bars)-1].Session
	if n := len(p.held); n > 0 && p.held[n-1].Session.After(last) {
		last = p.held[n-1].Session
	}
	closes, held := closesOf(p, last)
	return drawCloses(closes, held, first, last, width)
}

// closesOf returns the closes to draw of the sessions up to the last one, NaN for one that is missing, and the indices of
// those of which a price is held.
func closesOf(p storedPrices, last exchange.Date) (closes []float64, held []int) {
	isHeld := func(d exchange.Date) bool {
		return slices.ContainsFunc(p.held, func(b history.HeldBar) bool { return b.Session == d })
	}
	add := func(session exchange.Date, price float64) {
		if isHeld(session) {
			held = append(held, len(closes))
		}
		closes = append(closes, price)
	}
	addMissing := func(from, to exchange.Date) {
		for _, d := range p.ticker.Calendar().Sessions(from, to) {
			if isHeld(d) || !slices.Contains(p.absent, d) {
				add(d, math.NaN())
			}
		}
	}
	next := p.bars[0].Session
	for _, b := range p.bars {
		addMissing(next, b.Session.AddDays(-1))
		add(b.Session, b.Close.InexactFloat64())
		next = b.Session.AddDays(1)
	}
	addMissing(next, last)
	return closes, held
}

func currenciesOf(bars []history.StoredBar) []string {
	var all []string
	for _, b := range bars {
		all = append(all, b.Currency)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// summaryOfHeld returns what to do about held and rejected prices, a line of each; "" if there are none.
func summaryOfHeld(ticker marketdata.Ticker, held []history.HeldBar) string {
	waiting, rejected := 0, 0
	for _, b := range held {
		if b.Decision == history.Waiting {
			waiting++
		} else {
			rejected++
		}
	}
	text := ""
	if waiting > 0 {
		text += "\n" + count(waiting, "price is", "prices are") + " held and not in the history: 'papertrade review' settles that."
	}
	if rejected > 0 {
		text += fmt.Sprintf("\n%s rejected: 'papertrade review set %s --session DATE --close PRICE' stores another one.",
			count(rejected, "price was", "prices were"), ticker)
	}
	return text
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
