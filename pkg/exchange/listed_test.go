package exchange

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestFalseSessionsOf2026 counts the weekdays of 2026 that are not sessions.
func TestFalseSessionsOf2026(t *testing.T) {
	want := map[string]int{"XBOM": 16, "XSHG": 19, "XHKG": 14, "XPAR": 5, "XAMS": 5, "XFRA": 7, "XMIL": 7, "XTKS": 19}
	got := map[string]int{}
	for _, e := range []*Exchange{XBOM, XSHG, XHKG, XPAR, XAMS, XFRA, XMIL, XTKS} {
		got[e.MIC()] = len(closedWeekdays(e, 2026))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKnownUntil(t *testing.T) {
	for e, want := range map[*Exchange]Date{
		XNYS: {}, XLON: {}, XTSE: {}, XETR: {}, Weekdays: {}, XMIL: {}, XFRA: {}, XAMS: {}, XPAR: {},
		XBOM: {2028, time.December, 31},
		XSHG: {2028, time.December, 31},
		XHKG: {2028, time.December, 31},
		XTKS: {2028, time.December, 31},
	} {
		if got := e.KnownUntil(); got != want {
			t.Errorf("%s is known until %q, want %q", e.MIC(), got, want)
		}
	}
}

// TestListedHolidays holds closed days and sessions beside them that calendars of every weekday, of
// the country's public holidays or of a neighbour would have the other way round.
func TestListedHolidays(t *testing.T) {
	for _, tt := range []struct {
		e            *Exchange
		closed, open string
	}{
		{XBOM,
			"2024-01-22 2024-03-25 2024-05-20 2024-11-01 2024-11-20 2025-03-31 2025-08-27 2025-10-21 2025-10-22 " +
				"2026-01-15 2026-03-03 2026-05-28 2026-11-24 2027-01-26 2027-03-22 2027-10-29 2028-04-14 2028-10-02 " +
				"2019-10-21 2023-06-29 2026-02-07 2027-02-06",
			"2024-01-01 2024-01-20 2024-03-02 2024-05-18 2025-01-01 2025-02-01 2026-02-01 2026-12-24 2027-01-01 " +
				"2028-12-26 2015-02-28 2020-02-01 2023-06-28"},
		{XSHG,
			"2024-02-09 2024-02-16 2024-04-05 2024-10-07 2025-01-28 2025-02-04 2025-10-08 2026-01-02 2026-02-23 " +
				"2026-04-06 2026-09-25 2026-10-07 2027-02-05 2027-02-12 2027-10-07 2028-01-03 2028-01-25 2028-10-06 " +
				"2020-01-31",
			"2024-02-08 2024-02-19 2025-01-27 2025-02-05 2025-12-25 2026-02-13 2026-02-24 2026-05-06 2026-10-08 " +
				"2027-02-04 2027-02-15 2027-10-08 2028-02-02 2028-04-14"},
		{XHKG,
			"2024-02-12 2024-05-15 2024-09-18 2025-05-05 2025-10-07 2025-10-29 2026-02-17 2026-04-07 2026-05-25 " +
				"2026-10-19 2027-02-09 2027-05-13 2027-12-27 2028-01-26 2028-05-29 2028-10-26 2020-10-13 2023-07-17 " +
				"2023-09-01 2023-09-08",
			"2024-02-09 2024-02-14 2024-10-02 2025-01-28 2025-10-06 2026-02-16 2026-02-20 2026-09-25 2026-12-28 " +
				"2027-02-05 2027-02-10 2028-01-03 2028-01-25 2028-10-03"},
		{XPAR,
			"2024-03-29 2024-04-01 2024-05-01 2024-12-25 2024-12-26 2025-01-01 2025-04-18 2025-04-21 2025-12-26 " +
				"2026-04-03 2026-04-06 2026-05-01 2026-12-25 2027-03-26 2027-03-29 2028-04-14 2028-12-26 2000-06-12 " +
				"2001-12-31 2000-07-14",
			"2024-05-09 2024-05-20 2024-07-15 2025-07-14 2025-11-11 2026-05-14 2026-05-25 2026-07-14 2026-12-24 " +
				"2026-12-31 2027-12-24 2027-12-27 2027-12-31 2028-08-15 2028-05-25"},
		{XAMS,
			"2024-03-29 2024-04-01 2024-05-01 2024-12-25 2024-12-26 2025-01-01 2025-04-18 2025-04-21 2025-12-26 " +
				"2026-04-03 2026-04-06 2026-05-01 2026-12-25 2027-03-26 2027-03-29 2028-04-14 2028-12-26 2000-06-12 " +
				"2001-12-31 2000-06-01 2001-04-30",
			"2000-07-14 2024-05-09 2024-05-20 2025-05-05 2026-04-27 2026-05-05 2026-05-25 2026-12-24 2026-12-31 " +
				"2027-04-27 2028-04-27"},
		{XFRA,
			"2024-12-24 2024-12-31 2025-04-18 2025-04-21 2025-12-24 2026-01-01 2026-04-03 2026-04-06 2026-05-01 " +
				"2026-12-24 2026-12-25 2026-12-31 2027-12-24 2027-12-31 2028-04-17 2028-12-25 2028-12-26",
			"2024-10-03 2025-06-09 2025-10-03 2026-05-25 2026-12-28 2026-12-30 2027-05-17 2027-12-27 2028-10-03 " +
				"2028-12-27"},
		{XMIL,
			"2000-08-15 2024-08-15 2024-12-24 2024-12-31 2025-08-15 2025-12-24 2025-12-26 2026-04-03 2026-04-06 " +
				"2026-05-01 2026-12-24 2026-12-31 2027-12-24 2027-12-31 2028-08-15 2028-12-26",
			"2024-04-25 2025-06-02 2026-04-27 2026-06-02 2026-12-08 2026-12-30 2027-08-16 2027-12-27 2028-06-02 " +
				"2028-11-01"},
		{XTKS,
			"2019-04-30 2020-07-24 2020-10-01 2021-08-09 2024-01-03 2024-02-12 2024-05-06 2024-11-04 2024-12-31 " +
				"2025-02-24 2025-05-06 2025-11-24 2026-01-02 2026-03-20 2026-05-06 2026-09-22 2026-12-31 2027-03-22 " +
				"2027-09-20 2028-01-03 2028-08-11 2028-09-22",
			"2019-12-23 2020-10-12 2024-01-04 2024-12-25 2024-12-30 2025-12-30 2026-04-03 2026-05-01 2026-09-24 " +
				"2027-01-04 2027-05-06 2028-01-04 2028-12-29"},
	} {
		for _, d := range dates(t, tt.closed) {
			if tt.e.IsSession(d) {
				t.Errorf("%s: %s is a session", tt.e.MIC(), d)
			}
		}
		for _, d := range dates(t, tt.open) {
			if !tt.e.IsSession(d) {
				t.Errorf("%s: %s is not a session", tt.e.MIC(), d)
			}
		}
	}
}

func TestHoursOfListed(t *testing.T) {
	for _, tt := range []struct {
		e    *Exchange
		want Session
	}{
		{XBOM, session(t, "2026-02-01", "03:45", "10:00")}, // a Sunday: the day of the budget
		{XBOM, session(t, "2026-07-16", "03:45", "10:00")},
		{XSHG, session(t, "2026-11-20", "01:30", "07:00")},
		{XHKG, session(t, "2026-11-20", "01:30", "08:00")},
		{XHKG, session(t, "2010-11-19", "02:00", "08:00")}, // before the longer days of March 2011
		{XHKG, session(t, "2010-12-24", "02:00", "04:30")},
		{XHKG, session(t, "2025-01-28", "01:30", "04:00")}, // the eve of the lunar new year
		{XHKG, session(t, "2026-02-16", "01:30", "04:00")},
		{XHKG, session(t, "2028-01-25", "01:30", "04:00")},
		{XHKG, session(t, "2026-12-24", "01:30", "04:00")},
		{XHKG, session(t, "2026-12-31", "01:30", "04:00")},
		{XPAR, session(t, "2026-11-20", "08:00", "16:30")},
		{XPAR, session(t, "2026-07-16", "07:00", "15:30")},
		{XPAR, session(t, "2026-12-24", "08:00", "13:05")},
		{XPAR, session(t, "2026-12-31", "08:00", "13:05")},
		{XAMS, session(t, "2026-11-20", "08:00", "16:30")},
		{XAMS, session(t, "2026-07-16", "07:00", "15:30")},
		{XAMS, session(t, "2026-12-24", "08:00", "13:05")},
		{XAMS, session(t, "2026-12-31", "08:00", "13:05")},
		{XFRA, session(t, "2026-11-20", "07:00", "21:00")},
		{XFRA, session(t, "2026-07-16", "06:00", "20:00")},
		{XFRA, session(t, "2026-12-30", "07:00", "13:00")},
		{XMIL, session(t, "2026-11-20", "08:00", "16:30")},
		{XMIL, session(t, "2026-07-16", "07:00", "15:30")},
		{XMIL, session(t, "2026-12-30", "08:00", "16:30")},
		{XTKS, session(t, "2026-11-20", "00:00", "06:30")},
		{XTKS, session(t, "2024-11-01", "00:00", "06:00")}, // the last one before the longer days
		{XTKS, session(t, "2024-11-05", "00:00", "06:30")},
	} {
		got, ok := tt.e.Session(tt.want.Date)
		if diff := cmp.Diff(tt.want, got); diff != "" || !ok {
			t.Errorf("%s %s (-want +got):\n%s", tt.e.MIC(), tt.want.Date, diff)
		}
	}
}

// TestListsAreInOrder finds a day that was listed twice, out of order, or on a wrong kind of day.
func TestListsAreInOrder(t *testing.T) {
	for _, e := range []*Exchange{XBOM, XSHG, XHKG, XTKS} {
		for i, d := range e.closures {
			if wd := d.Weekday(); wd == time.Saturday || wd == time.Sunday {
				t.Errorf("%s: the closure %s is a %s", e.MIC(), d, wd)
			}
			if i > 0 && !e.closures[i-1].Before(d) {
				t.Errorf("%s: the closure %s is listed after %s", e.MIC(), d, e.closures[i-1])
			}
		}
		for _, d := range e.weekends {
			if wd := d.Weekday(); wd != time.Saturday && wd != time.Sunday {
				t.Errorf("%s: %s is a %s", e.MIC(), d, wd)
			}
		}
	}
}
