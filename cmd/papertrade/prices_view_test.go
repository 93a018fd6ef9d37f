package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func storedBar(session exchange.Date, price, currency string) history.StoredBar {
	volume := int64(1200)
	b := history.StoredBar{Source: "alphavantage", FetchedAt: midnight(25)}
	b.Session, b.Close, b.Currency, b.Volume = session, decimal.RequireFromString(price), currency, &volume
	b.Open = decimal.NewNullDecimal(decimal.RequireFromString("1.5"))
	return b
}

func examplePrices() storedPrices {
	last := storedBar(day(11, 24), "3.00", "USD")
	last.Volume = nil
	return storedPrices{
		ticker: aapl,
		bars:   []history.StoredBar{storedBar(day(11, 18), "1", "USD"), storedBar(day(11, 19), "2.5", "USD"), last},
		gaps: []history.Gap{
			{From: day(11, 16), To: day(11, 17), Sessions: 2}, {From: day(11, 20), To: day(11, 20), Sessions: 1},
			{From: day(11, 23), To: day(11, 23), Sessions: 1}},
		splits: []history.Split{{Session: day(11, 19), New: 10, Old: 1}},
	}
}

func TestPricesView(t *testing.T) {
	want := `SESSION     OPEN  HIGH  LOW  CLOSE  VOLUME  CURRENCY  SOURCE        NOTE
2026-11-16  -     -     -    -      -       -         -             2 sessions missing, up to 2026-11-17
2026-11-18  1.5   -     -    1      1200    USD       alphavantage  -
2026-11-19  1.5   -     -    2.5    1200    USD       alphavantage  -
2026-11-20  -     -     -    -      -       -         -             1 session missing
2026-11-23  -     -     -    -      -       -         -             1 session missing
2026-11-24  1.5   -     -    3.00   -       USD       alphavantage  -
3 bars from 2026-11-18 to 2026-11-24; 3 gaps, 4 sessions missing: 'papertrade backfill AAPL --from 2026-11-16 --to 2026-11-23' fills them.
It looks like a 10:1 split at 2026-11-19: if it is one, 'papertrade backfill AAPL --rebase' brings the bars before it to the same scale
`
	view := pricesView(examplePrices(), 0)
	if diff := cmp.Diff(want, render(t, view)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want = `session,open,high,low,close,volume,currency,source
2026-11-18,1.5,,,1,1200,USD,alphavantage
2026-11-19,1.5,,,2.5,1200,USD,alphavantage
2026-11-24,1.5,,,3.00,,USD,alphavantage
`
	if diff := cmp.Diff(want, renderAs(t, view, formatCSV)); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("2026-11-18\t1\n2026-11-19\t2.5\n2026-11-24\t3.00\n", renderAs(t, view, formatPlain)); diff != "" {
		t.Errorf("plain (-want +got):\n%s", diff)
	}
	if !strings.Contains(render(t, pricesView(examplePrices(), 80)), gapMark+" missing") {
		t.Error("there is no chart, though there is a width")
	}
}

func TestPricesJSON(t *testing.T) {
	p := examplePrices()
	p.bars, p.gaps = p.bars[1:], nil
	want := `{
  "ticker": "AAPL",
  "currency": "USD",
  "bars": [
    {
      "session": "2026-11-19",
      "open": "1.5",
      "close": "2.5",
      "volume": 1200,
      "source": "alphavantage",
      "fetched_at": "2026-11-25T00:00:00Z"
    },
    {
      "session": "2026-11-24",
      "open": "1.5",
      "close": "3.00",
      "source": "alphavantage",
      "fetched_at": "2026-11-25T00:00:00Z"
    }
  ],
  "gaps": [],
  "splits": [
    {
      "session": "2026-11-19",
      "ratio": "10:1"
    }
  ]
}
`
	if diff := cmp.Diff(want, renderAs(t, pricesView(p, 0), formatJSON)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Bars of several currencies have no chart, and each says its own.
func TestPricesOfTwoCurrencies(t *testing.T) {
	p := storedPrices{ticker: aapl, bars: []history.StoredBar{storedBar(day(11, 19), "1", "USD"), storedBar(day(11, 20), "2", "EUR")}}
	view := pricesView(p, 80)
	want := `SESSION     OPEN  HIGH  LOW  CLOSE  VOLUME  CURRENCY  SOURCE
2026-11-19  1.5   -     -    1      1200    USD       alphavantage
2026-11-20  1.5   -     -    2      1200    EUR       alphavantage
2 bars from 2026-11-19 to 2026-11-20 in EUR and USD, without a gap.
`
	if diff := cmp.Diff(want, render(t, view)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := renderAs(t, view, formatJSON); strings.Count(got, `"currency"`) != 2 || !strings.Contains(got, `"currency": "EUR"`) {
		t.Errorf("JSON: %s", got)
	}
}

func TestSummaryOfPrices(t *testing.T) {
	one := []history.StoredBar{storedBar(day(11, 19), "1", "USD")}
	gap := []history.Gap{{From: day(11, 18), To: day(11, 18), Sessions: 1}}
	from, to := date{day(11, 1)}, date{day(11, 30)}
	const advice = ": 'papertrade refresh AAPL' fetches the newest, 'papertrade backfill AAPL --from DATE' more."
	for want, p := range map[string]storedPrices{
		"1 bar, of 2026-11-19.": {bars: one},
		"1 bar from 2026-11-19 to 2026-11-19; 1 gap, 1 session missing: 'papertrade backfill AAPL --from 2026-11-18 --to 2026-11-18' fills it.": {bars: one, gaps: gap},
		"No daily bar of AAPL is stored" + advice:                                  {},
		"No daily bar of AAPL is stored from 2026-11-01 on" + advice:               {asked: dateRange{from: from}},
		"No daily bar of AAPL is stored up to 2026-11-30" + advice:                 {asked: dateRange{to: to}},
		"No daily bar of AAPL is stored from 2026-11-01 up to 2026-11-30" + advice: {asked: dateRange{from, to}},
	} {
		p.ticker = aapl
		if diff := cmp.Diff(want, summaryOfPrices(p)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// From the first bar up to the last session that has something, missing sessions are drawn as breaks.
func TestClosesOf(t *testing.T) {
	nan := math.NaN()
	type drawn struct {
		Closes []float64
		Held   []int
	}
	for name, tt := range map[string]struct {
		last   int
		absent []exchange.Date
		held   []history.HeldBar
		want   drawn
	}{
		"missing": {24, nil, nil, drawn{[]float64{1, 2.5, nan, nan, 3}, nil}},
		"absent":  {24, []exchange.Date{day(11, 23)}, nil, drawn{[]float64{1, 2.5, nan, 3}, nil}},
		"held": {24, []exchange.Date{day(11, 23)}, []history.HeldBar{heldBar(day(11, 17), "9"), heldBar(day(11, 19), "9"), heldBar(day(11, 23), "9")},
			drawn{[]float64{1, 2.5, nan, nan, 3}, []int{1, 3}}},
		"held after the last bar": {27, nil, []history.HeldBar{heldBar(day(11, 27), "9")},
			drawn{[]float64{1, 2.5, nan, nan, 3, nan, nan}, []int{6}}}, // the 26th is Thanksgiving
	} {
		p := examplePrices()
		p.absent, p.held = tt.absent, tt.held
		var got drawn
		got.Closes, got.Held = closesOf(p, day(11, tt.last))
		if diff := cmp.Diff(tt.want, got, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// A held price is marked, and not taken for one of the history.
func TestPricesViewOfHeldPrices(t *testing.T) {
	p := examplePrices()
	p.bars, p.gaps, p.splits = p.bars[:2], nil, nil
	before := renderAs(t, pricesView(p, 0), formatCSV)
	p.held = []history.HeldBar{heldBar(day(11, 19), "0.25"), heldBar(day(11, 20), "250.0", "for: the range")}
	view := pricesView(p, 0)
	want := `SESSION     OPEN  HIGH  LOW  CLOSE  VOLUME  CURRENCY  SOURCE         NOTE
2026-11-18  1.5   -     -    1      1200    USD       alphavantage   -
2026-11-19  1.5   -     -    2.5    1200    USD       alphavantage   -
2026-11-19  1.5   -     -    0.25   1200    USD       alpha_vantage  held: 9 times the close before
2026-11-20  1.5   -     -    250.0  1200    USD       alpha_vantage  held: 9 times the close before
2 bars from 2026-11-18 to 2026-11-19, without a gap.
2 prices are held and not in the history: 'papertrade review' settles that.
`
	checkOutputs(t, view, map[outputFormat]string{"": want, formatCSV: before, formatPlain: "2026-11-18\t1\n2026-11-19\t2.5\n"})
	chart := render(t, pricesView(p, 60))
	if !strings.Contains(chart, heldMark+" held") || !strings.Contains(chart, "2026-11-20\n") || strings.Contains(chart, " 250.00 ┤") {
		t.Errorf("the chart must mark the held prices, reach to the last, and be drawn of the others alone:\n%s", chart)
	}
	var got struct {
		Bars []barJSON           `json:"bars"`
		Held []refresh.HeldPrice `json:"held"`
	}
	if err := json.Unmarshal([]byte(renderAs(t, view, formatJSON)), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]refresh.HeldPrice{refresh.NewHeldPrice(p.held[0]), refresh.NewHeldPrice(p.held[1])}, got.Held,
		cmpopts.EquateComparable(marketdata.Ticker{})); diff != "" || len(got.Bars) != 2 {
		t.Errorf("%d bars, and held (-want +got):\n%s", len(got.Bars), diff)
	}

	p.bars = nil
	text := render(t, pricesView(p, 60))
	if !strings.Contains(text, "held: 9 times") || !strings.Contains(text, "No daily bar of AAPL is stored") || strings.Contains(text, heldMark+" held") {
		t.Errorf("without any bar:\n%s", text)
	}
}
