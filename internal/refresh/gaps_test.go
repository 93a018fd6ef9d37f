package refresh_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func TestGaps(t *testing.T) {
	november := func(day int) exchange.Date { return exchange.Date{Year: 2026, Month: 11, Day: day} }
	december := func(day int) exchange.Date { return exchange.Date{Year: 2026, Month: 12, Day: day} }
	tests := []struct {
		name string
		of   *exchange.Exchange
		bars []exchange.Date
		want []refresh.Gap
	}{
		{"nothing stored", exchange.XNYS, nil, nil},
		{"one bar", exchange.XNYS, []exchange.Date{november(18)}, nil},
		{"over a weekend", exchange.XNYS, []exchange.Date{november(20), november(23)}, nil},
		{"over a holiday", exchange.XNYS, []exchange.Date{november(25), november(27)}, nil}, // Thanksgiving
		{"that holiday in London", exchange.XLON, []exchange.Date{november(25), november(27)},
			[]refresh.Gap{{november(26), november(26), 1}}},
		{"two", exchange.XNYS, []exchange.Date{november(16), november(18), november(19), december(1)},
			[]refresh.Gap{{november(17), november(17), 1}, {november(20), november(30), 6}}},
		{"over a year", exchange.XNYS, []exchange.Date{{Year: 2025, Month: 12, Day: 30}, {Year: 2026, Month: 1, Day: 5}},
			[]refresh.Gap{{exchange.Date{Year: 2025, Month: 12, Day: 31}, exchange.Date{Year: 2026, Month: 1, Day: 2}, 2}}},
		{"a bar on a day that is no session", exchange.XNYS, []exchange.Date{november(19), november(21), november(24)},
			[]refresh.Gap{{november(20), november(20), 1}, {november(23), november(23), 1}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var bars []history.StoredBar
			for _, session := range test.bars {
				bars = append(bars, history.StoredBar{Bar: marketdata.Bar{Session: session}})
			}
			if diff := cmp.Diff(test.want, refresh.Gaps(test.of, bars, nil, exchange.Date{}, exchange.Date{})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestGapsOfARange(t *testing.T) {
	november := func(day int) exchange.Date { return exchange.Date{Year: 2026, Month: 11, Day: day} }
	bars := []history.StoredBar{{Bar: marketdata.Bar{Session: november(2)}}, {Bar: marketdata.Bar{Session: november(13)}}}
	got := refresh.Gaps(exchange.XNYS, bars, []exchange.Date{november(10)}, november(9), november(11))
	if diff := cmp.Diff([]refresh.Gap{{From: november(9), To: november(11), Sessions: 2}}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
