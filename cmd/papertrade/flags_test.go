package main

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// setFlag sets a flag, and returns what it then reads as, or the error.
func setFlag(flag pflag.Value, s string) string {
	if err := flag.Set(s); err != nil {
		return "error: " + err.Error()
	}
	return flag.String()
}

func TestInstant(t *testing.T) {
	const howTo = "error: write a time like 2026-07-04T00:00:00Z, or a date like 2026-07-04 for its midnight UTC"
	for s, want := range map[string]string{
		"2026-07-04": "2026-07-04T00:00:00Z", "2026-07-04T02:00:00+02:00": "2026-07-04T00:00:00Z", "noon": howTo, "": howTo,
		"1900-01-01": "1900-01-01T00:00:00Z", "2200-12-31": "2200-12-31T00:00:00Z",
		"1899-12-31": "error: choose a time from 1900 to 2200", "2201-01-01": "error: choose a time from 1900 to 2200",
	} {
		if got := setFlag(&instant{}, s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	now := func() time.Time { return time.Date(2026, 11, 21, 2, 0, 0, 0, time.FixedZone("", 7200)) }
	if got := (instant{}).clock(now)(); got != midnight(21) {
		t.Errorf("%v without the flag", got)
	}
	if got := (instant{midnight(7)}).clock(now)(); got != midnight(7) {
		t.Errorf("%v with the flag", got)
	}
	if got := (&instant{}).String(); got != "" {
		t.Errorf("%q without a value", got)
	}
}

func TestDate(t *testing.T) {
	for s, want := range map[string]string{
		"2026-02-28": "2026-02-28", "2026-02-30": "error: there is no such day, or it is not written like 2026-07-04",
		"1900-01-01": "1900-01-01", "2200-12-31": "2200-12-31",
		"1899-12-31": "error: choose a date from 1900 to 2200", "2201-01-01": "error: choose a date from 1900 to 2200",
	} {
		if got := setFlag(&date{}, s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestDateRange(t *testing.T) {
	first, second, third := date{day(11, 1)}, date{day(11, 2)}, date{day(11, 3)}
	for r, want := range map[dateRange][3]bool{
		{}:                       {true, true, true},
		{from: second}:           {false, true, true},
		{to: second}:             {true, true, false},
		{from: first, to: third}: {true, true, true},
		{second, second}:         {false, true, false},
	} {
		if got := [3]bool{r.contains(first.Date), r.contains(second.Date), r.contains(third.Date)}; got != want {
			t.Errorf("%v contains %v", r, got)
		}
		if err := r.check(); err != nil {
			t.Errorf("%v: %v", r, err)
		}
	}
	err := dateRange{second, first}.check()
	if usage := (*usageError)(nil); !errors.As(err, &usage) || err.Error() != "--from 2026-11-02 is after --to 2026-11-01: swap them" {
		t.Errorf("%v", err)
	}
}

func TestRetention(t *testing.T) {
	const tooShort = "error: it is less than a day, and what is deleted is gone: write days or weeks, like 30d or 260w"
	for s, want := range map[string]string{"1d": "24h0m0s", "2w": "336h0m0s", "1m": tooShort, "23h59m": tooShort} {
		if got := setFlag(&retention{}, s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	if err := (&retention{}).Set("soon"); err == nil {
		t.Error("no error")
	}
	if got := (&retention{}).String(); got != "" {
		t.Errorf("%q without a value", got)
	}
}

func TestPriority(t *testing.T) {
	for s, want := range map[string]string{
		"1": "1", "100": "100", "0": `error: "0" is not a priority: choose 1 (first) to 100 (last)`,
		"101": `error: "101" is not a priority: choose 1 (first) to 100 (last)`, "x": `error: "x" is not a priority: choose 1 (first) to 100 (last)`,
	} {
		if got := setFlag(&priority{}, s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	if got := (&priority{}).String(); got != "" {
		t.Errorf("%q without a value", got)
	}
}

func TestOutputFormat(t *testing.T) {
	var format outputFormat
	for s, want := range map[string]string{"json": "json", "plain": "plain", "xml": "error: choose one of table, json, csv, plain"} {
		if got := setFlag(&format, s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestParseTickers(t *testing.T) {
	got, err := parseTickers([]string{"aapl", "NVDA"})
	if diff := cmp.Diff([]marketdata.Ticker{aapl, nvda}, got, cmp.Comparer(func(a, b marketdata.Ticker) bool { return a == b })); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	got, err = parseTickers([]string{"A A", "NVDA", "$"})
	_, first := marketdata.ParseTicker("A A")
	_, second := marketdata.ParseTicker("$")
	if usage := (*usageError)(nil); !errors.As(err, &usage) || got != nil || err.Error() != first.Error()+"\n"+second.Error() {
		t.Errorf("%v, %v", got, err)
	}
}

func TestBackfillOptions(t *testing.T) {
	today := day(11, 21)
	from := func(d exchange.Date) dateRange { return dateRange{from: date{d}} }
	const (
		pending = "--pending takes tickers and dates from the application's tasks: leave out the tickers, --from, --to, --rebase and --force"
		rebase  = "--rebase fetches all that is stored: leave out --from, --to and --force"
	)
	tests := []struct {
		opts    backfillOptions
		tickers []string
		want    string
	}{
		{backfillOptions{dateRange: from(today)}, nil, ""},
		{backfillOptions{dateRange: from(today), force: true}, []string{"AAPL"}, ""},
		{backfillOptions{dateRange: from(day(11, 22))}, nil, "--from 2026-11-22 is in the future: choose a day up to today"},
		{backfillOptions{dateRange: dateRange{date{today}, date{day(11, 20)}}}, nil, "--from 2026-11-21 is after --to 2026-11-20: swap them"},
		{backfillOptions{dateRange: dateRange{to: date{today}}}, nil, "from when on? Say it with --from DATE, as in: papertrade backfill --from 2021-01-01"},
		{backfillOptions{}, []string{"AAPL"}, "from when on? Say it with --from DATE, as in: papertrade backfill AAPL --from 2021-01-01"},
		{backfillOptions{pending: true}, nil, ""},
		{backfillOptions{pending: true}, []string{"AAPL"}, pending},
		{backfillOptions{pending: true, dateRange: from(today)}, nil, pending},
		{backfillOptions{pending: true, dateRange: dateRange{to: date{today}}}, nil, pending},
		{backfillOptions{pending: true, rebase: true}, nil, pending},
		{backfillOptions{pending: true, force: true}, nil, pending},
		{backfillOptions{rebase: true}, []string{"AAPL"}, ""},
		{backfillOptions{rebase: true}, nil, "--rebase needs the tickers that it is for: papertrade backfill TICKER --rebase"},
		{backfillOptions{rebase: true, force: true}, []string{"AAPL"}, rebase},
		{backfillOptions{rebase: true, dateRange: from(today)}, []string{"AAPL"}, rebase},
		{backfillOptions{rebase: true, dateRange: dateRange{to: date{today}}}, []string{"AAPL"}, rebase},
	}
	for _, tt := range tests {
		err := tt.opts.check(tt.tickers, today)
		if err == nil && tt.want != "" || err != nil && err.Error() != tt.want {
			t.Errorf("%+v of %v: %v, want %q", tt.opts, tt.tickers, err, tt.want)
		}
	}
}

func TestWatchlistInterval(t *testing.T) {
	const allowed = ": choose whole seconds, from 1s to 24855d"
	for every, want := range map[string]string{
		"": "", "1s": "1s", "1d": "24h0m0s", "24855d": "596520h0m0s", "24856d": "--every 24856d" + allowed,
		"500ms": "--every 500ms" + allowed, "1500ms": "--every 1500ms" + allowed, "0s": "--every 0s" + allowed,
	} {
		interval, err := watchlistAddOptions{every: every}.interval()
		got := ""
		switch {
		case err != nil:
			got = err.Error()
		case interval != nil:
			got = interval.String()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", every, got, want)
		}
	}
}
