package marketdata

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// Currency is what a ticker is quoted in. A Currency other than the zero one is valid because it
// exists: only ParseCurrency and DefaultCurrencies make one.
type Currency struct {
	quoted string // as ParseCurrency reads it
	stored string // ISO 4217
	// subunitDigits is the number of decimals by which quotes in the smaller unit are shifted.
	subunitDigits int32
}

// smallerUnits are the subunits of currencies in which exchanges quote shares.
var smallerUnits = map[string]Currency{
	"GBX": {"GBX", "GBP", 2}, // London
	"ZAC": {"ZAC", "ZAR", 2}, // Johannesburg
	"ILA": {"ILA", "ILS", 2}, // Tel Aviv
}

// iso4217 are the codes of currencies that are legal tender in some country, as of 2026.
const iso4217 = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP " +
	"CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR " +
	"ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT " +
	"MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD " +
	"SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES " +
	"VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"

// ParseCurrency reads the code of the currency of quotes: one of ISO 4217, or GBX, ZAC or ILA, hundredths
// of GBP, ZAR and ILS. Lower case is refused, since GBp often means GBX.
func ParseCurrency(code string) (Currency, error) {
	if c, ok := smallerUnits[code]; ok {
		return c, nil
	}
	if !slices.Contains(strings.Fields(iso4217), code) {
		return Currency{}, fmt.Errorf("%q is not a currency: write a code of ISO 4217, or GBX, ZAC or ILA", clip(code))
	}
	return Currency{quoted: code, stored: code}, nil
}

func mustParseCurrency(code string) Currency {
	c, err := ParseCurrency(code)
	if err != nil {
		panic(err)
	}
	return c
}

// String returns the code that ParseCurrency reads.
func (c Currency) String() string { return c.quoted }

// Code returns the ISO 4217 code of the currency that quotes are stored in: GBP for quotes in GBX.
func (c Currency) Code() string { return c.stored }

// FromQuote converts a quoted price to whole units of the currency: 250 GBX are 2.50 GBP.
func (c Currency) FromQuote(price decimal.Decimal) decimal.Decimal {
	return price.Shift(-c.subunitDigits)
}

// Currencies holds the currencies that tickers are quoted in, by suffix (".HKG") or by ticker ("AZN.LON"), in capitals.
type Currencies map[string]Currency

// DefaultCurrencies returns the currency of quotes by the suffix of their exchange; quotes of any other
// ticker are in USD.
func DefaultCurrencies() Currencies { return maps.Clone(currencyBySuffix) }

// Of returns the currency of the ticker itself, else that of its suffix, else USD.
func (c Currencies) Of(ticker Ticker) Currency {
	if currency, ok := c.Lookup(ticker); ok {
		return currency
	}
	return dollars
}

// Lookup returns the currency of the ticker itself, else that of its suffix; false if there is neither.
func (c Currencies) Lookup(ticker Ticker) (Currency, bool) {
	if currency, ok := c[ticker.symbol]; ok {
		return currency, true
	}
	currency, ok := c[ticker.Suffix()]
	return currency, ok
}

var currencyBySuffix = Currencies{
	".LON": mustParseCurrency("GBX"),
	".TRT": mustParseCurrency("CAD"),
	".TRV": mustParseCurrency("CAD"),
	".DEX": mustParseCurrency("EUR"),
	".FRK": mustParseCurrency("EUR"),
	".PAR": mustParseCurrency("EUR"),
	".AMS": mustParseCurrency("EUR"),
	".MIL": mustParseCurrency("EUR"),
	".BSE": mustParseCurrency("INR"),
	".NSE": mustParseCurrency("INR"),
	".SHH": mustParseCurrency("CNY"),
	".SHZ": mustParseCurrency("CNY"),
	".HKG": mustParseCurrency("HKD"),
	".TYO": mustParseCurrency("JPY"),
	".AX":  mustParseCurrency("AUD"),
	".SAO": mustParseCurrency("BRL"),
}

var dollars = mustParseCurrency("USD")
