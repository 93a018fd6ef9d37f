package exchange

import (
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/gb"
)

// XLON is the London Stock Exchange.
var XLON = &Exchange{
	mic:  "XLON",
	zone: zone("Europe/London"),
	holidays: inUTC(
		gb.NewYear,
		gb.GoodFriday,
		gb.EasterMonday,
		gb.EarlyMay,
		gb.SpringHoliday.Clone(&cal.Holiday{Except: []int{2002, 2012, 2022}}),
		gb.SummerHoliday,
		gb.ChristmasDay,
		gb.BoxingDay,
	),
	closures: []Date{
		{2002, time.June, 3}, {2002, time.June, 4}, // the spring holiday, and the Golden Jubilee
		{2011, time.April, 29},                     // the wedding of Prince William
		{2012, time.June, 4}, {2012, time.June, 5}, // the spring holiday, and the Diamond Jubilee
		{2020, time.May, 8},                        // the early May holiday, on VE Day
		{2022, time.June, 2}, {2022, time.June, 3}, // the spring holiday, and the Platinum Jubilee
		{2022, time.September, 19}, // the funeral of Queen Elizabeth II
		{2023, time.May, 8},        // the coronation of King Charles III
	},
	hours: func(d Date) hours {
		h := hours{clock{8, 0}, clock{16, 30}}
		if isEve(d, 24) || isEve(d, 31) {
			h.close = clock{12, 30}
		}
		return h
	},
}
