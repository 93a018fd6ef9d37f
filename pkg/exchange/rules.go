package exchange

import (
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
