package exchange

import (
	"time"

	"github.com/rickar/cal/v2/au"
)

// XASX is the Australian Securities Exchange in Sydney.
var XASX = &Exchange{
	mic:  "XASX",
	zone: zone("Australia/Sydney"),
	holidays: inUTC(
		au.NewYear,
		au.AustraliaDay,
		au.GoodFriday,
		au.EasterMonday,
		au.AnzacDay, // there is trading on the Monday after if it falls on a weekend
		au.QueensBirthday,
		au.ChristmasDay,
		au.BoxingDay,
	),
	closures: []Date{
		{2010, time.April, 26},     // for Anzac Day, a Sunday
		{2011, time.April, 26},     // for Anzac Day, which was Easter Monday
		{2022, time.September, 22}, // mourning of Queen Elizabeth II
	},
	hours: func(d Date) hours {
		h := hours{clock{10, 0}, clock{16, 0}}
		if d.Year >= 2010 && (isEve(d, 24) || isEve(d, 31)) {
			h.close = clock{14, 10}
		}
		return h
	},
}
