package exchange

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseDate(t *testing.T) {
	got, err := ParseDate("2024-02-29")
	if want := (Date{2024, time.February, 29}); got != want || err != nil {
		t.Errorf("ParseDate = %v, %v, want %v", got, err, want)
	}
	for _, s := range []string{"", "2023-02-29", "2024-13-01", "2024-2-9", "20240229", "29.02.2024", "2024-02-29T00:00:00Z"} {
		got, err := ParseDate(s)
		if err == nil || !got.IsZero() {
			t.Errorf("ParseDate(%q) = %v, want an error", s, got)
		}
	}
	_, err = ParseDate("tomorrow")
	if want := `"tomorrow" is not a date: write it as YYYY-MM-DD`; err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestDateOfIsTheDayOfTheLocation(t *testing.T) {
	at := time.Date(2024, time.July, 16, 1, 0, 0, 0, time.UTC)
	if got, want := DateOf(at.In(XNYS.zone)), (Date{2024, time.July, 15}); got != want {
		t.Errorf("in New York %s, want %s", got, want)
	}
	if got, want := DateOf(at), (Date{2024, time.July, 16}); got != want {
		t.Errorf("in UTC %s, want %s", got, want)
	}
}

func TestDateIn(t *testing.T) {
	got := Date{2024, time.July, 16}.In(XNYS.zone)
	if want := time.Date(2024, time.July, 16, 4, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAddDays(t *testing.T) {
	for _, tt := range []struct {
		from string
		n    int
		want string
	}{
		{"2024-02-28", 1, "2024-02-29"},
		{"2023-02-28", 1, "2023-03-01"},
		{"2024-01-01", -1, "2023-12-31"},
		{"2024-03-09", 2, "2024-03-11"}, // over the start of daylight saving
		{"2000-01-01", 366, "2001-01-01"},
		{"2024-07-16", 0, "2024-07-16"},
	} {
		if got := date(t, tt.from).AddDays(tt.n); got.String() != tt.want {
			t.Errorf("%s and %d days is %s, want %s", tt.from, tt.n, got, tt.want)
		}
	}
}

func TestDatesAreOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDate.Draw(t, "date")
		n := rapid.IntRange(1, 5000).Draw(t, "days")
		later := d.AddDays(n)
		if d.Compare(later) != -1 || later.Compare(d) != 1 || d.Compare(d) != 0 ||
			!d.Before(later) || !later.After(d) || d.After(later) || later.Before(d) || d.Before(d) || d.After(d) {
			t.Fatalf("%s and %s are not in order", d, later)
		}
		if back := later.AddDays(-n); back != d {
			t.Fatalf("%s and back is %s", d, back)
		}
		if got, want := later.Weekday(), (d.Weekday()+time.Weekday(n))%7; got != want {
			t.Fatalf("%s is a %s, want %s", later, got, want)
		}
	})
}

func TestDateAsText(t *testing.T) {
	type record struct {
		Day   Date          `json:"day"`
		None  Date          `json:"none"`
		Omit  Date          `json:"omit,omitzero"`
		ByDay map[Date]bool `json:"by_day"`
	}
	want := record{Day: Date{2024, time.July, 5}, ByDay: map[Date]bool{{2024, time.July, 3}: true}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"day":"2024-07-05","none":"","by_day":{"2024-07-03":true}}`, string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got := record{None: Date{1, 1, 1}}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	kept := Date{2024, time.July, 5}
	if err := kept.UnmarshalText([]byte("July 5")); err == nil || kept != (Date{2024, time.July, 5}) {
		t.Errorf("UnmarshalText of an invalid date = %v, and leaves %s", err, kept)
	}
}
