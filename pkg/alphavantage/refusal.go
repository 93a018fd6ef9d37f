package alphavantage

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"papertrade/pkg/marketdata"
)

// refusals are the phrases that identify Alpha Vantage's notices; all come with HTTP 200.
// The first one that a notice contains counts. Throttling comes before the rest because its notices
// also mention the API key and premium plans.
var refusals = []struct {
	phrase string
	kind   error
}{
	{"calls per minute", marketdata.ErrThrottled},
	{"more sparingly", marketdata.ErrThrottled},
	{"request per second", marketdata.ErrThrottled},
	{"burst pattern", marketdata.ErrThrottled},
	{"minute-level rate limit", marketdata.ErrThrottled},
	{"requests per day", marketdata.ErrQuotaSpent},
	{"calls per day", marketdata.ErrQuotaSpent},
	{"daily rate limit", marketdata.ErrQuotaSpent},
	{"apikey is invalid or missing", marketdata.ErrCredentials},
	{"demo purposes only", marketdata.ErrCredentials},
	{"premium", marketdata.ErrNotEntitled},
	{"invalid api call", marketdata.ErrUnknownTicker},
}

// parseRefusal returns the error for a notice in place of an answer; nil if body is not a notice.
func (c *Client) parseRefusal(body []byte, after time.Duration) error {
	var notice struct {
		Note         string
		Information  string
		ErrorMessage string `json:"Error Message"`
	}
	if err := json.Unmarshal(body, &notice); err != nil {
		return fmt.Errorf("%w: the answer is not readable as JSON", marketdata.ErrUnavailable)
	}
	text := notice.Note + notice.Information + notice.ErrorMessage
	if text == "" {
		return nil
	}
	lower := strings.ToLower(text)
	// The notice about a spent quota echoes the key.
	message := oneLine(c.redact(text))
	for _, r := range refusals {
		if !strings.Contains(lower, r.phrase) {
			continue
		}
		if errors.Is(r.kind, marketdata.ErrThrottled) {
			return &marketdata.ThrottledError{Message: message, RetryAfter: cmp.Or(after, windowOf(lower))}
		}
		return fmt.Errorf("%w: %s", r.kind, message)
	}
	return fmt.Errorf("%w: an unexpected notice: %s", marketdata.ErrUnavailable, message)
}

// windowOf returns the length of the window that a throttling notice names; 0 if it names none.
func windowOf(notice string) time.Duration {
	switch {
	case strings.Contains(notice, "per second"):
		return time.Second
	case strings.Contains(notice, "per minute"), strings.Contains(notice, "minute-level"):
		return time.Minute
	default:
		return 0
	}
}

// oneLine shortens a notice to one line for the log.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 300 {
		return string(runes[:300]) + "…"
	}
	return text
}
