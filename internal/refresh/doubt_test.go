package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/internal/storetest"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

var (
	quotes     = marketdata.Capability{Kind: marketdata.Quotes, Name: "quotes", MaxTickers: 1}
	series     = marketdata.Capability{Kind: marketdata.History, Name: "series", MaxTickers: 1}
	splitTable = marketdata.Capability{Kind: marketdata.Splits, Name: "splits", MaxTickers: 1}
)

// tape is a vendor that has bars of one ticker, as many as are out.
type tape struct {
	*fakeVendor
	capabilities []marketdata.Capability
	bars         []marketdata.Bar // ascending
	splits       []marketdata.Split
	fails        map[string]error // by the name of a capability
	correction   *marketdata.Bar  // takes the place of the newest bar in a series
	asked        []string         // names of capabilities
}

func (v *tape) Capabilities() []marketdata.Capability { return v.capabilities }

func (v *tape) Ask(ctx context.Context, q marketdata.Question) (marketdata.Answer, error) {
	if _, err := v.fakeVendor.Ask(ctx, q); err != nil {
		return marketdata.Answer{}, err
	}
	v.asked = append(v.asked, q.Capability.Name)
	if err := v.fails[q.Capability.Name]; err != nil {
		return marketdata.Answer{}, err
	}
	switch q.Capability.Kind {
	case marketdata.Splits:
		return marketdata.Answer{Splits: v.splits}, nil
	case marketdata.Quotes:
		quote := v.bars[len(v.bars)-1]
		if n := len(v.bars); n > 1 && !quote.PreviousClose.Valid {
			quote.PreviousClose = decimal.NewNullDecimal(v.bars[n-2].Close)
		}
		return marketdata.Answer{Bars: []marketdata.Bar{quote}}, nil
	default:
		bars := slices.Clone(v.bars)
		if v.correction != nil {
			bars[len(bars)-1] = *v.correction
		}
		return marketdata.Answer{Bars: slices.DeleteFunc(bars, func(b marketdata.Bar) bool {
			return q.Capability.Kind == marketdata.MarketDay && b.Session != q.From
		})}, nil
	}
}

// newTape is a job of a ticker with bars of two weeks stored, up to Thursday, the 19th of November 2026.
func newTape(t *testing.T, store storetest.Store, capabilities ...marketdata.Capability) (*refresh.Job, *tape) {
	t.Helper()
	j, fake := newFakeJob(store, capabilities[0], quota.Limit{Calls: 100})
	v := &tape{fakeVendor: fake, capabilities: capabilities, fails: map[string]error{}}
	j.Vendors[0].Provider = v
	batch := refresh.Batch{Run: refresh.RunRecord{ID: uuid.NewString(), JobName: refresh.JobName, StartedAt: midnight(), Status: "SUCCEEDED"}}
	for i, session := range exchange.XNYS.Sessions(day(2026, time.November, 6), day(2026, time.November, 19)) {
		bar := tapeBar(session, fmt.Sprintf("%d", 190+i%3))
		v.bars = append(v.bars, bar)
		batch.Prices = append(batch.Prices, refresh.Price{
			Bar: bar, Timestamp: refresh.DailyStamp(session), Source: "fake", Interval: refresh.IntervalDaily,
			FetchedAt: midnight().AddDate(0, 0, -1),
		})
	}
	if _, err := store.CommitBatch(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	return j, v
}

// tapeBar returns a bar whose open and range fit its close.
func tapeBar(session exchange.Date, price string) marketdata.Bar {
	c := decimal.RequireFromString(price)
	at := func(factor string) decimal.NullDecimal {
		return decimal.NewNullDecimal(c.Mul(decimal.RequireFromString(factor)).Round(4))
	}
	volume := int64(1_000_000 + 1000*session.Day)
	return marketdata.Bar{
		Ticker: marketdata.MustParseTicker("NVDA"), Session: session, Open: at("0.99"), High: at("1.02"), Low: at("0.98"), Close: c,
		Volume: &volume, Currency: "USD",
	}
}

// night lets the vendor have a further bar, and runs the job in the night after its session.
func night(t *testing.T, j *refresh.Job, v *tape, bar marketdata.Bar) refresh.TickerReport {
	t.Helper()
	v.bars = append(v.bars, bar)
	return nightAfter(t, j, v, bar.Session)
}

func nightAfter(t *testing.T, j *refresh.Job, v *tape, session exchange.Date) refresh.TickerReport {
	t.Helper()
	j.Now = func() time.Time { return session.AddDays(1).In(time.UTC) }
	v.asked = nil
	report, err := run(t.Context(), t, j, refresh.Options{Tickers: []marketdata.Ticker{marketdata.MustParseTicker("NVDA")}})
	if err != nil {
		t.Fatal(err)
	}
	if isHeld := report.Tickers[0].Held != nil; isHeld != (report.Counts.Held == 1) {
		t.Errorf("held: %t; counted: %d", isHeld, report.Counts.Held)
	}
	return report.Tickers[0]
}

// closes returns the stored closes since the 19th: "19:192 20:19300".
func closes(t *testing.T, j *refresh.Job) string {
	t.Helper()
	var texts []string
	for _, bar := range stored(t, j, "NVDA") {
		if !bar.Session.Before(day(2026, time.November, 19)) {
			texts = append(texts, fmt.Sprintf("%d:%s", bar.Session.Day, bar.Close.Round(2)))
		}
	}
	return strings.Join(texts, " ")
}

// heldBars returns what is held: "20:19300 held".
func heldBars(t *testing.T, j *refresh.Job) string {
	t.Helper()
	held, err := j.Store.HeldBars(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, h := range held[marketdata.MustParseTicker("NVDA")] {
		texts = append(texts, fmt.Sprintf("%d:%s %s", h.Session.Day, h.Close.Round(2), h.Decision))
	}
	return strings.Join(texts, " ")
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// onStores runs a test on a job of each kind of store.
func onStores(t *testing.T, test func(t *testing.T, store storetest.Store)) {
	t.Helper()
	for _, kind := range storeKinds {
		t.Run(kind, func(t *testing.T) { test(t, mustOpenStore(t, kind, newDatabase(t, kind))) })
	}
}

var (
	nov20 = day(2026, time.November, 20)
	nov23 = day(2026, time.November, 23)
	nov24 = day(2026, time.November, 24)
)

// What becomes of a doubtful price does not depend on what brought it, nor on where it is stored: it is held, not asked for
// again in the same night, and the next session decides.
func TestDoubtfulPricesAreHeld(t *testing.T) {
	for _, price := range []string{"19300", "193000", "1.93", "0.19", "400", "61", "37.3"} {
		for _, capability := range []marketdata.Capability{quotes, series, wholeMarket} {
			t.Run(price+"/"+capability.Name, func(t *testing.T) {
				onStores(t, func(t *testing.T, store storetest.Store) {
					j, v := newTape(t, store, capability)
					bar := tapeBar(nov20, price)
					bar.Open = decimal.NullDecimal{}
					row := night(t, j, v, bar)
					if row.Status != refresh.OutcomeFailed || row.Error == nil || row.Error.Kind != "doubtful" || row.Held == nil {
						t.Fatalf("%+v %+v", row, row.Error)
					}
					want(t, "the held session", row.Held.Session.String()+" "+row.Held.Close, "2026-11-20 "+price)
					want(t, "stored", closes(t, j), "19:190")
					want(t, "held", heldBars(t, j), "20:"+decimal.RequireFromString(price).Round(2).String()+" held")

					row = nightAfter(t, j, v, nov20)
					if row.Status != refresh.OutcomeSkipped || len(v.asked) > 0 || row.Held == nil || !strings.Contains(row.Reason, "is held: ") {
						t.Errorf("asked again: %v, %+v", v.asked, row)
					}

					if row = night(t, j, v, tapeBar(nov23, "191")); row.Status != refresh.OutcomeRefreshed || row.Held != nil {
						t.Errorf("the next night: %+v %+v", row, row.Error)
					}
					want(t, "stored", closes(t, j), "19:190 23:191")
					want(t, "held", heldBars(t, j), "20:"+decimal.RequireFromString(price).Round(2).String()+" rejected")
				})
			})
		}
	}
}

// What the next session confirms is accepted, late but by itself.
func TestTimeAcceptsWhatIsHeld(t *testing.T) {
	for _, capability := range []marketdata.Capability{quotes, series, wholeMarket} {
		t.Run(capability.Name, func(t *testing.T) {
			onStores(t, func(t *testing.T, store storetest.Store) {
				j, v := newTape(t, store, capability)
				bar := tapeBar(nov20, "70")
				bar.Open = decimal.NullDecimal{}
				want(t, "the first night", string(night(t, j, v, bar).Status), "failed")
				row := night(t, j, v, tapeBar(nov23, "72"))
				if row.Status != refresh.OutcomeRefreshed || row.Held != nil || row.Split != nil {
					t.Errorf("%+v %+v", row, row.Error)
				}
				want(t, "stored", closes(t, j), "19:190 20:70 23:72")
				want(t, "held", heldBars(t, j), "20:70 accepted")
			})
		})
	}
}

// A level that the next session confirms, and that fits a split, is marked as one.
func TestAConfirmedLevelIsMarkedAsASplit(t *testing.T) {
	for _, capability := range []marketdata.Capability{quotes, series} {
		t.Run(capability.Name, func(t *testing.T) {
			onStores(t, func(t *testing.T, store storetest.Store) {
				j, v := newTape(t, store, capability)
				bar := tapeBar(nov20, "19")
				bar.High = decimal.NullDecimal{}
				want(t, "the first night", string(night(t, j, v, bar).Status), "failed")
				row := night(t, j, v, tapeBar(nov23, "19.10"))
				if row.Split == nil || row.Split.Ratio != "10:1" || row.Split.Session != nov20 {
					t.Errorf("%+v: %+v, want a split of 10:1 on %s", row, row.Split, nov20)
				}
				want(t, "stored", closes(t, j), "19:190 20:19 23:19.1")
			})
		})
	}
}

// Before a price is held, what can settle the doubt is asked, if that takes no call from what is planned.
func TestDoubtCostsACall(t *testing.T) {
	bare := func(price string) marketdata.Bar {
		bar := tapeBar(nov20, price)
		bar.High = decimal.NullDecimal{}
		return bar
	}
	tenToOne := []marketdata.Split{{Ticker: marketdata.MustParseTicker("NVDA"), Session: nov20, Factor: decimal.NewFromInt(10)}}
	for _, tt := range []struct {
		name     string
		bar      marketdata.Bar // as the quote has it
		series   *marketdata.Bar
		splits   []marketdata.Split
		fails    map[string]error
		limit    int
		status   refresh.Outcome
		asked    string
		stored   string
		split    string
		evidence string // of what is held
	}{
		{name: "a true fall, which the series shows", bar: tapeBar(nov20, "70"), status: refresh.OutcomeRefreshed, asked: "quotes series", stored: "19:190 20:70"},
		{name: "a unit, which the series repeats", bar: tapeBar(nov20, "1.9"), status: refresh.OutcomeFailed, asked: "quotes series splits",
			stored: "19:190", evidence: "against it: the daily series repeats it, but comes from the same vendor"},
		{name: "a mistake of the quote alone", bar: tapeBar(nov20, "1.9"), series: new(tapeBar(nov20, "191")), status: refresh.OutcomeRefreshed,
			asked: "quotes series", stored: "19:190 20:191"},
		{name: "a split of the table", bar: bare("19.2"), splits: tenToOne, status: refresh.OutcomeRefreshed, asked: "quotes series splits",
			stored: "19:190 20:19.2", split: "10:1"},
		{name: "a table without it", bar: bare("19.2"), status: refresh.OutcomeFailed, asked: "quotes series splits", stored: "19:190",
			evidence: "the vendor's table of splits settles nothing: it has none"},
		{name: "a true fall without a range", bar: bare("70"), status: refresh.OutcomeFailed, asked: "quotes series splits", stored: "19:190",
			evidence: "against it: the daily series has no open and range that fit it"},
		{name: "a fall that the series has otherwise", bar: tapeBar(nov20, "70"), series: new(tapeBar(nov20, "80")), status: refresh.OutcomeFailed,
			asked: "quotes series splits", stored: "19:190", evidence: "against it: the quote has another close (70)"},
		{name: "a previous close that is not the stored one", bar: withPrevious(tapeBar(nov20, "192"), "170"), status: refresh.OutcomeRefreshed,
			asked: "quotes series", stored: "19:190 20:192"},
		{name: "a quote that is all a tenth, with a series that is not", bar: withPrevious(tapeBar(nov20, "19.2"), "19"),
			series: new(tapeBar(nov20, "191")), status: refresh.OutcomeRefreshed, asked: "quotes series", stored: "19:190 20:191"},
		{name: "a series that fails", bar: bare("19.2"), fails: map[string]error{"series": marketdata.ErrInvalidData}, splits: tenToOne,
			status: refresh.OutcomeRefreshed, asked: "quotes series splits", stored: "19:190 20:19.2", split: "10:1"},
		{name: "a table that the plan does not include", bar: bare("19.2"), fails: map[string]error{"splits": marketdata.ErrNotEntitled},
			status: refresh.OutcomeFailed, asked: "quotes series splits", stored: "19:190",
			evidence: "the vendor's table of splits settles nothing: fetch NVDA: " + marketdata.ErrNotEntitled.Error()},
		{name: "no call is left", bar: bare("19.2"), limit: 1, status: refresh.OutcomeFailed, asked: "quotes", stored: "19:190",
			evidence: "the vendor's table of splits settles nothing: no call is left for it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onStores(t, func(t *testing.T, store storetest.Store) {
				j, v := newTape(t, store, quotes, series, splitTable)
				if tt.limit > 0 {
					limits := []quota.Limit{{Calls: tt.limit, Window: 24 * time.Hour}}
					v.limiter = quota.NewLimiter(quota.Options{Ledger: store, Account: "key", Limits: limits, CallTimeout: time.Second})
					j.Vendors[0].Limiter = v.limiter
				}
				v.splits, v.fails = tt.splits, tt.fails
				v.correction = tt.series
				row := night(t, j, v, tt.bar)
				if row.Status != tt.status || (row.Held != nil) != (tt.evidence != "") {
					t.Errorf("%+v %+v", row, row.Error)
				}
				if row.Held != nil && !slices.Contains(row.Held.Evidence, tt.evidence) {
					t.Errorf("%q: want %q", row.Held.Evidence, tt.evidence)
				}
				split := ""
				if row.Split != nil {
					split = row.Split.Ratio
				}
				want(t, "split", split, tt.split)
				want(t, "asked", strings.Join(v.asked, " "), tt.asked)
				want(t, "stored", closes(t, j), tt.stored)
			})
		})
	}
}

func withPrevious(bar marketdata.Bar, price string) marketdata.Bar {
	bar.PreviousClose = decimal.NewNullDecimal(decimal.RequireFromString(price))
	return bar
}

// Late corrections of the last ten sessions come at no extra cost; what a person set stays, and so do older ones and the bars
// of others.
func TestLateCorrections(t *testing.T) {
	onStores(t, func(t *testing.T, store storetest.Store) {
		j, v := newTape(t, store, series)
		all := stored(t, j, "NVDA")
		manual, other := all[6], all[7]
		batch := refresh.Batch{Run: refresh.RunRecord{ID: uuid.NewString(), JobName: refresh.JobName, StartedAt: midnight(), Status: "SUCCEEDED"}}
		for i, bar := range []history.StoredBar{manual, other} {
			batch.Prices = append(batch.Prices, refresh.Price{
				Bar: bar.Bar, Timestamp: bar.Timestamp, Source: []string{history.ManualSource, "another"}[i], Interval: refresh.IntervalDaily,
				FetchedAt: midnight(), Row: bar.Row, Relabel: true, Backfill: true,
			})
		}
		if _, err := store.CommitBatch(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		for i := range v.bars {
			v.bars[i] = tapeBar(v.bars[i].Session, v.bars[i].Close.Add(decimal.New(5, -1)).String())
		}
		v.bars[5] = tapeBar(v.bars[5].Session, "19100") // a late mistake is none
		row := night(t, j, v, tapeBar(nov20, "193"))
		if row.Status != refresh.OutcomeRefreshed || len(v.asked) != 1 {
			t.Errorf("%v: %+v %+v", v.asked, row, row.Error)
		}
		var got []string
		for i, bar := range stored(t, j, "NVDA") {
			if i < len(all) && !bar.Close.Equal(all[i].Close) {
				if !bar.FetchedAt.Equal(j.Now()) {
					t.Errorf("%s: written at %s, want the time of the correction", bar.Session, bar.FetchedAt)
				}
				got = append(got, fmt.Sprintf("%d:%s", bar.Session.Day, bar.Close.Round(2)))
			}
		}
		wanted := []string{"9:191.5", "10:192.5", "11:190.5", "12:191.5", "18:192.5", "19:190.5"}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("corrected (-want +got)\n%s", diff)
		}
		want(t, "stored", closes(t, j), "19:190.5 20:193")
	})
}

// The same bar twice is stored with a warning, and a third time held.
func TestStaleAnswers(t *testing.T) {
	for _, capability := range []marketdata.Capability{quotes, series, wholeMarket} {
		t.Run(capability.Name, func(t *testing.T) {
			onStores(t, func(t *testing.T, store storetest.Store) {
				j, v := newTape(t, store, capability)
				var warned []string
				j.Observe = func(e refresh.Event) {
					if judged, isOne := e.(refresh.BarJudged); isOne {
						warned = append(warned, judged.Bar.Session.String()+" "+judged.Why)
					}
				}
				same := func(session exchange.Date) marketdata.Bar {
					bar := v.bars[len(v.bars)-1]
					bar.Session = session
					return bar
				}
				want(t, "once", string(night(t, j, v, tapeBar(nov20, "191")).Status), "refreshed")
				want(t, "twice", string(night(t, j, v, same(nov23)).Status), "refreshed")
				if len(warned) != 1 || !strings.HasPrefix(warned[0], "2026-11-23 stale answer") {
					t.Errorf("warned of %q", warned)
				}
				row := night(t, j, v, same(nov24))
				if row.Status != refresh.OutcomeFailed || row.Error.Kind != "doubtful" || row.Held == nil {
					t.Errorf("three times: %+v %+v", row, row.Error)
				}
				want(t, "stored", closes(t, j), "19:190 20:191 23:191")
			})
		})
	}
}

// Whatever a vendor answers, night after night, what the database has is of sessions, and within its own low and high.
func TestNothingStoredContradictsItself(t *testing.T) {
	for _, capability := range []marketdata.Capability{quotes, series, wholeMarket} {
		t.Run(capability.Name, func(t *testing.T) {
			onStores(t, func(t *testing.T, store storetest.Store) {
				random := rand.New(rand.NewPCG(1, uint64(capability.Kind)))
				j, v := newTape(t, store, capability)
				price := func() decimal.NullDecimal {
					scale := []float64{1, 1, 1, 1, 1, 1, 1, 0.3, 3, 100, 0.01, 0.001}[random.IntN(12)]
					p := decimal.NewFromFloat(scale * (180 + 20*random.Float64())).Round(4)
					return decimal.NullDecimal{Decimal: p, Valid: random.IntN(6) > 0}
				}
				for d := nov20; d.Before(day(2026, time.December, 20)); d = d.AddDays(1) {
					for i := range v.bars { // every answer is another one
						bar := &v.bars[i]
						if random.IntN(3) == 0 {
							bar.Open, bar.High, bar.Low, bar.Close = price(), price(), price(), price().Decimal
						}
					}
					bar := tapeBar(d.AddDays(random.IntN(2)), "190")
					bar.Open, bar.High, bar.Low, bar.Close = price(), price(), price(), price().Decimal
					v.bars = distinctSessions(append(v.bars, bar))
					nightAfter(t, j, v, d)
					options := refresh.Options{
						Kind: refresh.Backfill, Tickers: []marketdata.Ticker{bar.Ticker}, Force: true, Range: refresh.Range{From: day(2026, time.November, 6)},
					}
					if _, err := run(t.Context(), t, j, options); err != nil && !errors.Is(err, marketdata.ErrInvalidData) {
						t.Fatal(err)
					}
				}
				all := stored(t, j, "NVDA")
				if len(all) < 15 {
					t.Errorf("%d bars are stored: want more", len(all))
				}
				for _, bar := range all {
					isOutside := func(price decimal.NullDecimal) bool {
						isLow := bar.Low.Valid && price.Decimal.LessThan(bar.Low.Decimal)
						return price.Valid && (isLow || bar.High.Valid && price.Decimal.GreaterThan(bar.High.Decimal))
					}
					isSession := exchange.XNYS.IsSession(bar.Session) && bar.Close.IsPositive()
					if !isSession || isOutside(bar.Open) || isOutside(decimal.NewNullDecimal(bar.Close)) || isOutside(bar.Low) {
						t.Errorf("stored: %+v", bar)
					}
				}
			})
		})
	}
}

// distinctSessions returns the last one of the bars of each session, ascending.
func distinctSessions(bars []marketdata.Bar) []marketdata.Bar {
	slices.Reverse(bars)
	slices.SortStableFunc(bars, func(a, b marketdata.Bar) int { return a.Session.Compare(b.Session) })
	return slices.CompactFunc(bars, func(a, b marketdata.Bar) bool { return a.Session == b.Session })
}

// A split that a wrong series showed is forgotten once the vendor has corrected its prices.
func TestASplitThatIsUndoneIsForgotten(t *testing.T) {
	onStores(t, func(t *testing.T, store storetest.Store) {
		j, v := newTape(t, store, series)
		right := slices.Clone(v.bars)
		for i, bar := range v.bars {
			v.bars[i] = tapeBar(bar.Session, bar.Close.Shift(-1).String())
		}
		if row := night(t, j, v, tapeBar(nov20, "19.1")); row.Split == nil || row.Split.Ratio != "10:1" {
			t.Fatalf("%+v %+v, want a split", row, row.Error)
		}
		want(t, "stored", closes(t, j), "19:190 20:19.1")
		v.bars = append(right, tapeBar(nov20, "191"))
		if row := night(t, j, v, tapeBar(nov23, "192")); row.Split != nil || !strings.Contains(row.Reason, "forgotten") {
			t.Errorf("%+v, want none", row)
		}
		want(t, "stored", closes(t, j), "19:190 20:191 23:192")
		states, err := j.Store.States(t.Context(), []marketdata.Ticker{marketdata.MustParseTicker("NVDA")})
		if splits := states[marketdata.MustParseTicker("NVDA")].Splits; err != nil || len(splits) > 0 {
			t.Errorf("%v, %v: want no split", splits, err)
		}
	})
}

// A backfill believes no glitch either: it records those that later bars show to be wrong, holds the newest, and decides about
// what waits.
func TestABackfillJudges(t *testing.T) {
	onStores(t, func(t *testing.T, store storetest.Store) {
		j, v := newTape(t, store, series)
		backfill := func(to exchange.Date) refresh.TickerReport {
			t.Helper()
			j.Now = func() time.Time { return to.AddDays(1).In(time.UTC) }
			report, err := run(t.Context(), t, j, refresh.Options{
				Kind: refresh.Backfill, Tickers: []marketdata.Ticker{marketdata.MustParseTicker("NVDA")}, Range: refresh.Range{From: nov20},
			})
			if err != nil {
				t.Fatal(err)
			}
			return report.Tickers[0]
		}
		glitch := tapeBar(nov24, "19400")
		glitch.High = decimal.NullDecimal{}
		v.bars = append(v.bars, tapeBar(nov20, "1.91"), tapeBar(nov23, "192"), glitch)
		v.bars[9] = tapeBar(v.bars[9].Session, "190.50") // a late correction
		row := backfill(nov24)
		if row.Status != refresh.OutcomeFailed || row.Error.Kind != "doubtful" || row.Held == nil || row.Held.Session != nov24 {
			t.Errorf("%+v %+v", row, row.Error)
		}
		want(t, "stored", closes(t, j), "19:190.5 23:192")
		want(t, "held", heldBars(t, j), "20:1.91 rejected 24:19400 held")

		v.asked = nil
		if row = backfill(nov24); row.Status != refresh.OutcomeFresh || len(v.asked) > 0 || row.Held == nil {
			t.Errorf("again: %+v, asked %v", row, v.asked)
		}
		nov25 := nov24.AddDays(1)
		v.bars = append(v.bars, tapeBar(nov25, "193"))
		if row = backfill(nov25); row.Status != refresh.OutcomeRefreshed || row.Held != nil {
			t.Errorf("the next day: %+v %+v", row, row.Error)
		}
		want(t, "stored", closes(t, j), "19:190.5 23:192 25:193")
		want(t, "held", heldBars(t, j), "20:1.91 rejected 24:19400 rejected")
	})
}

// A doubt takes no call from what is planned, nor from what the next run of the schedule needs.
func TestDoubtsTakeNoPlannedCall(t *testing.T) {
	for _, tt := range []struct {
		name    string
		tickers []string
		limit   int
		want    string
	}{
		{"a call is left", []string{"NVDA"}, 3, "quotes series"},
		{"the next run needs it", []string{"NVDA"}, 2, "quotes"},
		{"other tickers need it", []string{"NVDA", "AAPL", "IBM"}, 4, "quotes quotes quotes"},
		{"one is left besides", []string{"NVDA", "AAPL", "IBM"}, 5, "quotes series quotes quotes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onStores(t, func(t *testing.T, store storetest.Store) {
				j, v := newTape(t, store, quotes, series)
				watchOnly(t, store, "NVDA")
				limits := []quota.Limit{{Calls: tt.limit, Window: 30 * time.Hour}}
				v.limiter = quota.NewLimiter(quota.Options{Ledger: store, Account: "key", Limits: limits, CallTimeout: time.Second})
				j.Vendors[0].Limiter, j.BatchSize = v.limiter, 1
				j.Discovery = refresh.Discovery{Sources: []refresh.Source{refresh.SourceWatchlist}, ActiveDays: 30}
				var tickers []marketdata.Ticker
				for _, symbol := range tt.tickers {
					tickers = append(tickers, marketdata.MustParseTicker(symbol))
				}
				bar := tapeBar(nov20, "19.2")
				bar.High = decimal.NullDecimal{}
				v.bars = append(v.bars, bar)
				j.Now = midnight
				if _, err := run(t.Context(), t, j, refresh.Options{Tickers: tickers}); err != nil {
					t.Fatal(err)
				}
				want(t, "asked", strings.Join(v.asked, " "), tt.want)
			})
		})
	}
}

// A price of the moment that is in doubt is not stored: nothing would confirm it later.
func TestADoubtfulPriceOfTheMoment(t *testing.T) {
	for price, status := range map[string]refresh.Outcome{
		"191": refresh.OutcomeRefreshed, "19100": refresh.OutcomeFailed, "70": refresh.OutcomeFailed, "0.19": refresh.OutcomeFailed,
	} {
		t.Run(price, func(t *testing.T) {
			onStores(t, func(t *testing.T, store storetest.Store) {
				j, v := newTape(t, store, quotes, series)
				watchOnly(t, store, "NVDA")
				v.bars = append(v.bars, tapeBar(nov20, price))
				j.Now = func() time.Time { return time.Date(2026, time.November, 20, 16, 0, 0, 0, time.UTC) }
				report, err := run(t.Context(), t, j, refresh.Options{Kind: refresh.Intraday})
				if err != nil || len(report.Tickers) != 1 || report.Tickers[0].Status != status {
					t.Fatalf("%+v, %v; want it %s", report.Tickers, err, status)
				}
				row := report.Tickers[0]
				if isStored := row.Price != ""; isStored != (status == refresh.OutcomeRefreshed) {
					t.Errorf("%+v", row)
				}
				if row.Error != nil && (row.Error.Kind != "doubtful" || !strings.HasPrefix(row.Error.Message, "the price of the moment is not stored: ")) {
					t.Errorf("%+v", row.Error)
				}
				want(t, "held", heldBars(t, j), "")
			})
		})
	}
}

// watchOnly removes all others from the first watchlist.
func watchOnly(t *testing.T, store storetest.Store, symbol string) {
	t.Helper()
	list, err := store.Watchlist(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	var others []string
	for _, entry := range list {
		if entry.Symbol != symbol {
			others = append(others, entry.Symbol)
		}
	}
	if _, err := store.RemoveFromWatchlist(t.Context(), others, midnight()); err != nil {
		t.Fatal(err)
	}
}

// An answer of which nothing is stored, since a person has set the price of its only session, counts for what it lacks.
func TestAKeptAnswerCountsAsLate(t *testing.T) {
	onStores(t, func(t *testing.T, store storetest.Store) {
		j, v := newTape(t, store, quotes)
		price := refresh.Price{
			Bar: tapeBar(day(2026, time.November, 19), "111"), Timestamp: refresh.DailyStamp(day(2026, time.November, 19)),
			Source: history.ManualSource, Interval: refresh.IntervalDaily, FetchedAt: midnight().AddDate(0, 0, -1),
		}
		if _, err := store.CommitBatch(t.Context(), refresh.Batch{Prices: []refresh.Price{price}}); err != nil {
			t.Fatal(err)
		}
		for i, session := range exchange.XNYS.Sessions(nov20, day(2026, time.December, 1)) {
			row := nightAfter(t, j, v, session)
			if isAsked := len(v.asked) > 0; isAsked != (i < 5) || isAsked && !strings.Contains(row.Reason, "not out yet") {
				t.Errorf("%s: asked %v: %s, %s", session, v.asked, row.Status, row.Reason)
			}
		}
		want(t, "stored", closes(t, j), "19:111")
	})
}
