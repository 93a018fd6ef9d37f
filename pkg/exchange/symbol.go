package exchange

import "strings"

// bySuffix has the exchanges by what follows the last dot of a symbol.
var bySuffix = map[string]*Exchange{
	"LON": XLON,
	"TRT": XTSE, "TRV": XTSE,
	"DEX": XETR, "FRK": XFRA,
	"PAR": XPAR, "AMS": XAMS, "MIL": XMIL,
	"BSE": XBOM, "NSE": XBOM,
	"SHH": XSHG, "SHZ": XSHG,
	"HKG": XHKG,
	"TYO": XTKS,
	"AX":  XASX,
	"SAO": BVMF,

	// Share classes in New York, as in BRK.B. Other single letters name exchanges elsewhere, as in VOD.L.
	"A": XNYS, "B": XNYS, "C": XNYS, "K": XNYS,
}

// ForSymbol returns the exchange of a symbol, chosen by what follows the last dot: .LON is XLON, .TRT and .TRV
// are XTSE, .DEX is XETR, .FRK XFRA, .PAR XPAR, .AMS XAMS, .MIL XMIL, .BSE and .NSE XBOM, .SHH and .SHZ XSHG,
// .HKG XHKG, .TYO XTKS, .AX XASX, .SAO BVMF; nothing, or a share class of A, B, C or K, is XNYS. For any other
// suffix it is Weekdays, and known is false.
func ForSymbol(symbol string) (e *Exchange, known bool) {
	dot := strings.LastIndexByte(symbol, '.')
	if dot < 0 {
		return XNYS, true
	}
	if e, known = bySuffix[strings.ToUpper(symbol[dot+1:])]; known {
		return e, true
	}
	return Weekdays, false
}
