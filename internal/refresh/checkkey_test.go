package refresh_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// A check of a key is a call like any other: the ledger has it, and what a refusal shows.
func TestCheckKey(t *testing.T) {
	const perDay = 24 * time.Hour
	for _, tt := range []struct {
		name       string
		capability marketdata.Capability
		fail       error
		isGood     bool
		calls      int
		learned    int
	}{
		{"a price", bulk, nil, true, 1, 0},
		{"a refusal", bulk, marketdata.ErrCredentials, false, 1, 0},
		{"a refusal that names a limit", bulk, &marketdata.QuotaSpentError{Limits: []marketdata.RateLimit{{Calls: 25, Per: perDay}}}, false, 1, 1},
		{"no quotes", wholeMarket, nil, false, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := openSQLite(t)
				j, vendor := newFakeJob(store, tt.capability, quota.Limit{Calls: 500})
				vendor.fail = func(marketdata.Question) error { return tt.fail }
				bar, err := refresh.CheckKey(t.Context(), j.Vendors[0])
				if tt.isGood != (err == nil) || tt.isGood && bar.Ticker.String() != "IBM" || tt.fail != nil && !errors.Is(err, tt.fail) {
					t.Errorf("%+v, %v", bar, err)
				}
				account, err := j.Vendors[0].Limiter.Account(t.Context())
				if err != nil || len(account.Calls) != tt.calls || len(account.Learned) != tt.learned {
					t.Errorf("%+v, %v; want %d calls and %d limits", account, err, tt.calls, tt.learned)
				}
			})
		})
	}
}
