package quota_test

import (
	"testing"
	"time"

	"papertrade/internal/quota"
)

func TestParseLimit(t *testing.T) {
	for text, want := range map[string]quota.Limit{
		"5/1m":    {Calls: 5, Window: time.Minute},
		"500/day": {Calls: 500},
		"1/1s":    {Calls: 1, Window: time.Second},
		"20/1h":   {Calls: 20, Window: time.Hour},
		"7/1m30s": {Calls: 7, Window: 90 * time.Second},
	} {
		got, err := quota.ParseLimit(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("ParseLimit(%q) = %v (%s), %v; want %v", text, got, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "0/1m", "-1/1m", "5/", "5/0s", "5/-1s", "5/fortnight", "x/day", "5/Day"} {
		if got, err := quota.ParseLimit(text); err == nil {
			t.Errorf("ParseLimit(%q) = %v, want an error", text, got)
		}
	}
}
