package marketdata

import (
	"cmp"
	"fmt"
	"strings"

	"papertrade/pkg/exchange"
)

// MaxTickerLength is the maximum number of characters of a Ticker.
const MaxTickerLength = 20

// Ticker is the symbol of a security as its vendor writes it: upper-case letters and digits, in
// parts joined by a dot, a hyphen or an ampersand (AAPL, BRK.B, BF-B, TSCO.LON, 600104.SHH, M&M.BSE). A
// Ticker other than the zero one is valid because it exists: only ParseTicker and UnmarshalText make one.
type Ticker struct{ symbol string }

// ParseTicker reads a symbol. It accepts surrounding white space and lower case; an error says
// what else is wrong with s.
func ParseTicker(s string) (Ticker, error) {
	symbol := strings.ToUpper(strings.TrimSpace(s))
	if symbol == "" {
		return Ticker{}, fmt.Errorf("%q is not a ticker: it is empty", clip(s))
	}
	if len(symbol) > MaxTickerLength {
		return Ticker{}, fmt.Errorf("%q is not a ticker: it is longer than %d characters", clip(s), MaxTickerLength)
	}
	separated := true
	for _, r := range symbol {
		switch {
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			separated = false
		case (r == '.' || r == '-' || r == '&') && !separated:
			separated = true
		default:
			return Ticker{}, notATicker(s)
		}
	}
	if separated {
		return Ticker{}, notATicker(s)
	}
	return Ticker{symbol}, nil
}

func notATicker(s string) error {
	return fmt.Errorf("%q is not a ticker: write letters and digits, in parts joined by a dot or a hyphen, as in BRK.B", clip(s))
}

// clip keeps a wrong value from filling a screen.
func clip(s string) string {
	if r := []rune(s); len(r) > 2*MaxTickerLength {
		return string(r[:2*MaxTickerLength]) + "…"
	}
	return s
}

// MustParseTicker is ParseTicker for symbols that are written in the program. It panics on an error.
func MustParseTicker(s string) Ticker {
	t, err := ParseTicker(s)
	if err != nil {
		panic(err)
	}
	return t
}

// String returns the symbol.
func (t Ticker) String() string { return t.symbol }

// Suffix returns the part that names the exchange, from the last dot on: ".LON"; "" if the symbol has no dot.
// Of BRK.B it is ".B", which names a share class.
func (t Ticker) Suffix() string {
	if dot := strings.LastIndexByte(t.symbol, '.'); dot >= 0 {
		return t.symbol[dot:]
	}
	return ""
}

// Calendar returns the calendar of the ticker's exchange: exchange.Weekdays if HasCalendar is false.
func (t Ticker) Calendar() *exchange.Exchange {
	calendar, _ := exchange.ForSymbol(t.symbol)
	return calendar
}

// HasCalendar reports whether the sessions of the ticker's exchange are known.
func (t Ticker) HasCalendar() bool {
	_, known := exchange.ForSymbol(t.symbol)
	return known
}

// Compare orders tickers by their symbols.
func (t Ticker) Compare(other Ticker) int { return cmp.Compare(t.symbol, other.symbol) }

// MarshalText returns the symbol as bytes.
func (t Ticker) MarshalText() ([]byte, error) { return []byte(t.symbol), nil }

// UnmarshalText reads a symbol as ParseTicker does.
func (t *Ticker) UnmarshalText(text []byte) error {
	parsed, err := ParseTicker(string(text))
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}
