package exchange

import (
	"time"

	"github.com/rickar/cal/v2/aa"
)

// XPAR is Euronext Paris.
var XPAR = &Exchange{
	mic:      "XPAR",
	zone:     zone("Europe/Paris"),
	holidays: euronextHolidays,
	closures: []Date{
		{2000, time.June, 12}, // Whit Monday
		{2000, time.July, 14}, // Bastille Day
		{2001, time.June, 4},  // Whit Monday
		{2001, time.December, 31},
	},
	hours: euronextHours,
}

// euronextHolidays are those of all Euronext markets but Milan and Oslo.
var euronextHolidays = inUTC(
	aa.NewYear,
	aa.GoodFriday,
	aa.EasterMonday,
	aa.WorkersDay,
	aa.ChristmasDay,
	aa.ChristmasDay2,
)

func euronextHours(d Date) hours {
	h := hours{clock{9, 0}, clock{17, 30}}
	if d.Month == time.December && (d.Day == 24 || d.Day == 31) {
		h.close = clock{14, 5}
	}
	return h
}
