package history_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
)

// series returns an answer that speaks for all sessions.
func series(texts ...string) history.Series { return history.Series{Bars: bars(texts...)} }

// since returns an answer that speaks for the sessions from a day on.
func since(from string, texts ...string) history.Series {
	return history.Series{Since: day(from), Bars: bars(texts...)}
}

// fillTest is a request for the sessions of some days, of which 11-20 is the newest completed one.
type fillTest struct {
	name    string
	request history.Request
	series  history.Series
	stored  []history.StoredBar
	want    history.Result
}

func (tt fillTest) run(t *testing.T) {
	t.Helper()
	tt.request.Completed = day("11-20")
	splitsBefore, barsBefore, storedBefore := slices.Clone(tt.request.Splits), slices.Clone(tt.series.Bars), slices.Clone(tt.stored)
	got := fill(tt.request, tt.series, tt.stored)
	if diff := cmp.Diff(tt.want, got, exactly); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	diff := cmp.Diff(splitsBefore, tt.request.Splits) + cmp.Diff(barsBefore, tt.series.Bars, exactly) + cmp.Diff(storedBefore, tt.stored, exactly)
	if diff != "" {
		t.Errorf("an argument has changed (-want +got)\n%s", diff)
	}
}

// fill returns the result without the bars of the series, which TestFillReturnsTheBarsOfTheSeries is about.
func fill(r history.Request, s history.Series, stored []history.StoredBar) history.Result {
	got := history.Fill(r, s, stored, exchange.XNYS)
	got.Bars = nil
	return got
}

func TestFillReturnsTheBarsOfTheSeries(t *testing.T) {
	request := history.Request{Sessions: days("11-17"), Completed: day("11-20"), Splits: splits("11-18 2:1 rebased")}
	got := history.Fill(request, series("11-16 close 100", "11-17 close 102", "11-18 close 51"), nil, exchange.XNYS)
	if diff := cmp.Diff(bars("11-16 close 50.0000", "11-17 close 51.0000", "11-18 close 51"), got.Bars, exactly); diff != "" {
		t.Errorf("as the stored history will be (-want +got)\n%s", diff)
	}
}

// What a person set is not fetched again; a rebase divides it.
func TestFillLeavesWhatAPersonSet(t *testing.T) {
	manual := stored("11-17 close 100", "11-18 close 100", "11-19 close 50")
	manual[1].Source = history.ManualSource
	answer := series("11-17 close 51", "11-18 close 49", "11-19 close 50", "11-20 close 50.5")
	for _, tt := range []struct {
		name    string
		request history.Request
		want    []history.Write
	}{
		{"to overwrite", history.Request{Overwrite: true}, writes("11-17 close 51 row 11-17", "11-19 close 50 row 11-19", "11-20 close 50.5")},
		{"to rebase", history.Request{Rebase: true, Splits: splits("11-19 2:1")},
			writes("11-17 close 51 row 11-17", "11-20 close 50.5", "11-18 close 50.0000 row 11-18")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.request.Sessions, tt.request.Completed = days("11-17", "11-18", "11-19", "11-20"), day("11-20")
			got := fill(tt.request, answer, manual)
			if diff := cmp.Diff(tt.want, got.Writes, exactly); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestFillStoresWhatIsWanted(t *testing.T) {
	for _, tt := range []fillTest{
		{
			name:    "the wanted bars of an answer, unless they have been stored since",
			request: history.Request{Sessions: days("11-17", "11-19")},
			series:  series("11-16 close 100", "11-17 close 101 open 99 volume 7", "11-18 close 102", "11-19 close 103"),
			stored:  stored("11-18 close 102", "11-19 close 103"),
			want: history.Result{
				FirstSession: day("11-16"),
				Writes:       writes("11-17 close 101 open 99 volume 7 keep", "11-19 close 103 keep"),
			},
		},
		{
			name:    "to overwrite, into the rows that are there",
			request: history.Request{Sessions: days("11-17", "11-18"), Overwrite: true},
			series:  series("11-16 close 100", "11-17 close 101", "11-18 close 102"),
			stored:  stored("11-16 close 100", "11-17 close 99 open 98", "11-19 close 97"),
			want: history.Result{
				FirstSession: day("11-16"),
				Writes:       writes("11-17 close 101 row 11-17", "11-18 close 102"),
			},
		},
		{
			name:    "an incomplete bar, whose row is filled",
			request: history.Request{Sessions: days("11-17", "11-18")},
			series:  series("11-16 close 100", "11-17 close 101 open 99 volume 7", "11-18 close 102"),
			stored:  blanked(stored("11-16 close 90", "11-17 close 90", "11-18 close 90"), "11-16", "11-17"),
			want: history.Result{
				FirstSession: day("11-16"),
				Writes:       writes("11-17 close 101 open 99 volume 7 row 11-17", "11-18 close 102 keep"),
			},
		},
		{
			name:    "an incomplete bar that is on the scale of a rebase",
			request: history.Request{Sessions: days("11-16", "11-17"), Rebase: true},
			series:  series("11-16 close 100", "11-17 close 101 open 99 volume 7"),
			stored:  blanked(stored("11-16 close 100", "11-17 close 101.10"), "11-17"),
			want: history.Result{
				FirstSession: day("11-16"),
				Writes:       writes("11-17 close 101 open 99 volume 7 row 11-17"),
			},
		},
		{
			name:    "an answer without a bar brings nothing",
			request: history.Request{Sessions: days("11-02", "11-18"), Splits: splits("11-17 2:1")},
			want:    history.Result{Unpublished: days("11-02", "11-18"), Splits: splits("11-17 2:1")},
		},
	} {
		t.Run(tt.name, tt.run)
	}
}

// A bar that is missing between others can still come for a week.
func TestFillSaysWhatBecameOfTheRest(t *testing.T) {
	for _, tt := range []fillTest{
		{
			name:    "of an answer that speaks for all",
			request: history.Request{Sessions: days("11-06", "11-09", "11-10", "11-12", "11-13", "11-16", "11-20")},
			series:  series("11-09 close 100", "11-11 close 100", "11-19 close 100"),
			want: history.Result{
				FirstSession: day("11-09"), // and so there is none of 11-06
				Writes:       writes("11-09 close 100 keep"),
				Absent:       days("11-10", "11-12"),
				Unpublished:  days("11-13", "11-16", "11-20"),
			},
		},
		{
			name:    "of a truncated answer: it does not speak for what comes before it",
			request: history.Request{Sessions: days("11-05", "11-06", "11-09", "11-10", "11-12")},
			series:  series("11-09 close 100", "11-11 close 100"),
			stored:  stored("11-02 close 100", "11-11 close 100"),
			want: history.Result{
				FirstSession: day("11-02"),
				Unreachable:  days("11-05", "11-06"),
				Writes:       writes("11-09 close 100 keep"),
				Absent:       days("11-10", "11-12"),
			},
		},
		{
			name:    "of an answer about a session that is not over",
			request: history.Request{Sessions: days("11-06", "11-20")},
			series:  series("11-23 close 100"),
			want:    history.Result{Unreachable: days("11-06", "11-20")},
		},
		{
			name:    "of an answer that speaks from its first bar on",
			request: history.Request{Sessions: days("11-05", "11-06", "11-09", "11-10", "11-20")},
			series:  since("11-09", "11-09 close 100", "11-11 close 100"),
			want: history.Result{
				Unreachable: days("11-05", "11-06"),
				Writes:      writes("11-09 close 100 keep"),
				Absent:      days("11-10"),
				Unpublished: days("11-20"),
			},
		},
		{
			name:    "of an answer that speaks for more than it has",
			request: history.Request{Sessions: days("11-04", "11-05", "11-06", "11-09")},
			series:  since("11-05", "11-09 close 100"),
			want: history.Result{
				Unreachable: days("11-04"),
				Writes:      writes("11-09 close 100 keep"),
				Absent:      days("11-05", "11-06"),
			},
		},
		{
			name:    "of an answer that has more than it speaks for",
			request: history.Request{Sessions: days("11-04", "11-05")},
			series:  since("11-09", "11-05 close 100", "11-09 close 100"),
			want: history.Result{
				Unreachable: days("11-04"),
				Writes:      writes("11-05 close 100 keep"),
			},
		},
	} {
		t.Run(tt.name, tt.run)
	}
}

// What is written is in the shares that the stored history is in: since the splits that are rebased, before those that
// are pending.
func TestFillKeepsTheScaleOfWhatIsStored(t *testing.T) {
	for _, tt := range []fillTest{
		{
			name:    "a rebased split",
			request: history.Request{Sessions: days("11-16"), Splits: splits("11-17 2:1 rebased")},
			series:  series("11-16 close 200", "11-17 close 100"),
			want: history.Result{
				FirstSession: day("11-16"),
				Writes:       writes("11-16 close 100.0000 keep"),
				Splits:       splits("11-17 2:1 rebased"),
			},
		},
		{
			name:    "a pending split",
			request: history.Request{Sessions: days("11-16"), Splits: splits("11-17 2:1")},
			series:  series("11-16 close 200", "11-17 close 100"),
			want: history.Result{
				FirstSession: day("11-16"),
				Writes:       writes("11-16 close 200 keep"),
				Splits:       splits("11-17 2:1"),
			},
		},
		{
			name:    "a split that the vendor reports is known from then on",
			request: history.Request{Sessions: days("11-16"), Splits: splits("11-02 4:1", "11-19 3:1 rebased")},
			series:  series("11-16 close 200 coefficient 1", "11-17 close 100 coefficient 2"),
			want: history.Result{
				FirstSession:  day("11-16"),
				Writes:        writes("11-16 close 100.0000 coefficient 1 keep"),
				Splits:        splits("11-02 4:1", "11-17 2:1 rebased", "11-19 3:1 rebased"),
				SplitsChanged: true,
			},
		},
		{
			name:    "and takes the place of one of its session",
			request: history.Request{Sessions: days("11-16"), Splits: splits("11-17 3:1", "11-19 3:1")},
			series:  series("11-16 close 200 coefficient 1", "11-17 close 100 coefficient 2"),
			want: history.Result{
				FirstSession:  day("11-16"),
				Writes:        writes("11-16 close 100.0000 coefficient 1 keep"),
				Splits:        splits("11-17 2:1 rebased", "11-19 3:1"),
				SplitsChanged: true,
			},
		},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestFillDetectsASplit(t *testing.T) {
	detected := func(s string) *history.Split { return &splits(s)[0] }
	for _, tt := range []fillTest{
		{
			name:    "by stored closes",
			request: history.Request{Sessions: days("11-18"), Splits: splits("11-19 5:1")},
			series:  series("11-16 close 100", "11-17 close 100", "11-18 close 100"),
			stored:  stored("11-16 close 200", "11-17 close 200"),
			want: history.Result{
				FirstSession:  day("11-16"),
				Writes:        writes("11-18 close 100 keep"),
				Splits:        splits("11-18 2:1", "11-19 5:1"),
				SplitsChanged: true,
				Detected:      detected("11-18 2:1"),
			},
		},
		{
			name:    "as the vendor reports it",
			request: history.Request{Sessions: days("11-19")},
			series:  series("11-16 close 200 coefficient 1", "11-17 close 200 coefficient 1", "11-18 close 200 coefficient 1", "11-19 close 100 coefficient 2"),
			stored:  stored("11-16 close 200", "11-17 close 200"),
			want: history.Result{
				FirstSession:  day("11-16"),
				Writes:        writes("11-19 close 100 coefficient 2 keep"),
				Splits:        splits("11-19 2:1"),
				SplitsChanged: true,
				Detected:      detected("11-19 2:1"),
			},
		},
		{
			name:    "in the place of a known one of its session",
			request: history.Request{Sessions: days("11-18"), Splits: splits("11-18 5:1")},
			series:  series("11-16 close 100", "11-17 close 100", "11-18 close 100"),
			stored:  stored("11-16 close 200", "11-17 close 200"),
			want: history.Result{
				FirstSession:  day("11-16"),
				Writes:        writes("11-18 close 100 keep"),
				Splits:        splits("11-18 2:1"),
				SplitsChanged: true,
				Detected:      detected("11-18 2:1"),
			},
		},
		{
			name:    "which is known already",
			request: history.Request{Sessions: days("11-18"), Splits: splits("11-18 2:1")},
			series:  series("11-16 close 100", "11-17 close 100", "11-18 close 100"),
			stored:  stored("11-16 close 200", "11-17 close 200"),
			want: history.Result{
				FirstSession: day("11-16"),
				Writes:       writes("11-18 close 100 keep"),
				Splits:       splits("11-18 2:1"),
				Detected:     detected("11-18 2:1"),
			},
		},
		{
			name:    "by a level that stays, from the first wanted session on",
			request: history.Request{Sessions: days("11-17", "11-18", "11-19")},
			series:  series("11-12 close 200", "11-13 close 200", "11-16 close 200", "11-17 close 100 open 100", "11-18 close 100", "11-19 close 100"),
			stored:  stored("11-16 close 200"),
			want: history.Result{
				FirstSession:  day("11-12"),
				Writes:        writes("11-17 close 100 open 100 keep", "11-18 close 100 keep", "11-19 close 100 keep"),
				Splits:        splits("11-17 2:1"),
				SplitsChanged: true,
				Detected:      detected("11-17 2:1"),
			},
		},
		{
			name:    "by a level that stays, among what is written",
			request: history.Request{Sessions: days("11-16", "11-17")},
			series:  series("11-12 close 200", "11-13 close 200", "11-16 close 200", "11-17 close 100", "11-18 close 100", "11-19 close 100"),
			want: history.Result{
				FirstSession:  day("11-12"),
				Writes:        writes("11-16 close 200 keep", "11-17 close 100 keep"),
				Splits:        splits("11-17 2:1"),
				SplitsChanged: true,
				Detected:      detected("11-17 2:1"),
			},
		},
		{
			name:    "not if nothing from before it is stored",
			request: history.Request{Sessions: days("11-17", "11-18")},
			series:  series("11-12 close 200", "11-13 close 200", "11-16 close 200", "11-17 close 100", "11-18 close 100", "11-19 close 100"),
			stored:  stored("11-19 close 100"),
			want:    history.Result{FirstSession: day("11-12"), Writes: writes("11-17 close 100 keep", "11-18 close 100 keep")},
		},
		{
			name:    "not by a jump that the next bar undoes",
			request: history.Request{Sessions: days("11-16", "11-17", "11-18", "11-19")},
			series:  series("11-12 close 200", "11-13 close 200", "11-16 close 200", "11-17 close 2", "11-18 close 200", "11-19 close 200"),
			want: history.Result{
				FirstSession: day("11-12"),
				Writes:       writes("11-16 close 200 keep", "11-17 close 2 keep", "11-18 close 200 keep", "11-19 close 200 keep"),
			},
		},
		{
			name:    "to overwrite, not by bars that are overwritten",
			request: history.Request{Sessions: days("11-16", "11-17"), Overwrite: true},
			series:  series("11-16 close 100", "11-17 close 100"),
			stored:  stored("11-16 close 200", "11-17 close 200"),
			want:    history.Result{FirstSession: day("11-16"), Writes: writes("11-16 close 100 row 11-16", "11-17 close 100 row 11-17")},
		},
		{
			name:    "to overwrite, by those that stay",
			request: history.Request{Sessions: days("11-17"), Overwrite: true},
			series:  series("11-13 close 100", "11-16 close 100", "11-17 close 100"),
			stored:  stored("11-13 close 200", "11-16 close 200", "11-17 close 200"),
			want: history.Result{
				FirstSession:  day("11-13"),
				Writes:        writes("11-17 close 100 row 11-17"),
				Splits:        splits("11-17 2:1"),
				SplitsChanged: true,
				Detected:      detected("11-17 2:1"),
			},
		},
		{
			name:    "to overwrite, as the vendor reports it",
			request: history.Request{Sessions: days("11-19"), Overwrite: true},
			series:  series("11-17 close 100 coefficient 1", "11-18 close 200 coefficient 1", "11-19 close 100 coefficient 2"),
			stored:  stored("11-17 close 100"),
			want: history.Result{
				FirstSession:  day("11-17"),
				Writes:        writes("11-19 close 100 coefficient 2"),
				Splits:        splits("11-19 2:1"),
				SplitsChanged: true,
				Detected:      detected("11-19 2:1"),
			},
		},
		{
			name:    "to overwrite, not by levels: it can be a crash",
			request: history.Request{Sessions: days("11-16", "11-17"), Overwrite: true},
			series:  series("11-12 close 200", "11-13 close 200", "11-16 close 200", "11-17 close 100", "11-18 close 100", "11-19 close 100"),
			want:    history.Result{FirstSession: day("11-12"), Writes: writes("11-16 close 200", "11-17 close 100")},
		},
	} {
		t.Run(tt.name, tt.run)
	}
}

// To overwrite, what the vendor says now takes the place of known splits where all that they are about is fetched again.
func TestFillForgetsSplitsThatAreOverwritten(t *testing.T) {
	for _, tt := range []struct {
		name      string
		wanted    []exchange.Date
		stored    []exchange.Date
		known     []history.Split
		isKept    bool
		overwrite bool
	}{
		{"a pending one, with both sessions beside it", days("11-16", "11-17"), days("11-13", "11-16", "11-17"), splits("11-17 2:1"), false, true},
		{"a pending one, without the session before it", days("11-13", "11-17"), days("11-13", "11-16", "11-17"), splits("11-17 2:1"), true, true},
		{"a pending one, without its own session", days("11-13", "11-16", "11-18"), days("11-13", "11-16", "11-17"), splits("11-17 2:1"), true, true},
		{"a pending one, with the last stored session before it", days("11-13", "11-17"), days("11-12", "11-13", "11-17"), splits("11-17 2:1"), false, true},
		{"a pending one with nothing stored before it", days("11-18"), days("11-17", "11-18"), splits("11-17 2:1"), false, true},
		{"a rebased one, with all that is stored before it", days("11-13", "11-16", "11-17"), days("11-13", "11-16", "11-17"), splits("11-17 2:1 rebased"), false, true},
		{"a rebased one, without the oldest", days("11-16", "11-17"), days("11-13", "11-16", "11-17"), splits("11-17 2:1 rebased"), true, true},
		{"a rebased one, without its own session", days("11-13", "11-16"), days("11-13", "11-16", "11-17"), splits("11-17 2:1 rebased"), true, true},
		{"none unless to overwrite", days("11-16", "11-17"), days("11-18"), splits("11-17 2:1"), true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var kept []history.StoredBar
			for _, bar := range withSessions(tt.stored) {
				bar.Currency = "EUR" // so that no split is detected
				kept = append(kept, history.StoredBar{Bar: bar, Row: row(bar.Session)})
			}
			request := history.Request{Sessions: tt.wanted, Completed: day("11-20"), Splits: tt.known, Overwrite: tt.overwrite}
			got := fill(request, series("11-12 close 100", "11-20 close 100"), kept)
			want := history.Result{FirstSession: day("11-12"), SplitsChanged: !tt.isKept}
			if tt.isKept {
				want.Splits = tt.known
			}
			got.Writes, got.Absent, got.Unpublished = nil, nil, nil // not what this is about
			if diff := cmp.Diff(want, got, exactly); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A rebase puts all that is stored in shares as they are now.
func TestRebase(t *testing.T) {
	for _, tt := range []fillTest{
		{
			name:    "what the answer has is stored again, adjusted by pending splits and rebased ones",
			request: history.Request{Sessions: days("11-13", "11-16", "11-17"), Splits: splits("11-16 3:1 rebased", "11-17 2:1"), Rebase: true},
			series:  series("11-13 close 600", "11-16 close 200", "11-17 close 100"),
			stored:  stored("11-13 close 200", "11-16 close 200"),
			want: history.Result{
				FirstSession:  day("11-13"),
				Writes:        writes("11-13 close 100.0000 row 11-13", "11-16 close 100.0000 row 11-16", "11-17 close 100"),
				Splits:        splits("11-16 3:1 rebased", "11-17 2:1 rebased"),
				SplitsChanged: true,
			},
		},
		{
			name:    "what the answer does not have is divided by the pending splits after it",
			request: history.Request{Sessions: days("11-11", "11-12", "11-13", "11-16", "11-17"), Splits: splits("11-12 5:1 rebased", "11-13 3:1", "11-17 2:1"), Rebase: true},
			series:  since("11-16", "11-16 close 200", "11-17 close 100"),
			stored:  stored("11-11 close 600 volume 5", "11-12 close 630 open 600", "11-13 close 200", "11-16 close 200", "11-17 close 100"),
			want: history.Result{
				Writes: writes("11-16 close 100.0000 row 11-16",
					"11-11 close 100.0000 volume 30 row 11-11", "11-12 close 105.0000 open 100.0000 row 11-12", "11-13 close 100.0000 row 11-13"),
				Splits:        splits("11-12 5:1 rebased", "11-13 3:1 rebased", "11-17 2:1 rebased"),
				SplitsChanged: true,
			},
		},
		{
			name:    "also if nothing else shows a split, and only what comes before it",
			request: history.Request{Sessions: days("11-13", "11-16", "11-17", "11-18", "11-19"), Splits: splits("11-17 2:1"), Rebase: true},
			series:  since("11-17", "11-17 close 100", "11-18 close 100"),
			stored:  stored("11-13 close 200", "11-16 close 200", "11-17 close 100", "11-18 close 100", "11-19 close 100"),
			want: history.Result{
				Writes:        writes("11-13 close 100.0000 row 11-13", "11-16 close 100.0000 row 11-16"),
				Unpublished:   days("11-19"),
				Splits:        splits("11-17 2:1 rebased"),
				SplitsChanged: true,
			},
		},
		{
			name:    "or if none is pending, by the split that stored closes show",
			request: history.Request{Sessions: days("11-12", "11-13", "11-16", "11-17"), Splits: splits("11-12 5:1 rebased"), Rebase: true},
			series:  since("11-13", "11-13 close 100", "11-16 close 100", "11-17 close 100"),
			stored:  stored("11-12 close 200", "11-13 close 200", "11-16 close 200"),
			want: history.Result{
				Writes: writes("11-13 close 100 row 11-13", "11-16 close 100 row 11-16", "11-17 close 100", "11-12 close 100.0000 row 11-12"),
				Splits: splits("11-12 5:1 rebased"),
			},
		},
		{
			name:    "if the vendor reports splits, by what stored closes show, whatever was known",
			request: history.Request{Sessions: days("11-13", "11-16", "11-17"), Splits: splits("11-12 5:1 rebased", "11-18 3:1"), Rebase: true},
			series:  since("11-16", "11-16 close 200 coefficient 1", "11-17 close 100 coefficient 2"),
			stored:  stored("11-13 close 200", "11-16 close 200"),
			want: history.Result{
				Writes:        writes("11-16 close 100.0000 coefficient 1 row 11-16", "11-17 close 100 coefficient 2", "11-13 close 100.0000 row 11-13"),
				Splits:        splits("11-17 2:1 rebased"),
				SplitsChanged: true,
			},
		},
		{
			name:    "and by the day of the split as the vendor reports it, if that is later than the closes show",
			request: history.Request{Sessions: days("11-13", "11-16", "11-17", "11-18"), Rebase: true},
			series:  since("11-16", "11-16 close 200 coefficient 1", "11-18 close 100 coefficient 2"),
			stored:  stored("11-13 close 200", "11-16 close 200", "11-17 close 200"),
			want: history.Result{
				Unpublished: days("11-17"),
				Writes: writes("11-16 close 100.0000 coefficient 1 row 11-16", "11-18 close 100 coefficient 2",
					"11-13 close 100.0000 row 11-13", "11-17 close 100.0000 row 11-17"),
				Splits:        splits("11-18 2:1 rebased"),
				SplitsChanged: true,
			},
		},
		{
			name:    "a pending split that the vendor's coefficients do not have is forgotten",
			request: history.Request{Sessions: days("11-16", "11-17"), Splits: splits("11-17 2:1"), Rebase: true},
			series:  series("11-16 close 200 coefficient 1", "11-17 close 100 coefficient 1"),
			stored:  stored("11-16 close 200", "11-17 close 100"),
			want: history.Result{
				FirstSession:  day("11-16"),
				SplitsChanged: true,
			},
		},
		{
			name:    "even if the series has a single bar",
			request: history.Request{Sessions: days("11-16", "11-17"), Splits: splits("11-16 3:1 rebased", "11-17 2:1"), Rebase: true},
			series:  since("11-17", "11-17 close 100 coefficient 1"),
			stored:  stored("11-16 close 200", "11-17 close 100"),
			want:    history.Result{SplitsChanged: true},
		},
		{
			name:    "a jump that is not known is not a split",
			request: history.Request{Sessions: days("11-16", "11-17"), Rebase: true},
			series:  series("11-16 close 200", "11-17 close 100 open 100"),
			stored:  stored("11-16 close 200", "11-17 close 100"),
			want:    history.Result{FirstSession: day("11-16")},
		},
		{
			name:    "prices that the answer lacks are those that are stored, as the close has changed",
			request: history.Request{Sessions: days("11-16", "11-17"), Rebase: true},
			series:  since("11-16", "11-16 close 100", "11-17 close 100 open 101 high 102 low 99"),
			stored:  stored("11-16 close 300 open 290 high 310 low 280 volume 7", "11-17 close 300 open 290 high 310 low 280"),
			want: history.Result{
				Writes: writes("11-16 close 100 open 96.6667 high 103.3333 low 93.3333 volume 21 row 11-16", "11-17 close 100 open 101 high 102 low 99 row 11-17"),
			},
		},
		{
			name:    "a bar that is on the scale already stays as it is, in the series or out of its reach",
			request: history.Request{Sessions: days("11-10", "11-11", "11-12", "11-13", "11-16", "11-17"), Splits: splits("11-17 2:1"), Rebase: true},
			series:  since("11-13", "11-13 close 200", "11-16 close 200", "11-17 close 100"),
			stored:  stored("11-09 close 198", "11-10 close 99", "11-11 close 200", "11-12 close 198", "11-13 close 200", "11-16 close 101", "11-17 close 100"),
			want: history.Result{
				Writes: writes("11-13 close 100.0000 row 11-13", "11-09 close 99.0000 row 11-09",
					"11-11 close 100.0000 row 11-11", "11-12 close 99.0000 row 11-12"),
				Splits:        splits("11-17 2:1 rebased"),
				SplitsChanged: true,
			},
		},
		{
			name:    "a glitch that was taken for a split is refused",
			request: history.Request{Sessions: days("11-12", "11-13", "11-16", "11-17"), Splits: splits("11-17 100:1"), Rebase: true},
			series:  since("11-12", "11-12 close 100", "11-13 close 100", "11-16 close 10000", "11-17 close 100", "11-18 close 100"),
			stored:  stored("11-11 close 100", "11-12 close 100", "11-13 close 100", "11-16 close 10000", "11-17 close 100", "11-18 close 100"),
			want:    history.Result{Splits: splits("11-17 100:1"), Refused: &history.Split{Session: day("11-17"), New: 100, Old: 1}},
		},
		{
			name:    "so is one that the vendor has corrected",
			request: history.Request{Sessions: days("11-12", "11-13", "11-16", "11-17"), Splits: splits("11-17 10:1"), Rebase: true},
			series:  since("11-12", "11-12 close 100", "11-13 close 100", "11-16 close 100", "11-17 close 100", "11-18 close 100"),
			stored:  stored("11-11 close 100", "11-12 close 100", "11-13 close 100", "11-16 close 1000", "11-17 close 100", "11-18 close 100"),
			want:    history.Result{Splits: splits("11-17 10:1"), Refused: &history.Split{Session: day("11-17"), New: 10, Old: 1}},
		},
		{
			name:    "a single stored bar is not enough",
			request: history.Request{Sessions: days("11-16", "11-17"), Splits: splits("11-17 2:1"), Rebase: true},
			series:  since("11-17", "11-17 close 100", "11-18 close 100"),
			stored:  stored("11-16 close 200", "11-17 close 100", "11-18 close 100"),
			want:    history.Result{Splits: splits("11-17 2:1"), Refused: &history.Split{Session: day("11-17"), New: 2, Old: 1}},
		},
		{
			name:    "unless the series shows the split by more",
			request: history.Request{Sessions: days("11-16", "11-17"), Splits: splits("11-17 2:1"), Rebase: true},
			series:  since("11-12", "11-12 close 200", "11-13 close 200", "11-16 close 200", "11-17 close 100", "11-18 close 100"),
			stored:  stored("11-16 close 200", "11-17 close 100", "11-18 close 100"),
			want: history.Result{
				Writes:        writes("11-16 close 100.0000 row 11-16"),
				Splits:        splits("11-17 2:1 rebased"),
				SplitsChanged: true,
			},
		},
		{
			name:    "on the day of a split whose bar the series does not have yet",
			request: history.Request{Sessions: days("11-12", "11-13", "11-16", "11-17"), Splits: splits("11-17 2:1"), Rebase: true},
			series:  since("11-13", "11-13 close 200", "11-16 close 200"),
			stored:  stored("11-12 close 200 volume 5", "11-13 close 200 volume 5", "11-16 close 200", "11-17 close 100"),
			want: history.Result{
				Writes:        writes("11-13 close 100.0000 volume 10 row 11-13", "11-16 close 100.0000 row 11-16", "11-12 close 100.0000 volume 10 row 11-12"),
				Unpublished:   days("11-17"),
				Splits:        splits("11-17 2:1 rebased"),
				SplitsChanged: true,
			},
		},
		{
			name:    "a stored bar without a close completes nothing",
			request: history.Request{Sessions: days("11-16"), Rebase: true},
			series:  series("11-16 close 100"),
			stored:  stored("11-16 open 290"),
			want:    history.Result{FirstSession: day("11-16"), Writes: writes("11-16 close 100 row 11-16")},
		},
		{
			name:    "to overwrite as well, splits are forgotten first",
			request: history.Request{Sessions: days("11-16", "11-17"), Splits: splits("11-17 2:1"), Overwrite: true, Rebase: true},
			series:  series("11-16 close 200", "11-17 close 100"),
			stored:  stored("11-13 close 200", "11-16 close 200", "11-17 close 100"),
			want: history.Result{
				FirstSession:  day("11-13"),
				Writes:        writes("11-16 close 200 row 11-16", "11-17 close 100 row 11-17"),
				SplitsChanged: true,
			},
		},
	} {
		t.Run(tt.name, tt.run)
	}
}

// Only a rebase takes prices of the stored bar.
func TestOverwrittenBarsAreTheVendors(t *testing.T) {
	fillTest{
		request: history.Request{Sessions: days("11-16"), Overwrite: true},
		series:  series("11-16 close 100"),
		stored:  stored("11-16 close 300 open 290"),
		want:    history.Result{FirstSession: day("11-16"), Writes: []history.Write{{Bar: bars("11-16 close 100")[0], Row: row(day("11-16"))}}},
	}.run(t)
}

// A bar that is filled in before a rebased split is on the scale of the rest, also if the series ends before that.
func TestFillOfASeriesThatEndsBeforeARebasedSplit(t *testing.T) {
	fillTest{
		request: history.Request{Sessions: days("11-13"), Splits: splits("11-17 2:1 rebased")},
		series:  since("11-12", "11-12 close 200", "11-13 close 200", "11-16 close 200"),
		stored:  stored("11-12 close 100", "11-16 close 100", "11-17 close 100"),
		want:    history.Result{Writes: writes("11-13 close 100.0000 keep"), Splits: splits("11-17 2:1 rebased")},
	}.run(t)
}
