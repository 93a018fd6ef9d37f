package alphavantage

import (
	"strings"

	"papertrade/pkg/marketdata"
)

// currency is what Alpha Vantage quotes a ticker in. It never says so itself.
type currency struct {
	code string // ISO 4217
	// subunitDigits is by how many decimals a quote is written in the currency's smaller unit.
	subunitDigits int32
}

// currencyOf goes by the suffix that names the exchange. London's quotes are in pence.
func currencyOf(ticker marketdata.Ticker) currency {
	_, suffix, _ := strings.Cut(ticker.String(), ".")
	switch suffix {
	case "LON":
		return currency{"GBP", 2}
	case "TRT", "TRV":
		return currency{"CAD", 0}
	case "DEX":
		return currency{"EUR", 0}
	case "BSE":
		return currency{"INR", 0}
	case "SHH", "SHZ":
		return currency{"CNY", 0}
	default:
		return currency{"USD", 0}
	}
}
