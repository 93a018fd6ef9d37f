package refresh

import (
	"errors"
	"slices"
	"sync"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
)

// LearnedLimit is a limit of a vendor's key that a refusal showed, and that allows less than what is set.
type LearnedLimit struct {
	Provider string `json:"provider"`
	quota.Narrowed
}

// refusalOf returns what an error of a call says of the key's limits; false if it is no refusal because of them.
func refusalOf(err error) (refusal quota.Refusal, refused bool) {
	var spent *marketdata.QuotaSpentError
	var throttled *marketdata.ThrottledError
	var named []marketdata.RateLimit
	switch {
	case errors.As(err, &spent):
		named = spent.Limits
	case errors.As(err, &throttled):
		named = throttled.Limits
	}
	for _, limit := range named {
		window := limit.Per
		if window == 24*time.Hour {
			window = 0 // a calendar day
		}
		refusal.Named = append(refusal.Named, quota.Limit{Calls: limit.Calls, Window: window})
	}
	refusal.Spent = errors.Is(err, marketdata.ErrQuotaSpent)
	return refusal, refusal.Spent || errors.Is(err, marketdata.ErrThrottled)
}

// learnedLimits are those that a run has reported.
type learnedLimits struct {
	mu  sync.Mutex
	all []LearnedLimit
}

// replace takes those of a vendor instead of what it had, and reports whether there are others among them.
func (l *learnedLimits) replace(provider string, limits []LearnedLimit) (news bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	isKnown := func(limit LearnedLimit) bool {
		return slices.ContainsFunc(l.all, func(known LearnedLimit) bool {
			return known.Provider == provider && known.Limit == limit.Limit
		})
	}
	news = slices.ContainsFunc(limits, func(limit LearnedLimit) bool { return !isKnown(limit) })
	l.all = slices.DeleteFunc(l.all, func(known LearnedLimit) bool { return known.Provider == provider })
	l.all = append(l.all, limits...)
	return news
}

func (l *learnedLimits) list() []LearnedLimit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// reportLimits reports what is known of the limits of a vendor's key that the settings do not have, unless the run has reported
// it before.
func (r *run) reportLimits(v Vendor, learned []quota.Learned) {
	var limits []LearnedLimit
	for _, narrowed := range quota.Narrow(v.Limiter.Limits(), learned, time.Now()) {
		limits = append(limits, LearnedLimit{v.Provider.Name(), narrowed})
	}
	if r.limits.replace(v.Provider.Name(), limits) {
		r.observe(LimitsLearned{limits})
	}
}
