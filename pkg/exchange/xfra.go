package exchange

// XFRA is the floor of the Frankfurt Stock Exchange. It keeps the days of Xetra, and trades until late in the
// evening. The hours of today stand for those of the past too, when it closed earlier.
var XFRA = &Exchange{
	mic:      "XFRA",
	zone:     zone("Europe/Berlin"),
	holidays: XETR.holidays,
	closures: XETR.closures,
	hours: func(d Date) hours {
		h := hours{clock{8, 0}, clock{22, 0}}
		if isLastOfYear(d) && d.Year >= 2005 {
			h.close = clock{14, 0}
		}
		return h
	},
}
