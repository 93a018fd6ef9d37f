package main

import (
	"testing"
	"time"

	"papertrade/internal/quota"
	"papertrade/internal/refresh"
)

func TestLimitAdvice(t *testing.T) {
	c := loadConfig(t, "PAPERTRADE_ALPHAVANTAGE_RATE_LIMITS=5/1m,500/day")
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		learned []string
		want    string
	}{
		{nil, ""},
		{[]string{"600/day", "5/1m"}, ""},
		{[]string{"25/day"}, "the vendor allows 25 calls a day, alphavantage.rate_limits says 500/day: set it to 5/1m,25/day"},
		{
			[]string{"1/1s", "25/day"},
			"the vendor allows 1 call a second and 25 calls a day, alphavantage.rate_limits says 5/1m,500/day: set it to 5/1m,25/day,1/1s",
		},
		{[]string{"2/1m"}, "the vendor allows 2 calls a minute, alphavantage.rate_limits says 5/1m: set it to 2/1m,500/day"},
		{[]string{"60/1h"}, "the vendor allows 60 calls an hour, alphavantage.rate_limits says 5/1m,500/day: set it to 5/1m,500/day,60/1h"},
		{[]string{"3/90s"}, "the vendor allows 3 calls in 1m30s, alphavantage.rate_limits says 5/1m,500/day: set it to 5/1m,500/day,3/1m30s"},
	} {
		var learned []quota.Learned
		for _, text := range tt.learned {
			limit, err := quota.ParseLimit(text)
			if err != nil {
				t.Fatal(err)
			}
			learned = append(learned, quota.Learned{Limit: limit, At: now})
		}
		var reported []refresh.LearnedLimit
		for _, n := range quota.Narrow(c.Provider().RateLimits, learned, now) {
			reported = append(reported, refresh.LearnedLimit{Provider: "alpha_vantage", Narrowed: n}, refresh.LearnedLimit{Provider: "another", Narrowed: n})
		}
		if got := limitAdvice(c, narrowed(c, reported)); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.learned, got, tt.want)
		}
	}
}
