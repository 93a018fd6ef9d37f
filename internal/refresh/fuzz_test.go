package refresh

import (
	"encoding/json"
	"testing"
	"time"
)

// Whatever the record of a run holds, be it another program's, all that is said of it can be.
func FuzzRecord(f *testing.F) {
	for _, metadata := range []string{
		"", "null", "{}", `{"duration_seconds": 1.5}`, `{"at": "2026-11-24T00:00:00Z", "status": "partial", "counts": {"active": 2}, "calls": 2}`,
		`{"at": 1, "counts": [], "mode": {}}`, `{"at": "soon", "status": "\u0000", "calls": 1e999}`,
		`{"at": "2026-11-24T00:00:00Z", "published": [{"exchange": "XNYS", "session": "2026-11-23", "tickers": 2}, {"exchange": "", "tickers": -1}, null]}`,
	} {
		f.Add(JobName, "SUCCEEDED", metadata, int64(60))
		f.Add("backfill", "running", metadata, int64(-60))
	}
	f.Fuzz(func(t *testing.T, job, status, metadata string, seconds int64) {
		in := healthAt(instant(24, 12))
		start := instant(24, 0)
		record := RunRecord{ID: "1", JobName: job, StartedAt: start, FinishedAt: start.Add(time.Duration(seconds)), Status: status, Metadata: []byte(metadata)}
		in.Recent, in.Published = []RunRecord{record}, []RunRecord{record, record, record, record, record}
		if record.isOurs() {
			in.Scheduled = in.Recent
		}
		health := NewHealth(in)
		if len(health.Runs) != 1 && record.isOurs() || health.Runs[0].Seconds < 0 {
			t.Fatalf("the runs are %+v", health.Runs)
		}
		if _, err := json.Marshal(health); err != nil {
			t.Fatal(err)
		}
	})
}
