package exchange

import (
	"time"

	"github.com/rickar/cal/v2/aa"
)

// XMIL is Borsa Italiana in Milan.
var XMIL = &Exchange{
	mic:  "XMIL",
	zone: zone("Europe/Rome"),
	holidays: inUTC(
		aa.NewYear,
		aa.GoodFriday,
		aa.EasterMonday,
		aa.WorkersDay,
		aa.AssumptionOfMary,
		onDay("Vigilia di Natale", time.December, 24),
		aa.ChristmasDay,
		aa.ChristmasDay2,
		onDay("San Silvestro", time.December, 31),
	),
	hours: func(Date) hours { return hours{clock{9, 0}, clock{17, 30}} },
}
