package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// stampLayout is how SQLAlchemy writes times. The web application's unique keys compare them as
// text, so no other layout will do.
const stampLayout = "2006-01-02 15:04:05.000000"

// stamp writes a time for SQLite; the zero time is NULL.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(stampLayout)
}

// day writes a date for SQLite; the zero Date is NULL.
func day(d exchange.Date) any {
	if d.IsZero() {
		return nil
	}
	return d.String()
}

// parseStamp reads a time as any program may have written it, in UTC unless it has an offset. NULL
// is the zero time.
func parseStamp(s sql.NullString) (time.Time, error) {
	if !s.Valid {
		return time.Time{}, nil
	}
	text := strings.Replace(strings.TrimSpace(s.String), "T", " ", 1)
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("the database has %q where a time like %q is due", s.String, stampLayout)
}

// utc_stamp(text) is a time that any program may have written, as stamp writes it; NULL for what
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

// amount writes a price for SQLite; one that is not valid is NULL.
func amount(d decimal.NullDecimal) any {
	if !d.Valid {
		return nil
	}
	return marketdata.FormatPrice(d.Decimal)
}

// plainAmount writes out an amount that SQLite gave in scientific notation, as it does with small
// ones from numeric columns.
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

// translate puts an error of the driver into the words of the people who run papertrade.
func translate(err error) error {
	var failure *sqlite.Error
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &failure) {
		return err
	}
	switch primaryCode(failure) {
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("the file is not a SQLite database: %w", err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("another program keeps the database locked: %w", err)
	case sqlite3.SQLITE_READONLY:
		return fmt.Errorf("the database cannot be written: %w", err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("the disk is full: %w", err)
	case sqlite3.SQLITE_CONSTRAINT:
		return fmt.Errorf("the database refused the row: %w", err)
	default:
		return fmt.Errorf("the database failed: %w", err)
	}
}

// refused says whether the database refused a row for its values.
func refused(err error) bool {
	var failure *sqlite.Error
	return errors.As(err, &failure) && primaryCode(failure) == sqlite3.SQLITE_CONSTRAINT
}

// primaryCode drops what an extended result code adds.
func primaryCode(failure *sqlite.Error) int { return failure.Code() & 0xff }
