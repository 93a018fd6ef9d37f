package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/spf13/cobra"

	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// errUnwell ends status --check where it has told a problem.
var errUnwell = errors.New("not all is well")

// recentRuns are shown.
const recentRuns = 5

const statusExitStatuses = `
Exit status:
  0    done; with --check: all is well
  1    failed; with --check: there is a problem, or the database cannot be read
  2    wrong usage or settings; nothing was touched
  130  interrupted by SIGINT
  143  interrupted by SIGTERM`

type statusOptions struct {
	check    bool
	maxStale int
	at       instant
}

func newStatus(a *app) *cobra.Command {
	var opts statusOptions
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show runs, quota and freshness; --check for monitors",
		Long: `status shows the last runs, what is used and left of the quota, how many active
tickers have the newest session of their exchange and which are the stalest, the
tickers that are skipped since the provider does not know them, splits that the
stored history lacks, and when the next run is due. It writes nothing and needs no
key, without which the quota is unknown. The quota goes by the real clock, whatever
--at says.

--check prints nothing and exits 0 when all is well. Otherwise it prints one line that
names the problems, and exits 1. A problem is:

  * The last run of all active tickers failed, was interrupted or died. One that
    refreshed some of them did not fail: those that it left become stale.
  * No run of all active tickers has finished since refresh.schedule last fired. A
    run has an hour to begin, so that --if-due in an hourly cron line will do, and a
    day to finish while its process lives.
  * An active ticker is more than --max-stale sessions behind. Only sessions count
    that were completed before the last run began, or all where a run is missing. So
    nobody is behind in the evening, when a session is complete and the run of
    midnight is still to come. With the default of 1 a bar that the vendor publishes
    late, and one call that fails, are made up for by the next run before anybody is
    woken; choose more where the quota does not suffice for each ticker each day.
    Tickers wait for their first turn, and unknown ones do not count.

-o json prints the whole as one object, of --check the problems as a list; -o csv the
runs; -o plain lines of a key, a tab and a value.
` + statusExitStatuses,
		Example: `  papertrade status
  papertrade status --check                   # in a cron line that mails what it prints
  papertrade status --check --max-stale 3
  papertrade status -o json | jq .freshness
  papertrade status -o plain | grep ^quota_left`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runStatus(cmd.Context(), a, opts) },
	}
	opts.AddFlags(cmd)
	return cmd
}

// AddFlags adds the flags of status.
func (o *statusOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.check, "check", false, "print only problems, in one line, and exit 1 if there is one")
	f.IntVar(&o.maxStale, "max-stale", 1, "how many sessions `N` an active ticker may be behind")
	f.Var(&o.at, "at", atUsage)
}

func runStatus(ctx context.Context, a *app, opts statusOptions) error {
	if opts.maxStale < 0 {
		return wrongUsage("--max-stale %d: choose a number of sessions from 0 on", opts.maxStale)
	}
	db, err := a.openToRead(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := a.readStatus(ctx, db, opts)
	if err != nil {
		return err
	}
	if opts.check {
		return a.printProblems(s.Problems)
	}
	return a.printStatus(s)
}

// status is all that the command tells.
type status struct {
	refresh.Health
	Quota        []allowance `json:"quota,omitempty"`
	QuotaUnknown string      `json:"quota_unknown,omitempty"` // why there is no Quota
	HeldUntil    time.Time   `json:"quota_held_until,omitzero"`
}

// allowance is what is left of a rate limit.
type allowance struct {
	Limit   string    `json:"limit"`
	Used    int       `json:"used"`
	Left    int       `json:"left"`
	FreesAt time.Time `json:"frees_at,omitzero"`
}

func (a *app) readStatus(ctx context.Context, db store, opts statusOptions) (status, error) {
	in := refresh.HealthInputs{At: a.clock(opts.at)(), MaxStale: opts.maxStale, Disabled: !a.config.Refresh.Enabled}
	var err error
	if in.Schedule, err = cron.ParseStandard(a.config.Refresh.Schedule); err != nil {
		return status{}, err
	}
	var skipped []refresh.SkippedRow
	if in.Active, skipped, err = refresh.Discover(ctx, db, discovery(a.config), in.At); err != nil {
		return status{}, err
	}
	for _, row := range skipped {
		if !opts.check {
			observe(a.log)(refresh.RowSkipped{SkippedRow: row})
		}
	}
	if err := a.readRuns(ctx, db, &in); err != nil {
		return status{}, err
	}
	if _, in.Tasks, err = db.PendingTasks(ctx, 1); err != nil {
		return status{}, err
	}
	s := status{Health: refresh.NewHealth(in)}
	for i := range s.Problems {
		if s.Problems[i].Disabled {
			s.Problems[i].Message += ", and refresh.enabled is false"
		}
	}
	for i := range s.Unknown {
		s.Unknown[i].Note += "; --force asks again"
	}
	if opts.check {
		return s, nil
	}
	if err := addCloses(ctx, db, &s.Health); err != nil {
		return status{}, err
	}
	return s, a.readQuota(ctx, db, &s)
}

func (a *app) readRuns(ctx context.Context, db store, in *refresh.HealthInputs) (err error) {
	// A run that ends between the look at its record and that at its lock seems to have died. Its record
	// tells better the next time.
	for range 3 {
		died, err := a.readRunsOnce(ctx, db, in)
		if err != nil || !died {
			return err
		}
	}
	return nil
}

// readRunsOnce also says whether a record is RUNNING whose process is gone.
func (a *app) readRunsOnce(ctx context.Context, db store, in *refresh.HealthInputs) (died bool, err error) {
	jobs := refresh.JobNames()
	if in.Recent, err = db.Runs(ctx, refresh.RunQuery{Jobs: jobs, Limit: recentRuns}); err != nil {
		return false, err
	}
	if in.Scheduled, err = db.Runs(ctx, refresh.RunQuery{Jobs: jobs[:1], ScheduledOnly: true, Limit: recentRuns}); err != nil {
		return false, err
	}
	if in.LastSuccess, err = db.LastRun(ctx, refresh.JobName); err != nil {
		return false, err
	}
	in.Locked = map[string]bool{}
	for _, records := range [][]refresh.RunRecord{in.Recent, in.Scheduled} {
		for i := range records {
			r := &records[i]
			r.ErrorMessage = a.config.Redact(r.ErrorMessage) // another program may have written it
			if _, known := in.Locked[r.JobName]; known || !r.IsRunning() {
				continue
			}
			if in.Locked[r.JobName], err = db.Locked(ctx, r.JobName); err != nil {
				return false, err
			}
			died = died || !in.Locked[r.JobName]
		}
	}
	return died, nil
}

// addCloses reads the last closes of the stalest tickers.
func addCloses(ctx context.Context, db store, h *refresh.Health) error {
	const reach = 60 // days in which a ticker has enough sessions
	var tickers []marketdata.Ticker
	var from exchange.Date
	for _, s := range h.Freshness.Stalest {
		if s.LastSession.IsZero() {
			continue
		}
		if first := s.LastSession.AddDays(-reach); len(tickers) == 0 || first.Before(from) {
			from = first
		}
		tickers = append(tickers, s.Ticker)
	}
	if len(tickers) == 0 {
		return nil
	}
	bars, err := db.Bars(ctx, tickers, from, exchange.Date{})
	if err != nil {
		return err
	}
	h.AddCloses(bars)
	return nil
}

// readQuota reads what the ledger knows of the key, if there is one.
func (a *app) readQuota(ctx context.Context, db store, s *status) error {
	vendor := a.config.Provider()
	key, err := a.config.Key(vendor)
	if err != nil {
		s.QuotaUnknown = err.Error()
		return nil
	}
	account, err := db.Account(ctx, quota.AccountName(vendor.Source, key.Reveal()))
	if err != nil {
		return err
	}
	now := a.now()
	for _, left := range quota.Remaining(vendor.RateLimits, account, now) {
		s.Quota = append(s.Quota, allowance{left.Limit.String(), left.Used, left.Left, left.FreesAt.UTC()})
	}
	if account.HeldUntil.After(now) {
		s.HeldUntil = account.HeldUntil.UTC()
	}
	return nil
}

// printProblems prints all problems in one line, and nothing where there is none.
func (a *app) printProblems(problems []refresh.Problem) error {
	view := result{json: problems, columns: []string{"kind", "message"}}
	var messages []string
	for _, p := range problems {
		messages = append(messages, p.Message)
		view.rows = append(view.rows, []string{p.Kind, p.Message})
		view.plain = append(view.plain, p.Kind+"\t"+p.Message)
	}
	if a.output == "" || a.output == outputTable {
		view = result{summary: strings.Join(messages, "; ")}
	}
	if err := a.print(view); err != nil {
		return err
	}
	if len(problems) > 0 {
		return errUnwell
	}
	return nil
}

func (a *app) printStatus(s status) error {
	if a.output != "" && a.output != outputTable {
		view := result{json: s, plain: plainStatus(s), columns: []string{
			"started_at", "finished_at", "job", "mode", "status", "seconds", "refreshed", "failed", "deferred", "calls", "error"}}
		for _, r := range s.Runs {
			refreshed, failed, deferred, calls := numbers(r)
			view.rows = append(view.rows, []string{formatTime(r.StartedAt), formatTime(r.FinishedAt), r.Job, r.Mode, string(r.Status),
				formatSeconds(r.Seconds), refreshed, failed, deferred, calls, r.Error})
		}
		return a.print(view)
	}
	var text bytes.Buffer
	for i, section := range a.sections(s) {
		if i > 0 {
			text.WriteByte('\n')
		}
		writeTable(&text, section)
	}
	if _, err := a.stdout.Write(text.Bytes()); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// sections are what a person reads.
func (a *app) sections(s status) []result {
	width := a.terminalWidth()
	all := []result{
		{heading: headline(s)},
		runsSection(s).fitting(width, "calls", "took", "deferred", "failed", "run"),
		quotaSection(s),
		a.freshnessSection(s).fitting(width, "last_closes"),
	}
	if len(s.Unknown) > 0 {
		unknown := result{heading: "Skipped: the provider does not know them", columns: []string{"ticker", "sessions", "asked_again_for"}}
		for _, u := range s.Unknown {
			again := u.AskedFor.String()
			if again == "" {
				again = "the next session"
			}
			unknown.rows = append(unknown.rows, []string{u.Ticker.String(), strconv.Itoa(u.Sessions), again})
		}
		all = append(all, unknown)
	}
	if len(s.Splits) > 0 {
		lines := []string{"Splits: the bars stored before them are on another scale"}
		for _, split := range s.Splits {
			lines = append(lines, fmt.Sprintf("%s %s at %s: papertrade backfill %s --rebase", split.Ticker, split.Ratio, split.Session, split.Ticker))
		}
		all = append(all, result{heading: strings.Join(lines, "\n")})
	}
	return all
}

// headline is what is wrong, if anything.
func headline(s status) string {
	if len(s.Problems) == 0 {
		return "All is well at " + formatTime(s.At) + "."
	}
	lines := []string{count(len(s.Problems), "problem", "problems") + " at " + formatTime(s.At) + ":"}
	for _, p := range s.Problems {
		lines = append(lines, "* "+p.Message)
	}
	return strings.Join(lines, "\n")
}

func runsSection(s status) result {
	view := result{columns: []string{"started", "run", "status", "took", "done", "failed", "deferred", "calls"}}
	next := formatTime(s.NextDueAt)
	switch {
	case next == "":
		view.heading = "Runs: none is due, refresh.enabled is false"
	case slices.ContainsFunc(s.Runs, func(r refresh.Run) bool { return runName(r) == "all" && r.Status == refresh.Running }):
		view.heading = "Runs: one is under way, the next is due at " + next
	case !s.Due:
		view.heading = "Runs: the next is due at " + next
	case len(s.Runs) == 0:
		view.heading = "Runs: none yet, the first is due now and the next at " + next
	case s.DueSince.IsZero():
		view.heading = "Runs: one is due now, the next at " + next
	default:
		view.heading = fmt.Sprintf("Runs: one is due since %s, the next at %s", formatTime(s.DueSince), next)
	}
	for _, r := range s.Runs {
		refreshed, failed, deferred, calls := numbers(r)
		view.rows = append(view.rows, []string{formatTime(r.StartedAt), runName(r), string(r.Status), took(r), refreshed, failed, deferred, calls})
	}
	view.summary = strings.Join(notesOnRuns(s), "\n")
	return view
}

// notesOnRuns are what else there is to say of runs: what the last one has left, and what is asked for.
func notesOnRuns(s status) (notes []string) {
	ended := func(r refresh.Run) bool { return runName(r) == "all" && r.Status != refresh.Running }
	isTold := func(p refresh.Problem) bool { return p.Kind == refresh.RunFailed }
	if i := slices.IndexFunc(s.Runs, ended); i >= 0 && s.Runs[i].Error != "" && !slices.ContainsFunc(s.Problems, isTold) {
		notes = append(notes, fmt.Sprintf("The last run was %s: %s", s.Runs[i].Status, s.Runs[i].Error))
	}
	if s.PendingTasks > 0 {
		notes = append(notes, "The application's backfill_tasks: "+count(s.PendingTasks, "is", "are")+" pending.")
	}
	return notes
}

// runName is what a run was about, in a word.
func runName(r refresh.Run) string {
	if r.Kind == refresh.Scheduled {
		return "all"
	}
	return r.Kind.String()
}

// numbers are what a run counted; "" for what its record does not tell.
func numbers(r refresh.Run) (refreshed, failed, deferred, calls string) {
	if r.Counts != nil {
		refreshed, failed, deferred = strconv.Itoa(r.Counts.Refreshed), strconv.Itoa(r.Counts.Failed), strconv.Itoa(r.Counts.Deferred)
	}
	if r.Calls != nil {
		calls = strconv.Itoa(*r.Calls)
	}
	return refreshed, failed, deferred, calls
}

// took is how long a run took, or takes so far, to the minute from an hour on.
func took(r refresh.Run) string {
	if r.FinishedAt.IsZero() && r.Status != refresh.Running {
		return ""
	}
	d := time.Duration(r.Seconds * float64(time.Second)).Round(time.Second)
	if d < time.Hour {
		return d.String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

func quotaSection(s status) result {
	view := result{heading: "Quota", columns: []string{"limit", "used", "left", "frees_up"}}
	if s.QuotaUnknown != "" {
		view.heading = "Quota: unknown: " + s.QuotaUnknown
	}
	if !s.HeldUntil.IsZero() {
		view.heading = "Quota: spent, says the vendor: no call before " + formatTime(s.HeldUntil)
	}
	for _, q := range s.Quota {
		view.rows = append(view.rows, []string{q.Limit, strconv.Itoa(q.Used), strconv.Itoa(q.Left), formatTime(q.FreesAt)})
	}
	return view
}

func (a *app) freshnessSection(s status) result {
	f := s.Freshness
	view := result{columns: []string{"ticker", "last_session", "behind", "last_closes"}}
	view.heading = fmt.Sprintf("Freshness: %d of %s the newest session (US: %s)", f.Fresh, count(f.Active, "active ticker has", "active tickers have"), f.Session)
	if f.Active == 0 {
		view.heading = "Freshness: no ticker is active: add some with 'papertrade watchlist add TICKER…'"
	}
	for _, t := range f.Stalest {
		behind := ""
		if t.Behind > 0 {
			behind = strconv.Itoa(t.Behind)
		}
		view.rows = append(view.rows, []string{t.Ticker.String(), t.LastSession.String(), behind, sparkline(t.Closes, a.marks())})
	}
	if f.Due > 0 {
		view.summary = "A run begun now would fetch " + count(f.Due, "ticker", "tickers") + "."
	}
	return view
}

// plainStatus is for scripts: lines of a key, a tab and a value.
func plainStatus(s status) []string {
	var lines []string
	add := func(key string, value any) { lines = append(lines, fmt.Sprintf("%s\t%v", key, value)) }
	add("at", formatTime(s.At))
	add("problems", len(s.Problems))
	for _, p := range s.Problems {
		add("problem", p.Message)
	}
	if i := slices.IndexFunc(s.Runs, func(r refresh.Run) bool { return runName(r) == "all" }); i >= 0 {
		r := s.Runs[i]
		refreshed, failed, deferred, calls := numbers(r)
		for _, line := range [][2]string{
			{"started_at", formatTime(r.StartedAt)}, {"finished_at", formatTime(r.FinishedAt)}, {"status", string(r.Status)},
			{"seconds", formatSeconds(r.Seconds)}, {"refreshed", refreshed}, {"failed", failed}, {"deferred", deferred}, {"calls", calls},
		} {
			add("last_run_"+line[0], line[1])
		}
	}
	add("due", s.Due)
	add("next_due_at", formatTime(s.NextDueAt))
	for _, q := range s.Quota {
		add("quota_used_"+q.Limit, q.Used)
		add("quota_left_"+q.Limit, q.Left)
		add("quota_frees_at_"+q.Limit, formatTime(q.FreesAt))
	}
	add("session", s.Freshness.Session)
	add("active", s.Freshness.Active)
	add("fresh", s.Freshness.Fresh)
	add("due_tickers", s.Freshness.Due)
	for _, t := range s.Freshness.Stalest {
		add("stale", t.Ticker)
	}
	for _, u := range s.Unknown {
		add("unknown", u.Ticker)
	}
	for _, split := range s.Splits {
		add("split", split.Ticker)
	}
	add("pending_tasks", s.PendingTasks)
	return lines
}

func formatSeconds(seconds float64) string { return strconv.FormatFloat(seconds, 'f', -1, 64) }
