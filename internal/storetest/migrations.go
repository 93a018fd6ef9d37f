package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"papertrade/internal/history"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Migrations tests that the files from which a store makes its tables are those of testdata/migrations.sha256: databases
// that an earlier version of a file has made are not made again, and would lack what was changed.
func Migrations(t *testing.T) {
	const list = "testdata/migrations.sha256"
	landed, err := os.ReadFile(list)
	noError(t, err)
	var sums strings.Builder
	noError(t, filepath.WalkDir("migrations", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".sql" {
			return err
		}
		content, err := os.ReadFile(name)
		sum := sha256.Sum256(content)
		fmt.Fprintf(&sums, "%s  %s\n", hex.EncodeToString(sum[:]), name)
		return err
	}))
	if sums.String() == string(landed) {
		return
	}
	t.Errorf("the migrations are not those of %s: a landed one is never edited (write another that corrects it), "+
		"and a new one gets its line", list)
	equal(t, strings.Split(sums.String(), "\n"), strings.Split(string(landed), "\n"))
}

// Upgraded tests that what a run reads and writes has its place in a database that an older version made.
func Upgraded(t *testing.T, db Database) {
	ctx := context.Background()
	store := db.Open(t)
	begun := run(runID)
	noError(t, store.BeginRun(ctx, begun, true))
	change := quota.Change{
		HeldUntil: midnight, CallTime: time.Second, NotEntitledAt: midnight, EndOfDayAt: &midnight,
		Learned: []quota.Learned{{Limit: quota.Limit{Calls: 25, Window: 24 * time.Hour}, At: midnight}},
		Save:    []quota.Call{{ID: runID, Cost: 2, From: midnight, Until: midnight}},
	}
	noError(t, store.UpdateAccount(ctx, account, midnight, func(quota.Account) quota.Change { return change }))
	known, err := store.Account(ctx, account)
	noError(t, err)
	equal(t, known, quota.Account{
		HeldUntil: midnight, CallTime: time.Second, NotEntitledAt: midnight, EndOfDayAt: midnight,
		Learned: change.Learned, Calls: change.Save,
	})

	aapl := tickers("AAPL")[0]
	begun.Status, begun.FinishedAt = "SUCCEEDED", midnight
	stored, err := store.CommitBatch(ctx, refresh.Batch{
		Prices:   []refresh.Price{fullPrice("AAPL", "192.53")},
		Findings: []refresh.Finding{{Ticker: aapl, FirstSession: thursday, Absent: []exchange.Date{thursday}}},
		Late:     []refresh.TickerLateness{{Ticker: aapl, Lateness: refresh.Lateness{Session: friday, Sessions: 1, Checks: 2, Repeats: 3}}},
		Held:     []history.HeldBar{held("IBM", "19253")},
		Run:      begun,
	})
	noError(t, err)
	equal(t, stored, []refresh.StoredPrice{{Amount: "192.53"}})
	noError(t, store.FinishRun(ctx, begun))
	states, err := store.States(ctx, []marketdata.Ticker{aapl})
	noError(t, err)
	equal(t, states[aapl].LastSession, friday)
	equal(t, states[aapl].FirstSession, thursday)
	wantHeld(t, store, nil, map[marketdata.Ticker][]history.HeldBar{tickers("IBM")[0]: {held("IBM", "19253")}})
	last, err := store.LastRun(ctx, begun.JobName, time.Time{})
	noError(t, err)
	equal(t, last, midnight)
}
