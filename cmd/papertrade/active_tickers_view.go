package main

import (
	"strconv"
	"time"

	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

type activeTicker struct {
	Ticker       marketdata.Ticker `json:"ticker"`
	Sources      []refresh.Source  `json:"sources"`
	Priority     int               `json:"priority"`
	LastTradedAt time.Time         `json:"last_traded_at,omitzero"`
	LastSession  exchange.Date     `json:"last_session,omitzero"`
	Note         string            `json:"note,omitempty"`
}

func activeTickersView(active []refresh.ActiveTicker) result {
	list, noted := []activeTicker{}, false
	t := table{columns: []string{"ticker", "priority", "sources", "last_traded_at", "last_session", "note"}}
	var plain []string
	for _, a := range active {
		note := a.State.Note()
		list = append(list, activeTicker{a.Ticker, a.Sources, a.Priority, a.LastTradedAt, a.State.LastSession, note})
		noted = noted || note != ""
		t.rows = append(t.rows, []string{
			a.Ticker.String(), strconv.Itoa(a.Priority), joinSources(a.Sources), formatTime(a.LastTradedAt), a.State.LastSession.String(), note,
		})
		plain = append(plain, a.Ticker.String())
	}
	text := section{table: t}
	if !noted {
		text.table = t.without("note")
	}
	if len(list) == 0 {
		text.summary = "No ticker is active: add some with 'papertrade watchlist add TICKER…'."
	}
	return result{json: list, csv: t, plain: plain, text: []section{text}}
}
