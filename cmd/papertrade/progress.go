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

// observer is called with the events of a run.
type observer struct {
	observe       func(refresh.Event)
	wantsForecast bool
	stop          func() // after the last event
}

// newObserver returns what logs the events of a run, and shows its progress if somebody watches.
func newObserver(inv *invocation) observer {
	if !showsProgress(inv) {
		return observer{observe: inv.log.observe, stop: func() {}}
	}
	p := &progressBar{now: time.Now, terminal: inv.stderr, logs: inv.log.lines}
	observe := func(e refresh.Event) {
		p.observe(e)
		if _, shown := e.(refresh.BatchCommitted); !shown { // by the bar
			inv.log.observe(e)
		}
	}
	return observer{observe: observe, wantsForecast: true, stop: p.stop}
}

// showsProgress reports whether somebody watches: stderr is a terminal that can move its cursor.
func showsProgress(inv *invocation) bool {
	return !inv.quiet && !inv.log.json && isTerminal(inv.stderr) && !slices.Contains(inv.env, "TERM=dumb")
}

// progressBar shows on a terminal where a run stands, below the lines that are logged meanwhile.
type progressBar struct {
	now      func() time.Time
	terminal io.Writer
	logs     *switchedWriter // to the terminal while there is no bar

	bars *mpb.Progress // nil as long as there is nothing to show
	bar  *mpb.Bar

	// What is shown. No method of the bar is called with the lock held: it draws with it.
	mu       sync.Mutex
	done     int
	total    int
	pending  int // tasks that follow, as far as is known; some may be of one ticker
	failed   int
	inFlight []marketdata.Ticker
	forecast refresh.Forecast
	until    time.Time // when the next call is made
}

// Write shows lines of the log above the bar, or without it if the terminal cannot have one.
func (p *progressBar) Write(lines []byte) (int, error) {
	if n, err := p.bars.Write(lines); err == nil {
		return n, nil
	}
	return p.terminal.Write(lines)
}

// begin shows the bar. If the terminal refuses it there is none.
func (p *progressBar) begin() {
	const interval = 200 * time.Millisecond
	p.bars = mpb.New(mpb.WithOutput(p.terminal), mpb.WithAutoRefresh(), mpb.WithRefreshRate(interval))
	var err error
	if p.bar, err = p.bars.Add(0, mpb.BarFillerFunc(p.draw)); err != nil {
		return
	}
	p.logs.set(p)
}

// stop takes the bar away.
func (p *progressBar) stop() {
	if p.bar == nil {
		return
	}
	p.bar.Abort(true)
	p.bars.Wait()
	p.logs.set(p.terminal)
}

// observe records what happens in a run.
func (p *progressBar) observe(event refresh.Event) {
	if _, begun := event.(refresh.WorkBegun); begun && p.bars == nil {
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
		p.inFlight = append(p.inFlight, e.Ticker)
	case refresh.TickerEnded:
		p.inFlight = slices.DeleteFunc(p.inFlight, func(t marketdata.Ticker) bool { return t == e.Ticker })
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
	// minBarWidth is the width of a terminal below which the text is worth more than the bar.
	minBarWidth = 60
)

// draw writes the line, without its end.
func (p *progressBar) draw(w io.Writer, s decor.Statistics) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := p.statusLine(s.AvailableWidth)
	if s.AvailableWidth >= minBarWidth {
		const eighths = " ▏▎▍▌▋▊▉"
		filled := 8 * barWidth * p.done / max(1, p.expected())
		bar := strings.Repeat("█", filled/8)
		if rest := filled % 8; rest > 0 {
			bar += string([]rune(eighths)[rest])
		}
		line = fmt.Sprintf("▕%-*s▏ %s", barWidth, bar, p.statusLine(s.AvailableWidth-barWidth-3))
	}
	_, err := io.WriteString(w, line)
	return err
}

// expected returns how many tickers there are, as far as is known.
func (p *progressBar) expected() int { return max(p.total, p.pending) }

// statusLine returns what there is to say, in at most width columns; what matters least is left out first.
func (p *progressBar) statusLine(width int) string {
	now := p.now()
	parts := []string{fmt.Sprintf("%d/%d", p.done, p.expected())}
	ranks := []int{0} // the higher, the sooner it is left out
	add := func(rank int, part string) {
		parts, ranks = append(parts, part), append(ranks, rank)
	}
	if len(p.inFlight) > 0 {
		ticker := p.inFlight[0].String()
		if more := len(p.inFlight) - 1; more > 0 {
			ticker += fmt.Sprintf("+%d", more)
		}
		add(3, ticker)
	}
	if wait := p.until.Sub(now); wait > 0 {
		add(4, "next call in "+short(wait))
	}
	if p.failed > 0 {
		add(1, fmt.Sprintf("%d failed", p.failed))
	}
	if left, ok := leftToday(p.forecast.Left); ok {
		add(5, fmt.Sprintf("%s left today", count(left, "call", "calls")))
	}
	if end := p.forecast.EndsAt; end.After(now) && p.total >= p.pending {
		add(2, fmt.Sprintf("ends %s UTC (%s)", end.UTC().Format("15:04"), short(end.Sub(now))))
	}
	for {
		line := strings.Join(parts, "  ")
		if utf8.RuneCountInString(line) <= max(width, 0) || len(parts) == 1 {
			return line
		}
		least := slices.Index(ranks, slices.Max(ranks))
		parts, ranks = slices.Delete(parts, least, least+1), slices.Delete(ranks, least, least+1)
	}
}

// leftToday returns what is left of the narrowest limit of a day; false if there is none.
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

// short formats a duration for people: 42s, 7m, 1h38m.
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
