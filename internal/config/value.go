package config

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/shopspring/decimal"
)

// errNotAllowed refuses a value for no other reason than that it is not what the setting allows.
var errNotAllowed = errors.New("not allowed")

var errEmptyList = errors.New("it has no items")

func itemError(item string, err error) error {
	if errors.Is(err, errNotAllowed) {
		return fmt.Errorf("%q is none of them", clip(item))
	}
	return err
}

func duplicateError(item string) error { return fmt.Errorf("%q is listed twice", clip(item)) }

// optional lets an empty value stand for none.
func optional[T any](parse func(string) (T, error)) func(string) (T, error) {
	return func(s string) (T, error) {
		if s == "" {
			var none T
			return none, nil
		}
		return parse(s)
	}
}

func anyOf(values []string) string {
	if len(values) == 1 {
		return values[0] + ", the only choice"
	}
	last := len(values) - 1
	return "one of " + strings.Join(values[:last], ", ") + " or " + values[last]
}

func oneOf(values []string) func(string) (string, error) {
	return func(s string) (string, error) {
		if !slices.Contains(values, s) {
			return "", errNotAllowed
		}
		return s, nil
	}
}

// upTo returns a parser of whole numbers from 1 to the limit.
func upTo(limit int) func(string) (int, error) {
	return func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > limit {
			return 0, errNotAllowed
		}
		return n, nil
	}
}

func share(s string) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 1 {
		return 0, errNotAllowed
	}
	return f, nil
}

const percentageAllowed = `a percentage greater than 0, like "35%" or "120%"`

var writtenPercentage = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,9})?%$`)

// percentage reads a share, exactly: 0.35 of "35%".
func percentage(s string) (decimal.Decimal, error) {
	if !writtenPercentage.MatchString(s) {
		return decimal.Decimal{}, errNotAllowed
	}
	d, err := decimal.NewFromString(strings.TrimSuffix(s, "%"))
	if err != nil || !d.IsPositive() {
		return decimal.Decimal{}, errNotAllowed
	}
	return d.Shift(-2), nil
}

func truth(s string) (bool, error) {
	b, err := strconv.ParseBool(s)
	if err != nil {
		return false, errNotAllowed
	}
	return b, nil
}

const durationAllowed = `a duration like "12s", "1h30m", "7d" or "2w"`

// ParseDuration reads what time.ParseDuration does, optionally after weeks (w) and days (d) of 24 hours:
// "90s", "7d", "1w2d12h". A duration is not negative.
func ParseDuration(s string) (time.Duration, error) {
	var total time.Duration
	rest := s
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		count, after, found := strings.Cut(rest, unit.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(count, 10, 32)
		if err != nil || time.Duration(n) > (math.MaxInt64-total)/unit.length {
			return 0, notADuration(s)
		}
		total += time.Duration(n) * unit.length
		rest = after
	}
	if rest == "" && rest != s {
		return total, nil
	}
	clock, err := time.ParseDuration(rest)
	if err != nil || clock < 0 || clock > math.MaxInt64-total {
		return 0, notADuration(s)
	}
	return total + clock, nil
}

type durationError struct{ value string }

func notADuration(s string) error { return &durationError{clip(s)} }

func (e *durationError) Error() string { return fmt.Sprintf("%q is not %s", e.value, durationAllowed) }

// Unwrap keeps a setting from saying twice what it allows.
func (e *durationError) Unwrap() error { return errNotAllowed }

func timeout(s string) (time.Duration, error) {
	d, err := ParseDuration(s)
	if err == nil && d == 0 {
		err = errNotAllowed
	}
	return d, err
}

// maxSchedule is more than a cron expression that lists all minutes, hours and days takes, in bytes.
const maxSchedule = 500

// schedule validates a cron expression.
func schedule(s string) (string, error) {
	// The parser panics on "TZ=" without a space, and the zone is UTC in any case.
	if strings.HasPrefix(s, "TZ=") || strings.HasPrefix(s, "CRON_TZ=") {
		return "", errors.New("it is read in UTC: leave the time zone out")
	}
	if len(s) > maxSchedule { // an error would quote all of it
		return "", errNotAllowed
	}
	parsed, err := cron.ParseStandard(s)
	if err != nil {
		return "", err
	}
	if parsed.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return "", errors.New("no such day exists, so it would never fire")
	}
	return s, nil
}

func filePath(s string) (string, error) {
	if strings.ContainsRune(s, 0) {
		return "", errNotAllowed
	}
	return s, nil
}

func promFile(s string) (string, error) {
	if !strings.HasSuffix(s, ".prom") || strings.HasSuffix(s, "/.prom") || s == ".prom" {
		return "", errNotAllowed
	}
	return filePath(s)
}

func webURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", errNotAllowed
	}
	return s, nil
}

func baseURL(s string) (string, error) {
	if _, err := webURL(s); err != nil {
		return "", err
	}
	u, err := url.Parse(s)
	if err != nil || u.User != nil || strings.Contains(s, "#") {
		return "", errNotAllowed
	}
	if query, err := url.ParseQuery(u.RawQuery); err != nil || hasKey(query) {
		return "", errNotAllowed
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return "", errors.New("the API key would be sent unencrypted")
	}
	return s, nil
}

// hasKey reports whether a query has a parameter like apikey or api_key: the key has a setting of its own.
func hasKey(query url.Values) bool {
	for name := range query {
		if strings.EqualFold(strings.NewReplacer("_", "", "-", "").Replace(name), "apikey") {
			return true
		}
	}
	return false
}

// concealQuery returns a URL without its query, which can have a password of a proxy in it.
func concealQuery(s string) string {
	if before, query, _ := strings.Cut(s, "?"); query != "" {
		return before + "?" + hidden
	}
	return s
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// concealURL returns only the scheme and host of a URL: whoever knows the rest of a ping's URL can ping.
func concealURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || s == "" {
		return ""
	}
	if u.User == nil && u.RawQuery == "" && strings.Trim(u.Path, "/") == "" {
		return s
	}
	return u.Scheme + "://" + u.Host + "/" + hidden
}
