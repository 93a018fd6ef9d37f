package exchange

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/de"
	"pgregory.net/rapid"
)

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestLastCompleted(t *testing.T) {
	for _, tt := range []struct {
		e        *Exchange
		at, want string
	}{
		{XNYS, "2024-07-16T19:59:59Z", "2024-07-15"},
		{XNYS, "2024-07-16T20:00:00Z", "2024-07-16"},
		{XNYS, "2024-01-16T20:59:59Z", "2024-01-12"},
		{XNYS, "2024-01-16T21:00:00Z", "2024-01-16"},
		{XNYS, "2024-07-13T00:00:00Z", "2024-07-12"}, // the midnights of a weekend
		{XNYS, "2024-07-14T00:00:00Z", "2024-07-12"},
		{XNYS, "2024-07-15T00:00:00Z", "2024-07-12"},
		{XNYS, "2024-07-16T00:00:00Z", "2024-07-15"},
		{XNYS, "2024-07-05T00:00:00Z", "2024-07-03"}, // the midnight after a holiday
		{XNYS, "2024-07-03T17:00:00Z", "2024-07-03"}, // an early close
		{XNYS, "2001-09-17T12:00:00Z", "2001-09-10"},
		{XNYS, "2024-07-16T05:00:00+09:00", "2024-07-15"},
		{XLON, "2024-12-29T00:00:00Z", "2024-12-27"},
		{XETR, "2025-01-02T08:00:00Z", "2024-12-30"},
		{Weekdays, "2024-07-13T00:00:00Z", "2024-07-12"},
		{Weekdays, "2024-07-12T23:59:59Z", "2024-07-11"},
		{Weekdays, "2024-12-25T12:00:00Z", "2024-12-24"},
	} {
		if got := tt.e.LastCompleted(instant(t, tt.at)).Date; got != date(t, tt.want) {
			t.Errorf("%s.LastCompleted(%s) = %s, want %s", tt.e.MIC(), tt.at, got, tt.want)
		}
	}
}

func TestIsOpen(t *testing.T) {
	for _, tt := range []struct {
		e    *Exchange
		at   string
		want bool
	}{
		{XNYS, "2024-07-16T13:29:59Z", false},
		{XNYS, "2024-07-16T13:30:00Z", true},
		{XNYS, "2024-07-16T19:59:59Z", true},
		{XNYS, "2024-07-16T20:00:00Z", false},
		{XNYS, "2024-07-03T17:00:00Z", false},
		{XNYS, "2024-07-04T15:00:00Z", false},
		{XNYS, "2024-07-13T15:00:00Z", false},
		{XTSE, "2024-07-04T15:00:00Z", true},
		{Weekdays, "2024-07-15T00:00:00Z", true},
		{Weekdays, "2024-07-13T00:00:00Z", false},
	} {
		if got := tt.e.IsOpen(instant(t, tt.at)); got != tt.want {
			t.Errorf("%s.IsOpen(%s) = %t, want %t", tt.e.MIC(), tt.at, got, tt.want)
		}
	}
}

func TestSessions(t *testing.T) {
	for _, tt := range []struct{ name, from, to, want string }{
		{"both ends", "2024-07-03", "2024-07-08", "2024-07-03 2024-07-05 2024-07-08"},
		{"ends that are not sessions", "2024-07-04", "2024-07-07", "2024-07-05"},
		{"across years", "2021-12-30", "2022-01-03", "2021-12-30 2021-12-31 2022-01-03"},
		{"one day", "2024-07-05", "2024-07-05", "2024-07-05"},
		{"none", "2024-07-06", "2024-07-07", ""},
		{"reversed", "2024-07-08", "2024-07-03", ""},
		{"reversed across years", "2024-01-08", "2023-07-03", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := XNYS.Sessions(date(t, tt.from), date(t, tt.to))
			if diff := cmp.Diff(dates(t, tt.want), got); diff != "" && len(got)+len(tt.want) > 0 {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoSession(t *testing.T) {
	for _, d := range []Date{{}, {2024, time.July, 4}, {2024, time.July, 6}, {2024, time.February, 31}} {
		if s, ok := XNYS.Session(d); ok || s != (Session{}) {
			t.Errorf("Session(%v) = %v, %t", d, s, ok)
		}
	}
}

func TestForSymbol(t *testing.T) {
	for _, tt := range []struct {
		symbol string
		want   *Exchange
		known  bool
	}{
		{"IBM", XNYS, true},
		{"BRK.B", XNYS, true},
		{"BF-B", XNYS, true},
		{"BF.A", XNYS, true},
		{"LEN.B", XNYS, true},
		{"GOOG.C", XNYS, true},
		{"bio.k", XNYS, true},
		{"VOD.L", Weekdays, false}, // London, Tokyo, Frankfurt and Toronto to other vendors
		{"7203.T", Weekdays, false},
		{"MBG.F", Weekdays, false},
		{"SHOP.V", Weekdays, false},
		{"X.D", Weekdays, false},
		{"0700.1", Weekdays, false},
		{"A.", Weekdays, false},
		{"TSCO.LON", XLON, true},
		{"tsco.lon", XLON, true},
		{"SHOP.TRT", XTSE, true},
		{"GPV.TRV", XTSE, true},
		{"TECK-B.TRT", XTSE, true},
		{"REI.UN.TRT", XTSE, true},
		{"MBG.DEX", XETR, true},
		{"RELIANCE.BSE", XBOM, true},
		{"RELIANCE.NSE", XBOM, true},
		{"600104.SHH", XSHG, true},
		{"000002.SHZ", XSHG, true},
		{"0700.HKG", XHKG, true},
		{"MC.PAR", XPAR, true},
		{"ASML.AMS", XAMS, true},
		{"MBG.FRK", XFRA, true},
		{"ENI.MIL", XMIL, true},
		{"7203.TYO", XTKS, true},
		{"BHP.AX", XASX, true},
		{"PETR4.SAO", BVMF, true},
		{"VOD.XX", Weekdays, false},
		{"", XNYS, true},
	} {
		if e, known := ForSymbol(tt.symbol); e != tt.want || known != tt.known {
			t.Errorf("ForSymbol(%q) = %q, %t, want %q, %t", tt.symbol, e.MIC(), known, tt.want.MIC(), tt.known)
		}
	}
}

func TestZoneOfTheMachineDoesNotMatter(t *testing.T) {
	before := cal.DefaultLoc
	t.Cleanup(func() { cal.DefaultLoc = before })
	cal.DefaultLoc = zone("America/Asuncion")
	_, unity := inUTC(de.DeutschenEinheit)[0].Calc(2010)
	if got, want := DateOf(unity), (Date{2010, time.October, 3}); got != want {
		t.Errorf("German Unity Day is %s, want %s", got, want)
	}
}

func TestConcurrentUse(t *testing.T) {
	e := &Exchange{zone: XNYS.zone, holidays: XNYS.holidays, closures: XNYS.closures, hours: XNYS.hours}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if n := len(e.Sessions(Date{2001, time.January, 1}, Date{2003, time.December, 31})); n != 248+252+252 {
				t.Errorf("%d sessions", n)
			}
		})
	}
	wg.Wait()
}

var (
	anyExchange = rapid.SampledFrom([]*Exchange{XNYS, XLON, XTSE, XETR, XBOM, XSHG, XHKG, XPAR, XAMS, XFRA, XMIL, XTKS, XASX, BVMF, Weekdays})
	anyDate     = rapid.Custom(func(t *rapid.T) Date {
		return Date{2000, time.January, 1}.AddDays(rapid.IntRange(0, 36*365).Draw(t, "day"))
	})
)

func TestLastCompletedAgreesWithSessions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyExchange.Draw(t, "exchange")
		d := anyDate.Draw(t, "date")
		at := d.In(time.UTC).Add(time.Duration(rapid.IntRange(0, 24*60*60).Draw(t, "second")) * time.Second)
		var want Session
		for _, day := range e.Sessions(d.AddDays(-15), d.AddDays(1)) {
			if s, _ := e.Session(day); !s.Close.After(at) {
				want = s
			}
		}
		if diff := cmp.Diff(want, e.LastCompleted(at)); diff != "" {
			t.Fatalf("at %s (-want +got):\n%s", at, diff)
		}
	})
}

func TestSessionsConcatenate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyExchange.Draw(t, "exchange")
		from := anyDate.Draw(t, "from")
		middle := from.AddDays(rapid.IntRange(0, 800).Draw(t, "to the middle"))
		to := middle.AddDays(rapid.IntRange(0, 800).Draw(t, "to the end"))
		parts := append(e.Sessions(from, middle), e.Sessions(middle.AddDays(1), to)...)
		if diff := cmp.Diff(e.Sessions(from, to), parts); diff != "" && len(parts) > 0 {
			t.Fatalf("(-whole +parts):\n%s", diff)
		}
	})
}

func TestSessionIsSane(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyExchange.Draw(t, "exchange")
		d := anyDate.Draw(t, "date")
		s, ok := e.Session(d)
		if ok != e.IsSession(d) {
			t.Fatalf("Session says %t, IsSession the opposite", ok)
		}
		if !ok {
			return
		}
		if wd := d.Weekday(); (wd == time.Saturday || wd == time.Sunday) && !slices.Contains(e.weekends, d) {
			t.Fatalf("a session on a %s", wd)
		}
		if s.Date != d || !s.Open.Before(s.Close) || s.Open.Location() != time.UTC || DateOf(s.Open.In(e.zone)) != d {
			t.Fatalf("%+v", s)
		}
		if e.IsOpen(s.Open.Add(-1)) != (e == Weekdays && e.IsSession(d.AddDays(-1))) || !e.IsOpen(s.Open) || !e.IsOpen(s.Close.Add(-1)) {
			t.Fatalf("IsOpen does not agree with %+v", s)
		}
		if got := e.LastCompleted(s.Close); got != s {
			t.Fatalf("at its close, the last completed is %+v", got)
		}
	})
}

func BenchmarkSessionsOf20Years(b *testing.B) {
	for b.Loop() {
		XNYS.Sessions(Date{2005, time.January, 1}, Date{2024, time.December, 31})
	}
}

func BenchmarkLastCompleted(b *testing.B) {
	at := time.Date(2024, time.July, 14, 12, 0, 0, 0, time.UTC)
	for b.Loop() {
		XNYS.LastCompleted(at)
	}
}

func BenchmarkFirstUseOfAYear(b *testing.B) {
	for b.Loop() {
		XNYS.sessionsOf(2024)
	}
}
