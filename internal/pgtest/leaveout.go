package pgtest

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"testing"
)

// Required is the environment variable by which `make test` requires that no test be left out.
const Required = "PAPERTRADE_TEST_REQUIRE"

// leftOut has the sentences that this process has written.
var leftOut sync.Map

// LeaveOut skips a test which needs a program that is not installed, and reports that once per process. In
// CI and under `make test`, which installs what is missing, the test fails instead.
func LeaveOut(t testing.TB, tests string, missing error) {
	t.Helper()
	sentence := fmt.Sprintf("left out: %s: %v", tests, missing)
	if os.Getenv(Required) != "" || os.Getenv("CI") != "" {
		t.Fatal(sentence)
	}
	if _, announced := leftOut.LoadOrStore(sentence, true); !announced {
		announce(sentence)
	}
	t.Skip(sentence)
}

// announce writes a line to the stderr of the `go test` that started this process, if there is one,
// since go test hides the output of packages that pass.
func announce(sentence string) {
	proc := fmt.Sprintf("/proc/%d", os.Getppid())
	if name, err := os.ReadFile(proc + "/comm"); err == nil && string(bytes.TrimSpace(name)) == "go" {
		if stderr, err := os.OpenFile(proc+"/fd/2", os.O_WRONLY|os.O_APPEND, 0); err == nil {
			defer stderr.Close()
			_, _ = fmt.Fprintln(stderr, sentence)
			return
		}
	}
	fmt.Fprintln(os.Stderr, sentence)
}
