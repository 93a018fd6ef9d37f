package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"papertrade/internal/metrics"
	"papertrade/internal/ping"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
)

// lastPing is how long after its interruption a run may still tell its monitor, which leaves it time to end
// within 2 s. A database that does not answer takes most of it.
const lastPing = 1700 * time.Millisecond

// monitoring tells Prometheus (metrics.textfile) and a monitor (ping.url) of one run. What goes wrong
// with that is a warning, and changes nothing else of the run.
type monitoring struct {
	*app
	kind     string
	at       time.Time // when the run began, as --at has it
	began    time.Time // and by the real clock
	textfile string    // "" for none
	stock    *metrics.Stock
	monitor  *ping.Monitor // nil for none
}

// monitored is the monitoring of a run. Nobody hears of a dry one. Of one that the settings disable the
// monitor hears nothing: prices go stale, and it is to notice.
func (a *app) monitored(at instant, o refresh.Options) *monitoring {
	m := &monitoring{app: a, kind: o.Kind.String(), at: a.clock(at)(), began: time.Now()}
	if o.DryRun {
		return m
	}
	m.textfile = a.config.Metrics.Textfile
	if a.config.Ping.URL == "" || a.disables(o) {
		return m
	}
	var err error
	if m.monitor, err = ping.New(a.config.Ping.URL, o.RunID, &http.Client{}); err != nil {
		a.log.Warn().Err(err).Msg("ping failed")
	}
	return m
}

// start tells that the run starts.
func (m *monitoring) start(ctx context.Context) {
	if m.monitor == nil {
		return
	}
	if err := m.monitor.Start(ctx); err != nil {
		m.log.Warn().Err(err).Msg("ping failed")
	}
}

// look sees how things stand once the run has ended, unless it was interrupted and has no time for that.
func (m *monitoring) look(ctx context.Context, db store, job *refresh.Job) {
	if m.textfile == "" || ctx.Err() != nil {
		return
	}
	stock, err := m.takeStock(ctx, db, job)
	if err != nil {
		m.log.Warn().Err(err).Msg("metrics of quota and freshness stay as they were")
		return
	}
	m.stock = &stock
}

func (m *monitoring) takeStock(ctx context.Context, db store, job *refresh.Job) (stock metrics.Stock, err error) {
	active, _, err := refresh.Discover(ctx, db, job.Discovery, m.now())
	if err != nil {
		return stock, err
	}
	stock.ActiveTickers = len(active)
	for _, a := range active {
		stock.SessionsBehind = max(stock.SessionsBehind, refresh.SessionsBehind(a, m.now()))
	}
	limiter := job.Vendors[0].Limiter
	account, err := limiter.Account(ctx)
	if err != nil {
		return stock, err
	}
	stock.QuotaLeft = map[string]int{}
	for _, a := range quota.Remaining(limiter.Limits(), account, time.Now()) {
		_, window, _ := strings.Cut(a.Limit.String(), "/")
		if left, found := stock.QuotaLeft[window]; !found || a.Left < left {
			stock.QuotaLeft[window] = a.Left
		}
	}
	stock.LastRefresh, err = db.LastRun(ctx, refresh.JobName)
	return stock, err
}

// end tells how the run ended: err is what the command ends with.
func (m *monitoring) end(ctx context.Context, r refresh.Report, err error) {
	status := exitStatus(ctx, err)
	if m.textfile != "" {
		if err := metrics.Write(m.textfile, m.numbers(ctx, r, status), m.stock); err != nil {
			m.log.Warn().Err(err).Msg("metrics not written")
		}
	}
	if m.monitor == nil {
		return
	}
	log := m.tail.String()
	if err != nil {
		log += m.config.Redact("papertrade: " + err.Error() + "\n")
	}
	var interruption *interruptedError
	if errors.As(context.Cause(ctx), &interruption) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(context.WithoutCancel(ctx), interruption.at.Add(lastPing))
		defer cancel()
	}
	if err := m.monitor.End(ctx, status, log); err != nil {
		m.log.Warn().Err(err).Msg("ping failed")
	}
}

// numbers are those of a run, also of one that came to no report.
func (m *monitoring) numbers(ctx context.Context, r refresh.Report, exitStatus int) metrics.Run {
	run := metrics.Run{
		Kind: m.kind, Status: string(r.Status), Succeeded: exitStatus == 0, EndedAt: m.now(), Duration: time.Since(m.began), Calls: r.Calls,
		Tickers: map[string]int{
			string(refresh.OutcomeRefreshed): r.Counts.Refreshed, string(refresh.OutcomeFresh): r.Counts.Fresh,
			string(refresh.OutcomeFailed): r.Counts.Failed, string(refresh.OutcomeDeferred): r.Counts.Deferred,
			string(refresh.OutcomeSkipped): r.Counts.Skipped,
		},
	}
	if !r.FinishedAt.IsZero() {
		run.EndedAt, run.Duration = r.FinishedAt, r.FinishedAt.Sub(r.StartedAt)
	}
	switch {
	case run.Status == "" && ctx.Err() != nil:
		run.Status = string(refresh.Interrupted)
	case run.Status == "":
		run.Status = string(refresh.Failed)
	}
	return run
}

// now is the time by the clock of the run.
func (m *monitoring) now() time.Time { return m.at.Add(time.Since(m.began)) }
