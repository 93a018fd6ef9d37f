package refresh

import (
	"time"

	"papertrade/pkg/marketdata"
)

// The priorities of the watchlist: a lower number goes first.
const (
	FirstPriority   = 1
	UrgentPriority  = 10 // up to here a ticker is fetched every session, however scarce the quota is
	LastPriority    = 100
	DefaultPriority = 100
)

// effectivePriority returns the priority that a row of the watchlist stands for. The application's table takes any
// number, of which a lower one goes first: what is below the first priority is as urgent as that.
func effectivePriority(stored int) int { return max(FirstPriority, stored) }

// WatchlistEntry is a row of the watchlist.
type WatchlistEntry struct {
	Symbol          string // as it is stored: it can be dirty
	Priority        int
	RefreshInterval time.Duration
	IsActive        bool
	LastRefreshAt   time.Time // zero: never
	NextRefreshAt   time.Time // zero: not planned
	TimesErr        error     // why one of them is zero although the row has it; wraps ErrBadValue
}

// WatchlistChange adds a ticker to the watchlist, or makes it active again and changes what is not nil.
type WatchlistChange struct {
	Ticker          marketdata.Ticker
	Priority        *int
	RefreshInterval *time.Duration
}

// MissingSymbols returns the symbols that were asked for and not found, each once and in the order asked.
func MissingSymbols(asked, found []string) []string {
	var missing []string
	seen := map[string]bool{}
	for _, symbol := range found {
		seen[symbol] = true
	}
	for _, symbol := range asked {
		if !seen[symbol] {
			seen[symbol] = true
			missing = append(missing, symbol)
		}
	}
	return missing
}
