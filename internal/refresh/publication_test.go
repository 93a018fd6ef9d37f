package refresh

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// published returns the record of a run at a time which stored a session of some tickers.
func published(at, code, session string, tickers int) RunRecord {
	return RunRecord{Metadata: fmt.Appendf(nil,
		`{"at": %q, "published": [{"exchange": %q, "session": %q, "tickers": %d}]}`, at, code, session, tickers)}
}

func TestUsualTimes(t *testing.T) {
	midnights := []RunRecord{
		published("2026-11-24T00:00:00Z", "XNYS", "2026-11-23", 7),
		published("2026-11-25T00:00:00Z", "XNYS", "2026-11-24", 7),
	}
	late := func(day int, at string) RunRecord {
		session := time.Date(2026, time.November, day, 0, 0, 0, 0, time.UTC)
		return published(session.AddDate(0, 0, 1).Format(time.DateOnly)+"T"+at+":00Z", "XNYS", session.Format(time.DateOnly), 7)
	}
	nextDay := func(by string, sessions int) []UsualTime { return []UsualTime{{"XNYS", by, 1, sessions}} }
	for _, test := range []struct {
		name    string
		records []RunRecord
		want    []UsualTime
	}{
		{"nothing is known", nil, nil},
		{"two sessions are too few", midnights, nil},
		{"at the first asking", append(midnights, late(25, "00:00")), nextDay("00:00", 3)},
		{"the latest of three", append(midnights, late(25, "03:07")), nextDay("03:07", 3)},
		{"one of five is late", []RunRecord{
			late(16, "00:00"), late(17, "00:00"), late(18, "00:00"), late(19, "09:00"), late(20, "00:00")}, nextDay("00:00", 5)},
		{"two of five are late", []RunRecord{
			late(16, "00:00"), late(17, "07:00"), late(18, "00:00"), late(19, "03:00"), late(20, "00:00")}, nextDay("03:00", 5)},
		{"a few tickers came first", append(midnights, published("2026-11-26T00:00:00Z", "XNYS", "2026-11-25", 2),
			published("2026-11-26T03:00:00Z", "XNYS", "2026-11-25", 5)), nextDay("03:00", 3)},
		{"a few tickers came later", append(midnights, published("2026-11-26T03:00:00Z", "XNYS", "2026-11-25", 2),
			published("2026-11-26T00:00:00Z", "XNYS", "2026-11-25", 5)), nextDay("00:00", 3)},
		{"funds come a day late", []RunRecord{
			published("2026-11-25T00:00:00Z", ".FUND", "2026-11-23", 1), published("2026-11-26T00:00:00Z", ".FUND", "2026-11-24", 1),
			published("2026-11-27T00:30:00Z", ".FUND", "2026-11-25", 1)}, []UsualTime{{".FUND", "00:30", 2, 3}}},
		{"records of other programs", append(midnights, late(25, "00:00"), RunRecord{Metadata: []byte("[]")}, RunRecord{},
			RunRecord{Metadata: []byte(`{"published": 3}`)}), nextDay("00:00", 3)},
		{"only the newest ten", func() (records []RunRecord) {
			for day := 2; day <= 12; day++ {
				records = append(records, late(day, "05:00"))
			}
			for day := 13; day <= 22; day++ {
				records = append(records, late(day, "01:00"))
			}
			return records
		}(), nextDay("01:00", 10)},
	} {
		if diff := cmp.Diff(test.want, usualTimes(test.records)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
