package main

import (
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/term"

	"papertrade/internal/config"
	"papertrade/internal/ping"
	"papertrade/internal/refresh"
)

// logsJSON says whether logs are for programs.
func (a *app) logsJSON() bool {
	switch a.config.Log.Format {
	case "json":
		return true
	case "console":
		return false
	default:
		return !isTerminal(a.stderr)
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// newLogger logs to stderr and, at the level of the settings even with --quiet, for a monitor.
func (a *app) newLogger() zerolog.Logger {
	noColor := slices.ContainsFunc(a.env, func(v string) bool { return strings.HasPrefix(v, "NO_COLOR=") && v != "NO_COLOR=" })
	a.logs = &switchedWriter{w: a.stderr}
	out := a.formatted(a.logs, !noColor && isTerminal(a.stderr))
	if a.quiet {
		out = &zerolog.FilteredLevelWriter{Writer: zerolog.LevelWriterAdapter{Writer: out}, Level: zerolog.WarnLevel}
	}
	if a.config.Ping.URL != "" {
		a.tail = &ping.Tail{}
		out = zerolog.MultiLevelWriter(out, a.formatted(a.tail, false))
	}
	level, err := zerolog.ParseLevel(a.config.Log.Level)
	if err != nil {
		level = zerolog.InfoLevel
	}
	return zerolog.New(out).Level(level).Hook(utcTimestamp{})
}

// formatted writes logs to w in the format of the settings, without what is secret.
func (a *app) formatted(w io.Writer, color bool) io.Writer {
	redacting := &redactingWriter{a.config, w}
	if a.logsJSON() {
		return redacting
	}
	return zerolog.ConsoleWriter{Out: redacting, NoColor: !color, TimeFormat: time.RFC3339, TimeLocation: time.UTC}
}

// utcTimestamp stamps each line with the time in UTC.
type utcTimestamp struct{}

func (utcTimestamp) Run(e *zerolog.Event, _ zerolog.Level, _ string) {
	e.Time(zerolog.TimestampFieldName, time.Now().UTC())
}

// redactingWriter is the last line of defence: what goes through it holds no secret of the settings.
type redactingWriter struct {
	config *config.Config
	w      io.Writer
}

func (r *redactingWriter) Write(line []byte) (int, error) {
	if _, err := io.WriteString(r.w, r.config.Redact(string(line))); err != nil {
		return 0, err
	}
	return len(line), nil
}

// observe logs what happens in a run.
func observe(log zerolog.Logger) func(refresh.Event) {
	return func(event refresh.Event) {
		switch e := event.(type) {
		case refresh.RowSkipped:
			log.Warn().Str("source", string(e.Source)).Err(e.Err).Msg("row skipped")
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
		case refresh.TaskRejected:
			log.Warn().Str("task", e.ID).Str("reason", e.Reason).Msg("task rejected")
		case refresh.TasksStopped:
			log.Warn().Err(e.Err).Msg("the application's tasks stopped")
		case refresh.SessionMissing:
			log.Warn().Stringer("ticker", e.Ticker).Stringer("session", e.Session).Stringer("newest", e.Newest).
				Msg("newest session not out yet")
		case refresh.CalendarUnknown:
			symbols := make([]string, len(e.Tickers))
			for i, ticker := range e.Tickers {
				symbols[i] = ticker.String()
			}
			log.Warn().Str("suffix", e.Suffix).Strs("tickers", symbols).Msg("exchange unknown: every weekday is taken for a session")
		case refresh.RunFinished:
			logFinish(log, e.Report)
		}
	}
}

func logFinish(log zerolog.Logger, r refresh.Report) {
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
