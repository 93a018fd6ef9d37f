package history_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func TestDetectSplit(t *testing.T) {
	for _, tt := range []struct {
		name     string
		stored   []history.StoredBar
		fetched  []marketdata.Bar
		reported []history.Split
		calendar *exchange.Exchange // New York's if nil
		want     []history.Split    // none or one
	}{
		{name: "nothing is stored", fetched: bars("11-16 close 100")},
		{name: "nothing was fetched", stored: stored("11-16 close 100")},
		{name: "the same closes", stored: stored("11-16 close 100"), fetched: bars("11-16 close 100")},
		{name: "no session in common", stored: stored("11-16 close 200"), fetched: bars("11-17 close 100")},
		{
			name:    "one bar, and it differs",
			stored:  stored("11-16 close 200"),
			fetched: bars("11-16 close 100"),
			want:    splits("11-17 2:1"),
		},
		{
			name:    "two bars, and both differ",
			stored:  stored("11-16 close 200", "11-17 close 202"),
			fetched: bars("11-16 close 100", "11-17 close 101"),
			want:    splits("11-18 2:1"),
		},
		{
			name:    "three bars differ and a newer one does not",
			stored:  stored("11-13 close 200", "11-16 close 202", "11-17 close 204", "11-18 close 103"),
			fetched: bars("11-13 close 100", "11-16 close 101", "11-17 close 102", "11-18 close 103"),
			want:    splits("11-18 2:1"),
		},
		{
			name:    "two bars differ and a newer one does not",
			stored:  stored("11-16 close 202", "11-17 close 204", "11-18 close 103"),
			fetched: bars("11-16 close 101", "11-17 close 102", "11-18 close 103"),
		},
		{
			name:    "two bars differ and an older one does not",
			stored:  stored("11-16 close 101", "11-17 close 204", "11-18 close 206"),
			fetched: bars("11-16 close 101", "11-17 close 102", "11-18 close 103"),
		},
		{
			name:    "three bars differ and older ones do not",
			stored:  stored("11-12 close 99", "11-13 close 100", "11-16 close 202", "11-17 close 204", "11-18 close 206"),
			fetched: bars("11-12 close 99", "11-13 close 100", "11-16 close 101", "11-17 close 102", "11-18 close 103"),
			want:    splits("11-19 2:1"),
		},
		{
			name:    "a bar that does not differ parts those that do",
			stored:  stored("11-12 close 198", "11-13 close 200", "11-16 close 101", "11-17 close 204", "11-18 close 206"),
			fetched: bars("11-12 close 99", "11-13 close 100", "11-16 close 101", "11-17 close 102", "11-18 close 103"),
		},
		{
			name:    "bars of another ratio do not count",
			stored:  stored("11-12 close 198", "11-13 close 200", "11-16 close 303", "11-17 close 204", "11-18 close 103"),
			fetched: bars("11-12 close 99", "11-13 close 100", "11-16 close 101", "11-17 close 102", "11-18 close 103"),
		},
		{
			name:    "three bars of a ratio after one of another",
			stored:  stored("11-12 close 198", "11-13 close 200", "11-16 close 202", "11-17 close 306", "11-18 close 103"),
			fetched: bars("11-12 close 99", "11-13 close 100", "11-16 close 101", "11-17 close 102", "11-18 close 103"),
			want:    splits("11-17 2:1"),
		},
		{
			name:    "the newest of two splits",
			stored:  stored("11-09 close 600", "11-10 close 600", "11-11 close 600", "11-12 close 200", "11-13 close 200", "11-16 close 200"),
			fetched: bars("11-09 close 100", "11-10 close 100", "11-11 close 100", "11-12 close 100", "11-13 close 100", "11-16 close 100"),
			want:    splits("11-17 2:1"),
		},
		{
			name:    "a bar in another currency does not count",
			stored:  stored("11-16 close 202", "11-17 close 204", "11-18 close 103 currency EUR"),
			fetched: bars("11-16 close 101", "11-17 close 102", "11-18 close 103"),
			want:    splits("11-18 2:1"),
		},
		{
			name:    "a bar that is not stored does not count",
			stored:  stored("11-16 close 202", "11-18 close 206"),
			fetched: bars("11-13 close 100", "11-16 close 101", "11-17 close 102", "11-18 close 103"),
			want:    splits("11-19 2:1"),
		},
		{
			name:    "the split is dated on the next session, after a weekend",
			stored:  stored("11-20 close 200"),
			fetched: bars("11-20 close 100"),
			want:    splits("11-23 2:1"),
		},
		{
			name:    "after a holiday",
			stored:  stored("11-25 close 200"),
			fetched: bars("11-25 close 100"),
			want:    splits("11-27 2:1"),
		},
		{
			name:     "which London does not have",
			stored:   stored("11-25 close 200"),
			fetched:  bars("11-25 close 100"),
			calendar: exchange.XLON,
			want:     splits("11-26 2:1"),
		},
		{
			name:     "a reported split of this ratio",
			stored:   stored("11-16 close 150"),
			fetched:  bars("11-16 close 100"),
			reported: splits("11-18 2:1", "11-19 6:4 rebased", "11-20 3:2"),
			want:     splits("11-19 6:4 rebased"),
		},
		{
			name:     "a reported split of the next session",
			stored:   stored("11-16 close 200"),
			fetched:  bars("11-16 close 100"),
			reported: splits("11-17 4:2"),
			want:     splits("11-17 4:2"),
		},
		{
			name:     "a reported split of another ratio",
			stored:   stored("11-16 close 200"),
			fetched:  bars("11-16 close 100"),
			reported: splits("11-18 4:1", "11-19 2:2", "11-20 1:2"),
			want:     splits("11-17 2:1"),
		},
		{
			name:     "a reported split that is too old",
			stored:   stored("11-16 close 200"),
			fetched:  bars("11-16 close 100"),
			reported: splits("11-16 4:2"),
			want:     splits("11-17 2:1"),
		},
		{
			name:     "a reported split that nothing shows",
			stored:   stored("11-16 close 100"),
			fetched:  bars("11-16 close 100"),
			reported: splits("11-18 2:1"),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			calendar := tt.calendar
			if calendar == nil {
				calendar = exchange.XNYS
			}
			got, found := history.DetectSplit(tt.stored, tt.fetched, tt.reported, calendar)
			checkSplit(t, tt.want, got, found)
		})
	}
}

// checkSplit compares what was detected with none or one.
func checkSplit(t *testing.T, want []history.Split, got history.Split, found bool) {
	t.Helper()
	type detected struct {
		Split history.Split
		Found bool
	}
	s, wanted := first(want)
	if diff := cmp.Diff(detected{s, wanted}, detected{got, found}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Closes of the same session differ by a split if they do by its ratio, give or take a hundredth of it and at most 0.1.
func TestRatiosOfCloses(t *testing.T) {
	for _, tt := range []struct{ stored, fetched, want string }{
		{"100", "100", ""},
		{"198", "100", "2:1"}, {"202", "100", "2:1"}, {"197.99", "100", ""}, {"202.01", "100", ""},
		{"297", "100", "3:1"}, {"303", "100", "3:1"}, {"296.99", "100", ""}, {"303.01", "100", ""},
		{"99", "10", "10:1"}, {"101", "10", "10:1"}, {"98.9", "10", ""}, {"101.1", "10", ""},
		{"499", "10", "50:1"}, {"501", "10", "50:1"}, {"498.9", "10", ""}, {"501.1", "10", ""},
		{"990", "10", "99:1"}, {"999", "10", "100:1"}, {"1001", "10", "100:1"}, {"1001.1", "10", ""}, {"1010", "10", ""},
		{"108.9", "100", "11:10"}, {"111.1", "100", "11:10"}, {"108.89", "100", ""}, {"111.11", "100", ""},
		{"120", "100", "6:5"}, {"125", "100", "5:4"}, {"133.33", "100", "4:3"}, {"140", "100", "7:5"}, {"150", "100", "3:2"},
		{"166.67", "100", "5:3"}, {"250", "100", "5:2"}, {"350", "100", "7:2"}, {"450", "100", ""}, {"105", "100", ""},
		{"50", "100", "1:2"}, {"50.3", "100", "1:2"}, {"50.6", "100", ""}, {"12.5", "100", "1:8"}, {"66.67", "100", "2:3"},
		{"1", "100", "1:100"}, {"90", "99", "10:11"}, {"95", "100", ""},
		{"0", "100", ""}, {"100", "0", ""}, {"-200", "-100", ""}, {"-200", "100", ""}, {"0.0000000000001", "100", ""},
		// A quotient has twelve decimals.
		{"202000000000.04", "100000000000", "2:1"}, {"202000000000.4", "100000000000", ""},
		// What a store has rounded away is not a difference, to two decimals at the least.
		{"0.02", "0.01", "2:1"}, {"0.02", "0.0101", ""}, {"0.0020", "0.0010", "2:1"}, {"0.002", "0.00101", ""},
		{"1", "0.5", "2:1"}, {"0.1", "0.05", "2:1"}, {"0.01", "0.02", "1:2"}, {"0.01", "0.0199", ""}, {"0.11", "0.1", "11:10"},
	} {
		t.Run(fmt.Sprintf("%s to %s", tt.stored, tt.fetched), func(t *testing.T) {
			var want []history.Split
			if tt.want != "" {
				want = splits("11-17 " + tt.want)
			}
			got, found := history.DetectSplit(stored("11-16 close "+tt.stored), bars("11-16 close "+tt.fetched), nil, exchange.XNYS)
			checkSplit(t, want, got, found)
		})
	}
}

func TestPriceGap(t *testing.T) {
	for _, tt := range []struct {
		name  string
		bars  []marketdata.Bar
		first string
		want  []history.Split
	}{
		{name: "no bar", first: "11-16"},
		{name: "one bar", bars: bars("11-16 open 50 close 100"), first: "11-16"},
		{
			name:  "an open at half of the close before",
			bars:  bars("11-16 close 100", "11-17 open 50 close 70"),
			first: "11-17",
			want:  splits("11-17 2:1"),
		},
		{
			name:  "an open at eight times the close before",
			bars:  bars("11-16 close 100", "11-17 open 800 close 500"),
			first: "11-17",
			want:  splits("11-17 1:8"),
		},
		{
			name:  "a fall during the session",
			bars:  bars("11-16 close 100", "11-17 open 100 close 50", "11-18 open 51 close 50"),
			first: "11-17",
		},
		{
			name:  "the newest",
			bars:  bars("11-13 close 600", "11-16 open 200 close 200", "11-17 open 100 close 100", "11-18 open 100 close 100"),
			first: "11-16",
			want:  splits("11-17 2:1"),
		},
		{
			name:  "an older one",
			bars:  bars("11-13 close 200", "11-16 open 100 close 100", "11-17 open 100 close 100", "11-18 open 100 close 100"),
			first: "11-13",
			want:  splits("11-16 2:1"),
		},
		{
			name:  "before the first session that is looked at",
			bars:  bars("11-13 close 200", "11-16 open 100 close 100", "11-17 open 100 close 100"),
			first: "11-17",
		},
		{
			name:  "a bar without an open is passed over",
			bars:  bars("11-13 close 200", "11-16 open 100 close 100", "11-17 close 50"),
			first: "11-13",
			want:  splits("11-16 2:1"),
		},
		{
			name:  "so is one whose split the vendor reports",
			bars:  bars("11-13 close 200", "11-16 open 100 close 100", "11-17 open 50 close 50 coefficient 1"),
			first: "11-13",
			want:  splits("11-16 2:1"),
		},
		{
			name:  "bars a week apart",
			bars:  bars("11-10 close 200", "11-17 open 100 close 100"),
			first: "11-10",
			want:  splits("11-17 2:1"),
		},
		{
			name:  "bars more than a week apart are passed over",
			bars:  bars("11-06 close 400", "11-09 open 200 close 200", "11-17 open 100 close 100"),
			first: "11-06",
			want:  splits("11-09 2:1"),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, found := history.PriceGap(tt.bars, day(tt.first))
			checkSplit(t, tt.want, got, found)
		})
	}
}

func TestAnOpenThatTheVendorDidNotGiveIsNotRead(t *testing.T) {
	series := bars("11-16 close 200", "11-17 close 100")
	series[1].Open.Decimal = series[1].Close // but not valid
	got, found := history.PriceGap(series, day("11-17"))
	checkSplit(t, nil, got, found)
}

// Over a night prices move: up to ten for one, a split is recognized within two hundredths of its ratio, and beyond that
// round ones are, within five.
func TestRatiosOvernight(t *testing.T) {
	for _, tt := range []struct{ close, open, want string }{
		{"100", "100", ""}, {"150", "100", ""}, {"250", "100", ""},
		{"196", "100", "2:1"}, {"204", "100", "2:1"}, {"195.99", "100", ""}, {"204.01", "100", ""},
		{"294", "100", "3:1"}, {"306", "100", "3:1"}, {"293.99", "100", ""}, {"306.01", "100", ""},
		{"400", "100", "4:1"}, {"500", "100", "5:1"}, {"600", "100", "6:1"}, {"700", "100", "7:1"}, {"800", "100", "8:1"}, {"900", "100", "9:1"},
		{"980", "100", "10:1"}, {"1020", "100", "10:1"}, {"979.99", "100", ""}, {"1020.01", "100", ""}, {"1100", "100", ""}, {"1200", "100", ""},
		{"1425", "100", "15:1"}, {"1575", "100", "15:1"}, {"1424.99", "100", ""}, {"1575.01", "100", ""},
		{"2000", "100", "20:1"}, {"2500", "100", "25:1"}, {"3000", "100", "30:1"}, {"4000", "100", "40:1"}, {"5000", "100", "50:1"},
		{"9500", "100", "100:1"}, {"10500", "100", "100:1"}, {"9499", "100", ""}, {"10501", "100", ""},
		{"50", "100", "1:2"}, {"10", "100", "1:10"}, {"5", "100", "1:20"}, {"66.67", "100", ""},
		{"100", "0", ""}, {"0", "100", ""},
	} {
		t.Run(fmt.Sprintf("%s to %s", tt.close, tt.open), func(t *testing.T) {
			var want []history.Split
			if tt.want != "" {
				want = splits("11-17 " + tt.want)
			}
			got, found := history.PriceGap(bars("11-16 close "+tt.close, "11-17 close 1 open "+tt.open), day("11-17"))
			checkSplit(t, want, got, found)
		})
	}
}
