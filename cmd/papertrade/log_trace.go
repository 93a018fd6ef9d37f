package main

import (
	"cmp"
	"strings"

	"github.com/rs/zerolog"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// shows reports whether lines of a level are logged, so that what they say need not be found out otherwise.
func (log logger) shows(level zerolog.Level) bool { return log.GetLevel() <= level }

// planned logs what a plan decides about a ticker.
func (log logger) planned(e refresh.TickerPlanned) {
	event := log.Debug().Stringer("ticker", e.Ticker).Str("decision", string(e.Outcome)).Str("reason", e.Reason)
	if e.Outcome == refresh.OutcomePlanned {
		event.Int("batch", e.Batch).Str("provider", e.Provider).Str("asked", e.Asked)
	}
	if n := len(e.Sessions); n > 0 {
		event.Int("sessions", n).Stringer("from", e.Sessions[0]).Stringer("to", e.Sessions[n-1])
	}
	event.Msg("ticker decided")
}

// decided logs what becomes of a fetched bar, and where it came from.
func (log logger) decided(e refresh.BarDecided) {
	event := log.Debug().Stringer("ticker", e.Bar.Ticker).Stringer("session", e.Bar.Session).Str("decision", string(e.Decision))
	if e.Bar.Close.IsPositive() {
		event.Str("close", marketdata.FormatPrice(e.Bar.Close)).Str("currency", e.Bar.Currency)
	}
	event.Str("provider", e.Provider).Str("asked", e.Asked).Time("asked_at", e.Began.UTC())
	if e.Before != nil {
		event.Str("close_before", marketdata.FormatPrice(e.Before.Close)).Stringer("session_before", e.Before.Session)
	}
	if e.Why != "" {
		event.Str("why", e.Why)
	}
	if len(e.Evidence) > 0 {
		event.Strs("evidence", e.Evidence)
	}
	event.Msg("bar decided")
}

// onAnswer returns what logs the answers of vendors; nil if that is below the level.
func (log logger) onAnswer() func(marketdata.RawAnswer) {
	if !log.shows(zerolog.DebugLevel) {
		return nil
	}
	return log.answer
}

// maxLoggedBody is how much of an answer is logged, in bytes: a series of 100 sessions has 25 kB.
const maxLoggedBody = 64 << 10

// answer logs an answer's kind and size, and at the lowest level all of it.
func (log logger) answer(raw marketdata.RawAnswer) {
	log.describe(log.Debug(), raw).Msg("answer")
	if log.shows(zerolog.TraceLevel) {
		body := log.config.Redact(string(raw.Body)) // as a whole: a key that is cut in two would not be found
		if len(body) > maxLoggedBody {
			body = strings.ToValidUTF8(body[:maxLoggedBody], "")
		}
		log.describe(log.Trace(), raw).Str("body", body).Msg("answer as it came")
	}
}

// describe adds to a line what was asked and what came of it.
func (log logger) describe(event *zerolog.Event, raw marketdata.RawAnswer) *zerolog.Event {
	kind, err := kindOfAnswer(raw)
	event.Str("asked", raw.Question.Capability.Name).Strs("tickers", symbols(raw.Question.Tickers)).Str("kind", kind)
	if raw.Status != 0 {
		event.Int("http_status", raw.Status).Str("content_type", raw.ContentType).Int("bytes", len(raw.Body))
	}
	if err != nil {
		return event.Err(err)
	}
	if n := len(raw.Answer.Bars); n > 0 {
		event.Int("bars", n)
	}
	return event
}

// kindOfAnswer names what an answer turned out to be: what was asked for, or else an error as reports name it.
func kindOfAnswer(raw marketdata.RawAnswer) (kind string, err error) {
	err = raw.Err
	for _, missing := range raw.Answer.Missing {
		err = cmp.Or(err, missing)
	}
	if err != nil {
		return refresh.ErrorKind(err), err
	}
	switch raw.Question.Capability.Kind {
	case marketdata.Quotes:
		return "quote", nil
	case marketdata.History:
		return "series", nil
	case marketdata.MarketDay:
		return "market_day", nil
	default:
		return "splits", nil
	}
}
