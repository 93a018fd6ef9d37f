package main

import (
	"fmt"
	"strings"
	"time"

	"papertrade/internal/config"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
)

// limitAdvice returns a sentence, without its full stop, about limits of the provider's key that refusals showed to be narrower
// than those that the settings have; "" if there are none.
func limitAdvice(c *config.Config, limits []quota.Narrowed) string {
	if len(limits) == 0 {
		return ""
	}
	var allowed, says []string
	learned := make([]quota.Learned, len(limits))
	for i, l := range limits {
		allowed = append(allowed, inWords(l.Limit))
		learned[i] = l.Learned
		if l.Set != (quota.Limit{}) {
			says = append(says, l.Set.String())
		}
	}
	vendor := c.Provider()
	if len(says) < len(limits) {
		says = texts(vendor.RateLimits)
	}
	effective := quota.Effective(vendor.RateLimits, learned, learned[0].At)
	return fmt.Sprintf("the vendor allows %s, %s.rate_limits says %s: set it to %s",
		strings.Join(allowed, " and "), vendor.Name, strings.Join(says, ","), strings.Join(texts(effective), ","))
}

// inWords returns a limit as people say it: 25 calls a day.
func inWords(l quota.Limit) string {
	calls := count(l.Calls, "call", "calls")
	switch l.Window {
	case 0, 24 * time.Hour:
		return calls + " a day"
	case time.Hour:
		return calls + " an hour"
	case time.Minute:
		return calls + " a minute"
	case time.Second:
		return calls + " a second"
	default:
		return calls + " in " + l.Window.String()
	}
}

func texts(limits []quota.Limit) []string {
	all := make([]string, len(limits))
	for i, limit := range limits {
		all[i] = limit.String()
	}
	return all
}

// narrowed returns those of the provider.
func narrowed(c *config.Config, learned []refresh.LearnedLimit) []quota.Narrowed {
	var limits []quota.Narrowed
	for _, l := range learned {
		if l.Provider == c.Provider().Source {
			limits = append(limits, l.Narrowed)
		}
	}
	return limits
}
