package history_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
)

func TestFilling(t *testing.T) {
	answer := bars("11-16 close 100 open 99 volume 7", "11-17 close 101 open 99 volume 7", "11-18 close 102")
	for _, tt := range []struct {
		name   string
		stored []history.StoredBar
		want   []exchange.Date
	}{
		{"nothing is stored", nil, nil},
		{"all that is stored is complete", stored("11-16 close 100 open 99 volume 7", "11-17 close 101 open 99 volume 7", "11-18 close 102"), nil},
		{"incomplete bars, whatever their price", blanked(stored("11-16 close 105", "11-17 close 101 open 99 volume 7", "11-18 close 102"), "11-16", "11-18"),
			days("11-16", "11-18")},
		{"a bar without an open", stored("11-16 close 100 volume 7", "11-18 close 102"), days("11-16")},
		{"a bar without a volume", stored("11-16 close 100 open 99"), days("11-16")},
		{"of another close", stored("11-16 close 105 volume 7"), nil},
		{"in another currency", stored("11-16 close 100 volume 7 currency CAD"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for i := range tt.stored {
				tt.stored[i].Source = "alpha_vantage"
			}
			var got []exchange.Date
			for _, bar := range history.Filling(answer, tt.stored, "alpha_vantage") {
				got = append(got, bar.Session)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	if got := history.Filling(answer, stored("11-16 close 100"), "another"); len(got) > 0 {
		t.Errorf("what one provider lacks is filled by another: %v", got)
	}
}

func TestNewer(t *testing.T) {
	answer := days("11-16", "11-17", "11-18", "11-19")
	for _, tt := range []struct {
		name            string
		answer          []exchange.Date
		last, completed exchange.Date
		want            []exchange.Date
	}{
		{"what came after the newest stored session", answer, day("11-16"), day("11-19"), days("11-17", "11-18", "11-19")},
		{"a session under way is left out", answer, day("11-16"), day("11-18"), days("11-17", "11-18")},
		{"the newest again if there is nothing newer", answer, day("11-19"), day("11-19"), days("11-19")},
		{"the newest completed one again, with one under way", answer, day("11-18"), day("11-18"), days("11-18")},
		{"the newest of an answer that is older than what is stored", answer, day("11-25"), day("11-27"), days("11-19")},
		{"only the newest if nothing is stored", answer, exchange.Date{}, day("11-18"), days("11-18")},
		{"all if what is stored is older than the answer", answer, day("11-02"), day("11-20"), answer},
		{"sessions that are missing from the answer", days("11-16", "11-19"), day("11-17"), day("11-18"), days("11-16")},
		{"nothing if no session is completed", answer, day("11-12"), day("11-13"), nil},
		{"nothing of an empty answer", nil, exchange.Date{}, day("11-13"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []exchange.Date
			for _, bar := range history.Newer(withSessions(tt.answer), tt.last, tt.completed) {
				got = append(got, bar.Session)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
