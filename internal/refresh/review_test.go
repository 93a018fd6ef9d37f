package refresh_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// reviewedAt is when the decisions of these tests are made.
func reviewedAt() time.Time { return midnight().Add(9 * time.Hour) }

// heldBar is a bar that waits for a decision since midnight.
func heldBar(t *testing.T, symbol, session, price string) history.HeldBar {
	t.Helper()
	return history.HeldBar{
		Bar: marketdata.Bar{
			Ticker: marketdata.MustParseTicker(symbol), Session: date(t, session), Close: decimal.RequireFromString(price), Currency: "USD",
		},
		Source: "alpha_vantage", FetchedAt: midnight(), Why: "100 times the close before", Evidence: []string{"no split is known"},
		Decision: history.Waiting,
	}
}

// storedBar is a row of the history of AAPL that was written at midnight, stamped as by another program.
func storedBar(t *testing.T, session, price, source string) refresh.Price {
	t.Helper()
	bar := heldBar(t, "AAPL", session, price).Bar
	for _, limit := range []*decimal.NullDecimal{&bar.Open, &bar.High, &bar.Low} {
		*limit = decimal.NewNullDecimal(bar.Close)
	}
	return refresh.Price{
		Bar: bar, Timestamp: refresh.DailyStamp(bar.Session).Add(-time.Hour), Source: source, Interval: refresh.IntervalDaily,
		FetchedAt: midnight(), Backfill: true,
	}
}

// commitNoRun writes what these tests start from.
func commitNoRun(t *testing.T, store refresh.Store, batch refresh.Batch) {
	t.Helper()
	if _, err := store.CommitBatch(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// reviewed is what a decision has left of a ticker: its stored bars and its held ones.
type reviewed struct{ Bars, Held []string }

func readReviewed(t *testing.T, store refresh.Store, symbol string) (got reviewed) {
	t.Helper()
	ticker := []marketdata.Ticker{marketdata.MustParseTicker(symbol)}
	bars, err := store.Bars(t.Context(), ticker, date(t, "2026-01-01"), date(t, "2026-12-31"))
	if err != nil {
		t.Fatal(err)
	}
	held, err := store.HeldBars(t.Context(), ticker)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bars[ticker[0]] {
		text := b.Session.String() + " " + b.Close.String() + " " + b.Source + " " + b.Timestamp.Format("15:04") + " " + b.FetchedAt.Format("15:04")
		if b.High.Valid {
			text += " up to " + b.High.Decimal.String()
		}
		got.Bars = append(got.Bars, text)
	}
	for _, h := range held[ticker[0]] {
		text := h.Session.String() + " " + h.Close.String() + " " + string(h.Decision)
		if !h.DecidedAt.IsZero() {
			text += " " + h.DecidedAt.Format("15:04") + " " + h.Evidence[len(h.Evidence)-1]
		}
		got.Held = append(got.Held, text)
	}
	return got
}

func TestReview(t *testing.T) {
	accept := func(symbol, session string) func(*testing.T, refresh.Review) error {
		return func(t *testing.T, r refresh.Review) error {
			_, err := r.Accept(t.Context(), marketdata.MustParseTicker(symbol), date(t, session))
			return err
		}
	}
	set := func(symbol, session, price string) func(*testing.T, refresh.Review) error {
		return func(t *testing.T, r refresh.Review) error {
			return r.Set(t.Context(), heldBar(t, symbol, session, price).Bar)
		}
	}
	const waits, other = "2026-11-19 19250 held", "2026-11-20 19300.5"
	tests := []struct {
		name   string
		stored []refresh.Price
		decide func(*testing.T, refresh.Review) error
		want   reviewed
	}{
		{"accepted", nil, accept("AAPL", "2026-11-20"), reviewed{
			Bars: []string{"2026-11-20 19300.5 alpha_vantage 21:00 00:00"},
			Held: []string{waits, other + " accepted 09:00 accepted by hand"}}},
		{"accepted in the place of a row of another program", []refresh.Price{storedBar(t, "2026-11-20", "193", "another")},
			accept("AAPL", "2026-11-20"), reviewed{
				Bars: []string{"2026-11-20 19300.5 alpha_vantage 20:00 09:00"},
				Held: []string{waits, other + " accepted 09:00 accepted by hand"}}},
		{"accepted in the place of what a person has set", []refresh.Price{storedBar(t, "2026-11-20", "193", history.ManualSource)},
			accept("AAPL", "2026-11-20"), reviewed{
				Bars: []string{"2026-11-20 19300.5 alpha_vantage 20:00 09:00"},
				Held: []string{waits, other + " accepted 09:00 accepted by hand"}}},
		{"rejected", []refresh.Price{storedBar(t, "2026-11-20", "193", "another")}, func(t *testing.T, r refresh.Review) error {
			_, err := r.Reject(t.Context(), marketdata.MustParseTicker("AAPL"), date(t, "2026-11-20"))
			return err
		}, reviewed{
			Bars: []string{"2026-11-20 193 another 20:00 00:00 up to 193"},
			Held: []string{waits, other + " rejected 09:00 rejected by hand"}}},
		{"set", nil, set("AAPL", "2026-11-20", "193.005"), reviewed{
			Bars: []string{"2026-11-20 193.005 manual 21:00 09:00"},
			Held: []string{waits, other + " rejected 09:00 a price was set by hand"}}},
		{"set to what is held", nil, set("AAPL", "2026-11-20", "19300.50"), reviewed{
			Bars: []string{"2026-11-20 19300.5 manual 21:00 09:00"},
			Held: []string{waits, other + " accepted 09:00 the same price was set by hand"}}},
		{"set in the place of a vendor's row", []refresh.Price{storedBar(t, "2026-11-20", "1.93", "alpha_vantage")},
			set("AAPL", "2026-11-20", "193"), reviewed{
				Bars: []string{"2026-11-20 193 manual 20:00 09:00"},
				Held: []string{waits, other + " rejected 09:00 a price was set by hand"}}},
		{"set a second time", []refresh.Price{storedBar(t, "2026-11-18", "1.93", history.ManualSource)},
			set("AAPL", "2026-11-18", "193"), reviewed{
				Bars: []string{"2026-11-18 193 manual 20:00 09:00"},
				Held: []string{waits, other + " held"}}},
	}
	for _, kind := range storeKinds {
		for _, tt := range tests {
			t.Run(kind+"/"+tt.name, func(t *testing.T) {
				store := mustOpenStore(t, kind, newDatabase(t, kind))
				commitNoRun(t, store, refresh.Batch{Prices: tt.stored, Held: []history.HeldBar{
					heldBar(t, "AAPL", "2026-11-19", "19250"), heldBar(t, "AAPL", "2026-11-20", "19300.50")}})
				if err := tt.decide(t, refresh.Review{Store: store, At: reviewedAt()}); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, readReviewed(t, store, "AAPL")); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				// A decision is no refresh: nobody was asked.
				states, err := store.States(t.Context(), []marketdata.Ticker{marketdata.MustParseTicker("AAPL")})
				if state := states[marketdata.MustParseTicker("AAPL")]; err != nil || !state.CheckedAt.IsZero() || !state.AskedAt.IsZero() {
					t.Errorf("the ticker counts as refreshed: %+v (%v)", state, err)
				}
			})
		}
	}
}

// The session need not be named if one price alone is held, and what is decided is held no more.
func TestReviewOfOneHeldPrice(t *testing.T) {
	store := mustOpenStore(t, "sqlite", newDatabase(t, "sqlite"))
	decided := heldBar(t, "AAPL", "2026-11-18", "1.93")
	decided.Decision, decided.DecidedAt = history.Rejected, midnight()
	commitNoRun(t, store, refresh.Batch{Held: []history.HeldBar{
		decided, heldBar(t, "AAPL", "2026-11-20", "19300"), heldBar(t, "IBM", "2026-11-19", "2.5"), heldBar(t, "IBM", "2026-11-20", "2.5")}})
	r := refresh.Review{Store: store, At: reviewedAt()}
	all, err := refresh.WaitingBars(t.Context(), store)
	if err != nil || len(all) != 3 || all[0].Ticker.String() != "AAPL" || all[1].Session != date(t, "2026-11-19") {
		t.Errorf("%v wait (%v)", all, err)
	}
	aapl, ibm := marketdata.MustParseTicker("AAPL"), marketdata.MustParseTicker("IBM")
	got, err := r.Accept(t.Context(), aapl, date(t, "2026-11-20"))
	if err != nil || got.Decision != history.Accepted || got.Session != date(t, "2026-11-20") {
		t.Errorf("%+v (%v)", got, err)
	}
	zero := exchange.Date{}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"all are decided":          {second(r.Reject(t.Context(), aapl, zero)), "no price of AAPL is held"},
		"the one that is named is": {second(r.Reject(t.Context(), aapl, decided.Session)), "no price of AAPL is held of the session of 2026-11-18"},
		"several are held":         {second(r.Accept(t.Context(), ibm, zero)), "2 prices of IBM are held, of 2026-11-19, 2026-11-20"},
		"another is held":          {second(r.Reject(t.Context(), ibm, decided.Session)), "no price of IBM is held of the session of 2026-11-18"},
		"nothing was held, ever":   {second(r.Reject(t.Context(), marketdata.MustParseTicker("ZM"), zero)), "no price of ZM is held"},
	} {
		if tt.err == nil || tt.err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", name, tt.err, tt.want)
		}
	}
	if _, err := r.Reject(t.Context(), ibm, date(t, "2026-11-19")); err != nil {
		t.Error(err)
	}
	if got, err := r.Reject(t.Context(), ibm, zero); err != nil || got.Session != date(t, "2026-11-20") {
		t.Errorf("%+v (%v)", got, err)
	}
}

func second[T any](_ T, err error) error { return err }

// countingStore counts the prices and the decisions of each batch.
type countingStore struct {
	refresh.Store
	batches [][2]int
}

func (s *countingStore) CommitBatch(ctx context.Context, b refresh.Batch) ([]refresh.StoredPrice, error) {
	s.batches = append(s.batches, [2]int{len(b.Prices), len(b.Held)})
	return s.Store.CommitBatch(ctx, b)
}

// A price and the decision about it are committed together, so that a process that dies leaves both or neither.
func TestReviewIsOneTransaction(t *testing.T) {
	store := &countingStore{Store: mustOpenStore(t, "sqlite", newDatabase(t, "sqlite"))}
	bars := []history.HeldBar{heldBar(t, "AAPL", "2026-11-18", "1.5"), heldBar(t, "AAPL", "2026-11-19", "1.5"), heldBar(t, "AAPL", "2026-11-20", "1.5")}
	commitNoRun(t, store, refresh.Batch{Held: bars})
	r := refresh.Review{Store: store, At: reviewedAt()}
	_, accepted := r.Accept(t.Context(), bars[0].Ticker, bars[0].Session)
	_, rejected := r.Reject(t.Context(), bars[1].Ticker, bars[1].Session)
	set := r.Set(t.Context(), bars[2].Bar)
	if err := errors.Join(accepted, rejected, set); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][2]int{{0, 3}, {1, 1}, {0, 1}, {1, 1}}, store.batches); diff != "" {
		t.Errorf("prices and decisions of each batch (-want +got):\n%s", diff)
	}
}

// A price that the database refuses leaves the held one as it was.
func TestReviewOfRefusedPrice(t *testing.T) {
	for _, kind := range storeKinds {
		t.Run(kind, func(t *testing.T) {
			store := mustOpenStore(t, kind, newDatabase(t, kind))
			impossible := heldBar(t, "AAPL", "2026-11-20", "0")
			commitNoRun(t, store, refresh.Batch{Held: []history.HeldBar{impossible}})
			r := refresh.Review{Store: store, At: reviewedAt()}
			if _, err := r.Accept(t.Context(), impossible.Ticker, exchange.Date{}); !errors.Is(err, refresh.ErrRowRefused) {
				t.Errorf("%v, want %v", err, refresh.ErrRowRefused)
			}
			want := reviewed{Held: []string{"2026-11-20 0 held"}}
			if diff := cmp.Diff(want, readReviewed(t, store, "AAPL")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
