package exchange

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// xnysClosed are the weekdays without a session: up to 2021-07 from the list of full-day closures that
// pandas_market_calendars tests against, after it from the releases in which NYSE Group announced its
// holidays of 2021 to 2028.
const xnysClosed = `
2000: 01-17 02-21 04-21 05-29 07-04 09-04 11-23 12-25
2001: 01-01 01-15 02-19 04-13 05-28 07-04 09-03 09-11 09-12 09-13 09-14 11-22 12-25
2002: 01-01 01-21 02-18 03-29 05-27 07-04 09-02 11-28 12-25
2003: 01-01 01-20 02-17 04-18 05-26 07-04 09-01 11-27 12-25
2004: 01-01 01-19 02-16 04-09 05-31 06-11 07-05 09-06 11-25 12-24
2005: 01-17 02-21 03-25 05-30 07-04 09-05 11-24 12-26
2006: 01-02 01-16 02-20 04-14 05-29 07-04 09-04 11-23 12-25
2007: 01-01 01-02 01-15 02-19 04-06 05-28 07-04 09-03 11-22 12-25
2008: 01-01 01-21 02-18 03-21 05-26 07-04 09-01 11-27 12-25
2009: 01-01 01-19 02-16 04-10 05-25 07-03 09-07 11-26 12-25
2010: 01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24
2011: 01-17 02-21 04-22 05-30 07-04 09-05 11-24 12-26
2012: 01-02 01-16 02-20 04-06 05-28 07-04 09-03 10-29 10-30 11-22 12-25
2013: 01-01 01-21 02-18 03-29 05-27 07-04 09-02 11-28 12-25
2014: 01-01 01-20 02-17 04-18 05-26 07-04 09-01 11-27 12-25
2015: 01-01 01-19 02-16 04-03 05-25 07-03 09-07 11-26 12-25
2016: 01-01 01-18 02-15 03-25 05-30 07-04 09-05 11-24 12-26
2017: 01-02 01-16 02-20 04-14 05-29 07-04 09-04 11-23 12-25
2018: 01-01 01-15 02-19 03-30 05-28 07-04 09-03 11-22 12-05 12-25
2019: 01-01 01-21 02-18 04-19 05-27 07-04 09-02 11-28 12-25
2020: 01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25
2021: 01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24
2022: 01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26
2023: 01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25
2024: 01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25
2025: 01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25
2026: 01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25
2027: 01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24
2028: 01-17 02-21 04-14 05-29 06-19 07-04 09-04 11-23 12-25
`

// xnysEarly are the sessions that close at 13:00: up to 2010 from the exchange's own history of
// closings, after it from the calendars it announced each year.
const xnysEarly = `
2000: 07-03 11-24
2001: 07-03 11-23 12-24
2002: 07-05 11-29 12-24
2003: 07-03 11-28 12-24 12-26
2004: 11-26
2005: 11-25
2006: 07-03 11-24
2007: 07-03 11-23 12-24
2008: 07-03 11-28 12-24
2009: 11-27 12-24
2010: 11-26
2011: 11-25
2012: 07-03 11-23 12-24
2013: 07-03 11-29 12-24
2014: 07-03 11-28 12-24
2015: 11-27 12-24
2016: 11-25
2017: 07-03 11-24
2018: 07-03 11-23 12-24
2019: 07-03 11-29 12-24
2020: 11-27 12-24
2021: 11-26
2022: 11-25
2023: 07-03 11-24
2024: 07-03 11-29 12-24
2025: 07-03 11-28 12-24
2026: 11-27 12-24
2027: 11-26
2028: 07-03 11-24
`

func TestXNYSClosuresAsPublished(t *testing.T) {
	for year, want := range published(t, xnysClosed) {
		if diff := cmp.Diff(want, closedWeekdays(XNYS, year)); diff != "" {
			t.Errorf("closed weekdays of %d (-published +got):\n%s", year, diff)
		}
	}
}

func TestXNYSEarlyClosesAsPublished(t *testing.T) {
	for year, want := range published(t, xnysEarly) {
		if diff := cmp.Diff(want, closingAt(t, XNYS, year, "13:00")); diff != "" {
			t.Errorf("early closes of %d (-published +got):\n%s", year, diff)
		}
	}
}

func TestXNYSSessionsOfAYear(t *testing.T) {
	want := map[int]int{
		2000: 252, 2001: 248, 2002: 252, 2003: 252, 2010: 252, 2011: 252, 2012: 250, 2013: 252, 2014: 252,
		2015: 252, 2016: 252, 2017: 251, 2018: 251, 2019: 252, 2020: 253, 2021: 252, 2022: 251, 2023: 250,
		2024: 252, 2025: 250,
	}
	got := make(map[int]int)
	for year := range want {
		got[year] = len(XNYS.Sessions(Date{year, time.January, 1}, Date{year, time.December, 31}))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sessions a year (-want +got):\n%s", diff)
	}
}

// No exchange has announced these years: the dates of Easter are those of the church's tables, the
// others follow the observance rules of NYSE Rule 7.2.
func TestXNYSBeyondWhatIsAnnounced(t *testing.T) {
	closed := "2029-03-30 2030-04-19 2031-04-11 2032-03-26 2033-04-15 2034-04-07 2035-03-23 " + // Good Friday
		"2032-12-24 2033-07-04 2034-01-02 2032-06-18 2033-06-20"
	for _, d := range dates(t, closed) {
		if XNYS.IsSession(d) {
			t.Errorf("%s is a session", d)
		}
	}
	for _, d := range dates(t, "2027-12-31 2032-12-31 2033-12-30 2035-12-31") {
		if !XNYS.IsSession(d) {
			t.Errorf("%s is not a session", d)
		}
	}
}

func TestXNYSTraps(t *testing.T) {
	for _, tt := range []struct {
		day     string
		session bool
		why     string
	}{
		{"2004-12-31", true, "New Year's Day of 2005 is a Saturday"},
		{"2010-12-31", true, "New Year's Day of 2011 is a Saturday"},
		{"2021-12-31", true, "New Year's Day of 2022 is a Saturday"},
		{"2027-12-31", true, "New Year's Day of 2028 is a Saturday"},
		{"2023-01-02", false, "New Year's Day is a Sunday"},
		{"1997-01-20", true, "Martin Luther King's Day from 1998"},
		{"1998-01-19", false, "Martin Luther King's Day from 1998"},
		{"2021-06-18", true, "Juneteenth from 2022, though a federal holiday before"},
		{"2022-06-20", false, "Juneteenth is a Sunday"},
		{"2027-06-18", false, "Juneteenth is a Saturday"},
		{"2006-11-30", true, "Thanksgiving is the fourth Thursday, not the last"},
		{"2019-04-22", true, "Easter Monday is none"},
		{"2024-10-14", true, "Columbus Day is none"},
		{"2024-11-11", true, "Veterans Day is none"},
		{"2004-06-10", true, "only the 11th was of mourning"},
		{"2001-09-17", true, "trading resumed"},
		{"2012-10-31", true, "trading resumed"},
	} {
		if got := XNYS.IsSession(date(t, tt.day)); got != tt.session {
			t.Errorf("IsSession(%s) = %t, want %t: %s", tt.day, got, tt.session, tt.why)
		}
	}
}

func TestXNYSHours(t *testing.T) {
	for _, want := range []Session{
		session(t, "2024-01-16", "14:30", "21:00"),
		session(t, "2024-07-16", "13:30", "20:00"),
		session(t, "2024-03-08", "14:30", "21:00"), // the last one before daylight saving
		session(t, "2024-03-11", "13:30", "20:00"),
		session(t, "2024-11-01", "13:30", "20:00"), // the last one of daylight saving
		session(t, "2024-11-04", "14:30", "21:00"),
		session(t, "2006-03-31", "14:30", "21:00"), // daylight saving began in April up to 2006
		session(t, "2006-04-03", "13:30", "20:00"),
		session(t, "2024-07-03", "13:30", "17:00"),
		session(t, "2024-11-29", "14:30", "18:00"),
		session(t, "2024-12-24", "14:30", "18:00"),
		session(t, "2003-12-26", "14:30", "18:00"),
		session(t, "2002-07-03", "13:30", "20:00"),
		session(t, "2013-07-05", "13:30", "20:00"),
		session(t, "2015-07-02", "13:30", "20:00"), // the day before an observed July 4 is a full session
		session(t, "2025-12-26", "14:30", "21:00"),
		session(t, "2002-09-11", "16:00", "20:00"),
	} {
		got, ok := XNYS.Session(want.Date)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%s (-want +got):\n%s", want.Date, diff)
		}
	}
}
