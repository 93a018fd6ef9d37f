package refresh

import (
	"testing"
	"time"

	"papertrade/pkg/marketdata"
)

func TestSessionsBehind(t *testing.T) {
	tests := []struct {
		name   string
		ticker string
		state  State
		at     time.Time
		want   int
	}{
		{"fresh", "AAPL", State{LastSession: date(20)}, instant(21, 0), 0},
		{"over a weekend", "AAPL", State{LastSession: date(20)}, instant(23, 20), 0},
		{"Monday's close", "AAPL", State{LastSession: date(20)}, instant(23, 21), 1},
		{"Thanksgiving is no session", "AAPL", State{LastSession: date(25)}, instant(27, 0), 0},
		{"but is one in London", "TSCO.LON", State{LastSession: date(25)}, instant(27, 0), 1},
		{"a week of sessions", "AAPL", State{LastSession: date(13)}, instant(21, 0), 5},
		{"past the session", "AAPL", State{LastSession: date(23)}, instant(21, 0), 0},
		{"fetched before the close", "AAPL", State{LastSession: date(20), FetchedAt: instant(20, 20)}, instant(21, 0), 1},
		{"checked, and not out yet", "AAPL", State{LastSession: date(19), CheckedAt: instant(21, 0)}, instant(21, 0), 1},
		{"new", "AAPL", State{}, instant(21, 0), 1},
		{"new, with a price of the open session", "AAPL", State{AskedAt: instant(20, 15), CheckedAt: instant(20, 15)}, instant(20, 16), 1},
		{"no answer after that", "AAPL", State{AskedAt: instant(21, 0), CheckedAt: instant(20, 15)}, instant(21, 0), 8},
		{"asked about without an answer", "AAPL", State{AskedAt: instant(21, 0)}, instant(21, 0), 8},
		{"unknown once", "GONE", State{LastSession: date(18), UnknownSessions: 1, UnknownSession: date(20)}, instant(21, 0), 2},
		{"unknown for good", "GONE", State{LastSession: date(2), UnknownSessions: 3, UnknownSession: date(20)}, instant(21, 0), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := ActiveTicker{Ticker: marketdata.MustParseTicker(tt.ticker), State: tt.state}
			if got := SessionsBehind(a, tt.at); got != tt.want {
				t.Errorf("%d sessions behind, want %d", got, tt.want)
			}
		})
	}
}
