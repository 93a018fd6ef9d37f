package exchange

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// published reads lines like "2000: 01-17 02-21" into dates by year.
func published(t *testing.T, list string) map[int][]Date {
	t.Helper()
	byYear := make(map[int][]Date)
	for line := range strings.Lines(strings.TrimSpace(list)) {
		year, days, _ := strings.Cut(strings.TrimSpace(line), ":")
		y, err := strconv.Atoi(year)
		if err != nil {
			t.Fatal(err)
		}
		byYear[y] = nil
		for _, day := range strings.Fields(days) {
			byYear[y] = append(byYear[y], date(t, year+"-"+day))
		}
	}
	return byYear
}

func date(t *testing.T, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func dates(t *testing.T, list string) []Date {
	t.Helper()
	var all []Date
	for _, s := range strings.Fields(list) {
		all = append(all, date(t, s))
	}
	return all
}

// closedWeekdays returns the days from Monday to Friday of a year that are not sessions of e.
func closedWeekdays(e *Exchange, year int) []Date {
	var closed []Date
	for _, d := range Weekdays.Sessions(Date{year, time.January, 1}, Date{year, time.December, 31}) {
		if !e.IsSession(d) {
			closed = append(closed, d)
		}
	}
	return closed
}

// closingAt returns the sessions of a year that close at a time of the exchange's own clock, like "13:00".
func closingAt(t *testing.T, e *Exchange, year int, clock string) []Date {
	t.Helper()
	var early []Date
	for _, d := range e.Sessions(Date{year, time.January, 1}, Date{year, time.December, 31}) {
		if s, _ := e.Session(d); s.Close.In(e.zone).Format("15:04") == clock {
			early = append(early, d)
		}
	}
	return early
}

// session makes a Session from times in UTC: the opening is on the day before if its clock is later than that of
// the close.
func session(t *testing.T, day, open, closes string) Session {
	t.Helper()
	at := func(clock string) time.Time {
		instant, err := time.Parse("2006-01-02 15:04", day+" "+clock)
		if err != nil {
			t.Fatal(err)
		}
		return instant
	}
	s := Session{Date: date(t, day), Open: at(open), Close: at(closes)}
	if s.Open.After(s.Close) {
		s.Open = s.Open.AddDate(0, 0, -1)
	}
	return s
}
