package main

import (
	"strings"
	"time"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

const reviewAdvice = "'papertrade review accept TICKER' stores a held price, 'papertrade review reject TICKER' discards it, " +
	"'papertrade review set TICKER --session DATE --close PRICE' stores another one."

// reviewView shows held prices, as text in at most width columns, if that is not 0, with why and the evidence below.
func reviewView(held []history.HeldBar, width int) result {
	view := heldView(held)
	t := view.csv.without("why", "evidence", "decision", "decided_at")
	text := section{table: t.fitting(width, "fetched_at", "source"), summary: "No price is held."}
	if len(held) > 0 {
		text.summary = strings.Join(append(evidenceLines(held), reviewAdvice), "\n")
	}
	view.text = []section{text}
	return view
}

// evidenceLines returns why each price is held, and what speaks for and against it.
func evidenceLines(held []history.HeldBar) (lines []string) {
	for _, bar := range held {
		lines = append(lines, bar.Ticker.String()+" "+bar.Session.String()+": "+bar.Why)
		for _, evidence := range bar.Evidence {
			lines = append(lines, "  "+evidence)
		}
	}
	return lines
}

// decisionView shows a held price that was decided about.
func decisionView(bar history.HeldBar) result {
	view := heldView([]history.HeldBar{bar})
	summary := "The price is stored in the history."
	if bar.Decision == history.Rejected {
		summary = "The price is discarded."
	}
	view.text = []section{{table: view.csv.without("why", "evidence", "fetched_at", "decided_at"), summary: summary}}
	return view
}

// heldView is held prices in the formats for programs.
func heldView(held []history.HeldBar) result {
	list := []refresh.HeldPrice{}
	t := table{columns: []string{
		"ticker", "session", "close", "currency", "why", "evidence", "source", "fetched_at", "decision", "decided_at"}}
	var plain []string
	for _, bar := range held {
		h := refresh.NewHeldPrice(bar)
		list = append(list, h)
		t.rows = append(t.rows, []string{
			h.Ticker.String(), h.Session.String(), h.Close, h.Currency, h.Why, strings.Join(h.Evidence, "; "),
			h.Source, formatTime(h.FetchedAt), string(h.Decision), formatTime(h.DecidedAt),
		})
		plain = append(plain, strings.Join([]string{h.Ticker.String(), h.Session.String(), h.Close, h.Why}, "\t"))
	}
	return result{json: list, csv: t, plain: plain}
}

type setBarJSON struct {
	Ticker marketdata.Ticker `json:"ticker"`
	barJSON
}

// setView shows a bar that was set by hand at a time.
func setView(b marketdata.Bar, at time.Time) result {
	bar := setBarJSON{b.Ticker, toJSON(history.StoredBar{Bar: b, Source: history.ManualSource, FetchedAt: at})}
	bar.Currency = b.Currency
	t := table{columns: []string{"ticker", "session", "open", "high", "low", "close", "volume", "currency", "source"}}
	t.rows = append(t.rows, append([]string{bar.Ticker.String()}, rowOf(b, bar.Source)...))
	plain := strings.Join([]string{bar.Ticker.String(), bar.Session.String(), bar.Close}, "\t")
	return result{json: bar, csv: t, plain: []string{plain}, text: []section{{table: t, summary: "The price is stored in the history."}}}
}
