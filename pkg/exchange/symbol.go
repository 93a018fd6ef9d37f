package exchange

import "strings"

// ForSymbol returns the exchange of a symbol as Alpha Vantage writes it, chosen by what follows the last
// dot: .LON is XLON, .TRT and .TRV are XTSE, .DEX is XETR; nothing, or a share class of one letter
// (BRK.B), is XNYS. For any other suffix it is Weekdays, and known is false.
func ForSymbol(symbol string) (e *Exchange, known bool) {
	dot := strings.LastIndexByte(symbol, '.')
	if dot < 0 || len(symbol)-dot <= 2 {
		return XNYS, true
	}
	switch strings.ToUpper(symbol[dot+1:]) {
	case "LON":
		return XLON, true
	case "TRT", "TRV":
		return XTSE, true
	case "DEX":
		return XETR, true
	case "BSE", "NSE":
		return XBOM, true
	case "SHH", "SHZ":
		return XSHG, true
	case "HKG":
		return XHKG, true
	case "PAR":
		return XPAR, true
	case "AMS":
		return XAMS, true
	case "FRK":
		return XFRA, true
	case "MIL":
		return XMIL, true
	case "TYO":
		return XTKS, true
	case "AX":
		return XASX, true
	case "SAO":
		return BVMF, true
	}
	return Weekdays, false
}
