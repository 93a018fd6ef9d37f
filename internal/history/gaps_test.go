package history_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func TestGaps(t *testing.T) {
	gap := func(from, to string, sessions int) history.Gap {
		return history.Gap{From: day(from), To: day(to), Sessions: sessions}
	}
	none := exchange.Date{}
	for _, tt := range []struct {
		name     string
		calendar *exchange.Exchange
		bars     []exchange.Date
		absent   []exchange.Date
		from, to exchange.Date
		want     []history.Gap
	}{
		{"nothing is stored", exchange.XNYS, nil, nil, none, none, nil},
		{"one bar is stored", exchange.XNYS, days("11-18"), nil, none, none, nil},
		{"a weekend is not a gap", exchange.XNYS, days("11-20", "11-23"), nil, none, none, nil},
		{"a holiday is not a gap", exchange.XNYS, days("11-25", "11-27"), nil, none, none, nil}, // Thanksgiving
		{"that holiday is one in London", exchange.XLON, days("11-25", "11-27"), nil, none, none, []history.Gap{gap("11-26", "11-26", 1)}},
		{"two gaps", exchange.XNYS, days("11-16", "11-18", "11-19", "12-01"), nil, none, none,
			[]history.Gap{gap("11-17", "11-17", 1), gap("11-20", "11-30", 6)}},
		{"over the end of a year", exchange.XNYS, []exchange.Date{{Year: 2025, Month: 12, Day: 30}, day("01-05")}, nil, none, none,
			[]history.Gap{{From: exchange.Date{Year: 2025, Month: 12, Day: 31}, To: day("01-02"), Sessions: 2}}},
		{"a bar of a day that is not a session parts a gap", exchange.XNYS, days("11-19", "11-21", "11-24"), nil, none, none,
			[]history.Gap{gap("11-20", "11-20", 1), gap("11-23", "11-23", 1)}},
		{"what the provider does not have is not missing", exchange.XNYS, days("11-02", "11-06", "11-10"), days("11-03", "11-09"), none, none,
			[]history.Gap{gap("11-04", "11-05", 2)}},
		{"from and to belong to what is looked at", exchange.XNYS, days("11-02", "11-13"), days("11-10"), day("11-09"), day("11-11"),
			[]history.Gap{gap("11-09", "11-11", 2)}},
		{"only from", exchange.XNYS, days("11-02", "11-13"), nil, day("11-11"), none, []history.Gap{gap("11-11", "11-12", 2)}},
		{"only to", exchange.XNYS, days("11-02", "11-13"), nil, none, day("11-04"), []history.Gap{gap("11-03", "11-04", 2)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var bars []history.StoredBar
			for _, session := range tt.bars {
				bars = append(bars, history.StoredBar{Bar: marketdata.Bar{Session: session}})
			}
			if diff := cmp.Diff(tt.want, history.Gaps(tt.calendar, bars, tt.absent, tt.from, tt.to)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
