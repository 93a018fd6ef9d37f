package history_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/history"
	"papertrade/pkg/marketdata"
)

func TestAdjust(t *testing.T) {
	for _, tt := range []struct {
		name    string
		bars    []marketdata.Bar
		known   []history.Split
		want    []marketdata.Bar
		applied []history.Split
	}{
		{name: "nothing"},
		{
			name: "no split",
			bars: bars("11-16 close 200", "11-17 close 100"),
			want: bars("11-16 close 200", "11-17 close 100"),
		},
		{
			name:    "all prices and the volume before a split",
			bars:    bars("11-13 close 202", "11-16 open 198 high 210 low 196 close 200 volume 7", "11-17 open 99 close 100 volume 9"),
			known:   splits("11-17 2:1 rebased"),
			want:    bars("11-13 close 101.0000", "11-16 open 99.0000 high 105.0000 low 98.0000 close 100.0000 volume 14", "11-17 open 99 close 100 volume 9"),
			applied: splits("11-17 2:1 rebased"),
		},
		{
			name:    "a reverse split",
			bars:    bars("11-16 close 12.5 volume 80", "11-17 close 100 volume 9"),
			known:   splits("11-17 1:8"),
			want:    bars("11-16 close 100.0000 volume 10", "11-17 close 100 volume 9"),
			applied: splits("11-17 1:8"),
		},
		{
			name:    "a price has at least four decimals, and no fewer than before; shares are whole",
			bars:    bars("11-13 close 300.00001 volume 3", "11-16 close 299.9 volume 1", "11-17 close 200"),
			known:   splits("11-17 3:2"),
			want:    bars("11-13 close 200.00001 volume 5", "11-16 close 199.9333 volume 2", "11-17 close 200"),
			applied: splits("11-17 3:2"),
		},
		{
			name:    "what the vendor says of a bar stays",
			bars:    bars("11-16 close 200 adjusted 100 coefficient 1", "11-17 close 100 adjusted 100 coefficient 2"),
			want:    bars("11-16 close 100.0000 adjusted 100 coefficient 1", "11-17 close 100 adjusted 100 coefficient 2"),
			applied: splits("11-17 2:1"),
		},
		{
			name:    "two splits, whatever their order",
			bars:    bars("11-13 close 600", "11-16 close 300", "11-17 close 100"),
			known:   splits("11-17 3:1", "11-16 2:1"),
			want:    bars("11-13 close 100.0000", "11-16 close 100.0000", "11-17 close 100"),
			applied: splits("11-16 2:1", "11-17 3:1"),
		},
		{
			name:    "one of two was adjusted by the vendor",
			bars:    bars("11-13 close 300", "11-16 close 300", "11-17 close 100"),
			known:   splits("11-16 2:1", "11-17 3:1"),
			want:    bars("11-13 close 100.0000", "11-16 close 100.0000", "11-17 close 100"),
			applied: splits("11-17 3:1"),
		},
		{
			name:    "the session of the split has no bar",
			bars:    bars("11-13 close 200", "11-18 close 100"),
			known:   splits("11-17 2:1"),
			want:    bars("11-13 close 100.0000", "11-18 close 100"),
			applied: splits("11-17 2:1"),
		},
		{
			name:  "no bar before the split",
			bars:  bars("11-17 close 200", "11-18 close 100"),
			known: splits("11-17 2:1"),
			want:  bars("11-17 close 200", "11-18 close 100"),
		},
		{
			name:  "no bar after the split",
			bars:  bars("11-13 close 200", "11-16 close 100"),
			known: splits("11-17 2:1"),
			want:  bars("11-13 close 200", "11-16 close 100"),
		},
		{
			name:    "splits that the vendor reports take the place of known ones",
			bars:    bars("11-13 close 400 coefficient 1", "11-16 close 200 coefficient 2", "11-17 close 100 coefficient 1"),
			known:   splits("11-17 2:1"),
			want:    bars("11-13 close 200.0000 coefficient 1", "11-16 close 200 coefficient 2", "11-17 close 100 coefficient 1"),
			applied: splits("11-16 2:1"),
		},
		{
			name:    "a vendor reports splits if it reports them of the newest session",
			bars:    bars("11-13 close 400 coefficient 1", "11-16 close 200 coefficient 2", "11-17 close 100"),
			known:   splits("11-17 2:1"),
			want:    bars("11-13 close 200.0000 coefficient 1", "11-16 close 100.0000 coefficient 2", "11-17 close 100"),
			applied: splits("11-17 2:1"),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := slices.Clone(tt.bars)
			got, applied := history.Adjust(tt.bars, tt.known)
			if diff := cmp.Diff(tt.want, got, exactly); diff != "" {
				t.Errorf("bars (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.applied, applied); diff != "" {
				t.Errorf("applied (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(before, tt.bars, exactly); diff != "" {
				t.Errorf("the argument has changed (-want +got)\n%s", diff)
			}
		})
	}
}

// A vendor may have adjusted its bars already. They are as they were traded if what lies between the bars beside the
// split is nearer to its ratio than to 1, in terms of multiplication.
func TestBarsThatAreAdjustedAlready(t *testing.T) {
	for _, tt := range []struct {
		name, split   string
		before, after string
		unadjusted    bool
	}{
		{"half the price", "11-17 2:1", "close 200", "close 100", true},
		{"the same price", "11-17 2:1", "close 100", "close 100", false},
		{"a price nearer to half", "11-17 2:1", "close 142", "close 100", true},
		{"a price nearer to the same", "11-17 2:1", "close 141", "close 100", false},
		{"right between", "11-17 4:1", "close 200", "close 100", false},
		{"a multiple of the price", "11-17 1:4", "close 25", "close 100", true},
		{"the same price at a reverse split", "11-17 1:4", "close 100", "close 100", false},
		{"a price nearer to the multiple", "11-17 1:4", "close 49", "close 100", true},
		{"a price nearer to the same at a reverse split", "11-17 1:4", "close 51", "close 100", false},
		{"right between at a reverse split", "11-17 1:4", "close 50", "close 100", false},
		{"a fraction", "11-17 3:2", "close 123", "close 100", true},
		{"a fraction nearer to the same", "11-17 3:2", "close 122", "close 100", false},
		{"adjusted closes say it, whatever the day's move", "11-17 2:1", "close 100 adjusted 50", "close 80 adjusted 80", true},
		{"adjusted closes deny it, whatever the day's move", "11-17 2:1", "close 100 adjusted 100", "close 60 adjusted 60", false},
		{"an adjusted close before alone says nothing", "11-17 2:1", "close 200 adjusted 200", "close 100", true},
		{"an adjusted close after alone says nothing", "11-17 2:1", "close 100", "close 100 adjusted 100", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			known := splits(tt.split)
			_, applied := history.Adjust(bars("11-16 "+tt.before, "11-17 "+tt.after), known)
			if !tt.unadjusted {
				known = nil
			}
			if diff := cmp.Diff(known, applied); diff != "" {
				t.Errorf("applied (-want +got)\n%s", diff)
			}
		})
	}
}
