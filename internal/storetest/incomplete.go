package storetest

import (
	"fmt"
	"testing"
	"time"

	"papertrade/internal/refresh"
)

// blank upserts a quote of AAPL as the application does: over the daily row of the same key, of which it keeps the price alone.
func (db Database) blank(t *testing.T, amount, day string) {
	t.Helper()
	db.Exec(t, fmt.Sprintf(`
insert into price_history (ticker, price_amount, price_currency, "timestamp", source, "interval", created_at)
values ('AAPL', %s, 'USD', '%s 21:00:00.000000', 'alpha_vantage', '1day', '2026-11-21 02:00:00.000000')
on conflict (ticker, "timestamp", source, "interval") do update set
    price_amount = excluded.price_amount, price_currency = excluded.price_currency,
    open_amount = null, open_currency = null, high_amount = null, high_currency = null, low_amount = null, low_currency = null,
    close_amount = null, close_currency = null, volume = null`, amount, day))
}

// A row that the application has blanked is incomplete until a close is written into it.
func incompleteBars(t *testing.T, db Database) {
	store := db.Open(t)
	noError(t, commit(t, store, fullPrice("AAPL", "192.25"), fullPrice("MSFT", "10.25")))
	isIncomplete := func() (bar, state bool) {
		states, err := store.States(t.Context(), tickers("AAPL"))
		noError(t, err)
		return readBars(t, store, "AAPL", "", "")[0].Incomplete, states[tickers("AAPL")[0]].Incomplete
	}
	expect := func(want bool) {
		t.Helper()
		if bar, state := isIncomplete(); bar != want || state != want {
			t.Errorf("the bar is incomplete: %t, the state: %t; want %t", bar, state, want)
		}
	}
	expect(false)
	db.blank(t, "192.75", "2026-11-20")
	expect(true)
	equal(t, closes(readBars(t, store, "AAPL", "", "")), []string{"2026-11-20 192.75"})

	// A price that keeps what is there fills it, and nothing else.
	kept := []refresh.Price{fullPrice("AAPL", "192.5"), fullPrice("MSFT", "11.5")}
	for i := range kept {
		kept[i].Keep, kept[i].Backfill, kept[i].FetchedAt = true, true, midnight.Add(3*time.Hour)
	}
	stored := commitAll(t, store, refresh.Batch{Prices: kept})
	equal(t, []bool{stored[0].Amount != "", stored[1].Amount != ""}, []bool{true, false})
	const full = "%s 2026-11-20 21:00:00 alpha_vantage 1day p %[2]dUSD o 19025USD h 19375USD l 18950USD c %[2]dUSD v 48123456789 2026-11-21 00:00:00 %[3]s"
	rows := []string{fmt.Sprintf(full, "AAPL", 19250, "2026-11-21 03:00:00"), fmt.Sprintf(full, "MSFT", 1025, "-")}
	equal(t, db.Texts(t, storedRows), rows)
	expect(false)

	// A vendor that has no more than a close leaves nothing to ask for.
	db.blank(t, "192.75", "2026-11-20")
	expect(true)
	noError(t, commit(t, store, price("AAPL", "192.5")))
	expect(false)

	// A newer session decides, and a ticker without a bar has none that is incomplete.
	db.blank(t, "192.75", "2026-11-19")
	both := readBars(t, store, "AAPL", "", "")
	equal(t, []bool{both[0].Incomplete, both[1].Incomplete}, []bool{true, false})
	states, err := store.States(t.Context(), tickers("AAPL", "IBM"))
	noError(t, err)
	equal(t, len(states), 1)
	equal(t, states[tickers("AAPL")[0]].Incomplete, false)
}

// Of two rows of a session the complete one counts, though the application has written the other one later.
func incompleteBarBesideAnother(t *testing.T, db Database) {
	store := db.Open(t)
	other := fullPrice("AAPL", "192.25")
	other.Source = "another"
	noError(t, commit(t, store, other))
	db.blank(t, "193.75", "2026-11-20")
	bars := readBars(t, store, "AAPL", "", "")
	equal(t, closes(bars), []string{"2026-11-20 192.25"})
	equal(t, bars[0].Incomplete, false)
	states, err := store.States(t.Context(), tickers("AAPL"))
	noError(t, err)
	equal(t, states[tickers("AAPL")[0]], refresh.State{
		LastSession: friday, FetchedAt: midnight, CheckedAt: midnight, AskedAt: midnight,
	})
}
