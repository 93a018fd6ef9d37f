package quota_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/quota"
)

func TestParseLimit(t *testing.T) {
	for text, want := range map[string]quota.Limit{
		"5/1m":    {Calls: 5, Window: time.Minute},
		"500/day": {Calls: 500},
		"1/1s":    {Calls: 1, Window: time.Second},
		"1/1ns":   {Calls: 1, Window: 1},
		"20/1h":   {Calls: 20, Window: time.Hour},
		"7/1m30s": {Calls: 7, Window: 90 * time.Second},
		"7/1h30m": {Calls: 7, Window: 90 * time.Minute},
	} {
		got, err := quota.ParseLimit(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("ParseLimit(%q) = %v (%s), %v; want %v", text, got, got, err, want)
		}
		if got, err := quota.ParseLimit(" " + text + "\n"); err != nil || got != want {
			t.Errorf("ParseLimit(%q) between spaces = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "0/1m", "-1/1m", "5/", "5/0s", "5/-1s", "5/fortnight", "x/day", "5/Day"} {
		got, err := quota.ParseLimit(text)
		want := fmt.Sprintf("%q is not a rate limit: write N/DURATION for a rolling window, as in 5/1m, or N/day for a day in UTC", text)
		if err == nil || err.Error() != want {
			t.Errorf("ParseLimit(%q) = %v, %v; want the error %s", text, got, err, want)
		}
	}
}

func ExampleParseLimit() {
	limit, err := quota.ParseLimit("5/1m")
	fmt.Println(limit.Calls, limit.Window, err)
	// Output: 5 1m0s <nil>
}

func TestCheckCost(t *testing.T) {
	all := limits(t, "500/day", "5/1m")
	if err := quota.CheckCost(all, 5); err != nil {
		t.Error(err)
	}
	err := quota.CheckCost(all, 6)
	var unaffordable *quota.UnaffordableError
	if !errors.As(err, &unaffordable) {
		t.Fatalf("%v, want an UnaffordableError", err)
	}
	if diff := cmp.Diff(quota.UnaffordableError{Cost: 6, Limit: all[1]}, *unaffordable); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if want := "a call that costs 6 can never be made: the rate limit is 5/1m"; err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
