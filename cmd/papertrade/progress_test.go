package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// In a narrow terminal what matters least is left out first.
func TestProgressFitsItsWidth(t *testing.T) {
	now := time.Date(2026, 11, 21, 0, 2, 0, 0, time.UTC)
	p := &progressBar{
		now: func() time.Time { return now }, done: 5, total: 500, failed: 2, until: now.Add(41500 * time.Millisecond),
		inFlight: []marketdata.Ticker{marketdata.MustParseTicker("NVDA"), marketdata.MustParseTicker("AAPL")},
		forecast: refresh.Forecast{EndsAt: now.Add(98 * time.Minute), Left: []quota.Allowance{
			{Limit: quota.Limit{Calls: 5, Window: time.Minute}, Left: 0}, {Limit: quota.Limit{Calls: 500}, Left: 493}}},
	}
	for width, want := range map[int]string{
		100: "5/500  NVDA+1  next call in 42s  2 failed  493 calls left today  ends 01:40 UTC (1h38m)",
		80:  "5/500  NVDA+1  next call in 42s  2 failed  ends 01:40 UTC (1h38m)",
		60:  "5/500  NVDA+1  2 failed  ends 01:40 UTC (1h38m)",
		40:  "5/500  2 failed  ends 01:40 UTC (1h38m)",
		20:  "5/500  2 failed",
		3:   "5/500",
	} {
		got := p.statusLine(width)
		if diff := cmp.Diff(want, got); diff != "" || width > 5 && utf8.RuneCountInString(got) > width {
			t.Errorf("%d columns (-want +got):\n%s", width, diff)
		}
	}
}

func TestShortDurations(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 41500 * time.Millisecond: "42s", 90 * time.Second: "2m", 59*time.Minute + 50*time.Second: "1h00m",
		98 * time.Minute: "1h38m", 26 * time.Hour: "26h00m",
	} {
		if got := short(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

// What happens is told while the bar is drawn, log lines are lost neither with a bar nor without one, and a
// terminal that goes away takes the bar alone with it.
func TestProgressKeepsUpWithARun(t *testing.T) {
	for name, broken := range map[string]bool{"terminal": false, "terminal that is gone": true} {
		var seen bytes.Buffer
		terminal := &switchedWriter{w: &seen}
		logs := &switchedWriter{w: terminal}
		p := &progressBar{now: time.Now, terminal: terminal, logs: logs}
		say := func(line string) { _, _ = logs.Write([]byte(line + "\n")) }
		say("before")
		p.observe(refresh.WorkBegun{Tickers: 20_000})
		if broken {
			terminal.set(brokenWriter{})
		}
		for range 20_000 {
			p.observe(refresh.TickerBegun{})
			p.observe(refresh.TickerEnded{})
		}
		say("meanwhile")
		terminal.set(&seen)
		p.stop()
		say("after")
		lines := seen.String()
		for _, line := range []string{"before\n", "meanwhile\n", "after\n"} {
			if lost := broken && line == "meanwhile\n"; !strings.Contains(lines, line) && !lost {
				t.Errorf("%s: %q is not in %q", name, line, lines)
			}
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("input/output error") }
