package refresh

import "time"

// Schedule knows when runs are due.
type Schedule interface {
	// Next returns the first time after t at which a run is due, in the zone of t.
	Next(t time.Time) time.Time
}

// due reports whether a schedule has fired by a time since the last run, and when it fires after that; the
// zero time if there was no run, in which case one is due.
func due(s Schedule, last, at time.Time) (next time.Time, isDue bool) {
	if last.IsZero() {
		return time.Time{}, true
	}
	next = s.Next(last.UTC())
	return next, !next.After(at)
}
