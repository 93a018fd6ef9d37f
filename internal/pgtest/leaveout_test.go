package pgtest

import (
	"errors"
	"path/filepath"
	"testing"
)

// ended is a test that records how it ended.
type ended struct {
	testing.TB
	outcome, reason string
}

func (e *ended) Helper()           {}
func (e *ended) Skip(args ...any)  { e.end("skipped", args) }
func (e *ended) Fatal(args ...any) { e.end("failed", args) }

func (e *ended) end(outcome string, args []any) {
	e.outcome, e.reason = outcome, args[0].(string)
	panic(e)
}

func run(test func(t testing.TB)) (e *ended) {
	e = &ended{}
	defer func() {
		if r := recover(); r != nil && r != any(e) {
			panic(r)
		}
	}()
	test(e)
	return e
}

func TestLeaveOut(t *testing.T) {
	leftOut.Store("left out: tests of LeaveOut: nothing is missing", true) // so that it is not printed
	for _, tt := range []struct{ ci, required, want string }{
		{"", "", "skipped"},
		{"true", "", "failed"},
		{"", "1", "failed"},
	} {
		t.Setenv("CI", tt.ci)
		t.Setenv(Required, tt.required)
		got := run(func(t testing.TB) { LeaveOut(t, "tests of LeaveOut", errors.New("nothing is missing")) })
		if want := "left out: tests of LeaveOut: nothing is missing"; got.outcome != tt.want || got.reason != want {
			t.Errorf("CI=%q %s=%q: %s, %q; want %s, %q", tt.ci, Required, tt.required, got.outcome, got.reason, tt.want, want)
		}
	}
}

func TestTestsAreLeftOutWithoutPostgres(t *testing.T) {
	nowhere := t.TempDir()
	t.Setenv("PATH", nowhere)
	t.Setenv(binariesVariable, filepath.Join(nowhere, "*", "bin"))
	t.Setenv("CI", "true")
	got := run(func(t testing.TB) { (&Shared{}).Empty(t) })
	want := "left out: tests on Postgres: initdb and postgres are neither on the PATH nor in " + nowhere + "/*/bin; make test installs them"
	if got.outcome != "failed" || got.reason != want {
		t.Errorf("%s, %q; want failed, %q", got.outcome, got.reason, want)
	}
}
