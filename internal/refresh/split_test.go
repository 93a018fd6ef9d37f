package refresh_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/internal/fakevantage"
	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// market is a vendor, a job and their common clock.
type market struct {
	clock  time.Time
	vendor *fakevantage.Server
	job    *refresh.Job
	splits []refresh.SplitFound
}

func newMarket(t *testing.T, entitled bool, at string) *market {
	m := &market{}
	m.moveTo(t, at)
	m.vendor = fakevantage.New(fakevantage.Options{Now: func() time.Time { return m.clock }, Entitled: entitled})
	m.vendor.List("NVDA", date(t, "2019-12-02")) // shorter answers are read faster
	m.job = fast(t, m.vendor)
	m.job.Now = func() time.Time { return m.clock }
	m.job.Observe = func(e refresh.Event) {
		if s, ok := e.(refresh.SplitFound); ok {
			m.splits = append(m.splits, s)
		}
	}
	return m
}

func (m *market) moveTo(t *testing.T, at string) { m.clock = date(t, at).In(time.UTC) }

func (m *market) refresh(t *testing.T) refresh.TickerReport {
	t.Helper()
	report, err := run(t.Context(), t, m.job, refresh.Options{Tickers: []marketdata.Ticker{marketdata.MustParseTicker("NVDA")}})
	if err != nil {
		t.Fatal(err)
	}
	return report.Tickers[0]
}

// wantOneScale holds all stored closes to the vendor's before any split, divided by what came since.
func (m *market) wantOneScale(t *testing.T, divisor int64) {
	t.Helper()
	plain := fakevantage.New(fakevantage.Options{Now: func() time.Time { return m.clock }})
	for _, bar := range stored(t, m.job, "NVDA") {
		told, ok := plain.Bar("NVDA", bar.Session)
		want := decimal.RequireFromString(told.Close).DivRound(decimal.NewFromInt(divisor), 4)
		if !ok || bar.Close.Sub(want).Abs().GreaterThan(decimal.RequireFromString("0.0001")) {
			t.Errorf("%s: close %s, want %s", bar.Session, bar.Close, want)
		}
		if volume := told.Volume * divisor; *bar.Volume < volume-divisor || *bar.Volume > volume+divisor {
			t.Errorf("%s: volume %d, want %d", bar.Session, *bar.Volume, volume)
		}
	}
}

func (m *market) state(t *testing.T) refresh.State {
	t.Helper()
	nvda := marketdata.MustParseTicker("NVDA")
	states, err := m.job.Store.States(t.Context(), []marketdata.Ticker{nvda})
	if err != nil {
		t.Fatal(err)
	}
	return states[nvda]
}

// On the morning after a split the quote's previous close tells it. The price is stored, and the history is
// marked until it is rebased; from then on it stays on one scale, whatever series come later.
func TestASplitIsToldAndRebased(t *testing.T) {
	for _, tt := range []struct {
		name               string
		entitled, rewrites bool
		from               string
	}{
		{"as traded, compact", false, false, "2026-10-01"},
		{"rewritten, compact", false, true, "2026-10-01"},
		{"as traded, full", true, false, "2024-01-02"},
		{"rewritten, full", true, true, "2024-01-02"},
		{"as traded, older bars out of reach", false, false, "2026-10-01"},
		{"rewritten, older bars out of reach", false, true, "2026-10-01"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMarket(t, tt.entitled, "2026-11-19")
				if strings.Contains(tt.name, "older") {
					// What was stored while it was in reach.
					m.moveTo(t, "2026-06-10")
					backfill(t, m.job, "2026-02-02", "NVDA")
					m.moveTo(t, "2026-11-19")
				}
				backfill(t, m.job, tt.from, "NVDA")
				m.vendor.Split("NVDA", fakevantage.Split{Session: date(t, "2026-11-19"), New: 10, Old: 1, Rewrites: tt.rewrites})
				m.moveTo(t, "2026-11-20")
				row := m.refresh(t)
				if row.Status != refresh.OutcomeRefreshed || row.Split == nil || row.Split.Ratio != "10:1" || row.Split.Session != date(t, "2026-11-19") || len(m.splits) != 1 {
					t.Fatalf("%+v, %+v, %v; want it refreshed, with a split of 10:1", row, row.Split, m.splits)
				}
				m.moveTo(t, "2026-11-21")
				if row := m.refresh(t); row.Split == nil || len(m.splits) != 1 {
					t.Errorf("%+v, %v; want the mark to stay, and no other warning", row, m.splits)
				}
				rebase(t, m.job)
				m.wantOneScale(t, 10)
				for _, s := range m.state(t).Splits {
					if !s.Rebased {
						t.Errorf("%+v is still marked", s)
					}
				}
				// Later series overlap the split.
				m.moveTo(t, "2026-12-02")
				if row := m.refresh(t); row.Split != nil || len(m.splits) != 1 {
					t.Errorf("%+v, %v; want no split", row, m.splits)
				}
				backfill(t, m.job, "2026-08-03", "NVDA")
				m.wantOneScale(t, 10)
				if len(m.splits) != 1 {
					t.Errorf("%v, want one split", m.splits)
				}
			})
		})
	}
}

// A split while nobody looked is told by the series that fetches what was missed.
func TestASplitInASeriesIsTold(t *testing.T) {
	for _, tt := range []struct {
		rewrites bool
		new, old int64
		ratio    string
	}{
		{false, 50, 1, "50:1"}, {true, 50, 1, "50:1"}, {true, 11, 10, "11:10"}, {false, 4, 1, "4:1"}, {true, 4, 1, "4:1"}, {true, 3, 2, "3:2"}, {true, 1, 8, "1:8"}, {false, 1, 8, "1:8"},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newMarket(t, false, "2026-11-14")
			backfill(t, m.job, "2026-10-01", "NVDA")
			m.vendor.Split("NVDA", fakevantage.Split{Session: date(t, "2026-11-17"), New: tt.new, Old: tt.old, Rewrites: tt.rewrites})
			m.moveTo(t, "2026-11-21")
			row := m.refresh(t)
			if row.Split == nil || row.Split.Ratio != tt.ratio || len(m.splits) != 1 {
				t.Errorf("rewrites %t: %+v, want a split of %s", tt.rewrites, row.Split, tt.ratio)
			}
			rebase(t, m.job)
			for i, bars := 1, stored(t, m.job, "NVDA"); i < len(bars); i++ {
				if jump := bars[i].Close.Div(bars[i-1].Close); jump.Sub(decimal.NewFromInt(1)).Abs().GreaterThan(decimal.RequireFromString("0.1")) {
					t.Errorf("rewrites %t: from %s to %s the close is multiplied by %s", tt.rewrites, bars[i-1].Session, bars[i].Session, jump)
				}
			}
		})
	}
}

// The vendor's own coefficients tell all splits of a full series.
func TestABackfillInFullIsOnOneScale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, true, "2026-11-21")
		m.vendor.Split("NVDA", fakevantage.Split{Session: date(t, "2021-07-20"), New: 4, Old: 1})
		m.vendor.Split("NVDA", fakevantage.Split{Session: date(t, "2024-06-10"), New: 10, Old: 1})
		m.vendor.Split("NVDA", fakevantage.Split{Session: date(t, "2025-06-10"), New: 4, Old: 3})
		backfill(t, m.job, "2020-01-02", "NVDA")
		bars := stored(t, m.job, "NVDA")
		for i := 1; i < len(bars); i++ {
			if jump := bars[i].Close.Div(bars[i-1].Close); jump.Sub(decimal.NewFromInt(1)).Abs().GreaterThan(decimal.RequireFromString("0.1")) {
				t.Errorf("from %s to %s the close is multiplied by %s", bars[i-1].Session, bars[i].Session, jump)
			}
		}
		if len(bars) != 1732 || len(m.splits) != 0 || len(m.state(t).Splits) != 3 || m.state(t).Splits[2].String() != "4:3" {
			t.Errorf("%d bars, %v told, %v known", len(bars), m.splits, m.state(t).Splits)
		}
	})
}

// What looks like a split can be a crash: --force stores what the vendor tells, and the mark is gone.
func TestForceForgetsASplit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, false, "2026-11-14")
		backfill(t, m.job, "2026-10-01", "NVDA")
		m.vendor.Split("NVDA", fakevantage.Split{Session: date(t, "2026-11-17"), New: 2, Old: 1})
		m.moveTo(t, "2026-11-21")
		if row := m.refresh(t); row.Split == nil {
			t.Fatal("no split was told")
		}
		runBackfill(t, m.job, refresh.Options{Force: true, Kind: refresh.Backfill, Range: refresh.Range{From: date(t, "2026-10-01")}}, "NVDA")
		if splits := m.state(t).Splits; len(splits) != 0 {
			t.Errorf("%v, want none", splits)
		}
		for _, bar := range stored(t, m.job, "NVDA") {
			if told, _ := m.vendor.Bar("NVDA", bar.Session); bar.Close.StringFixed(4) != told.Close {
				t.Errorf("%s: %s, want %s", bar.Session, bar.Close, told.Close)
			}
		}
	})
}

// An ordinary year has nothing that looks like a split.
func TestAnOrdinaryYearHasNoSplit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, false, "2026-01-03")
		for range 50 {
			if row := m.refresh(t); row.Split != nil {
				t.Errorf("%s: %+v", m.clock, row.Split)
			}
			m.clock = m.clock.AddDate(0, 0, 7)
		}
	})
}

// An unconfirmed mark gives way to the vendor's coefficients: it was a crash.
func TestCoefficientsDismissAMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, true, "2026-11-21")
		backfill(t, m.job, "2026-10-01", "NVDA")
		mark(t, m, history.Split{Session: date(t, "2026-11-17"), New: 2, Old: 1})
		rebase(t, m.job)
		m.wantOneScale(t, 1)
		if splits := m.state(t).Splits; len(splits) != 0 {
			t.Errorf("%v, want no split", splits)
		}
	})
}

func mark(t *testing.T, m *market, splits ...history.Split) {
	t.Helper()
	_, err := m.job.Store.CommitBatch(t.Context(), refresh.Batch{
		Findings: []refresh.Finding{{Ticker: marketdata.MustParseTicker("NVDA"), Splits: splits}}})
	if err != nil {
		t.Fatal(err)
	}
}

// A split that is older than what the key's plan can fetch is applied to what is stored.
func TestRebaseBeyondReach(t *testing.T) {
	for _, rewrites := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m := newMarket(t, false, "2026-04-03")
			backfill(t, m.job, "2026-02-02", "NVDA")
			m.vendor.Split("NVDA", fakevantage.Split{Session: date(t, "2026-04-06"), New: 10, Old: 1, Rewrites: rewrites})
			m.moveTo(t, "2026-04-07")
			if row := m.refresh(t); row.Split == nil {
				t.Fatalf("%+v, want a split", row)
			}
			for _, day := range []string{"2026-07-04", "2026-09-19", "2026-11-21"} {
				m.moveTo(t, day)
				backfill(t, m.job, "2026-04-07", "NVDA")
			}
			rebase(t, m.job)
			m.wantOneScale(t, 10)
			if splits := m.state(t).Splits; len(splits) != 1 || !splits[0].Rebased {
				t.Errorf("rewrites %t: %v, want it rebased", rewrites, splits)
			}
		})
	}
}

// --force stores a part again on the scale that the history is on, and forgets a mark only with both sessions
// beside it.
func TestForceOfAPartKeepsSplits(t *testing.T) {
	for _, rewrites := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m := newMarket(t, false, "2026-11-19")
			backfill(t, m.job, "2026-10-01", "NVDA")
			m.vendor.Split("NVDA", fakevantage.Split{Session: date(t, "2026-11-19"), New: 10, Old: 1, Rewrites: rewrites})
			m.moveTo(t, "2026-11-20")
			m.refresh(t)
			m.moveTo(t, "2026-11-21")
			force := func(from, to string) {
				t.Helper()
				runBackfill(t, m.job, refresh.Options{Force: true, Kind: refresh.Backfill, Range: refresh.Range{From: date(t, from), To: date(t, to)}}, "NVDA")
			}
			force("2026-11-19", "2026-11-20")
			if splits := m.state(t).Splits; len(splits) != 1 || splits[0].Rebased {
				t.Errorf("rewrites %t: %v, want the mark", rewrites, splits)
			}
			rebase(t, m.job)
			m.wantOneScale(t, 10)
			force("2026-11-10", "2026-11-12")
			m.wantOneScale(t, 10)
			rebase(t, m.job)
			m.wantOneScale(t, 10)
		})
	}
}

// One wrong bar is no split.
func TestAnOutlierIsNoSplit(t *testing.T) {
	for _, session := range []string{"2026-07-02", "2026-09-15", "2026-11-12"} {
		synctest.Test(t, func(t *testing.T) {
			m := newMarket(t, false, "2026-06-10")
			backfill(t, m.job, "2026-03-02", "NVDA")
			m.moveTo(t, "2026-11-14")
			backfill(t, m.job, "2026-06-26", "NVDA")
			execSQL(t, m.job, `update price_history set price_amount = price_amount * 2, close_amount = close_amount * 2 where "timestamp" like '`+session+`%'`)
			m.moveTo(t, "2026-11-21")
			if row := m.refresh(t); row.Split != nil {
				t.Errorf("%s: %+v, want no split", session, row.Split)
			}
			if session > "2026-07-02" {
				rebase(t, m.job)
				m.wantOneScale(t, 1)
			}
		})
	}
}

// Rows are found again by their keys, however another program stamped them.
func TestRebaseUpdatesRowsOfAnotherStamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, false, "2026-11-19")
		backfill(t, m.job, "2026-10-01", "NVDA")
		execSQL(t, m.job, `update price_history set "timestamp" = substr("timestamp", 1, 19) where "timestamp" < '2026-11-01'`)
		execSQL(t, m.job, `update price_history set open_amount = open_amount * 2 where "timestamp" < '2026-11-01'`)
		m.vendor.Split("NVDA", fakevantage.Split{Session: date(t, "2026-11-19"), New: 10, Old: 1})
		m.moveTo(t, "2026-11-20")
		m.refresh(t)
		rebase(t, m.job)
		m.wantOneScale(t, 10)
		if rows := texts(t, m.job, `select cast(count(*) as text) from price_history`); rows[0] != "36" {
			t.Errorf("%s rows, want one a session", rows[0])
		}
	})
}
