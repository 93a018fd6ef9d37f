package history

import (
	"time"

	"papertrade/pkg/marketdata"
)

// ManualSource is the source of bars that a person set. No run overwrites them.
const ManualSource = "manual"

// Decision is what was decided about a bar that was held.
type Decision string

// The decisions about a held bar.
const (
	Waiting  Decision = "held"     // none yet
	Accepted Decision = "accepted" // it is stored in the history
	Rejected Decision = "rejected" // it is wrong, and is not stored if a vendor repeats it
)

// HeldBar is a daily bar that is kept beside the history because it may be wrong, and what was decided about it.
type HeldBar struct {
	marketdata.Bar           // PreviousClose is that of its answer
	Source         string    // the name of the provider that it came from
	FetchedAt      time.Time // when the call that brought it began
	Why            string    // one line for people
	Evidence       []string  // what speaks for and against it, one line each
	Decision       Decision
	DecidedAt      time.Time // zero while it waits
}
