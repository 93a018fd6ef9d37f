// Package metrics writes the numbers of runs for Prometheus, to a file that its node exporter serves.
package metrics

import (
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Refresh is the kind of the runs that the schedule asks for, which alerts go by.
const Refresh = "refresh"

// The label values that have a series from the first run on: Prometheus sees no increase of a series that is new.
var (
	worked   = []string{"succeeded", "partial", "failed", "deferred", "interrupted"} // statuses of runs that went to work
	idle     = []string{"locked", "disabled", "not_due", "closed"}                   // and of runs that did not
	outcomes = []string{"refreshed", "fresh", "failed", "deferred", "skipped"}       // of tickers
)

// Run is how a run ended.
type Run struct {
	Kind      string // Refresh, or another
	Status    string
	Succeeded bool // by its exit status
	EndedAt   time.Time
	Duration  time.Duration
	Tickers   map[string]int // by outcome
	Calls     int
}

// Gauges are how things stand once a run has ended.
type Gauges struct {
	ActiveTickers  int
	SessionsBehind int            // of the stalest active ticker
	QuotaLeft      map[string]int // calls, by the window of the limit
	// LastRefresh is when the last run of the kind Refresh began that did not fail; zero if there is none.
	// It stands in for the last success if the file does not know it.
	LastRefresh time.Time
}

// Write writes the file at path anew, whole or not at all, readable for all. What the file has of runs of other
// kinds stays, and so do its gauges if they are nil, as they are if the store cannot be asked. A run that did not
// go to work is counted, and leaves alone the numbers of the last one that did. A file that is not of metrics is
// replaced.
func Write(path string, run Run, gauges *Gauges) error {
	unlock, err := lock(path)
	if err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	defer unlock()
	f := newFile()
	if err := f.recall(path); err != nil {
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

// file is what is to be written.
type file struct {
	registry *prometheus.Registry
	// series finds a series by the name of its metric and its labels, or makes it.
	series map[string]func(prometheus.Labels) (series, error)

	runs                                                   *prometheus.CounterVec
	lastRun, lastSuccess, duration, status, tickers, calls *prometheus.GaugeVec // of a kind
	activeTickers, sessionsBehind, quotaLeft               *prometheus.GaugeVec
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

	f.activeTickers = f.gauge("papertrade_active_tickers", "Tickers that are active.")
	f.sessionsBehind = f.gauge("papertrade_stalest_ticker_sessions_behind", "Completed sessions that the stalest active ticker that the vendor knows has no daily price of.")
	f.quotaLeft = f.gauge("papertrade_quota_remaining_calls", "Calls that the rate limit of a window still allowed when the last run ended.", "window")
	return f
}

func (f *file) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	f.registry.MustRegister(vec)
	f.series[name] = func(l prometheus.Labels) (series, error) { return vec.GetMetricWith(l) }
	return vec
}

// recall adopts what the file at path has, as far as this version knows it.
func (f *file) recall(path string) error {
	old, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer old.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	// Of a damaged file there is what comes before the damage.
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
	f.quotaLeft.Reset() // the limits can be others than before
	for window, calls := range s.QuotaLeft {
		f.quotaLeft.WithLabelValues(window).Set(float64(calls))
	}
	if success := f.lastSuccess.WithLabelValues(Refresh); value(success) == 0 && !s.LastRefresh.IsZero() {
		success.Set(seconds(s.LastRefresh))
	}
}

func (f *file) setRun(r Run) {
	for _, status := range slices.Concat(worked, idle) {
		f.runs.WithLabelValues(r.Kind, status)
	}
	f.runs.WithLabelValues(r.Kind, r.Status).Inc()
	success := f.lastSuccess.WithLabelValues(r.Kind)
	if !slices.Contains(worked, r.Status) {
		return
	}
	if r.Succeeded {
		success.Set(seconds(r.EndedAt))
	}
	f.lastRun.WithLabelValues(r.Kind).Set(seconds(r.EndedAt))
	f.duration.WithLabelValues(r.Kind).Set(r.Duration.Seconds())
	f.calls.WithLabelValues(r.Kind).Set(float64(r.Calls))
	for _, status := range worked {
		f.status.WithLabelValues(r.Kind, status).Set(0)
	}
	f.status.WithLabelValues(r.Kind, r.Status).Set(1)
	for _, outcome := range outcomes {
		f.tickers.WithLabelValues(r.Kind, outcome).Set(float64(r.Tickers[outcome]))
	}
}

// seconds returns a time as Prometheus has it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func value(g prometheus.Gauge) float64 {
	var m dto.Metric
	_ = g.Write(&m) // to memory
	return m.GetGauge().GetValue()
}
