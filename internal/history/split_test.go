package history_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/pkg/marketdata"
)

func TestASplitIsWrittenAsItsRatio(t *testing.T) {
	for want, s := range map[string]history.Split{"10:1": {New: 10, Old: 1}, "1:8": {New: 1, Old: 8}} {
		if got := s.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPendingSplitsAreThoseThatAreNotRebased(t *testing.T) {
	known := splits("11-02 2:1 rebased", "11-03 3:1", "11-04 4:1 rebased", "11-05 5:1")
	got := history.Pending(known)
	if diff := cmp.Diff(splits("11-03 3:1", "11-05 5:1"), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(splits("11-02 2:1 rebased", "11-03 3:1", "11-04 4:1 rebased", "11-05 5:1"), known); diff != "" {
		t.Errorf("the argument has changed (-want +got)\n%s", diff)
	}
}

// A coefficient of a vendor is rounded to four decimals, and stands for the simplest ratio that it can.
func TestReportedCoefficients(t *testing.T) {
	for coefficient, want := range map[string][]history.Split{
		"2":       splits("11-17 2:1"),
		"10.0":    splits("11-17 10:1"),
		"1.5":     splits("11-17 3:2"),
		"1.1":     splits("11-17 11:10"),
		"1.3333":  splits("11-17 4:3"),
		"0.125":   splits("11-17 1:8"),
		"0.3333":  splits("11-17 1:3"),
		"0.0100":  splits("11-17 1:100"),
		"0.0099":  splits("11-17 99:10000"), // 1:101 is not tried
		"2.00005": splits("11-17 2:1"),
		"2.00006": splits("11-17 20001:10000"),
		"1.99995": splits("11-17 2:1"),
		"1.99994": splits("11-17 19999:10000"),
		"0.00005": splits("11-17 1:10000"),
		"0.00004": nil,
		"1":       nil,
		"1.0000":  nil,
		"0":       nil,
		"-2":      nil,
	} {
		t.Run(coefficient, func(t *testing.T) {
			series := bars("11-16 close 100", "11-17 close 100 coefficient "+coefficient)
			if c := series[1].SplitCoefficient.Decimal; c.IsPositive() {
				series[0].Close = series[0].Close.Mul(c)
			}
			_, applied := history.Adjust(series, nil)
			if diff := cmp.Diff(want, applied); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestACoefficientThatIsNotReportedIsNotRead(t *testing.T) {
	series := bars("11-16 close 200", "11-17 close 100", "11-18 close 100 coefficient 1")
	series[1].SplitCoefficient.Decimal = decimal.NewFromInt(2) // but not valid
	if _, applied := history.Adjust(series, nil); applied != nil {
		t.Errorf("%v, want no split", applied)
	}
}

func TestUndone(t *testing.T) {
	pending := splits("11-19 10:1")
	jump := stored("11-17 close 190", "11-18 close 191", "11-19 close 19.2", "11-20 close 19.3")
	for _, tt := range []struct {
		name      string
		stored    []history.StoredBar
		corrected []marketdata.Bar
		want      []history.Split
	}{
		{"its own bar is corrected", jump, bars("11-19 close 192"), pending},
		{"the bar before it is corrected", jump, bars("11-18 close 19.1"), pending},
		{"a correction that does not undo it", jump, bars("11-19 close 19.4"), nil},
		{"another bar is corrected", stored("11-18 close 191", "11-19 close 192"), bars("11-20 close 19.4"), nil},
		{"nothing is corrected", stored("11-18 close 191", "11-19 close 192"), nil, nil},
		{"nothing is stored before it", stored("11-20 close 19.3"), bars("11-19 close 192"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, append([]history.Split(nil), history.Undone(pending, tt.stored, tt.corrected)...)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
