package exchange

import (
	"strings"
	"time"

	"github.com/rickar/cal/v2"
)

// zone loads a zone, which must be in time/tzdata.
func zone(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

// inUTC makes holidays of the cal package the same on every machine. They are calculated as midnights
// in the machine's own zone, and if daylight saving begins at midnight they come out an hour early,
// on the day before (as on October 3 of 2010 and 2021 in America/Asuncion).
func inUTC(holidays ...*cal.Holiday) []*cal.Holiday {
	moved := make([]*cal.Holiday, len(holidays))
	for i, h := range holidays {
		moved[i] = h.Clone(nil)
		moved[i].Func = func(rule *cal.Holiday, year int) time.Time {
			return DateOf(h.Func(rule, year).Add(12 * time.Hour)).In(time.UTC)
		}
	}
	return moved
}

func onDay(name string, month time.Month, day int) *cal.Holiday {
	return &cal.Holiday{Name: name, Month: month, Day: day, Func: cal.CalcDayOfMonth}
}

func fromEaster(name string, days int) *cal.Holiday {
	return &cal.Holiday{Name: name, Offset: days, Func: cal.CalcEasterOffset}
}

// days returns the days of a list, a year on each line like "2026: 01-01 12-25". It panics on an error.
func days(list string) []Date {
	var listed []Date
	for line := range strings.Lines(strings.TrimSpace(list)) {
		year, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		for _, day := range strings.Fields(rest) {
			d, err := ParseDate(year + "-" + day)
			if err != nil {
				panic(err)
			}
			listed = append(listed, d)
		}
	}
	return listed
}

// isEve reports whether d is a day of December, or if that day falls on a weekend, the Friday before it.
// It assumes that d is a session from Monday to Friday.
func isEve(d Date, day int) bool {
	if d.Month != time.December {
		return false
	}
	return d.Day == day || d.Weekday() == time.Friday && (d.Day == day-1 || d.Day == day-2)
}
