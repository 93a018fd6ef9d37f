package main

import (
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"papertrade/internal/config"
	"papertrade/internal/history"
	"papertrade/internal/ping"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
	"papertrade/pkg/safetext"
)

// logger is where a command logs.
type logger struct {
	zerolog.Logger
	json   bool            // for programs
	lines  *switchedWriter // through which lines go to stderr
	tail   *ping.Tail      // the last lines, for a monitor; nil if there is none
	config *config.Config
}

// newLogger returns a logger to stderr and, at the level of the settings even if quiet, for a monitor.
func newLogger(env environ, c *config.Config, quiet bool) logger {
	log := logger{json: logsJSON(env, c), lines: &switchedWriter{w: env.stderr}, config: c}
	// formatted returns a writer of logs in the format of the settings, without what is unsafe or secret.
	formatted := func(w io.Writer, color bool) io.Writer {
		if !log.json {
			w = zerolog.ConsoleWriter{Out: w, NoColor: !color, TimeFormat: time.RFC3339, TimeLocation: time.UTC}
		}
		return &safeWriter{c, w}
	}
	out := formatted(log.lines, env.getenv("NO_COLOR") == "" && isTerminal(env.stderr))
	if quiet {
		out = &zerolog.FilteredLevelWriter{Writer: zerolog.LevelWriterAdapter{Writer: out}, Level: zerolog.WarnLevel}
	}
	if c.Ping.URL != "" {
		log.tail = &ping.Tail{}
		out = zerolog.MultiLevelWriter(out, formatted(log.tail, false))
	}
	level, err := zerolog.ParseLevel(c.Log.Level)
	if err != nil {
		level = zerolog.InfoLevel
	}
	log.Logger = zerolog.New(out).Level(level).Hook(utcTimestamp{})
	return log
}

// logsJSON reports whether logs are for programs.
func logsJSON(env environ, c *config.Config) bool {
	switch c.Log.Format {
	case "json":
		return true
	case "console":
		return false
	default:
		return !isTerminal(env.stderr)
	}
}

// switchedWriter writes to one writer, and later to another.
type switchedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *switchedWriter) set(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = w
}

func (s *switchedWriter) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(text)
}

// utcTimestamp stamps each line with the time in UTC.
type utcTimestamp struct{}

func (utcTimestamp) Run(e *zerolog.Event, _ zerolog.Level, _ string) {
	e.Time(zerolog.TimestampFieldName, time.Now().UTC())
}

// safeWriter is the last line of defence: what goes through it steers no terminal and holds no secret of the settings.
type safeWriter struct {
	config *config.Config
	w      io.Writer
}

// Write writes a line of JSON.
func (s *safeWriter) Write(line []byte) (int, error) {
	redactor := s.config.Redactor()
	safe := func(text string) string { return redactor.Redact(safetext.Lines(text)) }
	if _, err := s.w.Write(safetext.JSON(line, safe)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// observe logs what happens in a run.
func (log logger) observe(event refresh.Event) {
	switch e := event.(type) {
	case refresh.LockAwaited:
		log.lockAwaited(e)
	case refresh.RowSkipped:
		log.Warn().Str("source", string(e.Source)).Err(explainUnreadable(e.Err)).Msg("row skipped")
	case refresh.RecordsMisdated:
		log.Warn().Str("kind", e.Kind).Time("latest", e.At).Strs("tickers", symbols(e.Tickers)).
			Msg("recorded in the future, by a clock that was wrong or with --at: ignored")
	case refresh.RunStarted:
		r := e.Report
		log.Info().Time("at", r.At).Stringer("session", r.Session).
			Int("active", r.Counts.Active).Int("planned", r.Counts.Planned).
			Int("batches", r.Batches).Int("calls", r.Calls).
			Int("estimate_seconds", r.EstimateSeconds).Msg("run started")
	case refresh.CallThrottled:
		log.Warn().Stringer("ticker", e.Ticker).Float64("wait_seconds", e.Wait.Seconds()).Err(e.Err).Msg("throttled")
	case refresh.BatchCommitted:
		log.Info().Int("batch", e.Batch).Int("batches", e.Batches).Int("refreshed", e.Refreshed).
			Int("failed", e.Failed).Int("calls", e.Calls).Msg("batch committed")
	case refresh.TickerFailed:
		log.Warn().Stringer("ticker", e.Ticker).Str("kind", e.Kind).Err(e.Err).Msg("ticker failed")
	case refresh.SplitFound:
		log.Warn().Stringer("ticker", e.Ticker).Stringer("ratio", e.Split).Stringer("session", e.Split.Session).
			Msg("looks like a split: if it is one, the bars stored before it are on another scale, see backfill --rebase")
	case refresh.TaskFailure:
		log.Warn().Str("task", e.ID).Str("reason", e.Reason).Msg("task failed")
	case refresh.TaskPriorityUnknown:
		log.Warn().Str("task", e.ID).Str("priority", e.Priority).Msg("priority of a task is neither low nor high: taken for low")
	case refresh.LimitsLearned:
		log.Warn().Str("reason", limitAdvice(log.config, narrowed(log.config, e.Limits))).Msg("planning with fewer calls than are set")
	case refresh.TasksStopped:
		log.Warn().Err(e.Err).Msg("the application's tasks stopped")
	case refresh.SessionMissing:
		log.Warn().Stringer("ticker", e.Ticker).Stringer("session", e.Session).Stringer("newest", e.Newest).
			Msg("newest session not out yet")
	case refresh.CalendarUnknown:
		log.calendarUnknown(e)
	case refresh.CalendarEnding:
		log.Warn().Str("exchange", e.MIC).Stringer("until", e.Until).Strs("tickers", symbols(e.Tickers)).
			Msg("holidays known until this day only: after it every weekday is taken for a session, upgrade papertrade")
	case refresh.BarRepaired:
		log.Warn().Stringer("ticker", e.Ticker).Stringer("session", e.Session).
			Msg("open, high and low contradict each other or the close: only the close was stored")
	case refresh.BarJudged, refresh.BarCorrected, refresh.BarFilled, refresh.HeldDecided, refresh.DoubtAsked:
		log.judgement(e)
	case refresh.TickerPlanned:
		log.planned(e)
	case refresh.BarDecided:
		log.decided(e)
	case refresh.RunFinished:
		log.runFinished(e.Report)
	}
}

func (log logger) lockAwaited(e refresh.LockAwaited) {
	event := log.Info().Stringer("at_most", e.Wait)
	if e.Holder != nil {
		event.Str("host", e.Holder.Host).Int("pid", e.Holder.PID).Time("since", e.Holder.Since.UTC())
	}
	event.Msg("waiting for another run to end")
}

// judgement logs what became of a price that was in doubt.
func (log logger) judgement(event refresh.Event) {
	switch e := event.(type) {
	case refresh.BarJudged:
		message := "price stored in spite of a doubt"
		if e.Ruling != history.Store {
			message = "price not stored"
		}
		log.Warn().Stringer("ticker", e.Ticker).Stringer("session", e.Bar.Session).Str("why", e.Why).Strs("evidence", e.Evidence).Msg(message)
	case refresh.BarCorrected:
		log.Info().Stringer("ticker", e.Ticker).Stringer("session", e.Session).
			Str("old", marketdata.FormatPrice(e.Old)).Str("new", marketdata.FormatPrice(e.New)).Msg("stored price corrected by the vendor")
	case refresh.BarFilled:
		log.Info().Stringer("ticker", e.Ticker).Stringer("session", e.Session).Msg("blanks of a stored bar filled")
	case refresh.HeldDecided:
		log.Warn().Stringer("ticker", e.Ticker).Stringer("session", e.Session).Str("close", marketdata.FormatPrice(e.Close)).
			Str("decision", string(e.Decision)).Strs("evidence", e.Evidence).Msg("held price decided")
	case refresh.DoubtAsked:
		log.Info().Stringer("ticker", e.Ticker).Str("asked", e.Capability).Msg("asked what can settle a doubt")
	}
}

// calendarUnknown logs what is assumed of tickers, apart for those whose currency the settings name.
func (log logger) calendarUnknown(e refresh.CalendarUnknown) {
	var named, assumed []marketdata.Ticker
	for _, ticker := range e.Tickers {
		if _, ok := log.config.Currencies.Lookup(ticker); ok {
			named = append(named, ticker)
		} else {
			assumed = append(assumed, ticker)
		}
	}
	if len(assumed) > 0 {
		log.Warn().Str("suffix", e.Suffix).Strs("tickers", symbols(assumed)).Str("setting", `currencies."`+e.Suffix+`"`).
			Msg("exchange unknown: stored as USD, every weekday taken for a session; the setting names another currency")
	}
	if len(named) > 0 {
		log.Warn().Str("suffix", e.Suffix).Strs("tickers", symbols(named)).
			Msg("exchange unknown: every weekday taken for a session")
	}
}

func symbols(tickers []marketdata.Ticker) []string {
	symbols := make([]string, len(tickers))
	for i, ticker := range tickers {
		symbols[i] = ticker.String()
	}
	return symbols
}

func (log logger) runFinished(r refresh.Report) {
	level := zerolog.InfoLevel
	switch r.Status {
	case refresh.Failed:
		level = zerolog.ErrorLevel
	case refresh.Partial, refresh.Deferred, refresh.Interrupted:
		level = zerolog.WarnLevel
	}
	event := log.WithLevel(level).Str("status", string(r.Status))
	if r.Reason != "" {
		event.Str("reason", r.Reason)
	}
	event.
		Int("active", r.Counts.Active).Int("fresh", r.Counts.Fresh).Int("refreshed", r.Counts.Refreshed).
		Int("failed", r.Counts.Failed).Int("deferred", r.Counts.Deferred).
		Int("batches", r.Batches).Int("calls", r.Calls).
		Float64("seconds", float64(r.FinishedAt.Sub(r.StartedAt).Milliseconds())/1000).Msg("run finished")
}
