package exchange

import (
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/ca"
)

// XTSE is the Toronto Stock Exchange. The TSX Venture Exchange keeps the same sessions.
var XTSE = &Exchange{
	mic:  "XTSE",
	zone: zone("America/Toronto"),
	holidays: inUTC(
		ca.NewYear,
		&cal.Holiday{
			Name: "Family Day", StartYear: 2008,
			Month: time.February, Weekday: time.Monday, Offset: 3, Func: cal.CalcWeekdayOffset,
		},
		ca.GoodFriday,
		ca.VictoriaDay,
		ca.CanadaDay,
		ca.CivicDay,
		ca.LabourDay,
		ca.ThanksgivingDay,
		ca.ChristmasDay,
		ca.BoxingDay,
	),
	closures: []Date{
		// The attacks on the World Trade Center. What was traded on the 11th, before the exchange shut
		// at 10:40, does not count as a session in the published calendars.
		{2001, time.September, 11}, {2001, time.September, 12},
	},
	hours: func(d Date) hours {
		h := hours{clock{9, 30}, clock{16, 0}}
		if d.Month == time.December && d.Day == 24 && d.Year >= 2010 {
			h.close = clock{13, 0}
		}
		return h
	},
}
