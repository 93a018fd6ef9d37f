package alphavantage_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/fakevantage"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func TestSplits(t *testing.T) {
	split := func(session exchange.Date, factor string) marketdata.Split {
		return marketdata.Split{Ticker: marketdata.MustParseTicker("IBM"), Session: session, Factor: price(factor).Decimal}
	}
	may, june := exchange.Date{Year: 1999, Month: time.May, Day: 27}, exchange.Date{Year: 2024, Month: time.June, Day: 10}
	for name, tt := range map[string]struct {
		body    string
		want    []marketdata.Split
		invalid int
	}{
		"none":              {`{"symbol": "IBM", "data": []}`, nil, 0},
		"null":              {`{"symbol": "IBM", "data": null}`, nil, 0},
		"newest first":      {`{"symbol": "IBM", "data": [{"effective_date": "2024-06-10", "split_factor": "10.0000"}, {"effective_date": "1999-05-27", "split_factor": "2.0000"}]}`, []marketdata.Split{split(may, "2"), split(june, "10")}, 0},
		"numbers":           {`{"symbol": "IBM", "data": [{"effective_date": "2024-06-10 00:00:00", "split_factor": 0.125}]}`, []marketdata.Split{split(june, "0.125")}, 0},
		"no symbol":         {`{"data": [{"effective_date": "2024-06-10", "split_factor": " 1.5 "}]}`, []marketdata.Split{split(june, "1.5")}, 0},
		"rows not right":    {`{"data": [{"effective_date": "2024-06-10", "split_factor": "1.5"}, {"effective_date": "2024-06-11", "split_factor": "None"}, {"split_factor": "2"}, 7]}`, []marketdata.Split{split(june, "1.5")}, 3},
		"a byte-order mark": {"\xef\xbb\xbf" + `{"symbol": "IBM", "data": []}`, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := ofBody(t, splitTable, "IBM", tt.body)
			if err != nil || len(answer.Invalid) != tt.invalid {
				t.Fatalf("%+v, %v", answer, err)
			}
			for _, row := range answer.Invalid {
				if !errors.Is(row.Err, marketdata.ErrInvalidData) {
					t.Errorf("%v is not an ErrInvalidData", row.Err)
				}
			}
			if diff := cmp.Diff(tt.want, answer.Splits, sameAnswer); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for _, factor := range []string{"0", "-2", "None", ""} {
		if _, err := ofBody(t, splitTable, "IBM", `{"data": [{"effective_date": "2024-06-10", "split_factor": "`+factor+`"}]}`); !errors.Is(err, marketdata.ErrInvalidData) {
			t.Errorf("a factor of %q: %v, want an ErrInvalidData", factor, err)
		}
	}
}

func TestSplitsOfTheVendor(t *testing.T) {
	vendor, client := dialFor(t, fakevantage.Options{Unknown: []string{"GONE"}}, 30*time.Second)
	session := day(time.November, 12)
	vendor.Split("NEW", fakevantage.Split{Session: session, New: 3, Old: 2})
	vendor.Split("NEW", fakevantage.Split{Session: day(time.November, 30), New: 2, Old: 1})
	ticker := marketdata.MustParseTicker("NEW")
	answer, err := ask(t, client, splitTable, "NEW")
	want := marketdata.Answer{Splits: []marketdata.Split{{Ticker: ticker, Session: session, Factor: price("1.5").Decimal}}}
	if diff := cmp.Diff(want, answer, sameAnswer); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if answer, err := ask(t, client, splitTable, "IBM"); err != nil || cmp.Diff(marketdata.Answer{}, answer, sameAnswer) != "" {
		t.Errorf("of a ticker without splits: %+v, %v", answer, err)
	}
	if _, err := ask(t, client, splitTable, "GONE"); !errors.Is(err, marketdata.ErrUnknownTicker) {
		t.Errorf("of an unknown ticker: %v", err)
	}
	if calls := vendor.Arrivals(); len(calls) != 3 || calls[0].Function != "SPLITS" || calls[0].OutputSize != "" {
		t.Errorf("the calls were %+v", calls)
	}
	_, client = dialFor(t, fakevantage.Options{SplitsPremium: true}, 30*time.Second)
	if _, err := ask(t, client, splitTable, "NEW"); !errors.Is(err, marketdata.ErrNotEntitled) {
		t.Errorf("of a key without the function: %v", err)
	}
}
