package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"papertrade/internal/history"
	"papertrade/internal/metrics"
	"papertrade/internal/ping"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
)

// maxPingDelay is how long after its interruption a run may still ping, which leaves it time to end within 2 s.
// A database that does not answer takes most of it.
const maxPingDelay = 1700 * time.Millisecond

// monitoring reports one run to Prometheus (metrics.textfile) and to a monitor (ping.url). What goes wrong with
// that is a warning, and changes nothing else about the run.
type monitoring struct {
	invocation *invocation
	kind       string
	at         time.Time     // when the run began, by its own clock
	began      time.Time     // and by the real clock
	textfile   string        // "" for none
	monitor    *ping.Monitor // nil for none
}

// newMonitoring returns the monitoring of a run. A dry run is not reported. The monitor is not told of one that
// the settings disable: prices go stale, and it is to notice.
func newMonitoring(inv *invocation, at time.Time, o refresh.Options) *monitoring {
	m := &monitoring{invocation: inv, kind: o.Kind.String(), at: at, began: time.Now()}
	if o.DryRun {
		return m
	}
	m.textfile = inv.config.Metrics.Textfile
	if inv.config.Ping.URL == "" || inv.disables(o.Kind) {
		return m
	}
	var err error
	if m.monitor, err = ping.New(inv.config.Ping.URL, o.RunID, &http.Client{}); err != nil {
		inv.log.Warn().Err(err).Msg("ping failed")
	}
	return m
}

// start reports that the run starts.
func (m *monitoring) start(ctx context.Context) {
	if m.monitor == nil {
		return
	}
	if err := m.monitor.Start(ctx); err != nil {
		m.invocation.log.Warn().Err(err).Msg("ping failed")
	}
}

// readGauges reads how things stand once the run has ended. It is nil if that is not wanted or fails, and of an
// interrupted run, which has no time for it.
func (m *monitoring) readGauges(ctx context.Context, db store, job *refresh.Job, r refresh.Report) *metrics.Gauges {
	if m.textfile == "" || r.Status == "" || ctx.Err() != nil {
		return nil
	}
	gauges, err := readGauges(ctx, db, job, m.clock())
	if err != nil {
		m.invocation.log.Warn().Err(err).Msg("metrics of quota and freshness stay as they were")
		return nil
	}
	return &gauges
}

func readGauges(ctx context.Context, db store, job *refresh.Job, now time.Time) (gauges metrics.Gauges, err error) {
	active, _, err := refresh.Discover(ctx, db, job.Discovery, now)
	if err != nil {
		return gauges, err
	}
	gauges.ActiveTickers = len(active)
	for _, a := range active {
		gauges.SessionsBehind = max(gauges.SessionsBehind, refresh.SessionsBehind(a, now))
		gauges.PendingSplits += len(history.Pending(a.State.Splits))
	}
	held, err := refresh.WaitingBars(ctx, db)
	if err != nil {
		return gauges, err
	}
	gauges.HeldPrices = len(held)
	if gauges.LastRefresh, _, err = refresh.LastRun(ctx, db, now); err != nil {
		return gauges, err
	}
	limiter := job.Vendors[0].Limiter
	account, err := limiter.Account(ctx)
	if err != nil {
		return gauges, err
	}
	gauges.QuotaRemaining = map[string]int{}
	now = limiter.Now()
	for _, a := range quota.Remaining(account.Limits(limiter.Limits(), now), account, now) {
		_, window, _ := strings.Cut(a.Limit.String(), "/")
		if left, found := gauges.QuotaRemaining[window]; !found || a.Left < left {
			gauges.QuotaRemaining[window] = a.Left
		}
	}
	return gauges, err
}

// end reports how the run ended, of which err is the error that the command ends with.
func (m *monitoring) end(ctx context.Context, r refresh.Report, gauges *metrics.Gauges, err error) {
	status := exitStatus(ctx, err)
	if m.textfile != "" {
		if err := metrics.Write(m.textfile, m.numbers(ctx, r, status), gauges); err != nil {
			m.invocation.log.Warn().Err(err).Msg("metrics not written")
		}
	}
	if m.monitor == nil {
		return
	}
	log := m.invocation.log.tail.String()
	if err != nil {
		log += "papertrade: " + m.invocation.safe(err) + "\n"
	}
	var interruption *interruptedError
	if errors.As(context.Cause(ctx), &interruption) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(context.WithoutCancel(ctx), interruption.at.Add(maxPingDelay))
		defer cancel()
	}
	if err := m.monitor.End(ctx, status, log); err != nil {
		m.invocation.log.Warn().Err(err).Msg("ping failed")
	}
}

// numbers returns those of a run, even of one without a report.
func (m *monitoring) numbers(ctx context.Context, r refresh.Report, exitStatus int) metrics.Run {
	run := metrics.Run{
		Kind: m.kind, Status: string(r.Status), Succeeded: exitStatus == 0, EndedAt: m.clock(), Duration: time.Since(m.began), Calls: r.Calls,
		Tickers: map[string]int{
			string(refresh.OutcomeRefreshed): r.Counts.Refreshed, string(refresh.OutcomeFresh): r.Counts.Fresh,
			string(refresh.OutcomeFailed): r.Counts.Failed, string(refresh.OutcomeDeferred): r.Counts.Deferred,
			string(refresh.OutcomeSkipped): r.Counts.Skipped,
		},
	}
	for _, ticker := range r.Tickers {
		if ticker.IsStale {
			run.Stale++
		}
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

// clock returns the time by the clock of the run.
func (m *monitoring) clock() time.Time { return m.at.Add(time.Since(m.began)) }
