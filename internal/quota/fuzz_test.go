package quota_test

import (
	"strings"
	"testing"

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
