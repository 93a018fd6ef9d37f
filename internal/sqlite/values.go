package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"modernc.org/sqlite"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// stampLayout is how SQLAlchemy writes times. The web application's unique keys compare them as
// text, so no other layout will do.
const stampLayout = "2006-01-02 15:04:05.000000"

// stamp returns a time as it is written to SQLite; the zero time is NULL.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(stampLayout)
}

// day returns a date as it is written to SQLite; the zero Date is NULL.
func day(d exchange.Date) any {
	if d.IsZero() {
		return nil
	}
	return d.String()
}

// seconds returns a duration as it is written to SQLite; nil is NULL.
func seconds(d *time.Duration) any {
	if d == nil {
		return nil
	}
	return int64(d.Seconds())
}

// amount returns a price as it is written to SQLite; one that is not valid is NULL.
func amount(d decimal.NullDecimal) any {
	if !d.Valid {
		return nil
	}
	return marketdata.FormatPrice(d.Decimal)
}

// list returns a list as json_each reads it.
func list[T any](all []T) (string, error) {
	text, err := json.Marshal(all)
	return string(text), err
}

// parseList reads a list of json_group_array into all; an empty one is nil.
func parseList[T any](text string, all *[]T) error {
	if text == "[]" {
		return nil
	}
	return json.Unmarshal([]byte(text), all)
}

// parseStamp returns a time as any program may have written it, which is in UTC unless it has an offset. NULL is the
// zero time.
func parseStamp(s sql.NullString) (time.Time, error) {
	if !s.Valid {
		return time.Time{}, nil
	}
	text := strings.Replace(strings.TrimSpace(s.String), "T", " ", 1)
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04", time.DateOnly} {
		t, err := time.Parse(layout, text)
		if t = t.UTC(); err == nil && t.Year() >= 0 && t.Year() <= 9999 { // an offset can lead out of what is written
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is not a time like %q", s.String, stampLayout)
}

// scanStamp returns the time of a row of one column.
func scanStamp(rows *sql.Rows) (time.Time, error) {
	text, err := scanColumn[sql.NullString](rows)
	if err != nil {
		return time.Time{}, err
	}
	return parseStamp(text)
}

// parseStamps returns the times of several columns.
func parseStamps(columns ...sql.NullString) ([]time.Time, error) {
	times := make([]time.Time, len(columns))
	for i, column := range columns {
		var err error
		if times[i], err = parseStamp(column); err != nil {
			return nil, err
		}
	}
	return times, nil
}

// utc_stamp(text) is a time that any program may have written, as stamp returns it; NULL for what
// cannot be read. SQLite's own functions round to milliseconds, and read "noon" and "12:00" too.
func init() {
	sqlite.MustRegisterDeterministicScalarFunction("utc_stamp", 1,
		func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			text, ok := args[0].(string)
			t, err := parseStamp(sql.NullString{String: text, Valid: ok})
			if err != nil {
				return nil, nil
			}
			return stamp(t), nil
		})
}

// dateOf returns the date of a time in UTC; that of the zero time is the zero Date.
func dateOf(t time.Time) exchange.Date {
	if t.IsZero() {
		return exchange.Date{}
	}
	return exchange.DateOf(t)
}

// plainAmount returns an amount without the scientific notation in which SQLite gives small ones of numeric columns.
func plainAmount(text string) string {
	if !strings.ContainsAny(text, "eE") {
		return text
	}
	d, err := decimal.NewFromString(text)
	if err != nil {
		return text
	}
	return d.String()
}
