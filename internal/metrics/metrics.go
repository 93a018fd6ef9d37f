// Package metrics writes the numbers of runs for Prometheus to a file that its node exporter serves.
package metrics

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Refresh is the kind of scheduled runs, which alerts are based on.
const Refresh = "refresh"

// There is a series for each of these from the first run on: Prometheus sees an increase only of a series that existed before.
var (
	workedStatuses = []string{"succeeded", "partial", "failed", "deferred", "interrupted"} // statuses of runs that did any work
	idleStatuses   = []string{"locked", "disabled", "not_due", "closed"}                   // and of runs that did none
	outcomes       = []string{"refreshed", "fresh", "failed", "deferred", "skipped"}       // of tickers
)

// maxClockError is how far ahead a clock may be.
const maxClockError = time.Hour

// Run is how a run ended.
type Run struct {
	Kind      string // Refresh, or another
	Status    string
	Succeeded bool // whether the exit status was 0
	EndedAt   time.Time
	Duration  time.Duration
	Tickers   map[string]int // by outcome
	Calls     int
	Stale     int // tickers whose newest bar repeats the one before it
}

// Gauges is the state of the store once a run has ended.
type Gauges struct {
	ActiveTickers  int
	SessionsBehind int            // of the stalest active ticker
	HeldPrices     int            // that wait for a decision, of all tickers
	PendingSplits  int            // that the stored histories of active tickers lack
	QuotaRemaining map[string]int // calls, by the window of the limit
	// LastRefresh is when the last run of the kind Refresh that did not fail began; zero if there is
	// none. It stands in for the last success if the file does not have it.
	LastRefresh time.Time
}

// Write replaces the file at path atomically, and makes it readable for everyone. Series of runs of other kinds are kept, and so
// are the gauges if gauges is nil, as it is when the store cannot be queried. A run that did no work is counted,
// and leaves the series of the last run that did as they are. A regular file that is not a metrics file is replaced; a directory,
// a pipe or a device is refused. A symbolic link stays, and what it points to is written.
func Write(path string, run Run, gauges *Gauges) error {
	path = linkTarget(path)
	unlock, err := lock(path)
	if err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	defer unlock()
	f := newFile()
	if err := f.load(path); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	if gauges != nil {
		f.setGauges(*gauges)
	}
	f.setRun(run)
	if err := prometheus.WriteToTextfile(path, f.registry); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}

// linkTarget returns the file that a path leads to by symbolic links; it need not exist.
func linkTarget(path string) string {
	const maxLinks = 40 // as Linux has it
	for range maxLinks {
		target, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return path
}

// file is the content to write.
type file struct {
	registry *prometheus.Registry
	// series finds or makes a series by the name of its metric and its labels.
	series map[string]func(prometheus.Labels) (series, error)

	runs                                                          *prometheus.CounterVec
	lastRun, lastSuccess, duration, status, tickers, calls, stale *prometheus.GaugeVec // per kind
	activeTickers, sessionsBehind, quotaRemaining                 *prometheus.GaugeVec
	heldPrices, pendingSplits                                     *prometheus.GaugeVec
}

// series is a counter or a gauge.
type series interface{ Add(float64) }

func newFile() *file {
	f := &file{registry: prometheus.NewRegistry(), series: map[string]func(prometheus.Labels) (series, error){}}
	f.runs = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "papertrade_runs_total",
		Help: "Runs that ended, since the file was first written.",
	}, []string{"kind", "status"})
	f.registry.MustRegister(f.runs)
	f.series["papertrade_runs_total"] = func(l prometheus.Labels) (series, error) { return f.runs.GetMetricWith(l) }

	f.lastRun = f.gauge("papertrade_last_run_timestamp_seconds", "When the last run that went to work ended.", "kind")
	f.lastSuccess = f.gauge("papertrade_last_success_timestamp_seconds", "When the last run with exit status 0 that went to work ended; 0 if none did.", "kind")
	f.duration = f.gauge("papertrade_last_run_duration_seconds", "How long the last run that went to work took.", "kind")
	f.status = f.gauge("papertrade_last_run_status", "1 for the status of the last run, 0 for the others.", "kind", "status")
	f.tickers = f.gauge("papertrade_last_run_tickers", "Tickers of the last run by what became of them.", "kind", "outcome")
	f.calls = f.gauge("papertrade_last_run_calls", "Calls to the vendor that the last run made.", "kind")

	f.stale = f.gauge("papertrade_last_run_stale_answers", "Tickers of the last run whose newest bar equals the one before it, volume included.", "kind")

	f.activeTickers = f.gauge("papertrade_active_tickers", "Tickers that are active.")
	f.sessionsBehind = f.gauge("papertrade_stalest_ticker_sessions_behind", "Completed sessions that the stalest active ticker that the vendor knows has no daily price of.")
	f.heldPrices = f.gauge("papertrade_held_prices", "Prices that are kept out of the history because they may be wrong, until they are settled.")
	f.pendingSplits = f.gauge("papertrade_pending_splits", "Splits that the stored histories of active tickers lack.")
	f.quotaRemaining = f.gauge("papertrade_quota_remaining_calls",
		"Calls that the rate limit of a window still allowed when the last run ended.", "window")
	return f
}

func (f *file) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	f.registry.MustRegister(vec)
	f.series[name] = func(l prometheus.Labels) (series, error) { return vec.GetMetricWith(l) }
	return vec
}

// load takes over the series in the file at path that this version knows.
func (f *file) load(path string) error {
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular(): // opening a pipe could block for ever, and replacing a device is not what was meant
		return fmt.Errorf("%s is not a regular file: name a file", path)
	}
	old, err := os.Open(path)
	if err != nil {
		return err
	}
	defer old.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	// If the file is damaged, families has what comes before the damage.
	families, _ := parser.TextToMetricFamilies(old)
	for name, family := range families {
		find, known := f.series[name]
		if !known {
			continue
		}
		for _, m := range family.GetMetric() {
			s, err := find(labels(m))
			if value := m.GetGauge().GetValue() + m.GetCounter().GetValue(); err == nil && value > 0 {
				s.Add(value)
			}
		}
	}
	return nil
}

func labels(m *dto.Metric) prometheus.Labels {
	all := prometheus.Labels{}
	for _, pair := range m.GetLabel() {
		all[pair.GetName()] = pair.GetValue()
	}
	return all
}

func (f *file) setGauges(s Gauges) {
	f.activeTickers.WithLabelValues().Set(float64(s.ActiveTickers))
	f.sessionsBehind.WithLabelValues().Set(float64(s.SessionsBehind))
	f.heldPrices.WithLabelValues().Set(float64(s.HeldPrices))
	f.pendingSplits.WithLabelValues().Set(float64(s.PendingSplits))
	f.quotaRemaining.Reset() // the limits may have changed
	for window, calls := range s.QuotaRemaining {
		f.quotaRemaining.WithLabelValues(window).Set(float64(calls))
	}
	if success := f.lastSuccess.WithLabelValues(Refresh); value(success) == 0 && !s.LastRefresh.IsZero() {
		success.Set(seconds(s.LastRefresh))
	}
}

func (f *file) setRun(r Run) {
	for _, status := range slices.Concat(workedStatuses, idleStatuses) {
		f.runs.WithLabelValues(r.Kind, status)
	}
	f.runs.WithLabelValues(r.Kind, r.Status).Inc()
	success := f.lastSuccess.WithLabelValues(r.Kind)
	if !slices.Contains(workedStatuses, r.Status) {
		return
	}
	// A run by an earlier clock is no newer success, unless the other one is of a clock that was wrong.
	if last := value(success); r.Succeeded && (last < seconds(r.EndedAt) || last > seconds(time.Now().Add(maxClockError))) {
		success.Set(seconds(r.EndedAt))
	}
	f.lastRun.WithLabelValues(r.Kind).Set(seconds(r.EndedAt))
	f.duration.WithLabelValues(r.Kind).Set(r.Duration.Seconds())
	f.calls.WithLabelValues(r.Kind).Set(float64(r.Calls))
	f.stale.WithLabelValues(r.Kind).Set(float64(r.Stale))
	for _, status := range workedStatuses {
		f.status.WithLabelValues(r.Kind, status).Set(0)
	}
	f.status.WithLabelValues(r.Kind, r.Status).Set(1)
	for _, outcome := range outcomes {
		f.tickers.WithLabelValues(r.Kind, outcome).Set(float64(r.Tickers[outcome]))
	}
}

// seconds returns a time as Prometheus writes it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func value(g prometheus.Gauge) float64 {
	var m dto.Metric
	_ = g.Write(&m) // to memory
	return m.GetGauge().GetValue()
}
