package exchange

import "time"

// XAMS is Euronext Amsterdam.
var XAMS = &Exchange{
	mic:      "XAMS",
	zone:     zone("Europe/Amsterdam"),
	holidays: euronextHolidays,
	closures: []Date{
		{2000, time.June, 1},   // Ascension Day
		{2000, time.June, 12},  // Whit Monday
		{2001, time.April, 30}, // the Queen's birthday
		{2001, time.June, 4},   // Whit Monday
		{2001, time.December, 31},
	},
	hours: euronextHours,
}
