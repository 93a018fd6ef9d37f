package alphavantage

import (
	"encoding/json"
	"fmt"
	"slices"

	"papertrade/pkg/marketdata"
)

// splitFields are a row of SPLITS.
type splitFields struct {
	EffectiveDate text `json:"effective_date"`
	Factor        text `json:"split_factor"` // new shares per old share
}

// parseSplits reads the vendor's table of splits, ascending, which is often empty, and reports rows that cannot be
// right. It is an error if there is no other row.
func parseSplits(ticker marketdata.Ticker, body []byte) (marketdata.Answer, error) {
	var rows []json.RawMessage
	if err := section(body, "data", &rows); err != nil {
		return marketdata.Answer{}, err
	}
	var symbol text
	if section(body, "symbol", &symbol) == nil {
		if err := checkSymbol(ticker, symbol); err != nil {
			return marketdata.Answer{}, err
		}
	}
	var answer marketdata.Answer
	for _, row := range rows {
		split, err := parseSplit(row)
		split.Ticker = ticker
		if err != nil {
			answer.Invalid = append(answer.Invalid, marketdata.InvalidBar{Ticker: ticker, Session: split.Session, Err: err})
			continue
		}
		answer.Splits = append(answer.Splits, split)
	}
	slices.SortStableFunc(answer.Splits, func(a, b marketdata.Split) int { return a.Session.Compare(b.Session) })
	slices.SortStableFunc(answer.Invalid, func(a, b marketdata.InvalidBar) int { return a.Session.Compare(b.Session) })
	if n := len(answer.Invalid); n > 0 && len(answer.Splits) == 0 {
		return marketdata.Answer{}, answer.Invalid[n-1].Err
	}
	return answer, nil
}

// parseSplit reads a row. If it cannot be right the split has its session at most.
func parseSplit(row json.RawMessage) (marketdata.Split, error) {
	var fields splitFields
	if err := json.Unmarshal(row, &fields); err != nil {
		return marketdata.Split{}, fmt.Errorf("%w: a split is %q", marketdata.ErrInvalidData, oneLine(string(row)))
	}
	session, err := parseSession(fields.EffectiveDate)
	if err != nil {
		return marketdata.Split{}, invalid("effective date of a split", fields.EffectiveDate)
	}
	factor := positive(fields.Factor)
	if !factor.Valid {
		return marketdata.Split{Session: session}, invalid("factor of the split of "+session.String(), fields.Factor)
	}
	return marketdata.Split{Session: session, Factor: factor.Decimal}, nil
}
