package refresh

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"time"

	"papertrade/pkg/exchange"
)

// publication is what a run found out about whether the newest session of an exchange was out.
type publication struct {
	Exchange string        `json:"exchange"` // its code, or the suffix of an exchange that is not known
	Session  exchange.Date `json:"session"`
	Tickers  int           `json:"tickers"` // that had the session
}

// UsualTime is by when the provider usually has a session of an exchange: as soon as runs ask for it, or later.
type UsualTime struct {
	Exchange string `json:"exchange"`   // its code, or the suffix of an exchange that is not known
	By       string `json:"by"`         // 15:04 in UTC
	Days     int    `json:"days_after"` // how many days after that of the session
	Sessions int    `json:"sessions"`   // from how many this is known
}

const (
	// publishedSessions are how many sessions of an exchange count, the newest, if there are minPublished at least.
	publishedSessions = 10
	minPublished      = 3
	// usually is the share of sessions that are there by the usual time.
	usually = 0.8
)

// publications returns which newest sessions a run has stored, by their exchange.
func (r *Report) publications() []publication {
	if r.Kind != Scheduled && r.Kind != Late {
		return nil
	}
	newest := map[string]publication{}
	for _, t := range r.Tickers {
		if t.Status != OutcomeRefreshed {
			continue
		}
		calendar := t.Ticker.Calendar()
		code := cmp.Or(calendar.MIC(), t.Ticker.Suffix())
		p, found := newest[code]
		if !found {
			p = publication{code, calendar.LastCompleted(r.At).Date, 0}
		}
		if t.Session == p.Session {
			p.Tickers++
		}
		newest[code] = p
	}
	all := slices.SortedFunc(maps.Values(newest), func(a, b publication) int { return cmp.Compare(a.Exchange, b.Exchange) })
	return slices.DeleteFunc(all, func(p publication) bool { return p.Tickers == 0 })
}

// arrival is when a run stored a session of some tickers.
type arrival struct {
	at      time.Time
	tickers int
}

// usualTimes returns by when the provider usually has a session, as the records of runs show it.
func usualTimes(records []RunRecord) []UsualTime {
	arrivals := map[string]map[exchange.Date][]arrival{}
	for _, record := range records {
		var metadata struct {
			At        time.Time     `json:"at"`
			Published []publication `json:"published"`
		}
		if json.Unmarshal(record.Metadata, &metadata) != nil {
			continue // it is another program's
		}
		for _, p := range metadata.Published {
			if arrivals[p.Exchange] == nil {
				arrivals[p.Exchange] = map[exchange.Date][]arrival{}
			}
			arrivals[p.Exchange][p.Session] = append(arrivals[p.Exchange][p.Session], arrival{metadata.At, p.Tickers})
		}
	}
	var usual []UsualTime
	for _, code := range slices.Sorted(maps.Keys(arrivals)) {
		if u, known := usualTime(arrivals[code]); known {
			u.Exchange = code
			usual = append(usual, u)
		}
	}
	return usual
}

// usualTime returns by when a session usually arrives.
func usualTime(bySession map[exchange.Date][]arrival) (u UsualTime, known bool) {
	sessions := slices.SortedFunc(maps.Keys(bySession), func(a, b exchange.Date) int { return b.Compare(a) })
	sessions = sessions[:min(len(sessions), publishedSessions)]
	if len(sessions) < minPublished {
		return UsualTime{}, false
	}
	var delays []time.Duration
	for _, session := range sessions {
		delays = append(delays, arrivedAt(bySession[session]).Sub(session.In(time.UTC)))
	}
	slices.Sort(delays)
	by := delays[int(math.Ceil(usually*float64(len(delays))))-1]
	days := by / (24 * time.Hour)
	return UsualTime{By: time.Time{}.Add(by % (24 * time.Hour)).Format("15:04"), Days: int(days), Sessions: len(sessions)}, true
}

// arrivedAt returns when half of the tickers of a session had arrived.
func arrivedAt(arrivals []arrival) time.Time {
	slices.SortFunc(arrivals, func(a, b arrival) int { return a.at.Compare(b.at) })
	all := 0
	for _, a := range arrivals {
		all += a.tickers
	}
	arrived := 0
	for _, a := range arrivals {
		if arrived += a.tickers; 2*arrived >= all {
			return a.at
		}
	}
	return time.Time{}
}
