package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
)

// checkOutputs compares what a view is in each of some formats.
func checkOutputs(t *testing.T, view result, want map[outputFormat]string) {
	t.Helper()
	for format, text := range want {
		if diff := cmp.Diff(text, renderAs(t, view, format)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", format, diff)
		}
	}
}

func TestActiveTickersView(t *testing.T) {
	active := []refresh.ActiveTicker{
		{Ticker: aapl, Priority: 10, Sources: []refresh.Source{"watchlist", "holdings"}, LastTradedAt: midnight(20), State: refresh.State{LastSession: day(11, 19)}},
		{Ticker: nvda, Priority: 100, Sources: []refresh.Source{"holdings"}}}
	checkOutputs(t, activeTickersView(active), map[outputFormat]string{
		"": `TICKER  PRIORITY  SOURCES              LAST TRADED AT        LAST SESSION
AAPL    10        watchlist, holdings  2026-11-20T00:00:00Z  2026-11-19
NVDA    100       holdings             -                     -
`,
		formatPlain: "AAPL\nNVDA\n",
		formatCSV: `ticker,priority,sources,last_traded_at,last_session,note
AAPL,10,"watchlist, holdings",2026-11-20T00:00:00Z,2026-11-19,
NVDA,100,holdings,,,
`,
		formatJSON: `[
  {
    "ticker": "AAPL",
    "sources": [
      "watchlist",
      "holdings"
    ],
    "priority": 10,
    "last_traded_at": "2026-11-20T00:00:00Z",
    "last_session": "2026-11-19"
  },
  {
    "ticker": "NVDA",
    "sources": [
      "holdings"
    ],
    "priority": 100
  }
]
`})
	active[0].State = refresh.State{UnknownSessions: 9, UnknownSession: day(11, 19)}
	if note := active[0].State.Note(); note == "" || !strings.Contains(render(t, activeTickersView(active)), note) {
		t.Errorf("the note %q is not shown", note)
	}
	checkOutputs(t, activeTickersView(nil), map[outputFormat]string{
		"":         "No ticker is active: add some with 'papertrade watchlist add TICKER…'.\n",
		formatJSON: "[]\n",
	})
}

func TestWatchlistView(t *testing.T) {
	entries := []refresh.WatchlistEntry{
		{Symbol: "AAPL", Priority: 10, RefreshInterval: 5 * time.Minute, IsActive: true, LastRefreshAt: midnight(20), NextRefreshAt: midnight(21)},
		{Symbol: " bad!", Priority: 100}}
	checkOutputs(t, watchlistView(entries), map[outputFormat]string{
		"": `TICKER  PRIORITY  REFRESH INTERVAL SECONDS  IS ACTIVE  LAST REFRESH AT       NEXT REFRESH AT
AAPL    10        300                       true       2026-11-20T00:00:00Z  2026-11-21T00:00:00Z
 bad!   100       0                         false      -                     -
`,
		formatPlain: "AAPL\n bad!\n",
		formatJSON: `[
  {
    "ticker": "AAPL",
    "priority": 10,
    "refresh_interval_seconds": 300,
    "is_active": true,
    "last_refresh_at": "2026-11-20T00:00:00Z",
    "next_refresh_at": "2026-11-21T00:00:00Z"
  },
  {
    "ticker": " bad!",
    "priority": 100,
    "refresh_interval_seconds": 0,
    "is_active": false
  }
]
`})
	checkOutputs(t, watchlistView(nil), map[outputFormat]string{
		"":         "The watchlist is empty: add tickers with 'papertrade watchlist add TICKER…'.\n",
		formatJSON: "[]\n",
	})
	view, skipped := exportView(entries)
	checkOutputs(t, view, map[outputFormat]string{formatCSV: "ticker,priority\nAAPL,10\n"})
	if len(skipped) != 1 || skipped[0].Source != refresh.SourceWatchlist || skipped[0].Err == nil {
		t.Errorf("skipped are %+v", skipped)
	}
}

func TestPruneView(t *testing.T) {
	p := refresh.Pruned{RealTime: refresh.Expired{Before: midnight(14), Rows: 1}, Runs: refresh.Expired{Before: midnight(1)}}
	checkOutputs(t, pruneView(p), map[outputFormat]string{
		"": `WHAT              OLDER THAN            ROWS
real-time prices  2026-11-14T00:00:00Z  1
runs              2026-11-01T00:00:00Z  0
1 row was deleted.
Daily bars are all kept.
`,
		formatPlain: "real-time prices\t1\nruns\t0\n",
		formatCSV:   "what,older_than,rows\nreal-time prices,2026-11-14T00:00:00Z,1\nruns,2026-11-01T00:00:00Z,0\n",
	})
	p.DryRun, p.Daily = true, refresh.Expired{Before: midnight(2), Rows: 4}
	checkOutputs(t, pruneView(p), map[outputFormat]string{
		"": `WHAT              OLDER THAN            ROWS
daily bars        2026-11-02T00:00:00Z  4
real-time prices  2026-11-14T00:00:00Z  1
runs              2026-11-01T00:00:00Z  0
5 rows would be deleted; nothing was touched.
`})
}

func heldBar(session exchange.Date, price string, evidence ...string) history.HeldBar {
	bar := history.HeldBar{
		Bar: storedBar(session, price, "USD").Bar, Source: "alpha_vantage", FetchedAt: midnight(25), Why: "9 times the close before",
		Evidence: evidence, Decision: history.Waiting,
	}
	bar.Ticker = aapl
	return bar
}

// In a narrow terminal what matters least is left out, and the evidence never is.
func TestReviewViewFitsItsWidth(t *testing.T) {
	held := []history.HeldBar{heldBar(day(11, 24), "1920.0", "for: the range", "against: the unit")}
	for width, want := range map[int]string{
		0:  "TICKER  SESSION     CLOSE   CURRENCY  SOURCE         FETCHED AT",
		72: "TICKER  SESSION     CLOSE   CURRENCY  SOURCE",
		51: "TICKER  SESSION     CLOSE   CURRENCY  SOURCE",
		50: "TICKER  SESSION     CLOSE   CURRENCY",
	} {
		lines := strings.Split(render(t, reviewView(held, width)), "\n")
		got := []string{lines[0], lines[2], lines[3], lines[4]}
		want := []string{want, "AAPL 2026-11-24: 9 times the close before", "  for: the range", "  against: the unit"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d columns (-want +got):\n%s", width, diff)
		}
	}
}

func TestMigrateView(t *testing.T) {
	c := loadConfig(t, "PAPERTRADE_DATABASE_URL=postgres://me@localhost/papertrade")
	checkOutputs(t, migrateView(c, []string{"0001_tables.sql"}), map[outputFormat]string{
		"":          "APPLIED\n0001_tables\nThe tables of " + c.Database.String() + " are up to date.\n",
		formatPlain: "0001_tables.sql\n",
	})
	checkOutputs(t, migrateView(c, nil), map[outputFormat]string{
		"":         "The tables of " + c.Database.String() + " are up to date.\n",
		formatJSON: "{\n  \"applied\": []\n}\n",
	})
}

func TestChecksView(t *testing.T) {
	c := loadConfig(t, "ALPHAVANTAGE_API_KEY=s3cretkey")
	checks := []checkResult{{name: "settings", good: "config.toml"}, {name: "key", good: "unused", err: errors.New("the key\n  s3cretkey\nis bad")}}
	checkOutputs(t, checksView(c, checks), map[outputFormat]string{
		"":          "CHECK     STATUS  DETAIL\nsettings  ok      config.toml\nkey       wrong   the key *** is bad\n",
		formatPlain: "settings\tok\tconfig.toml\nkey\twrong\tthe key *** is bad\n",
		formatJSON: `[
  {
    "check": "settings",
    "ok": true,
    "detail": "config.toml"
  },
  {
    "check": "key",
    "ok": false,
    "detail": "the key *** is bad"
  }
]
`})
	if got, want := (notReadyError(checks)).Error(), "not ready for a run: fix settings, key"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSettingsViews(t *testing.T) {
	c := loadConfig(t, "PAPERTRADE_REFRESH_BATCH_SIZE=7")
	view := settingsView(c)
	if got := renderAs(t, view, formatPlain); !strings.Contains(got, "\nrefresh.batch_size=7\n") || strings.Count(got, "\n") != len(c.Effective()) {
		t.Errorf("plain: %s", got)
	}
	if got := renderAs(t, view, formatCSV); !strings.Contains(got, "\nrefresh.batch_size,7,PAPERTRADE_REFRESH_BATCH_SIZE\n") ||
		!strings.Contains(got, "\nrefresh.concurrency,1,default\n") {
		t.Errorf("CSV: %s", got)
	}
	checkOutputs(t, writtenSettingsView("a.toml"), map[outputFormat]string{
		"":          "a.toml is written: remove the # in front of what you change, then run 'papertrade config check'.\n",
		formatPlain: "a.toml\n", formatCSV: "file\na.toml\n", formatJSON: "{\n  \"file\": \"a.toml\"\n}\n",
	})
}
