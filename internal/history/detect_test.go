package history_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func TestDetectSplit(t *testing.T) {
	for _, tt := range []struct {
		name     string
		stored   []history.StoredBar
		fetched  []marketdata.Bar
		rebased  []history.Split
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
			stored:  stored("11-19 close 200", "11-20 close 200"),
			fetched: bars("11-19 close 100", "11-20 close 100"),
			want:    splits("11-23 2:1"),
		},
		{
			name:    "after a holiday",
			stored:  stored("11-24 close 200", "11-25 close 200"),
			fetched: bars("11-24 close 100", "11-25 close 100"),
			want:    splits("11-27 2:1"),
		},
		{
			name:     "which London does not have",
			stored:   stored("11-24 close 200", "11-25 close 200"),
			fetched:  bars("11-24 close 100", "11-25 close 100"),
			calendar: exchange.XLON,
			want:     splits("11-26 2:1"),
		},
		{
			name:     "a reported split of this ratio",
			stored:   stored("11-13 close 150", "11-16 close 150"),
			fetched:  bars("11-13 close 100", "11-16 close 100"),
			reported: splits("11-18 2:1", "11-19 6:4 rebased", "11-20 3:2"),
			want:     splits("11-19 6:4 rebased"),
		},
		{
			name:     "a reported split of the next session",
			stored:   stored("11-13 close 200", "11-16 close 200"),
			fetched:  bars("11-13 close 100", "11-16 close 100"),
			reported: splits("11-17 4:2"),
			want:     splits("11-17 4:2"),
		},
		{
			name:     "a reported split of another ratio",
			stored:   stored("11-13 close 200", "11-16 close 200"),
			fetched:  bars("11-13 close 100", "11-16 close 100"),
			reported: splits("11-18 4:1", "11-19 2:2", "11-20 1:2"),
			want:     splits("11-17 2:1"),
		},
		{
			name:     "a reported split that is too old",
			stored:   stored("11-13 close 200", "11-16 close 200"),
			fetched:  bars("11-13 close 100", "11-16 close 100"),
			reported: splits("11-16 4:2"),
			want:     splits("11-17 2:1"),
		},
		{
			name:     "a reported split that nothing shows",
			stored:   stored("11-13 close 100", "11-16 close 100"),
			fetched:  bars("11-13 close 100", "11-16 close 100"),
			reported: splits("11-18 2:1"),
		},
		{
			name:    "one that is rebased, by closes as traded",
			stored:  stored("11-13 close 100", "11-16 close 100"),
			fetched: bars("11-13 close 1000", "11-16 close 1000"),
			rebased: splits("11-17 10:1 rebased"),
		},
		{
			name:    "one that is rebased, again",
			stored:  stored("11-13 close 1000", "11-16 close 1000"),
			fetched: bars("11-13 close 100", "11-16 close 100"),
			rebased: splits("11-18 10:1 rebased"),
		},
		{
			name:    "one of the ratio of a rebased one of another time",
			stored:  stored("11-13 close 1000", "11-16 close 1000"),
			fetched: bars("11-13 close 100", "11-16 close 100"),
			rebased: splits("11-02 10:1 rebased"),
			want:    splits("11-17 10:1"),
		},
		{
			name:    "closes a hundred times too high are of another unit",
			stored:  stored("11-12 close 100", "11-13 close 100", "11-16 close 100"),
			fetched: bars("11-12 close 10000", "11-13 close 10000", "11-16 close 10000"),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			calendar := tt.calendar
			if calendar == nil {
				calendar = exchange.XNYS
			}
			got, found := history.DetectSplit(tt.stored, tt.fetched, tt.rebased, tt.reported, calendar)
			checkSplit(t, tt.want, got, found)
		})
	}
}

// checkSplit compares what was detected with none or one.
func checkSplit(t *testing.T, want []history.Split, got history.Split, found bool) {
	t.Helper()
	if !found {
		got = history.Split{}
	}
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
		{"970", "10", "97:1"}, {"971.1", "10", ""}, {"980", "10", ""}, {"1000", "10", ""}, {"1010", "10", ""},
		{"108.9", "100", "11:10"}, {"111.1", "100", "11:10"}, {"108.89", "100", ""}, {"111.11", "100", ""},
		{"120", "100", "6:5"}, {"125", "100", "5:4"}, {"133.33", "100", "4:3"}, {"140", "100", "7:5"}, {"150", "100", "3:2"},
		{"166.67", "100", "5:3"}, {"250", "100", "5:2"}, {"350", "100", "7:2"}, {"450", "100", ""}, {"105", "100", ""},
		{"50", "100", "1:2"}, {"50.3", "100", "1:2"}, {"50.6", "100", ""}, {"12.5", "100", "1:8"}, {"66.67", "100", "2:3"},
		{"1", "100", ""}, {"90", "99", "10:11"}, {"95", "100", ""},
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
			before, after := stored("11-13 close "+tt.stored, "11-16 close "+tt.stored), bars("11-13 close "+tt.fetched, "11-16 close "+tt.fetched)
			got, found := history.DetectSplit(before, after, nil, nil, exchange.XNYS)
			checkSplit(t, want, got, found)
		})
	}
}

func TestDetectByPreviousClose(t *testing.T) {
	quote := func(text, previous string) marketdata.Bar {
		bar := bars(text)[0]
		bar.PreviousClose = decimal.NewNullDecimal(decimal.RequireFromString(previous))
		return bar
	}
	for _, tt := range []struct {
		name    string
		stored  []history.StoredBar
		quote   marketdata.Bar
		rebased []history.Split
		want    []history.Split
	}{
		{name: "adjusted", stored: stored("11-13 close 98", "11-16 close 100"), quote: quote("11-17 close 9.7", "10"), want: splits("11-17 10:1")},
		{name: "a reverse split", stored: stored("11-13 close 9.8", "11-16 close 10"), quote: quote("11-17 close 84", "80"), want: splits("11-17 1:8")},
		{name: "as traded", stored: stored("11-13 close 98", "11-16 close 100"), quote: quote("11-17 close 9.7", "100")},
		{name: "a single stored bar", stored: stored("11-16 close 100"), quote: quote("11-17 close 10", "10")},
		{name: "a glitch that is stored", stored: stored("11-12 close 10", "11-13 close 10", "11-16 close 100"), quote: quote("11-17 close 10", "10")},
		{name: "a glitch of two days that is stored", stored: stored("11-12 close 10", "11-13 close 101", "11-16 close 100"), quote: quote("11-17 close 10", "10")},
		{name: "a glitch of the previous close", stored: stored("11-12 close 99", "11-13 close 101", "11-16 close 100"), quote: quote("11-17 close 100", "10")},
		{name: "another unit", stored: stored("11-12 close 99", "11-13 close 101", "11-16 close 100"), quote: quote("11-17 close 1", "1")},
		{name: "another currency", stored: stored("11-13 close 98", "11-16 close 100"), quote: quote("11-17 close 10 currency EUR", "10")},
		{name: "the session before is not stored", stored: stored("11-12 close 98", "11-13 close 100"), quote: quote("11-17 close 10", "10")},
		{name: "the quote itself is stored", stored: stored("11-13 close 98", "11-16 close 100", "11-17 close 9.7"), quote: quote("11-17 close 9.7", "10"), want: splits("11-17 10:1")},
		{name: "as traded after a rebase", stored: stored("11-13 close 9.8", "11-16 close 10"), quote: quote("11-17 close 9.7", "100"), rebased: splits("11-17 10:1 rebased")},
		{name: "as traded after a rebase, and a glitch", stored: stored("11-13 close 9.8", "11-16 close 10"), quote: quote("11-17 close 97", "100"), rebased: splits("11-17 10:1 rebased")},
		{name: "the direction of a rebased one", stored: stored("11-13 close 98", "11-16 close 100"), quote: quote("11-17 close 9.7", "10"), rebased: splits("11-17 10:1 rebased")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, found := history.DetectByPreviousClose(tt.stored, tt.quote, tt.rebased, exchange.XNYS)
			checkSplit(t, tt.want, got, found)
		})
	}
}
