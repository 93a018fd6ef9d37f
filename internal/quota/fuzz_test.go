package quota_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"papertrade/internal/quota"
)

// maxError is what an error about a text may take, however long the text is.
const maxError = 400

func FuzzParseLimit(f *testing.F) {
	for _, s := range []string{"5/1m", "500/day", " 75/1m30s ", "1/1ns", "40/1h0m0s", "0/1m", "5/", "/day", "5/-1m", "5/1m/1m", "+5/0.5s", strings.Repeat("5", 5000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		limit, err := quota.ParseLimit(s)
		if err != nil {
			if len(err.Error()) > maxError {
				t.Fatalf("the error about %d bytes has %d", len(s), len(err.Error()))
			}
			return
		}
		if limit.Calls < 1 || limit.Window < 0 {
			t.Fatalf("%q is %+v", s, limit)
		}
		if again, err := quota.ParseLimit(limit.String()); again != limit || err != nil {
			t.Fatalf("%q is %q, which is %+v, %v", s, limit, again, err)
		}
	})
}

// Whatever the database has for limits that were learned, each of those that hold allows a call.
func FuzzLearned(f *testing.F) {
	for _, s := range []string{
		`[]`, `null`, `[{"limit": "25/day", "named": true, "at": "2026-11-24T00:00:00Z"}]`, `[{"limit": "1/1s", "at": "2026-11-24T00:00:00.5+14:00"}, {}]`,
		`[{"at": "2026-11-24T00:00:00Z"}]`, `[{"limit": "0/1m", "at": "9999-12-31T23:59:59Z"}]`, `[{"limit": "5/2540400h10m10s", "at": "2026-11-24T00:00:00Z"}]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var account quota.Account
		if json.Unmarshal([]byte(text), &account.Learned) != nil {
			return
		}
		set := []quota.Limit{{Calls: 5, Window: time.Minute}, {Calls: 500}}
		for _, limit := range slices.Concat(account.Limits(set, time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC)), account.CautiousLimits(set)) {
			if limit.Calls < 1 || limit.Window < 0 {
				t.Fatalf("%s makes a limit of %+v", text, limit)
			}
		}
	})
}
