package alphavantage

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"papertrade/pkg/marketdata"
	"papertrade/pkg/safetext"
)

// refusals are the phrases that identify Alpha Vantage's notices; all come with HTTP 200.
// The first one that a notice contains counts. Throttling comes before the rest because its notices
// also mention the API key and premium plans. Notices about a day's quota advertise a higher volume too.
var refusals = []struct {
	phrase string
	kind   error
}{
	{"calls per minute", marketdata.ErrThrottled},
	{"more sparingly", marketdata.ErrThrottled},
	{"request per second", marketdata.ErrThrottled},
	{"requests per second", marketdata.ErrThrottled},
	{"burst pattern", marketdata.ErrThrottled},
	{"minute-level rate limit", marketdata.ErrThrottled},
	{"optimizing your api call frequency", marketdata.ErrThrottled},
	{"api rate limit is reached", marketdata.ErrThrottled},
	{"requests per day", marketdata.ErrQuotaSpent},
	{"calls per day", marketdata.ErrQuotaSpent},
	{"daily rate limit", marketdata.ErrQuotaSpent},
	{"higher api call volume", marketdata.ErrThrottled},
	{"higher api request volume", marketdata.ErrThrottled},
	{"higher api call frequency", marketdata.ErrThrottled},
	{"apikey is invalid or missing", marketdata.ErrCredentials},
	{"demo purposes only", marketdata.ErrCredentials},
	{"premium", marketdata.ErrNotEntitled},
	{"invalid api call", marketdata.ErrUnknownTicker},
	{"does not exist", marketdata.ErrInvalidData}, // "This API function (…) does not exist."
}

// parseRefusal returns the error for a notice in place of an answer; nil if body is not a notice.
func (c *Client) parseRefusal(body []byte, after time.Duration) error {
	text, err := noticeIn(body)
	if err != nil {
		return fmt.Errorf("%w: the answer is not readable as JSON", marketdata.ErrUnavailable)
	}
	if text == "" {
		return nil
	}
	return c.refusalOf(text, after, marketdata.ErrUnavailable)
}

// parseForbidden returns the error for a 401 or a 403. The vendor refuses keys with 200 and JSON: a page is that of a
// firewall or a proxy.
func (c *Client) parseForbidden(status int, body []byte, after time.Duration) error {
	text, err := noticeIn(body)
	if err != nil || text == "" {
		return fmt.Errorf("%w: something between you and the vendor answered with HTTP %d", marketdata.ErrUnavailable, status)
	}
	return c.refusalOf(text, after, marketdata.ErrCredentials)
}

// noticeIn returns the text of a notice; "" if body is JSON of another kind.
func noticeIn(body []byte) (string, error) {
	var notice struct {
		Note         text
		Information  text
		ErrorMessage text `json:"Error Message"`
	}
	err := json.Unmarshal(body, &notice)
	if errors.As(err, new(*json.UnmarshalTypeError)) {
		return "", nil
	}
	return string(notice.Note + notice.Information + notice.ErrorMessage), err
}

// refusalOf returns the error for the text of a notice: one of the kind otherwise if no phrase of it is known.
func (c *Client) refusalOf(text string, after time.Duration, otherwise error) error {
	// Between the letters of a phrase, or of the key, there can be characters that cannot be seen.
	text = safetext.Line(text)
	lower := strings.ToLower(text)
	// The notice about a spent quota echoes the key.
	message := oneLine(c.redactor.Redact(text))
	for _, r := range refusals {
		if !strings.Contains(lower, r.phrase) {
			continue
		}
		switch {
		case errors.Is(r.kind, marketdata.ErrThrottled):
			return &marketdata.ThrottledError{Message: message, RetryAfter: cmp.Or(after, windowOf(lower)), Limits: limitsIn(lower)}
		case errors.Is(r.kind, marketdata.ErrQuotaSpent):
			return &marketdata.QuotaSpentError{Message: message, Limits: limitsIn(lower)}
		default:
			return fmt.Errorf("%w: %s", r.kind, message)
		}
	}
	return fmt.Errorf("%w: an unexpected notice: %s", otherwise, message)
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

// namedLimit matches a limit as notices name it: "5 calls per minute", "25 API requests per day", "1 request/second".
var namedLimit = regexp.MustCompile(`\b([0-9][0-9,]*) (?:[a-z]+ ){0,2}(?:calls?|requests?) ?(?:per|an?|each|every|/) ?(second|minute|hour|day)\b`)

// limitsIn returns the limits that a notice about them names, of each window the smallest, in the order in which it names
// the windows. Of 0 calls there is none.
func limitsIn(notice string) (limits []marketdata.RateLimit) {
	windows := map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	for _, match := range namedLimit.FindAllStringSubmatch(notice, -1) {
		calls, err := strconv.Atoi(strings.ReplaceAll(match[1], ",", ""))
		if err != nil || calls < 1 {
			continue
		}
		window := windows[match[2]]
		i := slices.IndexFunc(limits, func(l marketdata.RateLimit) bool { return l.Per == window })
		if i < 0 {
			limits = append(limits, marketdata.RateLimit{Calls: calls, Per: window})
			continue
		}
		limits[i].Calls = min(limits[i].Calls, calls)
	}
	return limits
}

// oneLine shortens what the vendor sent to a line for the log.
func oneLine(text string) string {
	text = safetext.Line(text)
	if runes := []rune(text); len(runes) > 300 {
		return string(runes[:300]) + "…"
	}
	return text
}
