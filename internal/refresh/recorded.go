package refresh

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

const (
	// startGrace is how long after the schedule has fired a run may begin: refresh --if-due hangs on cron
	// lines that fire once an hour.
	startGrace = time.Hour
	// maxRunTime is for how long a run under way is expected to end.
	maxRunTime = 24 * time.Hour
)

// The statuses of runs that have not ended.
const (
	Running Status = "running"
	Died    Status = "died"    // its process ended before it did
	Unknown Status = "unknown" // running or died: its lock cannot be read
)

// Run is what the record of a run says.
type Run struct {
	ID         string    `json:"id"`
	By         string    `json:"by,omitempty"` // "" for this program, else ByApplication
	Job        string    `json:"job"`
	Mode       string    `json:"mode,omitempty"` // "" for all active tickers
	Status     Status    `json:"status"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	Seconds    float64   `json:"seconds"`          // so far, if it is running; 0 if it is not known
	Counts     *Counts   `json:"counts,omitempty"` // nil if they are not recorded
	Calls      *int      `json:"calls,omitempty"`
	Error      string    `json:"error,omitempty"`  // one line
	Holder     *Holder   `json:"holder,omitempty"` // of its job's lock, while it is running
	Kind       Kind      `json:"-"`

	failed bool
}

// missing reports whether no run has finished since one was due, although there was time for it to begin and
// none is under way, and since when that has been so; the zero time if none has ever finished.
func (in HealthInputs) missing(scheduled []Run) (since time.Time, missing bool) {
	if slices.ContainsFunc(scheduled, func(r Run) bool { return r.MayBeRunning() && in.At.Sub(r.StartedAt) < maxRunTime }) {
		return time.Time{}, false
	}
	last, finished := lastFinished(scheduled)
	if !finished {
		return time.Time{}, true
	}
	since, isDue := due(in.Schedule, last.FinishedAt, in.At.Add(-startGrace))
	return since, isDue
}

// settled returns the time by which a session must have been completed for its bar to be missed: one that was
// completed after the last run had begun is left to the next, as long as that is not missing. It is zero
// while the first run is under way.
func (in HealthInputs) settled(scheduled []Run) time.Time {
	if _, missing := in.missing(scheduled); missing {
		return in.At
	}
	last, _ := lastFinished(scheduled)
	return last.StartedAt
}

func (in HealthInputs) runs(records []RunRecord) []Run {
	runs := make([]Run, len(records))
	for i, record := range records {
		runs[i] = in.read(record)
	}
	return runs
}

// IsRunning reports whether a run of this program is under way, or was when its process ended.
func (r RunRecord) IsRunning() bool {
	return r.isOurs() && strings.EqualFold(r.Status, string(Running))
}

// read returns what can be read of a record, which can be another program's.
func (in HealthInputs) read(record RunRecord) Run {
	if !record.isOurs() {
		return record.ofApplication()
	}
	var metadata struct {
		Mode   string  `json:"mode"`
		Status Status  `json:"status"`
		Counts *Counts `json:"counts"`
		Calls  *int    `json:"calls"`
	}
	if err := json.Unmarshal(record.Metadata, &metadata); err != nil {
		metadata.Counts = nil // whatever else could be read is good
	}
	r := record.run()
	r.Mode, r.Kind, r.Counts, r.Calls = metadata.Mode, recordedKind(record.JobName, metadata.Mode), metadata.Counts, metadata.Calls
	took := r.FinishedAt.Sub(r.StartedAt)
	switch {
	case record.IsRunning() && in.LocksUnknown[r.Job] != "":
		r.Status, r.Error = Unknown, in.LocksUnknown[r.Job]
	case record.IsRunning() && in.Locked[r.Job] != nil:
		took = in.At.Sub(r.StartedAt)
		if holder := in.Locked[r.Job]; holder.PID != 0 {
			r.Holder = holder
		}
	case record.IsRunning():
		r.Status, r.failed = Died, true
	default:
		r.failed = r.Status == Failed
		r.Status = cmp.Or(metadata.Status, r.Status)
	}
	r.Seconds = max(0, took.Round(time.Millisecond).Seconds())
	return r
}

// failure returns how a run failed: the end of a sentence.
func (r Run) failure() string {
	switch r.Status {
	case Died:
		return "died: its process ended before it did"
	case Interrupted:
		return "was interrupted"
	case Deferred:
		return "refreshed nothing"
	default:
		return "failed"
	}
}

// MayBeRunning reports whether a run has not ended, as far as is known.
func (r Run) MayBeRunning() bool { return r.Status == Running || r.Status == Unknown }

// delay returns how a run that may be running for too long goes on: the end of a sentence.
func (r Run) delay() string {
	began := r.StartedAt.Format(time.RFC3339)
	switch r.Status {
	case Running:
		return ", and the one of " + began + " is still under way"
	case Unknown:
		return ", and whether the one of " + began + " is still under way is not known: " + r.Error
	default:
		return ""
	}
}

// lastEnded returns the newest run that is not under way, the newest first.
func lastEnded(runs []Run) (Run, bool) {
	i := slices.IndexFunc(runs, func(r Run) bool { return !r.MayBeRunning() })
	if i < 0 {
		return Run{}, false
	}
	return runs[i], true
}

// lastFinished returns the run that has finished last.
func lastFinished(runs []Run) (last Run, found bool) {
	for _, r := range runs {
		if r.FinishedAt.After(last.FinishedAt) {
			last, found = r, true
		}
	}
	return last, found
}
