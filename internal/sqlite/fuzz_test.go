package sqlite

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

// A time that can be read is written as SQLAlchemy does, and that is read as the same time.
func FuzzParseStamp(f *testing.F) {
	for _, s := range []string{
		"2026-11-20 21:00:00.000000", "2026-11-20T21:00:00Z", "2026-11-20 21:00:00.5+05:30", " 2026-11-20 ", "2026-11-20 21:00", "", "soon",
		"9999-12-31 23:59:59-23:59", "0000-01-01 00:00:00+23:59", "2026-11-20 21:00:00.123456789", strings.Repeat("2", 5000),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		read, err := parseStamp(sql.NullString{String: s, Valid: true})
		if err != nil {
			if len(err.Error()) > 400 {
				t.Fatalf("the error about %d bytes has %d", len(s), len(err.Error()))
			}
			return
		}
		if read.IsZero() { // NULL
			return
		}
		written := stamp(read).(string)
		again, err := parseStamp(sql.NullString{String: written, Valid: true})
		if err != nil || stamp(again) != written || len(written) != len(stampLayout) {
			t.Fatalf("%q is written %q, which is read as %s, %v", s, written, again, err)
		}
	})
}

func FuzzPlainAmount(f *testing.F) {
	for _, s := range []string{"192.53", "4.2e-03", "1E5", "e", "", "1e-20"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := decimal.NewFromString(text)
		if err != nil || want.Exponent() > 1000 || want.Exponent() < -1000 { // SQLite writes no such amount
			return
		}
		got, err := decimal.NewFromString(plainAmount(text))
		if err != nil || !got.Equal(want) || strings.ContainsAny(plainAmount(text), "eE") {
			t.Fatalf("plainAmount(%q) = %q", text, plainAmount(text))
		}
	})
}
