// Under the race detector a quarter takes minutes; make test runs it without.

//go:build !race

package main

import (
	dbsql "database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/spf13/pflag"

	"papertrade/internal/fakevantage"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/alphavantage"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// A quarter of nights on the application's tables, in which a vendor publishes late or nothing, its key is capped, shares are delisted and
// renamed, one is split, and the application blanks rows: half an hour after each midnight, in the afternoon and in the evening
// status --check names just the tickers of which the simulation knows that something is wrong.
func TestAQuarterOfNights(t *testing.T) {
	for _, kind := range []string{"sqlite-application", "postgres-application"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			db, err := startDatabases(t, kind).create(t.TempDir(), kind)
			if err != nil {
				t.Fatal(err)
			}
			env := []string{
				"HOME=" + t.TempDir(), "PAPERTRADE_DATABASE_URL=" + db.url, "ALPHAVANTAGE_API_KEY=" + apiKey,
				"PAPERTRADE_ALPHAVANTAGE_RATE_LIMITS=60/1m,500/day", "PAPERTRADE_REFRESH_BATCH_DELAY=0s",
			}
			synctest.Test(t, func(t *testing.T) { newQuarter(t, env, db).run(t) })
		})
	}
}

// The days of the quarter: the first midnight, and what happens in the night after a session.
var (
	quarterBegins = in2026(time.August, 31)
	quarterEnds   = in2026(time.November, 28)
	delistedAfter = in2026(time.September, 8) // the last session of the delisted shares
	renamedAfter  = in2026(time.September, 15)
	cappedFrom    = in2026(time.September, 21)
	cappedUntil   = in2026(time.October, 2)
	lateFrom      = in2026(time.October, 5) // published at 02:30
	lateUntil     = in2026(time.October, 16)
	behindFrom    = in2026(time.October, 19) // published a day late
	behindUntil   = in2026(time.October, 27)
	frozenFrom    = in2026(time.November, 13) // nothing new is published, nor anything later
	frozenUntil   = in2026(time.November, 23)
	splitOn       = in2026(time.November, 4)
	rebasedOn     = in2026(time.November, 11)
	blankedFrom   = in2026(time.November, 11)
)

func in2026(month time.Month, day int) exchange.Date {
	return exchange.Date{Year: 2026, Month: month, Day: day}
}

// The tickers to which something happens; portfolios hold those whose names begin with H.
const (
	delisted, heldDelisted = "DEL", "HDEL"
	renamed, heldRenamed   = "REN", "HREN"
	split                  = "SPL"
)

// quarter is the world that the simulation knows.
type quarter struct {
	inv        *invocation
	db         store
	sql        *dbsql.DB
	job        *refresh.Job
	tickers    []marketdata.Ticker
	free       *fakevantage.Server // one of them answers
	capped     *fakevantage.Server
	isRebased  bool
	nightsLate map[string]int // nights in a row after which a ticker was a session behind
}

func newQuarter(t *testing.T, env []string, db *database) *quarter {
	t.Helper()
	time.Sleep(time.Until(quarterBegins.In(time.UTC)))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	inv, err := newInvocation(environ{stdout: io.Discard, stderr: io.Discard, env: env, now: time.Now}, globalOptions{}, pflag.NewFlagSet("", pflag.ContinueOnError))
	must(err)
	q := &quarter{inv: inv, nightsLate: map[string]int{}}
	q.db, err = openStore(t.Context(), inv.config, newAlways)
	must(err)
	t.Cleanup(func() { _ = q.db.Close() })
	q.sql, err = dbsql.Open(db.driver, db.dsn)
	must(err)
	t.Cleanup(func() { _ = q.sql.Close() })

	symbols := []string{delisted, heldDelisted, renamed, heldRenamed, split}
	for i := range 33 {
		symbols = append(symbols, fmt.Sprintf("T%c%c", 'A'+i/26, 'A'+i%26))
	}
	var changes []refresh.WatchlistChange
	for i, symbol := range symbols {
		ticker := marketdata.MustParseTicker(symbol)
		q.tickers = append(q.tickers, ticker)
		priority := 20 + i*7%80
		changes = append(changes, refresh.WatchlistChange{Ticker: ticker, Priority: &priority})
	}
	_, err = q.db.RemoveFromWatchlist(t.Context(), []string{"AAPL", "AMZN", "GOOGL", "META", "MSFT", "NVDA", "TSLA"}, time.Now())
	must(err)
	must(q.db.AddToWatchlist(t.Context(), slices.Values(changes), time.Now()))
	for _, symbol := range []string{heldDelisted, heldRenamed} {
		q.exec(t, fmt.Sprintf(`insert into transactions (id, portfolio_id, transaction_type, "timestamp", cash_change_amount,
			cash_change_currency, ticker, quantity, created_at) values ('%s', '00000000-0000-0000-0000-0000000000ff', 'BUY',
			'2026-08-01 00:00:00', 1, 'USD', '%s', 3, '2026-08-01 00:00:00')`, uuid.NewString(), symbol))
	}

	q.free = fakevantage.New(fakevantage.Options{Now: time.Now, EndOfDay: true})
	q.capped = fakevantage.New(fakevantage.Options{Now: time.Now, EndOfDay: true, Limits: []fakevantage.Limit{{Calls: 25}}})
	q.job, err = newJob(inv.config, q.db, apiKey, inv.clock, nil)
	must(err)
	limiter := q.job.Vendors[0].Limiter
	client, err := alphavantage.New(alphavantage.Options{
		Key: apiKey, BaseURL: "http://vendor.invalid", HTTP: &http.Client{Transport: q}, Limiter: limiter, Timeout: time.Minute})
	must(err)
	q.job.Vendors[0].Provider = client
	q.job.Discovery, err = discovery(t.Context(), inv.config, q.db)
	must(err)
	q.job.Now, q.job.Observe = time.Now, func(refresh.Event) {}
	return q
}

func (q *quarter) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := q.sql.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// RoundTrip lets the server of the day answer.
func (q *quarter) RoundTrip(r *http.Request) (*http.Response, error) {
	if today := exchange.DateOf(time.Now().UTC()); !today.Before(cappedFrom) && !today.After(cappedUntil) {
		return q.capped.RoundTrip(r)
	}
	return q.free.RoundTrip(r)
}

// publish sets what the vendor has: what is late, delisted, renamed or split.
func (q *quarter) publish() {
	now := time.Now().UTC()
	today := exchange.DateOf(now)
	newest := exchange.XNYS.LastCompleted(now).Date
	lag := 0
	switch isDay := newest == today.AddDays(-1); {
	case !newest.Before(lateFrom) && !newest.After(lateUntil) && isDay && now.Sub(today.In(time.UTC)) < 150*time.Minute:
		lag = 1
	case !newest.Before(behindFrom) && !newest.After(behindUntil):
		lag = 1
	case !newest.Before(frozenFrom) && !newest.After(frozenUntil):
		lag = len(exchange.XNYS.Sessions(frozenFrom, newest))
	}
	for _, server := range []*fakevantage.Server{q.free, q.capped} {
		for _, ticker := range q.tickers {
			symbol := ticker.String()
			server.Lag(symbol, lag)
			if symbol == renamed || symbol == heldRenamed {
				if server.ClearFaults(symbol); newest.After(renamedAfter) {
					server.Fault(symbol, fakevantage.Unknown, fakevantage.Always)
				}
			}
		}
	}
}

func (q *quarter) run(t *testing.T) {
	for _, server := range []*fakevantage.Server{q.free, q.capped} {
		server.Delist(delisted, delistedAfter)
		server.Delist(heldDelisted, delistedAfter)
		server.Split(split, fakevantage.Split{Session: splitOn, New: 4, Old: 1})
	}
	for date := quarterBegins; !date.After(quarterEnds); date = date.AddDays(1) {
		for hour := range 7 {
			time.Sleep(time.Until(date.In(time.UTC).Add(time.Duration(hour) * time.Hour)))
			q.refresh(t)
			if hour == 0 {
				time.Sleep(time.Until(date.In(time.UTC).Add(30 * time.Minute)))
				q.countLate(t, date)
				q.check(t, date)
				q.checkFilled(t, date)
			}
		}
		for symbol, behind := range q.behind(t, date) {
			if behind == 0 { // its session was published in the course of the night
				q.nightsLate[symbol] = 0
			}
		}
		if date == rebasedOn {
			q.rebase(t)
		}
		time.Sleep(time.Until(date.In(time.UTC).Add(15 * time.Hour)))
		q.check(t, date)
		if !date.Before(blankedFrom) && exchange.XNYS.IsSession(date) {
			q.blank(t, date)
		}
		time.Sleep(time.Until(date.In(time.UTC).Add(22 * time.Hour)))
		q.check(t, date)
	}
}

// countLate counts the nights in a row after which a ticker was a session behind.
func (q *quarter) countLate(t *testing.T, night exchange.Date) {
	t.Helper()
	for symbol, behind := range q.behind(t, night) {
		if behind == 1 && sessionsSince(night.AddDays(-2), night) == 1 && sessionsSince(lateFrom.AddDays(-1), night) > 0 {
			q.nightsLate[symbol]++
		}
	}
}

// isQuota reports whether a run stopped for want of calls, which is no failure.
func isQuota(err error) bool {
	var deferred *quota.DeferredError
	return errors.As(err, &deferred)
}

func (q *quarter) refresh(t *testing.T) {
	t.Helper()
	q.publish()
	if _, err := q.job.Run(t.Context(), refresh.Options{RunID: uuid.NewString(), IfDue: true}); err != nil && !isQuota(err) {
		t.Fatalf("%s: %v", time.Now().UTC().Format(time.RFC3339), err)
	}
}

// rebase brings the history of the split ticker to one scale, as its user does.
func (q *quarter) rebase(t *testing.T) {
	t.Helper()
	options := refresh.Options{
		RunID: uuid.NewString(), Kind: refresh.Backfill, Rebase: true, Tickers: []marketdata.Ticker{marketdata.MustParseTicker(split)}}
	if report, err := q.job.Run(t.Context(), options); err != nil || report.Status != refresh.Succeeded {
		t.Fatalf("rebase: %+v, %v", report, err)
	}
	q.isRebased = true
}

// blank does to the newest rows of some tickers that are traded what the application does when somebody looks at them.
func (q *quarter) blank(t *testing.T, date exchange.Date) {
	t.Helper()
	for i, ticker := range q.tickers {
		if i%5 == date.Day%5 && (ticker.String()[0] == 'T' || ticker.String() == split) {
			q.exec(t, fmt.Sprintf(`update price_history
				set open_amount = null, high_amount = null, low_amount = null, close_amount = null, volume = null
				where id in (select id from price_history where ticker = '%s' and "interval" = '1day' order by timestamp desc limit 1)`, ticker))
		}
	}
}

// checkFilled reports bars that the application has blanked and that are not filled.
func (q *quarter) checkFilled(t *testing.T, night exchange.Date) {
	t.Helper()
	var blank int
	const blanked = `select count(*) from price_history where "interval" = '1day' and (close_amount is null or volume is null)`
	if err := q.sql.QueryRowContext(t.Context(), blanked).Scan(&blank); err != nil || blank > 0 {
		t.Errorf("the night of %s: %d bars are blank, error %v", night, blank, err)
	}
}

// check compares the tickers that status --check names with those of which something is wrong.
func (q *quarter) check(t *testing.T, night exchange.Date) {
	t.Helper()
	in, _, err := readHealth(t.Context(), q.inv, q.db, statusOptions{maxStale: 1})
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	var messages []string
	for _, problem := range refresh.NewHealth(in).Problems {
		messages = append(messages, problem.Kind+": "+problem.Message)
		for _, ticker := range problem.Tickers {
			named[ticker.String()] = true
		}
		if len(problem.Tickers) == 0 {
			named[problem.Kind] = true
		}
	}
	if diff := cmp.Diff(q.wrong(t, night), named); diff != "" {
		t.Errorf("%s (-wrong +named):\n%s%s", time.Now().UTC().Format(time.RFC3339), diff, strings.Join(messages, "\n"))
	}
}

// behind returns how many of the sessions completed by a night are not stored, by ticker.
func (q *quarter) behind(t *testing.T, night exchange.Date) map[string]int {
	t.Helper()
	bars, err := q.db.Bars(t.Context(), q.tickers, quarterBegins.AddDays(-7), exchange.Date{})
	if err != nil {
		t.Fatal(err)
	}
	behind := map[string]int{}
	for _, ticker := range q.tickers {
		stored := bars[ticker]
		if len(stored) == 0 {
			t.Fatalf("%s: nothing is stored of %s", night, ticker)
		}
		behind[ticker.String()] = sessionsSince(stored[len(stored)-1].Session, night)
	}
	return behind
}

// sessionsSince returns how many sessions after one were completed by a night.
func sessionsSince(last, night exchange.Date) int {
	return len(exchange.XNYS.Sessions(last.AddDays(1), night.AddDays(-1)))
}

// wrong returns the tickers of which something is wrong, by what the vendor had and what is stored.
func (q *quarter) wrong(t *testing.T, night exchange.Date) map[string]bool {
	t.Helper()
	wrong := map[string]bool{}
	since := func(last exchange.Date) int { return sessionsSince(last, night) }
	// The vendor seems to be down: nobody is given up.
	isOutage := since(frozenFrom.AddDays(-1)) >= 5 && since(frozenUntil) == 0
	for symbol, behind := range q.behind(t, night) {
		switch isHeld := strings.HasPrefix(symbol, "H"); symbol {
		case delisted, heldDelisted: // it is given up after five sessions with the same old price
			wrong[symbol] = (isHeld || isOutage) && since(delistedAfter) >= 5 || since(delistedAfter) > 1 && since(delistedAfter) < 5
		case renamed, heldRenamed: // after three in which nothing was known of it
			wrong[symbol] = (isHeld || isOutage) && since(renamedAfter) >= 3 || since(renamedAfter) == 2
		case split:
			wrong[symbol] = since(splitOn.AddDays(-1)) > 0 && !q.isRebased
		}
		if (symbol[0] == 'T' || symbol == split) && (behind > 1 || behind == 1 && q.nightsLate[symbol] >= 3) {
			wrong[symbol] = true
		}
		if !wrong[symbol] {
			delete(wrong, symbol)
		}
	}
	return wrong
}
