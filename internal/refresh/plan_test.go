package refresh

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func date(day int) exchange.Date { return exchange.Date{Year: 2026, Month: time.November, Day: day} }

func instant(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) }

func TestDue(t *testing.T) {
	tests := []struct {
		name  string
		state State
		at    time.Time
		force bool
		want  bool
	}{
		{"nothing stored", State{}, instant(21, 0), false, true},
		{"Saturday midnight fetches Friday", State{LastSession: date(19)}, instant(21, 0), false, true},
		{"Sunday midnight has nothing new", State{LastSession: date(20)}, instant(22, 0), false, false},
		{"nor has Monday's", State{LastSession: date(20)}, instant(23, 0), false, false},
		{"Tuesday midnight fetches Monday", State{LastSession: date(20)}, instant(24, 0), false, true},
		{"noon makes up for a missed midnight", State{LastSession: date(19)}, instant(21, 12), false, true},
		{"midnight after Thanksgiving has nothing new", State{LastSession: date(25)}, instant(27, 0), false, false},
		{"forced", State{LastSession: date(20)}, instant(22, 0), true, true},
		{"just checked", State{LastSession: date(19), CheckedAt: instant(21, 0).Add(-59 * time.Minute)}, instant(21, 0), false, false},
		{"checked an hour ago", State{LastSession: date(19), CheckedAt: instant(20, 23)}, instant(21, 0), false, true},
		{"just checked but forced", State{LastSession: date(19), CheckedAt: instant(21, 0)}, instant(21, 0), true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			active := ActiveTicker{Ticker: marketdata.MustParseTicker("AAPL"), State: tt.state}
			if got, reason := due(active, tt.at, tt.force); got != tt.want || reason == "" {
				t.Errorf("due %v (%s), want %v", got, reason, tt.want)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	in := Inputs{
		At: instant(21, 0), Now: instant(21, 0), TickersPerCall: 1, BatchSize: 5, BatchDelay: 12 * time.Second,
		Limits: []quota.Limit{{Calls: 5, Window: time.Minute}, {Calls: 500}},
	}
	for i := range 8 {
		in.Active = append(in.Active, ActiveTicker{Ticker: marketdata.MustParseTicker(fmt.Sprintf("T%d", i))})
	}
	in.Active[2].State.LastSession = date(20)
	plan := NewPlan(in)
	var batches []int
	for _, item := range plan.Items {
		batches = append(batches, item.Batch)
	}
	if diff := cmp.Diff([]int{1, 1, 0, 1, 1, 1, 2, 2}, batches); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	if plan.Session != date(20) || plan.Batches != 2 || plan.Calls != 7 || plan.Estimate.Round(time.Second) != time.Minute {
		t.Errorf("session %s, %d batches, %d calls, estimate %v; want 2026-11-20, 2, 7, 1m", plan.Session, plan.Batches, plan.Calls, plan.Estimate)
	}
}
