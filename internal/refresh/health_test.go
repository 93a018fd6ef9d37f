package refresh

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/robfig/cron/v3"
	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/pkg/marketdata"
)

// healthAt is a healthy Tuesday: the run of midnight took 100 minutes and brought Monday's session.
func healthAt(at time.Time) HealthInputs {
	schedule, err := cron.ParseStandard("0 0 * * *")
	if err != nil {
		panic(err)
	}
	run := ended(instant(24, 0), 100*time.Minute, "SUCCEEDED", `{"status": "succeeded", "counts": {"active": 2, "refreshed": 2}, "calls": 2}`)
	return HealthInputs{
		At: at, Schedule: schedule, MaxStale: 1, LastSuccess: instant(24, 0), Recent: []RunRecord{run}, Scheduled: []RunRecord{run},
		Active: []ActiveTicker{activeSince("AAPL", 23), activeSince("TSCO.LON", 23)},
	}
}

// ended is the record of a run.
func ended(start time.Time, took time.Duration, status, metadata string) RunRecord {
	return RunRecord{ID: start.String(), JobName: JobName, StartedAt: start, FinishedAt: start.Add(took), Status: status, Metadata: ours(metadata)}
}

// ours is the metadata of a run of this program.
func ours(metadata string) []byte {
	return []byte(strings.Replace(`{"at": "2026-11-24T00:00:00Z", `+metadata[1:], ", }", "}", 1))
}

func underWay(start time.Time) RunRecord {
	return RunRecord{ID: start.String(), JobName: JobName, StartedAt: start, Status: "RUNNING", Metadata: ours(`{"counts": {"active": 2}}`)}
}

// activeSince is a ticker that is stored up to a session in November.
func activeSince(symbol string, day int) ActiveTicker {
	return ActiveTicker{Ticker: marketdata.MustParseTicker(symbol), State: State{
		LastSession: date(day), FetchedAt: instant(day+1, 0), CheckedAt: instant(day+1, 0), AskedAt: instant(day+1, 0)}}
}

// heldSince is a price of a session in November that waits for a decision.
func heldSince(symbol string, day int) history.HeldBar {
	return history.HeldBar{
		Bar: marketdata.Bar{
			Ticker: marketdata.MustParseTicker(symbol), Session: date(day), Close: decimal.RequireFromString("1925.00"), Currency: "USD",
		},
		Source: "alpha_vantage", FetchedAt: instant(day+1, 0), Why: "10 times the close before", Decision: history.Waiting,
	}
}

func TestProblems(t *testing.T) {
	const daily = "no run of all active tickers has finished since one was due at 2026-11-25T00:00:00Z"
	tests := []struct {
		name   string
		at     time.Time
		change func(*HealthInputs)
		want   []string // kinds and messages
	}{
		{"well", instant(24, 12), func(*HealthInputs) {}, nil},
		{"a session that was completed since the last run is left to the next", instant(24, 22), func(in *HealthInputs) { in.MaxStale = 0 }, nil},
		{"the next run has an hour to begin", instant(25, 0).Add(59 * time.Minute), func(in *HealthInputs) { in.MaxStale = 0 }, nil},
		{"it has not begun", instant(25, 1), func(*HealthInputs) {}, []string{"run_missing", daily}},
		{"it has not begun, and all tickers are behind", instant(25, 1), func(in *HealthInputs) { in.MaxStale = 0 }, []string{
			"run_missing", daily, "stale_tickers", "2 of 2 active tickers are behind: AAPL (2026-11-23), TSCO.LON (2026-11-23)"}},
		{"it takes its time", instant(25, 1).Add(30 * time.Minute), func(in *HealthInputs) {
			in.begin(underWay(instant(25, 0)))
			in.MaxStale = 0
		}, nil},
		{"it takes a day", instant(26, 0).Add(time.Minute), func(in *HealthInputs) { in.begin(underWay(instant(25, 0))) }, []string{
			"run_missing", daily + ", and the one of 2026-11-25T00:00:00Z is still under way",
			"stale_tickers", "2 of 2 active tickers are more than 1 session behind: AAPL (2026-11-23), TSCO.LON (2026-11-23)"}},
		{"its process has died", instant(25, 0).Add(30 * time.Minute), func(in *HealthInputs) {
			in.begin(underWay(instant(25, 0)))
			in.Locked = nil
		}, []string{"run_failed", "the last run, of 2026-11-25T00:00:00Z, died: its process ended before it did"}},
		{"nobody knows whether its process has died", instant(25, 0).Add(30 * time.Minute), func(in *HealthInputs) {
			in.begin(underWay(instant(25, 0)))
			in.Locked, in.LocksUnknown = nil, map[string]string{JobName: "no permission"}
		}, nil},
		{"nobody has known it for a day", instant(26, 0).Add(time.Minute), func(in *HealthInputs) {
			in.begin(underWay(instant(25, 0)))
			in.Locked, in.LocksUnknown, in.MaxStale = nil, map[string]string{JobName: "no permission"}, 9
		}, []string{"run_missing", daily + ", and whether the one of 2026-11-25T00:00:00Z is still under way is not known: no permission"}},
		{"the very first run is under way", instant(24, 1), func(in *HealthInputs) {
			in.Scheduled, in.Recent = nil, nil
			in.begin(underWay(instant(24, 0)))
		}, nil},
		{"no run has ever finished", instant(24, 1), func(in *HealthInputs) { in.Scheduled, in.Recent = nil, nil }, []string{
			"run_missing", "no run of all active tickers has finished yet"}},
		{"disabled", instant(25, 12), func(in *HealthInputs) { in.Disabled = true }, []string{
			"run_missing", daily}},
		{"one by hand that began before the schedule fired counts", instant(25, 12), func(in *HealthInputs) {
			in.begin(ended(instant(24, 23), 2*time.Hour, "SUCCEEDED", `{}`))
		}, nil},
		{"over the weekend runs go on, and sessions do not", instant(29, 12), func(in *HealthInputs) {
			in.begin(ended(instant(29, 0), 0, "SUCCEEDED", `{}`))
			in.Active, in.MaxStale = []ActiveTicker{activeSince("AAPL", 27)}, 0
		}, nil},
		{"a weekly schedule is due weekly", instant(27, 12), func(in *HealthInputs) {
			in.Schedule, _ = cron.ParseStandard("0 0 * * 2")
		}, nil},

		{"a failed run", instant(24, 12), func(in *HealthInputs) {
			in.Scheduled[0].Status, in.Scheduled[0].ErrorMessage, in.Scheduled[0].Metadata = "FAILED", "2 of 2 tickers failed,\n0 deferred", ours(`{"status": "failed"}`)
		}, []string{"run_failed", "the last run, of 2026-11-24T00:00:00Z, failed: 2 of 2 tickers failed, 0 deferred"}},
		{"one for which no call was left", instant(24, 12), func(in *HealthInputs) {
			in.begin(ended(instant(24, 6), time.Second, "FAILED", `{"status": "deferred"}`))
		}, nil},
		{"one that spent the quota", instant(24, 12), func(in *HealthInputs) {
			in.LastSuccess = instant(23, 0)
			in.Scheduled[0].Status, in.Scheduled[0].Metadata = "FAILED", ours(`{"status": "deferred"}`)
		}, []string{"run_failed", "the last run, of 2026-11-24T00:00:00Z, refreshed nothing"}},
		{"an interrupted one", instant(24, 12), func(in *HealthInputs) {
			in.Scheduled[0].Status, in.Scheduled[0].Metadata = "FAILED", ours(`{"status": "interrupted"}`)
		}, []string{"run_failed", "the last run, of 2026-11-24T00:00:00Z, was interrupted"}},
		{"one whose metadata tell nothing", instant(24, 12), func(in *HealthInputs) {
			in.Scheduled[0].Status, in.Scheduled[0].Metadata = "FAILED", ours(`{}`)
		}, []string{"run_failed", "the last run, of 2026-11-24T00:00:00Z, failed"}},
		{"a failed run that is made up for", instant(24, 12), func(in *HealthInputs) {
			in.Scheduled[0].Status = "FAILED"
			in.begin(ended(instant(24, 6), time.Minute, "SUCCEEDED", `{}`))
		}, nil},
		{"a failed run that is being made up for", instant(24, 7), func(in *HealthInputs) {
			in.Scheduled[0].Status = "FAILED"
			in.begin(underWay(instant(24, 6)))
		}, []string{"run_failed", "the last run, of 2026-11-24T00:00:00Z, failed"}},
		{"a partial run left one ticker behind", instant(24, 12), func(in *HealthInputs) {
			in.Scheduled[0].Metadata = ours(`{"status": "partial"}`)
			in.Active[0] = activeSince("AAPL", 20)
		}, nil},
		{"which is too much with --max-stale 0", instant(24, 12), func(in *HealthInputs) {
			in.Active[0] = activeSince("AAPL", 20)
			in.MaxStale = 0
		}, []string{"stale_tickers", "1 of 2 active tickers is behind: AAPL (2026-11-20)"}},
		{"it fails the second night in a row", instant(24, 12), func(in *HealthInputs) { in.Active[0] = activeSince("AAPL", 19) }, []string{
			"stale_tickers", "1 of 2 active tickers is more than 1 session behind: AAPL (2026-11-19)"}},
		{"the stalest are named", instant(24, 12), func(in *HealthInputs) {
			in.Active = []ActiveTicker{activeSince("A", 18), activeSince("B", 17), activeSince("C", 16), activeSince("D", 23), activeSince("E", 16),
				activeSince("F", 19), {Ticker: marketdata.MustParseTicker("G"), State: State{AskedAt: instant(24, 0)}}}
		}, []string{"stale_tickers", "6 of 7 active tickers are more than 1 session behind: " +
			"G (nothing is stored), C (2026-11-16), E (2026-11-16), B (2026-11-17), A (2026-11-18), and 1 more"}},
		{"a new ticker waits for its first turn", instant(24, 12), func(in *HealthInputs) {
			in.Active[0], in.MaxStale = ActiveTicker{Ticker: marketdata.MustParseTicker("NEW")}, 0
		}, nil},
		{"an unknown ticker is skipped", instant(24, 12), func(in *HealthInputs) {
			in.Active[0] = activeSince("AAPL", 2)
			in.Active[0].State.UnknownSessions, in.Active[0].State.UnknownSession = 3, date(20)
		}, nil},
		{"of an exchange whose holidays nobody knows, what the provider has answered since counts", instant(24, 12), func(in *HealthInputs) {
			in.Active[0] = activeSince("VOD.XX", 10)
			in.Active[0].State.CheckedAt = instant(24, 1)
		}, nil},
		{"and what it has not answered does not", instant(24, 12), func(in *HealthInputs) { in.Active[0] = activeSince("VOD.XX", 10) }, []string{
			"stale_tickers", "1 of 2 active tickers is more than 1 session behind: VOD.XX (2026-11-10)"}},

		{"a held price, of a ticker that is not active any more", instant(24, 12), func(in *HealthInputs) {
			in.Held = []history.HeldBar{heldSince("GONE", 2)}
		}, []string{"held_prices", "1 held price may be wrong: GONE (2026-11-02)"}},
		{"held prices are named, and no longer each", instant(24, 12), func(in *HealthInputs) {
			in.Held = []history.HeldBar{heldSince("A", 19), heldSince("A", 20), heldSince("B", 20), heldSince("C", 20),
				heldSince("D", 20), heldSince("E", 20), heldSince("F", 20)}
		}, []string{"held_prices", "7 held prices may be wrong: " +
			"A (2026-11-19), A (2026-11-20), B (2026-11-20), C (2026-11-20), D (2026-11-20), and 2 more"}},
		{"a split that is rebased", instant(24, 12), func(in *HealthInputs) {
			in.Active[0].State.Splits = []history.Split{{Session: date(20), New: 10, Old: 1, Rebased: true}}
		}, nil},
		{"a pending split", instant(24, 12), func(in *HealthInputs) {
			in.Active[0].State.Splits = []history.Split{{Session: date(20), New: 10, Old: 1}}
		}, []string{"pending_splits", "1 split is pending, AAPL 10:1 (2026-11-20)"}},
		{"both, and a failed run before them", instant(24, 12), func(in *HealthInputs) {
			in.Scheduled[0].Status, in.Scheduled[0].Metadata = "FAILED", ours(`{}`)
			in.Held = []history.HeldBar{heldSince("AAPL", 20)}
			in.Active[0].State.Splits = []history.Split{{Session: date(19), New: 3, Old: 2}}
			in.Active[1].State.Splits = []history.Split{{Session: date(20), New: 1, Old: 8}}
		}, []string{
			"run_failed", "the last run, of 2026-11-24T00:00:00Z, failed",
			"held_prices", "1 held price may be wrong: AAPL (2026-11-20)",
			"pending_splits", "2 splits are pending, AAPL 3:2 (2026-11-19), TSCO.LON 1:8 (2026-11-20)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := healthAt(tt.at)
			tt.change(&in)
			var got []string
			for _, p := range NewHealth(in).Problems {
				got = append(got, p.Kind, p.Message)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// The application's runs are what they say they are: it may have any metadata, or none, and nobody knows of its process.
func TestRunsOfApplication(t *testing.T) {
	in := healthAt(instant(24, 12))
	for i, metadata := range []string{``, `null`, `[]`, `3`, `no JSON`, `{}`, `{"at": null}`, `{"duration_seconds": 4.5, "calls": 2}`} {
		ended := ended(instant(24, 2), 4500*time.Millisecond, "FAILED", `{}`)
		ended.ID, ended.ErrorMessage, ended.Metadata = fmt.Sprint(i), "no such\nhost", []byte(metadata)
		begun := ended
		begun.Status, begun.FinishedAt = "RUNNING", time.Time{}
		in.Recent = []RunRecord{ended, begun}
		h := NewHealth(in)
		want := Run{
			ID: ended.ID, By: ByApplication, Job: JobName, Status: Failed, StartedAt: ended.StartedAt, FinishedAt: ended.FinishedAt,
			Seconds: 4.5, Error: "no such host",
		}
		wantBegun := want
		wantBegun.Status, wantBegun.FinishedAt, wantBegun.Seconds = Running, time.Time{}, 0
		if diff := cmp.Diff([]Run{want, wantBegun}, h.Runs[:2], cmpopts.IgnoreUnexported(Run{})); diff != "" {
			t.Errorf("metadata %s: (-want +got)\n%s", metadata, diff)
		}
		if len(h.Problems) > 0 || begun.IsRunning() {
			t.Errorf("metadata %s: problems %v, running %t", metadata, h.Problems, begun.IsRunning())
		}
	}
}

// begin adds the newest run, whose process lives.
func (in *HealthInputs) begin(run RunRecord) {
	in.Scheduled, in.Locked = append([]RunRecord{run}, in.Scheduled...), map[string]*Holder{JobName: {}}
}

func TestHealth(t *testing.T) {
	in := healthAt(instant(25, 0).Add(30 * time.Minute))
	in.Active[1].State.Splits = []history.Split{{Session: date(9), New: 3, Old: 1, Rebased: true}, {Session: date(20), New: 10, Old: 1}}
	unknown, once := activeSince("GONE", 10), activeSince("SHY", 23)
	unknown.State.UnknownSessions, unknown.State.UnknownSession = 4, date(20)
	once.State.UnknownSessions, once.State.UnknownSession = 1, date(24)
	in.Active = append(in.Active, unknown, once, activeSince("FRESH", 24), ActiveTicker{Ticker: marketdata.MustParseTicker("NEW")})
	in.Tasks, in.Held = 3, []history.HeldBar{heldSince("GONE", 20)}
	intraday := ended(instant(24, 15), 1500*time.Millisecond, "SUCCEEDED", `{"mode": "intraday", "status": "partial", "counts": {"active": 9, "refreshed": 1, "failed": 1}, "calls": 4}`)
	odd := ended(instant(24, 14), time.Minute, "done", `{"mode": 5, "counts": [], "calls": 3}`)
	odd.FinishedAt = time.Time{}
	dead := underWay(instant(24, 13))
	dead.JobName, dead.Metadata = BackfillJobName, ours(`{}`)
	in.Recent = []RunRecord{underWay(instant(25, 0)), intraday, odd, dead}
	in.Scheduled = []RunRecord{underWay(instant(25, 0)), in.Scheduled[0]}
	in.Locked = map[string]*Holder{JobName: {}}

	h := NewHealth(in)
	var bars []history.StoredBar
	for i := range 30 {
		bars = append(bars, history.StoredBar{Bar: marketdata.Bar{Close: decimal.New(int64(i), -1)}})
	}
	h.AddCloses(map[marketdata.Ticker][]history.StoredBar{in.Active[0].Ticker: bars, in.Active[1].Ticker: bars[:1]})
	got, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Indent(&want, []byte(wantHealth), "", "  "); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

const wantHealth = `{
	"at": "2026-11-25T00:30:00Z",
	"problems": [
		{"kind": "held_prices", "message": "1 held price may be wrong: GONE (2026-11-20)", "tickers": ["GONE"]},
		{"kind": "pending_splits", "message": "1 split is pending, TSCO.LON 10:1 (2026-11-20)", "tickers": ["TSCO.LON"]}
	],
	"runs": [
		{"id": "2026-11-25 00:00:00 +0000 UTC", "job": "refresh_active_stocks", "status": "running",
			"started_at": "2026-11-25T00:00:00Z", "seconds": 1800,
			"counts": {"active": 2, "fresh": 0, "planned": 0, "refreshed": 0, "failed": 0, "deferred": 0}},
		{"id": "2026-11-24 15:00:00 +0000 UTC", "job": "refresh_active_stocks", "mode": "intraday", "status": "partial",
			"started_at": "2026-11-24T15:00:00Z", "finished_at": "2026-11-24T15:00:01.5Z", "seconds": 1.5,
			"counts": {"active": 9, "fresh": 0, "planned": 0, "refreshed": 1, "failed": 1, "deferred": 0}, "calls": 4},
		{"id": "2026-11-24 14:00:00 +0000 UTC", "job": "refresh_active_stocks", "status": "done",
			"started_at": "2026-11-24T14:00:00Z", "seconds": 0, "calls": 3},
		{"id": "2026-11-24 13:00:00 +0000 UTC", "job": "backfill_active_stocks", "status": "died",
			"started_at": "2026-11-24T13:00:00Z", "seconds": 0},
		{"id": "2026-11-24 00:00:00 +0000 UTC", "job": "refresh_active_stocks", "status": "succeeded",
			"started_at": "2026-11-24T00:00:00Z", "finished_at": "2026-11-24T01:40:00Z", "seconds": 6000,
			"counts": {"active": 2, "fresh": 0, "planned": 0, "refreshed": 2, "failed": 0, "deferred": 0}, "calls": 2}
	],
	"due": true,
	"due_since": "2026-11-25T00:00:00Z",
	"next_due_at": "2026-11-26T00:00:00Z",
	"freshness": {"session": "2026-11-24", "active": 6, "fresh": 1, "due": 3, "stale": [
		{"ticker": "NEW"},
		{"ticker": "AAPL", "last_session": "2026-11-23", "sessions_behind": 1, "closes": [
			"1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "2.8", "2.9"]},
		{"ticker": "SHY", "last_session": "2026-11-23", "sessions_behind": 1},
		{"ticker": "TSCO.LON", "last_session": "2026-11-23", "sessions_behind": 1, "closes": ["0.0"]}
	]},
	"unknown": [
		{"ticker": "GONE", "unknown_sessions": 4, "asked_again_for": "2026-11-27",
			"note": "unknown to the provider for 4 sessions: asked weekly, next for the session of 2026-11-27"},
		{"ticker": "SHY", "unknown_sessions": 1,
			"note": "the provider did not know it in the session of 2026-11-24"}
	],
	"splits": [{"ticker": "TSCO.LON", "session": "2026-11-20", "ratio": "10:1"}],
	"held": [{"ticker": "GONE", "session": "2026-11-20", "close": "1925.00", "currency": "USD", "why": "10 times the close before",
		"evidence": [], "source": "alpha_vantage", "fetched_at": "2026-11-21T00:00:00Z", "decision": "held"}],
	"pending_tasks": 3
}`
