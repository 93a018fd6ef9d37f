package retry

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	errPasses = errors.New("the server restarts")
	errLocked = errors.New("somebody has the lock")
	errStays  = errors.New("the disk is full")
)

// newPolicy returns a policy of five minutes, and one of locks; it writes down what is reported to it.
func newPolicy(reports *[]string) *Policy {
	return &Policy{
		Limit: func(err error) time.Duration {
			switch {
			case errors.Is(err, errPasses):
				return 5 * time.Minute
			case errors.Is(err, errLocked):
				return time.Minute
			default:
				return 0
			}
		},
		Waiting: func(operation string, err error) {
			*reports = append(*reports, fmt.Sprintf("%s waits: %v", operation, err))
		},
		Resumed: func(operation string, took time.Duration) {
			*reports = append(*reports, fmt.Sprintf("%s goes on after %v", operation, took.Round(time.Second)))
		},
	}
}

// failing returns attempts that each take a time and fail with an error until so long after the first; then they succeed.
func failing(err error, takes, lasts time.Duration) func() (string, error) {
	var began time.Time
	return func() (string, error) {
		if began.IsZero() {
			began = time.Now()
		}
		time.Sleep(takes)
		if time.Since(began) < lasts {
			return "", fmt.Errorf("store: %w", err)
		}
		return "stored", nil
	}
}

func TestDo(t *testing.T) {
	tests := []struct {
		name         string
		err          error
		takes, lasts time.Duration
		want         string // the error; "" if it succeeds
		min, max     time.Duration
		reports      []string
	}{
		{"at once", errPasses, 0, 0, "", 0, 0, nil},
		{"soon", errPasses, 0, time.Second, "", time.Second, 2 * time.Second, nil},
		{"after a restart", errPasses, 0, time.Minute, "", time.Minute, 67 * time.Second, []string{"commit waits: store: the server restarts"}},
		{"what stays", errStays, 0, time.Hour, "store: the disk is full", 0, 0, nil},
		{"what stays for too long", errPasses, 0, time.Hour, "store: the server restarts; it was tried again for ",
			5 * time.Minute, 5*time.Minute + 7*time.Second, []string{"commit waits: store: the server restarts"}},
		{"a lock that is given back", errLocked, 4 * time.Second, 11 * time.Second, "", 12 * time.Second, 14 * time.Second,
			[]string{"commit waits: store: somebody has the lock"}},
		{"a lock that is not", errLocked, 4 * time.Second, time.Hour, "store: somebody has the lock; it was tried again for ",
			time.Minute, 70 * time.Second, []string{"commit waits: store: somebody has the lock"}},
		{"nothing but slow", errPasses, 7 * time.Second, 0, "", 7 * time.Second, 7 * time.Second, []string{"commit waits: <nil>"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var reports []string
				start := time.Now()
				result, err := Do(t.Context(), newPolicy(&reports), "commit", failing(test.err, test.takes, test.lasts))
				took := time.Since(start)
				if took < test.min || took > test.max {
					t.Errorf("it took %v, want %v to %v", took, test.min, test.max)
				}
				want := test.want
				if want != "" && test.min > 0 {
					want += took.Round(time.Second).String()
				}
				if got := fmt.Sprint(err); want != "" && got != want || want == "" && (err != nil || result != "stored") {
					t.Errorf("%q, error %q; want error %q", result, got, want)
				}
				if want != "" && !errors.Is(err, test.err) {
					t.Errorf("%v does not wrap %v", err, test.err)
				}
				if len(test.reports) > 0 && want == "" {
					test.reports = append(test.reports, "commit goes on after "+took.Round(time.Second).String())
				}
				if diff := cmp.Diff(test.reports, reports); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		})
	}
}

// A run whose database does not come back ends: its last writes do not wait once more for as long.
func TestPatienceIsSpentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPolicy(new([]string))
		attempt := func(err error) (took time.Duration) {
			start := time.Now()
			_, _ = Do(t.Context(), p, "commit", func() (bool, error) { return err == nil, err })
			return time.Since(start)
		}
		if took := attempt(errPasses); took < 5*time.Minute {
			t.Errorf("it was given up after %v", took)
		}
		if took := attempt(errPasses); took != 0 {
			t.Errorf("what followed waited for %v", took)
		}
		attempt(nil)
		if took := attempt(errPasses); took < 5*time.Minute {
			t.Errorf("after a success it was given up after %v", took)
		}
	})
}

// A signal ends the wait.
func TestEndOfContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		start := time.Now()
		_, err := Do(ctx, newPolicy(new([]string)), "commit", failing(errPasses, 0, time.Hour))
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 90*time.Second {
			t.Errorf("error %v after %v, want that of the context after 90 s", err, took)
		}
	})
}

// Who is interrupted still says what the database has said, whether it was waiting or trying.
func TestErrorsOfInterruption(t *testing.T) {
	signal := errors.New("a signal")
	for _, test := range []struct {
		name      string
		takes     time.Duration // each attempt
		interrupt time.Duration
		want      string
	}{
		{"at once", time.Hour, 0, "the driver: context canceled"},
		{"in the first wait", 0, time.Millisecond, "a signal; it waited for the database: the server restarts"},
		{"in a later wait", 0, 90 * time.Second, "a signal; it waited for the database: the server restarts; it was tried again for 1m30s"},
		{"in a later attempt", 10 * time.Second, 15 * time.Second,
			"a signal; it waited for the database: the server restarts; it was tried again for 15s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(test.interrupt, func() { cancel(signal) })
				_, err := Do(ctx, newPolicy(new([]string)), "commit", func() (bool, error) {
					select {
					case <-ctx.Done():
						return false, fmt.Errorf("the driver: %w", ctx.Err())
					case <-time.After(test.takes):
						return false, errPasses
					}
				})
				if err == nil || err.Error() != test.want {
					t.Errorf("%v, want %s", err, test.want)
				}
				if waited := errors.Is(err, errPasses); waited != (test.interrupt > 0) {
					t.Errorf("%v wraps the error of the database: %t", err, waited)
				}
			})
		})
	}
}
