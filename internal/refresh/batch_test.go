package refresh_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

var sameTicker = cmp.Comparer(func(a, b marketdata.Ticker) bool { return a == b })

func TestOutcomesOfBatch(t *testing.T) {
	aapl, ibm, msft, gone := marketdata.MustParseTicker("AAPL"), marketdata.MustParseTicker("IBM"),
		marketdata.MustParseTicker("MSFT"), marketdata.MustParseTicker("GONE")
	at := func(hour int) time.Time { return time.Date(2026, 11, 21, hour, 0, 0, 0, time.UTC) }
	price := func(ticker marketdata.Ticker, hour int, backfill bool) refresh.Price {
		return refresh.Price{Bar: marketdata.Bar{Ticker: ticker}, FetchedAt: at(hour), Backfill: backfill}
	}
	failures := make([]refresh.Failure, 1, 8) // with room that is not the batch's to write
	failures[0] = refresh.Failure{Ticker: gone, AskedAt: at(9), UnknownIn: exchange.Date{Year: 2026, Month: 11, Day: 20}}
	batch := refresh.Batch{
		Prices: []refresh.Price{
			price(msft, 1, false), price(aapl, 2, false), price(msft, 3, false), // MSFT twice
			price(ibm, 4, false), price(ibm, 5, false), // the first is refused
			price(gone, 6, true), price(aapl, 7, true), // of a backfill, stored and refused
		},
		Failures: failures,
	}
	refused := refresh.StoredPrice{Err: refresh.ErrRowRefused}
	stored := []refresh.StoredPrice{{Amount: "1"}, {}, {Amount: "1"}, refused, {Amount: "1"}, {Amount: "1"}, refused}

	wantRefreshed := []refresh.Refreshed{{Ticker: aapl, At: at(2)}, {Ticker: msft, At: at(3)}, {Ticker: ibm, At: at(5)}}
	if diff := cmp.Diff(wantRefreshed, batch.Refreshed(stored), sameTicker); diff != "" {
		t.Errorf("refreshed (-want +got)\n%s", diff)
	}
	// If the newest session is refused, the ticker is asked for again, though older ones were stored.
	series := refresh.Batch{Prices: []refresh.Price{price(aapl, 1, false), price(aapl, 1, false)}}
	series.Prices[0].Timestamp, series.Prices[1].Timestamp = at(21), at(21).AddDate(0, 0, 1)
	if got := series.Refreshed([]refresh.StoredPrice{{Amount: "1"}, refused}); got != nil {
		t.Errorf("of a newest price that was refused: %+v", got)
	}
	wantFailures := []refresh.Failure{failures[0], {Ticker: ibm, AskedAt: at(4)}}
	if diff := cmp.Diff(wantFailures, batch.AllFailures(stored), sameTicker); diff != "" {
		t.Errorf("failures (-want +got)\n%s", diff)
	}
	if unwritten := failures[:2][1]; unwritten != (refresh.Failure{}) {
		t.Errorf("the caller's slice was written to: %+v", unwritten)
	}
}

func TestMissingSymbols(t *testing.T) {
	asked := []string{"NONE", "TSLA", "NONE", "AAPL", "ALSO", "TSLA"}
	got := refresh.MissingSymbols(asked, []string{"TSLA", "AAPL", "TSLA"})
	if diff := cmp.Diff([]string{"NONE", "ALSO"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSchemaError(t *testing.T) {
	for _, test := range []struct {
		err  refresh.SchemaError
		old  bool
		want string
	}{
		{refresh.SchemaError{Found: 0, Want: 4}, true, "the database does not have papertrade's tables yet"},
		{refresh.SchemaError{Found: 3, Want: 4}, true,
			"the database's tables are of an older papertrade (schema 3, this one needs 4)"},
		{refresh.SchemaError{Found: 5, Want: 4}, false,
			"the database's tables are of a newer papertrade (schema 5, this one knows 4)"},
	} {
		if got := test.err.Error(); got != test.want || test.err.IsOlder() != test.old {
			t.Errorf("%q, older: %t; want %q, %t", got, test.err.IsOlder(), test.want, test.old)
		}
	}
}
