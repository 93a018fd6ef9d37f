package exchange

import (
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/de"
)

// XETR is Xetra, the electronic trading venue of the Frankfurt Stock Exchange.
var XETR = &Exchange{
	mic:  "XETR",
	zone: zone("Europe/Berlin"),
	holidays: inUTC(
		de.Neujahr,
		de.Karfreitag,
		de.Ostermontag,
		de.TagderArbeit,
		// There has been trading on most other holidays of Germany and Hesse since 2000; on these two
		// there was none in some years.
		de.Pfingstmontag.Clone(&cal.Holiday{StartYear: 2015, EndYear: 2021}),
		de.DeutschenEinheit.Clone(&cal.Holiday{StartYear: 2014, EndYear: 2021}),
		onDay("Heiligabend", time.December, 24),
		de.Weihnachtstag,
		de.ZweiterWeihnachtsfeiertag,
		onDay("Silvester", time.December, 31),
	),
	closures: []Date{
		{2000, time.October, 3},  // ten years of German reunification
		{2007, time.May, 28},     // Whit Monday, with New York closed too
		{2017, time.October, 31}, // 500 years of the Reformation
	},
	hours: func(d Date) hours {
		h := hours{clock{9, 0}, clock{17, 30}}
		if !d.Before(Date{2000, time.June, 2}) && d.Before(Date{2003, time.November, 3}) {
			h.close = clock{20, 0}
		}
		if isLastOfYear(d) && d.Year >= 2005 {
			h.close = clock{14, 0}
		}
		return h
	},
}

// isLastOfYear reports whether d is the last weekday before December 31, which is never a session itself.
// It assumes that d is a session.
func isLastOfYear(d Date) bool {
	return d.Month == time.December && (d.Day == 30 || d.Day >= 28 && d.Weekday() == time.Friday)
}
