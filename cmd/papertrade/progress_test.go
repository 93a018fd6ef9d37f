package main

import (
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
	p := &progress{
		now: func() time.Time { return now }, done: 5, total: 500, failed: 2, until: now.Add(41500 * time.Millisecond),
		underWay: []marketdata.Ticker{marketdata.MustParseTicker("NVDA"), marketdata.MustParseTicker("AAPL")},
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
		got := p.text(width)
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
