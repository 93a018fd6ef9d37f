package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// progress shows on a terminal where a run stands, below the lines that are logged meanwhile.
type progress struct {
	now  func() time.Time
	bars *mpb.Progress
	bar  *mpb.Bar

	mu       sync.Mutex
	done     int
	total    int
	failed   int
	underWay []marketdata.Ticker
	forecast refresh.Forecast
	until    time.Time // no call is made before
}

// showsProgress says whether somebody watches: stderr is a terminal that can move its cursor.
func (a *app) showsProgress() bool {
	return !a.quiet && !a.logsJSON() && isTerminal(a.stderr) && !slices.Contains(a.env, "TERM=dumb")
}

func newProgress(out io.Writer, now func() time.Time) *progress {
	const refreshes = 200 * time.Millisecond
	return &progress{now: now, bars: mpb.New(mpb.WithOutput(out), mpb.WithAutoRefresh(), mpb.WithRefreshRate(refreshes))}
}

// Write shows lines of the log above the bar.
func (p *progress) Write(lines []byte) (int, error) { return p.bars.Write(lines) }

// stop takes the bar away.
func (p *progress) stop() {
	if p.bar != nil {
		p.bar.Abort(true)
	}
	p.bars.Wait()
}

// observe takes note of what happens in a run.
func (p *progress) observe(event refresh.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case refresh.WorkBegun:
		p.total += e.Tickers
		p.forecast = e.Forecast
		if p.bar == nil {
			p.bar = p.add()
		}
		p.bar.SetTotal(int64(p.total), false)
	case refresh.TickerBegun:
		p.underWay = append(p.underWay, e.Ticker)
	case refresh.TickerEnded:
		p.underWay = slices.DeleteFunc(p.underWay, func(t marketdata.Ticker) bool { return t == e.Ticker })
		p.done++
		p.bar.SetCurrent(int64(p.done))
	case refresh.Waiting:
		p.until = e.Until
	case refresh.CallThrottled:
		p.until = p.now().Add(e.Wait)
	case refresh.TickerFailed:
		p.failed++
	case refresh.BatchCommitted:
		p.forecast = e.Forecast
	}
}

const (
	barWidth = 20
	// narrow is a terminal in which the text is worth more than the bar.
	narrow = 60
)

func (p *progress) add() *mpb.Bar {
	// A bar that is given its total later does not end when it is full: tasks may follow.
	return p.bars.New(0, mpb.BarStyle().Lbound("▕").Filler("█").Tip("█").Padding(" ").Rbound("▏"),
		mpb.BarWidth(barWidth),
		mpb.BarFillerMiddleware(func(filler mpb.BarFiller) mpb.BarFiller {
			return mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
				if s.AvailableWidth < barWidth {
					return nil
				}
				return filler.Fill(w, s)
			})
		}),
		mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string {
			p.mu.Lock()
			defer p.mu.Unlock()
			if s.AvailableWidth < narrow {
				return p.text(s.AvailableWidth - 1)
			}
			return p.text(s.AvailableWidth - barWidth - 2)
		})))
}

// text is what there is to say, in so many columns at the most; what matters least is left out first.
func (p *progress) text(width int) string {
	now := p.now()
	parts := []string{fmt.Sprintf("%d/%d", p.done, p.total)}
	order := []int{0} // of importance
	put := func(importance int, part string) {
		parts, order = append(parts, part), append(order, importance)
	}
	if len(p.underWay) > 0 {
		ticker := p.underWay[0].String()
		if more := len(p.underWay) - 1; more > 0 {
			ticker += fmt.Sprintf("+%d", more)
		}
		put(3, ticker)
	}
	if wait := p.until.Sub(now); wait > 0 {
		put(4, "next call in "+short(wait))
	}
	if p.failed > 0 {
		put(1, fmt.Sprintf("%d failed", p.failed))
	}
	if left, ok := leftToday(p.forecast.Left); ok {
		put(5, fmt.Sprintf("%s left today", count(left, "call", "calls")))
	}
	if end := p.forecast.EndsAt; end.After(now) {
		put(2, fmt.Sprintf("ends %s UTC (%s)", end.UTC().Format("15:04"), short(end.Sub(now))))
	}
	for {
		line := strings.Join(parts, "  ")
		if utf8.RuneCountInString(line) <= max(width, 0) || len(parts) == 1 {
			return line
		}
		least := slices.Index(order, slices.Max(order))
		parts, order = slices.Delete(parts, least, least+1), slices.Delete(order, least, least+1)
	}
}

// leftToday is what is left of the narrowest limit of a day; false where there is none.
func leftToday(allowances []quota.Allowance) (left int, ok bool) {
	for _, a := range allowances {
		if a.Limit.Window != 0 && a.Limit.Window < 24*time.Hour {
			continue
		}
		if !ok || a.Left < left {
			left, ok = a.Left, true
		}
	}
	return left, ok
}

// short is a duration as people read it: 42s, 7m, 1h38m.
func short(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int((d + time.Second - 1).Seconds()))
	case d.Round(time.Minute) < time.Hour:
		return fmt.Sprintf("%dm", int(d.Round(time.Minute).Minutes()))
	default:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
}

// watch lets a run be watched where somebody is there, and returns what observes it until stop.
func (a *app) watch() (observer func(refresh.Event), stop func()) {
	if !a.showsProgress() {
		return observe(a.log), func() {}
	}
	p := newProgress(a.stderr, time.Now)
	a.logs.set(p)
	logged := observe(a.log)
	observer = func(e refresh.Event) {
		p.observe(e)
		if _, told := e.(refresh.BatchCommitted); !told { // by the bar
			logged(e)
		}
	}
	return observer, func() {
		p.stop()
		a.logs.set(a.stderr)
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
