// Package history knows what is true of the stored daily history of a ticker, as pure functions of bars.
package history

import (
	"time"

	"papertrade/pkg/marketdata"
)

// StoredBar is a daily bar as a store holds it.
type StoredBar struct {
	marketdata.Bar           // PreviousClose is not known
	Timestamp      time.Time // the stamp of its row, in UTC
	Source         string    // the name of the provider that it came from
	FetchedAt      time.Time // when the row was last written
	Row            int64     // its key in the database
}
