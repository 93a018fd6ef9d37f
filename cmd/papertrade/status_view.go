package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// status is all that the command reports.
type status struct {
	refresh.Health
	allowances
	Database string `json:"database"` // its URL, without what is secret in it
}

// allowances are what is left of the quota.
type allowances struct {
	Quota        []allowance `json:"quota,omitempty"`
	QuotaUnknown string      `json:"quota_unknown,omitempty"` // why there is no Quota
	HeldUntil    time.Time   `json:"quota_held_until,omitzero"`
	// Learned are limits that refusals showed to be narrower than those that are set, and Advice what to do about it.
	Learned []quota.Narrowed `json:"learned_limits,omitempty"`
	Advice  string           `json:"quota_advice,omitempty"`

	misdated []refresh.Misdated
}

// allowance is what is left of a rate limit.
type allowance struct {
	Limit   string    `json:"limit"`
	Used    int       `json:"used"`
	Left    int       `json:"left"`
	FreesAt time.Time `json:"frees_at,omitzero"`
}

// withAdvice returns the health with the settings and flags that its sentences are about.
func withAdvice(h refresh.Health) refresh.Health {
	h.Problems, h.Unknown = slices.Clone(h.Problems), slices.Clone(h.Unknown)
	for i := range h.Problems {
		h.Problems[i].Message += adviceOn(h.Problems[i])
	}
	for i := range h.Unknown {
		h.Unknown[i].Note += adviceToForce
	}
	return h
}

// adviceOn returns how the sentence about a problem goes on.
func adviceOn(p refresh.Problem) string {
	switch {
	case p.Disabled:
		return ", and refresh.enabled is false"
	case p.Kind == refresh.LateTickers:
		return "; 'papertrade refresh --if-due' every hour asks again"
	case p.Kind == refresh.HeldPrices:
		return "; see 'papertrade review'"
	case p.Kind == refresh.PendingSplits:
		return ": if they are splits, 'papertrade backfill " + symbolsOf(p.Tickers) + " --rebase' brings the bars to one scale"
	default:
		return ""
	}
}

// maxSymbols tickers are written into a command line that is advised.
const maxSymbols = 5

func symbolsOf(tickers []marketdata.Ticker) string {
	if len(tickers) > maxSymbols {
		return "TICKER…"
	}
	symbols := make([]string, len(tickers))
	for i, ticker := range tickers {
		symbols[i] = ticker.String()
	}
	return strings.Join(symbols, " ")
}

// problemsView shows all problems, as text in one line.
func problemsView(problems []refresh.Problem) result {
	t := table{columns: []string{"kind", "message"}}
	var messages, plain []string
	for _, p := range problems {
		messages = append(messages, p.Message)
		t.rows = append(t.rows, []string{p.Kind, p.Message})
		plain = append(plain, p.Kind+"\t"+p.Message)
	}
	return result{json: problems, csv: t, plain: plain, text: []section{{summary: strings.Join(messages, "; ")}}}
}

// statusView shows the status, as text in at most width columns, if that is not 0, with sparklines of marks.
func statusView(s status, width int, marks []rune) result {
	return result{json: s, csv: runsTable(s), plain: plainStatus(s), text: statusSections(s, width, marks)}
}

func runsTable(s status) table {
	t := table{columns: []string{
		"started_at", "finished_at", "job", "mode", "status", "seconds", "refreshed", "failed", "deferred", "calls", "error", "by"}}
	for _, r := range s.Runs {
		refreshed, failed, deferred, calls := numbers(r)
		t.rows = append(t.rows, []string{
			formatTime(r.StartedAt), formatTime(r.FinishedAt), r.Job, r.Mode, string(r.Status),
			formatSeconds(r.Seconds), refreshed, failed, deferred, calls, r.Error, r.By})
	}
	return t
}

// plainStatus returns lines for scripts: a key, a tab and a value each.
func plainStatus(s status) []string {
	var lines []string
	add := func(key string, value any) { lines = append(lines, fmt.Sprintf("%s\t%v", key, value)) }
	add("at", formatTime(s.At))
	add("problems", len(s.Problems))
	for _, p := range s.Problems {
		add("problem", p.Message)
	}
	if i := slices.IndexFunc(s.Runs, isScheduled); i >= 0 {
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
	for _, learned := range s.Learned {
		add("learned_limit", learned.Limit)
	}
	add("session", s.Freshness.Session)
	add("active", s.Freshness.Active)
	add("fresh", s.Freshness.Fresh)
	add("due_tickers", s.Freshness.Due)
	add("incomplete", s.Freshness.Incomplete)
	for _, t := range s.Freshness.Stalest {
		add("stale", t.Ticker)
	}
	for _, u := range s.Unknown {
		add("unknown", u.Ticker)
	}
	for _, split := range s.Splits {
		add("split", split.Ticker)
	}
	for _, held := range s.Held {
		add("held", held.Ticker)
	}
	for _, calendar := range s.Calendars {
		add("calendar", calendar.Exchange)
	}
	for _, m := range s.Misdated {
		add("recorded_in_future_"+m.Kind, formatTime(m.At))
	}
	add("pending_tasks", s.PendingTasks)
	for _, u := range s.UsualTimes {
		add("usual_time_"+u.Exchange, fmt.Sprintf("%s +%d", u.By, u.Days))
	}
	add("database", s.Database)
	return lines
}

// statusSections returns what a person reads.
func statusSections(s status, width int, marks []rune) []section {
	runs, freshness := runsSection(s), freshnessSection(s, marks)
	runs.table = runs.table.fitting(width, "calls", "took", "deferred", "failed", "run")
	freshness.table = freshness.table.fitting(width, "last_closes")
	all := []section{{heading: headline(s)}, runs, quotaSection(s), freshness}
	if len(s.Unknown) > 0 {
		all = append(all, unknownSection(s))
	}
	if len(s.Held) > 0 {
		all = append(all, heldSection(s))
	}
	if len(s.Splits) > 0 {
		all = append(all, splitsSection(s))
	}
	if len(s.Calendars) > 0 {
		all = append(all, calendarsSection(s))
	}
	if len(s.Misdated) > 0 {
		all = append(all, misdatedSection(s))
	}
	return append(all, section{heading: "Database: " + s.Database})
}

// headline reports what is wrong, if anything.
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

func runsSection(s status) section {
	t := table{columns: []string{"started", "run", "status", "took", "done", "failed", "deferred", "calls"}}
	for _, r := range s.Runs {
		refreshed, failed, deferred, calls := numbers(r)
		t.rows = append(t.rows, []string{formatTime(r.StartedAt), runName(r), string(r.Status), took(r), refreshed, failed, deferred, calls})
	}
	return section{heading: runsHeading(s), table: t, summary: strings.Join(notesOnRuns(s), "\n")}
}

func runsHeading(s status) string {
	next := formatTime(s.NextDueAt)
	has := func(status refresh.Status) bool {
		return slices.ContainsFunc(s.Runs, func(r refresh.Run) bool { return isScheduled(r) && r.Status == status })
	}
	switch {
	case next == "":
		return "Runs: none is due, refresh.enabled is false"
	case has(refresh.Running):
		return "Runs: one is under way, the next is due at " + next
	case has(refresh.Unknown):
		return "Runs: one may be under way, the next is due at " + next
	case !s.Due:
		return "Runs: the next is due at " + next
	case len(s.Runs) == 0:
		return "Runs: none yet, the first is due now and the next at " + next
	case s.DueSince.IsZero():
		return "Runs: one is due now, the next at " + next
	default:
		return fmt.Sprintf("Runs: one is due since %s, the next at %s", formatTime(s.DueSince), next)
	}
}

// notesOnRuns returns what else there is to say of runs: what the last one has left, and what is asked for.
func notesOnRuns(s status) (notes []string) {
	if i := slices.IndexFunc(s.Runs, func(r refresh.Run) bool { return r.Holder != nil }); i >= 0 {
		notes = append(notes, fmt.Sprintf("The run under way is %s.", s.Runs[i].Holder))
	}
	hasEnded := func(r refresh.Run) bool { return isScheduled(r) && !r.MayBeRunning() }
	isReported := func(p refresh.Problem) bool { return p.Kind == refresh.RunFailed }
	if i := slices.IndexFunc(s.Runs, hasEnded); i >= 0 && s.Runs[i].Error != "" && !slices.ContainsFunc(s.Problems, isReported) {
		notes = append(notes, fmt.Sprintf("The last run was %s: %s", s.Runs[i].Status, s.Runs[i].Error))
	}
	for _, r := range s.Runs {
		if r.Status == refresh.Unknown {
			notes = append(notes, fmt.Sprintf("The run of %s is unknown: %s", formatTime(r.StartedAt), r.Error))
		}
	}
	for _, u := range s.UsualTimes {
		notes = append(notes, "The vendor usually has a session of "+u.Exchange+" by "+u.By+" UTC "+dayAfter(u.Days)+".")
	}
	if s.PendingTasks > 0 {
		notes = append(notes, "The application's backfill_tasks: "+count(s.PendingTasks, "is", "are")+" pending.")
	}
	return notes
}

// dayAfter returns how many days after a session something happens.
func dayAfter(days int) string {
	switch days {
	case 0:
		return "of the same day"
	case 1:
		return "of the next day"
	default:
		return fmt.Sprintf("%d days later", days)
	}
}

func quotaSection(s status) section {
	heading := "Quota"
	if s.QuotaUnknown != "" {
		heading = "Quota: unknown: " + s.QuotaUnknown
	}
	if !s.HeldUntil.IsZero() {
		heading = "Quota: spent, says the vendor: no call before " + formatTime(s.HeldUntil)
	}
	t := table{columns: []string{"limit", "used", "left", "frees_up"}}
	for _, q := range s.Quota {
		t.rows = append(t.rows, []string{q.Limit, strconv.Itoa(q.Used), strconv.Itoa(q.Left), formatTime(q.FreesAt)})
	}
	summary := ""
	if s.Advice != "" {
		summary = capitalize(s.Advice) + "."
	}
	return section{heading: heading, table: t, summary: summary}
}

func freshnessSection(s status, marks []rune) section {
	f := s.Freshness
	heading := fmt.Sprintf("Freshness: %d of %s the newest session (US: %s)",
		f.Fresh, count(f.Active, "active ticker has", "active tickers have"), f.Session)
	if f.Active == 0 {
		heading = "Freshness: no ticker is active: add some with 'papertrade watchlist add TICKER…'"
	}
	t := table{columns: []string{"ticker", "last_session", "behind", "last_closes"}}
	for _, stale := range f.Stalest {
		t.rows = append(t.rows, []string{
			stale.Ticker.String(), stale.LastSession.String(), formatPositive(stale.Behind), sparkline(stale.Closes, marks)})
	}
	return section{heading: heading, table: t, summary: strings.Join(notesOnFreshness(s), "\n")}
}

// notesOnFreshness returns what the runs to come will do about it, and what they will not.
func notesOnFreshness(s status) (notes []string) {
	f := s.Freshness
	switch {
	case f.Due > 0 && !s.HeldUntil.IsZero():
		notes = append(notes, count(f.Due, "ticker is", "tickers are")+" due once there are calls again.")
	case f.Due > 0:
		notes = append(notes, "A run begun now would fetch "+count(f.Due, "ticker", "tickers")+".")
	}
	if f.Unpublished > 0 {
		notes = append(notes, "The vendor has not published the newest session of "+count(f.Unpublished, "ticker", "tickers")+" yet.")
	}
	if f.Incomplete > 0 {
		notes = append(notes, fmt.Sprintf("%s only the application's price of the newest session: a run fills it with a call that is left.",
			count(f.Incomplete, "ticker has", "tickers have")))
	}
	if n := len(f.Inactive); n > 0 {
		notes = append(notes, fmt.Sprintf("%s: %s. discovery.sources can have holdings too.",
			count(n, "ticker that a portfolio holds is not active and gets no prices",
				"tickers that a portfolio holds are not active and get no prices"),
			firstSymbols(f.Inactive)))
	}
	return notes
}

// firstSymbols names the first of some tickers, and how many more there are.
func firstSymbols(tickers []marketdata.Ticker) string {
	symbols := make([]string, min(len(tickers), maxSymbols))
	for i := range symbols {
		symbols[i] = tickers[i].String()
	}
	if more := len(tickers) - maxSymbols; more > 0 {
		symbols = append(symbols, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(symbols, ", ")
}

func unknownSection(s status) section {
	t := table{columns: []string{"ticker", "why", "asked_again_for"}}
	for _, u := range s.Unknown {
		why := "unknown for " + count(u.Sessions, "session", "sessions")
		if !u.StillSince.IsZero() {
			why = "stands still since " + u.StillSince.String()
		}
		t.rows = append(t.rows, []string{u.Ticker.String(), why, cmp.Or(u.AskedFor.String(), "the next session")})
	}
	return section{heading: "Skipped: the provider does not know them, or has had nothing new of them for long", table: t}
}

func heldSection(s status) section {
	lines := []string{"Held, and not in the history, since they may be wrong (papertrade review):"}
	for _, held := range s.Held {
		lines = append(lines, fmt.Sprintf("%s %s %s %s: %s", held.Ticker, held.Session, held.Close, held.Currency, held.Why))
	}
	return section{heading: strings.Join(lines, "\n")}
}

func splitsSection(s status) section {
	lines := []string{"Splits: the bars stored before them are on another scale"}
	for _, split := range s.Splits {
		lines = append(lines, fmt.Sprintf("%s %s at %s: papertrade backfill %s --rebase", split.Ticker, split.Ratio, split.Session, split.Ticker))
	}
	return section{heading: strings.Join(lines, "\n")}
}

func calendarsSection(s status) section {
	t := table{columns: []string{"exchange", "known_until", "tickers"}}
	for _, c := range s.Calendars {
		t.rows = append(t.rows, []string{c.Exchange, c.KnownUntil.String(), strconv.Itoa(len(c.Tickers))})
	}
	return section{heading: "Calendars: where holidays are not known, every weekday is taken for a session", table: t}
}

func misdatedSection(s status) section {
	t := table{columns: []string{"kind", "latest", "tickers"}}
	for _, m := range s.Misdated {
		t.rows = append(t.rows, []string{m.Kind, formatTime(m.At), firstSymbols(m.Tickers)})
	}
	return section{heading: "Recorded in the future, by a clock that was wrong or with --at, and ignored", table: t}
}

// isScheduled reports whether a run of ours was one of all active tickers.
func isScheduled(r refresh.Run) bool { return r.By == "" && r.Kind == refresh.Scheduled }

// runName returns what a run was about, in a word, or whose it was.
func runName(r refresh.Run) string {
	if r.By != "" {
		return r.By
	}
	if isScheduled(r) {
		return "all"
	}
	return r.Kind.String()
}

// numbers returns what a run counted; "" for what its record does not have.
func numbers(r refresh.Run) (refreshed, failed, deferred, calls string) {
	if r.Counts != nil {
		refreshed, failed, deferred = strconv.Itoa(r.Counts.Refreshed), strconv.Itoa(r.Counts.Failed), strconv.Itoa(r.Counts.Deferred)
	}
	if r.Calls != nil {
		calls = strconv.Itoa(*r.Calls)
	}
	return refreshed, failed, deferred, calls
}

// took returns how long a run took, or takes so far, to the minute from an hour on.
func took(r refresh.Run) string {
	if r.FinishedAt.IsZero() && (r.Status != refresh.Running || r.By != "") {
		return ""
	}
	d := time.Duration(r.Seconds * float64(time.Second)).Round(time.Second)
	if d < time.Hour {
		return d.String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

func formatSeconds(seconds float64) string { return strconv.FormatFloat(seconds, 'f', -1, 64) }
