package refresh_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/internal/storetest"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// application upserts a quote as the application does: over the daily row of the same key, of which it keeps the price
// alone.
type application func(t *testing.T, symbol string, session exchange.Date, source, price string)

// besideApplication runs a test on a job of each kind of store, with the application on the same database.
func besideApplication(t *testing.T, test func(t *testing.T, store storetest.Store, blank application)) {
	t.Helper()
	for _, kind := range storeKinds {
		t.Run(kind, func(t *testing.T) {
			address := newDatabase(t, kind)
			store := mustOpenStore(t, kind, address)
			test(t, store, func(t *testing.T, symbol string, session exchange.Date, source, price string) {
				t.Helper()
				statement := fmt.Sprintf(`
insert into price_history (ticker, price_amount, price_currency, "timestamp", source, "interval", created_at)
values ('%s', %s, 'USD', '%s 21:00:00.000000', '%s', '1day', '2026-11-21 02:00:00.000000')
on conflict (ticker, "timestamp", source, "interval") do update set
    price_amount = excluded.price_amount, price_currency = excluded.price_currency,
    open_amount = null, open_currency = null, high_amount = null, high_currency = null, low_amount = null, low_currency = null,
    close_amount = null, close_currency = null, volume = null`, symbol, price, session, source)
				if err := execOn(t.Context(), kind, address, statement); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func execOn(ctx context.Context, kind, address, statement string) error {
	if kind == "sqlite" {
		db, err := sql.Open("sqlite", "file:"+address+"?_pragma=busy_timeout(10000)")
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.ExecContext(ctx, statement)
		return err
	}
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return err
	}
	config.RuntimeParams["timezone"] = "UTC"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// blanks returns the sessions whose bars are incomplete, or lack a value: "18 20".
func blanks(t *testing.T, j *refresh.Job) string {
	t.Helper()
	var days []string
	for _, bar := range stored(t, j, "NVDA") {
		if bar.Incomplete || !bar.Open.Valid || !bar.High.Valid || !bar.Low.Valid || bar.Volume == nil {
			days = append(days, fmt.Sprint(bar.Session.Day))
		}
	}
	return strings.Join(days, " ")
}

// backfillOf runs a backfill of NVDA since the 6th.
func backfillOf(t *testing.T, j *refresh.Job, v *tape, o refresh.Options) refresh.TickerReport {
	t.Helper()
	v.asked = nil
	o.Kind, o.Tickers = refresh.Backfill, []marketdata.Ticker{marketdata.MustParseTicker("NVDA")}
	o.Range = refresh.Range{From: day(2026, time.November, 6)}
	report, err := run(t.Context(), t, j, o)
	if err != nil {
		t.Fatal(err)
	}
	return report.Tickers[0]
}

// A newest row that the application has blanked is asked for again, once, with a call that is left.
func TestNewestBlanksAreAskedFor(t *testing.T) {
	for _, capability := range []marketdata.Capability{quotes, series, wholeMarket} {
		t.Run(capability.Name, func(t *testing.T) {
			besideApplication(t, func(t *testing.T, store storetest.Store, blank application) {
				j, v := newTape(t, store, capability)
				want(t, "Saturday", string(night(t, j, v, tapeBar(nov20, "191")).Status), "refreshed")
				blank(t, "NVDA", nov20, "fake", "188.50")
				want(t, "blanked", blanks(t, j), "20")

				var filled []string
				j.Observe = func(e refresh.Event) {
					if f, isOne := e.(refresh.BarFilled); isOne {
						filled = append(filled, f.Session.String())
					}
				}
				sunday := nov20.AddDays(1)
				row := nightAfter(t, j, v, sunday)
				if row.Status != refresh.OutcomeRefreshed || len(v.asked) != 1 || row.Session != nov20 {
					t.Errorf("asked %v: %+v %+v", v.asked, row, row.Error)
				}
				want(t, "blanks", blanks(t, j), "")
				want(t, "filled", strings.Join(filled, " "), "2026-11-20")
				want(t, "stored", closes(t, j), "19:190 20:191")
				want(t, "once more", string(nightAfter(t, j, v, sunday).Status)+strings.Join(v.asked, " "), "fresh")
			})
		})
	}
}

// A row that another source has written is filled in its place: a second one would leave it as it is.
func TestBlanksOfAnotherSourceAreFilledInPlace(t *testing.T) {
	besideApplication(t, func(t *testing.T, store storetest.Store, blank application) {
		j, v := newTape(t, store, quotes)
		v.bars = append(v.bars, tapeBar(nov20, "191"))
		blank(t, "NVDA", nov20, "alpha_vantage", "190.75")
		want(t, "the night", string(nightAfter(t, j, v, nov20).Status), "refreshed")
		want(t, "blanks", blanks(t, j), "")
		newest := stored(t, j, "NVDA")
		want(t, "source", newest[len(newest)-1].Source, "alpha_vantage")
		want(t, "stored", closes(t, j), "19:190 20:191")
	})
}

// A quote that is asked for by force fills what is blank, of whichever source.
func TestForceFillsBlanks(t *testing.T) {
	besideApplication(t, func(t *testing.T, store storetest.Store, blank application) {
		j, v := newTape(t, store, quotes)
		want(t, "the night", string(night(t, j, v, tapeBar(nov20, "191")).Status), "refreshed")
		blank(t, "NVDA", nov20, "fake", "190.75")
		report, err := run(t.Context(), t, j, refresh.Options{Force: true, Tickers: []marketdata.Ticker{marketdata.MustParseTicker("NVDA")}})
		if err != nil || report.Tickers[0].Status != refresh.OutcomeRefreshed {
			t.Errorf("%v: %+v", err, report)
		}
		want(t, "blanks", blanks(t, j), "")
	})
}

// A rebase brings what a person set to the new scale, and fills what is blank.
func TestRebaseFillsBlanks(t *testing.T) {
	besideApplication(t, func(t *testing.T, store storetest.Store, blank application) {
		j, v := newTape(t, store, series)
		nov17, nov18 := day(2026, time.November, 17), day(2026, time.November, 18)
		bar := marketdata.Bar{Ticker: marketdata.MustParseTicker("NVDA"), Session: nov17, Close: decimal.NewFromInt(190), Currency: "USD"}
		if err := (refresh.Review{Store: store, At: j.Now()}).Set(t.Context(), bar); err != nil {
			t.Fatal(err)
		}
		blank(t, "NVDA", nov18, "fake", "190.50")
		for i, old := range v.bars {
			v.bars[i] = tapeBar(old.Session, old.Close.DivRound(decimal.NewFromInt(10), 2).String())
		}
		v.bars = append(v.bars, tapeBar(nov20, "19.10"))
		j.Now = func() time.Time { return nov20.AddDays(1).In(time.UTC) }
		options := refresh.Options{Kind: refresh.Backfill, Tickers: []marketdata.Ticker{bar.Ticker}, Rebase: true}
		if _, err := run(t.Context(), t, j, options); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range stored(t, j, "NVDA") {
			if b.Session == nov17 || b.Session == nov18 {
				got = append(got, fmt.Sprintf("%d:%s %t", b.Session.Day, b.Close.Round(2), b.Incomplete || b.Source != history.ManualSource && b.Volume == nil))
			}
		}
		want(t, "stored", strings.Join(got, " "), "17:19 false 18:19.2 false")
	})
}

// A vendor that has no more than a close is asked once.
func TestBlanksThatNobodyFills(t *testing.T) {
	besideApplication(t, func(t *testing.T, store storetest.Store, blank application) {
		j, v := newTape(t, store, quotes)
		bare := tapeBar(nov20, "191")
		bare.Open, bare.High, bare.Low, bare.Volume = decimal.NullDecimal{}, decimal.NullDecimal{}, decimal.NullDecimal{}, nil
		v.bars = append(v.bars, bare)
		blank(t, "NVDA", nov20, "fake", "191")
		want(t, "a bare quote", string(nightAfter(t, j, v, nov20).Status), "refreshed")
		want(t, "again", string(nightAfter(t, j, v, nov20).Status)+strings.Join(v.asked, " "), "fresh")
	})
}

// A vendor that does not have the session yet is not asked again at once.
func TestBlanksOfASessionThatIsNotOut(t *testing.T) {
	besideApplication(t, func(t *testing.T, store storetest.Store, blank application) {
		j, v := newTape(t, store, quotes)
		blank(t, "NVDA", nov20, "fake", "191")
		want(t, "the session before", string(nightAfter(t, j, v, nov20).Status), "refreshed")
		want(t, "again", string(nightAfter(t, j, v, nov20).Status)+strings.Join(v.asked, " "), "fresh")
		want(t, "blanks", blanks(t, j), "20")
	})
}

// If no call is left, or what is asked fails, the ticker is as fresh as before, and so is the run.
func TestBlanksAreNoFailure(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limit  int
		fails  error
		asked  string
		reason string
	}{
		{"no call is left", 1, nil, "", "its newest row, of 2026-11-20, lacks open, high, low and volume; no call is left for it"},
		{"the vendor fails", 100, marketdata.ErrInvalidData, "quotes", "the row of 2026-11-20 still lacks open, high, low and volume: "},
		{"the vendor is down", 100, marketdata.ErrUnavailable, "quotes", "the row of 2026-11-20 still lacks open, high, low and volume: "},
		{"the vendor says that the quota is spent", 100, marketdata.ErrQuotaSpent, "quotes", "the row of 2026-11-20 still lacks open, high, low and volume: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			besideApplication(t, func(t *testing.T, store storetest.Store, blank application) {
				j, v := newTape(t, store, quotes)
				v.limiter = quota.NewLimiter(quota.Options{
					Ledger: store, Account: "key", Limits: []quota.Limit{{Calls: tt.limit, Window: 24 * time.Hour}}, CallTimeout: time.Second,
				})
				j.Vendors[0].Limiter, j.Vendors[0].Attempts = v.limiter, 1
				want(t, "the night", string(night(t, j, v, tapeBar(nov20, "191")).Status), "refreshed")
				blank(t, "NVDA", nov20, "fake", "190.75")
				v.fails["quotes"], v.asked = tt.fails, nil
				report, err := run(t.Context(), t, j, refresh.Options{Tickers: []marketdata.Ticker{marketdata.MustParseTicker("NVDA")}})
				row := report.Tickers[0]
				if err != nil || report.Status != refresh.Succeeded || row.Status != refresh.OutcomeFresh || !strings.HasPrefix(row.Reason, tt.reason) {
					t.Errorf("%s, %v: %+v", report.Status, err, row)
				}
				want(t, "asked", strings.Join(v.asked, " "), tt.asked)
				want(t, "blanks", blanks(t, j), "20")
			})
		})
	}
}

// A vendor that does not know the ticker any more is asked about blanks once a session.
func TestBlanksOfAnUnknownTicker(t *testing.T) {
	besideApplication(t, func(t *testing.T, store storetest.Store, blank application) {
		j, v := newTape(t, store, quotes)
		want(t, "the night", string(night(t, j, v, tapeBar(nov20, "191")).Status), "refreshed")
		blank(t, "NVDA", nov20, "fake", "190.75")
		v.fails["quotes"] = marketdata.ErrUnknownTicker
		want(t, "the next run", string(nightAfter(t, j, v, nov20).Status), "fresh")
		want(t, "asked", strings.Join(v.asked, " "), "quotes")
		nightAfter(t, j, v, nov20)
		want(t, "asked again", strings.Join(v.asked, " "), "")
	})
}

// A series that is asked for anyway fills older blanks too, those of a single value as well; none of another source's.
func TestSeriesFillsOlderBlanks(t *testing.T) {
	besideApplication(t, func(t *testing.T, store storetest.Store, blank application) {
		j, v := newTape(t, store, series)
		blank(t, "NVDA", day(2026, time.November, 6), "fake", "189.50")
		blank(t, "NVDA", day(2026, time.November, 18), "fake", "189.50")
		want(t, "blanked", blanks(t, j), "6 18")
		want(t, "the night", string(night(t, j, v, tapeBar(nov20, "191")).Status), "refreshed")
		want(t, "asked", strings.Join(v.asked, " "), "series")
		want(t, "blanks", blanks(t, j), "")
		want(t, "the first close", stored(t, j, "NVDA")[0].Close.Round(2).String(), "190")
	})
}

// A backfill counts blanks as missing, fills them, and asks no more for those that the vendor does not have.
func TestBackfillFillsBlanks(t *testing.T) {
	besideApplication(t, func(t *testing.T, store storetest.Store, blank application) {
		j, v := newTape(t, store, series)
		j.Now = func() time.Time { return nov20.In(time.UTC) }
		blank(t, "NVDA", day(2026, time.November, 9), "fake", "189.50")
		blank(t, "NVDA", day(2026, time.November, 18), "fake", "189.50")
		plan := backfillOf(t, j, v, refresh.Options{DryRun: true})
		want(t, "planned", fmt.Sprintf("%d: %s", plan.Missing, plan.Reason),
			"2: 2 sessions from 2026-11-09 to 2026-11-18 lack open, high, low and volume")
		if row := backfillOf(t, j, v, refresh.Options{}); row.Status != refresh.OutcomeRefreshed || row.Stored != 2 {
			t.Errorf("%+v %+v", row, row.Error)
		}
		want(t, "blanks", blanks(t, j), "")
		want(t, "again", string(backfillOf(t, j, v, refresh.Options{}).Status)+strings.Join(v.asked, " "), "fresh")

		// The vendor does not have the 9th any more, and the 6th is filled by the way.
		blank(t, "NVDA", day(2026, time.November, 9), "fake", "189.50")
		v.bars = append(v.bars[:1:1], v.bars[2:]...)
		j.Now = func() time.Time { return nov23.In(time.UTC) }
		v.bars = append(v.bars, tapeBar(nov20, "191"))
		row := backfillOf(t, j, v, refresh.Options{})
		want(t, "reason", row.Reason, "1 session that the provider does not have")
		want(t, "blanks", blanks(t, j), "9")
		want(t, "once more", string(backfillOf(t, j, v, refresh.Options{}).Status)+strings.Join(v.asked, " "), "fresh")
	})
}

// A backfill of other sessions fills blanks by the way.
func TestBackfillOfOtherSessionsFillsBlanks(t *testing.T) {
	besideApplication(t, func(t *testing.T, store storetest.Store, blank application) {
		j, v := newTape(t, store, series)
		blank(t, "NVDA", day(2026, time.November, 6), "fake", "189.50")
		v.bars = append(v.bars, tapeBar(nov20, "191"))
		j.Now = func() time.Time { return nov20.AddDays(1).In(time.UTC) }
		v.asked = nil
		report, err := run(t.Context(), t, j, refresh.Options{
			Kind: refresh.Backfill, Tickers: []marketdata.Ticker{marketdata.MustParseTicker("NVDA")}, Range: refresh.Range{From: nov20},
		})
		if err != nil || report.Tickers[0].Missing != 1 {
			t.Errorf("%v: %+v", err, report)
		}
		want(t, "blanks", blanks(t, j), "")
	})
}

// What the application has put says nothing for the vendor's price of the session.
func TestTheApplicationsPriceIsNoEvidence(t *testing.T) {
	besideApplication(t, func(t *testing.T, store storetest.Store, blank application) {
		j, v := newTape(t, store, quotes)
		blank(t, "NVDA", nov20, "fake", "1930")
		v.bars = append(v.bars, tapeBar(nov20, "1930"))
		row := nightAfter(t, j, v, nov20)
		if row.Status != refresh.OutcomeFailed || row.Held == nil {
			t.Errorf("the same mistake: %+v", row)
		}
		want(t, "held", heldBars(t, j), "20:1930 held")
		want(t, "blanks", blanks(t, j), "20")

		v.bars = v.bars[:len(v.bars)-1]
		if row = night(t, j, v, tapeBar(nov23, "191")); row.Status != refresh.OutcomeRefreshed {
			t.Errorf("the next night: %+v %+v", row, row.Error)
		}
		want(t, "stored", closes(t, j), "19:190 20:1930 23:191")
		want(t, "held", heldBars(t, j), "20:1930 rejected")
	})
}

// Nor does it say anything against it.
func TestTheApplicationsPriceIsNoEvidenceAgainst(t *testing.T) {
	besideApplication(t, func(t *testing.T, store storetest.Store, blank application) {
		j, v := newTape(t, store, quotes)
		blank(t, "NVDA", nov20, "fake", "19300")
		v.bars = append(v.bars, tapeBar(nov20, "191"))
		want(t, "another price", string(nightAfter(t, j, v, nov20).Status), "refreshed")
		want(t, "stored", closes(t, j), "19:190 20:191")
	})
}

// Several of its mistakes in a row are not taken for the level before a split.
func TestTheApplicationsPricesShowNoSplit(t *testing.T) {
	besideApplication(t, func(t *testing.T, store storetest.Store, blank application) {
		j, v := newTape(t, store, quotes)
		for _, d := range []int{17, 18, 19} {
			blank(t, "NVDA", day(2026, time.November, d), "fake", "1900")
		}
		row := night(t, j, v, tapeBar(nov20, "191"))
		if row.Status != refresh.OutcomeRefreshed || row.Split != nil {
			t.Errorf("%+v %+v", row, row.Split)
		}
	})
}

// What a person has set is not the application's to blank, nor a vendor's to fill.
func TestBlanksOfWhatAPersonSetStay(t *testing.T) {
	besideApplication(t, func(t *testing.T, store storetest.Store, blank application) {
		j, v := newTape(t, store, series)
		review := refresh.Review{Store: store, At: j.Now()}
		nov18 := day(2026, time.November, 18)
		bar := marketdata.Bar{Ticker: marketdata.MustParseTicker("NVDA"), Session: nov18, Close: decimal.NewFromInt(150), Currency: "USD"}
		if err := review.Set(t.Context(), bar); err != nil {
			t.Fatal(err)
		}
		blank(t, "NVDA", nov18, "fake", "189.50") // its own row, since the person's has another source
		want(t, "the night", string(night(t, j, v, tapeBar(nov20, "191")).Status), "refreshed")
		for _, b := range stored(t, j, "NVDA") {
			if b.Session == nov18 {
				want(t, "the 18th", b.Source+" "+b.Close.Round(2).String()+" "+fmt.Sprint(b.Incomplete), history.ManualSource+" 150 false")
			}
		}
		want(t, "a backfill", string(backfillOf(t, j, v, refresh.Options{}).Status)+strings.Join(v.asked, " "), "fresh")
	})
}

// twins is a tape that has the same bars of every ticker.
type twins struct{ *tape }

func (v twins) Ask(ctx context.Context, q marketdata.Question) (marketdata.Answer, error) {
	got, err := v.tape.Ask(ctx, q)
	for i := range got.Bars {
		got.Bars[i].Ticker = q.Tickers[0]
	}
	return got, err
}

// A doubt about another ticker gets the call that a blank was planned to get.
func TestDoubtsComeBeforeBlanks(t *testing.T) {
	besideApplication(t, func(t *testing.T, store storetest.Store, blank application) {
		j, v := newTape(t, store, quotes, series)
		v.limiter = quota.NewLimiter(quota.Options{
			Ledger: store, Account: "key", Limits: []quota.Limit{{Calls: 2, Window: 12 * time.Hour}}, CallTimeout: time.Second,
		})
		j.Vendors[0].Provider, j.Vendors[0].Limiter = twins{v}, v.limiter
		v.bars = append(v.bars, tapeBar(nov20, "70")) // a true fall, as the series shows
		blank(t, "AMD", nov20, "fake", "70")
		j.Now = func() time.Time { return nov20.AddDays(1).In(time.UTC) }
		options := refresh.Options{Tickers: []marketdata.Ticker{marketdata.MustParseTicker("AMD"), marketdata.MustParseTicker("NVDA")}}
		options.DryRun = true
		plan, err := run(t.Context(), t, j, options)
		if err != nil || plan.Calls != 2 || plan.Counts.Planned != 2 {
			t.Fatalf("%v: %+v", err, plan)
		}
		v.asked, options.DryRun = nil, false
		report, err := run(t.Context(), t, j, options)
		if err != nil || report.Status != refresh.Succeeded {
			t.Errorf("%v: %+v", err, report)
		}
		want(t, "asked", strings.Join(v.asked, " "), "quotes series")
		want(t, "stored", closes(t, j), "19:190 20:70")
		want(t, "AMD", string(report.Tickers[1].Status)+": "+report.Tickers[1].Reason,
			"fresh: the row of 2026-11-20 still lacks open, high, low and volume: no call is left for it")
	})
}

// A series that fills a blank, or makes up for a session, does not show by a previous close that there was a split: the vendor's
// table of splits is asked.
func TestASplitThatASeriesBrings(t *testing.T) {
	onStores(t, func(t *testing.T, store storetest.Store) {
		j, v := newTape(t, store, series, splitTable)
		v.splits = []marketdata.Split{{Ticker: marketdata.MustParseTicker("NVDA"), Session: nov20, Factor: decimal.NewFromInt(2)}}
		row := night(t, j, v, tapeBar(nov20, "97"))
		want(t, "asked", strings.Join(v.asked, " "), "series splits")
		if row.Split == nil || row.Split.Ratio != "2:1" {
			t.Errorf("%+v", row)
		}
		v.splits = nil
		row = night(t, j, v, tapeBar(nov23, "96"))
		want(t, "asked the next night", strings.Join(v.asked, " "), "series")
		want(t, "stored", closes(t, j), "19:190 20:97 23:96")
		if row.Split == nil {
			t.Error("it is not pending any more")
		}
	})
}
