package exchange

import (
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/aa"
	"github.com/rickar/cal/v2/us"
)

// XNYS is the New York Stock Exchange. Nasdaq and the other stock exchanges of the United States trade on
// the same days.
var XNYS = &Exchange{
	mic:  "XNYS",
	zone: zone("America/New_York"),
	holidays: inUTC(
		// A New Year's Day on a Saturday is not observed: the Friday before ends an
		// accounting year.
		aa.NewYear.Clone(&cal.Holiday{Observed: []cal.AltDay{{Day: time.Sunday, Offset: 1}}}),
		us.MlkDay.Clone(&cal.Holiday{StartYear: 1998}),
		us.PresidentsDay,
		aa.GoodFriday,
		us.MemorialDay,
		us.Juneteenth.Clone(&cal.Holiday{StartYear: 2022}),
		us.IndependenceDay,
		us.LaborDay,
		us.ThanksgivingDay,
		us.ChristmasDay,
	),
	closures: []Date{
		// The attacks on the World Trade Center.
		{2001, time.September, 11}, {2001, time.September, 12}, {2001, time.September, 13}, {2001, time.September, 14},
		{2004, time.June, 11},                              // mourning of President Reagan
		{2007, time.January, 2},                            // mourning of President Ford
		{2012, time.October, 29}, {2012, time.October, 30}, // Hurricane Sandy
		{2018, time.December, 5}, // mourning of President Bush
		{2025, time.January, 9},  // mourning of President Carter
	},
	hours: func(d Date) hours {
		h := hours{clock{9, 30}, clock{16, 0}}
		if d == (Date{2002, time.September, 11}) { // the anniversary of the attacks
			h.open = clock{12, 0}
		}
		if closesEarlyXNYS(d) {
			h.close = clock{13, 0}
		}
		return h
	},
}

// closesEarlyXNYS reports whether d closes early. It assumes that d is a session.
func closesEarlyXNYS(d Date) bool {
	switch d.Month {
	case time.July:
		// If July 4 is a Thursday, the Friday after it was short up to 2012, and the Wednesday
		// before it since then.
		if d.Day == 3 {
			return d.Weekday() != time.Wednesday || d.Year >= 2013
		}
		return d.Day == 5 && d.Weekday() == time.Friday && d.Year < 2013
	case time.November: // the day after Thanksgiving
		return d.Weekday() == time.Friday && d.Day >= 23 && d.Day <= 29
	case time.December:
		return d.Day == 24 || d == Date{2003, time.December, 26}
	}
	return false
}
