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
	now      func() time.Time
	terminal io.Writer
	logs     *switchedWriter // that go to the terminal while no bar is there

	bars *mpb.Progress // nil as long as there is nothing to show
	bar  *mpb.Bar

	// What is shown. No method of the bar is called with the lock held: it draws with it.
	mu       sync.Mutex
	done     int
	total    int
	pending  int // tasks that follow, as far as is known; some may be of one ticker
	failed   int
	underWay []marketdata.Ticker
	forecast refresh.Forecast
	until    time.Time // no call is made before
}

// showsProgress says whether somebody watches: stderr is a terminal that can move its cursor.
func (a *app) showsProgress() bool {
	return !a.quiet && !a.logsJSON() && isTerminal(a.stderr) && !slices.Contains(a.env, "TERM=dumb")
}

// Write shows lines of the log above the bar, or without it where the terminal cannot have one.
func (p *progress) Write(lines []byte) (int, error) {
	if n, err := p.bars.Write(lines); err == nil {
		return n, nil
	}
	return p.terminal.Write(lines)
}

// begin shows the bar. Where the terminal refuses it there is none.
func (p *progress) begin() {
	const refreshes = 200 * time.Millisecond
	p.bars = mpb.New(mpb.WithOutput(p.terminal), mpb.WithAutoRefresh(), mpb.WithRefreshRate(refreshes))
	var err error
	if p.bar, err = p.bars.Add(0, mpb.BarFillerFunc(p.draw)); err != nil {
		return
	}
	p.logs.set(p)
}

// stop takes the bar away.
func (p *progress) stop() {
	if p.bar == nil {
		return
	}
	p.bar.Abort(true)
	p.bars.Wait()
	p.logs.set(p.terminal)
}

// observe takes note of what happens in a run.
func (p *progress) observe(event refresh.Event) {
	if _, begins := event.(refresh.WorkBegun); begins && p.bars == nil {
		p.begin()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case refresh.RunStarted:
		if e.Report.Counts.Active == 0 {
			p.pending = e.Report.PendingTasks // the run is about them
		}
	case refresh.WorkBegun:
		p.total += e.Tickers
	case refresh.TickerBegun:
		p.underWay = append(p.underWay, e.Ticker)
	case refresh.TickerEnded:
		p.underWay = slices.DeleteFunc(p.underWay, func(t marketdata.Ticker) bool { return t == e.Ticker })
		p.done++
	case refresh.Waiting:
		p.until = e.Until
	case refresh.CallThrottled:
		p.until = p.now().Add(e.Wait)
	case refresh.TickerFailed:
		p.failed++
	case refresh.Forecast:
		p.forecast = e
	}
}

const (
	barWidth = 20
	// narrow is a terminal in which the text is worth more than the bar.
	narrow = 60
)

// draw writes the line, without its end.
func (p *progress) draw(w io.Writer, s decor.Statistics) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := p.text(s.AvailableWidth)
	if s.AvailableWidth >= narrow {
		const eighths = " ▏▎▍▌▋▊▉"
		filled := 8 * barWidth * p.done / max(1, p.all())
		bar := strings.Repeat("█", filled/8)
		if rest := filled % 8; rest > 0 {
			bar += string([]rune(eighths)[rest])
		}
		line = fmt.Sprintf("▕%-*s▏ %s", barWidth, bar, p.text(s.AvailableWidth-barWidth-3))
	}
	_, err := io.WriteString(w, line)
	return err
}

// all is how many tickers there are, as far as is known.
func (p *progress) all() int { return max(p.total, p.pending) }

// text is what there is to say, in so many columns at the most; what matters least is left out first.
func (p *progress) text(width int) string {
	now := p.now()
	parts := []string{fmt.Sprintf("%d/%d", p.done, p.all())}
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
	if end := p.forecast.EndsAt; end.After(now) && p.total >= p.pending {
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

// watch lets a run be watched where somebody is there; observer is told what happens until stop.
func (a *app) watch() (observer func(refresh.Event), watched bool, stop func()) {
	if !a.showsProgress() {
		return observe(a.log), false, func() {}
	}
	p := &progress{now: time.Now, terminal: a.stderr, logs: a.logs}
	logged := observe(a.log)
	observer = func(e refresh.Event) {
		p.observe(e)
		if _, told := e.(refresh.BatchCommitted); !told { // by the bar
			logged(e)
		}
	}
	return observer, true, p.stop
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
